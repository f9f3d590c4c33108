//! From records to commits: the one thread that owns the engines.
//!
//! **Does:** takes records from the [`Outlet`] in batches, decodes and prepares them on all cores,
//! folds them in order, and commits effects and positions together; then answers who waits and
//! wakes delivery. **Promises:** a record's fate is committed before anybody is told; a crash at
//! any step leaves the store as before the batch or as after it; when the store cannot take a
//! batch, intake stops, the reason is shown, and the same batch is tried again until it fits.
//! **Leaves to others:** reading (`source`), deciding (`engine`), keeping (`store`), sending
//! (`deliver`).

mod batch;
mod clocks;
mod commit;
mod fold;
mod live;
mod probe;
mod quiet;
mod renewal;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::engine::{Engine, EngineConfig, Preparer};
use crate::model::{OpenSince, PartitionKey};
use crate::source::decode::Decoder;
use crate::source::{Holdings, Outlet, Record};
use crate::store::{Store, StoreError};
use crate::telemetry::pipeline as happening;

use super::health::Reporter;
use live::Live;
pub use probe::{Killed, NoProbe, Probe, Step};
pub use renewal::Renewal;

/// How long the thread waits for a record before it looks at the clock.
const TICK: Duration = Duration::from_millis(500);
/// How long a batch waits for more records once it has one: small against a person's reaction,
/// large against a commit's fsync.
const LINGER: Duration = Duration::from_millis(5);
/// How often the store is swept of what has grown old.
const SWEEP_EVERY: Duration = Duration::from_hours(1);
/// How long to wait before a refused commit is tried again.
const RETRY: Duration = Duration::from_secs(1);
/// The watchdog must hear from us within this time; restoring a large window takes a while.
const LIFE_SIGN: Duration = Duration::from_mins(2);

/// What a pipeline is made of.
pub struct PipelineParts {
    /// Where batches go.
    pub store: Arc<dyn Store>,
    /// Reads event bytes.
    pub decoder: Decoder,
    /// Reads complaints.
    pub preparer: Preparer,
    /// The engines' settings.
    pub config: Arc<EngineConfig>,
    /// The sinks that get every alert.
    pub sinks: Vec<String>,
    /// The source partitions held now.
    pub holdings: Holdings,
    /// The most records in a batch.
    pub batch: usize,
    /// Called after a commit that raised alerts.
    pub wake: Box<dyn Fn() + Send + Sync>,
    /// The wall clock.
    pub now: Box<dyn Fn() -> Timestamp + Send + Sync>,
    /// Looks at each step; does nothing outside tests.
    pub probe: Arc<dyn Probe>,
}

/// The engines and the way into the store.
pub struct Pipeline {
    parts: PipelineParts,
    health: Reporter,
    shutdown: CancellationToken,
    live: BTreeMap<PartitionKey, Live>,
    swept: Option<Instant>,
    renewal: Renewal,
}

/// Why the pipeline stopped in the middle of a batch. Nothing of the batch is lost: its records are
/// read or sent again.
#[derive(Debug, thiserror::Error)]
pub enum Stop {
    /// Shutdown was asked for while the store refused a commit.
    #[error("shut down while the store took no commits")]
    Shutdown,
    /// A test's probe ended it.
    #[error("killed at {0:?}")]
    Killed(Step),
    /// It cannot go on.
    #[error(transparent)]
    Fatal(#[from] anyhow::Error),
}

impl Pipeline {
    /// A pipeline that has not read anything.
    pub fn new(parts: PipelineParts, health: Reporter, shutdown: CancellationToken) -> Self {
        let renewal = Renewal::default();
        Self { parts, health, shutdown, live: BTreeMap::new(), swept: None, renewal }
    }

    /// The way to give it other rules while it runs.
    pub fn renewal(&self) -> Renewal {
        self.renewal.clone()
    }

    /// Takes records until the sources are gone: on a shutdown they stop first, and what they have
    /// handed over is still taken in.
    ///
    /// # Errors
    /// When it cannot go on.
    pub fn run(mut self, mut outlet: Outlet, runtime: &tokio::runtime::Handle) -> Result<(), Stop> {
        // The engines of an embedded daemon exist before the first record: their incidents may be
        // due although nobody calls.
        self.build_known()?;
        self.health.ok();
        let mut ticked = Instant::now();
        loop {
            self.health.beat(Instant::now(), LIFE_SIGN);
            self.renew()?;
            // Under load, too: other engines may be idle, and old records are old all the same.
            if ticked.elapsed() >= TICK {
                self.tick()?;
                self.sweep();
                ticked = Instant::now();
            }
            let first = runtime.block_on(async { tokio::time::timeout(TICK, outlet.recv()).await });
            match first {
                Ok(Some(first)) => {
                    let batch = self.gather(first, &mut outlet, runtime);
                    self.process(batch)?;
                }
                Ok(None) => {
                    self.health.done();
                    return Ok(());
                }
                // Nothing came within a tick.
                Err(_) => {}
            }
        }
    }

