//! The loop that polls: one thread, which blocks nowhere else for long.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Message};
use tokio_util::sync::CancellationToken;

use crate::model::{DeadReason, Position};
use crate::source::{Intake, IntakeClosed, IntakeFull, Record};
use crate::telemetry::kafka as happening;

use super::rebalance::{GroupContext, Shared};

/// How long one poll waits when there is nothing to read; bounds the time a shutdown takes.
const POLL: Duration = Duration::from_millis(100);
/// The same while records are held back: how soon freed room is seen.
const POLL_HELD: Duration = Duration::from_millis(5);
/// How long a full pipeline is waited for before reading is paused. Pausing throws away what was
/// read ahead, and going on costs a round of fetching (half a second), so a pipeline that is only
/// busy must not cause it; short against every timeout of the group.
const GRACE: Duration = Duration::from_secs(1);
/// How often the pipeline's verdicts on our leases are looked at.
const TICK: Duration = Duration::from_secs(1);
/// How long the brokers may take to say what a partition holds.
const ASK: Duration = Duration::from_secs(2);
/// How often, at most, they are asked that because of a gap in the offsets.
const ASK_AGAIN: Duration = Duration::from_mins(1);

/// Reads from the group and hands over.
pub(super) struct PollLoop {
    consumer: Arc<BaseConsumer<GroupContext>>,
    shared: Arc<Shared>,
    intake: Intake,
    /// Records for which there was no room, in the order they were read.
    held: VecDeque<Record>,
    full_since: Option<Instant>,
    paused: Option<Instant>,
    joined: bool,
    next_tick: Instant,
    next_hint: Instant,
}

impl PollLoop {
    pub(super) fn new(
        consumer: Arc<BaseConsumer<GroupContext>>,
        shared: Arc<Shared>,
        intake: Intake,
    ) -> Self {
        let now = Instant::now();
        Self {
            consumer,
            shared,
            intake,
            held: VecDeque::new(),
            full_since: None,
            paused: None,
            joined: false,
            next_tick: now,
            next_hint: now,
        }
    }

    /// Runs until `shutdown` is cancelled, the pipeline is gone or the source cannot go on.
    pub(super) fn run(&mut self, shutdown: &CancellationToken) -> anyhow::Result<()> {
        let consumer = Arc::clone(&self.consumer);
        while !shutdown.is_cancelled() {
            let polled = if self.held.is_empty() {
                consumer.poll(POLL)
            } else if self.paused.is_some() {
                consumer.poll(POLL_HELD)
            } else {
                std::thread::sleep(POLL_HELD);
                None
            };
            // Whatever went in a rebalance during the poll is no longer ours to hand over.
            self.forget_revoked();
            if let Some(error) = self.shared.take_fatal() {
                return Err(error);
            }
            match polled {
                Some(Ok(message)) => {
                    if let Some(record) = self.record(&message) {
                        self.held.push_back(record);
                        // A partition that came after the pause is still being read.
                        if self.paused.is_some() {
                            self.pause();
                        }
                    }
                }
                Some(Err(error)) => self.on_error(&error)?,
                None => {}
            }
            if self.hand_over().is_err() {
                return Ok(());
            }
            self.tick(&consumer)?;
        }
        Ok(())
    }

    /// Hands over what is held, in order; pauses reading when there is no room, and lets it go on
    /// when there is again.
    fn hand_over(&mut self) -> Result<(), IntakeClosed> {
        while let Some(record) = self.held.pop_front() {
            if let Err(IntakeFull(back)) = self.intake.try_send(record)? {
                self.held.push_front(*back);
                break;
            }
        }
        if self.held.is_empty() {
            self.full_since = None;
            if let Some(since) = self.paused.filter(|_| self.intake.is_roomy()) {
                self.resume(since);
            }
        } else if self.full_since.get_or_insert_with(Instant::now).elapsed() >= GRACE && self.paused.is_none()
        {
            self.pause();
        }
        Ok(())
    }

    fn pause(&mut self) {
        let paused = self.consumer.assignment().and_then(|all| self.consumer.pause(&all));
        match paused {
            Ok(()) if self.paused.is_none() => {
                self.paused = Some(Instant::now());
                happening::Paused { topic: &self.shared.config.topic }.emit();
            }
            Ok(()) => {}
            // Reading goes on and `held` grows until the next attempt at the next record.
            Err(error) => self.report(&error),
        }
    }

    fn resume(&mut self, since: Instant) {
        match self.consumer.assignment().and_then(|all| self.consumer.resume(&all)) {
            Ok(()) => {
                self.paused = None;
                happening::Resumed { topic: &self.shared.config.topic, after: since.elapsed() }.emit();
            }
            Err(error) => self.report(&error),
        }
    }

    fn report(&self, error: &KafkaError) {
        let code = error.rdkafka_error_code().unwrap_or(rdkafka::types::RDKafkaErrorCode::Fail);
        self.shared.fault(code, &error.to_string());
    }

    fn forget_revoked(&mut self) {
        let before = self.held.len();
        self.held.retain(|record| !record.lease.is_revoked());
        let records = before - self.held.len();
        if records > 0 {
            happening::LeftToNextOwner { topic: &self.shared.config.topic, records }.emit();
        }
    }

