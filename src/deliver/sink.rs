//! Where alerts go: the interface, and what comes of one attempt.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use jiff::Timestamp;

use super::{Backoff, Blame, Limit, Verdict};
use crate::model::Alert;

/// An attempt under way.
pub type SinkFuture<'s> = Pin<Box<dyn Future<Output = Attempt> + Send + 's>>;

/// One receiver of alerts.
pub trait Sink: Send + Sync {
    /// Its name in the outbox.
    fn name(&self) -> &str;

    /// How many attempts may be under way at once, at least 1.
    fn concurrency(&self) -> usize;

    /// The longest that an attempt takes; it is given up by then.
    fn timeout(&self) -> Duration;

    /// When to try again.
    fn backoff(&self) -> Backoff;

    /// After how long an alert is put aside, if ever.
    fn give_up_after(&self) -> Option<Duration>;

    /// How many messages it takes in a time; none without a limit.
    fn limit(&self) -> Option<Limit> {
        None
    }

    /// How many of these alerts, from the first on, one message can tell of when more is due than the
    /// limit lets through; at least 1. A sink without digests says 1, and so does one without a limit.
    fn holds(&self, alerts: &[&Alert]) -> usize {
        let _ = alerts;
        1
    }

    /// How often it has to be told again of the alerts that it has and that are not over; never for
    /// most.
    fn renew_every(&self) -> Option<Duration> {
        None
    }

    /// Sends one message about these alerts at `now`: one, as many as it [`holds`](Self::holds), or,
    /// for one that is told again ([`renew_every`](Self::renew_every)), all that it has. fails otherwise than by its answer, which is for all of them.
    fn send<'s>(&'s self, alerts: &'s [&'s Alert], now: Timestamp) -> SinkFuture<'s>;
}

/// What came of one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// What to do now.
    pub verdict: Verdict,
    /// In words for people, without secrets: `HTTP 200`, or what went wrong and the begin of the
    /// receiver's answer.
    pub detail: String,
    /// How long the receiver asks to wait.
    pub retry_after: Option<Duration>,
}

impl Attempt {
    /// One that ended in a panic.
    pub(super) fn panicked() -> Self {
        Self {
            verdict: Verdict::Retry { blame: Blame::Row, alarm: false },
            detail: "the attempt panicked, which is a defect of fenghuo; please report it".into(),
            retry_after: None,
        }
    }
}
