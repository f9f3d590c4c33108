//! The inverted index: for each key, the open complaints that hold it.

use std::collections::VecDeque;
use std::collections::hash_map::Entry;

use rustc_hash::FxHashMap;

use super::members::make_room;

/// Of a complaint's number the low bits are kept: two billion complaints are never open at once.
const NUMBER: u32 = LIST - 1;
/// Marks in a slot that it is not a number but the place of a list.
const LIST: u32 = 1 << 31;

/// All postings, by key. A function of what is open alone: a key that many hold keeps all of them,
/// and who asks takes the newest.
///
/// Most keys are held by one complaint, so a key takes eight bytes: this table is most of what is kept of
/// an open complaint, and the less it takes the more of it is near.
#[derive(Debug, Default)]
pub(super) struct Postings {
    slots: FxHashMap<u32, u32>,
    /// Holders of keys that more than one complaint holds or has held, oldest first.
    lists: Vec<VecDeque<u32>>,
    /// Places in `lists` that are free.
    free: Vec<u32>,
    newest: u64,
}

/// The holders of a key, as long as the index does not change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Holders(u32);

impl Postings {
    /// Adds a complaint to a key's posting. No number is below one added before.
    pub(super) fn add(&mut self, key: u32, seq: u64) {
        debug_assert!(seq >= self.newest, "numbers rise");
        self.newest = seq;
        let number = seq as u32 & NUMBER;
        match self.slots.entry(key) {
            Entry::Vacant(slot) => {
                slot.insert(number);
            }
            Entry::Occupied(slot) if slot.get() & LIST != 0 => {
                let list = &mut self.lists[(slot.get() & NUMBER) as usize];
                make_room(list);
                list.push_back(number);
            }
            Entry::Occupied(mut slot) => {
                let both = VecDeque::from([*slot.get(), number]);
                let place = if let Some(place) = self.free.pop() {
                    self.lists[place as usize] = both;
                    place
                } else {
                    self.lists.push(both);
                    u32::try_from(self.lists.len() - 1).expect("fewer lists than complaints")
                };
                slot.insert(place | LIST);
            }
        }
    }

    /// Takes a complaint out again.
    pub(super) fn remove(&mut self, key: u32, seq: u64) {
        let (newest, number) = (self.newest as u32, seq as u32 & NUMBER);
        let Entry::Occupied(mut slot) = self.slots.entry(key) else { return };
        if slot.get() & LIST == 0 {
            slot.remove();
            return;
        }
        let place = slot.get() & NUMBER;
        let list = &mut self.lists[place as usize];
        // Expiry takes the oldest, an update any.
        let age = |number: u32| newest.wrapping_sub(number) & NUMBER;
        if let Ok(at) = list.binary_search_by(|other| age(number).cmp(&age(*other))) {
            list.remove(at);
        }
        if list.len() == 1 {
            slot.insert(list[0]);
            *list = VecDeque::new();
            self.free.push(place);
        } else if list.len() < list.capacity() / 4 {
            list.shrink_to(2 * list.len());
        }
    }

    /// Who holds the key, if anybody does, and how many.
    pub(super) fn holders(&self, key: u32) -> Option<(usize, Holders)> {
        let slot = *self.slots.get(&key)?;
        let count = if slot & LIST == 0 { 1 } else { self.lists[(slot & NUMBER) as usize].len() };
        Some((count, Holders(slot)))
    }

    /// Visits the newest of the holders, at most `most`, newest first; returns how many.
    pub(super) fn newest(&self, holders: Holders, most: usize, mut visit: impl FnMut(u64)) -> usize {
        let newest = self.newest;
        let mut full = |number: u32| visit(newest - u64::from((newest as u32).wrapping_sub(number) & NUMBER));
        if holders.0 & LIST == 0 {
            full(holders.0);
            return 1;
        }
        let list = &self.lists[(holders.0 & NUMBER) as usize];
        let skipped = list.len().saturating_sub(most);
        list.range(skipped..).rev().for_each(|number| full(*number));
        list.len() - skipped
    }

    /// How many hold the key.
    pub(super) fn count(&self, key: u32) -> usize {
        self.holders(key).map_or(0, |(count, _)| count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn newest(postings: &Postings, most: usize) -> Vec<u64> {
        let mut found = Vec::new();
        if let Some((_, holders)) = postings.holders(3) {
            let count = postings.newest(holders, most, |seq| found.push(seq));
            assert_eq!(count, found.len());
        }
        found
    }

    #[test]
    fn the_newest_come_first_also_where_the_low_half_turns_over() {
        let mut postings = Postings::default();
        let begin = u64::from(NUMBER) - 1;
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
        for seq in begin + 4..begin + 6 {
            postings.add(99, seq);
        }
        assert_eq!((postings.lists.len(), postings.free.len()), (1, 0), "the list is used again");
    }
}
