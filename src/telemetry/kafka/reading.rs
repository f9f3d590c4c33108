//! Happenings of reading: records, pauses, errors, lag.

use std::sync::LazyLock;
use std::time::Duration;

use prometheus::{IntCounterVec, IntGaugeVec};
use tracing::{debug, error};

use super::super::{counter, gauge};

static RECORDS: LazyLock<IntCounterVec> =
    LazyLock::new(|| counter("fenghuo_kafka_records_total", "Records read from Kafka.", &["topic"]));
static BYTES: LazyLock<IntCounterVec> =
    LazyLock::new(|| counter("fenghuo_kafka_bytes_total", "Bytes of record values read.", &["topic"]));
static PAUSES: LazyLock<IntCounterVec> = LazyLock::new(|| {
    counter(
        "fenghuo_kafka_pauses_total",
        "Times reading was paused because the pipeline was full.",
        &["topic"],
    )
});
static PAUSED: LazyLock<IntGaugeVec> =
    LazyLock::new(|| gauge("fenghuo_kafka_paused", "1 while reading is paused.", &["topic"]));
static ERRORS: LazyLock<IntCounterVec> = LazyLock::new(|| {
    counter("fenghuo_kafka_errors_total", "Errors the Kafka client reported.", &["topic", "kind"])
});
static OUT_OF_RANGE: LazyLock<IntCounterVec> = LazyLock::new(|| {
    counter(
        "fenghuo_kafka_positions_out_of_range_total",
        "Times the next position no longer existed in the topic.",
        &["topic"],
    )
});
static EVENTS_GONE: LazyLock<IntCounterVec> = LazyLock::new(|| {
    counter(
        "fenghuo_kafka_events_gone_total",
        "Offsets that retention deleted before they were read.",
        &["topic"],
    )
});
static REPEATS: LazyLock<IntCounterVec> = LazyLock::new(|| {
    counter("fenghuo_kafka_repeats_total", "Records the client delivered a second time.", &["topic"])
});
static LAG: LazyLock<IntGaugeVec> = LazyLock::new(|| {
    gauge(
        "fenghuo_kafka_lag",
        "Offsets between our committed position and the end of the partition.",
        &["topic", "partition"],
    )
});

/// A record was read: `fenghuo_kafka_records_total`, `fenghuo_kafka_bytes_total`.
pub struct RecordRead<'a> {
    /// The topic.
    pub topic: &'a str,
    /// The length of its value.
    pub bytes: usize,
}

impl RecordRead<'_> {
    /// Counts it.
    pub fn emit(self) {
        RECORDS.with_label_values(&[self.topic]).inc();
        BYTES.with_label_values(&[self.topic]).inc_by(self.bytes as u64);
    }
}

/// The pipeline is full; reading pauses while polling goes on: `fenghuo_kafka_pauses_total`,
/// `fenghuo_kafka_paused`.
pub struct Paused<'a> {
    /// The topic.
    pub topic: &'a str,
}

impl Paused<'_> {
    /// Logs and counts it.
    pub fn emit(self) {
        PAUSES.with_label_values(&[self.topic]).inc();
        PAUSED.with_label_values(&[self.topic]).set(1);
        debug!(topic = self.topic, "the pipeline is full, reading is paused");
    }
}

/// There is room again: clears `fenghuo_kafka_paused`.
pub struct Resumed<'a> {
    /// The topic.
    pub topic: &'a str,
    /// How long reading was paused.
    pub after: Duration,
}

impl Resumed<'_> {
    /// Logs and sets it.
    pub fn emit(self) {
        PAUSED.with_label_values(&[self.topic]).set(0);
        debug!(topic = self.topic, after_ms = self.after.as_millis(), "reading goes on");
    }
}

/// The client reported an error; it goes on trying by itself: `fenghuo_kafka_errors_total`.
pub struct ClientError<'a> {
    /// The topic.
    pub topic: &'a str,
    /// The class: `connection`, `name`, `tls`, `authentication`, `authorization`, `topic`,
    /// `expelled`, `other`.
    pub kind: &'static str,
    /// What happened and what to do.
    pub message: &'a str,
    /// Whether the same class was logged a short while ago; then it is only counted.
    pub repeated: bool,
}

impl ClientError<'_> {
    /// Logs and counts it.
    pub fn emit(self) {
        let Self { topic, kind, message, repeated } = self;
        ERRORS.with_label_values(&[topic, kind]).inc();
        if repeated {
            debug!(topic, kind, "{message}");
        } else {
            error!(topic, kind, "{message}");
        }
    }
}

/// The record that should come next is no longer in the topic; reading went on at the earliest:
/// `fenghuo_kafka_positions_out_of_range_total`, `fenghuo_kafka_events_gone_total`. Events were
/// lost to retention: give the topic a longer one than the longest stop of this daemon.
pub struct PositionOutOfRange<'a> {
    /// The topic.
    pub topic: &'a str,
    /// The partition.
    pub partition: i32,
    /// The offset that should have come.
    pub expected: i64,
    /// The offset that came.
    pub found: i64,
}

impl PositionOutOfRange<'_> {
    /// Logs and counts it.
    pub fn emit(self) {
        let Self { topic, partition, expected, found } = self;
        OUT_OF_RANGE.with_label_values(&[topic]).inc();
        if found > expected {
            EVENTS_GONE.with_label_values(&[topic]).inc_by((found - expected).unsigned_abs());
            error!(
                topic,
                partition,
                expected,
                found,
                "the topic's retention deleted {} offsets before they were read; reading goes on at the \
                 earliest. Give the topic a longer retention (retention.ms, retention.bytes)",
                found - expected
            );
        } else {
            error!(
                topic,
                partition,
                expected,
                found,
                "the partition ends before our position: the topic was truncated or made anew; reading \
                 goes on at the earliest"
            );
        }
    }
}

/// The client delivered a record again that was already handed over: `fenghuo_kafka_repeats_total`.
pub struct RecordRepeated<'a> {
    /// The topic.
    pub topic: &'a str,
}

impl RecordRepeated<'_> {
    /// Counts it.
    pub fn emit(self) {
        REPEATS.with_label_values(&[self.topic]).inc();
    }
}

/// How far our committed position is behind the end of a partition: `fenghuo_kafka_lag`. Exists
/// only for partitions that are held here. Measured every `watch_interval_seconds`.
pub struct Lag<'a> {
    /// The topic.
    pub topic: &'a str,
    /// The partition.
    pub partition: i32,
    /// Offsets.
    pub offsets: i64,
}

impl Lag<'_> {
    /// Sets it.
    pub fn emit(self) {
        LAG.with_label_values(&[self.topic, &self.partition.to_string()]).set(self.offsets);
    }
}

/// A partition went, and its series with it.
pub struct LagGone<'a> {
    /// The topic.
    pub topic: &'a str,
    /// The partition.
    pub partition: i32,
}

impl LagGone<'_> {
    /// Removes the series.
    pub fn emit(self) {
        // An error says that there was none, which is what is wanted.
        let _ = LAG.remove_label_values(&[self.topic, &self.partition.to_string()]);
    }
}
