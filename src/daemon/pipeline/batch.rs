//! One batch of one engine: decode, prepare, fold, commit, answer.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context as _;
use rayon::prelude::*;
use rustc_hash::FxHashMap;

use crate::daemon::ledger::{Ledger, Novelty};
use crate::engine::{Arrival, Effects, Prepared};
use crate::model::{
    Alert, Commit, ComplaintId, DeadLetter, DeadReason, PartitionKey, Position, PositionDelta,
};
use crate::source::{Lease, LeaseGuard, Outcome, Record};
use crate::store::{CommitError, Known};
use crate::telemetry::pipeline as happening;
use crate::telemetry::source::{
    EventDeadLettered, EventRepeated, EventUpdated, EventsAccepted, EventsReceived,
};

use super::live::Live;
use super::{Pipeline, RETRY, Step, Stop};

/// Why the store could not be used at the last try, if it could not.
#[derive(Default)]
struct Stall(Option<String>);

impl Stall {
    fn is_new(&self) -> bool {
        self.0.is_none()
    }
}

/// Whether a commit went in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Committed {
    Yes,
    /// Somebody else has the partition: the batch is theirs.
    Lost,
}

impl Pipeline {
    pub(super) fn process_partition(
        &mut self,
        partition: &PartitionKey,
        records: Vec<Record>,
    ) -> Result<(), Stop> {
        let (records, leases, guards) = enter(records);
        if records.is_empty() {
            return Ok(());
        }
        self.engine_for(partition, &leases)?;
        let started = Instant::now();
        let positions = self.deltas(partition, &records)?;
        let prepared: Vec<_> = records.par_iter().map(|record| self.prepare(record)).collect();
        self.step(Step::Prepared)?;
        let (mut effects, outcomes) = self.fold(partition, &records, prepared)?;
        self.step(Step::Applied)?;
        let now = (self.parts.now)();
        let dead_letters = dead_letters(&records, &outcomes, now);
        let live = self.live.get(partition).context("the engine was made ready above")?;
        let incidents = live.engine.incidents(&mut effects);
        let commit = Commit {
            partition: partition.clone(),
            positions,
            clock: live.engine.status().clock,
            committed_at: now,
            complaints: effects.complaints,
            regrouped: effects.regrouped,
            aliases: Vec::new(),
            incidents,
            alerts: effects.alerts,
            dead_letters,
        };
        let committed = self.commit(&commit, &leases)?;
        // Only now may a revoke go on: what is inside is durable or given up.
        drop(guards);
        if committed == Committed::Lost {
            // A partition that was taken is read by its new owner, and who sent over HTTP is told to
            // send again. A file is read by us alone: reading on would leave this batch out.
            return match records.iter().find(|record| record.lease.id().is_none() && record.next.is_some()) {
                None => Ok(()),
                Some(record) => Err(Stop::Fatal(anyhow::anyhow!(
                    "{}: another process works on the same store; run one process for one data folder, \
                     or start this one again to go on where it was",
                    record.source
                ))),
            };
        }
        self.step(Step::Committed)?;
        count(&records, &outcomes);
        answer(records, outcomes);
        self.step(Step::Answered)?;
        happening::BatchCommitted {
            partition,
            complaints: commit.complaints.len(),
            seconds: started.elapsed().as_secs_f64(),
        }
        .emit();
        self.show_engine(partition);
        Ok(())
    }

    fn prepare(&self, record: &Record) -> Result<Prepared, (DeadReason, String)> {
        let event = record.event().map_err(Clone::clone)?;
        let decoded = self
            .parts
            .decoder
            .decode(event, (self.parts.now)())
            .map_err(|fault| (fault.reason, fault.detail))?;
        Ok(self.parts.preparer.prepare(decoded.complaint, decoded.content))
    }

