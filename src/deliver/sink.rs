//! Where alerts go: the interface, and what comes of one attempt.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use jiff::Timestamp;

use super::{Backoff, Verdict};
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

    /// Sends one alert at `now`. Never fails otherwise than by its answer.
    fn send<'s>(&'s self, alert: &'s Alert, now: Timestamp) -> SinkFuture<'s>;
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
