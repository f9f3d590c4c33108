//! What happens in delivery.

use std::sync::LazyLock;
use std::time::Duration;

use prometheus::{HistogramVec, IntCounterVec, IntGaugeVec};

use super::{counter, gauge, histogram};

static ATTEMPT_SECONDS: LazyLock<HistogramVec> = LazyLock::new(|| {
    histogram(
        "fenghuo_deliver_attempt_seconds",
        "Time an attempt to hand over an alert takes, by sink and outcome.",
        &["sink", "outcome"],
        &[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0],
    )
});
static LAG_SECONDS: LazyLock<HistogramVec> = LazyLock::new(|| {
    histogram(
        "fenghuo_deliver_lag_seconds",
        "Time from an alert's commit until its receiver had it, by sink.",
        &["sink"],
        &[0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 3600.0, 86400.0],
    )
});
static SINK_STATE: LazyLock<IntGaugeVec> = LazyLock::new(|| {
    gauge(
        "fenghuo_deliver_sink_state",
        "1 for the state a sink is in (ok, failing, alarmed), 0 for the others.",
        &["sink", "state"],
    )
});
static KEPT_BACK: LazyLock<IntCounterVec> = LazyLock::new(|| {
    counter(
        "fenghuo_deliver_kept_back_total",
        "Alerts that routes or a higher alert kept from a channel.",
        &["sink"],
    )
});
static STORE_FAILURES: LazyLock<IntCounterVec> = LazyLock::new(|| {
    counter(
        "fenghuo_deliver_store_failures_total",
        "Times the outbox could not be read or written, by sink.",
        &["sink"],
    )
});

const STATES: [&str; 3] = ["ok", "failing", "alarmed"];

/// An attempt to hand over an alert has ended. Series: `fenghuo_deliver_attempt_seconds{sink,
/// outcome}` (moved by `timeout_seconds`) with the outcomes `delivered`, `retry`, `alarm`,
/// `refused`; for `delivered` also `fenghuo_deliver_lag_seconds{sink}` (moved by `retry` and
/// `concurrency`).
#[derive(Debug)]
pub struct AlertAttempted<'e> {
    /// The sink.
    pub sink: &'e str,
    /// `{alert id}.{revision}`.
    pub webhook_id: &'e str,
    /// `delivered`, `retry`, `alarm` or `refused`.
    pub outcome: &'static str,
    /// What the receiver said, without secrets.
    pub detail: &'e str,
    /// Failed attempts before this one.
    pub attempts: u32,
    /// How long it took.
    pub took: Duration,
    /// Time since the alert was committed, when delivered.
    pub lag: Option<Duration>,
    /// When it is tried again, when it is.
    pub again_in: Option<Duration>,
}

impl AlertAttempted<'_> {
    /// Counts and logs. A failure is logged as a warning the first, second, fourth, eighth ...
    /// time, so that one alert that stays stuck is seen and does not fill the log.
    pub fn emit(self) {
        ATTEMPT_SECONDS.with_label_values(&[self.sink, self.outcome]).observe(self.took.as_secs_f64());
        if let Some(lag) = self.lag {
            LAG_SECONDS.with_label_values(&[self.sink]).observe(lag.as_secs_f64());
        }
        let failures = self.attempts.saturating_add(1);
        if self.outcome == "delivered" {
            tracing::info!(
                sink = self.sink,
                alert = self.webhook_id,
                attempts = failures,
                lag = ?self.lag,
                "alert delivered"
            );
        } else if self.outcome == "refused" {
            tracing::error!(
                sink = self.sink,
                alert = self.webhook_id,
                detail = self.detail,
                "alert put aside as a dead letter; see `fenghuo dead-letters list`"
            );
        } else if failures.is_power_of_two() {
            tracing::warn!(
                sink = self.sink,
                alert = self.webhook_id,
                detail = self.detail,
                failures,
                again_in = ?self.again_in,
                "alert not delivered"
            );
        } else {
            tracing::debug!(
                sink = self.sink,
                alert = self.webhook_id,
                detail = self.detail,
                failures,
                again_in = ?self.again_in,
                "alert not delivered"
            );
        }
    }
}

