//! What happens in the store.

use std::fmt::Display;
use std::sync::LazyLock;

use jiff::Timestamp;
use prometheus::{HistogramVec, IntCounterVec, IntGaugeVec};

use super::{counter, gauge, histogram};
use crate::model::{Counts, DeadReason, OutboxDepth, SweepReport};

static COMMIT_SECONDS: LazyLock<HistogramVec> = LazyLock::new(|| {
    histogram(
        "fenghuo_store_commit_seconds",
        "Time a commit takes until it is durable.",
        &[],
        &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0],
    )
});
static WRITTEN: LazyLock<IntCounterVec> = LazyLock::new(|| {
    counter("fenghuo_store_written_total", "Records written by commits, by kind.", &["kind"])
});
static COMMIT_FAILURES: LazyLock<IntCounterVec> = LazyLock::new(|| {
    counter("fenghuo_store_commit_failures_total", "Commits that were not applied, by reason.", &["reason"])
});
static SWEPT: LazyLock<IntCounterVec> = LazyLock::new(|| {
    counter("fenghuo_store_swept_total", "Records deleted because they had grown old, by kind.", &["kind"])
});
static RECORDS: LazyLock<IntGaugeVec> =
    LazyLock::new(|| gauge("fenghuo_store_records", "Records kept, by kind.", &["kind"]));
static DEAD_LETTERS: LazyLock<IntGaugeVec> = LazyLock::new(|| {
    gauge("fenghuo_store_dead_letters", "Dead letters not fed in again, by reason.", &["reason"])
});
static BYTES: LazyLock<IntGaugeVec> = LazyLock::new(|| {
    gauge(
        "fenghuo_store_bytes",
        "Size of the store's file (file) and of the free pages in it (free).",
        &["part"],
    )
});
static OUTBOX_PENDING: LazyLock<IntGaugeVec> = LazyLock::new(|| {
    gauge("fenghuo_outbox_pending", "Alert revisions not delivered yet, by sink.", &["sink"])
});
static OUTBOX_AGE: LazyLock<IntGaugeVec> = LazyLock::new(|| {
    gauge("fenghuo_outbox_oldest_age_seconds", "Age of the oldest undelivered revision, by sink.", &["sink"])
});

static UNREADABLE: LazyLock<IntCounterVec> = LazyLock::new(|| {
    counter("fenghuo_store_look_failures_total", "Times the store could not be counted for the metrics.", &[])
});

fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A batch is durable. Series: `fenghuo_store_commit_seconds` (moved by `store.synchronous` and the
/// disk) and `fenghuo_store_written_total{kind}` with the kinds `complaint`, `alert`, `dead_letter`.
#[derive(Debug)]
pub struct StoreCommitted {
    /// Time it took.
    pub seconds: f64,
    /// Complaints in it.
    pub complaints: usize,
    /// Alert revisions in it.
    pub alerts: usize,
    /// Dead letters in it.
    pub dead_letters: usize,
}

impl StoreCommitted {
    /// Counts and, at trace level, logs.
    pub fn emit(self) {
        COMMIT_SECONDS.with_label_values::<&str>(&[]).observe(self.seconds);
        WRITTEN.with_label_values(&["complaint"]).inc_by(self.complaints as u64);
        WRITTEN.with_label_values(&["alert"]).inc_by(self.alerts as u64);
        WRITTEN.with_label_values(&["dead_letter"]).inc_by(self.dead_letters as u64);
        tracing::trace!(
            seconds = self.seconds,
            complaints = self.complaints,
            alerts = self.alerts,
            dead_letters = self.dead_letters,
            "committed"
        );
    }
}

/// A batch was not applied, and nothing of it remains. Series:
/// `fenghuo_store_commit_failures_total{reason}`, the reasons being the kinds of commit errors.
pub struct StoreCommitFailed<'e> {
    /// The stable name of the reason.
    pub kind: &'static str,
    /// The reason in words.
    pub error: &'e dyn Display,
}

