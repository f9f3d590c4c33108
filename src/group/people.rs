//! Distinct people: many calls of one person count once, whatever number they used.

use jiff::Timestamp;

use crate::model::{CallerKey, CallerKeys};

/// The people seen within a window that ends at the latest call. Two calls that share a key are
/// one person; a call with keys of two people makes them one.
///
/// Plain sorted lists: most groups have a handful of callers, and a group of thousands still takes
/// microseconds.
#[derive(Debug, Clone, Default)]
pub struct People {
    /// Which person a key is of, ordered by key.
    person_of: Vec<(CallerKey, u32)>,
    /// When each person last called, ordered.
    last_calls: Vec<(Timestamp, u32)>,
    next: u32,
}

impl People {
    /// Counts a call. A call without keys is nobody's and is not counted.
    pub fn call(&mut self, at: Timestamp, keys: &CallerKeys) {
        let mut last_call = at;
        let mut person = None;
        for key in keys {
            let Some(known) = self.find(*key).ok().map(|at| self.person_of[at].1) else { continue };
            if person == Some(known) {
                continue;
            }
            if let Some(place) = self.last_calls.iter().position(|(_, number)| *number == known) {
                last_call = last_call.max(self.last_calls.remove(place).0);
            }
            match person {
                None => person = Some(known),
                // Two were one all along.
                Some(person) => {
                    for (_, number) in self.person_of.iter_mut().filter(|(_, number)| *number == known) {
                        *number = person;
                    }
                }
            }
        }
        if keys.is_empty() {
            return;
        }
        let person = person.unwrap_or_else(|| {
            self.next += 1;
            self.next
        });
        for &key in keys {
            if let Err(place) = self.find(key) {
                self.person_of.insert(place, (key, person));
            }
        }
        let place = self.last_calls.partition_point(|other| *other < (last_call, person));
        self.last_calls.insert(place, (last_call, person));
    }

    fn find(&self, key: CallerKey) -> Result<usize, usize> {
        self.person_of.binary_search_by_key(&key, |(key, _)| *key)
    }

    /// Forgets people who did not call at or after `since`.
    pub fn forget_before(&mut self, since: Timestamp) {
        let gone = self.last_calls.partition_point(|(last_call, _)| *last_call < since);
        if gone == 0 {
            return;
        }
        let mut gone: Vec<u32> = self.last_calls.drain(..gone).map(|(_, person)| person).collect();
        gone.sort_unstable();
        self.person_of.retain(|(_, person)| gone.binary_search(person).is_err());
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
