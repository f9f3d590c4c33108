//! One record of a file, before anybody decodes it.

use std::sync::Arc;

use crate::model::{DeadReason, Position};
use crate::source::{Lease, Record};

/// A line or row of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawRecord {
    /// Its line, or its row in a sheet, counted from 1.
    pub number: u64,
    /// Where it stood, for people: `line 17`, `row 5 of sheet 工单`.
    pub at: Box<str>,
    /// The position after it: a byte offset, or the number of the next row of a sheet.
    pub next: Position,
    /// Its bytes as they came; of a row of a sheet, its cells as a JSON list.
    pub raw: Vec<u8>,
    /// The event as JSON; `None` when `raw` is the event. An error when there is none in it.
    pub event: Result<Option<Vec<u8>>, (DeadReason, String)>,
}

impl RawRecord {
    /// The bytes to decode.
    ///
    /// # Errors
    /// The reason for which no event could be made of the record.
    pub fn event(&self) -> Result<&[u8], &(DeadReason, String)> {
        match &self.event {
            Ok(Some(event)) => Ok(event),
            Ok(None) => Ok(&self.raw),
            Err(reason) => Err(reason),
        }
    }

    /// The record as the pipeline takes it. `keeps_position` is false for stdin, which cannot be
    /// read again from where it was left.
    pub(super) fn into_record(self, source: &Arc<str>, lease: &Lease, keeps_position: bool) -> Record {
        Record {
            partition: super::source::engine(),
            source: Arc::clone(source),
            next: keeps_position.then_some(self.next),
            at: self.at,
            raw: self.raw,
            event: self.event,
            reply: None,
            lease: lease.clone(),
        }
    }
}
