//! The inverted index: for each key, the open complaints that hold it.

use std::collections::VecDeque;
use std::collections::hash_map::Entry;

use rustc_hash::FxHashMap;

/// Complaints that hold a key, oldest first, by the low half of their numbers: four billion complaints
/// are never open at once. Most keys are held by one complaint.
#[derive(Debug)]
enum Posting {
    One(u32),
    #[expect(clippy::box_collection, reason = "most keys have one holder: the smaller the entry the better")]
    Many(Box<VecDeque<u32>>),
}

/// All postings, by key. A function of what is open alone: a key that many hold keeps all of them,
/// and who asks takes the newest.
#[derive(Debug, Default)]
pub(super) struct Postings {
    lists: FxHashMap<u32, Posting>,
    newest: u64,
}

impl Postings {
    /// Adds a complaint to a key's posting. No number is below one added before.
    pub(super) fn add(&mut self, key: u32, seq: u64) {
        debug_assert!(seq >= self.newest, "numbers rise");
        self.newest = seq;
        let low = seq as u32;
        match self.lists.entry(key) {
            Entry::Vacant(free) => {
                free.insert(Posting::One(low));
            }
            Entry::Occupied(mut held) => match held.get_mut() {
                Posting::One(first) => {
                    let both = Box::new(VecDeque::from([*first, low]));
                    held.insert(Posting::Many(both));
                }
                Posting::Many(list) => list.push_back(low),
            },
        }
    }

    /// Takes a complaint out again.
    pub(super) fn remove(&mut self, key: u32, seq: u64) {
        let (newest, low) = (self.newest as u32, seq as u32);
        let Entry::Occupied(mut held) = self.lists.entry(key) else { return };
        let Posting::Many(list) = held.get_mut() else {
            held.remove();
            return;
        };
        // Expiry takes the oldest, an update any.
        let age = |seq: u32| newest.wrapping_sub(seq);
        if let Ok(at) = list.binary_search_by(|other| age(low).cmp(&age(*other))) {
            list.remove(at);
        }
        if list.len() == 1 {
            let only = list[0];
            held.insert(Posting::One(only));
        } else if list.len() < list.capacity() / 4 {
            list.shrink_to(2 * list.len());
        }
    }

    /// Visits the newest holders of a key, at most `most`, newest first; returns how many.
    pub(super) fn newest(&self, key: u32, most: usize, mut visit: impl FnMut(u64)) -> usize {
        let newest = self.newest;
        let mut full = |low: u32| visit(newest - u64::from((newest as u32).wrapping_sub(low)));
        match self.lists.get(&key) {
            None => 0,
            Some(Posting::One(only)) => {
                full(*only);
                1
            }
            Some(Posting::Many(list)) => {
                let skipped = list.len().saturating_sub(most);
                list.range(skipped..).rev().for_each(|low| full(*low));
                list.len() - skipped
            }
        }
    }

    /// How many hold the key.
    pub(super) fn count(&self, key: u32) -> usize {
        match self.lists.get(&key) {
            None => 0,
            Some(Posting::One(_)) => 1,
            Some(Posting::Many(list)) => list.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn newest(postings: &Postings, most: usize) -> Vec<u64> {
        let mut found = Vec::new();
        let count = postings.newest(3, most, |seq| found.push(seq));
        assert_eq!(count, found.len());
        found
    }

    #[test]
    fn the_newest_come_first_also_where_the_low_half_turns_over() {
        let mut postings = Postings::default();
        let begin = u64::from(u32::MAX) - 1;
        for seq in begin..begin + 4 {
            postings.add(3, seq);
        }
        assert_eq!(newest(&postings, 4), [begin + 3, begin + 2, begin + 1, begin]);
        assert_eq!(newest(&postings, 2), [begin + 3, begin + 2]);
        postings.remove(3, begin + 1);
        postings.remove(3, begin);
        assert_eq!(newest(&postings, 9), [begin + 3, begin + 2]);
        postings.remove(3, begin + 3);
        assert_eq!((postings.count(3), newest(&postings, 9)), (1, vec![begin + 2]));
        postings.remove(3, begin + 2);
        assert_eq!((postings.count(3), postings.count(99)), (0, 0));
    }
}
