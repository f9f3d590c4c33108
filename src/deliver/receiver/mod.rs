//! A reference receiver: verifies, de-duplicates, keeps and hands on what a webhook sends.
//!
//! **Does:** takes alerts by POST at any path, checks signature and time, accepts each `webhook-id`
//! once, checks that revisions come in order, appends accepted alerts to a file if asked to, and
//! tells a callback. **Promises:** an answer of 200 means that the alert is in the file (synced)
//! and that the callback has had it; with a file, repeats are known across restarts; without one,
//! only within a run. **Leaves to others:** printing, doing anything about an alert. On request
//! ([`Fail`]) it misbehaves as real receivers do.

mod fail;
mod ledger;
mod server;
mod switch;

pub use fail::Fail;
pub use ledger::LedgerError;
pub use server::serve;

use std::path::PathBuf;

use jiff::SignedDuration;

use super::{Clock, Payload, Refusal, SigningSecret};

/// How a receiver works.
#[derive(Clone)]
pub struct ReceiverConfig {
    /// The secret both sides share.
    pub secret: SigningSecret,
    /// How far a request's time may be from `clock`; 5 minutes is usual.
    pub tolerance: SignedDuration,
    /// How to misbehave.
    pub fail: Fail,
    /// Accepted alerts are appended here, one a line as they came; what is there already is read
    /// at the start, and not accepted again.
    pub out: Option<PathBuf>,
    /// The time.
    pub clock: Clock,
}

impl ReceiverConfig {
    /// A receiver that behaves, with the usual tolerance and no file.
    #[must_use]
    pub fn new(secret: SigningSecret, clock: Clock) -> Self {
        Self { secret, tolerance: SignedDuration::from_mins(5), fail: Fail::None, out: None, clock }
    }
}

impl std::fmt::Debug for ReceiverConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReceiverConfig")
            .field("fail", &self.fail)
            .field("out", &self.out)
            .finish_non_exhaustive()
    }
}

/// What has happened at a receiver.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A new alert revision, accepted.
    Accepted {
        /// Its `webhook-id`.
        webhook_id: String,
        /// What came.
        payload: Box<Payload>,
        /// How it fits what came before.
        order: Order,
    },
    /// One that was accepted before; dropped, and answered as if it were new.
    Repeated {
        /// Its `webhook-id`.
        webhook_id: String,
    },
    /// A request that is not one of ours, or not an alert.
    Refused(Refused),
}

/// Why a request was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Answered with 401.
    #[error(transparent)]
    NotOurs(#[from] Refusal),
    /// Answered with 422.
    #[error("it is not an alert: {0}")]
    NotAnAlert(String),
    /// It was told to misbehave ([`Fail`]).
    #[error("as asked, answered with {0}")]
    AsAsked(u16),
    /// Accepted alerts cannot be kept; answered with 503.
    #[error("{0}")]
    CannotKeep(String),
}

/// How a revision fits what came before of its alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// The first of its alert that this receiver has seen.
    First,
    /// The one after the last.
    Next,
    /// Some are missing, which a sender may have put aside as refused.
    Gap {
        /// The last one before.
        last: u32,
    },
    /// It comes after a later one: the sender has broken its promise.
    Violated {
        /// The highest one before.
        last: u32,
    },
}
