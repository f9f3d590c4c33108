//! Whether two complaints speak of one place.

use std::hash::{Hash, Hasher};
use std::num::NonZeroU32;
use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHasher};
use serde::{Deserialize, Serialize};

use super::alike::{Name, alike};
use super::endings::endings_of;
use crate::model::{PlaceKind, PlaceMention, PlaceSource, Where};

/// What two complaints' places say about each other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Relation {
    /// One place, with how surely, 0 to 1.
    Same(f32),
    /// Nothing can be said: one of them names no place, or they name places of different fineness.
    Unknown,
    /// Different places.
    Different,
}

/// Places kept of one complaint for comparing; the first ones are what it is about. Comparing costs
/// up to the square of this for each candidate.
const MAX_KEYS: usize = 8;

/// The places of a complaint in the form that comparing is cheap in. Made once, compared with every
/// candidate.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct PlaceKeys {
    keys: Box<[Key]>,
}

/// A place by its name, the same for all who name it.
#[derive(Debug, PartialEq)]
struct Named {
    hash: u64,
    /// One bit for each character, by its code: names without common bits are not alike.
    bits: u64,
    kind: PlaceKind,
    text: Box<str>,
    name: Name,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
struct Key {
    place: Arc<Named>,
    /// A hash of the part of it that is named: parts are only ever the same or not.
    part: Option<NonZeroU32>,
    kind: PlaceKind,
    /// What the complaint is about, as against what it mentions besides.
    primary: bool,
    /// From a structured field, or known to the gazetteer.
    sure: bool,
    /// Firm enough to part two complaints: not a name of the text that ends like many words do.
    firm: bool,
}

/// A key as it is written down: name, hash of the part, kind, and whether it is primary, sure and firm.
type Written = (Box<str>, Option<NonZeroU32>, PlaceKind, [bool; 3]);

impl From<Key> for Written {
    fn from(key: Key) -> Self {
        let Key { place, part, kind, primary, sure, firm } = key;
        (place.text.clone(), part, kind, [primary, sure, firm])
    }
}

impl From<Written> for Key {
    fn from((name, part, kind, [primary, sure, firm]): Written) -> Self {
        Self { place: Arc::new(Named::new(kind, name)), part, kind, primary, sure, firm }
    }
}

/// Keeps one copy of each place that many complaints name.
#[derive(Debug, Default)]
pub struct PlaceNames {
    known: FxHashMap<u64, Arc<Named>>,
    /// Above this, those that nobody names any more are dropped.
    sweep_at: usize,
}

impl PlaceNames {
    /// Lets `keys` share their names with all others that went through here.
    pub fn share(&mut self, keys: &mut PlaceKeys) {
        for key in &mut keys.keys {
            let known = self.known.entry(key.place.hash).or_insert_with(|| Arc::clone(&key.place));
            if **known == *key.place {
                key.place = Arc::clone(known);
            }
        }
        if self.known.len() > self.sweep_at {
            self.known.retain(|_, place| Arc::strong_count(place) > 1);
            self.sweep_at = 2 * self.known.len() + 64;
        }
    }
}

/// So many characters two names must share before they are looked at closely: a cheap check that
/// leaves out nearly all pairs.
const ALIKE_CHARS: u32 = 2;

impl PlaceKeys {
    /// The keys of the places read from one complaint, in the order that [`super::Places`] gives.
    ///
    /// Primary is what the fields name, else what the title names, else the first site, road and
    /// community of the text. A person's own estate and the neighbours mentioned besides are thereby
    /// kept apart from what the complaint is about.
    pub fn new(mentions: &[PlaceMention]) -> Self {
        let lead = |mention: &PlaceMention| match (mention.source, mention.span) {
            (PlaceSource::Field, _) => 0,
            (_, Some(span)) if span.field == Where::Title => 1,
            _ => 2,
        };
        let fine = |mention: &&PlaceMention| mention.kind >= PlaceKind::Community;
        let best = mentions.iter().filter(fine).map(lead).min();
        let mut seen: Vec<PlaceKind> = Vec::new();
        let key = |mention: &PlaceMention| {
            let from = lead(mention);
            let first = !seen.contains(&mention.kind);
            seen.push(mention.kind);
            let primary = match from {
                2 => best == Some(2) && first,
                // The fields' address and the title both say what it is about.
                _ => true,
            };
            Key {
                place: Arc::new(Named::new(mention.kind, mention.name.clone())),
                part: mention.part.as_deref().map(part),
                kind: mention.kind,
                primary,
                sure: matches!(mention.source, PlaceSource::Field | PlaceSource::Gazetteer),
                firm: match mention.source {
                    PlaceSource::Field | PlaceSource::Gazetteer => true,
                    PlaceSource::Form => from < 2 || !weakly_ended(&mention.name),
                    PlaceSource::Bare => false,
                },
            }
        };
        Self { keys: mentions.iter().take(MAX_KEYS).map(key).collect() }
    }

