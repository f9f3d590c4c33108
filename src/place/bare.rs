//! Names without an ending that stand where a title names its place: right behind the district.
//!
//! `A5区宏澜故事夜里…`: titles are written from the coarse to the fine, so what follows the
//! district, up to the first word that no name holds, is where it is. Only a run with something that
//! the dictionary does not know as an everyday word is taken: `A市小学教师待遇` names no place.

use super::form::Found;
use super::name;
use super::walk::Walk;
use super::{PlaceKind, endings};
use crate::text::{WordClass, is_alphanumeric};

/// Characters of a bare name.
const LENGTH: std::ops::RangeInclusive<usize> = 3..=8;

impl Walk<'_> {
    /// Adds the bare names behind districts to `found`, which is in the order of the text.
    pub(super) fn behind_districts(&self, found: &mut Vec<Found>) {
        let districts = (0..self.tokens.len()).filter(|index| self.is_district(*index));
        let mut borders: Vec<usize> =
            districts.map(|index| self.tokens[index].end).chain(self.borders().iter().copied()).collect();
        borders.sort_unstable();
        borders.dedup();
        for border in borders {
            let Some(site) = self.bare(border) else { continue };
            let at = found.partition_point(|other| other.start < site.start);
            let crossed = |other: &Found| other.start < site.end && site.start < other.end;
            if !found[at.saturating_sub(1)..].iter().take(3).any(crossed) {
                found.insert(at, site);
            }
        }
    }

    /// The bare name that begins here, maybe inside of a word: the segmenter may take 区宏澜 for one.
    fn bare(&self, start: usize) -> Option<Found> {
        let first = self.token_before(start + 1)?;
        let mut unknown = false;
        let mut end = start;
        for (index, token) in self.tokens.iter().enumerate().skip(first) {
            let word = &self.text[token.start.max(start)..token.end];
            let class = if token.start < start { WordClass::Unknown } else { self.class(index) };
            let role = self.forms.role(word);
            let plain = word.chars().all(|c| is_alphanumeric(c) && !c.is_ascii());
            let names = matches!(class, WordClass::Unknown | WordClass::Name | WordClass::Noun) || role.names;
            if !plain || role.stops || role.generic || !names || self.is_district(index) {
                break;
            }
            // What begins an unknown word may be a word before the name.
            if end == start && word.starts_with(|c| endings::LEADING.has(c)) {
                return None;
            }
            unknown |= role.names || matches!(class, WordClass::Unknown | WordClass::Name);
            end = token.end;
        }
        let bare = self.text.get(start..end)?;
        let is_name = unknown && LENGTH.contains(&bare.chars().count()) && name::part(bare).is_none();
        is_name.then(|| Found { bare: true, ..self.finish(bare.to_owned(), PlaceKind::Site, start, end) })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::model::{PlaceFields, PlaceSource};
    use crate::place::{Gazetteer, PlaceKeys, Places, Relation};
    use crate::text::{Segmenter, normalise};

    #[test]
    fn behind_the_district_a_name_needs_no_ending() {
        let gazetteer = Arc::new(Gazetteer::builtin());
        let segmenter = Arc::new(Segmenter::with_words(gazetteer.words()));
        let places = Places::new(gazetteer, segmenter);
        let read = |title: &str| places.read(&PlaceFields::default(), &normalise(title), &normalise(""));
        for (title, expected) in [
            ("A5区宏澜故事夜里扰民", Some("宏澜故事")),
            ("反映B市鑫澜时代什么时候通暖气", Some("鑫澜时代")),
            // Nothing that the dictionary does not know, or nothing behind a district.
            ("A市小学教师待遇问题", None),
            ("A市地铁违规用工", None),
            ("咨询宏澜故事的问题", None),
        ] {
            let found = read(title).into_iter().find(|mention| mention.source == PlaceSource::Bare);
            assert_eq!(found.map(|mention| mention.name).as_deref(), expected, "{title}");
        }
        // It binds, and it never parts.
        let keys = |title: &str| PlaceKeys::new(&read(title));
        let a = keys("A5区宏澜故事夜里扰民");
        assert!(matches!(a.relation(&keys("A5区宏澜故事没有热水")), Relation::Same(_)));
        assert_eq!(a.relation(&keys("A5区鑫澜时代夜里扰民")), Relation::Unknown);
    }
}
