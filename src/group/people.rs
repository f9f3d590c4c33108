//! Distinct people: many calls of one person count once, whatever number they used.

use std::collections::BTreeSet;

use jiff::Timestamp;
use rustc_hash::FxHashMap;

use crate::model::{CallerKey, CallerKeys};

/// The people seen within a window that ends at the latest call. Two calls that share a key are
/// one person; a call with keys of two people makes them one.
#[derive(Debug, Clone, Default)]
pub struct People {
    person_of: FxHashMap<CallerKey, u32>,
    by_number: FxHashMap<u32, Person>,
    by_last_call: BTreeSet<(Timestamp, u32)>,
    next: u32,
}

#[derive(Debug, Clone)]
struct Person {
    last_call: Timestamp,
    keys: CallerKeys,
}

impl People {
    /// Counts a call. A call without keys is nobody's and is not counted.
    pub fn call(&mut self, at: Timestamp, keys: &CallerKeys) {
        if keys.is_empty() {
            return;
        }
        let mut last_call = at;
        let mut all = keys.clone();
        for key in keys {
            if let Some(known) = self.person_of.get(key).copied()
                && let Some(person) = self.by_number.remove(&known)
            {
                self.by_last_call.remove(&(person.last_call, known));
                last_call = last_call.max(person.last_call);
                all.extend(person.keys);
            }
        }
        all.sort_unstable();
        all.dedup();
        let number = self.next;
        self.next += 1;
        for &key in &all {
            self.person_of.insert(key, number);
        }
        self.by_number.insert(number, Person { last_call, keys: all });
        self.by_last_call.insert((last_call, number));
    }

    /// Forgets people who did not call at or after `since`.
    pub fn forget_before(&mut self, since: Timestamp) {
        while let Some(&(last_call, number)) = self.by_last_call.first()
            && last_call < since
        {
            self.by_last_call.pop_first();
            if let Some(person) = self.by_number.remove(&number) {
                for key in person.keys {
                    self.person_of.remove(&key);
                }
            }
        }
    }

    /// How many there are.
    pub fn count(&self) -> u32 {
        self.by_last_call.len() as u32
    }

    /// How many of them called after `moment`.
    pub fn count_after(&self, moment: Timestamp) -> u32 {
        self.by_last_call.range((moment, u32::MAX)..).count() as u32
    }
}

#[cfg(test)]
mod tests {
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
