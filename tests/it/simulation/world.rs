//! The world around the pipeline: its sources, its store, its courier and what they end with.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use fenghuo::daemon::core::{self, RulesConfig};
use fenghuo::daemon::health::Health;
use fenghuo::daemon::pipeline::{Killed, Pipeline, PipelineParts, Probe, Step, Stop};
use fenghuo::deliver::{Deliver, webhook_id};
use fenghuo::engine::{EngineConfig, Knowledge};
use fenghuo::generate::{GenerateConfig, Generator};
use fenghuo::model::{ComplaintId, PartitionKey, Position};
use fenghuo::source::decode::{DecodeConfig, Decoder};
use fenghuo::source::{Holdings, Lease, Outcome, Record};
use fenghuo::store::sqlite::SqliteStore;
use fenghuo::store::{AlertFilter, DeadLetterFilter, Store, StoreConfig, Synchronous};
use jiff::Timestamp;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::ending::{Courier, Ending, Receiver};

pub(super) const SINK: &str = "centre";
pub(super) const LOG: &str = "kafka:log/0";
pub(super) const DESK: &str = "main";

/// Events in the order they happen: those of the log, and those that clients send to the desk.
pub(super) struct Stream {
    log: Vec<Vec<u8>>,
    desk: Vec<Vec<u8>>,
    pub(super) ids: BTreeSet<ComplaintId>,
    pub(super) config: Arc<EngineConfig>,
}

impl Stream {
    /// A generated stream with repeats, updates, late events and lines that are no events. All
    /// versions of a complaint take the same way.
    pub(super) fn generate(seed: u64, events: u64) -> Self {
        Self::generate_with(seed, events, 3)
    }

    /// The same with everything in the log.
    pub(super) fn of_log(seed: u64, events: u64) -> Self {
        Self::generate_with(seed, events, u32::MAX)
    }

    /// One of `desk_every` complaints goes to the desk.
    fn generate_with(seed: u64, events: u64, desk_every: u32) -> Self {
        let config = GenerateConfig {
            seed,
            groups: 0.7,
            updates: 0.08,
            repeats: 0.05,
            late: 0.1,
            estates: Some(20),
            ..GenerateConfig::spread(events, 20)
        };
        let mut stream =
            Self { log: Vec::new(), desk: Vec::new(), ids: BTreeSet::new(), config: Arc::default() };
        for (index, event) in Generator::new(config).unwrap().enumerate() {
            let mut bytes = Vec::new();
            event.write_json(&mut bytes);
            let id = id(&bytes).unwrap();
            let to_desk = id.bytes().map(u32::from).sum::<u32>() % desk_every == 0;
            stream.ids.insert(id.as_str().into());
            let way = if to_desk { &mut stream.desk } else { &mut stream.log };
            way.push(bytes);
            if index % 29 == 7 {
                way.push(format!("{{\"id\": \"broken-{index}").into_bytes());
            }
        }
        stream
    }

    /// The same events without those of one complaint.
    pub(super) fn without(&self, victim: &str) -> Self {
        let others = |events: &Vec<Vec<u8>>| {
            events.iter().filter(|raw| id(raw).as_deref() != Some(victim)).cloned().collect()
        };
        let mut ids = self.ids.clone();
        ids.remove(&ComplaintId::from(victim));
        Self { log: others(&self.log), desk: others(&self.desk), ids, config: Arc::clone(&self.config) }
    }

    /// The events of the log, those that come later in it last.
    pub(super) fn turns(&self) -> &[Vec<u8>] {
        &self.log
    }

    /// The same events for engines that forget soon: within the stream complaints close, groups
    /// vanish, incidents end and come again.
    pub(super) fn with_short_memory(mut self) -> Self {
        let mut config = EngineConfig::default();
        config.group.match_days = 4;
        config.group.alone_days = 2;
        config.group.window_days = 3;
        config.group.resolve_after_days = 2;
        config.risk.window_days = 4;
        config.risk.resolve_after_days = 2;
        self.config = Arc::new(config);
        self
    }
}

