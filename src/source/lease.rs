//! The right to publish results of a source partition, which a rebalance takes away.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::model::{Position, Positions};

/// A lease is held while a source partition is assigned to us. Every record carries the lease
/// under which it was read; the pipeline enters it for the length of a batch. Revoking closes the
/// lease first and then waits for batches inside, so work in flight is finished and work still
/// queued is left to the next owner.
///
/// The default lease is one that nobody takes away (HTTP, a file). A lease that may be taken is
/// granted by [`Holdings`](super::Holdings) and has an id.
#[derive(Debug, Clone, Default)]
pub struct Lease(Arc<Inner>);

/// Tells leases apart within one process: every time a source partition is assigned to us, it
/// comes under a lease with a new id, also when it was here before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LeaseId(u64);

#[derive(Debug, Default)]
struct Inner {
    grant: Option<Grant>,
    state: Mutex<State>,
    left: Condvar,
}

#[derive(Debug)]
struct Grant {
    id: LeaseId,
    stored: Option<Position>,
}

#[derive(Debug, Default)]
struct State {
    revoked: bool,
    inside: usize,
}

/// Proof of being inside a lease. Leaves on drop.
#[derive(Debug)]
pub struct LeaseGuard(Arc<Inner>);

impl Lease {
    pub(super) fn granted(id: u64, stored: Option<Position>) -> Self {
        let grant = Some(Grant { id: LeaseId(id), stored });
        Self(Arc::new(Inner { grant, ..Inner::default() }))
    }

    /// Which grant this is; `None` for a lease that nobody takes away.
    #[must_use]
    pub fn id(&self) -> Option<LeaseId> {
        self.0.grant.as_ref().map(|grant| grant.id)
    }

    /// The stored position that the first [`PositionDelta`](crate::model::PositionDelta) of this
    /// lease joins on to. A granted lease remembers what the source found when it took the
    /// partition: asking the store later could find what a former owner has published since, and
    /// a delta that joins on to that would pass for ours.
    ///
    /// # Errors
    /// When the lease has no grant and the store cannot be read.
    pub fn stored(&self, positions: &dyn Positions, source: &str) -> anyhow::Result<Option<Position>> {
        match &self.0.grant {
            Some(grant) => Ok(grant.stored),
            None => positions.position(source),
        }
    }

    /// Enters the lease; `None` when it was revoked, and then the record must not be published.
    #[must_use]
    pub fn enter(&self) -> Option<LeaseGuard> {
        let mut state = self.0.lock();
        if state.revoked {
            return None;
        }
        state.inside += 1;
        Some(LeaseGuard(Arc::clone(&self.0)))
    }

    /// Closes the lease and waits until everybody inside has left, at most until `deadline`.
    /// Returns whether it is empty.
    #[must_use]
    pub fn revoke(&self, deadline: Duration) -> bool {
        let end = Instant::now() + deadline;
        let mut state = self.0.lock();
        state.revoked = true;
        while state.inside > 0 {
            let Some(left) = end.checked_duration_since(Instant::now()) else { return false };
            state = self.0.left.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// Closes the lease without waiting: the partition is lost, somebody else may already own it.
    /// The pipeline does this too, when the store says that a batch does not join on; the source
    /// then takes the partition again under a new lease, from the position that is stored now.
    pub fn lose(&self) {
        self.0.lock().revoked = true;
    }

    /// Whether the lease was taken away.
    #[must_use]
    pub fn is_revoked(&self) -> bool {
        self.0.lock().revoked
    }
}

impl Inner {
    // The state is two plain values that are never left half changed, so a panic elsewhere while
    // the lock was held cannot have spoilt it.
    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for LeaseGuard {
    fn drop(&mut self) {
        self.0.lock().inside -= 1;
        self.0.left.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn revoking_waits_for_those_inside_and_keeps_others_out() {
        let lease = Lease::default();
        let guard = lease.enter().expect("open");
        assert!(!lease.revoke(Duration::from_millis(10)), "somebody is inside");
        assert!(lease.enter().is_none(), "closed at once");
        drop(guard);
        assert!(lease.revoke(Duration::from_millis(10)));
    }

    #[test]
    fn losing_does_not_wait() {
        let lease = Lease::default();
        let _guard = lease.enter().expect("open");
        lease.lose();
        assert!(lease.is_revoked());
    }
}
