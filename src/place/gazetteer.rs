//! Places that are known by name.

use std::fmt;
use std::hash::{Hash as _, Hasher as _};
use std::path::Path;

use rustc_hash::{FxHashMap, FxHasher};

use super::form::Found;
use super::gazetteer_file::{self, GazetteerError, Place};
use super::marks::Stretch;
use crate::model::PlaceKind;

/// Known districts, streets, communities, sites and roads, with other names for them. Immutable.
pub struct Gazetteer {
    places: Vec<Place>,
    /// For each name the places of that name, one of a kind.
    by_name: FxHashMap<String, Vec<u32>>,
}

impl fmt::Debug for Gazetteer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gazetteer").field("places", &self.places.len()).finish_non_exhaustive()
    }
}

impl Gazetteer {
    /// Reads all `*.toml` of a folder, in the order of their names; the format is described in
    /// `rules/places/README.md`.
    ///
    /// # Errors
    /// The first thing wrong, with file, line and what to do about it.
    pub fn load(dir: &Path) -> Result<Self, GazetteerError> {
        Ok(Self::of(gazetteer_file::load(dir)?))
    }

    /// The files of `rules/places/` as they were when the program was built.
    ///
    /// # Panics
    /// Never: the files are read by a test.
    #[must_use]
    pub fn builtin() -> Self {
        let places =
            gazetteer_file::parse_all(&[("xicheng.toml", include_str!("../../rules/places/xicheng.toml"))]);
        Self::of(places.expect("the shipped gazetteer is tested"))
    }

    /// One that knows nothing: places are then read by field and form alone.
    #[must_use]
    pub fn empty() -> Self {
        Self { places: Vec::new(), by_name: FxHashMap::default() }
    }

    fn of(places: Vec<Place>) -> Self {
        let mut by_name: FxHashMap<String, Vec<u32>> = FxHashMap::default();
        for (index, place) in (0_u32..).zip(&places) {
            for name in place.names() {
                let alike: &mut Vec<u32> = by_name.entry(name.to_owned()).or_default();
                if !alike.iter().any(|&other| places[other as usize].kind == place.kind) {
                    alike.push(index);
                }
            }
        }
        Self { places, by_name }
    }

    /// All names with the number of the place that each stands for.
    pub(super) fn numbered(&self) -> impl Iterator<Item = (&str, u32)> {
        (0_u32..).zip(&self.places).flat_map(|(index, place)| place.names().map(move |name| (name, index)))
    }

    /// All names, for [`crate::text::Segmenter::with_words`].
    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.places.iter().flat_map(Place::names)
    }

    /// A hash of all places with everything known of them, in their order.
    pub fn fingerprint(&self) -> u64 {
        let mut hasher = FxHasher::default();
        self.places.hash(&mut hasher);
        hasher.finish()
    }

    /// The 9-digit code of a street, or the 6-digit code of a district, by name or other name.
    pub fn code(&self, name: &str, kind: PlaceKind) -> Option<&str> {
        self.place(name, kind)?.code.as_deref()
    }

    /// The street a site or community belongs to, when the gazetteer says so.
    pub fn street_of(&self, name: &str, kind: PlaceKind) -> Option<&str> {
        self.place(name, kind)?.street.as_deref()
    }

    fn place(&self, name: &str, kind: PlaceKind) -> Option<&Place> {
        let alike = self.by_name.get(name)?;
        alike.iter().map(|&index| &self.places[index as usize]).find(|place| place.kind == kind)
    }

    /// The name that a field's value stands for: the known place's, with or without its ending
    /// (展览路 for 展览路街道), else the value itself; `None` for an empty value.
    pub(super) fn resolve(&self, value: &str, kind: PlaceKind) -> Option<String> {
        let ending = match kind {
            PlaceKind::District => "区",
            PlaceKind::Street => "街道",
            PlaceKind::Community => "社区",
            _ => "",
        };
        let stem = value.trim_end_matches("办事处");
        // 北京市西城区, 西城区展览路街道: what is coarser may stand in front.
        let ended = format!("{stem}{ending}");
        let known = stem
            .char_indices()
            .find_map(|(at, _)| self.place(&stem[at..], kind).or_else(|| self.place(&ended[at..], kind)));
        match known {
            Some(place) => Some(place.name.to_string()),
            None if stem.is_empty() => None,
            None => Some(stem.chars().take(20).collect()),
        }
    }

    /// The place with this number, found where one of its names stands.
    pub(super) fn found(&self, name: Stretch<u32>) -> Found {
        let place = &self.places[name.what as usize];
        Found {
            name: place.name.to_string(),
            kind: place.kind,
            start: name.start,
            end: name.end,
            part: None,
            known: true,
            bare: false,
        }
    }
}
