//! The open complaints, in the order in which they were applied.

use std::collections::VecDeque;

use jiff::Timestamp;

use crate::model::{CallerKeys, ComplaintId};
use crate::place::PlaceKeys;

/// A term that an open complaint holds: its number and its damped count, in one word of memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Held(u32);

impl Held {
    /// Bits in which the damped count is kept.
    pub(super) const TF_BITS: u32 = 6;
    /// Numbers of terms are below this.
    pub(super) const NUMBERS: u32 = 1 << (32 - Self::TF_BITS);

    /// `tf` is kept to within 4/32.
    pub(super) fn new(number: u32, tf: u8) -> Self {
        debug_assert!(number < Self::NUMBERS);
        Self(number << Self::TF_BITS | u32::from(tf >> 2))
    }

    /// The term.
    #[inline]
    pub(super) fn number(self) -> u32 {
        self.0 >> Self::TF_BITS
    }

    /// Its damped count, in 1/32.
    #[inline]
    pub(super) fn tf(self) -> u32 {
        Self::tf_of(self.0)
    }

    /// Its damped count as it is kept, in the low [`Held::TF_BITS`].
    #[inline]
    pub(super) fn small_tf(self) -> u32 {
        self.0 & ((1 << Self::TF_BITS) - 1)
    }

    /// The damped count, in 1/32, that the low bits hold.
    #[inline]
    pub(super) fn tf_of(bits: u32) -> u32 {
        (bits & ((1 << Self::TF_BITS) - 1)) << 2
    }
}

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
    pub(super) terms: Box<[Held]>,
    /// Its places, to compare it with others and to say where a group is.
    pub place_keys: PlaceKeys,
    /// Numbers of its site names in the index.
    pub(super) sites: Box<[u32]>,
    /// The group it is in.
    pub(super) group: Option<u32>,
    /// Its title, or the beginning of its text.
    pub headline: Box<str>,
}

impl Open {
    /// Everything it is found by in the index: its terms and its sites.
    pub(super) fn numbers(&self) -> impl Iterator<Item = u32> + '_ {
        self.terms.iter().map(|held| held.number()).chain(self.sites.iter().copied())
    }
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