impl StoreCommitFailed<'_> {
    /// Counts and, at debug level, logs: a full disk fails every try, and whoever tries says it once.
    pub fn emit(self) {
        COMMIT_FAILURES.with_label_values(&[self.kind]).inc();
        tracing::debug!(reason = self.kind, "a batch was not committed: {}", self.error);
    }
}

/// Old records were deleted. Series: `fenghuo_store_swept_total{kind}`, moved by `store.retention`.
#[derive(Debug)]
pub struct StoreSwept<'r> {
    /// What was deleted.
    pub report: &'r SweepReport,
}

impl StoreSwept<'_> {
    /// Counts and, when anything was deleted, logs.
    pub fn emit(self) {
        let report = self.report;
        for (kind, deleted) in [
            ("complaint", report.complaints),
            ("group", report.groups),
            ("incident", report.incidents),
            ("alert", report.alerts),
            ("delivery", report.deliveries),
            ("dead_letter", report.dead_letters),
            ("audit", report.audit),
        ] {
            SWEPT.with_label_values(&[kind]).inc_by(deleted);
        }
        if report.total() > 0 {
            tracing::info!(
                complaints = report.complaints,
                incidents = report.incidents,
                alerts = report.alerts,
                deliveries = report.deliveries,
                dead_letters = report.dead_letters,
                audit = report.audit,
                more = report.more,
                "deleted what retention does not keep"
            );
        }
    }
}

/// How much the store holds now; emitted by whoever polls [`Counts`]. Series:
/// `fenghuo_store_records{kind}`, `fenghuo_store_dead_letters{reason}`, `fenghuo_store_bytes{part}`
/// (compare with `store.max_size_mib`).
#[derive(Debug)]
pub struct StoreState<'c> {
    /// The counts.
    pub counts: &'c Counts,
}

impl StoreState<'_> {
    /// Sets the gauges.
    pub fn emit(self) {
        let counts = self.counts;
        for (kind, count) in [
            ("complaint", counts.complaints),
            ("group", counts.groups),
            ("incident", counts.incidents),
            ("incident_open", counts.incidents_open),
            ("alert", counts.alerts),
        ] {
            RECORDS.with_label_values(&[kind]).set(number(count));
        }
        for reason in DeadReason::ALL {
            let count = counts.dead_letters.get(reason.as_str()).copied().unwrap_or(0);
            DEAD_LETTERS.with_label_values(&[reason.as_str()]).set(number(count));
        }
        BYTES.with_label_values(&["file"]).set(number(counts.file_bytes));
        BYTES.with_label_values(&["free"]).set(number(counts.free_bytes));
    }
}

/// What waits for one sink at `now`; emitted by whoever polls the outbox. Series:
/// `fenghuo_outbox_pending{sink}` and `fenghuo_outbox_oldest_age_seconds{sink}`.
#[derive(Debug)]
pub struct OutboxState<'d> {
    /// What waits.
    pub depth: &'d OutboxDepth,
    /// Wall clock.
    pub now: Timestamp,
}

impl OutboxState<'_> {
    /// Sets the gauges.
    pub fn emit(self) {
        let sink = self.depth.sink.as_str();
        OUTBOX_PENDING.with_label_values(&[sink]).set(number(self.depth.pending));
        let age = self.depth.oldest.map_or(0, |oldest| self.now.duration_since(oldest).as_secs().max(0));
        OUTBOX_AGE.with_label_values(&[sink]).set(age);
    }
}

/// The store could not be counted, so that its gauges are those of the last time. Series:
/// `fenghuo_store_look_failures_total`.
pub struct StoreUnreadable<'e> {
    /// What the store said.
    pub error: &'e dyn Display,
}

impl StoreUnreadable<'_> {
    /// Counts and logs.
    pub fn emit(self) {
        UNREADABLE.with_label_values::<&str>(&[]).inc();
        tracing::warn!(error = %self.error, "the store cannot be counted for the metrics; trying again");
    }
}
