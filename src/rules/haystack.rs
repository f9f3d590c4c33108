//! The form of a field in which terms are looked for: its normal form without the signs that people
//! put between the characters of a word (跑 路, 非法*集资, 传@销), with the way back.

use std::borrow::Cow;

use crate::model::{Span, Where};
use crate::text::{CharSet, Normalised};

/// What only separates the characters of a word. Punctuation and line breaks stay: no term reaches
/// across a sentence.
static FILLERS: CharSet = CharSet::new(" \t\u{200b}\u{200c}\u{200d}\u{feff}*@#·_^|`");

/// The fillers of `text` with their byte offsets, in order.
fn fillers(text: &str) -> impl Iterator<Item = (usize, usize)> + '_ {
    let mut from = 0;
    std::iter::from_fn(move || {
        let at = FILLERS.next(text, from)?;
        let len = text[at..].chars().next()?.len_utf8();
        from = at + len;
        Some((at, len))
    })
}

/// The normal form of `text` without fillers; borrowed when there are none.
pub(super) fn squeeze(text: &str) -> Cow<'_, str> {
    squeeze_noting(text, |_, _| ())
}

/// As [`squeeze`]; `note` is told of each filler how far the result reaches before it, and its end in
/// `text`.
fn squeeze_noting(text: &str, mut note: impl FnMut(usize, usize)) -> Cow<'_, str> {
    let mut squeezed = String::new();
    let mut copied = 0;
    for (at, len) in fillers(text) {
        if copied == 0 {
            squeezed.reserve(text.len());
        }
        squeezed.push_str(&text[copied..at]);
        copied = at + len;
        note(squeezed.len(), copied);
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    squeezed.push_str(&text[copied..]);
    Cow::Owned(squeezed)
}

/// One field of a complaint, ready to be searched.
#[derive(Debug)]
pub(super) struct Haystack<'t> {
    pub field: Where,
    pub text: Cow<'t, str>,
    normalised: &'t Normalised,
    /// For each filler left out: where it would stand in `text`, and where it ends in the normal form.
    left_out: Vec<(u32, u32)>,
}

impl<'t> Haystack<'t> {
    pub(super) fn new(field: Where, normalised: &'t Normalised) -> Self {
        let mut left_out = Vec::new();
        let text = squeeze_noting(normalised.text(), |at, end| left_out.push((at as u32, end as u32)));
        Self { field, text, normalised, left_out }
    }

    /// The byte of the normal form that `byte` of `text` is.
    fn back(&self, byte: usize) -> usize {
        let before = self.left_out.partition_point(|&(at, _)| at as usize <= byte);
        match before.checked_sub(1).map(|index| self.left_out[index]) {
            Some((at, end)) => end as usize + (byte - at as usize),
            None => byte,
        }
    }

    /// The stretch of the original field that `start..end` (not empty) stands for.
    pub(super) fn span(&self, start: usize, end: usize) -> Span {
        let (start, end) = self.normalised.original(self.back(start), self.back(end - 1) + 1);
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
