//! Handing other rules to a pipeline that runs.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::engine::Preparer;

/// A place for a preparer that the pipeline takes over at its next batch border. Cheap to clone;
/// all clones are one.
#[derive(Debug, Clone, Default)]
pub struct Renewal(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    offered: Option<Preparer>,
    /// Offers the pipeline has not finished with.
    waiting: bool,
}

impl Renewal {
    /// Offers a preparer, in place of one that was offered and not taken yet.
    pub fn offer(&self, preparer: Preparer) {
        *self.state() = State { offered: Some(preparer), waiting: true };
    }

    /// Whether what was offered is not in use yet.
    pub fn is_waiting(&self) -> bool {
        self.state().waiting
    }

    pub(super) fn offered(&self) -> Option<Preparer> {
        self.state().offered.take()
    }

    /// What was taken is in use. Something newer may have been offered in the meantime.
    pub(super) fn taken(&self) {
        let mut state = self.state();
        state.waiting = state.offered.is_some();
    }

    // Two plain values that are never left half changed.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
