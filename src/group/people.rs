//! Distinct people: many calls of one person count once, whatever number they used.

use std::collections::VecDeque;

use jiff::Timestamp;
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use crate::model::{CallerKey, CallerKeys};

use super::members::make_room;

/// The people seen within a window that ends at the latest call. Two calls that share a key are
/// one person; a call with keys of two people makes them one.
///
/// To count a call, to forget who has called long ago and to count those since a moment takes no longer with
/// a hundred thousand people than with three.
#[derive(Debug, Clone, Default)]
pub struct People {
    /// Whose place in `persons` a key leads to.
    person_of: FxHashMap<CallerKey, u32>,
    persons: Vec<Person>,
    /// Places in `persons` that are free.
    free: Vec<u32>,
    /// When each person last called, ordered.
    last_calls: VecDeque<(Timestamp, u32)>,
}

#[derive(Debug, Clone)]
struct Person {
    last_call: Timestamp,
    keys: CallerKeys,
    /// How many calls gave all of the keys: while there is one, no other is needed to link them.
    whole: u32,
}

impl People {
    /// Counts a call. A call without keys is nobody's and is not counted.
    pub fn call(&mut self, at: Timestamp, keys: &CallerKeys) {
        if keys.is_empty() {
            return;
        }
        let known = keys.iter().filter_map(|key| self.person_of.get(key).copied());
        let mut known: SmallVec<[u32; 4]> = known.collect();
        known.sort_unstable();
        known.dedup();
        let mut person = Person { last_call: at, keys: CallerKeys::new(), whole: 0 };
        // Two were one all along.
        for number in known {
            let other = self.take(number);
            person.last_call = person.last_call.max(other.last_call);
            if person.keys.is_empty() {
                (person.keys, person.whole) = (other.keys, other.whole);
            } else {
                person.keys.extend(other.keys);
                person.whole = 0;
            }
        }
        for key in keys {
            if !person.keys.contains(key) {
                person.keys.push(*key);
                person.whole = 0;
            }
        }
        person.whole += u32::from(person.keys.len() == keys.len());
        self.put(person);
    }

    fn put(&mut self, person: Person) {
        make_room(&mut self.last_calls);
        let number = self.free.pop().unwrap_or(self.persons.len() as u32);
        for key in &person.keys {
            self.person_of.insert(*key, number);
        }
        let call = (person.last_call, number);
        let place = self.last_calls.partition_point(|other| *other < call);
        self.last_calls.insert(place, call);
        if let Some(slot) = self.persons.get_mut(number as usize) {
            *slot = person;
        } else {
            if self.persons.len() == self.persons.capacity() {
                self.persons.reserve_exact(self.persons.len() / 4 + 1);
            }
            self.persons.push(person);
        }
    }

    /// Takes a person out, whose keys still lead there.
    fn take(&mut self, number: u32) -> Person {
        let slot = &mut self.persons[number as usize];
        let person =
            Person { last_call: slot.last_call, keys: std::mem::take(&mut slot.keys), whole: slot.whole };
        self.free.push(number);
        if let Ok(place) = self.last_calls.binary_search(&(person.last_call, number)) {
            self.last_calls.remove(place);
        }
        person
    }

    fn forget(&mut self, number: u32) {
        for key in self.take(number).keys {
            self.person_of.remove(&key);
        }
    }

    /// Undoes the call of `keys` at `at`, of which there is no earlier one that counts and no other of that
    /// moment. Returns whether that was possible; otherwise everybody has to be counted again.
    pub(super) fn take_back(&mut self, at: Timestamp, keys: &CallerKeys) -> bool {
        let Some(&number) = keys.first().and_then(|key| self.person_of.get(key)) else { return true };
        let person = &mut self.persons[number as usize];
        if person.last_call <= at {
            self.forget(number);
            return true;
        }
        // Who has called since is there without it, and one person as long as another call gives all the keys.
        person.whole = person.whole.saturating_sub(u32::from(person.keys.len() == keys.len()));
        person.keys.len() == 1 || person.whole > 0
    }

    /// Forgets people who did not call at or after `since`.
    pub fn forget_before(&mut self, since: Timestamp) {
        while let Some(&(last_call, number)) = self.last_calls.front()
            && last_call < since
        {
            self.forget(number);
        }
    }

    /// How many there are.
    pub fn count(&self) -> u32 {
        self.last_calls.len() as u32
    }

    /// How many of them called at `moment` or after.
    pub fn count_from(&self, moment: Timestamp) -> u32 {
        (self.last_calls.len() - self.last_calls.partition_point(|(at, _)| *at < moment)) as u32
    }

    /// How many of them called after `moment`.
    pub fn count_after(&self, moment: Timestamp) -> u32 {
        (self.last_calls.len() - self.last_calls.partition_point(|(at, _)| *at <= moment)) as u32
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use proptest::prelude::*;
    use smallvec::smallvec;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn forty_posts_of_one_caller_are_one_person() {
        let mut people = People::default();
        for second in 0..40 {
            people.call(at(second), &smallvec![CallerKey(7)]);
        }
        assert_eq!(people.count(), 1);
    }

    #[test]
    fn a_call_that_names_two_numbers_links_them() {
        let mut people = People::default();
        people.call(at(0), &smallvec![CallerKey(1)]);
        people.call(at(1), &smallvec![CallerKey(2)]);
        assert_eq!(people.count(), 2);
        people.call(at(2), &smallvec![CallerKey(1), CallerKey(2)]);
        assert_eq!(people.count(), 1);
        people.call(at(3), &smallvec![CallerKey(2)]);
        assert_eq!(people.count(), 1);
    }

    #[test]
    fn nobody_is_not_a_person_and_the_window_forgets() {
        let mut people = People::default();
        people.call(at(0), &smallvec![]);
        people.call(at(5), &smallvec![CallerKey(1)]);
        people.call(at(9), &smallvec![CallerKey(2)]);
        assert_eq!((people.count(), people.count_after(at(5))), (2, 1));
        people.forget_before(at(6));
        assert_eq!(people.count(), 1);
        people.call(at(3), &smallvec![CallerKey(2)]);
        assert_eq!(people.count_after(at(8)), 1, "a late call does not make the last one older");
    }

    proptest! {
        #[test]
        fn equals_counting_connected_keys(calls in prop::collection::vec(prop::collection::vec(0u64..12, 0..3), 0..40)) {
            let mut people = People::default();
            for (second, keys) in calls.iter().enumerate() {
                people.call(at(i64::try_from(second).unwrap()), &keys.iter().map(|&key| CallerKey(key)).collect());
            }
            // The naive count: merge sets of keys until none overlap.
            let mut sets: Vec<BTreeSet<u64>> = Vec::new();
            for keys in calls.iter().filter(|keys| !keys.is_empty()) {
                let mut merged: BTreeSet<u64> = keys.iter().copied().collect();
                sets.retain(|set| {
                    let meets = !set.is_disjoint(&merged);
                    if meets { merged.extend(set); }
                    !meets
                });
                // Merging may have made it meet sets kept before; once more is enough, since kept
                // sets are disjoint from each other and from the call's own keys.
                sets.push(merged);
            }
            prop_assert_eq!(people.count() as usize, sets.len());
        }
    }
}
