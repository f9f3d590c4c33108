//! The board that shows which source partitions are assigned to this process now.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::model::{PartitionKey, Position};

use super::Lease;

/// What sources that share their partitions with other processes hold at the moment. Sources
/// write it while partitions come and go, the pipeline reads it. Cheap to clone; one per process.
///
/// It answers what a record alone cannot: that a partition has come although it has no new
/// records (its open incidents must still be resolved in time), and that one has gone.
#[derive(Debug, Clone, Default)]
pub struct Holdings(Arc<Mutex<BTreeMap<Arc<str>, Holding>>>);

/// One source partition that is assigned to us.
#[derive(Debug, Clone)]
pub struct Holding {
    /// The source partition, as in [`Record::source`](super::Record::source).
    pub source: Arc<str>,
    /// The engine it feeds.
    pub partition: PartitionKey,
    /// The right to publish its results.
    pub lease: Lease,
}

// Ids are never reused within a process, also not by a second board (as tests have).
static NEXT_ID: AtomicU64 = AtomicU64::new(1);

impl Holdings {
    /// Puts a source partition on the board under a new lease. `stored` is the position that the
    /// store had at that moment. A former lease on it is closed.
    #[must_use]
    pub fn grant(&self, source: &Arc<str>, partition: &PartitionKey, stored: Option<Position>) -> Lease {
        let lease = Lease::granted(NEXT_ID.fetch_add(1, Ordering::Relaxed), stored);
        let holding =
            Holding { source: Arc::clone(source), partition: partition.clone(), lease: lease.clone() };
        if let Some(former) = self.lock().insert(Arc::clone(source), holding) {
            former.lease.lose();
        }
        lease
    }

    /// Takes a source partition off the board, if `lease` is still the one it is held under.
    pub fn release(&self, source: &str, lease: &Lease) {
        let mut board = self.lock();
        if board.get(source).is_some_and(|holding| holding.lease.id() == lease.id()) {
            board.remove(source);
        }
    }

    /// Everything held now, in the order of the names.
    #[must_use]
    pub fn all(&self) -> Vec<Holding> {
        self.lock().values().cloned().collect()
    }

    /// What feeds one engine now.
    #[must_use]
    pub fn of(&self, partition: &PartitionKey) -> Vec<Holding> {
        self.lock().values().filter(|holding| holding.partition == *partition).cloned().collect()
    }

    // The map is never left half changed, so a panic elsewhere cannot have spoilt it.
    fn lock(&self) -> MutexGuard<'_, BTreeMap<Arc<str>, Holding>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_that_comes_back_has_another_lease() {
        let board = Holdings::default();
        let (source, key) = (Arc::from("kafka:t/0"), PartitionKey::from("main"));
        let first = board.grant(&source, &key, None);
        let second = board.grant(&source, &key, Some(Position(7)));
        assert!(first.is_revoked() && !second.is_revoked());
        assert_ne!(first.id(), second.id());
        board.release(&source, &first);
        assert_eq!(board.of(&key).len(), 1, "an old lease takes nothing off the board");
        board.release(&source, &second);
        assert!(board.all().is_empty());
    }
}
