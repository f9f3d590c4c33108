//! Engines in memory: building them from the store, letting time pass in them.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context as _;
use jiff::Timestamp;
use rayon::prelude::*;

use crate::engine::{Effects, Engine, EngineConfig};
use crate::model::{Commit, GroupDecision, PartitionKey, Position};
use crate::source::{Lease, LeaseId};
use crate::store::StoredComplaint;
use crate::telemetry::pipeline as happening;

use super::{Pipeline, Step, Stop};

/// So many stored complaints are prepared side by side while an engine is rebuilt.
const CHUNK: usize = 2048;

/// An engine, and under what it was built.
pub(super) struct Live {
    pub(super) engine: Engine,
    /// The leases it was built under or has met since.
    leases: BTreeSet<LeaseId>,
    /// The committed position of each source partition read under these leases.
    pub(super) positions: BTreeMap<Arc<str>, Option<Position>>,
    /// The engine's clock and the wall clock at its last commit: while no event comes, time passes
    /// from there as the wall clock does. A stream of old events is thus not carried to today.
    anchor: Option<(Timestamp, Timestamp)>,
}

impl Live {
    /// Whether it lives by partitions that may be taken away.
    pub(super) fn is_leased(&self) -> bool {
        !self.leases.is_empty()
    }

    /// The clock from which complaints are open.
    pub(super) fn open_since(&self, config: &EngineConfig) -> Option<Timestamp> {
        Some(Engine::open_since(self.engine.status().clock?, config))
    }

    /// The same, for the clock of its last commit.
    pub(super) fn committed_open_since(&self, config: &EngineConfig) -> Option<Timestamp> {
        Some(Engine::open_since(self.anchor?.0, config))
    }

    /// Notes a commit.
    pub(super) fn committed(&mut self, now: Timestamp) {
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
        let known = self.parts.store.partitions().context("reading the engines of the store")?;
        for (partition, _) in known {
            // An engine of Kafka partitions is built when its partitions are ours.
            if !partition.as_str().starts_with("kafka:") {
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

    /// Takes over other rules if there are any: between two batches, and with every engine rebuilt
    /// from the store, as after a restart. Their leases and positions stay, since nobody else may
    /// have committed under them.
    pub(super) fn renew(&mut self) -> Result<(), Stop> {
        let Some(preparer) = self.renewal.offered() else { return Ok(()) };
        self.parts.preparer = preparer;
        for (partition, Live { engine, leases, positions, .. }) in std::mem::take(&mut self.live) {
            // Two engines of one partition need not be in memory at once.
            drop(engine);
            let live = Live { positions, ..self.rebuild(&partition, leases)? };
            self.live.insert(partition, live);
        }
        self.renewal.taken();
        Ok(())
    }

    /// Folds the open window from the store: decisions are taken as they were stored.
    fn rebuild(&self, partition: &PartitionKey, leases: BTreeSet<LeaseId>) -> Result<Live, Stop> {
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
            let mut chunk = Vec::with_capacity(CHUNK);
            let read = store.open_window(partition, since, &mut |stored| {
                chunk.push(stored);
                if chunk.len() == CHUNK {
                    self.restore(&mut engine, &mut chunk);
                    self.health.beat(Instant::now(), super::LIFE_SIGN);
                }
                ControlFlow::Continue(())
            });
            complaints = read.context("reading the open window")?;
            self.restore(&mut engine, &mut chunk);
            for record in store.incidents(partition).context("reading incidents")? {
                engine.restore_incident(&record, clock).with_context(|| {
                    format!("the stored state of {} is not one this version can read", record.id)
                })?;
            }
            engine.restore_clock(Some(clock), state.next_seq);
        }
        happening::EngineBuilt { partition, complaints, seconds: started.elapsed().as_secs_f64() }.emit();
        let anchor = state.and_then(|state| Some((state.clock?, state.committed_at)));
        Ok(Live { engine, leases, positions: BTreeMap::new(), anchor })
    }

    fn restore(&self, engine: &mut Engine, chunk: &mut Vec<StoredComplaint>) {
        let preparer = &self.parts.preparer;
        let prepared: Vec<_> = chunk
            .par_iter()
            .map(|stored| {
                let record = &stored.record;
                preparer.prepare_stored(Arc::clone(&record.complaint), record.callers.clone(), record.content)
            })
            .collect();
        for (stored, prepared) in chunk.drain(..).zip(&prepared) {
            let decided = stored.record.decision.group;
            let group = GroupDecision { group: stored.group, ..decided };
            engine.restore_complaint(prepared, stored.record.seq, stored.record.clock, &group);
        }
    }

    /// When an engine has been idle long enough, its clock goes on with the wall clock.
    pub(super) fn let_time_pass(&mut self, partition: &PartitionKey) -> Result<(), Stop> {
        let now = (self.parts.now)();
        let idle_after = i64::from(self.parts.config.idle_after_seconds);
        let Some(live) = self.live.get_mut(partition) else { return Ok(()) };
        let Some((clock, since)) = live.anchor else { return Ok(()) };
        let idle = now.duration_since(since);
        if idle.as_secs() < idle_after {
            return Ok(());
        }
        let mut effects = Effects::default();
        live.engine.advance(clock.saturating_add(idle).unwrap_or(clock), &mut effects);
        let incidents = live.engine.incidents(&mut effects);
        if effects.alerts.is_empty() && incidents.is_empty() {
            return Ok(());
        }
        let commit = Commit {
            partition: partition.clone(),
            positions: Vec::new(),
            clock: live.engine.status().clock,
            committed_at: now,
            complaints: Vec::new(),
            regrouped: Vec::new(),
            aliases: Vec::new(),
            incidents,
            alerts: effects.alerts,
            dead_letters: Vec::new(),
        };
        self.step(Step::Applied)?;
        self.commit(&commit, &[])?;
        self.step(Step::Committed)
    }
}
