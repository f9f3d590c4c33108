//! The watch: measures lag from our own position, contact with the brokers, and whether the
//! assignment is whole. On a thread of its own, since asking a broker blocks.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use jiff::Timestamp;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::IsError;
use rdkafka::metadata::MetadataTopic;

use crate::source::LeaseId;
use crate::telemetry::kafka as happening;

use super::config::{Grouping, Start};
use super::rebalance::{GroupContext, Shared};

/// How long one question to the brokers may take.
const ASK: Duration = Duration::from_secs(3);

pub(super) struct Watch {
    shared: Arc<Shared>,
    consumer: Arc<BaseConsumer<GroupContext>>,
    ends: BTreeMap<i32, End>,
    split: Split,
}

/// What is remembered of a partition between two looks.
struct End {
    lease: Option<LeaseId>,
    /// The partition's end when the reader had nothing more to read. Records of transactions that
    /// were taken back, and the marks that end transactions, lie between the last record and the
    /// end, so a position may never reach it.
    read_to: Option<i64>,
    /// Where reading began when there was no position.
    began: Option<i64>,
}

/// Whether grouping is spoilt by other members; told only when seen twice in a row, since
/// partitions come in steps.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Split {
    No,
    Seen,
    Told,
}

/// A partition as the board shows it at the moment of a look.
struct Look {
    partition: i32,
    lease: Option<LeaseId>,
    handed: Option<i64>,
    at_end: bool,
}

impl Watch {
    pub(super) fn new(shared: Arc<Shared>, consumer: Arc<BaseConsumer<GroupContext>>) -> Self {
        Self { shared, consumer, ends: BTreeMap::new(), split: Split::No }
    }

    /// Looks every `watch_interval_seconds` until the other end of `stop` is dropped.
    pub(super) fn run(mut self, stop: &Receiver<()>) {
        let interval = Duration::from_secs(self.shared.config.watch_interval_seconds.into());
        loop {
            self.look(stop);
            if stop.recv_timeout(interval) != Err(RecvTimeoutError::Timeout) {
                return;
            }
        }
    }

    fn look(&mut self, stop: &Receiver<()>) {
        let topic = self.shared.config.topic.as_str();
        match self.consumer.fetch_metadata(Some(topic), ASK) {
            Ok(metadata) => {
                self.shared.health.contact();
                let found = metadata.topics().iter().find(|found| found.name() == topic);
                if let Some(error) = found.and_then(MetadataTopic::error).filter(IsError::is_error) {
                    self.shared.fault(error.into(), "");
                } else {
                    self.shared.health.facts().total = found.map(|found| found.partitions().len());
                }
            }
            // The client reports by itself that it has no contact; `contact` simply grows old.
            Err(_) => return,
        }
        self.check_whole();
        let looks: Vec<Look> = self
            .shared
            .board()
            .iter()
            .map(|(&partition, held)| Look {
                partition,
                lease: held.lease.id(),
                handed: held.expected.filter(|_| held.handed),
                at_end: held.at_end,
            })
            .collect();
        self.ends.retain(|partition, _| looks.iter().any(|look| look.partition == *partition));
        for look in looks {
            if stop.try_recv() == Err(std::sync::mpsc::TryRecvError::Disconnected) {
                return;
            }
            self.measure(&look);
        }
    }

    fn measure(&mut self, look: &Look) {
        let shared = &self.shared;
        let partition = look.partition;
        let asked = Timestamp::now();
        let (Ok((low, high)), Ok(stored)) =
            (self.consumer.fetch_watermarks(&shared.config.topic, partition, ASK), shared.stored(partition))
        else {
            return;
        };
        let end = self.ends.entry(partition).or_insert(End { lease: None, read_to: None, began: None });
        if end.lease != look.lease {
            let began = match shared.config.start {
                Start::Earliest => low,
                Start::Latest => high,
            };
            *end = End { lease: look.lease, read_to: None, began: Some(began) };
        }
        if look.at_end && end.read_to.is_none_or(|read_to| read_to > high || look.handed > Some(read_to)) {
            end.read_to = Some(high);
        }
        let all_committed = look.handed.is_none_or(|handed| stored >= Some(handed));
        let lag = if look.at_end && all_committed && end.read_to == Some(high) {
            0
        } else {
            let from = stored.map_or(end.began.unwrap_or(low), |stored| stored.max(low));
            (high - from).max(0)
        };
        let mut board = shared.board();
        let Some(held) = board.get_mut(&partition).filter(|held| held.lease.id() == look.lease) else {
            return;
        };
        held.low = Some(low);
        shared.holdings.at_end(&held.source, &held.lease, (lag == 0).then_some(asked));
        happening::Lag { topic: &shared.config.topic, partition, offsets: lag }.emit();
        drop(board);
        shared.health.measured(partition, lag, stored);
    }

    fn check_whole(&mut self) {
        let shared = &self.shared;
        if shared.config.grouping != Grouping::Together {
            return;
        }
        let topic = shared.config.topic.as_str();
        let held = shared.board().len();
        let total = shared.health.facts().total.unwrap_or(held);
        let split = held > 0 && held < total;
        self.split = match (split, self.split) {
            (true, Split::No) => Split::Seen,
            (true, Split::Seen) => {
                happening::SplitAssignment { topic, held, total }.emit();
                Split::Told
            }
            (true, Split::Told) => Split::Told,
            (false, Split::Told) => {
                happening::WholeAssignment { topic }.emit();
                Split::No
            }
            (false, _) => Split::No,
        };
    }
}
