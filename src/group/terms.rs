//! The words of a complaint, as grouping compares them.

use std::hash::Hasher as _;

use rustc_hash::{FxHashMap, FxHasher};

use crate::model::{Span, Where};
use crate::text::{Normalised, Token};

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
        let mut words = String::new();
        let mut list: Vec<(Term, u32)> = Vec::new();
        let mut seen: FxHashMap<u64, usize> = FxHashMap::default();
        for (field, (normalised, tokens), weight) in
            [(Where::Title, title, title_weight), (Where::Text, text, 1)]
        {
            for token in tokens {
                if !carries_meaning(token.word) {
                    continue;
                }
                let hash = hash_word(b'w', token.word);
                if let Some(&at) = seen.get(&hash) {
                    list[at].1 += weight;
                } else if list.len() < MAX_TERMS {
                    let (start, end) = normalised.original(token.start, token.end);
                    let first = words.len() as u32;
                    words.push_str(token.word);
                    seen.insert(hash, list.len());
                    let span = Span { field, start, end };
                    list.push((Term { hash, tf: 0, span, start: first, end: words.len() as u32 }, weight));
                }
            }
        }
        let list = list.into_iter().map(|(term, count)| Term { tf: damped(count), ..term }).collect();
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

/// Single characters say too little alone, and bare numbers (dates, amounts) meet by accident.
fn carries_meaning(word: &str) -> bool {
    let mut chars = word.chars();
    chars.next().is_some()
        && chars.next().is_some()
        && word.chars().any(char::is_alphabetic)
        && word.chars().all(char::is_alphanumeric)
}

fn damped(count: u32) -> u8 {
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
}