    /// Errors were logged and kept by the context already; here it is decided whether to go on.
    fn on_error(&mut self, error: &KafkaError) -> anyhow::Result<()> {
        match error {
            KafkaError::PartitionEOF(partition) => {
                if let Some(held) = self.shared.board().get_mut(partition) {
                    held.at_end = true;
                }
                Ok(())
            }
            KafkaError::MessageConsumptionFatal(code) => {
                Err(anyhow::anyhow!("the Kafka client cannot go on: {code}; restart fenghuo"))
            }
            // A wrong setting shows itself when joining; later the same error is an administrator
            // at work, and the client goes on trying.
            _ => {
                let faults = self.shared.take_faults();
                match faults.into_iter().find(|fault| fault.lasting) {
                    Some(fault) if !self.joined => Err(anyhow::anyhow!("{}", fault.message)),
                    _ => Ok(()),
                }
            }
        }
    }

    fn tick(&mut self, consumer: &BaseConsumer<GroupContext>) -> anyhow::Result<()> {
        let now = Instant::now();
        if now < self.next_tick {
            return Ok(());
        }
        self.next_tick = now + TICK;
        self.joined |= !self.shared.board().is_empty();
        self.shared.retake(consumer)?;
        if now >= self.next_hint {
            self.next_hint = now + Duration::from_secs(self.shared.config.commit_interval_seconds.into());
            let owned: Vec<i32> = self.shared.board().keys().copied().collect();
            let list = self.shared.hints(owned)?;
            if list.count() > 0
                && let Err(error) = consumer.commit(&list, CommitMode::Async)
            {
                let error = error.to_string();
                happening::HintCommitted { topic: &self.shared.config.topic, error: Some(&error) }.emit();
            }
        }
        Ok(())
    }

    /// Makes a record of a message; `None` when it is not ours or was handed over before.
    fn record(&self, message: &BorrowedMessage<'_>) -> Option<Record> {
        let (partition, offset) = (message.partition(), message.offset());
        let topic = self.shared.config.topic.as_str();
        let expected = self.shared.board().get(&partition)?.expected;
        if let Some(expected) = expected.filter(|&expected| expected != offset) {
            match self.gap(partition, expected, offset) {
                Gap::Plain => {}
                Gap::Repeat => {
                    happening::RecordRepeated { topic }.emit();
                    return None;
                }
                Gap::OutOfRange => {
                    happening::PositionOutOfRange { topic, partition, expected, found: offset }.emit();
                }
            }
        }
        let raw = message.payload().unwrap_or_default().to_vec();
        happening::RecordRead { topic, bytes: raw.len() }.emit();
        let event = if message.payload().is_some() {
            Ok(None)
        } else {
            let detail =
                "the message has no value (a tombstone); a complaint is corrected by sending it again";
            Err((DeadReason::MissingField, detail.to_owned()))
        };
        let mut board = self.shared.board();
        let held = board.get_mut(&partition)?;
        held.expected = Some(offset + 1);
        held.handed = true;
        held.at_end = false;
        Some(Record {
            partition: held.engine.clone(),
            source: Arc::clone(&held.source),
            next: Some(Position(offset + 1)),
            at: format!("offset {offset}").into(),
            raw,
            event,
            reply: None,
            lease: held.lease.clone(),
        })
    }

    /// Why `found` came when `expected` should have. Transactions and compaction leave holes, so
    /// the brokers are asked what the partition holds, but not for every hole.
    fn gap(&self, partition: i32, expected: i64, found: i64) -> Gap {
        let now = Instant::now();
        let known = {
            let mut board = self.shared.board();
            let Some(held) = board.get_mut(&partition) else { return Gap::Plain };
            if held.low.is_some_and(|low| low > expected) && found > expected {
                return Gap::OutOfRange;
            }
            let fresh = found > expected && held.asked.is_some_and(|at| now.duration_since(at) < ASK_AGAIN);
            held.asked = Some(if fresh { held.asked.unwrap_or(now) } else { now });
            fresh
        };
        if known {
            return Gap::Plain;
        }
        match self.consumer.fetch_watermarks(&self.shared.config.topic, partition, ASK) {
            Ok((low, high)) => Gap::judge(expected, found, low, high),
            Err(error) => {
                self.report(&error);
                // Without an answer, a step back must be read again rather than left out.
                Gap::Plain
            }
        }
    }
}

/// What it means that another offset came than the one that follows the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gap {
    /// Holes that transactions and compaction leave.
    Plain,
    /// The record was delivered before.
    Repeat,
    /// The expected offset is no longer (or not yet) in the partition.
    OutOfRange,
}

impl Gap {
    fn judge(expected: i64, found: i64, low: i64, high: i64) -> Self {
        if found > expected {
            return if low > expected { Self::OutOfRange } else { Self::Plain };
        }
        if high < expected { Self::OutOfRange } else { Self::Repeat }
    }
}

/// Makes the client and joins the group.
pub(super) fn connect(shared: &Arc<Shared>) -> anyhow::Result<BaseConsumer<GroupContext>> {
    let client = shared.config.client()?;
    client
        .create_with_context(GroupContext(Arc::clone(shared)))
        .map_err(crate::kafka::refused)
        .context("the Kafka source cannot start")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_told_apart() {
        assert_eq!(Gap::judge(5, 7, 0, 9), Gap::Plain, "a transaction's mark or a compacted record");
        assert_eq!(Gap::judge(5, 7, 7, 9), Gap::OutOfRange, "retention was quicker");
        assert_eq!(Gap::judge(5, 3, 0, 9), Gap::Repeat, "the client delivered twice");
        assert_eq!(Gap::judge(5, 0, 0, 3), Gap::OutOfRange, "the topic was made anew");
    }
}
