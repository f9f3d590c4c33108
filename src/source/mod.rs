//! Where complaint events come in: Kafka, HTTP, files, stdin.
//!
//! **Does:** reads records from one kind of origin each, and hands them with their position to the
//! pipeline through a bounded [`Intake`]; decodes event bytes into complaints ([`decode`]).
//! **Promises:** a record is handed over once per reading, in the order of its source partition;
//! the original bytes stay with it until its fate is committed; a full pipeline makes a source
//! wait or refuse, never drop. **Leaves to others:** keeping positions (`store`, through
//! [`Positions`]), deciding what a complaint means (`engine`).

pub mod decode;
#[cfg(feature = "daemon")]
pub mod http;
mod intake;
mod lease;
mod record;

pub use intake::{Intake, IntakeClosed, IntakeFull, Outlet, intake};
pub use lease::{Lease, LeaseGuard};
pub use record::{Outcome, Record, Reply};

use crate::model::Position;

/// Reads the positions that were committed together with their effects.
pub trait Positions: Send + Sync {
    /// The committed position of a source partition; `None` when nothing was ever committed.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn position(&self, source: &str) -> anyhow::Result<Option<Position>>;
}

/// One origin of events. Runs on a thread of its own, so that an implementation may block.
pub trait Source: Send {
    /// A short name for logs and metrics: `kafka`, `http`, `file`, `stdin`.
    fn name(&self) -> &'static str;

    /// Reads and hands over until the source is exhausted or `shutdown` is cancelled; returns
    /// within a second or so of that.
    ///
    /// # Errors
    /// When the source cannot go on (a missing topic, an unreadable file), with what to do about
    /// it. Passing faults are retried inside.
    fn run(
        self: Box<Self>,
        intake: Intake,
        shutdown: tokio_util::sync::CancellationToken,
    ) -> anyhow::Result<()>;
}
