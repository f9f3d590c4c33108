//! Happenings of the sources: events that came in, what became of them, requests refused.

use std::net::SocketAddr;
use std::sync::LazyLock;

use prometheus::{HistogramVec, IntCounterVec};

use super::{counter, histogram};
use crate::model::DeadReason;

static RECEIVED: LazyLock<IntCounterVec> = LazyLock::new(|| {
    counter(
        "fenghuo_events_received_total",
        "Events taken from a source, whatever became of them",
        &["source"],
    )
});
static OUTCOMES: LazyLock<IntCounterVec> = LazyLock::new(|| {
    counter(
        "fenghuo_events_total",
        "Events whose fate is durable, by outcome: accepted, repeated, updated, dead_letter",
        &["source", "outcome"],
    )
});
static DEAD_LETTERS: LazyLock<IntCounterVec> = LazyLock::new(|| {
    counter("fenghuo_dead_letters_total", "Events put aside, by reason", &["source", "reason"])
});
static REFUSED: LazyLock<IntCounterVec> = LazyLock::new(|| {
    counter(
        "fenghuo_http_refused_total",
        "Requests to the HTTP intake that were refused, by status",
        &["status"],
    )
});
static ACKNOWLEDGED: LazyLock<HistogramVec> = LazyLock::new(|| {
    histogram(
        "fenghuo_http_acknowledge_seconds",
        "From a request's body being read to its events being durable",
        &[],
        &[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0],
    )
});

/// The kind of a source partition: `kafka` of `kafka:complaints/3`. The whole name would make a
/// series of every file.
fn kind(source: &str) -> &str {
    source.split_once(':').map_or(source, |(kind, _)| kind)
}

/// A batch of events was taken from a source partition.
///
/// Series `fenghuo_events_received_total{source}`; a source that should speak and whose rate is
/// nil is cut off.
#[derive(Debug)]
pub struct EventsReceived<'a> {
    /// The source partition.
    pub source: &'a str,
    /// How many.
    pub count: u64,
}

impl EventsReceived<'_> {
    /// Counts and logs.
    pub fn emit(self) {
        RECEIVED.with_label_values(&[kind(self.source)]).inc_by(self.count);
        tracing::trace!(source = self.source, count = self.count, "events received");
    }
}

/// New complaints were committed.
///
/// Series `fenghuo_events_total{source, outcome="accepted"}`.
#[derive(Debug)]
pub struct EventsAccepted<'a> {
    /// The source partition.
    pub source: &'a str,
    /// How many.
    pub count: u64,
}

impl EventsAccepted<'_> {
    /// Counts and logs.
    pub fn emit(self) {
        OUTCOMES.with_label_values(&[kind(self.source), "accepted"]).inc_by(self.count);
        tracing::trace!(source = self.source, count = self.count, "events accepted");
    }
}

/// An event that was stored before came again and was dropped.
///
/// Series `fenghuo_events_total{source, outcome="repeated"}`; high after a restart of a sender that
/// sends again what was not answered.
#[derive(Debug)]
pub struct EventRepeated<'a> {
    /// The source partition.
    pub source: &'a str,
    /// The complaint.
    pub id: &'a str,
}

impl EventRepeated<'_> {
    /// Counts and logs.
    pub fn emit(self) {
        OUTCOMES.with_label_values(&[kind(self.source), "repeated"]).inc();
        tracing::debug!(source = self.source, id = self.id, "the same event again, dropped");
    }
}

/// A stored complaint came with other content: its new version.
///
/// Series `fenghuo_events_total{source, outcome="updated"}`.
#[derive(Debug)]
pub struct EventUpdated<'a> {
    /// The source partition.
    pub source: &'a str,
    /// The complaint.
    pub id: &'a str,
    /// The version it now has.
    pub version: u32,
}

impl EventUpdated<'_> {
    /// Counts and logs.
    pub fn emit(self) {
        OUTCOMES.with_label_values(&[kind(self.source), "updated"]).inc();
        tracing::debug!(source = self.source, id = self.id, version = self.version, "complaint updated");
    }
}

