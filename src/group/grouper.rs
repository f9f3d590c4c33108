//! Assigning complaints to groups, one at a time.

use std::hash::BuildHasher as _;
use std::sync::Arc;

use hashbrown::HashTable;
use jiff::{SignedDuration, Timestamp};
use rustc_hash::{FxBuildHasher, FxHashMap};

use crate::model::{CallerKeys, ComplaintId, GroupDecision, GroupId, MemberEvidence, PlaceMention};
use crate::place::PlaceNames;

use super::admission;
use super::candidates::{self, Choice};
use super::lexicon::Lexicon;
use super::members::Group;
use super::posting::Postings;
use super::window::{Open, Window};
use super::{Grams, GroupConfig, Reading, Tally, identity};

/// A complaint that asks where it belongs.
#[derive(Debug, Clone)]
pub struct Candidate<'a> {
    /// Its number in the order of applying; above all earlier ones.
    pub seq: u64,
    /// Its id.
    pub id: &'a ComplaintId,
    /// The engine's clock, including this complaint.
    pub clock: Timestamp,
    /// Who called.
    pub callers: &'a CallerKeys,
    /// Its words.
    pub grams: &'a Grams,
    /// The places it names.
    pub places: &'a [PlaceMention],
    /// The open complaint that it goes on from, by number, when the hotline says so: it belongs where that is.
    pub earlier: Option<u64>,
    /// Its title and text, of which its words are a part.
    pub said: (&'a str, &'a str),
}

/// A stored complaint that is put back.
#[derive(Debug)]
pub struct Restored<'a> {
    /// Its number in the order of applying; above all earlier ones.
    pub seq: u64,
    /// Its id.
    pub id: &'a ComplaintId,
    /// The engine's clock when it was applied.
    pub clock: Timestamp,
    /// Who called.
    pub callers: &'a CallerKeys,
    /// What was read in it.
    pub reading: Reading,
    /// The group it is in now.
    pub group: Option<&'a GroupId>,
    /// Why it was put there.
    pub evidence: Option<&'a MemberEvidence>,
}

/// Where a complaint was put.
#[derive(Debug, Clone, PartialEq)]
pub struct Assigned {
    /// The group and why, and what it was kept apart from.
    pub decision: GroupDecision,
    /// Complaints that were alone until now and come into the group with this one: the one with which it
    /// was founded, and others that are like both.
    pub drawn: Vec<ComplaintId>,
    /// Other groups that it has shown to be about the same as its own: [`Grouper::merge`] them.
    pub alike: Vec<GroupId>,
}

/// The open complaints and their groups.
pub struct Grouper {
    config: Arc<GroupConfig>,
    pub(super) lexicon: Lexicon,
    pub(super) postings: Postings,
    pub(super) window: Window,
    pub(super) groups: Vec<Option<Group>>,
    free: Vec<u32>,
    by_id: FxHashMap<GroupId, u32>,
    /// Numbers of the open complaints by the hash of their ids; the ids themselves are in the window.
    by_complaint: HashTable<u64>,
    pub(super) scratch: candidates::Scratch,
    place_names: PlaceNames,
}

impl Grouper {
    /// Nothing open yet.
    pub fn new(config: Arc<GroupConfig>) -> Self {
        Self {
            config,
            lexicon: Lexicon::new(),
            postings: Postings::default(),
            window: Window::default(),
            groups: Vec::new(),
            free: Vec::new(),
            by_id: FxHashMap::default(),
            by_complaint: HashTable::new(),
            scratch: candidates::Scratch::default(),
            place_names: PlaceNames::default(),
        }
    }

    /// The settings.
    pub fn config(&self) -> &GroupConfig {
        &self.config
    }

    /// How many complaints are open.
    pub fn open_complaints(&self) -> u32 {
        self.lexicon.documents()
    }

    /// How many distinct pairs of syllables the open complaints hold.
    pub fn open_terms(&self) -> usize {
        self.lexicon.pairs()
    }

    /// How many groups have open members.
    pub fn open_groups(&self) -> usize {
        self.by_id.len()
    }

