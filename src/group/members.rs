//! A group: its members, and what is counted of them.

use std::collections::{BTreeMap, VecDeque};

use jiff::{SignedDuration, Timestamp};

use crate::model::{CallerKeys, ComplaintId, GroupId, MemberEvidence};

use super::People;

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
    pub(super) evidence: VecDeque<(u64, ComplaintId, MemberEvidence)>,
    counted: BTreeMap<(Timestamp, u64), bool>,
    anonymous: u32,
    people: People,
    window: SignedDuration,
}

/// What is counted of a group within its window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
            counted: BTreeMap::new(),
            anonymous: 0,
            people: People::default(),
            window,
        }
    }

    /// Adds a member. The window ends at the latest event time seen.
    pub(super) fn add(&mut self, seq: u64, at: Timestamp, callers: &CallerKeys) {
        let place = self.members.partition_point(|&other| other < seq);
        self.members.insert(place, seq);
        let last = self.counted.last_key_value().map_or(at, |((last, _), _)| at.max(*last));
        let since = last.saturating_sub(self.window).unwrap_or(Timestamp::MIN);
        if at < since {
            // Too late to be counted now: a member all the same.
            return;
        }
        self.counted.insert((at, seq), callers.is_empty());
        self.anonymous += u32::from(callers.is_empty());
        self.people.call(at, callers);
        while let Some(entry) = self.counted.first_entry()
            && entry.key().0 < since
        {
            self.anonymous -= u32::from(entry.remove());
        }
        self.people.forget_before(since);
    }

    /// Keeps why a member is in.
    pub(super) fn keep_evidence(&mut self, seq: u64, id: ComplaintId, evidence: MemberEvidence) {
        if self.evidence.len() == MAX_EVIDENCE {
            self.evidence.pop_front();
        }
        self.evidence.push_back((seq, id, evidence));
    }

    /// Takes a member out and counts the others again. `rest` gives time and callers of a member.
    pub(super) fn remove<'a>(&mut self, seq: u64, rest: impl Fn(u64) -> Option<(Timestamp, &'a CallerKeys)>) {
        let mut fresh = Self::new(self.id.clone(), self.window);
        fresh.evidence = std::mem::take(&mut self.evidence);
        fresh.evidence.retain(|(other, ..)| *other != seq);
        for &member in self.members.iter().filter(|&&member| member != seq) {
            if let Some((at, callers)) = rest(member) {
                fresh.add(member, at, callers);
            }
        }
        *self = fresh;
    }

    /// The oldest member has left the open window; what was counted stays until its own window
    /// has passed.
    pub(super) fn expire(&mut self, seq: u64) {
        if let Ok(at) = self.members.binary_search(&seq) {
            self.members.remove(at);
        }
        self.evidence.retain(|(other, ..)| *other != seq);
    }

    /// The counts.
    pub fn tally(&self) -> Option<Tally> {
        let ((first_at, _), _) = self.counted.first_key_value()?;
        let ((last_at, _), _) = self.counted.last_key_value()?;
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

    /// Sequence numbers of the open members, ascending.
    pub fn members(&self) -> impl DoubleEndedIterator<Item = u64> + ExactSizeIterator {
        self.members.iter().copied()
    }

    /// Why the newest members are in, oldest first.
    pub fn evidence(&self) -> impl Iterator<Item = (&ComplaintId, &MemberEvidence)> {
        self.evidence.iter().map(|(_, id, evidence)| (id, evidence))
    }
}
