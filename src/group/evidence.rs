//! Evidence in the form in which it waits for an alert: a third of the memory.

use std::num::NonZeroU32;
use std::sync::Arc;

use crate::model::{ComplaintId, MemberEvidence, PlaceMention, ScorePart, SharedTerm, Span, Where};

/// What a score is made of: the likeness of the words, that of the titles, one company or another, one
/// place, one category or another, an earlier work order that it goes on from.
const PARTS: [&str; 6] = ["terms", "title", "company", "place", "category", "earlier"];

/// A score taken apart, in the order of [`PARTS`].
pub(super) type Parts = [f32; PARTS.len()];

/// For people: what counts for nothing is left out.
pub(super) fn parts(scores: Parts) -> Vec<ScorePart> {
    let counts = PARTS.into_iter().zip(scores).filter(|(_, score)| *score != 0.0);
    counts.map(|(what, score)| ScorePart { what: what.into(), score }).collect()
}

/// A shared term whose words stand elsewhere: its bytes, its weight, and where it begins.
type Term = (u32, f32, Option<Begin>);

/// Where a term begins; it ends behind its words.
#[derive(Debug, Clone, Copy)]
struct Begin {
    /// The field in the two high bits, and the byte.
    at: NonZeroU32,
}

impl Begin {
    const BITS: u32 = 30;
    const FIELDS: [Where; 3] = [Where::Title, Where::Text, Where::Subject];

    fn new(span: Span) -> Option<Self> {
        let field = Self::FIELDS.iter().position(|field| *field == span.field)? as u32 + 1;
        debug_assert!(span.start >> Self::BITS == 0, "texts are far below a gigabyte");
        NonZeroU32::new(field << Self::BITS | span.start).map(|at| Self { at })
    }

    fn span(self, length: u32) -> Span {
        let field = Self::FIELDS[(self.at.get() >> Self::BITS) as usize - 1];
        let start = self.at.get() & ((1 << Self::BITS) - 1);
        Span { field, start, end: start + length }
    }
}

/// A member's evidence, packed.
#[derive(Debug, Clone)]
pub(super) struct Packed {
    nearest: ComplaintId,
    similarity: f32,
    threshold: f32,
    parts: Parts,
    /// All shared terms, one after the other.
    words: Box<str>,
    /// The bytes of each, its weight and where it stands.
    terms: Box<[Term]>,
    places: Box<[PlaceMention]>,
}

impl Packed {
    pub(super) fn new(evidence: &MemberEvidence) -> Self {
        let MemberEvidence { nearest, similarity, threshold, shared_terms, shared_places, parts } = evidence;
        let score = |what| parts.iter().find(|part| part.what == what).map_or(0.0, |part| part.score);
        Self {
            nearest: nearest.clone(),
            similarity: *similarity,
            threshold: *threshold,
            parts: PARTS.map(score),
            words: shared_terms.iter().map(|shared| shared.term.as_str()).collect::<String>().into(),
            terms: shared_terms
                .iter()
                .map(|shared| (shared.term.len() as u32, shared.weight, shared.span.and_then(Begin::new)))
                .collect(),
            places: shared_places.as_slice().into(),
        }
    }

    pub(super) fn unpack(&self) -> Arc<MemberEvidence> {
        let mut rest = &*self.words;
        let shared_terms = self.terms.iter().map(|&(length, weight, span)| {
            let (term, behind) = rest.split_at(length as usize);
            rest = behind;
            SharedTerm { term: term.to_owned(), weight, span: span.map(|begin| begin.span(length)) }
        });
        Arc::new(MemberEvidence {
            shared_terms: shared_terms.collect(),
            nearest: self.nearest.clone(),
            similarity: self.similarity,
            threshold: self.threshold,
            shared_places: self.places.to_vec(),
            parts: parts(self.parts),
        })
    }

    /// The shared terms with their weights, heaviest first.
    pub(super) fn terms(&self) -> impl Iterator<Item = (&str, f32)> {
        let mut rest = &*self.words;
        self.terms.iter().map(move |&(length, weight, _)| {
            let (term, behind) = rest.split_at(length as usize);
            rest = behind;
            (term, weight)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{PlaceKind, PlaceSource, Where};

    #[test]
    fn nothing_is_lost_by_packing() {
        let span = Some(Span { field: Where::Title, start: 3, end: 9 });
        let later = Some(Span { field: Where::Text, start: 70_000, end: 70_006 });
        let shared = |term: &str, span| SharedTerm { term: term.to_owned(), weight: 0.25, span };
        let place = PlaceMention {
            name: "云栖雅苑".into(),
            kind: PlaceKind::Site,
            source: PlaceSource::Form,
            span,
            part: Some("2期".into()),
        };
        for scores in [[0.5, 0.0, 0.0, 0.0, 0.0, 0.0], [0.25, 0.125, -0.5, 0.5, 0.25, 0.125]] {
            let evidence = MemberEvidence {
                nearest: "a1".into(),
                similarity: 0.5,
                threshold: 0.21,
                shared_terms: vec![shared("烟道", span), shared("kh1", None), shared("漏烟", later)],
                shared_places: vec![place.clone()],
                parts: parts(scores),
            };
            let packed = Packed::new(&evidence);
            assert_eq!(*packed.unpack(), evidence);
            assert_eq!(packed.terms().map(|(term, _)| term).collect::<Vec<_>>(), ["烟道", "kh1", "漏烟"]);
        }
    }
}