    /// Whether no place is known.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The places by name, in the order in which they were named.
    pub fn names(&self) -> impl Iterator<Item = (PlaceKind, &str)> {
        self.keys.iter().map(|key| (key.kind, &*key.place.text))
    }

    /// Hashes of the sites, roads and communities, primary ones first: equal for equal names, stable
    /// within one version of the program. For an index of candidates.
    pub fn hashes(&self) -> impl Iterator<Item = u64> + '_ {
        let fine = |primary| move |key: &&Key| key.primary == primary && key.kind >= PlaceKind::Community;
        self.keys
            .iter()
            .filter(fine(true))
            .chain(self.keys.iter().filter(fine(false)))
            .map(|key| key.place.hash)
    }

    /// What the places of two complaints say about each other. Symmetric.
    ///
    /// Sites decide before roads, roads before communities, those before streets. What is only
    /// mentioned besides can bind, weakly, but never part.
    ///
    /// The strengths (here and in `alike`) are an order by judgement, not measured chances: a
    /// site above a road above a community, what a complaint is about above what it mentions,
    /// equal names above names that only sound or look alike. Grouping turns them into how much
    /// the same place lowers its threshold.
    pub fn relation(&self, other: &Self) -> Relation {
        if let Some(strength) = self.best(other, PlaceKind::Site, 0.5) {
            return Relation::Same(strength);
        }
        let road = self.best(other, PlaceKind::Road, 0.3);
        let community = self.best(other, PlaceKind::Community, 0.3);
        let sites =
            |keys: &Self| keys.keys.iter().any(|key| key.kind == PlaceKind::Site && key.primary && key.firm);
        if sites(self) && sites(other) {
            // Two sites beside one road, or that begin alike (two shops of one chain, an estate and its
            // school): not one place, not far apart either.
            let near = road.is_some_and(|road| road > 0.9) || self.begins_like(other, PlaceKind::Site);
            return if near { Relation::Unknown } else { Relation::Different };
        }
        if let Some(road) = road {
            return Relation::Same(road * 0.7);
        }
        if let Some(community) = community {
            return Relation::Same(community * 0.6);
        }
        for kind in [PlaceKind::Road, PlaceKind::Community, PlaceKind::Street, PlaceKind::District] {
            if self.parted(other, kind) {
                return Relation::Different;
            }
        }
        Relation::Unknown
    }

    /// Strength of the best agreement in one kind; `aside` weighs what is mentioned besides.
    fn best(&self, other: &Self, kind: PlaceKind, aside: f32) -> Option<f32> {
        let mut best: Option<f32> = None;
        for a in self.keys.iter().filter(|key| key.kind == kind) {
            for b in other.keys.iter().filter(|key| key.kind == kind) {
                let Some(alike) = a.alike(b) else { continue };
                let weight = if a.primary && b.primary {
                    // 青溪湖 shared, but one is about 云栖园 there and the other about 石桥园.
                    if self.alone(a, other) && other.alone(b, self) { 1.0 } else { 0.5 }
                } else if a.primary || b.primary {
                    f32::midpoint(1.0, aside)
                } else {
                    aside
                };
                if alike * weight >= 1.0 {
                    return Some(1.0);
                }
                best = Some(best.map_or(alike * weight, |best| best.max(alike * weight)));
            }
        }
        best
    }

