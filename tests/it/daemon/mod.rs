//! The built program as a user runs it: configuration file, data folder, a real receiver of alerts.
//!
//! The invariant of all runs: what the receiver has accepted at the end is the same, byte for byte,
//! as in a run that nothing disturbed.

mod bad_input;
mod files;
mod http;
#[cfg(feature = "kafka")]
mod kafka;
mod reload;
mod room;
mod rules;
mod starts;
mod stops;

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex};

use fenghuo::deliver::SigningSecret;
use fenghuo::deliver::receiver::{self, Event, Order, ReceiverConfig};
use fenghuo::generate::{GenerateConfig, Generated, Generator};
use fenghuo::store::sqlite::SqliteStore;
use fenghuo::store::{Store as _, StoreConfig};
use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use crate::support::{wait_for, wait_until};

const SECRET: &str = "whsec_dGhpcyBpcyBhIHRlc3Qgc2VjcmV0IG9mIDMyIGJ5";

/// Accepted alerts: id and revision, with the whole alert as JSON.
type Accepted = BTreeMap<(String, u32), String>;

/// A stream in which matters come together often, so that many alerts are raised and told again.
fn stream(events: u64, seed: u64) -> Vec<Generated> {
    let config = GenerateConfig {
        seed,
        events: Some(events),
        events_per_day: 100,
        groups: 0.7,
        estates: Some(20),
        repeats: 0.02,
        updates: 0.02,
        ..GenerateConfig::default()
    };
    Generator::new(config).unwrap().collect()
}

fn line(event: &Generated) -> Vec<u8> {
    let mut bytes = Vec::new();
    event.write_json(&mut bytes);
    bytes
}

/// The program, with nothing of ours in the environment.
fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fenghuo"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("FENGHUO_")) {
        command.env_remove(name);
    }
    command
}

/// A running reference receiver and what it accepted.
struct Centre {
    address: SocketAddr,
    events: Arc<Mutex<Vec<Event>>>,
    stop: CancellationToken,
    runtime: Runtime,
}

impl Centre {
    fn start() -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let (events, stop) = (Arc::<Mutex<Vec<Event>>>::default(), CancellationToken::new());
        let secret = SigningSecret::parse(&SECRET.into()).unwrap();
        let config = ReceiverConfig::new(secret, Arc::new(Timestamp::now));
        let (told, token) = (Arc::clone(&events), stop.clone());
        runtime.spawn(async move {
            let keep = move |event| told.lock().unwrap().push(event);
            receiver::serve(listener, config, keep, token).await.unwrap();
        });
        Self { address, events, stop, runtime }
    }

    /// What was accepted.
    ///
    /// # Panics
    /// When something was refused, accepted twice, or came out of order.
    fn accepted(&self) -> Accepted {
        let mut accepted = Accepted::new();
        for event in self.events.lock().unwrap().iter() {
            match event {
                Event::Accepted { webhook_id, payload, order } => {
                    assert!(matches!(order, Order::First | Order::Next), "{webhook_id}: {order:?}");
                    let key = (payload.alert.id.to_string(), payload.alert.revision);
                    assert!(*order == Order::Next || key.1 == 1, "{webhook_id} came first");
                    let before = accepted.insert(key, serde_json::to_string(payload).unwrap());
                    assert_eq!(before, None, "{webhook_id} was accepted twice");
                }
                Event::Repeated { .. } => {}
                Event::Refused(refused) => panic!("{refused}"),
            }
        }
        accepted
    }
}

