//! Channels to other systems: a real Alertmanager, and syslog over each of its ways.

use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use fenghuo::deliver::channel::{self, AlertmanagerConfig, ChannelConfig, ChannelSecrets, SyslogConfig};
use fenghuo::deliver::{RetryConfig, Sink, SinkState, Words};
use fenghuo::model::{Alert, AlertKind, AlertState, Commit, IncidentRecord, Level, PartitionKey};
use fenghuo::store::Store as _;
use jiff::Timestamp;
use serde_json::Value;
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, UdpSocket, UnixDatagram};

use super::{Desk, alert, until};
use crate::support::free_port;

/// A running Alertmanager; ends with the value.
struct Alertmanager {
    child: Child,
    url: String,
    _folder: tempfile::TempDir,
}

impl Alertmanager {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = "route: { receiver: nobody }\nreceivers: [{ name: nobody }]\n";
        std::fs::write(folder.path().join("am.yml"), config).unwrap();
        let url = format!("http://127.0.0.1:{}", free_port());
        let child = Command::new("prometheus-alertmanager")
            .args(["--config.file=am.yml", "--storage.path=data", "--cluster.listen-address="])
            .arg(format!("--web.listen-address={}", url.trim_start_matches("http://")))
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("tests/run installs prometheus-alertmanager");
        let running = Self { child, url, _folder: folder };
        let end = tokio::time::Instant::now() + Duration::from_mins(1);
        while reqwest::get(format!("{}/-/ready", running.url)).await.is_err() {
            assert!(tokio::time::Instant::now() < end, "Alertmanager does not start");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        running
    }

    /// What fires at the moment.
    async fn firing(&self) -> Vec<Value> {
        let answer = reqwest::get(format!("{}/api/v2/alerts?active=true", self.url)).await.unwrap();
        answer.json().await.unwrap()
    }
}

