//! Engines in memory: building them from the store.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context as _;
use jiff::Timestamp;
use rayon::prelude::*;

use crate::daemon::ahead::read_ahead;
use crate::engine::{Engine, EngineConfig};
use crate::group::{Reading, Restored};
use crate::model::{Commit, MemberEvidence, OpenSince, PartitionKey, Position};
use crate::source::{Lease, LeaseId};
use crate::store::{OpenComplaint, StoredComplaint, Words};
use crate::telemetry::pipeline as happening;

use super::clocks::Clocks;
use super::fold::caught;
use super::{Pipeline, Step, Stop};

/// What a stored complaint is compared by, and why it is in its group.
type Again = (Reading, Option<Arc<MemberEvidence>>);

/// An engine, and under what it was built.
pub(super) struct Live {
    pub(super) engine: Engine,
    /// The leases it was built under or has met since.
    pub(super) leases: BTreeSet<LeaseId>,
    /// The committed position of each source partition read under these leases.
    pub(super) positions: BTreeMap<Arc<str>, Option<Position>>,
    /// The newest event of each source partition since it was built.
    pub(super) clocks: Clocks,
    /// How often it has committed.
    pub(super) commits: u64,
    /// The engine's clock at its last commit, and the wall clock from which we have listened since:
    /// while no event comes, time passes from there as the wall clock does. A stream of old events
    /// is thus not carried to today, and time in which nobody listened does not count as quiet.
    pub(super) anchor: Option<(Timestamp, Timestamp)>,
}

impl Live {
    /// Whether it lives by partitions that may be taken away.
    pub(super) fn is_leased(&self) -> bool {
        !self.leases.is_empty()
    }

    /// The clock from which complaints are open.
    pub(super) fn open_since(&self, config: &EngineConfig) -> Option<OpenSince> {
        Some(Engine::open_since(self.engine.status().clock?, config))
    }

    /// The same, for the clock of its last commit.
    pub(super) fn committed_open_since(&self, config: &EngineConfig) -> Option<OpenSince> {
        Some(Engine::open_since(self.anchor?.0, config))
    }

    /// A commit that says nothing yet but where the engine stands.
    pub(super) fn commit(&self, partition: &PartitionKey, now: Timestamp) -> Commit {
        let clock = self.engine.status().clock;
        Commit { clock, ..Commit::new(partition.clone(), self.commits, now) }
    }

    /// Notes a commit that is durable `now`.
    pub(super) fn committed(&mut self, now: Timestamp) {
        self.commits += 1;
        self.anchor = self.engine.status().clock.map(|clock| (clock, now));
    }
}

impl Pipeline {
    /// Builds the engines that the store knows and that no lease governs: the first thing a started
    /// pipeline does.
    ///
    /// # Errors
    /// See [`Pipeline::process`].
    pub fn build_known(&mut self) -> Result<(), Stop> {
        let known = self.patiently(|pipeline| {
            pipeline.parts.store.partitions().context("reading the engines of the store")
        })?;
        for (partition, _) in known {
            // An engine of Kafka partitions is built when its partitions are ours.
            let waits = self.parts.holdings.is_expected(&partition);
            if !partition.as_str().starts_with("kafka:") && !waits {
                self.engine_for(&partition, &[])?;
            }
        }
        Ok(())
    }

    /// The engine of a partition, rebuilt when one of the leases is not known to it.
    pub(super) fn engine_for(&mut self, partition: &PartitionKey, leases: &[Lease]) -> Result<(), Stop> {
        let is_current = self
            .live
            .get(partition)
            .is_some_and(|live| leases.iter().filter_map(Lease::id).all(|id| live.leases.contains(&id)));
        if is_current {
            return Ok(());
        }
        let held = self.parts.holdings.of(partition);
        let ids =
            leases.iter().chain(held.iter().map(|holding| &holding.lease)).filter_map(Lease::id).collect();
        self.live.remove(partition);
        let live = self.rebuild(partition, ids)?;
        self.live.insert(partition.clone(), live);
        self.step(Step::EngineReady)
    }

    /// Takes over other rules if there are any, between two batches. An engine stands on what was decided,
    /// so risk rules are for complaints to come and cost nothing here. Where places or words are read
    /// otherwise, every engine is rebuilt from the store, as after a restart; their leases and positions
    /// stay, since nobody else may have committed under them.
    pub(super) fn renew(&mut self) -> Result<(), Stop> {
        let Some(preparer) = self.renewal.offered() else { return Ok(()) };
        let reads_alike = preparer.reading_version() == self.parts.preparer.reading_version();
        self.parts.preparer = preparer;
        if reads_alike {
            for live in self.live.values_mut() {
                live.engine.use_pack(Arc::clone(&self.parts.preparer.knowledge().pack));
            }
            self.renewal.taken();
            return Ok(());
        }
        let partitions: Vec<PartitionKey> = self.live.keys().cloned().collect();
        for partition in partitions {
            self.build_again(&partition)?;
        }
        self.renewal.taken();
        Ok(())
    }

