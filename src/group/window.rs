//! The open complaints, in the order in which they were applied.

use std::collections::VecDeque;
use std::sync::Arc;

use jiff::Timestamp;

use crate::model::{CallerKeys, ComplaintId, PlaceKind, PlaceMention};
use crate::place::PlaceKeys;

/// So many places of a complaint are kept by name.
const KEPT_PLACES: usize = 4;

/// What is kept of a complaint while others may still join it. Compact: a million of these fit.
#[derive(Debug, Clone, PartialEq)]
pub struct Open {
    /// Its number in the order of applying.
    pub seq: u64,
    /// Its id.
    pub id: ComplaintId,
    /// Event time.
    pub at: Timestamp,
    /// The engine's clock when it was applied; monotone in `seq`.
    pub clock: Timestamp,
    /// Who called.
    pub callers: CallerKeys,
    /// Its terms by number, ascending, with their damped counts.
    pub(super) terms: Box<[(u32, u8)]>,
    /// The first places it names, to say where a group is.
    pub places: Box<[(PlaceKind, Box<str>)]>,
    /// Its places, to compare it with others.
    pub(super) place_keys: PlaceKeys,
    /// Numbers of its site names in the index.
    pub(super) sites: Box<[u32]>,
    /// The group it is in.
    pub(super) group: Option<u32>,
    /// Its title, or the beginning of its text.
    pub headline: Box<str>,
    /// Its category path.
    pub category: Option<Arc<[String]>>,
}

/// What is kept of the places of a complaint for naming its group.
pub(super) fn named(places: &[PlaceMention]) -> Box<[(PlaceKind, Box<str>)]> {
    places.iter().take(KEPT_PLACES).map(|place| (place.kind, place.name.clone())).collect()
}

/// Open complaints by sequence number. Numbers of complaints that were updated are empty.
#[derive(Debug, Default)]
pub(super) struct Window {
    first: u64,
    open: VecDeque<Option<Box<Open>>>,
}

impl Window {
    /// Adds a complaint; its number must be above all others.
    pub(super) fn push(&mut self, complaint: Open) {
        let seq = complaint.seq;
        if self.open.is_empty() {
            self.first = seq;
        }
        // Numbers between were updated or belong to complaints that were not restored.
        while self.first + (self.open.len() as u64) < seq {
            self.open.push_back(None);
        }
        debug_assert_eq!(self.first + self.open.len() as u64, seq, "numbers rise");
        self.open.push_back(Some(Box::new(complaint)));
    }

    pub(super) fn get(&self, seq: u64) -> Option<&Open> {
        let at = usize::try_from(seq.checked_sub(self.first)?).ok()?;
        self.open.get(at)?.as_deref()
    }

    pub(super) fn get_mut(&mut self, seq: u64) -> Option<&mut Open> {
        let at = usize::try_from(seq.checked_sub(self.first)?).ok()?;
        self.open.get_mut(at)?.as_deref_mut()
    }

    /// All open complaints, oldest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Open> {
        self.open.iter().flatten().map(|open| &**open)
    }

    /// Takes one complaint out, leaving its number empty.
    pub(super) fn take(&mut self, seq: u64) -> Option<Box<Open>> {
        let at = usize::try_from(seq.checked_sub(self.first)?).ok()?;
        self.open.get_mut(at)?.take()
    }

    /// Takes the oldest out if it was applied before `clock`.
    pub(super) fn pop_before(&mut self, clock: Timestamp) -> Option<Box<Open>> {
        loop {
            match self.open.front()? {
                Some(complaint) if complaint.clock >= clock => return None,
                _ => {
                    self.first += 1;
                    if let Some(complaint) = self.open.pop_front()? {
                        return Some(complaint);
                    }
                }
            }
        }
    }
}
