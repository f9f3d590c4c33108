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
        make_room(&mut self.members);
        self.members.insert(place, seq);
        let last = self.counted.back().map_or(at, |(last, _)| at.max(*last));
        let since = last.saturating_sub(self.window).unwrap_or(Timestamp::MIN);
        if at < since {
            // Too late to be counted now: a member all the same.
            return;
        }
        let counted = (at, Counted::new(seq, callers.is_empty()));
        let place = self.counted.partition_point(|other| *other < counted);
        make_room(&mut self.counted);
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
        make_room(&mut self.evidence);
        self.evidence.push_back((seq, id, Box::new(Packed::new(evidence))));
    }

    /// Takes the members of another group over. `rest` gives time and callers of a member.
    ///
    /// Where every member of both still counts, the order of counting does not matter, and the fewer are
    /// added to the many. Otherwise all are counted again before they are next looked at.
    pub(super) fn absorb<'a>(
        &mut self,
        mut other: Self,
        rest: impl Fn(u64) -> Option<(Timestamp, &'a CallerKeys)>,
    ) {
        let commutes = self.counts_all() && other.counts_all() && {
            let ends = [&self.counted, &other.counted].map(|counted| (counted.front(), counted.back()));
            let first = ends.iter().filter_map(|(first, _)| *first).map(|(at, _)| *at).min();
            let last = ends.iter().filter_map(|(_, last)| *last).map(|(at, _)| *at).max();
            last.and_then(|last| last.checked_sub(self.window).ok()) <= first
        };
        if other.members.len() > self.members.len() {
            std::mem::swap(&mut self.id, &mut other.id);
            std::mem::swap(self, &mut other);
        }
        if commutes {
            for seq in &other.members {
                if let Some((at, callers)) = rest(*seq) {
                    self.add(*seq, at, callers);
                }
            }
        } else {
            self.members.extend(other.members);
            self.members.make_contiguous().sort_unstable();
            self.stale = true;
        }
        self.evidence.extend(other.evidence);
        self.evidence.make_contiguous().sort_unstable_by_key(|(seq, ..)| *seq);
        let surplus = self.evidence.len().saturating_sub(MAX_EVIDENCE);
        self.evidence.drain(..surplus);
    }

    fn counts_all(&self) -> bool {
        !self.stale && self.counted.len() == self.members.len()
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

    /// A member has left the open window. If it still counted, it is taken back where that is sure to give
    /// what counting the others again would; else they are counted again before the group is next looked at.
    /// So the counts depend on open complaints only, and neither a long quiet group nor one of a hundred
    /// thousand costs much.
    pub(super) fn expire(&mut self, seq: u64, at: Timestamp, callers: &CallerKeys) {
        if let Ok(place) = self.members.binary_search(&seq) {
            self.members.remove(place);
        }
        self.evidence.retain(|(other, ..)| *other != seq);
        let counted = Counted::new(seq, callers.is_empty());
        let Ok(place) = self.counted.binary_search(&(at, counted)) else {
            // A call that linked two numbers goes on linking them while it is open.
            self.stale |= callers.len() > 1 && !self.people.take_back(at, callers);
            return;
        };
        let is_alone_then = self.counted.get(place + 1).is_none_or(|(next, _)| *next != at);
        if !self.stale && place == 0 && is_alone_then && self.people.take_back(at, callers) {
            self.counted.pop_front();
            self.anonymous -= u32::from(counted.is_anonymous());
        } else {
            self.stale = true;
        }
    }

    /// Whether the counts have to be made again before they are used.
    pub(super) fn is_stale(&self) -> bool {
        self.stale
    }

    /// The counts of the longest window.
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

    /// The counts of a window of this length, up to the latest complaint.
    pub fn tally_within(&self, window: SignedDuration) -> Option<Tally> {
        let whole = self.tally()?;
        let since = whole.last_at.saturating_sub(window).unwrap_or(Timestamp::MIN);
        if since <= whole.first_at {
            return Some(whole);
        }
        let within = self.counted.range(self.counted.partition_point(|(at, _)| *at < since)..);
        Some(Tally {
            callers: self.people.count_from(since),
            complaints: within.len() as u32,
            anonymous: within.clone().filter(|(_, counted)| counted.is_anonymous()).count() as u32,
            first_at: within.clone().next()?.0,
            last_at: whole.last_at,
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

/// Makes room for one more. Most groups are small, and there are many: doubling would leave a third empty.
pub(super) fn make_room<T>(list: &mut VecDeque<T>) {
    if list.len() == list.capacity() {
        list.reserve_exact(list.len() / 4 + 1);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::CallerKey;

    proptest! {
        #[test]
        fn a_shorter_window_counts_as_if_it_were_the_only_one(
            calls in prop::collection::vec((0_i64..60, prop::option::of(0_u64..8)), 1..40),
            days in 1_i64..30,
        ) {
            let day = |days: i64| SignedDuration::from_hours(24 * days);
            let at = |days: i64| Timestamp::UNIX_EPOCH + day(days);
            let (mut long, mut short) = (Group::new("a".into(), day(30)), Group::new("a".into(), day(days)));
            for ((called, caller), seq) in calls.iter().zip(0..) {
                let callers: CallerKeys = caller.iter().map(|key| CallerKey(*key)).collect();
                long.add(seq, at(*called), &callers);
                short.add(seq, at(*called), &callers);
            }
            prop_assert_eq!(long.tally_within(day(days)), short.tally());
        }

        #[test]
        fn what_leaves_counts_as_if_it_had_never_been(
            calls in prop::collection::vec((-3_i64..4, prop::collection::vec(0_u64..6, 0..3)), 1..40),
            gone in 0_u64..40,
            window in 5_i64..60,
            moment in 0_i64..60,
        ) {
            let at = |day: i64| Timestamp::from_second(day * 86_400).unwrap();
            let calls: Vec<(Timestamp, CallerKeys)> = (0..)
                .zip(calls)
                .map(|(day, (late, keys))| (at(day + late), keys.into_iter().map(CallerKey).collect()))
                .collect();
            let rest = |seq: u64| calls.get(seq as usize).map(|(at, callers)| (*at, callers));
            let new = || Group::new("a".into(), SignedDuration::from_hours(24 * window));
            let (mut left, mut fresh) = (new(), new());
            for ((at, callers), seq) in calls.iter().zip(0..) {
                left.add(seq, *at, callers);
                if seq >= gone {
                    fresh.add(seq, *at, callers);
                }
            }
            for ((at, callers), seq) in calls.iter().zip(0..gone) {
                left.expire(seq, *at, callers);
            }
            if left.is_stale() {
                left.recount(rest);
            }
            prop_assert_eq!(left.tally(), fresh.tally());
            prop_assert_eq!(left.callers_after(at(moment)), fresh.callers_after(at(moment)));
        }

        #[test]
        fn a_group_that_took_another_over_counts_as_if_it_had_always_been_one(
            calls in prop::collection::vec(
                (0_i64..60, prop::collection::vec(0_u64..8, 0..3), any::<bool>()), 1..40),
            moment in 0_i64..60,
        ) {
            let at = |day: i64| Timestamp::from_second(day * 86_400).unwrap();
            let calls: Vec<(Timestamp, CallerKeys, bool)> = calls
                .into_iter()
                .map(|(day, keys, first)| (at(day), keys.into_iter().map(CallerKey).collect(), first))
                .collect();
            let rest = |seq: u64| calls.get(seq as usize).map(|(at, callers, _)| (*at, callers));
            let group = |id: &str| Group::new(id.into(), SignedDuration::from_hours(24 * 30));
            let (mut one, mut into, mut old) = (group("one"), group("into"), group("old"));
            for ((at, callers, first), seq) in calls.iter().zip(0..) {
                one.add(seq, *at, callers);
                if *first { &mut into } else { &mut old }.add(seq, *at, callers);
            }
            into.absorb(old, rest);
            if into.is_stale() {
                into.recount(rest);
            }
            prop_assert_eq!(into.id.as_str(), "into");
            prop_assert_eq!(into.tally(), one.tally());
            prop_assert_eq!(into.callers_after(at(moment)), one.callers_after(at(moment)));
            prop_assert!(into.members().eq(one.members()));
        }
    }
}
