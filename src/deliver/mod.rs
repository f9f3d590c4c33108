//! Hands alerts to others: the outbox worker, its sinks, and a reference receiver.
//!
//! **Does:** takes due rows from the store's outbox and pushes each to its sink ([`WebhookSink`], and
//! the channels of [`channel`]), signed; tries again what may succeed later, puts aside what cannot
//! ([`Verdict`] has the table); words messages for people by templates ([`Words`]) and tells several
//! alerts in one when a receiver takes no more; lays alerts out for a terminal ([`render_alert`]);
//! runs a small receiver that verifies and de-duplicates ([`receiver`]). **Promises:** an alert that was committed is handed over at least
//! once, its revisions in order for each alert and sink; a receiver that drops repeats by
//! `webhook-id` has each exactly once; a row that cannot be delivered blocks nobody else's; a
//! receiver that is down costs it no more than one request per pause and free slot; secrets reach
//! no log, error or dead letter. **Leaves to others:** what is an alert and what it says
//! (`engine`), keeping rows, leases and order (`store`), reading secrets (`daemon`), showing the
//! state of the sinks ([`Deliver::status`] gives it).

pub mod channel;
mod config;
mod gate;
mod http;
mod line;
mod pace;
mod payload;
mod plain;
pub mod receiver;
mod render;
mod retry;
pub mod route;
mod samples;
mod signature;
mod sink;
mod status;
mod times;
mod verdict;
mod webhook;
mod words;
mod worker;

pub use config::{DeliverConfig, DeliverConfigError, RetryConfig, WebhookConfig};
pub use gate::Gate;
pub use http::HttpSetupError;
pub use pace::Limit;
pub use payload::{Payload, SCHEMA_VERSION, webhook_id};
pub use render::{local_time, render_alert, told_before};
pub use retry::{Backoff, parse_retry_after};
pub use signature::{Refusal, SecretError, SigningSecret};
pub use sink::{Attempt, Sink, SinkFuture};
pub use status::{SinkState, problem};
pub use verdict::{Blame, Verdict};
pub use webhook::{WebhookError, WebhookSecrets, WebhookSink};
pub use words::{TEMPLATES, TemplateError, Words};
pub use worker::{Deliver, Wake};

use std::sync::Arc;

use jiff::Timestamp;

/// Tells the time; [`jiff::Timestamp::now`] at the edge, something else in tests.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;
