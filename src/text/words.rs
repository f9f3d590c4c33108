//! Finding many words in a text.

use std::fmt;

use rustc_hash::FxHashMap;

/// Finds the occurrences of a few thousand words. Much faster on Chinese text than an automaton: of
/// nearly every place of a text the two characters there tell that no word begins with them.
///
/// Cost is linear in the length of the text, times the number of words that begin with the same two
/// characters.
pub struct WordIndex {
    /// One bit for each first character of the words of one character, by its code.
    ones: Bits,
    /// One bit for each two characters that words begin with, by their hash.
    pairs: Bits,
    one: FxHashMap<char, u32>,
    /// For the first two characters what follows them in each word, and the word's number; longest
    /// first.
    longer: FxHashMap<(char, char), Vec<Rest>>,
}

/// What follows the first two characters of a word, and the word's number.
type Rest = (Box<str>, u32);

/// An occurrence of a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct WordMatch {
    /// Byte offset of its first byte.
    pub start: usize,
    /// Byte offset past its last byte.
    pub end: usize,
    /// Place of the word among those given.
    pub word: u32,
}

struct Bits(Box<[u64; 1024]>);

impl Bits {
    fn new() -> Self {
        Self(Box::new([0; 1024]))
    }

    fn set(&mut self, bit: u16) {
        self.0[usize::from(bit / 64)] |= 1 << (bit % 64);
    }

    #[inline]
    fn has(&self, bit: u16) -> bool {
        self.0[usize::from(bit / 64)] >> (bit % 64) & 1 != 0
    }
}

#[inline]
fn bit_of(c: char) -> u16 {
    c as u16
}

#[inline]
fn bit_of_pair(a: char, b: char) -> u16 {
    let mixed = (a as u32).wrapping_mul(0x9E37_79B1) ^ (b as u32).wrapping_mul(0x85EB_CA77);
    (mixed >> 16) as u16
}

impl fmt::Debug for WordIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WordIndex").finish_non_exhaustive()
    }
}

impl WordIndex {
    /// An index of these words. Empty words are never found; of equal words only the first is.
    pub fn new<'w>(words: impl IntoIterator<Item = &'w str>) -> Self {
        let mut index = Self {
            ones: Bits::new(),
            pairs: Bits::new(),
            one: FxHashMap::default(),
            longer: FxHashMap::default(),
        };
        for (number, word) in (0_u32..).zip(words) {
            let mut chars = word.chars();
            match (chars.next(), chars.next()) {
                (None, _) => {}
                (Some(first), None) => {
                    index.ones.set(bit_of(first));
                    index.one.entry(first).or_insert(number);
                }
                (Some(first), Some(second)) => {
                    index.pairs.set(bit_of_pair(first, second));
                    let longer = index.longer.entry((first, second)).or_default();
                    let rest = chars.as_str();
                    if !longer.iter().any(|(other, _)| &**other == rest) {
                        let at = longer.partition_point(|(other, _)| other.len() > rest.len());
                        longer.insert(at, (rest.into(), number));
                    }
                }
            }
        }
        index
    }

    /// Gives every occurrence of every word to `found`, in the order of their beginnings; of those
    /// that begin at one place the longest first.
    pub fn each(&self, text: &str, mut found: impl FnMut(WordMatch)) {
        let mut places = Places::new(text, 0);
        while let Some(place) = places.next() {
            self.at(text, place, |hit| {
                found(hit);
                false
            });
        }
    }

    /// The occurrences that do not overlap: the first to begin, of those the longest, and on behind
    /// it.
    pub fn leftmost<'a>(&'a self, text: &'a str) -> impl Iterator<Item = WordMatch> + 'a {
        let mut places = Places::new(text, 0);
        std::iter::from_fn(move || {
            loop {
                let place = places.next()?;
                let mut longest = None;
                self.at(text, place, |hit| {
                    longest = Some(hit);
                    true
                });
                if let Some(hit) = longest {
                    places = Places::new(text, hit.end);
                    return longest;
                }
            }
        })
    }

    /// The words that begin at one place, longest first, until `enough` says so.
    #[inline]
    fn at(&self, text: &str, place: Place, mut enough: impl FnMut(WordMatch) -> bool) {
        let Place { start, first, middle, second } = place;
        if let Some(second) = second
            && self.pairs.has(bit_of_pair(first, second))
            && let Some(words) = self.longer.get(&(first, second))
        {
            let from = middle + second.len_utf8();
            for (rest, word) in words {
                if text.as_bytes()[from..].starts_with(rest.as_bytes())
                    && enough(WordMatch { start, end: from + rest.len(), word: *word })
                {
                    return;
                }
            }
        }
        if self.ones.has(bit_of(first))
            && let Some(&word) = self.one.get(&first)
        {
            enough(WordMatch { start, end: middle, word });
        }
    }
}

/// Where a word may begin: two characters, the second missing at the end.
#[derive(Clone, Copy)]
struct Place {
    start: usize,
    first: char,
    middle: usize,
    second: Option<char>,
}

/// All places of a text.
struct Places<'t> {
    len: usize,
    rest: std::str::Chars<'t>,
    start: usize,
    first: Option<char>,
}

impl<'t> Places<'t> {
    fn new(text: &'t str, start: usize) -> Self {
        let mut rest = text[start..].chars();
        let first = rest.next();
        Self { len: text.len(), rest, start, first }
    }

    #[inline]
    fn next(&mut self) -> Option<Place> {
        let (start, first) = (self.start, self.first?);
        self.start = self.len - self.rest.as_str().len();
        self.first = self.rest.next();
        Some(Place { start, first, middle: self.start, second: self.first })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Every word at every place, in the plainest way.
    fn naive(words: &[&str], text: &str) -> Vec<WordMatch> {
        let mut found = Vec::new();
        for (start, _) in text.char_indices() {
            for (number, word) in words.iter().enumerate() {
                if !word.is_empty() && text[start..].starts_with(word) && !words[..number].contains(word) {
                    found.push(WordMatch { start, end: start + word.len(), word: number as u32 });
                }
            }
        }
        found.sort_by_key(|hit| (hit.start, std::cmp::Reverse(hit.end)));
        found
    }

    proptest! {
        #[test]
        fn finds_what_a_naive_search_finds(
            words in prop::collection::vec("[传销a1é𝟏]{0,4}", 0..12),
            text in "[传销a1é𝟏，]{0,40}",
        ) {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let index = WordIndex::new(words.iter().copied());
            let mut each = Vec::new();
            index.each(&text, |hit| each.push(hit));
            let all = naive(&words, &text);
            prop_assert_eq!(&each, &all);
            let mut end = 0;
            let mut first = all;
            first.retain(|hit| {
                let free = hit.start >= end;
                if free {
                    end = hit.end;
                }
                free
            });
            prop_assert_eq!(index.leftmost(&text).collect::<Vec<_>>(), first);
        }
    }
}
