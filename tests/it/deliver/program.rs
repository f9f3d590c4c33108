//! `fenghuo receiver`, the built program.

use std::fs;
use std::io::{BufRead as _, BufReader, Read};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};

use fenghuo::deliver::{Payload, SigningSecret, webhook_id};
use fenghuo::model::Alert;
use jiff::Timestamp;
use tempfile::TempDir;

use super::{SECRET, alert};
use crate::support::{wait_for, wait_until};

fn program(folder: &TempDir, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fenghuo"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("FENGHUO_")) {
        command.env_remove(name);
    }
    command.current_dir(folder.path()).args(["receiver", "--color", "never"]).args(args);
    command
}

fn with_secret() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("webhook.secret");
    fs::write(&file, format!("{SECRET}\n")).unwrap();
    fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
    folder
}

/// A running receiver; killed with the value.
struct Receiver {
    child: Child,
    out: Arc<Mutex<String>>,
    err: Arc<Mutex<String>>,
    url: String,
}

impl Receiver {
    fn start(folder: &TempDir, args: &[&str]) -> Self {
        let mut child = program(folder, &["--listen", "127.0.0.1:0", "--secret-file", "webhook.secret"])
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (out, err) = (read(child.stdout.take().unwrap()), read(child.stderr.take().unwrap()));
        let url = wait_for("the receiver to listen", || {
            let err = err.lock().unwrap();
            let (_, rest) = err.split_once("receiving alerts on ")?;
            Some(rest.split_once(';')?.0.to_owned())
        });
        Self { child, out, err, url }
    }

    /// Sends an alert that is signed with `secret`; the answer's status.
    async fn push(&self, alert: &Alert, secret: &str) -> u16 {
        let body = Payload::new(alert.clone()).to_bytes().unwrap();
        let (id, now) = (webhook_id(alert), Timestamp::now());
        let signature = SigningSecret::parse(&secret.into()).unwrap().sign(&id, now, &body);
        let request = reqwest::Client::new()
            .post(format!("{}alerts", self.url))
            .header("webhook-id", id)
            .header("webhook-timestamp", now.as_second())
            .header("webhook-signature", signature)
            .body(body);
        request.send().await.unwrap().status().as_u16()
    }

    fn printed(&self) -> String {
        self.out.lock().unwrap().clone()
    }

    fn stop(mut self) {
        let told = Command::new("kill").arg(self.child.id().to_string()).status().unwrap();
        assert!(told.success());
        let status = wait_for("the receiver to end", || self.child.try_wait().unwrap());
        assert_eq!(status.code(), Some(0), "{}", self.err.lock().unwrap());
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read(stream: impl Read + Send + 'static) -> Arc<Mutex<String>> {
    let text = Arc::<Mutex<String>>::default();
    let told = Arc::clone(&text);
    let read = move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            let mut text = told.lock().unwrap();
            text.push_str(&line);
            text.push('\n');
        }
    };
    std::thread::Builder::new().name("receiver-output".into()).spawn(read).unwrap();
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn the_program_prints_what_is_signed_and_refuses_the_rest() {
    let folder = with_secret();
    let receiver = Receiver::start(&folder, &["--out", "kept.ndjson"]);
    let (first, second) = (alert("QS-1", 1), alert("QS-1", 2));
    assert!(receiver.push(&first, SECRET).await / 100 == 2);
    wait_until("the alert to be printed", || receiver.printed().contains("青石里小区"));
    let printed = receiver.printed();
    assert!(printed.contains("QS-1") && printed.contains("3人反映"), "{printed}");

    let other = "whsec_YW5vdGhlciBzZWNyZXQgdGhhdCBub2JvZHkga25vd3M=";
    assert_eq!(receiver.push(&second, other).await, 401);
    wait_until("the refusal to be told", || receiver.err.lock().unwrap().contains("refused"));
    let told = receiver.err.lock().unwrap().lines().last().unwrap().to_owned();
    insta::assert_snapshot!(told.split_once(" WARN ").unwrap().1, @"fenghuo::cli::receiver: refused reason=no v1 signature matches; check that both sides have the same secret");
    assert_eq!(receiver.printed(), printed, "what is refused is not printed");

    // A repeat is answered as if it were new, and not printed again; also after a restart.
    assert!(receiver.push(&first, SECRET).await / 100 == 2);
    receiver.stop();
    let receiver = Receiver::start(&folder, &["--out", "kept.ndjson", "--json"]);
    assert!(receiver.push(&first, SECRET).await / 100 == 2);
    assert!(receiver.push(&second, SECRET).await / 100 == 2);
    wait_until("the second revision", || receiver.printed().ends_with('\n'));
    let lines: Vec<Payload> =
        receiver.printed().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.iter().map(|payload| webhook_id(&payload.alert)).collect::<Vec<_>>(), ["QS-1.2"]);
    receiver.stop();
    assert_eq!(fs::read_to_string(folder.path().join("kept.ndjson")).unwrap().lines().count(), 2);
}

#[test]
fn a_receiver_that_cannot_start_says_why_in_one_line() {
    let folder = with_secret();
    let write = |name: &str, text: &str, mode: u32| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    write("short", "short", 0o600);
    write("open", SECRET, 0o644);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let refused = |args: &[&str], code: i32| {
        let Output { status, stderr, .. } = program(&folder, args).output().unwrap();
        let text = String::from_utf8(stderr).unwrap();
        assert_eq!((status.code(), text.lines().count()), (Some(code), 1), "{text}");
        text.trim_end().replace(&address, "ADDRESS")
    };
    let out = Path::new("webhook.secret").join("file").display().to_string();
    let said = [
        refused(&["--listen", "127.0.0.1:0"], 2),
        refused(&["--secret-file", "nothing"], 2),
        refused(&["--secret-file", "short"], 2),
        refused(&["--secret-file", "open"], 2),
        refused(&["--secret-file", "webhook.secret", "--listen", &address], 5),
    ];
    insta::assert_snapshot!(said.join("\n"), @"
fenghuo: name the secret that signs the alerts with --secret-file or --secret-env
fenghuo: cannot read the webhook secret from nothing: No such file or directory (os error 2); make the file or correct its path in the configuration
fenghuo: the signing secret has 5 bytes and needs at least 24; make one with `echo whsec_$(openssl rand -base64 32)`
fenghuo: open holds the webhook secret and can be read by everybody (mode 0644); run `chmod o-rwx open`
fenghuo: cannot listen on ADDRESS; choose another address with --listen: Address already in use (os error 98)
");
    let args = ["--secret-file", "webhook.secret", "--listen", "127.0.0.1:0", "--out", &out];
    let output = program(&folder, &args).output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    let last = text.lines().last().unwrap();
    assert!(!output.status.success() && last.starts_with("fenghuo: ") && last.contains(&out), "{text}");
}
