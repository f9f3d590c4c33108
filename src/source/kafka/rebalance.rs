//! The group's callbacks, and what may be done with a partition in each of its states.
//!
//! A partition is [`Consuming`] from the assign step on. A revoke turns it into [`Drained`] by
//! waiting for the batch in work; only then is there anything to write to the group. A lost
//! partition has no such state: it is forgotten on the spot. All callbacks run on the thread that
//! polls (at the very end, on the one that closes).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext, RebalanceProtocol};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList, TopicPartitionListElem};
use rdkafka::types::{RDKafkaErrorCode, RDKafkaRespErr};
use rustc_hash::FxHashMap;

use crate::model::{PartitionKey, Position, Positions};
use crate::source::{Holdings, Lease};
use crate::telemetry::kafka as happening;
use happening::RebalanceKind;

use super::config::{Grouping, KafkaConfig};
use super::faults::{Fault, explain};
use super::health::KafkaHealth;

/// How long errors of one class are only counted after one was logged.
const QUIET: Duration = Duration::from_secs(30);
/// How long restarting a partition at another offset may take.
const SEEK: Duration = Duration::from_secs(2);

/// What the poll loop, the callbacks and the watch share.
pub(super) struct Shared {
    pub(super) config: KafkaConfig,
    pub(super) positions: Arc<dyn Positions>,
    pub(super) holdings: Holdings,
    pub(super) health: KafkaHealth,
    board: Mutex<BTreeMap<i32, Consuming>>,
    notes: Mutex<Notes>,
}

/// What callbacks leave for the poll loop.
#[derive(Default)]
struct Notes {
    faults: Vec<Fault>,
    logged: FxHashMap<&'static str, Instant>,
    fatal: Option<anyhow::Error>,
    close_by: Option<Instant>,
}

/// A partition that is assigned to us: records flow under its lease.
pub(super) struct Consuming {
    pub(super) source: Arc<str>,
    pub(super) engine: PartitionKey,
    pub(super) lease: Lease,
    /// The offset that should come next, when it is known.
    pub(super) expected: Option<i64>,
    /// Whether something was handed over under this lease.
    pub(super) handed: bool,
    /// The reader has reached the end since the last record.
    pub(super) at_end: bool,
    /// The lowest offset that the watch has seen in the topic.
    pub(super) low: Option<i64>,
    /// When the brokers were last asked about a gap.
    pub(super) asked: Option<Instant>,
    /// The position last written to the group.
    pub(super) hinted: Option<i64>,
}

/// A revoked partition with nothing of ours in work: its position is final for us.
struct Drained {
    partition: i32,
    source: Arc<str>,
}

impl Consuming {
    fn new(source: Arc<str>, engine: PartitionKey, lease: Lease, stored: Option<i64>) -> Self {
        Self {
            source,
            engine,
            lease,
            expected: stored,
            handed: false,
            at_end: false,
            low: None,
            asked: None,
            hinted: None,
        }
    }

    /// Waits until `end` for the batch in work. `None` when it did not end in time.
    fn drain(self, partition: i32, end: Instant) -> Option<Drained> {
        let left = end.saturating_duration_since(Instant::now());
        self.lease.revoke(left).then_some(Drained { partition, source: self.source })
    }
}

impl Shared {
    pub(super) fn new(config: KafkaConfig, positions: Arc<dyn Positions>, holdings: Holdings) -> Self {
        let health = KafkaHealth::new(&config);
        let shared =
            Self { config, positions, holdings, health, board: Mutex::default(), notes: Mutex::default() };
        shared.expect();
        shared
    }

    /// While the group has given us no partition, nobody knows what has happened meanwhile.
    fn expect(&self) {
        if self.config.grouping == Grouping::Together {
            self.holdings.expect(&self.config.expected_as(), &self.config.engine_of(0));
        }
    }

    /// The partitions held. No I/O is done while this is locked.
    pub(super) fn board(&self) -> MutexGuard<'_, BTreeMap<i32, Consuming>> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Logs, counts and keeps an error of the client.
    pub(super) fn fault(&self, code: RDKafkaErrorCode, reason: &str) {
        let fault = explain(code, reason, &self.config);
        let mut notes = self.notes();
        let now = Instant::now();
        let repeated = notes.logged.get(fault.kind).is_some_and(|&at| now.duration_since(at) < QUIET);
        if !repeated {
            notes.logged.insert(fault.kind, now);
        } else if code == RDKafkaErrorCode::AllBrokersDown {
            // Reported many times a second, and says less than the connection error before it.
            return;
        }
        happening::ClientError {
            topic: &self.config.topic,
            kind: fault.kind,
            message: &fault.message,
            repeated,
        }
        .emit();
        self.health.facts().fault = Some(fault.message.clone());
        // Nobody may be collecting them; the newest say enough.
        notes.faults.truncate(31);
        notes.faults.insert(0, fault);
    }

