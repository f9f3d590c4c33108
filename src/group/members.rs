//! A group: its members, and what is counted of them.

use std::collections::VecDeque;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::model::{CallerKeys, ComplaintId, GroupId, MemberEvidence};

use super::People;
use super::evidence::Packed;

/// The evidence of this many newest members is kept for the alert.
pub const MAX_EVIDENCE: usize = 20;

/// Complaints about one matter at one place.
#[derive(Debug, Clone)]
pub struct Group {
    /// Its id.
    pub id: GroupId,
    /// Sequence numbers of its open members, ascending.
    pub(super) members: VecDeque<u64>,
    /// Why the newest members are in. The first member has no evidence: it was there first.
    pub(super) evidence: VecDeque<(u64, ComplaintId, Box<Packed>)>,
    /// Those within the window, ordered.
    counted: VecDeque<(Timestamp, Counted)>,
    anonymous: u32,
    people: People,
    window: SignedDuration,
    stale: bool,
}

/// The number of a member that is counted, and in the lowest bit whether it names no caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Counted(u64);

impl Counted {
    fn new(seq: u64, is_anonymous: bool) -> Self {
        Self(seq << 1 | u64::from(is_anonymous))
    }

    fn is_anonymous(self) -> bool {
        self.0 & 1 == 1
    }
}

/// What is counted of a group within its window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Distinct callers.
    pub callers: u32,
    /// Complaints, repeats included.
    pub complaints: u32,
    /// Complaints that name no caller.
    pub anonymous: u32,
    /// Event time of the first and the last complaint counted.
    pub first_at: Timestamp,
    /// See `first_at`.
    pub last_at: Timestamp,
}

impl Group {
    pub(super) fn new(id: GroupId, window: SignedDuration) -> Self {
        Self {
            id,
            members: VecDeque::new(),
            evidence: VecDeque::new(),
            counted: VecDeque::new(),
            anonymous: 0,
            people: People::default(),
            window,
            stale: false,
        }
    }

    /// Adds a member. The window ends at the latest event time seen.
    pub(super) fn add(&mut self, seq: u64, at: Timestamp, callers: &CallerKeys) {
        let place = self.members.partition_point(|&other| other < seq);
        self.members.insert(place, seq);
        let last = self.counted.back().map_or(at, |(last, _)| at.max(*last));
        let since = last.saturating_sub(self.window).unwrap_or(Timestamp::MIN);
        if at < since {
            // Too late to be counted now: a member all the same.
            return;
        }
        let counted = (at, Counted::new(seq, callers.is_empty()));
        let place = self.counted.partition_point(|other| *other < counted);
        self.counted.insert(place, counted);
        self.anonymous += u32::from(callers.is_empty());
        self.people.call(at, callers);
        while let Some((_, gone)) = self.counted.pop_front_if(|(at, _)| *at < since) {
            self.anonymous -= u32::from(gone.is_anonymous());
        }
        self.people.forget_before(since);
    }

    /// Keeps why a member is in.
    pub(super) fn keep_evidence(&mut self, seq: u64, id: ComplaintId, evidence: &MemberEvidence) {
        if self.evidence.len() == MAX_EVIDENCE {
            self.evidence.pop_front();
        }
        self.evidence.push_back((seq, id, Box::new(Packed::new(evidence))));
    }

    /// Takes the members of another group over; all have to be counted again.
    pub(super) fn absorb(&mut self, other: Self) {
        self.members.extend(other.members);
        self.members.make_contiguous().sort_unstable();
        self.evidence.extend(other.evidence);
        self.evidence.make_contiguous().sort_unstable_by_key(|(seq, ..)| *seq);
        let surplus = self.evidence.len().saturating_sub(MAX_EVIDENCE);
        self.evidence.drain(..surplus);
        self.stale = true;
    }

    /// Takes a member out; the others have to be counted again.
    pub(super) fn remove(&mut self, seq: u64) {
        self.members.retain(|&member| member != seq);
        self.evidence.retain(|(other, ..)| *other != seq);
        self.stale = true;
    }

    /// Counts the members again. `rest` gives time and callers of a member.
    pub(super) fn recount<'a>(&mut self, rest: impl Fn(u64) -> Option<(Timestamp, &'a CallerKeys)>) {
        let mut fresh = Self::new(self.id.clone(), self.window);
        fresh.evidence = std::mem::take(&mut self.evidence);
        for &member in &self.members {
            if let Some((at, callers)) = rest(member) {
                fresh.add(member, at, callers);
            }
        }
        *self = fresh;
    }

    /// A member has left the open window. If it still counted, what was counted is counted again
    /// from the members that stay, before it is next looked at: so the state depends on open
    /// complaints only, and a long quiet group costs nothing.
    pub(super) fn expire(&mut self, seq: u64, at: Timestamp, callers: &CallerKeys) {
        if let Ok(place) = self.members.binary_search(&seq) {
            self.members.remove(place);
        }
        self.evidence.retain(|(other, ..)| *other != seq);
        // A call that linked two numbers goes on linking them while it is open.
        let is_counted = self.counted.binary_search(&(at, Counted::new(seq, callers.is_empty()))).is_ok();
        self.stale |= is_counted || callers.len() > 1;
    }

    /// Whether the counts have to be made again before they are used.
    pub(super) fn is_stale(&self) -> bool {
        self.stale
    }

    /// The counts.
    pub fn tally(&self) -> Option<Tally> {
        debug_assert!(!self.stale, "recounted before it is looked at");
        let ((first_at, _), (last_at, _)) = (self.counted.front()?, self.counted.back()?);
        Some(Tally {
            callers: self.people.count(),
            complaints: self.counted.len() as u32,
            anonymous: self.anonymous,
            first_at: *first_at,
            last_at: *last_at,
        })
    }

    /// Distinct callers whose last call is later than `moment`.
    pub fn callers_after(&self, moment: Timestamp) -> u32 {
        self.people.count_after(moment)
    }

    /// Whether a complaint is a member that is open.
    pub(super) fn is_member(&self, seq: u64) -> bool {
        self.members.binary_search(&seq).is_ok()
    }

    /// Sequence numbers of the open members, ascending.
    pub fn members(&self) -> impl DoubleEndedIterator<Item = u64> + ExactSizeIterator {
        self.members.iter().copied()
    }

    /// Why the newest members are in, oldest first.
    pub fn evidence(&self) -> impl Iterator<Item = (&ComplaintId, Arc<MemberEvidence>)> {
        self.evidence.iter().map(|(_, id, evidence)| (id, evidence.unpack()))
    }

    /// The terms that put the newest members in, with their shares of each likeness.
    pub fn shared_terms(&self) -> impl Iterator<Item = (&str, f32)> {
        self.evidence.iter().flat_map(|(_, _, evidence)| evidence.terms())
    }
}
