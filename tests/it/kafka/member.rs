//! A stand-in for the pipeline: drains the outlet under the rules of `fenghuo::source` and commits
//! values and positions together into a store in memory that several members share.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use fenghuo::model::{Position, Positions};
use fenghuo::source::kafka::{KafkaConfig, KafkaHealth, KafkaSource};
use fenghuo::source::{Holdings, LeaseId, Record, Source as _, intake};
use tokio_util::sync::CancellationToken;

use crate::support::kafka::Broker;
use crate::support::{show_logs, wait_until};

/// What was committed: positions and, in the order of the commits, the values of each partition.
#[derive(Default)]
pub(super) struct Store {
    state: Mutex<State>,
    /// How long the next read of a position by a polling thread takes, in milliseconds.
    pub(super) slow_read_ms: AtomicUsize,
}

#[derive(Default)]
struct State {
    positions: BTreeMap<String, Position>,
    values: BTreeMap<String, Vec<(i64, String)>>,
}

impl Store {
    pub(super) fn set_position(&self, source: &str, position: i64) {
        self.state.lock().unwrap().positions.insert(source.into(), Position(position));
    }

    pub(super) fn position_of(&self, source: &str) -> Option<i64> {
        self.state.lock().unwrap().positions.get(source).map(|position| position.0)
    }

    pub(super) fn count(&self) -> usize {
        self.state.lock().unwrap().values.values().map(Vec::len).sum()
    }

    /// The values of one partition, with their offsets, in the order they were committed.
    pub(super) fn values(&self, source: &str) -> Vec<(i64, String)> {
        self.state.lock().unwrap().values.get(source).cloned().unwrap_or_default()
    }

    fn commit(&self, source: &str, from: Option<Position>, records: &[Record]) -> Option<Position> {
        let mut state = self.state.lock().unwrap();
        if state.positions.get(source).copied() != from {
            return None;
        }
        let to = records.last()?.next?;
        state.positions.insert(source.into(), to);
        let values = state.values.entry(source.into()).or_default();
        for record in records {
            let value = match record.event() {
                Ok(bytes) => String::from_utf8_lossy(bytes).into_owned(),
                Err((reason, _)) => format!("dead: {reason}"),
            };
            values.push((record.next.unwrap().0 - 1, value));
        }
        Some(to)
    }
}

impl Positions for Store {
    fn position(&self, source: &str) -> anyhow::Result<Option<Position>> {
        let position = self.state.lock().unwrap().positions.get(source).copied();
        if std::thread::current().name() == Some("source") {
            std::thread::sleep(Duration::from_millis(self.slow_read_ms.swap(0, Ordering::Relaxed) as u64));
        }
        Ok(position)
    }
}

/// A running source with its stand-in pipeline.
pub(super) struct Member {
    pub(super) health: KafkaHealth,
    pub(super) holdings: Holdings,
    /// How long each batch takes, in milliseconds.
    pub(super) batch_ms: Arc<AtomicUsize>,
    /// While true, nothing is taken from the outlet.
    pub(super) stuck: Arc<AtomicBool>,
    /// While true, batches do not end: the pipeline stays inside their leases.
    pub(super) working: Arc<AtomicBool>,
    /// Batches that did not join on to the store.
    pub(super) refused: Arc<AtomicUsize>,
    /// Records that came after their lease was taken.
    pub(super) left: Arc<AtomicUsize>,
    shutdown: CancellationToken,
    source: JoinHandle<anyhow::Result<()>>,
    drain: JoinHandle<()>,
}

/// Settings for a test: quick intervals, the broker's plain listener.
pub(super) fn config(broker: &Broker, topic: &str) -> KafkaConfig {
    KafkaConfig {
        brokers: vec![broker.address()],
        topic: topic.into(),
        group: format!("{topic}-group"),
        session_timeout_seconds: 6,
        commit_interval_seconds: 1,
        watch_interval_seconds: 1,
        ..KafkaConfig::default()
    }
}

