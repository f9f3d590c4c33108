//! How far a source has been read.

use serde::{Deserialize, Serialize};

/// A place in a source, in the source's own units: the next Kafka offset, the next byte of a file,
/// the next row of a sheet. Compared only within one source partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Position(pub i64);

/// What a batch read of one source partition: everything from `from` (inclusive) up to `to`
/// (exclusive). The store applies it only if it joins on to what is stored, so that a reader who
/// lost its partition cannot publish twice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PositionDelta {
    /// The source partition, for example `kafka:complaints/3` or `file:/data/orders.ndjson`.
    pub source: String,
    /// Where the stored position must stand; `None` when nothing may be stored yet.
    pub from: Option<Position>,
    /// Where it stands after the commit.
    pub to: Position,
}

/// Reads the positions that were committed together with their effects.
pub trait Positions: Send + Sync {
    /// The committed position of a source partition; `None` when nothing was ever committed.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn position(&self, source: &str) -> anyhow::Result<Option<Position>>;
}