impl Drop for Alertmanager {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn words() -> Arc<Words> {
    Arc::new(Words::load(None, Some("https://fenghuo.example")).unwrap())
}

fn alertmanager(desk: &Desk, url: &str) -> Arc<dyn Sink> {
    let own = AlertmanagerConfig {
        url: url.into(),
        labels: [("team".to_owned(), "duty".to_owned())].into(),
        ..AlertmanagerConfig::default()
    };
    let config = ChannelConfig {
        retry: RetryConfig { initial_seconds: 1, max_seconds: 1, give_up_after_hours: None },
        alertmanager: Some(own),
        ..ChannelConfig::default()
    };
    channel::open(&desk.sink, &config, &ChannelSecrets::new(), &words()).unwrap()
}

/// Commits a revision with its incident, as an engine does.
fn commit(desk: &Desk, alert: Alert) {
    let main = PartitionKey::from("main");
    let state = desk.store.partition_state(&main).unwrap();
    let incident = IncidentRecord {
        id: alert.id.clone(),
        kind: AlertKind::GroupIncident,
        group: Some("g-1".into()),
        entity: None,
        open: alert.state != AlertState::Resolved,
        revision: alert.revision,
        changed_at: alert.raised_at,
        state: "{}".into(),
    };
    let after = state.map_or(0, |state| state.commits);
    let mut commit = Commit::new(main, after, (desk.clock())());
    (commit.alerts, commit.incidents) = (vec![alert], vec![incident]);
    desk.store.commit(&commit, std::slice::from_ref(&desk.sink)).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn alertmanager_has_an_alert_while_it_is_open_and_not_after() {
    let server = Alertmanager::start().await;
    let desk = Desk::new("t-alertmanager");
    commit(&desk, alert("QS-1", 1));
    let worker = desk.worker_of("a", alertmanager(&desk, &server.url));
    until("the first revision", || desk.pending() == 0).await;
    let firing = server.firing().await;
    assert_eq!(firing.len(), 1, "{firing:?}");
    let labels = &firing[0]["labels"];
    assert_eq!((labels["alert_id"].as_str(), labels["level"].as_str()), (Some("QS-1"), Some("blue")));
    assert_eq!(labels["team"], "duty");
    assert_eq!(firing[0]["generatorURL"], "https://fenghuo.example/alerts/QS-1");

    // Of a higher level it is another alert there, and the first one ends.
    commit(&desk, Alert { level: Level::Red, callers: 20, ..alert("QS-1", 2) });
    worker.wake.wake();
    until("the second revision", || desk.pending() == 0).await;
    let firing = server.firing().await;
    assert_eq!(firing.len(), 1, "{firing:?}");
    assert_eq!(firing[0]["labels"]["level"], "red");
    worker.stop().await;

    // It was away, has forgotten all, and is told again.
    drop(server);
    let server = Alertmanager::start().await;
    assert!(server.firing().await.is_empty());
    let worker = desk.worker_of("b", alertmanager(&desk, &server.url));
    let end = tokio::time::Instant::now() + Duration::from_mins(1);
    while server.firing().await.len() != 1 {
        assert!(tokio::time::Instant::now() < end, "not told again");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let renewed: Timestamp = server.firing().await[0]["endsAt"].as_str().unwrap().parse().unwrap();
    assert!(renewed > Timestamp::now() + jiff::SignedDuration::from_mins(4), "{renewed}");

    commit(&desk, Alert { state: AlertState::Resolved, level: Level::Red, ..alert("QS-1", 3) });
    worker.wake.wake();
    until("the end", || desk.pending() == 0).await;
    assert!(server.firing().await.is_empty());
    assert_eq!(worker.state(), SinkState::Ok);
    worker.stop().await;
    let told = |since: Timestamp| desk.store.told("t-alertmanager", Some(since)).unwrap();
    assert_eq!(told(Timestamp::UNIX_EPOCH).len(), 1, "told of the end for a while");
    assert!(told(Timestamp::now() + jiff::SignedDuration::from_mins(1)).is_empty());
}

fn syslog(desk: &Desk, address: String) -> Arc<dyn Sink> {
    let config = ChannelConfig {
        syslog: Some(SyslogConfig { address, ..SyslogConfig::default() }),
        ..ChannelConfig::default()
    };
    channel::open(&desk.sink, &config, &ChannelSecrets::new(), &words()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn syslog_gets_a_line_over_each_way() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let (udp, unix) = (UdpSocket::bind("127.0.0.1:0").await.unwrap(), UnixDatagram::bind(&path).unwrap());
    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let ways = [
        ("udp", format!("udp://{}", udp.local_addr().unwrap())),
        ("unix", format!("unix://{}", path.display())),
        ("tcp", format!("tcp://{}", tcp.local_addr().unwrap())),
    ];
    for (way, address) in ways {
        let desk = Desk::new(&format!("t-syslog-{way}"));
        desk.commit(vec![alert("QS-1", 1)]);
        let worker = desk.worker_of("a", syslog(&desk, address));
        let mut bytes = vec![0; 4096];
        let length = match way {
            "udp" => udp.recv(&mut bytes).await.unwrap(),
            "unix" => unix.recv(&mut bytes).await.unwrap(),
            _ => {
                let (mut stream, _) = tcp.accept().await.unwrap();
                bytes.clear();
                stream.read_to_end(&mut bytes).await.unwrap()
            }
        };
        until("the note", || desk.pending() == 0).await;
        worker.stop().await;
        let text = String::from_utf8(bytes[..length].to_vec()).unwrap();
        let text = if way == "tcp" {
            let (count, rest) = text.split_once(' ').unwrap();
            assert_eq!(count.parse(), Ok(rest.len()), "octet counting");
            rest
        } else {
            &text
        };
        assert!(text.starts_with("<133>1 2") && text.contains("id=\"QS-1\""), "{text}");
        assert!(text.contains("青石里小区 搅拌站噪音，3人"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_syslog_server_that_is_away_gets_it_later() {
    let desk = Desk::new("t-syslog-away");
    let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    desk.commit(vec![alert("QS-1", 1)]);
    let worker = desk.worker_of("a", syslog(&desk, format!("tcp://{address}")));
    until("the failure", || matches!(worker.state(), SinkState::Failing { .. })).await;
    let listener = TcpListener::bind(address).await.unwrap();
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    assert!(text.contains("QS-1"));
    until("the note", || desk.pending() == 0).await;
    worker.stop().await;
}