    /// Puts a complaint into the group it belongs to, founds one with another complaint, or leaves
    /// it alone.
    pub fn assign(&mut self, candidate: &Candidate<'_>, reading: Reading) -> Assigned {
        let Candidate { seq, id, clock, callers, .. } = *candidate;
        let mut open = self.open(seq, id, clock, callers, reading);
        let choice = candidates::choose(self, candidate, &open);
        let Choice { mut joined, also, mut bridged, mut kept_apart } = choice;
        if let Some((seq, evidence)) = candidates::continues(self, candidate, &open) {
            let group_of = |seq: u64| self.window.get(seq).and_then(|open| open.group);
            // Where its words alone would have put it may be about the same.
            let by_words = joined.take().and_then(|(near, _)| group_of(near));
            bridged.extend(by_words);
            bridged.retain(|group| Some(*group) != group_of(seq));
            kept_apart.retain(|apart| apart.nearest != evidence.nearest);
            joined = Some((seq, evidence));
        }
        let mut decision = GroupDecision { kept_apart, ..GroupDecision::default() };
        let mut drawn = Vec::new();
        if let Some((nearest, evidence)) = joined {
            let number = if let Some(number) = self.window.get(nearest).and_then(|open| open.group) {
                number
            } else {
                drawn.push(evidence.nearest.clone());
                let id = identity::group_id(&evidence.nearest, candidate.id, open.at);
                let number = self.group_number(&id);
                self.join(nearest, number);
                number
            };
            for (seq, margin) in also {
                if admission::draws(self, seq, margin, number)
                    && let Some(alone) = self.window.get(seq)
                {
                    drawn.push(alone.id.clone());
                    self.join(seq, number);
                }
            }
            open.group = Some(number);
            if let Some(group) = &mut self.groups[number as usize] {
                group.keep_evidence(candidate.seq, candidate.id.clone(), &evidence);
                decision.group = Some(group.id.clone());
            }
            decision.evidence = Some(Arc::new(evidence));
        }
        let own = open.group;
        self.insert(open);
        let id = |grouper: &Self, number: u32| Some(grouper.groups[number as usize].as_ref()?.id.clone());
        let alike = own.map_or_else(Vec::new, |own| {
            let alike = bridged.into_iter().filter(|other| admission::belong_together(self, own, *other));
            alike.collect::<Vec<u32>>()
        });
        let alike = alike.into_iter().filter_map(|number| id(self, number)).collect();
        Assigned { decision, drawn, alike }
    }

    /// Puts all members of one group into another, which goes on.
    pub fn merge(&mut self, old: &GroupId, into: &GroupId) {
        let (Some(&from), Some(&to)) = (self.by_id.get(old), self.by_id.get(into)) else { return };
        if from == to {
            return;
        }
        let Some(gone) = self.groups[from as usize].take() else { return };
        self.by_id.remove(old);
        self.free.push(from);
        for seq in gone.members() {
            if let Some(open) = self.window.get_mut(seq) {
                open.group = Some(to);
            }
        }
        let Self { groups, window, .. } = self;
        if let Some(group) = &mut groups[to as usize] {
            group.absorb(gone, |seq| window.get(seq).map(|open| (open.at, &open.callers)));
        }
    }

    /// Puts a stored complaint back with the decision that was made about it. Complaints come in
    /// the order of their numbers.
    pub fn restore(&mut self, restored: Restored<'_>) {
        let Restored { seq, id, clock, callers, reading, group, evidence } = restored;
        let mut open = self.open(seq, id, clock, callers, reading);
        if let Some(group) = group {
            let number = self.group_number(group);
            open.group = Some(number);
            if let (Some(evidence), Some(group)) = (evidence, &mut self.groups[number as usize]) {
                group.keep_evidence(seq, id.clone(), evidence);
            }
        }
        self.insert(open);
    }

    /// Takes a complaint out because a new version of it has come. Returns whether it was open, and
    /// the group it left.
    pub fn withdraw(&mut self, id: &ComplaintId) -> Option<Option<GroupId>> {
        let seq = self.number(id)?;
        let open = self.window.take(seq)?;
        self.unlist(&open);
        let left =
            open.group.and_then(|number| self.groups[number as usize].as_ref()).map(|group| group.id.clone());
        if let Some(group) = open.group.and_then(|number| self.groups[number as usize].as_mut()) {
            group.remove(seq);
        }
        self.forget(&open);
        Some(left)
    }

    /// Closes complaints that were applied so long ago that nothing may join them any more; those that are
    /// alone sooner. Returns the groups that have no open member left.
    pub fn expire(&mut self, clock: Timestamp) -> Vec<GroupId> {
        let mut gone = Vec::new();
        let since = self.config.open_since(clock);
        while let Some(alone) = self.window.pop_alone_before(since.alone) {
            self.unlist(&alone);
            self.forget(&alone);
        }
        while let Some(open) = self.window.pop_before(since.grouped) {
            self.unlist(&open);
            if let Some(group) = open.group.and_then(|number| self.groups[number as usize].as_mut()) {
                group.expire(open.seq, open.at, &open.callers);
            }
            gone.extend(self.forget(&open));
        }
        gone
    }

    /// A group with open members, its counts up to date.
    pub fn group(&mut self, id: &GroupId) -> Option<&Group> {
        let number = *self.by_id.get(id)?;
        self.recount(number);
        self.groups[number as usize].as_ref()
    }

    /// A group with open members as it stands; its counts are right after [`Grouper::group`].
    pub fn peek(&self, id: &GroupId) -> Option<&Group> {
        self.groups[*self.by_id.get(id)? as usize].as_ref()
    }

