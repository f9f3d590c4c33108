//! Happenings of the pipeline.

use std::sync::LazyLock;

use prometheus::{HistogramVec, IntCounterVec, IntGaugeVec};

use crate::model::{AlertKind, AlertState, EngineStatus, HitOutcome, Level, PartitionKey};

use super::{counter, gauge, histogram};

static BATCH_SECONDS: LazyLock<HistogramVec> = LazyLock::new(|| {
    let buckets = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];
    histogram("fenghuo_batch_seconds", "From decoding a batch to its commit.", &["partition"], &buckets)
});
static ALERTS: LazyLock<IntCounterVec> = LazyLock::new(|| {
    counter("fenghuo_alerts_total", "Alert revisions committed.", &["kind", "state", "level"])
});
static STALLS: LazyLock<IntCounterVec> =
    LazyLock::new(|| counter("fenghuo_store_stalls_total", "Commits the store could not take.", &[]));
static STALLED: LazyLock<IntGaugeVec> =
    LazyLock::new(|| gauge("fenghuo_store_stalled", "1 while the store takes no commits.", &[]));
static LOST: LazyLock<IntCounterVec> = LazyLock::new(|| {
    counter("fenghuo_batches_lost_total", "Batches given up because another process had committed.", &[])
});
static FAULTS: LazyLock<IntCounterVec> =
    LazyLock::new(|| counter("fenghuo_program_faults_total", "Events on which the program panicked.", &[]));
static OPEN: LazyLock<IntGaugeVec> =
    LazyLock::new(|| gauge("fenghuo_engine_open", "What an engine holds in memory.", &["partition", "what"]));
static LATE: LazyLock<IntGaugeVec> = LazyLock::new(|| {
    gauge(
        "fenghuo_engine_late_events",
        "Events later than allowed since the engine was built.",
        &["partition"],
    )
});
static CLOCK: LazyLock<IntGaugeVec> = LazyLock::new(|| {
    gauge("fenghuo_engine_clock_seconds", "The engine's clock (event time), Unix seconds.", &["partition"])
});
static BUILT: LazyLock<IntCounterVec> =
    LazyLock::new(|| counter("fenghuo_engines_built_total", "Engines built from the store.", &["partition"]));
static SWEPT: LazyLock<IntCounterVec> =
    LazyLock::new(|| counter("fenghuo_swept_rows_total", "Rows deleted because of their age.", &[]));

static HITS: LazyLock<IntCounterVec> = LazyLock::new(|| {
    counter(
        "fenghuo_rule_hits_total",
        "Hits of risk rules committed, by what came of them.",
        &["rule", "outcome"],
    )
});

/// A complaint met a risk rule, and that is durable.
///
/// Series `fenghuo_rule_hits_total{rule,outcome}`; `outcome` is `alerting`, `kept` (too few points),
/// `shadow` (enough, and the rule is on trial) or `suppressed` (by an exception). A new version of a
/// complaint counts again.
pub struct RuleMet<'a> {
    /// The rule's id.
    pub rule: &'a str,
    /// What came of the hit.
    pub outcome: HitOutcome,
}

impl RuleMet<'_> {
    /// Counts.
    pub fn emit(self) {
        HITS.with_label_values(&[self.rule, self.outcome.as_str()]).inc();
    }
}

/// A batch is durable.
///
/// Series `fenghuo_batch_seconds{partition}`; moved by the load and by the disk's fsync.
pub struct BatchCommitted<'a> {
    /// The engine.
    pub partition: &'a PartitionKey,
    /// New and updated complaints in it.
    pub complaints: usize,
    /// From decoding to commit.
    pub seconds: f64,
}

impl BatchCommitted<'_> {
    /// Counts and logs.
    pub fn emit(self) {
        BATCH_SECONDS.with_label_values(&[self.partition.as_str()]).observe(self.seconds);
        let Self { partition, complaints, seconds } = self;
        tracing::debug!(%partition, complaints, seconds, "batch committed");
    }
}

/// A batch was given up: another process has committed for this source in the meantime.
///
/// Series `fenghuo_batches_lost_total`; a few after a rebalance are right, a steady rate means that
/// two processes believe to own one partition.
pub struct BatchLost<'a> {
    /// The source or engine that was taken.
    pub source: &'a str,
}

impl BatchLost<'_> {
    /// Counts and logs.
    pub fn emit(self) {
        LOST.with_label_values::<&str>(&[]).inc();
        tracing::warn!(
            source = self.source,
            "another process has committed for this source; its batch is theirs"
        );
    }
}

/// The store takes no commits; intake stands still and nothing is lost.
///
/// Series `fenghuo_store_stalls_total` (each attempt) and `fenghuo_store_stalled` (1 while it
/// lasts): page somebody. Moved by the disk and `store.max_size_mib`.
pub struct StoreStalled<'a> {
    /// What the store said.
    pub reason: &'a str,
    /// Whether this is the first attempt that failed.
    pub is_new: bool,
}

impl StoreStalled<'_> {
    /// Counts and logs; each attempt is counted, the first one is logged.
    pub fn emit(self) {
        STALLS.with_label_values::<&str>(&[]).inc();
        STALLED.with_label_values::<&str>(&[]).set(1);
        if self.is_new {
            tracing::error!(
                reason = self.reason,
                "the store takes no commits; intake has stopped, nothing is lost"
            );
        }
    }
}