/// What is the same for all runs: building it takes longer than a run.
fn knowledge() -> Knowledge {
    static KNOWLEDGE: OnceLock<Knowledge> = OnceLock::new();
    let build = || core::knowledge(&RulesConfig::default(), &EngineConfig::default()).unwrap();
    KNOWLEDGE.get_or_init(build).clone()
}

/// Ends the pipeline at one step, counted from its start.
pub(super) struct KillAt {
    steps: AtomicUsize,
    at: Option<usize>,
}

impl KillAt {
    pub(super) fn new(at: Option<usize>) -> Arc<Self> {
        Arc::new(Self { steps: AtomicUsize::new(0), at })
    }
}

impl Probe for KillAt {
    fn at(&self, _: Step) -> Result<(), Killed> {
        let step = self.steps.fetch_add(1, Ordering::Relaxed);
        if self.at == Some(step) { Err(Killed) } else { Ok(()) }
    }
}

/// Everything that outlives the process: the data folder, the log, the clients, the receiver.
pub(super) struct World<'s> {
    stream: &'s Stream,
    dir: tempfile::TempDir,
    /// How many of the desk's events were answered.
    answered: usize,
    receiver: Arc<Receiver>,
    /// How often the process was started; it is down for a day each time.
    starts: AtomicI64,
    /// The courier's clock, ahead of the pipeline's; the leases of a courier that died end before the next.
    courier_clock: Arc<AtomicI64>,
}

impl<'s> World<'s> {
    pub(super) fn new(stream: &'s Stream) -> Self {
        crate::support::show_logs();
        Self {
            stream,
            dir: tempfile::tempdir().unwrap(),
            answered: 0,
            receiver: Arc::default(),
            starts: AtomicI64::new(0),
            courier_clock: Arc::new(AtomicI64::new(1_900_000_000)),
        }
    }

    /// Starts the process: a new store handle, a new pipeline, new leases.
    pub(super) fn start(&self, probe: Arc<dyn Probe>) -> Life {
        let store: Arc<dyn Store> = Arc::new(open(self.dir.path()));
        let holdings = Holdings::default();
        let stored = store.position(LOG).unwrap();
        let lease = holdings.grant(&Arc::from(LOG), &PartitionKey::from(LOG), stored);
        let downtime = 86_400 * self.starts.fetch_add(1, Ordering::Relaxed);
        let clock = Arc::new(AtomicI64::new(1_800_000_000 + downtime));
        let told = Arc::clone(&clock);
        let parts = PipelineParts {
            store: Arc::clone(&store),
            decoder: Decoder::new(DecodeConfig::default()).unwrap(),
            preparer: core::preparer(knowledge(), &"sixteen bytes at least".to_owned().into()).unwrap(),
            config: Arc::clone(&self.stream.config),
            sinks: vec![SINK.to_owned()],
            holdings: holdings.clone(),
            batch: 512,
            wake: Box::new(|| ()),
            now: Box::new(move || Timestamp::from_second(told.load(Ordering::Relaxed)).unwrap()),
            probe,
        };
        let pipeline = Pipeline::new(parts, Health::new().register("pipeline"), CancellationToken::new());
        let next = stored.map_or(0, |Position(next)| usize::try_from(next).unwrap());
        Life { pipeline, holdings, lease, clock, next }
    }

    /// Deletes what was read of the complaints, as another program version would; returns how many it was.
    pub(super) fn forget_readings(&self) -> usize {
        let connection = rusqlite::Connection::open(self.dir.path().join("fenghuo.db")).unwrap();
        connection.execute("DELETE FROM readings", []).unwrap()
    }

    /// Feeds batches of at most `size` records, taking from both sources in turn, until everything
    /// is in or the pipeline dies.
    pub(super) fn feed(&mut self, life: &mut Life, size: usize) -> Result<(), Stop> {
        life.pipeline.build_known()?;
        while !self.is_over(life) {
            self.feed_one(life, size)?;
        }
        Ok(())
    }

