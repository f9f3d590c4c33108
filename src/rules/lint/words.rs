//! Terms and masks as they are compared with each other, without any text.

use std::ops::Range;

use regex::Regex;

use crate::rules::matcher::{PATTERN, normal_literal, normal_pattern, pattern};
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
    file: &'f str,
    pub line: u64,
    column: u64,
}

/// Those of a list that can be compiled; the others are mistakes, told elsewhere.
pub(super) fn entries<'f>(file: &'f str, texts: &'f [Text]) -> Vec<Entry<'f>> {
    let entry = |text: &'f Text| {
        let (key, regex) = match text.value.strip_prefix(PATTERN) {
            Some(source) => (format!("{PATTERN}{}", normal_pattern(source)), Some(pattern(source).ok()?)),
            None => (normal_literal(&text.value), None),
        };
        let (line, column) = (text.referenced.line(), text.referenced.column());
        Some(Entry { text: &text.value, key, regex, file, line, column })
    };
    texts.iter().filter_map(entry).collect()
}

impl<'f> Entry<'f> {
    pub(super) fn at(&self) -> (&'f str, u64, u64) {
        (self.file, self.line, self.column)
    }

    pub(super) fn is_pattern(&self) -> bool {
        self.regex.is_some()
    }

    /// How it is named in the message about another one.
    pub(super) fn told(&self) -> String {
        format!("the mask `{}` ({}:{})", self.text, self.file, self.line)
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
