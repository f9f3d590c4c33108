//! One batch of one engine: prepare and fold, commit, answer.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context as _;

use crate::model::{Commit, DeadLetter, PartitionKey, Position, PositionDelta};
use crate::source::{Lease, LeaseGuard, Outcome, Record};
use crate::telemetry::pipeline as happening;
use crate::telemetry::source::{
    EventDeadLettered, EventRepeated, EventUpdated, EventsAccepted, EventsReceived,
};

use super::commit::Committed;
use super::fold::Folded;
use super::{Pipeline, Step, Stop};

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
        let started = Instant::now();
        let Folded { mut effects, outcomes, updates, moved } = self.fold(partition, &records, &leases)?;
        let positions = self.deltas(partition, &records)?;
        self.step(Step::Applied)?;
        let (left, others) = self.leave(moved);
        let now = (self.parts.now)();
        let live = self.live.get(partition).context("the engine was made ready above")?;
        let incidents = live.engine.incidents(&mut effects);
        let commit = Commit {
            positions,
            complaints: effects.complaints,
            regrouped: effects.regrouped,
            aliases: effects.merged,
            incidents,
            left,
            alerts: effects.alerts,
            dead_letters: dead_letters(&records, &outcomes, now),
            ..live.commit(partition, now)
        };
        let committed = self.commit(&commit, &leases)?;
        // Only now may a revoke go on: what is inside is durable or given up.
        drop((guards, others));
        self.have_left(&commit.left, committed)?;
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
        count(&records, &outcomes, &updates);
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

    /// How far this batch reads each source, joined on to what was committed before.
    fn deltas(&self, partition: &PartitionKey, records: &[Record]) -> Result<Vec<PositionDelta>, Stop> {
        let live = self.live.get(partition).context("the engine was made ready before")?;
        let mut ends: BTreeMap<Arc<str>, (Option<Position>, Position)> = BTreeMap::new();
        for record in records {
            let Some(next) = record.next else { continue };
            if let Some((_, to)) = ends.get_mut(&record.source) {
                *to = next;
                continue;
            }
            let from = match live.positions.get(&record.source) {
                Some(from) => *from,
                None => self.patiently(|pipeline| {
                    let stored = record.lease.stored(&*pipeline.parts.store, &record.source);
                    stored.context("reading the stored position")
                })?,
            };
            ends.insert(Arc::clone(&record.source), (from, next));
        }
        let delta =
            |(source, (from, to)): (Arc<str>, _)| PositionDelta { source: source.to_string(), from, to };
        Ok(ends.into_iter().map(delta).collect())
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

/// Counts what is durable, once.
fn count(records: &[Record], outcomes: &[Outcome], updates: &[(usize, u32)]) {
    let mut counted: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for (record, outcome) in records.iter().zip(outcomes) {
        let (received, accepted) = counted.entry(&record.source).or_default();
        *received += 1;
        let source = &*record.source;
        match outcome {
            Outcome::Accepted(_) => *accepted += 1,
            Outcome::Repeated(id) => EventRepeated { source, id: id.as_str() }.emit(),
            Outcome::Updated(_) => {}
            Outcome::DeadLetter(reason, detail) => {
                EventDeadLettered { source, at: &record.at, reason: *reason, detail }.emit();
            }
        }
    }
    for (index, version) in updates {
        if let (record, Outcome::Updated(id)) = (&records[*index], &outcomes[*index]) {
            EventUpdated { source: &record.source, id: id.as_str(), version: *version }.emit();
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