/// A channel's routes, or a higher alert, keep an alert back for good. Series:
/// `fenghuo_deliver_kept_back_total{sink}` (moved by `deliver.routes` and `deliver.inhibit`).
#[derive(Debug)]
pub struct AlertKeptBack<'e> {
    /// The channel.
    pub sink: &'e str,
    /// The alert.
    pub alert: &'e str,
    /// Why, in words for people.
    pub why: &'e str,
}

impl AlertKeptBack<'_> {
    /// Counts and logs.
    pub fn emit(self) {
        KEPT_BACK.with_label_values(&[self.sink]).inc();
        tracing::info!(sink = self.sink, alert = self.alert, why = self.why, "alert kept back");
    }
}

/// Delivery to a sink has begun; it counts as well until an attempt shows otherwise. Series:
/// `fenghuo_deliver_sink_state{sink, state}`.
#[derive(Debug)]
pub struct SinkOpened<'e> {
    /// The sink.
    pub sink: &'e str,
}

impl SinkOpened<'_> {
    /// Sets the gauge and logs.
    pub fn emit(self) {
        set_state(self.sink, "ok");
        tracing::info!(sink = self.sink, "delivering alerts");
    }
}

fn set_state(sink: &str, now: &str) {
    for state in STATES {
        SINK_STATE.with_label_values(&[sink, state]).set(i64::from(state == now));
    }
}

/// A sink takes alerts again, or does not for now, or will not until somebody mends a setting.
/// Series: `fenghuo_deliver_sink_state{sink, state}`.
#[derive(Debug)]
pub struct SinkStateChanged<'e> {
    /// The sink.
    pub sink: &'e str,
    /// `ok`, `failing` or `alarmed`.
    pub state: &'static str,
    /// The last failure, without secrets; empty for `ok`.
    pub error: &'e str,
    /// Whether it was in this state already, with another error.
    pub again: bool,
}

impl SinkStateChanged<'_> {
    /// Sets the gauge and logs; a state that only has another error is logged at debug level.
    pub fn emit(self) {
        set_state(self.sink, self.state);
        let (sink, error) = (self.sink, self.error);
        match self.state {
            _ if self.again => tracing::debug!(sink, error, "the sink has another error"),
            "ok" => tracing::info!(sink, "the sink takes alerts"),
            "failing" => tracing::warn!(sink, error, "the sink takes no alerts; they wait in the outbox"),
            _ => {
                tracing::error!(sink, error, "the sink refuses all alerts until somebody mends its settings");
            }
        }
    }
}

/// Alerts wait for a sink that the configuration does not name any more.
#[derive(Debug)]
pub struct SinkUnknown<'e> {
    /// The sink's name in the outbox.
    pub sink: &'e str,
    /// How many wait.
    pub pending: u64,
}

impl SinkUnknown<'_> {
    /// Logs.
    pub fn emit(self) {
        tracing::warn!(
            sink = self.sink,
            pending = self.pending,
            "alerts wait for a sink that is not configured; give a webhook this name to deliver them"
        );
    }
}

/// The outbox could not be read or written; delivery tries again shortly. Series:
/// `fenghuo_deliver_store_failures_total{sink}`.
#[derive(Debug)]
pub struct OutboxFailed<'e> {
    /// The sink.
    pub sink: &'e str,
    /// What was tried.
    pub what: &'static str,
    /// What the store said.
    pub error: &'e str,
}

impl OutboxFailed<'_> {
    /// Counts and logs.
    pub fn emit(self) {
        STORE_FAILURES.with_label_values(&[self.sink]).inc();
        tracing::error!(sink = self.sink, what = self.what, error = self.error, "the outbox failed");
    }
}
