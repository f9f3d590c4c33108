//! From the records of a batch to what the engine makes of them.
//!
//! A fault of the program must not become a crash that comes again with every start: a record on
//! which it panics is put aside, and the engine, which may be half changed then, is built again.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use anyhow::Context as _;
use jiff::Timestamp;
use rayon::prelude::*;
use rustc_hash::FxHashMap;

use crate::daemon::faults::said;
use crate::daemon::ledger::{Ledger, Novelty};
use crate::engine::{Arrival, Effects, Prepared};
use crate::model::{ComplaintId, DeadReason, IncidentRecord, PartitionKey};
use crate::source::{Lease, LeaseGuard, Outcome, Record};
use crate::store::Known;
use crate::telemetry::pipeline as happening;

use super::commit::Committed;
use super::{Pipeline, Step, Stop};

/// So many records of one batch may be put aside because the program fails on them. More are no
/// matter of a record, and going on would put everything aside.
const MOST_FAULTS: usize = 3;

/// What a batch came to in the engine.
pub(super) struct Folded {
    pub(super) effects: Effects,
    /// One for each record.
    pub(super) outcomes: Vec<Outcome>,
    /// The records that are updates, and which version they are.
    pub(super) updates: Vec<(usize, u32)>,
    /// Complaints that another engine had until now.
    pub(super) moved: Moved,
}

/// Complaints that leave an engine, by engine, and when.
pub(super) type Moved = BTreeMap<PartitionKey, Vec<(ComplaintId, Timestamp)>>;

/// Why a fold ended early.
enum Broken {
    Stop(Stop),
    /// The program failed on this record.
    At(usize, String),
}

impl<E: Into<Stop>> From<E> for Broken {
    fn from(stop: E) -> Self {
        Self::Stop(stop.into())
    }
}

type Ready = Result<Prepared, (DeadReason, String)>;

impl Pipeline {
    /// Decodes and prepares on all cores, folds in order.
    pub(super) fn fold(
        &mut self,
        partition: &PartitionKey,
        records: &[Record],
        leases: &[Lease],
    ) -> Result<Folded, Stop> {
        let mut faults: BTreeMap<usize, String> = BTreeMap::new();
        self.engine_for(partition, leases)?;
        let clocks = self.live.get(partition).map(|live| live.clocks.clone()).unwrap_or_default();
        loop {
            let ready = |(index, record)| match faults.get(&index) {
                Some(fault) => Err((DeadReason::ProgramFault, fault.clone())),
                None => self.prepare(record),
            };
            let prepared: Vec<Ready> = records.par_iter().enumerate().map(ready).collect();
            self.step(Step::Prepared)?;
            match self.try_fold(partition, records, prepared) {
                Ok(folded) => return Ok(folded),
                Err(Broken::Stop(stop)) => return Err(stop),
                Err(Broken::At(index, fault)) => {
                    if faults.len() == MOST_FAULTS {
                        return Err(Stop::Fatal(anyhow::anyhow!(
                            "the program fails on one record after the other, last with `{fault}`; please report \
                             this; nothing of the batch is lost"
                        )));
                    }
                    self.build_again(partition)?;
                    if let Some(live) = self.live.get_mut(partition) {
                        live.clocks.clone_from(&clocks);
                    }
                    faults.insert(index, fault);
                }
            }
        }
    }

    fn prepare(&self, record: &Record) -> Ready {
        let prepare = || {
            self.parts.probe.preparing(record);
            let event = record.event().map_err(Clone::clone)?;
            let decoded = self.parts.decoder.decode(event, (self.parts.now)());
            let decoded = decoded.map_err(|fault| (fault.reason, fault.detail))?;
            let mut prepared = self.parts.preparer.prepare(decoded.complaint, decoded.content);
            self.parts.preparer.keep_reading(&mut prepared);
            Ok(prepared)
        };
        caught(prepare).unwrap_or_else(|fault| Err((DeadReason::ProgramFault, fault)))
    }

