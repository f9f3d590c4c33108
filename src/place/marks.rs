//! One look over a text for everything that reading its places begins with.

use std::fmt;

use super::endings::{ENDINGS, Ending, ends_as_authority};
use super::gazetteer::Gazetteer;
use crate::text::WordIndex;

/// Units of administration: what stands before them is no part of a name behind them.
const UNITS: [&str; 4] = ["省", "市", "区", "县"];

/// Finds endings of names, known names and borders in one pass. Immutable.
pub(super) struct Marks {
    index: WordIndex,
    /// For each word of the index what it is.
    meanings: Vec<Meaning>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Meaning {
    /// An ending, by its place in [`ENDINGS`].
    ending: Option<usize>,
    /// A name of the gazetteer's place.
    place: Option<u32>,
    /// One of [`UNITS`].
    unit: bool,
}

/// Where a word stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stretch<T> {
    pub start: usize,
    pub end: usize,
    pub what: T,
}

/// What one look has found, each in the order of the text. Endings do not overlap, and neither do
/// known names: of those that do, the longest that begins first is there.
#[derive(Debug, Default)]
pub(super) struct Marked {
    pub endings: Vec<Stretch<Ending>>,
    /// Names of the gazetteer's places.
    pub known: Vec<Stretch<u32>>,
    /// Where names of provinces and of anonymised districts (`a5区`, `a市`) end: no name reaches
    /// across.
    pub borders: Vec<usize>,
}

impl fmt::Debug for Marks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Marks").finish_non_exhaustive()
    }
}

impl Marks {
    pub(super) fn new(gazetteer: &Gazetteer) -> Self {
        let endings = ENDINGS
            .iter()
            .enumerate()
            .map(|(at, ending)| (ending.text, Meaning { ending: Some(at), ..Meaning::default() }));
        let units = UNITS.iter().map(|unit| (*unit, Meaning { unit: true, ..Meaning::default() }));
        let names = gazetteer
            .numbered()
            .map(|(name, place)| (name, Meaning { place: Some(place), ..Meaning::default() }));
        let mut words: Vec<(&str, Meaning)> = endings.chain(units).chain(names).collect();
        words.sort_by_key(|(word, _)| *word);
        // A word may be there for several reasons.
        words.dedup_by(|(word, more), (kept, meaning)| {
            let same = word == kept;
            if same {
                meaning.ending = meaning.ending.or(more.ending);
                meaning.place = meaning.place.or(more.place);
                meaning.unit |= more.unit;
            }
            same
        });
        let index = WordIndex::new(words.iter().map(|(word, _)| *word));
        Self { index, meanings: words.into_iter().map(|(_, meaning)| meaning).collect() }
    }

    /// Looks over a text in normal form. Known names beyond `limit` are left out.
    pub(super) fn look(&self, text: &str, limit: usize) -> Marked {
        // Every thirtieth character of a usual text or so begins one.
        let endings = Vec::with_capacity(text.len() / 96 + 1);
        let mut marked = Marked { endings, ..Marked::default() };
        // Of words that begin at one place the longest comes first, so that the first that does not
        // begin inside the last one taken is the one to take.
        let (mut ending_end, mut known_end) = (0, 0);
        self.index.each(text, |word| {
            let Meaning { ending, place, unit } = self.meanings[word.word as usize];
            let (start, end) = (word.start, word.end);
            if let Some(ending) = ending.filter(|_| start >= ending_end) {
                ending_end = end;
                drop_authority(&mut marked.endings, text, start);
                marked.endings.push(Stretch { start, end, what: ENDINGS[ending] });
            }
            if let Some(place) = place.filter(|_| start >= known_end && marked.known.len() < limit) {
                known_end = end;
                marked.known.push(Stretch { start, end, what: place });
            }
            if unit && is_border(&text[..start], &text[start..end]) {
                marked.borders.push(end);
            }
        });
        drop_authority(&mut marked.endings, text, usize::MAX);
        marked
    }
}

/// Takes the last ending away when it is that of an authority (政府): no name ends there, so that the
/// words around it need not be cut. One that adjoins another ending, with which it may be one, stays.
fn drop_authority(endings: &mut Vec<Stretch<Ending>>, text: &str, next: usize) {
    let before = endings.len().checked_sub(2).map(|before| endings[before].end);
    endings.pop_if(|last| {
        before != Some(last.start)
            && last.end != next
            && last.what.weak
            && ends_as_authority(&text[..last.end])
    });
}

/// Whether the unit of administration behind `front` ends a name that none reaches across.
fn is_border(front: &str, unit: &str) -> bool {
    unit == "省" || front.ends_with('某') || {
        let letters = front.len() - front.trim_end_matches(|c: char| c.is_ascii_alphanumeric()).len();
        let code = &front[front.len() - letters..];
        letters > 0 && letters <= 3 && code.starts_with(|c: char| c.is_ascii_alphabetic())
    }
}
