//! How long a complaint takes from the sender to the webhook, through the built daemon as operators
//! run it: real sockets, a durable store, a signed webhook. 200 complaints a second for 30 seconds,
//! over HTTP and through a real Kafka broker.
//!
//! `cargo bench --bench latency` prints the times; `-- http` or `-- kafka` measures one way. Kafka
//! needs what `tests/run` installs.
#![expect(clippy::unwrap_used, reason = "a measurement that cannot go on should panic")]
#![expect(clippy::print_stdout, reason = "prints what it measured")]

#[cfg(feature = "kafka")]
#[path = "../tests/it/support/mod.rs"]
#[expect(dead_code, reason = "the tests use more of it")]
mod support;

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use fenghuo::deliver::SigningSecret;
use fenghuo::deliver::receiver::{self, Event, ReceiverConfig};
use fenghuo::generate::{GenerateConfig, Generator};
use fenghuo::model::{Alert, AlertState};
use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

const SECRET: &str = "whsec_dGhpcyBpcyBhIHRlc3Qgc2VjcmV0IG9mIDMyIGJ5";
const PER_SECOND: u32 = 200;
const SECONDS: u32 = 30;
/// Alerts that come later than this after the last complaint are not waited for.
const QUIET: Duration = Duration::from_secs(3);

/// When each complaint was sent, by its id.
type Sent = Arc<Mutex<BTreeMap<String, Instant>>>;
/// Each alert with the time of its coming.
type Told = Arc<Mutex<Vec<(Instant, Alert)>>>;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let wanted = std::env::args().find(|arg| arg == "http" || arg == "kafka");
    if wanted.as_deref() != Some("kafka") {
        runtime.block_on(over_http());
    }
    #[cfg(feature = "kafka")]
    if wanted.as_deref() != Some("http") {
        let broker = support::kafka::Broker::start();
        broker.create_topic("complaints", 1);
        runtime.block_on(through_kafka(&broker));
    }
}

async fn over_http() {
    let bench = Bench::start("").await;
    let client = reqwest::Client::new();
    let (url, sent) = (format!("http://{}/v1/complaints", bench.daemon.address), Arc::clone(&bench.sent));
    let answers = Arc::<Mutex<Vec<Duration>>>::default();
    bench
        .play(|id, body| {
            let (client, url, answers) = (client.clone(), url.clone(), Arc::clone(&answers));
            let started = Instant::now();
            sent.lock().unwrap().insert(id, started);
            tokio::spawn(async move {
                let request = client.post(url).header("content-type", "application/json").body(body);
                let answer = request.send().await.unwrap();
                assert!(answer.status().is_success(), "{}", answer.status());
                answers.lock().unwrap().push(started.elapsed());
            });
        })
        .await;
    print("HTTP, sent to answered (durable)", answers.lock().unwrap().clone());
    print("HTTP, sent to webhook received", bench.latencies());
}

#[cfg(feature = "kafka")]
async fn through_kafka(broker: &support::kafka::Broker) {
    use rdkafka::ClientConfig;
    use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};

    let settings = format!("[kafka]\nbrokers = [\"{}\"]\ntopic = \"complaints\"\n", broker.address());
    let bench = Bench::start(&settings).await;
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", broker.address())
        .set("linger.ms", "0")
        .set("acks", "all")
        .create()
        .unwrap();
    let sent = Arc::clone(&bench.sent);
    bench
        .play(|id, body| {
            sent.lock().unwrap().insert(id, Instant::now());
            let record = BaseRecord::<(), [u8]>::to("complaints").partition(0).payload(&body);
            producer.send(record).unwrap();
            producer.poll(Duration::ZERO);
        })
        .await;
    producer.flush(Duration::from_secs(10)).unwrap();
    print("Kafka, sent to webhook received", bench.latencies());
}

/// A daemon with its receiver.
struct Bench {
    daemon: Daemon,
    sent: Sent,
    told: Told,
    stop: CancellationToken,
    _dir: tempfile::TempDir,
}

