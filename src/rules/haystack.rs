//! The form of a field in which terms are looked for: its normal form without the signs that people
//! put between the characters of a word (跑 路, 非法*集资, 传@销), with the way back.

use std::borrow::Cow;

use crate::model::{Span, Where};
use crate::text::Normalised;

/// Whether a character only separates the characters of a word. Punctuation and line breaks stay:
/// no term reaches across a sentence.
fn is_filler(character: char) -> bool {
    matches!(
        character,
        ' ' | '\t' | '\u{200b}'..='\u{200d}' | '\u{feff}' | '*' | '@' | '#' | '·' | '_' | '^' | '|' | '`'
    )
}

/// The normal form of `text` without fillers; borrowed when there are none.
pub(super) fn squeeze(text: &str) -> Cow<'_, str> {
    if text.contains(is_filler) {
        Cow::Owned(text.chars().filter(|&character| !is_filler(character)).collect())
    } else {
        Cow::Borrowed(text)
    }
}

/// One field of a complaint, ready to be searched.
#[derive(Debug)]
pub(super) struct Haystack<'t> {
    pub field: Where,
    pub text: Cow<'t, str>,
    normalised: &'t Normalised,
    /// For each byte of `text` its byte in the normal form; empty when the two are the same.
    back: Vec<u32>,
}

impl<'t> Haystack<'t> {
    pub(super) fn new(field: Where, normalised: &'t Normalised) -> Self {
        let text = squeeze(normalised.text());
        let mut back = Vec::new();
        if matches!(text, Cow::Owned(_)) {
            back.reserve(text.len());
            for (start, character) in normalised.text().char_indices() {
                if !is_filler(character) {
                    back.extend((start..start + character.len_utf8()).map(|byte| byte as u32));
                }
            }
        }
        Self { field, text, normalised, back }
    }

    /// The stretch of the original field that `start..end` (not empty) stands for.
    pub(super) fn span(&self, start: usize, end: usize) -> Span {
        let (from, to) = if self.back.is_empty() {
            (start, end)
        } else {
            (self.back[start] as usize, self.back[end - 1] as usize + 1)
        };
        let (start, end) = self.normalised.original(from, to);
        Span { field: self.field, start, end }
    }

    /// How many characters stand between the ends of two stretches; 0 when they touch or overlap.
    pub(super) fn gap(&self, a: (usize, usize), b: (usize, usize)) -> usize {
        let (left, right) = if a.0 <= b.0 { (a, b) } else { (b, a) };
        if left.1 >= right.0 { 0 } else { self.text[left.1..right.0].chars().count() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::normalise;

    #[test]
    fn fillers_go_and_spans_still_point_at_the_original() {
        let original = "老板 跑*路 了";
        let normal = normalise(original);
        let haystack = Haystack::new(Where::Text, &normal);
        assert_eq!(haystack.text, "老板跑路了");
        let start = haystack.text.find("跑路").unwrap();
        let span = haystack.span(start, start + "跑路".len());
        assert_eq!(&original[span.start as usize..span.end as usize], "跑*路");
    }

    #[test]
    fn a_text_without_fillers_is_not_copied() {
        let normal = normalise("老板跑路了。钱没了");
        assert!(matches!(Haystack::new(Where::Text, &normal).text, Cow::Borrowed(_)));
    }

    #[test]
    fn the_gap_counts_characters_in_either_order() {
        let normal = normalise("健身房突然关门");
        let haystack = Haystack::new(Where::Text, &normal);
        assert_eq!(haystack.gap((0, 9), (15, 21)), 2);
        assert_eq!(haystack.gap((15, 21), (0, 9)), 2);
        assert_eq!(haystack.gap((0, 9), (6, 12)), 0);
    }
}