    fn fold(
        &mut self,
        partition: &PartitionKey,
        records: &[Record],
        prepared: Vec<Result<Prepared, (DeadReason, String)>>,
    ) -> Result<(Effects, Vec<Outcome>), Stop> {
        let ids: Vec<ComplaintId> =
            prepared.iter().flatten().map(|prepared| prepared.complaint.id.clone()).collect();
        let mut known = self.known(&ids)?;
        let mut ledger = Ledger::default();
        for id in ids {
            if let Some(known) = known.remove(&id) {
                ledger.learn(id, known.content, known.version);
            }
        }
        let live = self.live.get_mut(partition).context("the engine was made ready before")?;
        let mut effects = Effects::default();
        let mut outcomes = Vec::with_capacity(records.len());
        for (record, prepared) in records.iter().zip(prepared) {
            let prepared = match prepared {
                Ok(prepared) => prepared,
                Err((reason, detail)) => {
                    let at = &record.at;
                    EventDeadLettered { source: &record.source, at, reason, detail: &detail }.emit();
                    outcomes.push(Outcome::DeadLetter(reason, Cow::Owned(detail)));
                    continue;
                }
            };
            let id = prepared.complaint.id.clone();
            let novelty = ledger.judge(&id, prepared.content);
            if let Some(version) = novelty.version() {
                live.engine.apply(Arrival { prepared, version }, &mut effects);
            }
            outcomes.push(match novelty {
                Novelty::New => Outcome::Accepted(id),
                Novelty::Repeat => Outcome::Repeated(id),
                Novelty::Update(version) => {
                    EventUpdated { source: &record.source, id: id.as_str(), version }.emit();
                    Outcome::Updated(id)
                }
            });
        }
        Ok((effects, outcomes))
    }

    /// What the store knows of these complaints, waiting as long as it cannot be read.
    fn known(&mut self, ids: &[ComplaintId]) -> Result<FxHashMap<ComplaintId, Known>, Stop> {
        let mut stall = Stall::default();
        loop {
            match self.parts.store.known(ids) {
                Ok(known) => {
                    self.recovered(&stall);
                    return Ok(known);
                }
                Err(error) if error.is_passing() => self.stalled(&mut stall, &error.to_string())?,
                Err(error) => {
                    return Err(Stop::Fatal(
                        anyhow::Error::new(error).context("looking up what was seen before"),
                    ));
                }
            }
        }
    }

    /// How far this batch reads each source, joined on to what was committed before.
    fn deltas(&mut self, partition: &PartitionKey, records: &[Record]) -> Result<Vec<PositionDelta>, Stop> {
        let live = self.live.get_mut(partition).context("the engine was made ready before")?;
        let mut ends: BTreeMap<Arc<str>, (Option<Position>, Position)> = BTreeMap::new();
        for record in records {
            let Some(next) = record.next else { continue };
            if let Some((_, to)) = ends.get_mut(&record.source) {
                *to = next;
                continue;
            }
            let from = match live.positions.get(&record.source) {
                Some(from) => *from,
                None => record
                    .lease
                    .stored(&*self.parts.store, &record.source)
                    .context("reading the stored position")?,
            };
            ends.insert(Arc::clone(&record.source), (from, next));
        }
        let delta =
            |(source, (from, to)): (Arc<str>, _)| PositionDelta { source: source.to_string(), from, to };
        Ok(ends.into_iter().map(delta).collect())
    }

    /// Commits, waiting as long as the store has no room.
    pub(super) fn commit(&mut self, commit: &Commit, leases: &[Lease]) -> Result<Committed, Stop> {
        let mut stall = Stall::default();
        loop {
            match self.parts.store.commit(commit, &self.parts.sinks) {
                Ok(()) => break,
                Err(error @ CommitError::Lost { .. }) if leases.is_empty() && !self.is_leased(commit) => {
                    // Nobody takes these sources away: a second daemon works on this store. Going on
                    // would drop one batch after the other.
                    return Err(Stop::Fatal(anyhow::Error::new(error).context(
                        "another daemon uses this data folder; stop it, or give this one its own store.path",
                    )));
                }
                Err(CommitError::Lost { source }) => {
                    happening::BatchLost { source: &source }.emit();
                    for lease in leases {
                        lease.lose();
                    }
                    self.live.remove(&commit.partition);
                    return Ok(Committed::Lost);
                }
                Err(error @ CommitError::Superseded(_)) => {
                    // Waiting does not help: another version has taken the store over.
                    return Err(Stop::Fatal(error.into()));
                }
                Err(error) => {
                    // What retention does not keep may be the room that is missing.
                    if matches!(error, CommitError::Full(_)) && stall.is_new() {
                        self.make_room();
                    }
                    self.stalled(&mut stall, &error.to_string())?;
                }
            }
        }
        self.recovered(&stall);
        if let Some(live) = self.live.get_mut(&commit.partition) {
            live.committed(commit.committed_at);
            for delta in &commit.positions {
                live.positions.insert(Arc::from(delta.source.as_str()), Some(delta.to));
            }
        }
        tell_alerts(&commit.alerts);
        if !commit.alerts.is_empty() {
            (self.parts.wake)();
        }
        Ok(Committed::Yes)
    }

