//! The board that shows which source partitions this process reads now, and how far.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use crate::model::{PartitionKey, Position};

use super::Lease;

/// What sources that keep positions read at the moment. Sources write it while partitions come and
/// go, the pipeline reads it. Cheap to clone; one per process.
///
/// It answers what a record alone cannot: that a partition has come although it has no new records
/// (its open incidents must still be resolved in time), that one has gone, and whether no records
/// means that there are none. A reader that is behind, or cannot reach its broker, must not be
/// taken for a quiet city.
#[derive(Debug, Clone, Default)]
pub struct Holdings(Arc<Mutex<Board>>);

#[derive(Debug, Default)]
struct Board {
    held: BTreeMap<Arc<str>, Holding>,
    /// Sources that hold nothing yet, and the engines they will feed.
    expected: BTreeSet<(String, PartitionKey)>,
}

/// One source partition that we read.
#[derive(Debug, Clone)]
pub struct Holding {
    /// The source partition, as in [`Record::source`](super::Record::source).
    pub source: Arc<str>,
    /// The engine it feeds.
    pub partition: PartitionKey,
    /// The right to publish its results.
    pub lease: Lease,
    /// When (wall clock) the reader last knew that it had handed over all there was; `None` while
    /// there may be more.
    pub end: Option<Timestamp>,
}

/// A source partition on the board, taken off on drop.
#[derive(Debug)]
pub struct Held {
    board: Holdings,
    source: Arc<str>,
    lease: Lease,
}

impl Held {
    /// See [`Holdings::at_end`].
    pub fn at_end(&self, end: Option<Timestamp>) {
        self.board.at_end(&self.source, &self.lease, end);
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.board.release(&self.source, &self.lease);
    }
}

// Ids are never reused within a process, also not by a second board (as tests have).
static NEXT_ID: AtomicU64 = AtomicU64::new(1);

impl Holdings {
    /// Puts a source partition on the board under a new lease. `stored` is the position that the
    /// store had at that moment. A former lease on it is closed.
    #[must_use]
    pub fn grant(&self, source: &Arc<str>, partition: &PartitionKey, stored: Option<Position>) -> Lease {
        let lease = Lease::granted(NEXT_ID.fetch_add(1, Ordering::Relaxed), stored);
        self.put(source, partition, lease.clone());
        lease
    }

    /// Puts a source partition on the board that nobody takes away (a file), for as long as what
    /// comes back lives.
    #[must_use]
    pub fn hold(&self, source: &Arc<str>, partition: &PartitionKey) -> Held {
        let lease = Lease::default();
        self.put(source, partition, lease.clone());
        Held { board: self.clone(), source: Arc::clone(source), lease }
    }

    fn put(&self, source: &Arc<str>, partition: &PartitionKey, lease: Lease) {
        let holding = Holding { source: Arc::clone(source), partition: partition.clone(), lease, end: None };
        if let Some(former) = self.lock().held.insert(Arc::clone(source), holding) {
            former.lease.lose();
        }
    }

    /// Notes that the reader knew at `end` that it had handed over all there was; or, with `None`,
    /// that there may be more.
    pub fn at_end(&self, source: &str, lease: &Lease, end: Option<Timestamp>) {
        if let Some(holding) = self.lock().held.get_mut(source).filter(|held| held.lease.id() == lease.id()) {
            holding.end = end;
        }
    }

    /// Says that a source will feed an engine, before it holds anything.
    pub fn expect(&self, source: &str, partition: &PartitionKey) {
        self.lock().expected.insert((source.to_owned(), partition.clone()));
    }

    /// Says that what a source holds is on the board now, or that it has ended.
    pub fn settle(&self, source: &str) {
        self.lock().expected.retain(|(expected, _)| expected != source);
    }

    /// Whether a source that feeds this engine holds nothing yet.
    #[must_use]
    pub fn is_expected(&self, partition: &PartitionKey) -> bool {
        self.lock().expected.iter().any(|(_, expected)| expected == partition)
    }

    /// Takes a source partition off the board, if `lease` is still the one it is held under.
    pub fn release(&self, source: &str, lease: &Lease) {
        let mut board = self.lock();
        if board.held.get(source).is_some_and(|holding| holding.lease.id() == lease.id()) {
            board.held.remove(source);
        }
    }

    /// Everything held now, in the order of the names.
    #[must_use]
    pub fn all(&self) -> Vec<Holding> {
        self.lock().held.values().cloned().collect()
    }

    /// What feeds one engine now.
    #[must_use]
    pub fn of(&self, partition: &PartitionKey) -> Vec<Holding> {
        self.lock().held.values().filter(|holding| holding.partition == *partition).cloned().collect()
    }

    // The board is never left half changed, so a panic elsewhere cannot have spoilt it.
    fn lock(&self) -> MutexGuard<'_, Board> {
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

    #[test]
    fn an_end_belongs_to_the_lease_under_which_it_was_seen() {
        let board = Holdings::default();
        let (source, key) = (Arc::from("kafka:t/0"), PartitionKey::from("main"));
        board.expect("kafka", &key);
        assert!(board.is_expected(&key) && !board.is_expected(&PartitionKey::from("other")));
        let first = board.grant(&source, &key, None);
        board.settle("kafka");
        assert!(!board.is_expected(&key));
        let second = board.grant(&source, &key, None);
        board.at_end(&source, &first, Some(Timestamp::UNIX_EPOCH));
        assert_eq!(board.of(&key)[0].end, None, "a former reader knows nothing of ours");
        board.at_end(&source, &second, Some(Timestamp::UNIX_EPOCH));
        assert_eq!(board.of(&key)[0].end, Some(Timestamp::UNIX_EPOCH));
        let file = board.hold(&Arc::from("file:a"), &key);
        assert_eq!(board.of(&key).len(), 2);
        drop(file);
        assert_eq!(board.of(&key).len(), 1);
    }
}