    /// Takes the errors since the last call, the newest first.
    pub(super) fn take_faults(&self) -> Vec<Fault> {
        std::mem::take(&mut self.notes().faults)
    }

    /// Takes the error that ends the source, if there is one.
    pub(super) fn take_fatal(&self) -> Option<anyhow::Error> {
        self.notes().fatal.take()
    }

    /// From now on, waiting for batches ends at `end` at the latest.
    pub(super) fn close_by(&self, end: Instant) {
        self.notes().close_by = Some(end);
    }

    /// The stored position of a partition.
    pub(super) fn stored(&self, partition: i32) -> anyhow::Result<Option<i64>> {
        let source = self.config.source_id(partition);
        let stored = self.positions.position(&source);
        Ok(stored
            .with_context(|| format!("the position of {source} cannot be read"))?
            .map(|position| position.0))
    }

    /// Where reading a partition starts: the stored position and what it means to the client.
    fn start_of(&self, partition: i32) -> anyhow::Result<(Option<i64>, Offset)> {
        match self.stored(partition)? {
            None => Ok((None, self.config.start.offset())),
            Some(stored) if stored >= 0 => Ok((Some(stored), Offset::Offset(stored))),
            Some(stored) => {
                let source = self.config.source_id(partition);
                anyhow::bail!("the stored position of {source} is {stored}, which is no offset")
            }
        }
    }

    /// Puts a partition on the board under a new lease.
    fn hold(&self, partition: i32, stored: Option<i64>) {
        let source: Arc<str> = self.config.source_id(partition).into();
        let engine = self.config.engine_of(partition);
        let lease = self.holdings.grant(&source, &engine, stored.map(Position));
        self.holdings.settle(&self.config.expected_as());
        self.health.assigned(partition, stored);
        self.board().insert(partition, Consuming::new(source, engine, lease, stored));
    }

    /// The assign step: new leases, start offsets from the store.
    fn take(&self, consumer: &BaseConsumer<GroupContext>, partitions: &[i32]) -> anyhow::Result<()> {
        let mut list = TopicPartitionList::with_capacity(partitions.len());
        for &partition in partitions {
            let (stored, offset) = self.start_of(partition)?;
            list.add_partition_offset(&self.config.topic, partition, offset)?;
            self.hold(partition, stored);
        }
        match consumer.rebalance_protocol() {
            RebalanceProtocol::Eager => consumer.assign(&list)?,
            _ => consumer.incremental_assign(&list)?,
        }
        Ok(())
    }

    /// Takes again what the pipeline found to be out of step with the store: new lease, position
    /// read anew, reading restarted there. The assignment itself is the group's and stays, which
    /// is why this is a seek. Tried again at the next tick if the client is not ready for it.
    pub(super) fn retake(&self, consumer: &BaseConsumer<GroupContext>) -> anyhow::Result<()> {
        let is_out_of_step =
            |(&partition, held): (&i32, &Consuming)| held.lease.is_revoked().then_some(partition);
        let out_of_step: Vec<i32> = self.board().iter().filter_map(is_out_of_step).collect();
        for partition in out_of_step {
            let (stored, offset) = self.start_of(partition)?;
            match consumer.seek(&self.config.topic, partition, offset, SEEK) {
                Ok(()) => {
                    happening::PartitionRetaken { topic: &self.config.topic, partition }.emit();
                    self.hold(partition, stored);
                }
                Err(error) => {
                    let why =
                        format!("{} cannot be read again yet: {error}", self.config.source_id(partition));
                    self.fault(RDKafkaErrorCode::Fail, &why);
                }
            }
        }
        Ok(())
    }

    /// The positions of `partitions` as offsets to write to the group; nothing that is written
    /// already.
    pub(super) fn hints(
        &self,
        partitions: impl IntoIterator<Item = i32>,
    ) -> anyhow::Result<TopicPartitionList> {
        let mut list = TopicPartitionList::new();
        for partition in partitions {
            let Some(stored) = self.stored(partition)? else { continue };
            if let Some(held) = self.board().get_mut(&partition) {
                if held.hinted == Some(stored) {
                    continue;
                }
                held.hinted = Some(stored);
            }
            list.add_partition_offset(&self.config.topic, partition, Offset::Offset(stored))?;
        }
        Ok(list)
    }