    /// Says that the store cannot be used for now, and waits a moment before it is tried again.
    fn stalled(&self, stall: &mut Stall, reason: &str) -> Result<(), Stop> {
        happening::StoreStalled { reason, is_new: stall.0.as_deref() != Some(reason) }.emit();
        stall.0 = Some(reason.to_owned());
        self.health.failed(format!("intake has stopped: {reason}"));
        self.health.beat(Instant::now(), super::LIFE_SIGN);
        if self.shutdown.is_cancelled() {
            return Err(Stop::Shutdown);
        }
        std::thread::sleep(RETRY);
        Ok(())
    }

    fn recovered(&self, stall: &Stall) {
        if !stall.is_new() {
            happening::StoreRecovered.emit();
            self.health.ok();
        }
    }

    fn is_leased(&self, commit: &Commit) -> bool {
        self.live.get(&commit.partition).is_some_and(Live::is_leased)
    }

    fn show_engine(&self, partition: &PartitionKey) {
        if let Some(live) = self.live.get(partition) {
            happening::EngineShown { partition, status: live.engine.status() }.emit();
        }
    }
}

/// Enters the lease of every record; records whose lease was taken away are left to the next owner.
fn enter(records: Vec<Record>) -> (Vec<Record>, Vec<Lease>, Vec<LeaseGuard>) {
    let mut leases: Vec<Lease> = Vec::new();
    let mut guards = Vec::new();
    let mut kept = Vec::with_capacity(records.len());
    for record in records {
        let is_inside = record.lease.id().is_some_and(|id| leases.iter().any(|lease| lease.id() == Some(id)));
        if !is_inside {
            let Some(guard) = record.lease.enter() else { continue };
            if record.lease.id().is_some() {
                leases.push(record.lease.clone());
            }
            guards.push(guard);
        }
        kept.push(record);
    }
    (kept, leases, guards)
}

fn dead_letters(records: &[Record], outcomes: &[Outcome], now: jiff::Timestamp) -> Vec<DeadLetter> {
    let dead = |(record, outcome): (&Record, &Outcome)| match outcome {
        Outcome::DeadLetter(reason, detail) => Some(DeadLetter {
            reason: *reason,
            detail: detail.to_string(),
            source: record.source.to_string(),
            at: record.at.to_string(),
            seen_at: now,
            bytes: record.raw.clone(),
            is_event: matches!(record.event, Ok(None)),
        }),
        _ => None,
    };
    records.iter().zip(outcomes).filter_map(dead).collect()
}

fn count(records: &[Record], outcomes: &[Outcome]) {
    let mut counted: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for (record, outcome) in records.iter().zip(outcomes) {
        let (received, accepted) = counted.entry(&record.source).or_default();
        *received += 1;
        match outcome {
            Outcome::Accepted(_) => *accepted += 1,
            Outcome::Repeated(id) => EventRepeated { source: &record.source, id: id.as_str() }.emit(),
            Outcome::Updated(_) | Outcome::DeadLetter(..) => {}
        }
    }
    for (source, (received, accepted)) in counted {
        EventsReceived { source, count: received }.emit();
        if accepted > 0 {
            EventsAccepted { source, count: accepted }.emit();
        }
    }
}

fn answer(records: Vec<Record>, outcomes: Vec<Outcome>) {
    for (record, outcome) in records.into_iter().zip(outcomes) {
        if let Some(reply) = record.reply {
            // Who asked may have gone; the event is durable all the same.
            let _ = reply.send(outcome);
        }
    }
}

fn tell_alerts(alerts: &[Alert]) {
    for alert in alerts {
        happening::AlertRaised {
            id: alert.id.as_str(),
            revision: alert.revision,
            kind: alert.kind,
            state: alert.state,
            level: alert.level,
            callers: alert.callers,
        }
        .emit();
    }
}