    fn try_fold(
        &mut self,
        partition: &PartitionKey,
        records: &[Record],
        prepared: Vec<Ready>,
    ) -> Result<Folded, Broken> {
        let ids: Vec<ComplaintId> =
            prepared.iter().flatten().map(|prepared| prepared.complaint.id.clone()).collect();
        let mut known = self.known(&ids)?;
        let mut ledger = Ledger::default();
        let mut elsewhere: FxHashMap<ComplaintId, PartitionKey> = FxHashMap::default();
        for id in ids {
            if let Some(known) = known.remove(&id) {
                if known.partition != *partition {
                    elsewhere.insert(id.clone(), known.partition);
                }
                ledger.learn(id, known.content, known.earlier, known.version);
            }
        }
        let held = self.parts.holdings.of(partition).into_iter();
        let behind: Vec<Arc<str>> =
            held.filter(|holding| holding.end.is_none()).map(|holding| holding.source).collect();
        let probe = &self.parts.probe;
        let live = self.live.get_mut(partition).context("the engine was made ready before")?;
        let mut effects = Effects::default();
        let mut outcomes = Vec::with_capacity(records.len());
        let mut updates = Vec::new();
        let mut moved = Moved::new();
        for (index, (record, prepared)) in records.iter().zip(prepared).enumerate() {
            let prepared = match prepared {
                Ok(prepared) => prepared,
                Err((reason, detail)) => {
                    outcomes.push(Outcome::DeadLetter(reason, Cow::Owned(detail)));
                    continue;
                }
            };
            let id = prepared.complaint.id.clone();
            let at = prepared.complaint.received_at;
            let novelty = ledger.judge(&id, prepared.content);
            if let Some(version) = novelty.version() {
                let clock = live.engine.status().clock;
                let reached = live.clocks.reached(&record.source, at, &behind, clock);
                let apply = || {
                    probe.folding(&id);
                    live.engine.apply(Arrival { prepared, version, reached }, &mut effects);
                };
                caught(apply).map_err(|fault| Broken::At(index, fault))?;
                if let Some(from) = elsewhere.remove(&id) {
                    moved.entry(from).or_default().push((id.clone(), at));
                }
            }
            outcomes.push(match novelty {
                Novelty::New => Outcome::Accepted(id),
                Novelty::Repeat => Outcome::Repeated(id),
                Novelty::Update(version) => {
                    updates.push((index, version));
                    Outcome::Updated(id)
                }
            });
        }
        Ok(Folded { effects, outcomes, updates, moved })
    }

    /// What the store knows of these complaints.
    fn known(&self, ids: &[ComplaintId]) -> Result<FxHashMap<ComplaintId, Known>, Stop> {
        self.patiently(|pipeline| pipeline.parts.store.known(ids).context("looking up what was seen before"))
    }

    /// Takes complaints out of the engines that had them, and returns what changed there, to be
    /// committed with the batch. An engine that is not here is built again where it is, since its
    /// next commit is refused.
    pub(super) fn leave(
        &mut self,
        moved: Moved,
    ) -> (BTreeMap<PartitionKey, Vec<IncidentRecord>>, Vec<LeaseGuard>) {
        let mut left = BTreeMap::new();
        let mut guards = Vec::new();
        for (partition, complaints) in moved {
            let held = self.parts.holdings.of(&partition);
            let leases = held.iter().map(|holding| &holding.lease).filter(|lease| lease.id().is_some());
            let inside: Option<Vec<LeaseGuard>> = leases.map(Lease::enter).collect();
            let incidents = match (self.live.get_mut(&partition), inside) {
                (Some(live), Some(inside)) => {
                    guards.extend(inside);
                    let mut effects = Effects::default();
                    for (id, at) in complaints {
                        live.engine.withdraw(&id, at, &mut effects);
                    }
                    live.engine.incidents(&mut effects)
                }
                _ => Vec::new(),
            };
            left.insert(partition, incidents);
        }
        (left, guards)
    }

    /// Brings the engines that complaints have left in step with the store again.
    pub(super) fn have_left(
        &mut self,
        left: &BTreeMap<PartitionKey, Vec<IncidentRecord>>,
        committed: Committed,
    ) -> Result<(), Stop> {
        for partition in left.keys() {
            match (committed, self.live.get_mut(partition)) {
                (Committed::Yes, Some(live)) => live.commits += 1,
                // The complaints are still theirs.
                (Committed::Lost, Some(_)) => self.build_again(partition)?,
                (_, None) => {}
            }
        }
        Ok(())
    }
}

/// What `work` comes to, or with what it panicked.
pub(super) fn caught<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| {
        let said = said(&*panic);
        happening::ProgramFailed { said: &said }.emit();
        format!("the program failed on this event ({said}); please report it, and redrive after an update")
    })
}