    /// The state in words that do not depend on how terms and groups happen to be numbered.
    pub fn describe(&mut self) -> String {
        use std::fmt::Write as _;
        let mut ids: Vec<GroupId> = self.by_id.keys().cloned().collect();
        ids.sort_unstable();
        let mut out = format!("{} open\n", self.open_complaints());
        for id in ids {
            let members: Vec<u64> = self.peek(&id).map(|group| group.members().collect()).unwrap_or_default();
            let _ = writeln!(out, "{id} {members:?} {:?}", self.tally(&id));
        }
        for open in self.window.iter() {
            let near: usize = open.keys.iter().map(|key| self.postings.count(*key)).sum();
            let rare: u64 = open.pairs.iter().map(|held| u64::from(self.lexicon.idf(held.pair()))).sum();
            let _ = writeln!(out, "{} {} {near} {rare} {:?}", open.seq, open.id, open.clock);
        }
        out
    }

    /// The counts of a group.
    pub fn tally(&mut self, id: &GroupId) -> Option<Tally> {
        self.group(id)?.tally()
    }

    /// An open complaint by its number.
    pub fn complaint(&self, seq: u64) -> Option<&Open> {
        self.window.get(seq)
    }

    /// The open complaint with this id.
    pub fn find(&self, id: &ComplaintId) -> Option<&Open> {
        self.window.get(self.number(id)?)
    }

    fn number(&self, id: &ComplaintId) -> Option<u64> {
        let is_it = |seq: &u64| self.window.get(*seq).is_some_and(|open| open.id == *id);
        self.by_complaint.find(FxBuildHasher.hash_one(id), is_it).copied()
    }

    /// Forgets by which id a complaint is found that has left the window.
    fn unlist(&mut self, open: &Open) {
        let listed = self.by_complaint.find_entry(FxBuildHasher.hash_one(&open.id), |seq| *seq == open.seq);
        if let Ok(listed) = listed {
            listed.remove();
        }
    }

    /// The group's member that is most like the other newest ones (the medoid).
    pub fn central(&self, group: &Group) -> Option<&Open> {
        candidates::medoid(self, group)
    }

    fn open(
        &mut self,
        seq: u64,
        id: &ComplaintId,
        clock: Timestamp,
        callers: &CallerKeys,
        reading: Reading,
    ) -> Open {
        let Reading { at, pairs, keys, mut place_keys, category, company, headline } = reading;
        self.place_names.share(&mut place_keys);
        let (id, callers) = (id.clone(), callers.clone());
        Open {
            seq,
            id,
            at,
            clock,
            callers,
            pairs,
            keys,
            place_keys,
            category,
            company,
            group: None,
            headline,
        }
    }

    fn insert(&mut self, open: Open) {
        let seq = open.seq;
        self.lexicon.hold(&open.pairs);
        for key in &open.keys {
            self.postings.add(*key, seq);
        }
        let hash = FxBuildHasher.hash_one(&open.id);
        let group = open.group;
        self.window.push(open);
        // Whoever moves to another slot is in the window: what has left it is taken out of the list first.
        let rehash = |seq: &u64| self.window.get(*seq).map_or(0, |open| FxBuildHasher.hash_one(&open.id));
        self.by_complaint.insert_unique(hash, seq, rehash);
        if let Some(number) = group {
            self.join(seq, number);
        }
    }

    fn join(&mut self, seq: u64, number: u32) {
        self.recount(number);
        let Some(open) = self.window.get_mut(seq) else { return };
        open.group = Some(number);
        if let Some(group) = &mut self.groups[number as usize] {
            group.add(seq, open.at, &open.callers);
        }
    }

    fn recount(&mut self, number: u32) {
        let Self { groups, window, .. } = self;
        if let Some(group) = groups[number as usize].as_mut().filter(|group| group.is_stale()) {
            group.recount(|seq| window.get(seq).map(|open| (open.at, &open.callers)));
        }
    }

    /// Returns the complaint's group if that has no member left and is gone.
    fn forget(&mut self, open: &Open) -> Option<GroupId> {
        for key in &open.keys {
            self.postings.remove(*key, open.seq);
        }
        self.lexicon.release(&open.pairs);
        let number = open.group?;
        let emptied = self.groups[number as usize].take_if(|group| group.members().len() == 0)?;
        self.by_id.remove(&emptied.id);
        self.free.push(number);
        Some(emptied.id)
    }

    fn group_number(&mut self, id: &GroupId) -> u32 {
        if let Some(&number) = self.by_id.get(id) {
            return number;
        }
        let window = SignedDuration::from_hours(24 * i64::from(self.config.longest_window()));
        let group = Some(Group::new(id.clone(), window));
        let number = if let Some(number) = self.free.pop() {
            self.groups[number as usize] = group;
            number
        } else {
            self.groups.push(group);
            u32::try_from(self.groups.len() - 1).expect("fewer than 2^32 open groups")
        };
        self.by_id.insert(id.clone(), number);
        number
    }
}