impl Member {
    /// Starts a member whose intake holds 64 records.
    pub(super) fn start(config: KafkaConfig, store: &Arc<Store>) -> Self {
        show_logs();
        let holdings = Holdings::default();
        let source = KafkaSource::new(config, Arc::clone(store) as _, holdings.clone()).unwrap();
        let health = source.health();
        let (intake, mut outlet) = intake(64, 1 << 20);
        let shutdown = CancellationToken::new();
        let token = shutdown.clone();
        let run = move || Box::new(source).run(intake, token);
        let source = Builder::new().name("source".into()).spawn(run).unwrap();
        let (batch_ms, stuck) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let working = Arc::new(AtomicBool::new(false));
        let (refused, left) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let mut pipeline = Pipeline {
            store: Arc::clone(store),
            batch_ms: Arc::clone(&batch_ms),
            working: Arc::clone(&working),
            refused: Arc::clone(&refused),
            left: Arc::clone(&left),
            chains: BTreeMap::new(),
        };
        let waiting = Arc::clone(&stuck);
        let drain = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            while let Some(first) = runtime.block_on(outlet.recv()) {
                while waiting.load(Ordering::Relaxed) {
                    std::thread::sleep(Duration::from_millis(5));
                }
                let mut batch = vec![first];
                while batch.len() < 20 {
                    let Some(record) = outlet.try_recv() else { break };
                    batch.push(record);
                }
                pipeline.apply(batch);
            }
        };
        let drain = Builder::new().name("drain".into()).spawn(drain).unwrap();
        Self { health, holdings, batch_ms, stuck, working, refused, left, shutdown, source, drain }
    }

    /// How many partitions it holds.
    pub(super) fn held(&self) -> usize {
        self.holdings.all().len()
    }

    /// Waits until it holds so many partitions.
    pub(super) fn wait_held(&self, partitions: usize) {
        wait_until(&format!("{partitions} partitions"), || self.held() == partitions);
    }

    /// Stops it; what the source returned.
    pub(super) fn stop(self) -> anyhow::Result<()> {
        self.shutdown.cancel();
        self.join()
    }

    /// Waits for its own end.
    pub(super) fn join(self) -> anyhow::Result<()> {
        let result = self.source.join().unwrap();
        self.drain.join().unwrap();
        result
    }
}

struct Pipeline {
    store: Arc<Store>,
    batch_ms: Arc<AtomicUsize>,
    working: Arc<AtomicBool>,
    refused: Arc<AtomicUsize>,
    left: Arc<AtomicUsize>,
    /// Where the next delta of each source partition joins on, and the lease it belongs to.
    chains: BTreeMap<Arc<str>, (Option<LeaseId>, Option<Position>)>,
}

impl Pipeline {
    fn apply(&mut self, batch: Vec<Record>) {
        let mut by_lease: BTreeMap<(Arc<str>, Option<LeaseId>), Vec<Record>> = BTreeMap::new();
        for record in batch {
            by_lease.entry((Arc::clone(&record.source), record.lease.id())).or_default().push(record);
        }
        // All leases are entered for the length of the batch, as a batch is committed as one.
        let mut entered = Vec::new();
        for ((source, id), records) in by_lease {
            match records[0].lease.clone().enter() {
                Some(guard) => entered.push((source, id, records, guard)),
                None => drop(self.left.fetch_add(records.len(), Ordering::Relaxed)),
            }
        }
        std::thread::sleep(Duration::from_millis(self.batch_ms.load(Ordering::Relaxed) as u64));
        while self.working.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(5));
        }
        for (source, id, records, _guard) in entered {
            let from = match self.chains.get(&source) {
                Some((known, at)) if *known == id => *at,
                _ => records[0].lease.stored(&*self.store, &source).unwrap(),
            };
            if let Some(to) = self.store.commit(&source, from, &records) {
                self.chains.insert(source, (id, Some(to)));
            } else {
                self.refused.fetch_add(1, Ordering::Relaxed);
                records[0].lease.lose();
            }
        }
    }
}
