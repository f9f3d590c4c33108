//! Finds every occurrence of every term in one pass of an automaton, and of every pattern (`re:`)
//! one of whose gate words the same pass has met.

use std::collections::BTreeMap;

use daachorse::CharwiseDoubleArrayAhoCorasick;
use regex::{Regex, RegexBuilder};

use crate::text::normalise;

use super::gate;
use super::haystack::squeeze;

/// How a term that is a pattern begins.
pub(super) const PATTERN: &str = "re:";

/// One pattern compiles to at most this many bytes.
const PATTERN_SIZE: usize = 1 << 19;
/// A term has at most this many characters.
pub(super) const MAX_TERM_CHARS: usize = 200;

/// One place where a term stands, in bytes of the searched text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Occurrence {
    pub start: usize,
    pub end: usize,
    pub term: u32,
}

/// The normal form of a literal term: exactly what is done to texts.
pub(super) fn normal_literal(term: &str) -> String {
    squeeze(normalise(term).text()).into_owned()
}

/// Brings the literal characters of a pattern into the normal form of texts: what is not ASCII as
/// texts, ASCII letters to lower case unless they belong to the pattern language (`\D`, `\p{Han}`).
pub(super) fn normal_pattern(pattern: &str) -> String {
    let mut normal = String::with_capacity(pattern.len());
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        if character == '\\' {
            normal.push(character);
            let Some(escaped) = characters.next() else { break };
            normal.push(escaped);
            if matches!(escaped, 'p' | 'P' | 'x' | 'u') && characters.as_str().starts_with('{') {
                for inside in characters.by_ref() {
                    normal.push(inside);
                    if inside == '}' {
                        break;
                    }
                }
            }
        } else if character.is_ascii() {
            normal.push(character.to_ascii_lowercase());
        } else {
            let mut buffer = [0; 4];
            let form = normalise(character.encode_utf8(&mut buffer));
            normal.push_str(&regex::escape(form.text()));
        }
    }
    normal
}

/// Compiles one pattern.
///
/// # Errors
/// Says in one line what is wrong with it.
pub(super) fn pattern(source: &str) -> Result<Regex, String> {
    let regex =
        RegexBuilder::new(&normal_pattern(source)).size_limit(PATTERN_SIZE).build().map_err(|error| {
            match error {
                regex::Error::CompiledTooBig(_) => {
                    "the pattern is too large; use fewer or smaller repetitions".to_owned()
                }
                other => {
                    let text = other.to_string();
                    let last = text.lines().last().unwrap_or_default();
                    format!("the pattern is not valid: {}", last.trim_start_matches("error: "))
                }
            }
        })?;
    if regex.is_match("") {
        return Err("the pattern matches the empty text; let it ask for at least one character".to_owned());
    }
    Ok(regex)
}

/// What a word of the automaton is there for.
#[derive(Debug, Clone, Copy)]
enum Word {
    /// It is a term.
    Term(u32),
    /// It opens the gate of a pattern, given by its place in `patterns`.
    Gate(usize),
}

/// All terms of a pack, ready to search.
pub(super) struct Matcher {
    /// `None` when there are no words at all: the automaton cannot be empty.
    words: Option<CharwiseDoubleArrayAhoCorasick<u32>>,
    /// For each word of the automaton what it is there for; one word may be there for several.
    purposes: Vec<Vec<Word>>,
    patterns: Vec<(u32, Regex)>,
    /// Patterns without a gate: run on every text.
    ungated: Vec<bool>,
}

impl Matcher {
    /// `literals` and `patterns` with their term numbers; literals in normal form and not empty.
    ///
    /// # Errors
    /// Says in one line why the terms together cannot be compiled.
    pub(super) fn new(literals: Vec<(u32, String)>, patterns: Vec<(u32, Regex)>) -> Result<Self, String> {
        let mut words: BTreeMap<String, Vec<Word>> = BTreeMap::new();
        for (term, word) in literals {
            words.entry(word).or_default().push(Word::Term(term));
        }
        let mut ungated = vec![false; patterns.len()];
        for (place, (_, regex)) in patterns.iter().enumerate() {
            match gate::words(regex.as_str()) {
                Some(gates) => {
                    for word in gates {
                        words.entry(word).or_default().push(Word::Gate(place));
                    }
                }
                None => ungated[place] = true,
            }
        }
        let (words, purposes): (Vec<String>, Vec<Vec<Word>>) = words.into_iter().unzip();
        let words = if words.is_empty() {
            None
        } else {
            let automaton = CharwiseDoubleArrayAhoCorasick::new(words)
                .map_err(|error| format!("the terms cannot be compiled together: {error}"))?;
            Some(automaton)
        };
        Ok(Self { words, purposes, patterns, ungated })
    }