    pub(super) fn feed_one(&mut self, life: &mut Life, size: usize) -> Result<(), Stop> {
        let (mut batch, mut answers) = (Vec::new(), Vec::new());
        let mut sent = self.answered;
        while batch.len() < size {
            let before = batch.len();
            // Two of three come from the log, as in the stream.
            for _ in 0..2 {
                if let Some(raw) = self.stream.log.get(life.next).filter(|_| batch.len() < size) {
                    life.next += 1;
                    let next = Some(Position(life.next as i64));
                    batch.push(record(LOG, raw, next, life.lease.clone(), None));
                }
            }
            if let Some(raw) = self.stream.desk.get(sent).filter(|_| batch.len() < size) {
                sent += 1;
                let (reply, answer) = oneshot::channel();
                answers.push(answer);
                batch.push(record(DESK, raw, None, Lease::default(), Some(reply)));
            }
            if batch.len() == before {
                break;
            }
        }
        let result = life.pipeline.process(batch);
        // Clients that got no answer send again; so do those behind them.
        for mut answer in answers {
            let Ok(_) = answer.try_recv() else { break };
            self.answered += 1;
        }
        if result.is_ok() {
            // Nobody else works here, so no batch may be given up.
            assert_eq!(self.answered, sent, "clients were left without an answer");
            assert!(!life.lease.is_revoked(), "the log was given up");
        }
        result
    }

    /// Whether everything is in.
    pub(super) fn is_over(&self, life: &Life) -> bool {
        life.next >= self.stream.log.len() && self.answered >= self.stream.desk.len()
    }

    /// The store, as somebody else sees it.
    pub(super) fn store(&self) -> SqliteStore {
        open(self.dir.path())
    }

    /// Feeds what a process still has in hand although another has gone on: the next of its log, and
    /// a request.
    pub(super) fn feed_late(&self, life: &mut Life) -> Result<(), Stop> {
        let next = Some(Position(life.next as i64 + 1));
        let of_log = record(LOG, &self.stream.log[life.next], next, life.lease.clone(), None);
        life.pipeline.process(vec![of_log])?;
        let raw = br#"{"id": "late", "received_at": "2026-03-09T08:00:00+08:00", "text": "x"}"#;
        life.pipeline.process(vec![record(DESK, raw, None, Lease::default(), None)])
    }

    /// Delivers what is due. With `cut_after`, the process dies right after that many alerts were
    /// accepted, before it could note the last one.
    pub(super) fn deliver(&self, cut_after: Option<usize>) {
        let store: Arc<dyn Store> = Arc::new(open(self.dir.path()));
        // A new process comes after the leases of the last one have ended.
        let now = self.courier_clock.fetch_add(3600, Ordering::Relaxed) + 3600;
        let owner = format!("courier-{now}");
        let clock = move || Timestamp::from_second(now).unwrap();
        let died = Arc::new(tokio::sync::Notify::new());
        let sink = Courier {
            receiver: Arc::clone(&self.receiver),
            left: AtomicUsize::new(cut_after.unwrap_or(usize::MAX)),
            died: Arc::clone(&died),
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let worker = Deliver::new(Arc::clone(&store), vec![Arc::new(sink)], Arc::new(clock), owner);
            let run = worker.run(CancellationToken::new(), Duration::ZERO);
            let drained = async {
                while store.outbox_depth(SINK).unwrap().pending > 0 {
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
            };
            tokio::select! {
                () = run => {}
                () = died.notified() => {}
                () = drained => {}
            }
        });
    }

    /// Lets the incidents of both engines come to rest, delivers the rest, and looks at the outcome.
    pub(super) fn end(self, mut life: Life) -> Ending {
        life.rest().unwrap();
        let engines = life.engines();
        drop(life);
        self.outcome(engines)
    }

    /// The same, of a run that put one complaint aside.
    pub(super) fn end_without(self, mut life: Life, victim: &str) -> Ending {
        let stream = self.stream.without(victim);
        life.rest().unwrap();
        let engines = life.engines();
        drop(life);
        World { stream: &stream, ..self }.outcome(engines)
    }

