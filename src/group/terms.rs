//! The words of a complaint, as grouping compares them.

use std::hash::Hasher as _;
use std::sync::LazyLock;

use rustc_hash::FxHasher;

use crate::model::{Span, Where};
use crate::text::{Normalised, Token, is_alphabetic};

/// At most this many distinct words of a complaint are kept, first come first served: a longer
/// complaint says its matter early, and work per complaint stays bounded.
pub const MAX_TERMS: usize = 160;

/// One distinct word.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Term {
    /// Hash of the word in its normal form.
    pub hash: u64,
    /// Damped count, `1 + ln(title_weight × in title + in text)`, in 1/32.
    pub tf: u8,
    /// Its first occurrence, in the original words.
    pub span: Span,
    start: u32,
    end: u32,
}

/// The distinct words of a complaint in the order they first occur. One allocation holds them all.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Terms {
    words: String,
    list: Vec<Term>,
}

/// Hashes a word the same way everywhere in this room.
pub(super) fn hash_word(kind: u8, word: &str) -> u64 {
    let mut hasher = FxHasher::default();
    hasher.write_u8(kind);
    hasher.write(word.as_bytes());
    hasher.finish()
}

impl Terms {
    /// Reads the words of a complaint, title and text already cut.
    pub fn read(
        title: (&Normalised, &[Token<'_>]),
        text: (&Normalised, &[Token<'_>]),
        title_weight: u32,
    ) -> Self {
        let tokens = title.1.len() + text.1.len();
        let mut words = String::with_capacity(title.0.text().len() + text.0.text().len());
        let mut list: Vec<Term> = Vec::with_capacity(tokens.min(MAX_TERMS));
        let mut counts = [0_u32; MAX_TERMS];
        let mut seen = Seen::new();
        for (field, (normalised, tokens), weight) in
            [(Where::Title, title, title_weight), (Where::Text, text, 1)]
        {
            let mut way_back = normalised.way_back();
            for token in tokens {
                if !carries_meaning(token.word) {
                    continue;
                }
                let hash = hash_word(b'w', token.word);
                let at = match seen.find(hash, &list) {
                    Ok(at) => at,
                    Err(_) if list.len() == MAX_TERMS => continue,
                    Err(slot) => {
                        let (start, end) = way_back.original(token.start, token.end);
                        let first = words.len() as u32;
                        words.push_str(token.word);
                        seen.slots[slot] = list.len() as u8;
                        let span = Span { field, start, end };
                        list.push(Term { hash, tf: 0, span, start: first, end: words.len() as u32 });
                        list.len() - 1
                    }
                };
                counts[at] += weight;
            }
        }
        for (term, &count) in list.iter_mut().zip(&counts) {
            term.tf = damped(count);
        }
        // Terms are kept for long, and repeated words left room.
        words.shrink_to_fit();
        list.shrink_to_fit();
        Self { words, list }
    }

    /// The terms in the order they first occur.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Term> {
        self.list.iter()
    }

    /// The word of a term of this complaint.
    pub fn word(&self, term: &Term) -> &str {
        &self.words[term.start as usize..term.end as usize]
    }
}

/// Slots of [`Seen`]: a power of two well above [`MAX_TERMS`], so that one is always free.
const SLOTS: usize = 512;

/// Which words of one complaint are listed already: an open table that needs no allocation.
struct Seen {
    /// Places in the list of terms; [`FREE`] when there is none.
    slots: [u8; SLOTS],
}

const FREE: u8 = u8::MAX;
const _: () = assert!(MAX_TERMS < FREE as usize && SLOTS.is_power_of_two() && SLOTS > 2 * MAX_TERMS);

impl Seen {
    fn new() -> Self {
        Self { slots: [FREE; SLOTS] }
    }

    /// The place of the term with this hash in `list`, or the slot where it belongs.
    #[inline]
    fn find(&self, hash: u64, list: &[Term]) -> Result<usize, usize> {
        let mut slot = (hash >> 20) as usize % SLOTS;
        loop {
            match self.slots[slot] {
                FREE => return Err(slot),
                at if list[usize::from(at)].hash == hash => return Ok(usize::from(at)),
                _ => slot = (slot + 1) % SLOTS,
            }
        }
    }
}

/// Single characters say too little alone, and bare numbers (dates, amounts) meet by accident.
#[inline]
fn carries_meaning(word: &str) -> bool {
    // What most words are: two and more of the ideographs from U+5000, which are alphabetic and of three
    // bytes; or only one, of which half of all words are.
    let bytes = word.as_bytes();
    if bytes.len().is_multiple_of(3) && bytes.chunks_exact(3).all(|c| matches!(c[0], 0xE5..=0xE9)) {
        return bytes.len() > 3;
    }
    let mut chars = word.chars();
    let Some(first) = chars.next().filter(|_| !chars.as_str().is_empty()) else { return false };
    let mut alphabetic = false;
    for c in std::iter::once(first).chain(chars) {
        let letter = is_alphabetic(c);
        if !letter && !c.is_numeric() {
            return false;
        }
        alphabetic |= letter;
    }
    alphabetic
}

#[inline]
fn damped(count: u32) -> u8 {
    static DAMPED: LazyLock<[u8; 64]> =
        LazyLock::new(|| std::array::from_fn(|count| ln_damped(count as u32)));
    DAMPED.get(count as usize).copied().unwrap_or_else(|| ln_damped(count))
}

fn ln_damped(count: u32) -> u8 {
    let damped = (1.0 + (count.max(1) as f32).ln()) * 32.0;
    damped.min(255.0) as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{Segmenter, normalise};

    #[test]
    fn words_are_counted_once_with_the_title_weighing_more() {
        let segmenter = Segmenter::new();
        let title = normalise("小区烟道漏烟");
        let text = normalise("我是业主，烟道漏烟3年了！");
        let (title_words, text_words) = (segmenter.cut(title.text()), segmenter.cut(text.text()));
        let terms = Terms::read((&title, &title_words), (&text, &text_words), 3);
        let words: Vec<_> = terms.iter().map(|term| terms.word(term)).collect();
        assert!(words.contains(&"烟道") && words.contains(&"业主"), "{words:?}");
        assert!(!words.contains(&"3") && !words.contains(&"我"), "{words:?}");
        let tf = |word| terms.iter().find(|term| terms.word(term) == word).unwrap().tf;
        assert!(tf("烟道") > tf("业主"));
        let chimney = terms.iter().find(|term| terms.word(term) == "烟道").unwrap();
        assert_eq!(chimney.span, Span { field: Where::Title, start: 6, end: 12 });
    }
    #[test]
    fn of_a_long_text_the_first_words_are_kept_and_counted() {
        // Words are cut by hand: each of two letters, one after the other, then all once more.
        let word =
            |n: usize| format!("{}{}", char::from(b'a' + (n / 26) as u8), char::from(b'a' + (n % 26) as u8));
        let content: String = (0..2 * (MAX_TERMS + 40)).map(|n| word(n % (MAX_TERMS + 40))).collect();
        let text = normalise(&content);
        let tokens: Vec<Token<'_>> = (0..content.len() / 2)
            .map(|n| Token { word: &text.text()[2 * n..2 * n + 2], start: 2 * n, end: 2 * n + 2 })
            .collect();
        let terms = Terms::read((&normalise(""), &[]), (&text, &tokens), 3);
        let words: Vec<&str> = terms.iter().map(|term| terms.word(term)).collect();
        let expected: Vec<String> = (0..MAX_TERMS).map(word).collect();
        assert_eq!(words, expected);
        assert!(terms.iter().all(|term| term.tf == damped(2)));
    }

    #[test]
    fn what_carries_meaning() {
        for (word, expected) in [
            ("烟道", true),
            ("3年", true),
            ("ab", true),
            ("㐀〇", true),
            ("12", false),
            ("我", false),
            ("", false),
            ("烟-道", false),
            ("，，", false),
            ("①②", false),
            ("é1", true),
            ("一丁", true),
            ("一烟", true),
            ("烟，", false),
            ("烟一", true),
        ] {
            assert_eq!(carries_meaning(word), expected, "{word}");
        }
    }
}
