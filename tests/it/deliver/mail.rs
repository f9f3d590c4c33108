//! Mail against a real SMTP server (aiosmtpd) that asks for STARTTLS and a login.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use fenghuo::deliver::channel::{self, ChannelConfig, ChannelSecrets, MailConfig};
use fenghuo::deliver::{RetryConfig, SinkState, Words};
use fenghuo::store::{DeadLetterFilter, Store as _};
use serde_json::Value;

use super::{Desk, Worker, alert, until};

/// A running mail server; ends with the value.
struct Server {
    child: Child,
    port: u16,
    folder: tempfile::TempDir,
    taken: Arc<Mutex<Vec<Value>>>,
}

impl Server {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let made = Command::new("openssl")
            .args("req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost".split(' '))
            .current_dir(folder.path())
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/smtp/server.py");
        // Debian's own, which has Debian's packages, whatever else is called python3 here.
        let mut child = Command::new("/usr/bin/python3")
            .arg(script)
            .args(["cert.pem", "key.pem"])
            .current_dir(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let port = lines.next().expect("tests/run installs python3-aiosmtpd").unwrap().parse().unwrap();
        let taken = Arc::<Mutex<Vec<Value>>>::default();
        let told = Arc::clone(&taken);
        let read = move || {
            for line in lines.map_while(Result::ok) {
                told.lock().unwrap().push(serde_json::from_str(&line).unwrap());
            }
        };
        std::thread::Builder::new().name("mail-server".into()).spawn(read).unwrap();
        Self { child, port, folder, taken }
    }

    fn config(&self, to: &[&str]) -> ChannelConfig {
        let mail = MailConfig {
            server: "localhost".into(),
            port: Some(self.port),
            username: Some("fenghuo".into()),
            password_env: Some("UNUSED".into()),
            from: "烽火 <fenghuo@example.cn>".into(),
            to: to.iter().map(|to| (*to).to_owned()).collect(),
            ..MailConfig::default()
        };
        ChannelConfig {
            ca_file: Some(self.ca_file()),
            retry: RetryConfig { initial_seconds: 1, max_seconds: 1, give_up_after_hours: None },
            mail: Some(mail),
            ..ChannelConfig::default()
        }
    }

    fn ca_file(&self) -> PathBuf {
        self.folder.path().join("cert.pem")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn worker(desk: &Desk, config: &ChannelConfig, password: &str) -> Worker {
    let words = Arc::new(Words::load(None, Some("https://fenghuo.example")).unwrap());
    let secrets = ChannelSecrets::from([("mail.password", password.into())]);
    desk.worker_of("a", channel::open(&desk.sink, config, &secrets, &words).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_is_taken_by_a_real_server_over_tls_with_a_login() {
    let server = Server::start();
    let desk = Desk::new("t-mail");
    desk.commit(vec![alert("QS-1", 1), alert("QS-1", 2)]);
    let worker =
        worker(&desk, &server.config(&["zhiban@example.cn", "450once@example.cn"]), "PASSWORD-PLANTED");
    until("both revisions", || desk.pending() == 0).await;
    worker.stop().await;
    let taken = server.taken.lock().unwrap();
    assert_eq!(taken.len(), 2, "greylisting was waited out, and nothing came twice");
    let mail = &taken[0];
    assert_eq!(mail["subject"], "【群诉事件·蓝】青石里小区 搅拌站噪音");
    assert_eq!(mail["id"], "<QS-1.1@example.cn>");
    assert_eq!((mail["tls"].as_bool(), mail["login"].as_bool()), (Some(true), Some(true)));
    let text = mail["text"].as_str().unwrap();
    assert!(text.contains("3人，3件工单") && text.contains("https://fenghuo.example/alerts/QS-1"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_are_wrong_raise_an_alarm_and_lose_nothing() {
    let server = Server::start();
    for (name, to, password, ca_file, shown) in [
        ("t-mail-login", "a@example.cn", "WRONG-PLANTED", Some(server.ca_file()), "535"),
        ("t-mail-to", "550@example.cn", "PASSWORD-PLANTED", Some(server.ca_file()), "550"),
        ("t-mail-tls", "a@example.cn", "PASSWORD-PLANTED", None, "certificate"),
    ] {
        let desk = Desk::new(name);
        desk.commit(vec![alert("QS-1", 1)]);
        let config = ChannelConfig { ca_file, ..server.config(&[to]) };
        let worker = worker(&desk, &config, password);
        until("the alarm", || matches!(worker.state(), SinkState::Alarmed { .. })).await;
        let state = format!("{:?}", worker.state());
        assert!(state.contains(shown) && !state.contains("PLANTED"), "{name}: {state}");
        worker.stop().await;
        assert_eq!(desk.pending(), 1, "{name}");
    }
    assert!(server.taken.lock().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_a_server_does_not_want_is_put_aside() {
    let server = Server::start();
    let desk = Desk::new("t-mail-554");
    desk.commit(vec![alert("QS-1", 1)]);
    let worker = worker(&desk, &server.config(&["554@example.cn"]), "PASSWORD-PLANTED");
    until("the alert to be put aside", || desk.pending() == 0).await;
    worker.stop().await;
    let letters = desk.store.dead_letters(&DeadLetterFilter::default(), 10).unwrap();
    assert!(letters[0].detail.contains("554"), "{}", letters[0].detail);
}
