//! Where complaint events come in: Kafka, HTTP, files, stdin.
//!
//! **Does:** reads records from one kind of origin each, and hands them with their position to the
//! pipeline through a bounded [`Intake`]; decodes event bytes into complaints ([`decode`]).
//! **Promises:** a record is handed over once per reading, in the order of its source partition;
//! the original bytes stay with it until its fate is committed; a full pipeline makes a source
//! wait or refuse, never drop. **Leaves to others:** keeping positions (`store`, through
//! [`Positions`](crate::model::Positions)), deciding what a complaint means (`engine`).
//!
//! # When partitions come and go
//! A Kafka source shares its partitions with other processes, so what an engine holds in memory is
//! true only as long as the leases it was built under. The rules for the pipeline:
//!
//! 1. Before a record is applied, compare [`Lease::id`] with the ids the engine of
//!    `record.partition` was built under. An id it does not know means that somebody else may have
//!    written in between: rebuild the engine from the store, and remember the ids that
//!    [`Holdings::of`] shows at that moment (all of them, so that six partitions that come
//!    together cost one rebuild). A lease without an id never changes anything.
//! 2. [`Lease::enter`] every lease of a batch for the length of apply and commit. `None` means:
//!    leave this record, the next owner reads it again.
//! 3. The first delta of a lease joins on to [`Lease::stored`], each further one to the one before.
//! 4. When the store answers that a batch does not join on, call [`Lease::lose`] on its leases and
//!    forget the engine. The source takes the partition again, from what is stored now.
//! 5. On every idle tick, look at [`Holdings::all`]: build engines for ids not seen yet (their
//!    incidents may be due to be resolved although no record comes), and drop engines of which
//!    every lease [is revoked](Lease::is_revoked).
//! 6. Let time pass in an engine without records only up to the moment at which every source that
//!    feeds it was known to have no more ([`Holding::end`]), and not while one is
//!    [expected](Holdings::is_expected).

pub mod decode;
#[cfg(feature = "daemon")]
pub mod file;
mod holdings;
#[cfg(feature = "daemon")]
pub mod http;
mod intake;
#[cfg(feature = "kafka")]
pub mod kafka;
mod lease;
mod record;

pub use holdings::{Held, Holding, Holdings};
pub use intake::{Intake, IntakeClosed, IntakeFull, Outlet, intake};
pub use lease::{Lease, LeaseGuard, LeaseId};
pub use record::{Outcome, Record, Reply};

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