    /// Builds an engine again that nobody else may have worked on: leases, positions and what was
    /// heard since stay.
    pub(super) fn build_again(&mut self, partition: &PartitionKey) -> Result<(), Stop> {
        let Some(live) = self.live.remove(partition) else { return Ok(()) };
        let Live { engine, leases, positions, clocks, anchor, .. } = live;
        // Two engines of one partition need not be in memory at once.
        drop(engine);
        let live = Live { positions, clocks, anchor, ..self.rebuild(partition, leases)? };
        self.live.insert(partition.clone(), live);
        Ok(())
    }

    /// Folds the open window from the store: decisions are taken as they were stored.
    fn rebuild(&self, partition: &PartitionKey, leases: BTreeSet<LeaseId>) -> Result<Live, Stop> {
        let live = self.patiently(|pipeline| pipeline.try_rebuild(partition))?;
        Ok(Live { leases, ..live })
    }

    fn try_rebuild(&self, partition: &PartitionKey) -> anyhow::Result<Live> {
        let started = Instant::now();
        let store = &self.parts.store;
        let knowledge = self.parts.preparer.knowledge().clone();
        let mut engine = Engine::new(partition.clone(), Arc::clone(&self.parts.config), knowledge)
            .context("building the engine")?;
        let state = store.partition_state(partition).context("reading where the engine stood")?;
        let mut complaints = 0;
        if let Some(state) = &state
            && let Some(clock) = state.clock
        {
            let since = Engine::open_since(clock, &self.parts.config);
            let version = self.parts.preparer.reading_version();
            let read = |put: &mut dyn FnMut(OpenComplaint) -> ControlFlow<()>| {
                store.open_window(partition, since, version, put)
            };
            complaints = read_ahead("window", read, |chunk| {
                self.health.beat(Instant::now(), super::LIFE_SIGN);
                self.restore(&mut engine, &chunk)
            })?
            .context("reading the open window")?;
            for record in store.incidents(partition).context("reading incidents")? {
                engine.restore_incident(&record, clock).with_context(|| {
                    format!("the stored state of {} is not one this version can read", record.id)
                })?;
            }
            engine.restore_clock(Some(clock), state.next_seq);
        }
        happening::EngineBuilt { partition, complaints, seconds: started.elapsed().as_secs_f64() }.emit();
        let now = (self.parts.now)();
        Ok(Live {
            engine,
            leases: BTreeSet::new(),
            positions: BTreeMap::new(),
            clocks: Clocks::default(),
            commits: state.as_ref().map_or(0, |state| state.commits),
            anchor: state.and_then(|state| Some((state.clock?, now))),
        })
    }

    fn restore(&self, engine: &mut Engine, chunk: &[OpenComplaint]) -> anyhow::Result<()> {
        let read: Vec<anyhow::Result<Option<Again>>> =
            chunk.par_iter().map(|open| self.read_again(open)).collect();
        for (open, again) in chunk.iter().zip(read) {
            let Some((reading, evidence)) = again.context("reading the open window")? else { continue };
            engine.restore_complaint(Restored {
                seq: open.seq,
                id: &open.id,
                clock: open.clock,
                callers: &open.callers,
                reading,
                group: open.group.as_ref(),
                evidence: evidence.as_deref(),
            });
        }
        Ok(())
    }

    /// What a stored complaint is compared by, and why it is in its group; `None` when the program fails on
    /// it, which has been said then: the engine goes on without it rather than not at all.
    fn read_again(&self, open: &OpenComplaint) -> anyhow::Result<Option<Again>> {
        if let Words::Read(bytes) = &open.words
            && let Ok(reading) = Reading::from_bytes(bytes)
        {
            return Ok(Some((reading, open.decision()?.and_then(|decision| decision.group.evidence))));
        }
        let (complaint, decision) = match (open.unread()?, open.decision()?) {
            (Some(complaint), Some(decision)) => (complaint, decision),
            // Its reading is damaged; the complaint itself is elsewhere.
            _ => match self.parts.store.complaint(&open.id)? {
                Some(StoredComplaint { record, .. }) => (record.complaint, record.decision),
                None => return Ok(None),
            },
        };
        let (preparer, callers) = (&self.parts.preparer, open.callers.clone());
        let read = || preparer.prepare_decided(complaint, callers, open.content, &decision.risks).reading;
        Ok(caught(read).ok().map(|reading| (reading, decision.group.evidence)))
    }
}
