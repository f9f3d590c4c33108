//! Happenings of membership: partitions that come and go, offsets told to the group.

use std::sync::LazyLock;
use std::time::Duration;

use prometheus::{IntCounterVec, IntGaugeVec};
use tracing::{debug, error, info, warn};

use super::super::{counter, gauge};

static REBALANCES: LazyLock<IntCounterVec> = LazyLock::new(|| {
    counter("fenghuo_kafka_rebalances_total", "Assignments that changed, by kind.", &["topic", "kind"])
});
static ASSIGNED: LazyLock<IntGaugeVec> =
    LazyLock::new(|| gauge("fenghuo_kafka_assigned_partitions", "Partitions held now.", &["topic"]));
static SPLIT: LazyLock<IntGaugeVec> = LazyLock::new(|| {
    gauge(
        "fenghuo_kafka_split_assignment",
        "1 while grouping is `together` and other members hold some of the partitions.",
        &["topic"],
    )
});
static DRAINS_LATE: LazyLock<IntCounterVec> = LazyLock::new(|| {
    counter("fenghuo_kafka_drains_late_total", "Revokes that did not wait for a batch to end.", &["topic"])
});
static LEFT_BEHIND: LazyLock<IntCounterVec> = LazyLock::new(|| {
    counter(
        "fenghuo_kafka_records_left_to_next_owner_total",
        "Records read but not handed over when their partition went.",
        &["topic"],
    )
});
static RETAKEN: LazyLock<IntCounterVec> = LazyLock::new(|| {
    counter(
        "fenghuo_kafka_retaken_total",
        "Partitions taken again after a commit that did not join on.",
        &["topic"],
    )
});
static HINTS: LazyLock<IntCounterVec> = LazyLock::new(|| {
    counter("fenghuo_kafka_hint_commits_total", "Group offsets written, by outcome.", &["topic", "outcome"])
});

/// Why an assignment changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RebalanceKind {
    /// Partitions came.
    Assigned,
    /// Partitions are asked back in good order.
    Revoked,
    /// Partitions are gone: the group expelled us.
    Lost,
}

impl RebalanceKind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Assigned => "assigned",
            Self::Revoked => "revoked",
            Self::Lost => "lost",
        }
    }
}

/// The assignment changed: `fenghuo_kafka_rebalances_total`, `fenghuo_kafka_assigned_partitions`.
/// Many of kind `lost` mean that this member is too slow or cut off; see `session_timeout_seconds`.
pub struct Rebalanced<'a> {
    /// The topic.
    pub topic: &'a str,
    /// What happened.
    pub kind: RebalanceKind,
    /// The partitions that came or went.
    pub partitions: &'a [i32],
    /// How many are held now.
    pub held: usize,
}

impl Rebalanced<'_> {
    /// Logs and counts it.
    pub fn emit(self) {
        let Self { topic, kind, partitions, held } = self;
        REBALANCES.with_label_values(&[topic, kind.as_str()]).inc();
        ASSIGNED.with_label_values(&[topic]).set(i64::try_from(held).unwrap_or(i64::MAX));
        let change = kind.as_str();
        if kind == RebalanceKind::Lost {
            warn!(topic, ?partitions, held, "partitions lost: the group no longer counts this member in");
        } else {
            info!(topic, ?partitions, held, change, "assignment changed");
        }
    }
}

/// Grouping is `together`, but other members of the group hold some of the partitions, so that
/// complaints about one matter do not meet: `fenghuo_kafka_split_assignment`.
pub struct SplitAssignment<'a> {
    /// The topic.
    pub topic: &'a str,
    /// Partitions held here.
    pub held: usize,
    /// Partitions of the topic.
    pub total: usize,
}

impl SplitAssignment<'_> {
    /// Logs and sets it.
    pub fn emit(self) {
        let Self { topic, held, total } = self;
        SPLIT.with_label_values(&[topic]).set(1);
        error!(
            topic,
            held,
            total,
            "this member reads only some of the partitions, so one matter is grouped apart by several \
             members; run one member, or set grouping = \"per_partition\" and key messages by place"
        );
    }
}