    fn outcome(self, engines: Vec<String>) -> Ending {
        self.deliver(None);
        let store = open(self.dir.path());
        let letters = store.dead_letters(&DeadLetterFilter::default(), 1000).unwrap();
        let alerts = store.alerts(&AlertFilter::default(), 10_000).unwrap();
        let mut merged = 0;
        let complaints = self.stream.ids.iter().map(|id| {
            let stored = store.complaint(id).unwrap().unwrap_or_else(|| panic!("{id} is lost"));
            let decision = serde_json::to_string(&stored.record.decision).unwrap();
            let put_into = &stored.record.decision.group.group;
            merged += usize::from(put_into.is_some() && *put_into != stored.group);
            let at = (stored.record.seq, stored.record.version, stored.record.clock);
            (id.clone(), format!("{at:?} {:?} {decision}", stored.group))
        });
        let complaints = complaints.collect();
        Ending {
            complaints,
            stored: alerts.into_iter().map(|stored| webhook_id(&stored.alert)).collect(),
            accepted: self.receiver.accepted(),
            letters: letters.into_iter().map(|letter| (letter.source, letter.detail)).collect(),
            engines,
            merged,
        }
    }
}

/// One process: from a start to a kill or the end.
pub(super) struct Life {
    pub(super) pipeline: Pipeline,
    pub(super) holdings: Holdings,
    lease: Lease,
    clock: Arc<AtomicI64>,
    /// The next event of the log.
    next: usize,
}

impl Life {
    /// Time passes without events until every incident is resolved, and twice that closes no complaint.
    pub(super) fn rest(&mut self) -> Result<(), Stop> {
        // A process that has only just started has not listened yet.
        self.pipeline.tick()?;
        self.wait(30)?;
        self.has_read_all();
        self.pipeline.tick()
    }

    /// Days go by in which nothing comes; whether there is nothing is another matter.
    pub(super) fn wait(&mut self, days: i64) -> Result<(), Stop> {
        self.clock.fetch_add(days * 86_400, Ordering::Relaxed);
        self.pipeline.tick()
    }

    /// The reader of the log knows now that there is no more.
    pub(super) fn has_read_all(&self) {
        let now = Timestamp::from_second(self.clock.load(Ordering::Relaxed)).unwrap();
        self.holdings.at_end(LOG, &self.lease, Some(now));
    }

    /// The engines' states, apart from where their clocks stand: who is killed at rest, rests twice.
    pub(super) fn engines(&mut self) -> Vec<String> {
        let engines = [LOG, DESK].map(|name| self.pipeline.describe(&PartitionKey::from(name)));
        let unclocked = |told: String| told.split_once(" next ").map(|(_, rest)| rest.to_owned());
        engines.into_iter().flatten().filter_map(unclocked).collect()
    }

    /// The right to the log.
    pub(super) fn lease(&self) -> &Lease {
        &self.lease
    }

    /// Whether the pipeline has given up the log.
    pub(super) fn is_overtaken(&self) -> bool {
        self.lease.is_revoked()
    }
}

fn open(dir: &Path) -> SqliteStore {
    // A killed process loses nothing that was written, only a machine without power does; the
    // store's own tests look after that.
    let config = StoreConfig { synchronous: Synchronous::Normal, ..StoreConfig::at(dir) };
    SqliteStore::open(&config).unwrap()
}

fn id(event: &[u8]) -> Option<String> {
    let value: serde_json::Value = serde_json::from_slice(event).ok()?;
    Some(value["id"].as_str()?.to_owned())
}

/// A record that feeds the engine of its source.
pub(super) fn record(
    source: &str,
    raw: &[u8],
    next: Option<Position>,
    lease: Lease,
    reply: Option<oneshot::Sender<Outcome>>,
) -> Record {
    Record {
        partition: PartitionKey::from(source),
        source: Arc::from(source),
        next,
        at: next.map_or_else(|| "a request".to_owned(), |next| format!("offset {}", next.0 - 1)).into(),
        raw: raw.to_vec(),
        event: Ok(None),
        reply,
        lease,
    }
}
