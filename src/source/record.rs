//! One record on its way from a source to the pipeline.

use std::borrow::Cow;
use std::sync::Arc;

use tokio::sync::oneshot;

use crate::model::{ComplaintId, DeadReason, PartitionKey, Position};

use super::Lease;

/// Bytes that should be one complaint event, and where they came from.
#[derive(Debug)]
pub struct Record {
    /// The engine this record belongs to.
    pub partition: PartitionKey,
    /// The source partition it was read from, for example `kafka:complaints/3`, `file:/data/a.csv`,
    /// `http`.
    pub source: Arc<str>,
    /// The position after this record, for sources that have positions.
    pub next: Option<Position>,
    /// Where it stood, in words for people: `offset 1234`, `line 17`, `row 5 of sheet 工单`.
    pub at: Box<str>,
    /// The bytes as they came, kept for dead letters.
    pub raw: Vec<u8>,
    /// The event as JSON, when the source had to make it from another form (a table's row);
    /// `None` when `raw` is the event. An error when the source could not make one.
    pub event: Result<Option<Vec<u8>>, (DeadReason, String)>,
    /// Who waits for the outcome (an HTTP request), if anybody.
    pub reply: Option<Reply>,
    /// The right to publish results of this source partition.
    pub lease: Lease,
}

impl Record {
    /// The bytes to decode.
    ///
    /// # Errors
    /// The reason for which the source could not make an event of the record.
    pub fn event(&self) -> Result<&[u8], &(DeadReason, String)> {
        match &self.event {
            Ok(Some(event)) => Ok(event),
            Ok(None) => Ok(&self.raw),
            Err(reason) => Err(reason),
        }
    }
}

/// What became of a record, told after it is durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Stored as a new complaint.
    Accepted(ComplaintId),
    /// The same event was stored before; dropped and counted.
    Repeated(ComplaintId),
    /// A new version of a stored complaint.
    Updated(ComplaintId),
    /// Put aside with the reason.
    DeadLetter(DeadReason, Cow<'static, str>),
}

/// Where the outcome is to be sent. Dropped unanswered when the pipeline stops before the record
/// is durable: the sender must then say "try again".
pub type Reply = oneshot::Sender<Outcome>;