    fn give_back(&self, consumer: &BaseConsumer<GroupContext>, leaving: Vec<(i32, Consuming)>) {
        // First nothing new may begin in any of them, then wait for what has begun.
        for (_, held) in &leaving {
            held.lease.lose();
        }
        let patience = Duration::from_secs(self.config.revoke_timeout_seconds.into());
        let end = Instant::now() + patience;
        let end = self.notes().close_by.map_or(end, |close_by| end.min(close_by));
        let mut drained = Vec::with_capacity(leaving.len());
        for (partition, held) in leaving {
            match held.drain(partition, end) {
                Some(done) => drained.push(done),
                None => happening::DrainLate { topic: &self.config.topic, partition }.emit(),
            }
        }
        let offsets = self.hints(drained.iter().map(|done| done.partition));
        let written = offsets.and_then(|list| {
            if list.count() > 0 {
                consumer.commit(&list, CommitMode::Async)?;
            }
            Ok(())
        });
        if let Err(error) = written {
            let error = format!(
                "{error:#} ({})",
                drained.iter().map(|done| &*done.source).collect::<Vec<_>>().join(", ")
            );
            happening::HintCommitted { topic: &self.config.topic, error: Some(&error) }.emit();
        }
    }

    fn report(&self, kind: RebalanceKind, partitions: &[i32]) {
        let held = self.board().len();
        happening::Rebalanced { topic: &self.config.topic, kind, partitions, held }.emit();
    }
}

/// The callbacks of the client.
pub(super) struct GroupContext(pub(super) Arc<Shared>);

impl GroupContext {
    fn assigned(&self, consumer: &BaseConsumer<Self>, partitions: &[i32]) {
        let shared = &self.0;
        if let Err(error) = shared.take(consumer, partitions) {
            shared.notes().fatal.get_or_insert(error);
        }
        shared.report(RebalanceKind::Assigned, partitions);
    }

    fn revoked(&self, consumer: &BaseConsumer<Self>, partitions: &[i32], list: &TopicPartitionList) {
        let shared = &self.0;
        let is_lost = consumer.assignment_lost();
        let leaving: Vec<(i32, Consuming)> = {
            let mut board = shared.board();
            partitions.iter().filter_map(|&p| board.remove(&p).map(|held| (p, held))).collect()
        };
        if shared.board().is_empty() {
            shared.expect();
        }
        for (partition, held) in &leaving {
            shared.holdings.release(&held.source, &held.lease);
            shared.health.gone(*partition);
            happening::LagGone { topic: &shared.config.topic, partition: *partition }.emit();
        }
        if is_lost {
            for (_, held) in leaving {
                held.lease.lose();
            }
        } else {
            shared.give_back(consumer, leaving);
        }
        let unassigned = match consumer.rebalance_protocol() {
            RebalanceProtocol::Eager => consumer.unassign(),
            _ => consumer.incremental_unassign(list),
        };
        if let Err(error) = unassigned {
            shared
                .notes()
                .fatal
                .get_or_insert(anyhow::Error::new(error).context("giving partitions back failed"));
        }
        shared.report(if is_lost { RebalanceKind::Lost } else { RebalanceKind::Revoked }, partitions);
    }
}

impl ConsumerContext for GroupContext {
    fn rebalance(&self, consumer: &BaseConsumer<Self>, err: RDKafkaRespErr, list: &mut TopicPartitionList) {
        let topic = self.0.config.topic.as_str();
        let partitions: Vec<i32> = list
            .elements()
            .iter()
            .filter(|e| e.topic() == topic)
            .map(TopicPartitionListElem::partition)
            .collect();
        match err {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => self.assigned(consumer, &partitions),
            _ => self.revoked(consumer, &partitions, list),
        }
    }

    fn commit_callback(&self, result: KafkaResult<()>, _offsets: &TopicPartitionList) {
        let error = result.err().map(|error| error.to_string());
        happening::HintCommitted { topic: &self.0.config.topic, error: error.as_deref() }.emit();
    }
}

impl ClientContext for GroupContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        match level {
            // What fails comes through `error` too, with its code.
            _ if facility == "FAIL" || facility == "ERROR" => tracing::debug!(facility, "{message}"),
            RDKafkaLogLevel::Emerg
            | RDKafkaLogLevel::Alert
            | RDKafkaLogLevel::Critical
            | RDKafkaLogLevel::Error
            | RDKafkaLogLevel::Warning => tracing::warn!(facility, "{message}"),
            _ => tracing::debug!(facility, "{message}"),
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::PartitionEOF) => {}
            Some(code) => self.0.fault(code, reason),
            None => self.0.fault(RDKafkaErrorCode::Fail, &error.to_string()),
        }
    }
}
