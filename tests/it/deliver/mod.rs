//! Delivery: the real worker and store against the real receiver, and against bad ones.

mod crashes;
mod hostile;
mod mail;
mod program;
mod robots;
mod rounds;
mod routes;
mod systems;
#[cfg(feature = "kafka")]
mod topic;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fenghuo::deliver::receiver::{self, Event, Fail, Order, ReceiverConfig};
use fenghuo::deliver::{
    Clock, Deliver, RetryConfig, SigningSecret, Sink, SinkState, Wake, WebhookConfig, WebhookSecrets,
    WebhookSink,
};
use fenghuo::model::{Alert, AlertBody, AlertKind, AlertState, Commit, GroupAlert, Level, PartitionKey};
use fenghuo::store::sqlite::SqliteStore;
use fenghuo::store::{Store, StoreConfig};
use jiff::{SignedDuration, Timestamp};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const SECRET: &str = "whsec_dGhpcyBpcyBhIHRlc3Qgc2VjcmV0IG9mIDMyIGJ5";

/// Waits until `done`, without holding up other tasks; the deadline is generous.
async fn until(what: &str, mut done: impl FnMut() -> bool) {
    let end = tokio::time::Instant::now() + Duration::from_mins(2);
    while !done() {
        assert!(tokio::time::Instant::now() < end, "waited two minutes for {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn alert(id: &str, revision: u32) -> Alert {
    let at: Timestamp = "2026-03-01T03:25:05Z".parse().unwrap();
    Alert {
        id: id.into(),
        revision,
        partition: "main".into(),
        kind: AlertKind::GroupIncident,
        state: if revision == 1 { AlertState::Raised } else { AlertState::Updated },
        level: Level::Blue,
        raised_at: at,
        title: "青石里小区 搅拌站噪音".into(),
        summary: "3人反映青石里小区旁搅拌站夜间施工。".into(),
        callers: 3,
        complaints: 3,
        anonymous: 0,
        first_at: at,
        last_at: at,
        members: vec!["a1".into(), "a2".into(), "a3".into()],
        body: AlertBody::Group(GroupAlert {
            group: "g-1".into(),
            place: None,
            key_terms: vec!["搅拌站".into()],
            central: "a1".into(),
            threshold: 3,
            window_days: 30,
            evidence: Vec::new(),
            grouping: "3-0badcafe".into(),
            pack: String::new(),
            usual: None,
            registered: None,
            copied: 0,
            merged_into: None,
        }),
    }
}

/// A store in a folder of its own, with one sink's outbox, and a clock that can be set forward.
struct Desk {
    _dir: tempfile::TempDir,
    store: Arc<SqliteStore>,
    sink: String,
    offset: Arc<AtomicI64>,
}

impl Desk {
    /// `sink` is unique to the test, since metrics are shared.
    fn new(sink: &str) -> Self {
        crate::support::show_logs();
        let dir = tempfile::tempdir().unwrap();
        let store = Arc::new(SqliteStore::open(&StoreConfig::at(dir.path())).unwrap());
        Self { _dir: dir, store, sink: sink.into(), offset: Arc::default() }
    }

    fn clock(&self) -> Clock {
        let offset = Arc::clone(&self.offset);
        Arc::new(move || Timestamp::now() + SignedDuration::from_secs(offset.load(Ordering::Relaxed)))
    }

    fn forward(&self, seconds: i64) {
        self.offset.fetch_add(seconds, Ordering::Relaxed);
    }

    fn commit(&self, alerts: Vec<Alert>) {
        let main = PartitionKey::from("main");
        let state = self.store.partition_state(&main).unwrap();
        let after = state.map_or(0, |state| state.commits);
        let commit = Commit { alerts, ..Commit::new(main, after, (self.clock())()) };
        self.store.commit(&commit, std::slice::from_ref(&self.sink)).unwrap();
    }

    fn pending(&self) -> u64 {
        self.store.outbox_depth(&self.sink).unwrap().pending
    }

    fn config(&self, address: SocketAddr) -> WebhookConfig {
        WebhookConfig {
            name: self.sink.clone(),
            url: format!("http://{address}/hook"),
            secret_env: Some("UNUSED".into()),
            retry: RetryConfig { initial_seconds: 1, max_seconds: 1, give_up_after_hours: None },
            ..WebhookConfig::default()
        }
    }

    fn worker(&self, owner: &str, address: SocketAddr) -> Worker {
        self.worker_with(owner, &self.config(address), SECRET)
    }

    fn worker_with(&self, owner: &str, config: &WebhookConfig, secret: &str) -> Worker {
        let secrets = WebhookSecrets { signing: secret.into(), token: Some("TOKEN-PLANTED".into()) };
        self.worker_of(owner, Arc::new(WebhookSink::new(config, &secrets).unwrap()))
    }

    fn worker_of(&self, owner: &str, sink: Arc<dyn Sink>) -> Worker {
        let store: Arc<dyn Store> = self.store.clone();
        let deliver = Deliver::new(store, vec![sink], self.clock(), owner.into());
        let (wake, status, stop) = (deliver.wake(), deliver.status(), CancellationToken::new());
        let task = tokio::spawn(deliver.run(stop.clone(), Duration::from_secs(30)));
        Worker { sink: self.sink.clone(), wake, status, stop, task }
    }
}

struct Worker {
    sink: String,
    wake: Wake,
    status: watch::Receiver<std::collections::BTreeMap<String, SinkState>>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Worker {
    fn state(&self) -> SinkState {
        self.status.borrow()[&self.sink].clone()
    }

    async fn stop(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }

    /// Ends at once, in the middle of whatever it does.
    async fn crash(self) {
        self.task.abort();
        assert!(self.task.await.unwrap_err().is_cancelled());
    }
}

type Events = Arc<Mutex<Vec<Event>>>;

/// A running reference receiver.
struct Centre {
    address: SocketAddr,
    events: Events,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Centre {
    async fn start(fail: Fail) -> Self {
        Self::start_with("127.0.0.1:0".parse().unwrap(), Events::default(), |config| config.fail = fail).await
    }

    async fn start_with(
        address: SocketAddr,
        events: Events,
        change: impl FnOnce(&mut ReceiverConfig),
    ) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let secret = SigningSecret::parse(&SECRET.into()).unwrap();
        let mut config = ReceiverConfig::new(secret, Arc::new(Timestamp::now));
        change(&mut config);
        let (told, token) = (Arc::clone(&events), stop.clone());
        let task = tokio::spawn(async move {
            let keep = move |event| told.lock().unwrap().push(event);
            receiver::serve(listener, config, keep, token).await.unwrap();
        });
        Self { address, events, stop, task }
    }

    /// Stops; the address and what was told are kept for the next one.
    async fn stop(self) -> (SocketAddr, Events) {
        self.stop.cancel();
        self.task.await.unwrap();
        (self.address, self.events)
    }
}

/// What was accepted, in order; asserts that nothing was accepted twice or out of order.
fn accepted(events: &Events) -> Vec<String> {
    let mut ids = Vec::new();
    for event in &*events.lock().unwrap() {
        if let Event::Accepted { webhook_id, order, .. } = event {
            assert!(!matches!(order, Order::Violated { .. }), "{webhook_id} came out of order");
            assert!(!ids.contains(webhook_id), "{webhook_id} was accepted twice");
            ids.push(webhook_id.clone());
        }
    }
    ids
}

fn repeats(events: &Events) -> usize {
    events.lock().unwrap().iter().filter(|event| matches!(event, Event::Repeated { .. })).count()
}

fn refusals(events: &Events) -> Vec<String> {
    let refused = |event: &Event| match event {
        Event::Refused(refused) => Some(refused.to_string()),
        _ => None,
    };
    events.lock().unwrap().iter().filter_map(refused).collect()
}