    fn gather(&self, first: Record, outlet: &mut Outlet, runtime: &tokio::runtime::Handle) -> Vec<Record> {
        let mut batch = vec![first];
        let end = Instant::now() + LINGER;
        while batch.len() < self.parts.batch {
            if let Some(record) = outlet.try_recv() {
                batch.push(record);
                continue;
            }
            let left = end.saturating_duration_since(Instant::now());
            let more = runtime.block_on(async { tokio::time::timeout(left, outlet.recv()).await });
            match more {
                Ok(Some(record)) => batch.push(record),
                Ok(None) | Err(_) => break,
            }
        }
        batch
    }

    /// Takes one batch through all steps, one engine after the other.
    ///
    /// # Errors
    /// When it cannot go on; the batch is then as if never read, or committed.
    pub fn process(&mut self, batch: Vec<Record>) -> Result<(), Stop> {
        let mut by_engine: BTreeMap<PartitionKey, Vec<Record>> = BTreeMap::new();
        for record in batch {
            by_engine.entry(record.partition.clone()).or_default().push(record);
        }
        for (partition, records) in by_engine {
            self.process_partition(&partition, records)?;
        }
        Ok(())
    }

    /// Lets time pass in every engine, builds engines of partitions that came without records, and
    /// drops those of partitions that went.
    ///
    /// # Errors
    /// See [`Pipeline::process`].
    pub fn tick(&mut self) -> Result<(), Stop> {
        let held = self.parts.holdings.all();
        for holding in &held {
            if !holding.lease.is_revoked() {
                self.engine_for(&holding.partition, std::slice::from_ref(&holding.lease))?;
            }
        }
        self.live.retain(|partition, live| {
            let is_held = held.iter().any(|holding| holding.partition == *partition);
            let kept = is_held || !live.is_leased();
            if !kept {
                happening::EngineDropped { partition }.emit();
            }
            kept
        });
        let partitions: Vec<PartitionKey> = self.live.keys().cloned().collect();
        for partition in partitions {
            self.let_time_pass(&partition)?;
        }
        Ok(())
    }

    /// The state of an engine in words, for tests that compare one that was restored with one that
    /// never stopped; `None` when it is not here.
    pub fn describe(&mut self, partition: &PartitionKey) -> Option<String> {
        Some(self.live.get_mut(partition)?.engine.describe())
    }

    fn sweep(&mut self) {
        if self.swept.is_some_and(|swept| swept.elapsed() < SWEEP_EVERY) {
            return;
        }
        let swept = self
            .keep_since(Live::open_since)
            .and_then(|keep_since| self.parts.store.sweep((self.parts.now)(), &keep_since));
        match swept {
            Ok(report) => {
                if report.total() > 0 {
                    happening::Swept { rows: report.total() }.emit();
                }
                if !report.more {
                    self.swept = Some(Instant::now());
                }
            }
            Err(error) => {
                happening::SweepFailed { error: &error.to_string() }.emit();
                self.swept = Some(Instant::now());
            }
        }
    }

    /// Sweeps in the middle of a batch that found no room. Engines are ahead of the store then, so
    /// what counts as open is what would be if we came back after a crash.
    fn make_room(&mut self) {
        let swept = self
            .keep_since(Live::committed_open_since)
            .and_then(|keep_since| self.parts.store.sweep((self.parts.now)(), &keep_since));
        match swept {
            Ok(report) if report.total() > 0 => happening::Swept { rows: report.total() }.emit(),
            Ok(_) => {}
            Err(error) => happening::SweepFailed { error: &error.to_string() }.emit(),
        }
    }

    /// From where complaints of each engine are open: what is here as `since` says, and engines that
    /// are elsewhere, or of partitions that are read no more, as they last committed.
    fn keep_since(
        &self,
        since: impl Fn(&Live, &EngineConfig) -> Option<OpenSince>,
    ) -> Result<BTreeMap<PartitionKey, Timestamp>, StoreError> {
        let config = &self.parts.config;
        let mut keep = BTreeMap::new();
        for (partition, state) in self.parts.store.partitions()? {
            let since = match self.live.get(&partition) {
                Some(live) => since(live, config),
                None => state.clock.map(|clock| Engine::open_since(clock, config)),
            };
            keep.extend(since.map(|since| (partition, since.grouped)));
        }
        Ok(keep)
    }
}
