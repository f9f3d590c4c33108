//! Finds every occurrence of every term in one pass over it, and of every pattern (`re:`)
//! of each of whose gates the same pass has met a word.

use std::collections::BTreeMap;
use std::ops::Range;

use regex::{Regex, RegexBuilder};

use crate::text::{WordIndex, normalise};

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

/// What two terms have in common that find the same: the normal form, of patterns with their mark.
pub(super) fn key(term: &str) -> String {
    match term.strip_prefix(PATTERN) {
        Some(source) => format!("{PATTERN}{}", normal_pattern(source)),
        None => normal_literal(term),
    }
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

/// What a word of the index is there for.
#[derive(Debug, Clone, Copy)]
enum Word {
    /// It is a term.
    Term(u32),
    /// It opens a gate (its bit) of a pattern, given by its place in `patterns`.
    Gate(usize, u8),
}

/// A term that is a pattern.
struct Pattern {
    term: u32,
    regex: Regex,
    /// The bits of all its gates; 0 for a pattern without any, which is run on every text.
    gates: u8,
    /// When there are gates the most bytes that a match has, see [`gate::longest_match`].
    longest: Option<usize>,
}

/// All terms of a pack, ready to search.
pub(super) struct Matcher {
    words: WordIndex,
    /// For each word of the index what it is there for; one word may be there for several.
    purposes: Vec<Vec<Word>>,
    patterns: Vec<Pattern>,
}

/// What one pass over a text has shown.
#[derive(Debug, Default)]
pub(super) struct Glance {
    /// Every occurrence of every literal term, in the order of their beginnings.
    pub literals: Vec<Occurrence>,
    /// For each pattern the gates met.
    gates: Vec<u8>,
    /// Where words of first gates stand, with their pattern's place; in the order of their beginnings.
    spots: Vec<(usize, Range<usize>)>,
}

/// The bit of the gate that says most of a pattern.
const FIRST_GATE: u8 = 1;

impl Matcher {
    /// `literals` and `patterns` with their term numbers; literals in normal form and not empty.
    pub(super) fn new(literals: Vec<(u32, String)>, patterns: Vec<(u32, Regex)>) -> Self {
        let mut words: BTreeMap<String, Vec<Word>> = BTreeMap::new();
        for (term, word) in literals {
            words.entry(word).or_default().push(Word::Term(term));
        }
        let gated = |(place, (term, regex)): (usize, (u32, Regex))| {
            let mut gates = 0;
            for (number, gate) in gate::gates(regex.as_str()).into_iter().enumerate() {
                gates |= 1 << number;
                for word in gate {
                    words.entry(word).or_default().push(Word::Gate(place, 1 << number));
                }
            }
            let longest = gate::longest_match(regex.as_str()).filter(|_| gates != 0);
            Pattern { term, regex, gates, longest }
        };
        let patterns = patterns.into_iter().enumerate().map(gated).collect();
        let (words, purposes): (Vec<String>, Vec<Vec<Word>>) = words.into_iter().unzip();
        Self { words: WordIndex::new(words.iter().map(String::as_str)), purposes, patterns }
    }

    /// Looks over `text` once.
    pub(super) fn glance(&self, text: &str) -> Glance {
        let gates = vec![0; self.patterns.len()];
        let mut glance = Glance { literals: Vec::new(), gates, spots: Vec::new() };
        self.words.each(text, |hit| {
            for purpose in &self.purposes[hit.word as usize] {
                match *purpose {
                    Word::Term(term) => {
                        glance.literals.push(Occurrence { start: hit.start, end: hit.end, term });
                    }
                    Word::Gate(place, gate) => {
                        glance.gates[place] |= gate;
                        if gate == FIRST_GATE {
                            glance.spots.push((place, hit.start..hit.end));
                        }
                    }
                }
            }
        });
        glance
    }

    /// The terms that are patterns and may occur where `glance` was taken.
    pub(super) fn open<'m>(&'m self, glance: &'m Glance) -> impl Iterator<Item = u32> + 'm {
        self.open_patterns(glance).map(|(_, pattern)| pattern.term)
    }

    /// With their places.
    fn open_patterns<'m>(&'m self, glance: &'m Glance) -> impl Iterator<Item = (usize, &'m Pattern)> + 'm {
        let patterns = self.patterns.iter().enumerate().zip(&glance.gates);
        patterns.filter(|((_, pattern), met)| **met == pattern.gates).map(|(pattern, _)| pattern)
    }

    /// Adds to `found` every occurrence in `text`, at which `glance` was taken, of the patterns among
    /// `terms`. Those of one pattern do not overlap.
    pub(super) fn find(
        &self,
        text: &str,
        glance: &Glance,
        terms: impl Fn(u32) -> bool,
        found: &mut Vec<Occurrence>,
    ) {
        for (place, Pattern { term, regex, longest, .. }) in self.open_patterns(glance) {
            if !terms(*term) {
                continue;
            }
            let mut search = |within: Range<usize>| {
                let hits = regex.find_iter(&text[within.clone()]).filter(|hit| !hit.is_empty());
                found.extend(hits.map(|hit| Occurrence {
                    start: within.start + hit.start(),
                    end: within.start + hit.end(),
                    term: *term,
                }));
            };
            let Some(longest) = *longest else {
                search(0..text.len());
                continue;
            };
            let spots = glance.spots.iter().filter(|(of, _)| *of == place).map(|(_, spot)| spot);
            windows(text, spots, longest).for_each(search);
        }
    }
}

/// The stretches of `text` in which everything lies that holds one of `spots`, which are in the order of
/// their beginnings, and has at most `longest` bytes. Those that meet are one, so that nothing is cut.
fn windows<'s>(
    text: &'s str,
    spots: impl Iterator<Item = &'s Range<usize>> + 's,
    longest: usize,
) -> impl Iterator<Item = Range<usize>> + 's {
    let window = move |spot: &Range<usize>| {
        text.ceil_char_boundary(spot.start.saturating_sub(longest))
            ..text.floor_char_boundary(spot.start.saturating_add(longest))
    };
    let mut windows = spots.map(window).peekable();
    std::iter::from_fn(move || {
        let mut all = windows.next()?;
        while let Some(next) = windows.next_if(|next| next.start <= all.end) {
            all = all.start.min(next.start)..all.end.max(next.end);
        }
        Some(all)
    })
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
        Matcher::new(literals, patterns)
    }

    fn find(matcher: &Matcher, text: &str) -> Vec<Occurrence> {
        let glance = matcher.glance(text);
        let mut found = glance.literals.clone();
        matcher.find(text, &glance, |_| true, &mut found);
        found.sort_unstable();
        found
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
            prop_assert_eq!(find(&matcher(&words, &[]), &text), naive(&words, &text));
        }

        /// Gates only spare work: what a pattern finds alone, it finds behind its gate.
        #[test]
        fn patterns_find_what_the_library_finds_alone(text in "[年化收益0-9%a，不退款费]{0,80}") {
            let sources = [
                "年化[0-9]+%",
                "(不|没有)?退(款|费)?",
                "[0-9]{2,}a",
                "收?益|[款费]年",
                r"\p{Han}{3}%",
                "不.{0,3}款",
                "(退|[0-9]?收益).?(款|年.化?)",
            ];
            let matcher = matcher(&["收益".to_owned()], &sources);
            for (number, source) in sources.iter().enumerate() {
                let alone: Vec<_> =
                    Regex::new(source).unwrap().find_iter(&text).map(|m| (m.start(), m.end())).collect();
                let ours: Vec<_> = find(&matcher, &text)
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
