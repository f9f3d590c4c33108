//! What grouping reads in a complaint: all that it will ever be compared by.

use std::num::NonZeroU32;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::PlaceMention;
use crate::place::PlaceKeys;

use super::window::Held;
use super::{Company, Grams, candidates, grams, usual};

/// What is read once, without knowing any other complaint, and kept as long as others may join it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reading {
    /// Event time.
    pub(super) at: Timestamp,
    /// Its pairs of syllables, ascending.
    pub(super) pairs: Box<[Held]>,
    /// What it is found by in the index, ascending.
    pub(super) keys: Box<[u32]>,
    /// Its places.
    pub(super) place_keys: PlaceKeys,
    /// A hash of its category path.
    pub(super) category: Option<NonZeroU32>,
    /// Whom it accuses.
    pub(super) company: Option<Arc<Company>>,
    /// Its title, or the beginning of its text.
    pub(super) headline: Box<str>,
}

/// Bytes that are no reading of this program's.
#[derive(Debug, thiserror::Error)]
pub enum ReadingError {
    /// They are cut short, or no reading at all.
    #[error("the stored reading of a complaint cannot be used: {0}")]
    Form(#[from] postcard::Error),
    /// There is no such time.
    #[error("the stored reading of a complaint has no time: {0}")]
    Time(#[from] jiff::Error),
}

/// A reading as it is written down. Ascending numbers are kept as steps, which are small.
#[derive(Serialize, Deserialize)]
struct Written<'a> {
    /// Seconds, and nanoseconds on top.
    at: (i64, i32),
    pairs: Box<[u32]>,
    keys: Box<[u32]>,
    place_keys: PlaceKeys,
    category: Option<NonZeroU32>,
    #[serde(borrow)]
    company: Option<Accused<'a>>,
    headline: &'a str,
}

/// The rules of a company, and its names with whether the title says them.
#[derive(Serialize, Deserialize)]
struct Accused<'a> {
    #[serde(borrow)]
    rules: Vec<&'a str>,
    names: Vec<(&'a str, bool)>,
}

impl Reading {
    /// Puts together what was read: words, places, the category from coarse to fine, whom the complaint
    /// accuses, and its title or the beginning of its text.
    pub fn new(
        at: Timestamp,
        words: &Grams,
        places: &[PlaceMention],
        category: &[String],
        company: Option<Arc<Company>>,
        headline: &str,
    ) -> Self {
        let mut pairs: Box<[Held]> = words.iter().map(Held::new).collect();
        pairs.sort_unstable();
        let category =
            (!category.is_empty()).then(|| NonZeroU32::MIN | grams::hash_name(&category.join("/")));
        let sites = places.iter().filter(|place| candidates::leads_somewhere(place));
        // A site alone, and with the category: of the busy site's many complaints those of the kind.
        let sites = sites.flat_map(|site| {
            let site = grams::hash_name(&site.name);
            let of_kind = category.map(|category| usual::of_kind(category, site));
            [Some(site), of_kind].into_iter().flatten()
        });
        let companies = company.iter().flat_map(|company| company.keys());
        let mut keys: Vec<u32> = words.keys().iter().copied().chain(sites).chain(companies).collect();
        keys.sort_unstable();
        keys.dedup();
        let (keys, place_keys) = (keys.into(), PlaceKeys::new(places));
        Self { at, pairs, keys, place_keys, category, company, headline: headline.into() }
    }

    /// Whom it accuses.
    pub fn company(&self) -> Option<&Company> {
        self.company.as_deref()
    }

    /// Its title, or the beginning of its text.
    pub fn headline(&self) -> &str {
        &self.headline
    }

    /// Writes it down, so that it need not be read again after a restart.
    ///
    /// # Panics
    /// Never: everything in it can be written.
    pub fn to_bytes(&self) -> Vec<u8> {
        let written = Written {
            at: (self.at.as_second(), self.at.subsec_nanosecond()),
            pairs: steps(self.pairs.iter().map(|held| held.bits())),
            keys: steps(self.keys.iter().copied()),
            place_keys: self.place_keys.clone(),
            category: self.category,
            company: self.company.as_ref().map(|company| Accused {
                rules: company.rules().collect(),
                names: company.names().collect(),
            }),
            headline: &self.headline,
        };
        postcard::to_allocvec(&written).expect("plain data can be written")
    }

    /// Reads what [`Reading::to_bytes`] wrote.
    ///
    /// # Errors
    /// When the bytes are something else.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ReadingError> {
        let written: Written<'_> = postcard::from_bytes(bytes)?;
        let company = written
            .company
            .and_then(|accused| Company::new(accused.rules.into_iter(), accused.names.into_iter()));
        Ok(Self {
            at: Timestamp::new(written.at.0, written.at.1)?,
            pairs: sums(&written.pairs).map(Held::from_bits).collect(),
            keys: sums(&written.keys).collect(),
            place_keys: written.place_keys,
            category: written.category,
            company: company.map(Arc::new),
            headline: written.headline.into(),
        })
    }
}

/// The first number, and by how much each is above the one before.
fn steps(ascending: impl Iterator<Item = u32>) -> Box<[u32]> {
    let step = |last: &mut u32, number: u32| Some(number.wrapping_sub(std::mem::replace(last, number)));
    ascending.scan(0, step).collect()
}

/// The numbers again.
fn sums(steps: &[u32]) -> impl Iterator<Item = u32> + '_ {
    steps.iter().scan(0_u32, |sum, step| {
        *sum = sum.wrapping_add(*step);
        Some(*sum)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::{PlaceKind, PlaceSource, Span, Where};
    use crate::text::normalise;

    proptest! {
        #[test]
        fn what_was_written_is_read_again(
            title in "[云栖雅苑漏水烟道物业停车1-9]{0,12}",
            text in "\\PC{0,200}",
            site in prop::option::of(("[云栖青山]{2,4}(家园|小区|路)", prop::option::of("[1-9]期"), any::<bool>())),
            category in prop::collection::vec("[房屋供暖]{2}", 0..3),
            company in prop::option::of(("F0[1-9]", "[金穗众汇]{2,4}(网|公司)?", any::<bool>())),
            seconds in -2_000_000_000_i64..4_000_000_000,
        ) {
            let words = Grams::read(&normalise(&title), &normalise(&text), 3);
            let places: Vec<PlaceMention> = site.into_iter().map(|(name, part, sure)| PlaceMention {
                kind: if name.ends_with('路') { PlaceKind::Road } else { PlaceKind::Site },
                name: name.into(),
                source: if sure { PlaceSource::Field } else { PlaceSource::Form },
                span: (!sure).then_some(Span { field: Where::Title, start: 0, end: 6 }),
                part: part.map(Into::into),
            }).collect();
            let company = company.and_then(|(rule, name, in_title)| {
                Company::new([rule.as_str()].into_iter(), [(name.as_str(), in_title)].into_iter())
            });
            let at = Timestamp::from_second(seconds).unwrap();
            let reading = Reading::new(at, &words, &places, &category, company.map(Arc::new), &title);
            prop_assert_eq!(Reading::from_bytes(&reading.to_bytes()).unwrap(), reading);
        }

        #[test]
        fn other_bytes_are_refused_or_read_without_harm(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            drop(Reading::from_bytes(&bytes));
        }
    }
}
