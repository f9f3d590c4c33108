//! Events and gold, brought together.

use jiff::Timestamp;
use rustc_hash::FxHashMap;

use crate::model::{CallerKey, CallerKeys, ComplaintId};

use super::{GoldMatter, MatterKind, Pair};

/// What scoring needs to know of a complaint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its number.
    pub id: ComplaintId,
    /// When the hotline received it.
    pub at: Timestamp,
    /// Who called. Events that share a key, or are linked by others that do, come from one person.
    pub callers: CallerKeys,
}

/// Complaints with what people have decided about them.
#[derive(Debug)]
pub struct Case {
    /// In the order they first came, each once.
    pub(super) events: Vec<Known>,
    pub(super) index: FxHashMap<ComplaintId, usize>,
    /// Matters of at least two complaints, in the order of the gold; no themes.
    pub(super) matters: Vec<Matter>,
    pub(super) pairs: Option<Vec<Pair>>,
    /// Complaints and alarms before this time are not scored, though they are members.
    pub(super) from: Option<Timestamp>,
}

#[derive(Debug)]
pub(super) struct Known {
    pub(super) id: ComplaintId,
    pub(super) at: Timestamp,
    /// A number for each person; `None` for nobody.
    pub(super) person: Option<usize>,
    pub(super) is_theme: bool,
}

#[derive(Debug)]
pub(super) struct Matter {
    pub(super) name: String,
    pub(super) title: String,
    /// Places in `events`, rising.
    pub(super) members: Vec<usize>,
}

impl Case {
    /// Of these events, of which later ones with the same id are updates; this gold; and pairs that
    /// must stay apart. What the gold says of complaints that are not among the events is left out.
    pub fn new(
        events: impl IntoIterator<Item = Event>,
        gold: &[GoldMatter],
        pairs: Option<Vec<Pair>>,
    ) -> Self {
        let mut known: Vec<Known> = Vec::new();
        let mut index = FxHashMap::default();
        let mut people = People::default();
        for Event { id, at, callers } in events {
            let person = people.of(&callers);
            let place = *index.entry(id.clone()).or_insert(known.len());
            match known.get_mut(place) {
                Some(seen) => (seen.at, seen.person) = (at, person.or(seen.person)),
                None => known.push(Known { id, at, person, is_theme: false }),
            }
        }
        for event in &mut known {
            event.person = event.person.map(|person| people.root(person));
        }
        let places = |matter: &GoldMatter| {
            let mut places: Vec<usize> = matter.ids.iter().filter_map(|id| index.get(id).copied()).collect();
            places.sort_unstable();
            places.dedup();
            places
        };
        let mut matters = Vec::new();
        for matter in gold {
            let members = places(matter);
            match matter.kind {
                MatterKind::Theme => members.iter().for_each(|&member| known[member].is_theme = true),
                MatterKind::Matter if members.len() < 2 => {}
                MatterKind::Matter => {
                    let (name, title) = (matter.matter.clone(), matter.title.clone());
                    matters.push(Matter { name, title, members });
                }
            }
        }
        Self { events: known, index, matters, pairs, from: None }
    }

    /// Scores only what was received or raised at this time or later, as on data that the settings
    /// were not chosen on.
    #[must_use]
    pub fn from(self, from: Timestamp) -> Self {
        Self { from: Some(from), ..self }
    }

    /// Whether this time is scored.
    pub(super) fn counts(&self, at: Timestamp) -> bool {
        self.from.is_none_or(|from| at >= from)
    }
}

/// Who is who: keys that stand in one event belong to one person.
#[derive(Debug, Default)]
struct People {
    /// The person of each key.
    keys: FxHashMap<CallerKey, usize>,
    /// Another number of the same person, at last the person's own.
    same: Vec<usize>,
}

impl People {
    fn root(&self, mut person: usize) -> usize {
        while self.same[person] != person {
            person = self.same[person];
        }
        person
    }

    fn of(&mut self, keys: &[CallerKey]) -> Option<usize> {
        let mut found = None;
        for key in keys {
            let next = self.same.len();
            let person = *self.keys.entry(*key).or_insert(next);
            if person == next {
                self.same.push(next);
            }
            let person = self.root(person);
            let first = *found.get_or_insert(person);
            // The older number is the person's own.
            let (own, other) = (first.min(person), first.max(person));
            self.same[other] = own;
            found = Some(own);
        }
        found
    }
}
