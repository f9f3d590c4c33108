//! Terms and masks as they are compared with each other, without any text.

use std::ops::Range;

use regex::Regex;

use crate::rules::at::Place;
use crate::rules::matcher::{PATTERN, key, pattern};
use crate::rules::schema::Text;

/// A term or mask where it was typed.
#[derive(Debug, Clone)]
pub(super) struct Entry<'f> {
    /// As typed.
    pub text: &'f str,
    /// What is the same for equal ones: the normal form.
    pub key: String,
    /// Only of a pattern.
    regex: Option<Regex>,
    pub place: &'f Place,
}

/// Those of a list that can be compiled; the others are mistakes, told elsewhere.
pub(super) fn entries<'f>(texts: &'f [Text]) -> Vec<Entry<'f>> {
    let entry = |text: &'f Text| {
        let regex = match text.value.strip_prefix(PATTERN) {
            Some(source) => Some(pattern(source).ok()?),
            None => None,
        };
        Some(Entry { text: &text.value, key: key(&text.value), regex, place: &text.place })
    };
    texts.iter().filter_map(entry).collect()
}

impl Entry<'_> {
    pub(super) fn is_pattern(&self) -> bool {
        self.regex.is_some()
    }

    /// How it is named in the message about another one.
    pub(super) fn told(&self) -> String {
        format!("the mask `{}` ({})", self.text, self.place)
    }

    /// Where it stands in a text of normal form.
    pub(super) fn stretches_in(&self, text: &str) -> Vec<Range<usize>> {
        match &self.regex {
            Some(regex) => regex.find_iter(text).map(|found| found.range()).collect(),
            // Words may overlap themselves.
            None => text
                .char_indices()
                .filter(|(at, _)| text[*at..].starts_with(&self.key))
                .map(|(at, _)| at..at + self.key.len())
                .collect(),
        }
    }
}

/// The masks of the pack or of one rule.
pub(super) struct Masks<'f>(pub Vec<Entry<'f>>);

impl<'f> Masks<'f> {
    pub(super) fn new(masks: Vec<Entry<'f>>) -> Self {
        Self(masks)
    }

    /// A mask that covers the term wherever it stands: the same, or a pattern that takes all of it.
    pub(super) fn always_over(&self, term: &Entry<'_>) -> Option<&Entry<'f>> {
        self.0.iter().find(|mask| {
            mask.key == term.key
                || mask.is_pattern()
                    && !term.is_pattern()
                    && mask.stretches_in(&term.key).contains(&(0..term.key.len()))
        })
    }
}