impl Drop for Centre {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// A folder with configuration, secrets and data, whose alerts go to a receiver of its own.
struct World {
    dir: tempfile::TempDir,
    centre: Centre,
}

impl World {
    /// `more` is appended to the configuration file.
    fn new(more: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let centre = Centre::start();
        let write = |name: &str, text: &str| {
            let path = dir.path().join(name);
            fs::write(&path, text).unwrap();
            fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
        };
        write("webhook.secret", SECRET);
        // The same in every run: callers must be the same ones.
        write("caller.key", "a key for nobody but these tests");
        let address = centre.address;
        write(
            "fenghuo.toml",
            &format!(
                "threads = 2\n[caller]\nkey_file = \"caller.key\"\n[store]\npath = \"data\"\n\
                 [http]\nlisten = \"127.0.0.1:0\"\n[engine]\nidle_after_seconds = 86400\n\
                 [webhook]\nurl = \"http://{address}/alerts\"\nsecret_file = \"webhook.secret\"\n{more}"
            ),
        );
        Self { dir, centre }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn daemon(&self) -> Daemon {
        self.daemon_with(&[], Stdio::null())
    }

    /// A daemon with further arguments.
    fn daemon_with(&self, args: &[&str], stdin: Stdio) -> Daemon {
        Daemon::start(&self.path("fenghuo.toml"), args, stdin)
    }

    /// Another command of the program on the same configuration, to its end.
    fn command(&self, args: &[&str]) -> Output {
        program().args(args).arg("--config").arg(self.path("fenghuo.toml")).output().unwrap()
    }

    fn store(&self) -> Option<SqliteStore> {
        SqliteStore::open_read_only(&StoreConfig::at(self.path("data"))).ok()
    }

    /// Waits until no alert waits any more, and gives all that were accepted.
    fn all_accepted(&self) -> Accepted {
        wait_until("all alerts to be delivered", || {
            let depths = self.store().and_then(|store| store.outbox_depths().ok());
            depths.is_some_and(|depths| depths.iter().all(|depth| depth.pending == 0))
        });
        self.centre.accepted()
    }
}

/// A running daemon; killed with the value.
struct Daemon {
    child: Child,
    log: Arc<Mutex<String>>,
    http: reqwest::Client,
    address: String,
}

impl Daemon {
    /// Starts it and waits until it listens.
    fn start(config: &Path, args: &[&str], stdin: Stdio) -> Self {
        Self::spawn(program(), config, args, stdin)
    }

    /// The same with a program whose environment was changed.
    fn spawn(mut program: Command, config: &Path, args: &[&str], stdin: Stdio) -> Self {
        let mut child = program
            .args(["run", "--color", "never", "--config"])
            .arg(config)
            .args(args)
            .stdin(stdin)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = Arc::<Mutex<String>>::default();
        let (stderr, told) = (child.stderr.take().unwrap(), Arc::clone(&log));
        let read = move || {
            for text in BufReader::new(stderr).lines().map_while(Result::ok) {
                let mut log = told.lock().unwrap();
                log.push_str(&text);
                log.push('\n');
            }
        };
        std::thread::Builder::new().name("daemon-log".into()).spawn(read).unwrap();
        let address = wait_for("the daemon to listen", || {
            let ended = child.try_wait().unwrap();
            assert!(ended.is_none(), "it ended at once:\n{}", log.lock().unwrap());
            let log = log.lock().unwrap();
            let at = log.find("address=127.0.0.1:")? + "address=".len();
            let address: String =
                log[at..].chars().take_while(|c| c.is_ascii_digit() || ".:".contains(*c)).collect();
            Some(address)
        });
        Self { child, log, http: reqwest::Client::new(), address }
    }

    fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn get(&self, centre: &Centre, path: &str) -> (u16, String) {
        centre.runtime.block_on(async {
            let answer = self.http.get(self.url(path)).send().await.unwrap();
            (answer.status().as_u16(), answer.text().await.unwrap())
        })
    }

    /// The value of a series in `/metrics`; the name with its labels. `None` while it is not there.
    fn metric(&self, centre: &Centre, name: &str) -> Option<String> {
        let metrics = self.get(centre, "/metrics").1;
        metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ').map(str::to_owned))
    }

    /// Asks it to read its rules again.
    fn hang_up(&self) {
        self.tell("-HUP");
    }

    /// Sends it a signal.
    fn tell(&self, signal: &str) {
        let told = Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap();
        assert!(told.success());
    }

    /// Ends it as a crash does.
    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to end, and waits for that.
    fn stop(mut self) -> (ExitStatus, String) {
        let told = Command::new("kill").arg(self.child.id().to_string()).status().unwrap();
        assert!(told.success());
        let status = wait_for("the daemon to end", || self.child.try_wait().unwrap());
        (status, self.log())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
