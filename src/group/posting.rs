//! The inverted index: for each term, the open complaints that hold it.

use std::collections::VecDeque;

/// Complaints that hold a term, oldest first, by the low half of their numbers: four billion
/// complaints are never open at once. Most terms are held by one complaint.
#[derive(Debug, Default)]
enum Posting {
    #[default]
    None,
    One(u32),
    Many(VecDeque<u32>),
}

/// All postings, by term number. A function of what is open alone: a term that many hold keeps all
/// of them, and who asks takes the newest.
#[derive(Debug, Default)]
pub(super) struct Postings {
    lists: Vec<Posting>,
    newest: u64,
}

impl Postings {
    /// Adds a complaint to a term's posting. No number is below one added before.
    pub(super) fn add(&mut self, term: u32, seq: u64) {
        debug_assert!(seq >= self.newest, "numbers rise");
        self.newest = seq;
        let term = term as usize;
        if term >= self.lists.len() {
            self.lists.resize_with(term + 1, Posting::default);
        }
        let (low, posting) = (seq as u32, &mut self.lists[term]);
        match posting {
            Posting::None => *posting = Posting::One(low),
            Posting::One(first) => *posting = Posting::Many(VecDeque::from([*first, low])),
            Posting::Many(list) => list.push_back(low),
        }
    }

    /// Takes a complaint out again.
    pub(super) fn remove(&mut self, term: u32, seq: u64) {
        let (newest, low) = (self.newest as u32, seq as u32);
        let posting = &mut self.lists[term as usize];
        match posting {
            Posting::None => {}
            Posting::One(only) => {
                debug_assert_eq!(*only, low, "a complaint is taken out of what it was put into");
                *posting = Posting::None;
            }
            Posting::Many(list) => {
                // Expiry takes the oldest, an update any.
                let age = |seq: u32| newest.wrapping_sub(seq);
                if let Ok(at) = list.binary_search_by(|other| age(low).cmp(&age(*other))) {
                    list.remove(at);
                }
                match list.len() {
                    0 => *posting = Posting::None,
                    1 => *posting = Posting::One(list[0]),
                    held if held < list.capacity() / 4 => list.shrink_to(2 * held),
                    _ => {}
                }
            }
        }
    }

    /// Whether nobody holds the term.
    pub(super) fn is_empty(&self, term: u32) -> bool {
        matches!(self.lists.get(term as usize), None | Some(Posting::None))
    }

    /// Visits the newest holders of a term, at most `most`, newest first; returns how many.
    pub(super) fn newest(&self, term: u32, most: usize, mut visit: impl FnMut(u64)) -> usize {
        let newest = self.newest;
        let mut full = |low: u32| visit(newest - u64::from((newest as u32).wrapping_sub(low)));
        match self.lists.get(term as usize) {
            None | Some(Posting::None) => 0,
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

    /// How many hold the term.
    pub(super) fn count(&self, term: u32) -> usize {
        match self.lists.get(term as usize) {
            None | Some(Posting::None) => 0,
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
        assert!(postings.is_empty(3) && postings.is_empty(99));
    }
}
