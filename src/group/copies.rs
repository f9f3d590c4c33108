//! How many people sent one text (一键转发).

use super::members::Group;
use super::people::People;
use super::{Grouper, Open};

/// Of a group's members so many are compared, the newest.
const COMPARED: usize = 64;
/// Two texts are copies when so many of the keys by which they are found are the same, of those that one or
/// the other has: a changed number or name costs a few of 24.
const SHARED: f32 = 0.7;
/// A text with fewer keys is too short to tell a copy from two people's like words.
const LEAST_KEYS: usize = 12;

impl Grouper {
    /// How many distinct people sent what is nearly one text; 0 when none is sent by two.
    ///
    /// They are people all the same and count as such: that somebody handed them the words is only said.
    pub fn copied(&self, group: &Group) -> u32 {
        let newest = group.members().rev().take(COMPARED).filter_map(|seq| self.window.get(seq));
        let mut texts: Vec<(&Open, People)> = Vec::new();
        for open in newest.filter(|open| open.keys.len() >= LEAST_KEYS) {
            let place = texts.iter().position(|(first, _)| are_copies(&first.keys, &open.keys));
            let place = place.unwrap_or_else(|| {
                texts.push((open, People::default()));
                texts.len() - 1
            });
            texts[place].1.call(open.at, &open.callers);
        }
        texts.iter().map(|(_, people)| people.count()).max().filter(|people| *people > 1).unwrap_or(0)
    }
}

/// Whether two lists of keys, each ascending, are those of nearly one text.
fn are_copies(a: &[u32], b: &[u32]) -> bool {
    let shared = a.iter().filter(|key| b.binary_search(key).is_ok()).count();
    shared as f32 >= SHARED * (a.len() + b.len() - shared) as f32
}
