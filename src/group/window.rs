//! The open complaints, in the order in which they were applied.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::sync::Arc;

use jiff::Timestamp;

use crate::model::{CallerKeys, ComplaintId, PlaceKind};
use crate::place::PlaceKeys;

use super::Company;
use super::grams::Gram;

/// A pair of syllables that an open complaint holds, with how it holds it, in three bytes: a complaint holds up
/// to 64 of them, which is most of what is kept of it. In the order of the pairs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Held([u8; 3]);

impl Held {
    /// Bits that say how: the damped count in 1/16, and above it whether the title holds the pair.
    pub(super) const HOW_BITS: u32 = 8;
    const TITLE: u8 = 1 << 7;

    pub(super) fn new(gram: &Gram) -> Self {
        let title = if gram.in_title { Self::TITLE } else { 0 };
        let [high, low] = gram.pair.to_be_bytes();
        Self([high, low, title | gram.tf.min(127)])
    }

    /// All of it in one number; see [`Held::from_bits`].
    pub(super) fn bits(self) -> u32 {
        u32::from_be_bytes([0, self.0[0], self.0[1], self.0[2]])
    }

    /// Back from [`Held::bits`].
    pub(super) fn from_bits(bits: u32) -> Self {
        let [_, high, low, how] = bits.to_be_bytes();
        Self([high, low, how])
    }

    /// The pair.
    #[inline]
    pub(super) fn pair(self) -> usize {
        usize::from(u16::from_be_bytes([self.0[0], self.0[1]]))
    }

    /// How it is held, in the low [`Held::HOW_BITS`]; never 0.
    #[inline]
    pub(super) fn how(self) -> u32 {
        u32::from(self.0[2])
    }

    /// The damped count, in 1/16, of how a pair is held; 0 of 0.
    #[inline]
    pub(super) fn tf_of(how: u32) -> u64 {
        u64::from(how & u32::from(Self::TITLE - 1))
    }

    /// 1 if the title holds it.
    #[inline]
    pub(super) fn title_of(how: u32) -> u64 {
        u64::from(how >> 7 & 1)
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
    /// Its pairs of syllables, ascending.
    pub(super) pairs: Box<[Held]>,
    /// What it is found by in the index, ascending.
    pub(super) keys: Box<[u32]>,
    /// Its places, to compare it with others and to say where a group is.
    pub place_keys: PlaceKeys,
    /// A hash of its category path.
    pub(super) category: Option<NonZeroU32>,
    /// Whom it accuses.
    pub company: Option<Arc<Company>>,
    /// The group it is in.
    pub(super) group: Option<u32>,
    /// Its title, or the beginning of its text.
    pub headline: Box<str>,
}

/// The places that a complaint names first are those it is about.
const NAMED_PLACES: usize = 4;

impl Open {
    /// The places that it is about.
    pub fn named_places(&self) -> impl Iterator<Item = (PlaceKind, &str)> {
        self.place_keys.names().take(NAMED_PLACES)
    }
}

/// Open complaints by sequence number. Numbers of complaints that were updated are empty.
#[derive(Debug, Default)]
pub(super) struct Window {
    first: u64,
    /// Below this number nobody is alone any more.
    settled: u64,
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

    /// Takes the oldest that is alone out if it was applied before `clock`.
    pub(super) fn pop_alone_before(&mut self, clock: Timestamp) -> Option<Box<Open>> {
        self.settled = self.settled.max(self.first);
        loop {
            let slot = self.open.get_mut((self.settled - self.first) as usize)?;
            if slot.as_ref().is_some_and(|open| open.clock >= clock) {
                return None;
            }
            self.settled += 1;
            if let Some(alone) = slot.take_if(|open| open.group.is_none()) {
                return Some(alone);
            }
        }
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