/// All partitions are held here (again): clears `fenghuo_kafka_split_assignment`.
pub struct WholeAssignment<'a> {
    /// The topic.
    pub topic: &'a str,
}

impl WholeAssignment<'_> {
    /// Logs and sets it.
    pub fn emit(self) {
        SPLIT.with_label_values(&[self.topic]).set(0);
        info!(topic = self.topic, "this member reads the topic whole again");
    }
}

/// A revoke went on although a batch was still being worked on; the store refuses the batch if the
/// next owner was quicker: `fenghuo_kafka_drains_late_total`. See `revoke_timeout_seconds`.
pub struct DrainLate<'a> {
    /// The topic.
    pub topic: &'a str,
    /// The partition.
    pub partition: i32,
}

impl DrainLate<'_> {
    /// Logs and counts it.
    pub fn emit(self) {
        DRAINS_LATE.with_label_values(&[self.topic]).inc();
        warn!(
            topic = self.topic,
            partition = self.partition,
            "gave a partition back before its batch had ended"
        );
    }
}

/// Records were read, but their partition went before there was room for them. The next owner reads
/// them: `fenghuo_kafka_records_left_to_next_owner_total`.
pub struct LeftToNextOwner<'a> {
    /// The topic.
    pub topic: &'a str,
    /// How many.
    pub records: usize,
}

impl LeftToNextOwner<'_> {
    /// Logs and counts it.
    pub fn emit(self) {
        LEFT_BEHIND.with_label_values(&[self.topic]).inc_by(self.records as u64);
        debug!(topic = self.topic, records = self.records, "records left to the next owner");
    }
}

/// A batch did not join on to the stored position (another member published meanwhile); the
/// partition is taken again from what is stored now: `fenghuo_kafka_retaken_total`.
pub struct PartitionRetaken<'a> {
    /// The topic.
    pub topic: &'a str,
    /// The partition.
    pub partition: i32,
}

impl PartitionRetaken<'_> {
    /// Logs and counts it.
    pub fn emit(self) {
        RETAKEN.with_label_values(&[self.topic]).inc();
        warn!(
            topic = self.topic,
            partition = self.partition,
            "taking the partition again from the stored position"
        );
    }
}

/// The stored positions were written as the group's offsets, for other tools to see; never read
/// back: `fenghuo_kafka_hint_commits_total`. See `commit_interval_seconds`.
pub struct HintCommitted<'a> {
    /// The topic.
    pub topic: &'a str,
    /// What went wrong, if anything.
    pub error: Option<&'a str>,
}

impl HintCommitted<'_> {
    /// Logs and counts it.
    pub fn emit(self) {
        let outcome = if self.error.is_some() { "failed" } else { "done" };
        HINTS.with_label_values(&[self.topic, outcome]).inc();
        if let Some(error) = self.error {
            debug!(topic = self.topic, error, "the group's offsets could not be written, later ones will");
        }
    }
}

/// Leaving the group took longer than `close_timeout_seconds`; the process goes on with its end.
pub struct CloseLate<'a> {
    /// The topic.
    pub topic: &'a str,
}

impl CloseLate<'_> {
    /// Logs it.
    pub fn emit(self) {
        warn!(topic = self.topic, "leaving the consumer group takes too long; going on without");
    }
}

/// A start check failed in a way that may pass; it is tried again.
pub struct StartDelayed<'a> {
    /// The topic.
    pub topic: &'a str,
    /// What is wrong and what to do.
    pub message: &'a str,
    /// When the next attempt is made.
    pub retry_in: Duration,
}

impl StartDelayed<'_> {
    /// Logs it.
    pub fn emit(self) {
        warn!(topic = self.topic, retry_in_ms = self.retry_in.as_millis(), "{}", self.message);
    }
}