impl Bench {
    async fn start(more: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (told, stop) = (Told::default(), CancellationToken::new());
        let config =
            ReceiverConfig::new(SigningSecret::parse(&SECRET.into()).unwrap(), Arc::new(Timestamp::now));
        let (keep, token) = (Arc::clone(&told), stop.clone());
        tokio::spawn(async move {
            let on_event = move |event| {
                if let Event::Accepted { payload, .. } = event {
                    keep.lock().unwrap().push((Instant::now(), payload.alert));
                }
            };
            receiver::serve(listener, config, on_event, token).await.unwrap();
        });
        let write = |name: &str, text: &str| {
            let path = dir.path().join(name);
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        };
        write("webhook.secret", SECRET);
        write(
            "fenghuo.toml",
            &format!(
                "[store]\npath = \"data\"\n[http]\nlisten = \"127.0.0.1:0\"\n[webhook]\nurl = \
                 \"http://{address}/alerts\"\nsecret_file = \"webhook.secret\"\n{more}"
            ),
        );
        let daemon = Daemon::start(&dir.path().join("fenghuo.toml"));
        // Joining a consumer group takes seconds that are not the way of an event.
        let ready = format!("http://{}/readyz", daemon.address);
        while !reqwest::get(&ready).await.is_ok_and(|answer| answer.status().is_success()) {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Self { daemon, sent: Sent::default(), told, stop, _dir: dir }
    }

    /// Sends the stream at its speed and waits until the alerts have come.
    async fn play(&self, mut send: impl FnMut(String, Vec<u8>)) {
        let config = GenerateConfig {
            keep_truth: false,
            repeats: 0.0,
            updates: 0.0,
            ..GenerateConfig::spread(u64::from(PER_SECOND * SECONDS), 3)
        };
        let started = tokio::time::Instant::now();
        for (index, event) in (0_u32..).zip(Generator::new(config).unwrap()) {
            let mut body = Vec::new();
            event.write_json(&mut body);
            tokio::time::sleep_until(started + Duration::from_secs(1) * index / PER_SECOND).await;
            send(event.complaint.id.to_string(), body);
        }
        let last = || self.told.lock().unwrap().last().map(|(at, _)| *at);
        let end = Instant::now();
        while last().unwrap_or(end).max(end).elapsed() < QUIET {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// From the sending of the complaint that made an alert, the last sent of its members, to the
    /// alert's coming. Ends of incidents have no such complaint.
    fn latencies(&self) -> Vec<Duration> {
        let sent = self.sent.lock().unwrap();
        let told = self.told.lock().unwrap();
        let latency = |(at, alert): &(Instant, Alert)| {
            let newest = alert.members.iter().filter_map(|id| sent.get(id.as_str())).max()?;
            (alert.state != AlertState::Resolved).then(|| at.saturating_duration_since(*newest))
        };
        told.iter().filter_map(latency).collect()
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// The built program; killed with the value.
struct Daemon {
    child: Child,
    address: String,
}

impl Daemon {
    fn start(config: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_fenghuo"))
            .args(["run", "--color", "never", "--config"])
            .arg(config)
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let mut log = String::new();
        let address = lines.find_map(|line| {
            log.push_str(&line);
            let at = line.find("address=127.0.0.1:")? + "address=".len();
            Some(line[at..].chars().take_while(|c| c.is_ascii_digit() || ".:".contains(*c)).collect())
        });
        let address = address.unwrap_or_else(|| panic!("the daemon has ended:\n{log}"));
        // What it goes on to say must not block it.
        std::thread::Builder::new().name("daemon-log".into()).spawn(move || lines.for_each(drop)).unwrap();
        Self { child, address }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It is gone already when killing fails.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn print(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    println!(
        "{what}: {} times at {PER_SECOND}/s, p50 {:.1} ms, p99 {:.1} ms, longest {:.1} ms",
        times.len(),
        at(0.5),
        at(0.99),
        at(1.0)
    );
}