/// The program panicked on an event. The event is put aside as `program_fault`.
///
/// Series `fenghuo_program_faults_total`; anything but 0 is to be reported.
pub struct ProgramFailed<'a> {
    /// The panic's message.
    pub said: &'a str,
}

impl ProgramFailed<'_> {
    /// Counts and logs.
    pub fn emit(self) {
        FAULTS.with_label_values::<&str>(&[]).inc();
        tracing::error!(said = self.said, "the program failed on an event; please report this");
    }
}

/// The store takes commits again.
///
/// Series `fenghuo_store_stalled` (0).
pub struct StoreRecovered;

impl StoreRecovered {
    /// Counts and logs.
    pub fn emit(self) {
        STALLED.with_label_values::<&str>(&[]).set(0);
        tracing::info!("the store takes commits again");
    }
}

/// An alert revision was committed and is on its way.
///
/// Series `fenghuo_alerts_total{kind, state, level}`; moved by `engine.group.steps` and the rules.
pub struct AlertRaised<'a> {
    /// The alert.
    pub id: &'a str,
    /// Its revision.
    pub revision: u32,
    /// Group incident or financial risk.
    pub kind: AlertKind,
    /// What happened.
    pub state: AlertState,
    /// The level.
    pub level: Level,
    /// Distinct callers.
    pub callers: u32,
}

impl AlertRaised<'_> {
    /// Counts and logs.
    pub fn emit(self) {
        let Self { id, revision, kind, state, level, callers } = self;
        let kind = match kind {
            AlertKind::GroupIncident => "group_incident",
            AlertKind::FinancialRisk => "financial_risk",
        };
        let state = match state {
            AlertState::Raised => "raised",
            AlertState::Updated => "updated",
            AlertState::Resolved => "resolved",
            AlertState::Reopened => "reopened",
        };
        ALERTS.with_label_values(&[kind, state, level.as_str()]).inc();
        tracing::info!(id, revision, kind, state, %level, callers, "alert");
    }
}

/// What an engine holds after a batch.
///
/// Series `fenghuo_engine_open{partition, what}` (what: complaints, groups, incidents, cases),
/// `fenghuo_engine_late_events{partition}`, `fenghuo_engine_clock_seconds{partition}`; moved by
/// `engine.group.match_days`, `engine.risk.window_days`, `engine.allowed_lateness_seconds`.
pub struct EngineShown<'a> {
    /// The engine.
    pub partition: &'a PartitionKey,
    /// What it holds.
    pub status: EngineStatus,
}

impl EngineShown<'_> {
    /// Counts.
    pub fn emit(self) {
        let partition = self.partition.as_str();
        let EngineStatus {
            clock,
            open_complaints,
            open_terms,
            open_groups,
            open_incidents,
            open_cases,
            late,
        } = self.status;
        let show = |what, value: i64| OPEN.with_label_values(&[partition, what]).set(value);
        show("complaints", i64::from(open_complaints));
        show("terms", i64::try_from(open_terms).unwrap_or(i64::MAX));
        show("groups", i64::try_from(open_groups).unwrap_or(i64::MAX));
        show("incidents", i64::try_from(open_incidents).unwrap_or(i64::MAX));
        show("cases", i64::try_from(open_cases).unwrap_or(i64::MAX));
        LATE.with_label_values(&[partition]).set(i64::try_from(late).unwrap_or(i64::MAX));
        if let Some(clock) = clock {
            CLOCK.with_label_values(&[partition]).set(clock.as_second());
        }
    }
}

/// An engine was built by folding the open window from the store.
///
/// Series `fenghuo_engines_built_total{partition}`; at a start and after a rebalance.
pub struct EngineBuilt<'a> {
    /// The engine.
    pub partition: &'a PartitionKey,
    /// Complaints put back.
    pub complaints: u64,
    /// How long it took.
    pub seconds: f64,
}

impl EngineBuilt<'_> {
    /// Counts and logs.
    pub fn emit(self) {
        BUILT.with_label_values(&[self.partition.as_str()]).inc();
        let Self { partition, complaints, seconds } = self;
        tracing::info!(%partition, complaints, seconds, "engine built from the store");
    }
}

/// An engine was dropped because its partitions went to another process.
pub struct EngineDropped<'a> {
    /// The engine.
    pub partition: &'a PartitionKey,
}

impl EngineDropped<'_> {
    /// Logs, and takes the engine's series away.
    pub fn emit(self) {
        let partition = self.partition.as_str();
        for what in ["complaints", "groups", "incidents", "cases"] {
            // A series that was never shown is not there to remove.
            let _ = OPEN.remove_label_values(&[partition, what]);
        }
        let _ = LATE.remove_label_values(&[partition]);
        let _ = CLOCK.remove_label_values(&[partition]);
        tracing::info!(partition, "engine dropped: its partitions are with another process");
    }
}

/// Old rows were deleted.
///
/// Series `fenghuo_swept_rows_total`; moved by `store.retention`.
pub struct Swept {
    /// How many.
    pub rows: u64,
}

impl Swept {
    /// Counts and logs.
    pub fn emit(self) {
        SWEPT.with_label_values::<&str>(&[]).inc_by(self.rows);
        tracing::info!(rows = self.rows, "old rows deleted");
    }
}

/// Deleting old rows failed; it is tried again in an hour.
pub struct SweepFailed<'a> {
    /// What the store said.
    pub error: &'a str,
}

impl SweepFailed<'_> {
    /// Logs.
    pub fn emit(self) {
        tracing::warn!(error = self.error, "old rows could not be deleted; trying again in an hour");
    }
}