    /// Whether `key` is what this complaint is about, and not only the surroundings of another site
    /// that `other` does not name.
    fn alone(&self, key: &Key, other: &Self) -> bool {
        let elsewhere =
            |own: &&Key| own.kind == key.kind && own.primary && own.firm && !std::ptr::eq(*own, key);
        let mut rest = self.keys.iter().filter(elsewhere).peekable();
        rest.peek().is_none()
            || rest.any(|own| other.keys.iter().any(|key| own.kind == key.kind && own.alike(key).is_some()))
    }

    /// Whether what both are about has names of this kind with one long beginning.
    fn begins_like(&self, other: &Self, kind: PlaceKind) -> bool {
        let primary = |key: &&Key| key.kind == kind && key.primary;
        self.keys
            .iter()
            .filter(primary)
            .any(|a| other.keys.iter().filter(primary).any(|b| a.place.name.begins_like(&b.place.name)))
    }

    /// Whether both name places of this kind surely enough to say that they are different ones.
    fn parted(&self, other: &Self, kind: PlaceKind) -> bool {
        // Callers err about administrative borders: those part only when fields or gazetteer say so.
        let counts = |key: &&Key| key.kind == kind && key.primary && (key.sure || kind == PlaceKind::Road);
        let mut a = self.keys.iter().filter(counts).peekable();
        let b: Vec<&Key> = other.keys.iter().filter(counts).collect();
        let one = |a: &Key, b: &Key| a.place.hash == b.place.hash || a.place.name.begins_like(&b.place.name);
        a.peek().is_some() && !b.is_empty() && !a.any(|a| b.iter().any(|b| one(a, b)))
    }
}

impl Named {
    fn new(kind: PlaceKind, text: Box<str>) -> Self {
        let mut hasher = FxHasher::default();
        (kind, &*text).hash(&mut hasher);
        let name = Name::new(&text);
        let bits = name.chars().iter().fold(0, |bits, &c| bits | 1 << (c as u32 % 61));
        Self { hash: hasher.finish(), bits, kind, text, name }
    }
}

fn part(name: &str) -> NonZeroU32 {
    let mut hasher = FxHasher::default();
    name.hash(&mut hasher);
    NonZeroU32::MIN | (hasher.finish() >> 32) as u32
}

/// Whether a name has no better ending than one character that other words end in too.
fn weakly_ended(name: &str) -> bool {
    let mut endings = endings_of(name).peekable();
    endings.peek().is_some() && endings.all(|ending| ending.weak)
}

impl Key {
    fn alike(&self, other: &Self) -> Option<f32> {
        // Open complaints share their names: of most equal ones nothing has to be fetched.
        let strength = if Arc::ptr_eq(&self.place, &other.place) || self.place.hash == other.place.hash {
            1.0
        } else if (self.place.bits & other.place.bits).count_ones() >= ALIKE_CHARS
            && matches!(self.kind, PlaceKind::Site | PlaceKind::Road)
        {
            alike(&self.place.name, &other.place.name)?
        } else {
            return None;
        };
        // Another phase or number of the same site is nearly, not quite, the same place.
        let parts = match (self.part, other.part) {
            (Some(a), Some(b)) if a != b => {
                if self.kind == PlaceKind::Road {
                    0.6
                } else {
                    0.9
                }
            }
            _ => 1.0,
        };
        Some(strength * parts)
    }
}

/// [`PlaceKeys::relation`] of two complaints' places. For many comparisons make the keys once.
pub fn relation(a: &[PlaceMention], b: &[PlaceMention]) -> Relation {
    PlaceKeys::new(a).relation(&PlaceKeys::new(b))
}