/// An event was put aside.
///
/// Series `fenghuo_dead_letters_total{source, reason}` and
/// `fenghuo_events_total{source, outcome="dead_letter"}`. Any rate above nil means that a sender
/// writes what we cannot use: see `fenghuo dead-letters list`. The limits among the reasons are
/// those of the settings of decoding.
#[derive(Debug)]
pub struct EventDeadLettered<'a> {
    /// The source partition.
    pub source: &'a str,
    /// Where in it, in words.
    pub at: &'a str,
    /// Why.
    pub reason: DeadReason,
    /// The sentence for people; it has no personal numbers.
    pub detail: &'a str,
}

impl EventDeadLettered<'_> {
    /// Counts and logs.
    pub fn emit(self) {
        let source = kind(self.source);
        OUTCOMES.with_label_values(&[source, "dead_letter"]).inc();
        DEAD_LETTERS.with_label_values(&[source, self.reason.as_str()]).inc();
        tracing::warn!(
            source = self.source,
            at = self.at,
            reason = self.reason.as_str(),
            "event put aside: {}",
            self.detail
        );
    }
}

/// The HTTP side is open.
#[derive(Debug)]
pub struct HttpListening {
    /// The address.
    pub address: SocketAddr,
    /// Whether complaints need a bearer token.
    pub authenticated: bool,
}

impl HttpListening {
    /// Logs.
    pub fn emit(self) {
        tracing::info!(address = %self.address, authenticated = self.authenticated, "HTTP side open");
    }
}

/// A request to the HTTP intake was refused: none of its events was handed on, or it is not known
/// whether they are durable (503).
///
/// Series `fenghuo_http_refused_total{status}`. 401: tokens; 413: `max_body_bytes`, `max_lines`;
/// 429: the intake is full, the pipeline is behind; 503: the store is stalled or slower than
/// `ack_timeout_seconds`.
#[derive(Debug)]
pub struct HttpRefused<'a> {
    /// The status answered.
    pub status: u16,
    /// What the client was told.
    pub detail: &'a str,
}

impl HttpRefused<'_> {
    /// Counts and logs.
    pub fn emit(self) {
        REFUSED.with_label_values(&[self.status.to_string().as_str()]).inc();
        if self.status >= 500 || self.status == 401 {
            tracing::warn!(status = self.status, "request refused: {}", self.detail);
        } else {
            tracing::debug!(status = self.status, "request refused: {}", self.detail);
        }
    }
}

/// A request's events are durable and it was answered.
///
/// Series `fenghuo_http_acknowledge_seconds`; moved by the pipeline's batching and the store's disk.
#[derive(Debug)]
pub struct HttpAnswered {
    /// How many events it carried.
    pub events: usize,
    /// From its body being read to its events being durable.
    pub seconds: f64,
}

impl HttpAnswered {
    /// Counts and logs.
    pub fn emit(self) {
        ACKNOWLEDGED.with_label_values::<&str>(&[]).observe(self.seconds);
        tracing::trace!(events = self.events, seconds = self.seconds, "request answered");
    }
}

/// A connection could not be taken; the server goes on after a moment.
#[derive(Debug)]
pub struct HttpAcceptFailed<'a> {
    /// What the system said.
    pub error: &'a std::io::Error,
}

impl HttpAcceptFailed<'_> {
    /// Logs.
    pub fn emit(self) {
        tracing::warn!(error = %self.error, "cannot take a connection; is the limit of open files too low?");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_by_kind_and_reason() {
        let dead = || EventDeadLettered {
            source: "file:/data/telemetry-test.csv",
            at: "row 2",
            reason: DeadReason::InvalidRow,
            detail: "a row of 3 columns",
        };
        let series = || DEAD_LETTERS.with_label_values(&["file", "invalid_row"]).get();
        let before = series();
        dead().emit();
        dead().emit();
        assert!(series() >= before + 2);
        let text = String::from_utf8(super::super::render().unwrap()).unwrap();
        assert!(
            text.contains("fenghuo_dead_letters_total{reason=\"invalid_row\",source=\"file\"}"),
            "{text}"
        );
    }
}