    /// Every occurrence of every term in `text`, in the order of start, end, term. Occurrences of
    /// different terms may overlap; those of one pattern do not.
    pub(super) fn find(&self, text: &str) -> Vec<Occurrence> {
        let mut found = Vec::new();
        let mut open = self.ungated.clone();
        for hit in self.words.iter().flat_map(|words| words.find_overlapping_iter(text)) {
            for purpose in &self.purposes[hit.value() as usize] {
                match *purpose {
                    Word::Term(term) => found.push(Occurrence { start: hit.start(), end: hit.end(), term }),
                    Word::Gate(place) => open[place] = true,
                }
            }
        }
        for ((term, regex), _) in self.patterns.iter().zip(&open).filter(|(_, open)| **open) {
            found.extend(regex.find_iter(text).filter(|hit| !hit.is_empty()).map(|hit| Occurrence {
                start: hit.start(),
                end: hit.end(),
                term: *term,
            }));
        }
        found.sort_unstable();
        found
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn matcher(literals: &[String], patterns: &[&str]) -> Matcher {
        let literals: Vec<_> =
            literals.iter().cloned().enumerate().map(|(i, word)| (i as u32, word)).collect();
        let first = literals.len() as u32;
        let patterns =
            patterns.iter().enumerate().map(|(i, p)| (first + i as u32, pattern(p).unwrap())).collect();
        Matcher::new(literals, patterns).unwrap()
    }

    /// What the matcher promises, in the plainest way: look for every term at every byte.
    fn naive(literals: &[String], text: &str) -> Vec<Occurrence> {
        let mut found = Vec::new();
        for (term, word) in literals.iter().enumerate() {
            for (start, _) in text.char_indices() {
                if text[start..].starts_with(word.as_str()) {
                    found.push(Occurrence { start, end: start + word.len(), term: term as u32 });
                }
            }
        }
        found.sort_unstable();
        found
    }

    proptest! {
        /// A small alphabet, so that words overlap, nest and repeat.
        #[test]
        fn finds_what_a_naive_search_finds(
            words in prop::collection::btree_set("[传销宣跑路a1]{1,4}", 1..12),
            text in "[传销宣跑路a1，]{0,60}",
        ) {
            let words: Vec<String> = words.into_iter().collect();
            prop_assert_eq!(matcher(&words, &[]).find(&text), naive(&words, &text));
        }

        /// Gates only spare work: what a pattern finds alone, it finds behind its gate.
        #[test]
        fn patterns_find_what_the_library_finds_alone(text in "[年化收益0-9%a，不退款费]{0,40}") {
            let sources = ["年化[0-9]+%", "(不|没有)?退(款|费)?", "[0-9]{2,}a", "收?益|[款费]年", r"\p{Han}{3}%"];
            let matcher = matcher(&["收益".to_owned()], &sources);
            for (number, source) in sources.iter().enumerate() {
                let alone: Vec<_> =
                    Regex::new(source).unwrap().find_iter(&text).map(|m| (m.start(), m.end())).collect();
                let ours: Vec<_> = matcher
                    .find(&text)
                    .into_iter()
                    .filter(|found| found.term as usize == number + 1)
                    .map(|found| (found.start, found.end))
                    .collect();
                prop_assert_eq!(ours, alone, "{}", source);
            }
        }

        #[test]
        fn any_pattern_is_compiled_or_refused(source in ".{0,40}") {
            let _ = pattern(&source);
        }
    }

    #[test]
    fn patterns_are_brought_into_normal_form_without_touching_their_syntax() {
        assert_eq!(normal_pattern(r"ＡＰＰ\d+（元）"), r"app\d+\(元\)");
        assert!(pattern("App[0-9]+").unwrap().is_match("app12"));
    }

    #[test]
    fn bad_patterns_are_refused_in_words() {
        insta::assert_snapshot!(pattern("年化(").unwrap_err(), @"the pattern is not valid: unclosed group");
        insta::assert_snapshot!(pattern("(很多人)?").unwrap_err(), @"the pattern matches the empty text; let it ask for at least one character");
        insta::assert_snapshot!(pattern("(.{1,200}){1,200}").unwrap_err(), @"the pattern is too large; use fewer or smaller repetitions");
    }
}
