//! Where a complaint is, as far as its words and fields say.
//!
//! **Does:** reads places from structured fields, from the gazetteer's names found in the text, and
//! from names recognised by their form ([`Places`]); says whether two complaints speak of one place
//! ([`relation`], [`PlaceKeys`]).
//!
//! **Promises:** pure, the same on every thread. At most [`MAX_MENTIONS`] places of one complaint,
//! whatever its text; cost linear in its length. Spans lie on character borders of the original
//! field. A place that cannot be told is left unknown, never guessed: merging two places because
//! their texts are alike is the worst this program could do.
//!
//! **Leaves to others:** what the complaint is about (`group`), coordinates, maps. How names are
//! read, and why so, is in `docs/decisions/0020-places.md`; the gazetteer's format in
//! `rules/places/README.md`.

mod alike;
mod bare;
mod endings;
mod form;
mod gazetteer;
mod gazetteer_file;
mod keys;
mod marks;
mod name;
#[cfg(test)]
mod tests;
mod walk;

use std::sync::Arc;

use form::{Forms, Found};
pub use gazetteer::Gazetteer;
pub use gazetteer_file::GazetteerError;
pub use keys::{PlaceKeys, PlaceNames, Relation, relation};
use marks::{Marked, Marks};
use walk::Walk;

use crate::model::{PlaceFields, PlaceKind, PlaceMention, PlaceSource, Where};
use crate::text::{Normalised, Segmenter, Token, normalise};

/// Places kept of one complaint. Beyond this a text lists places rather than being about them.
pub const MAX_MENTIONS: usize = 16;

/// Bytes of a text (in normal form) in which places are looked for: what a complaint is about stands
/// at its beginning. Far above the length of a usual complaint; it bounds the cost of unusual ones.
const MAX_READ: usize = 16 * 1024;

/// Reads the places of complaints. Immutable, to be shared between threads.
#[derive(Debug)]
pub struct Places {
    gazetteer: Arc<Gazetteer>,
    segmenter: Arc<Segmenter>,
    forms: Forms,
    marks: Marks,
}

impl Places {
    /// A reader that knows the gazetteer's names. The segmenter should know them too
    /// ([`Gazetteer::words`]).
    #[must_use]
    pub fn new(gazetteer: Arc<Gazetteer>, segmenter: Arc<Segmenter>) -> Self {
        let marks = Marks::new(&gazetteer);
        Self { gazetteer, segmenter, forms: Forms::new(), marks }
    }

    /// A hash of all known places.
    pub fn fingerprint(&self) -> u64 {
        self.gazetteer.fingerprint()
    }

    /// The places of a complaint: from the fields, then the title, then the text; within each in the
    /// order of their first mention, each name once.
    pub fn read(&self, fields: &PlaceFields, title: &Normalised, text: &Normalised) -> Vec<PlaceMention> {
        let mut mentions = Vec::new();
        self.read_fields(fields, &mut mentions);
        for (field, normal) in [(Where::Title, title), (Where::Text, text)] {
            let found = self.find(normal.text(), field == Where::Title);
            for found in found {
                let span = normal.span(field, found.start, found.end);
                let source = match (found.known, found.bare) {
                    (true, _) => PlaceSource::Gazetteer,
                    (false, false) => PlaceSource::Form,
                    (false, true) => PlaceSource::Bare,
                };
                keep(&mut mentions, found.mention(source, Some(span)));
            }
        }
        mentions
    }

    /// Places in a text in normal form; in a title also those without an ending.
    fn find(&self, text: &str, is_title: bool) -> Vec<Found> {
        let text = head(text);
        let marked = self.marks.look(text, MAX_MENTIONS * 4);
        // Cutting words is what costs most: of a text only the clauses that may hold a name.
        let words = if is_title {
            self.segmenter.cut(text)
        } else {
            let ends = marked.endings.iter().map(|ending| (ending.start, ending.end));
            let known = marked.known.iter().map(|name| (name.start, name.end));
            self.segmenter.cut_clauses(text, ends.chain(known))
        };
        self.find_among(&words, &marked, text, is_title)
    }

    fn find_among(&self, words: &[Token<'_>], marked: &Marked, text: &str, is_title: bool) -> Vec<Found> {
        let walk = Walk::new(&self.forms, &self.segmenter, text, words, &marked.borders);
        let known = marked.known.iter().map(|name| self.gazetteer.found(*name));
        let mut found = Forms::read(&walk, &marked.endings, known, MAX_MENTIONS * 4);
        for line in form::bus_lines(text) {
            let crosses = |other: &Found| other.start < line.end && line.start < other.end;
            if !found.iter().any(crosses) {
                found.push(line);
            }
        }
        found.sort_by_key(|found| found.start);
        if is_title {
            walk.anchored(&mut found);
            walk.behind_districts(&mut found);
        }
        found
    }

    fn read_fields(&self, fields: &PlaceFields, mentions: &mut Vec<PlaceMention>) {
        let mut prefixes: Vec<String> = Vec::new();
        for (value, kind) in [
            (&fields.district, PlaceKind::District),
            (&fields.street, PlaceKind::Street),
            (&fields.community, PlaceKind::Community),
        ] {
            let Some(value) = value else { continue };
            let value = normalise(value.trim());
            let Some(name) = self.gazetteer.resolve(value.text(), kind) else { continue };
            prefixes.push(value.text().to_owned());
            prefixes.push(name.clone());
            keep(mentions, field_mention(name, kind, None));
        }
        let Some(address) = &fields.address else { return };
        let address = normalise(address);
        let mut rest = head(address.text());
        while let Some(cut) = prefixes
            .iter()
            .filter(|prefix| !prefix.is_empty())
            .find_map(|prefix| rest.strip_prefix(&**prefix))
        {
            rest = cut;
        }
        let found = self.find(rest, false);
        let mut fine = false;
        for found in found {
            fine |= found.kind >= PlaceKind::Community;
            keep(mentions, found.mention(PlaceSource::Field, None));
        }
        // 云栖紫郡3号楼: an address may be a bare name.
        if !fine {
            let end = rest
                .find(|c: char| c.is_ascii_digit() || c.is_whitespace() || ",.;(".contains(c))
                .unwrap_or(rest.len());
            let (site, behind) = rest.split_at(end);
            if (2..=12).contains(&site.chars().count()) {
                let part = name::part(behind).map(|(part, _)| part);
                keep(mentions, field_mention(name::tidy(site).to_owned(), PlaceKind::Site, part));
            }
        }
    }
}

impl Found {
    fn mention(self, source: PlaceSource, span: Option<crate::model::Span>) -> PlaceMention {
        PlaceMention {
            name: self.name.into(),
            kind: self.kind,
            source,
            span,
            part: self.part.map(Into::into),
        }
    }
}

fn field_mention(name: String, kind: PlaceKind, part: Option<String>) -> PlaceMention {
    PlaceMention {
        name: name.into(),
        kind,
        source: PlaceSource::Field,
        span: None,
        part: part.map(Into::into),
    }
}

/// Adds a mention unless its name is there already; a part that an earlier mention lacks is added.
fn keep(mentions: &mut Vec<PlaceMention>, mention: PlaceMention) {
    let same = |known: &&mut PlaceMention| known.kind == mention.kind && known.name == mention.name;
    if let Some(known) = mentions.iter_mut().find(same) {
        if known.part.is_none() {
            known.part = mention.part;
        }
    } else if mentions.len() < MAX_MENTIONS {
        mentions.push(mention);
    }
}

/// The part of a text in which places are looked for.
fn head(text: &str) -> &str {
    let mut end = text.len().min(MAX_READ);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
