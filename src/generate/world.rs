//! The district: streets, communities, sites, and what people call them.

use rand::RngExt as _;
use rand::seq::IndexedRandom as _;
use rand_chacha::ChaCha8Rng;
use serde::Deserialize;

use super::chance;

/// Kinds of sites, named as in `data/kinds_*.toml`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum SiteKind {
    Estate,
    School,
    Mall,
    Office,
    Market,
    Park,
    Hospital,
    Road,
    Site,
    Line,
}

impl SiteKind {
    /// The kind with this number, for ids that carry it; an estate when there is none.
    pub(super) fn from_number(number: u64) -> Self {
        use SiteKind::{Estate, Hospital, Line, Mall, Market, Office, Park, Road, School, Site};
        let all = [Estate, School, Mall, Office, Market, Park, Hospital, Road, Site, Line];
        all.into_iter().find(|&kind| kind as u64 == number).unwrap_or(Estate)
    }
}

/// One site, by number; everything else about it follows from the seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Site {
    pub(super) kind: SiteKind,
    pub(super) number: u32,
}

/// A site spelt out.
#[derive(Debug, Clone)]
pub(super) struct SiteNames<'w> {
    pub(super) name: String,
    pub(super) street: &'w Street,
    pub(super) community: &'w str,
    pub(super) road: &'w str,
    pub(super) house: u32,
}

#[derive(Debug, Deserialize)]
pub(super) struct Street {
    pub(super) name: String,
    communities: Vec<String>,
    roads: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Endings {
    estate: Vec<String>,
    school: Vec<String>,
    mall: Vec<String>,
    office: Vec<String>,
    market: Vec<String>,
    park: Vec<String>,
    hospital: Vec<String>,
    road: Vec<String>,
    site: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Data {
    district: String,
    first: String,
    second: String,
    siblings: Vec<String>,
    endings: Endings,
    street: Vec<Street>,
}

/// The district for one seed.
#[derive(Debug)]
pub(super) struct World {
    data: Data,
    words: Vec<String>,
    seed: u64,
    estates: u32,
}

impl World {
    pub(super) fn new(seed: u64, estates: u32) -> Self {
        let data: Data =
            toml::from_str(include_str!("data/places.toml")).expect("places.toml is ours and valid");
        let mut words = Vec::new();
        for first in data.first.chars() {
            for second in data.second.chars().filter(|&second| second != first) {
                words.push(format!("{first}{second}"));
            }
        }
        Self { data, words, seed, estates }
    }

    pub(super) fn district(&self) -> &str {
        &self.data.district
    }

    pub(super) fn street(&self, rng: &mut ChaCha8Rng) -> &Street {
        self.data.street.choose(rng).expect("there are streets")
    }

    /// How many sites of a kind there are.
    pub(super) fn sites(&self, kind: SiteKind) -> u32 {
        let share = |part: u32| (self.estates / part).max(6);
        match kind {
            SiteKind::Estate => self.estates,
            SiteKind::Road => share(5),
            SiteKind::Mall | SiteKind::Office => share(8),
            SiteKind::School | SiteKind::Market | SiteKind::Site => share(12),
            SiteKind::Park | SiteKind::Hospital => share(20),
            SiteKind::Line => share(10).min(180),
        }
    }

    /// Any site of a kind; some are complained about more than others.
    pub(super) fn any(&self, kind: SiteKind, rng: &mut ChaCha8Rng) -> Site {
        let sites = self.sites(kind);
        let below = rng.random_range(1..=sites);
        // The lesser of a few draws: numbers near zero come more often.
        let number =
            if rng.random_bool(0.4) { rng.random_range(0..below) } else { rng.random_range(0..sites) };
        Site { kind, number }
    }

    /// The site of a kind that comes `turn`-th in an order that meets every site before any again.
    pub(super) fn in_turn(&self, kind: SiteKind, turn: u64) -> Site {
        let sites = u64::from(self.sites(kind));
        let number = (turn.wrapping_mul(coprime(sites, self.seed)) + self.seed % sites) % sites;
        Site { kind, number: number as u32 }
    }

    /// A two-character word for names, by number.
    pub(super) fn word(&self, number: u64) -> &str {
        let count = self.words.len() as u64;
        let at = (number % count * coprime(count, self.seed) + self.seed % count) % count;
        &self.words[at as usize]
    }

    /// Spells a site out.
    pub(super) fn names(&self, site: Site) -> SiteNames<'_> {
        let mut rng = chance(self.seed, 0x5173 + site.kind as u64, site.number.into());
        let street = &self.data.street[rng.random_range(0..self.data.street.len())];
        let community = &street.communities[rng.random_range(0..street.communities.len())];
        let road = &street.roads[rng.random_range(0..street.roads.len())];
        let house = rng.random_range(1..160);
        SiteNames { name: self.name(site), street, community, road, house }
    }

    fn name(&self, site: Site) -> String {
        let endings = match site.kind {
            SiteKind::Estate => &self.data.endings.estate,
            SiteKind::School => &self.data.endings.school,
            SiteKind::Mall => &self.data.endings.mall,
            SiteKind::Office => &self.data.endings.office,
            SiteKind::Market => &self.data.endings.market,
            SiteKind::Park => &self.data.endings.park,
            SiteKind::Hospital => &self.data.endings.hospital,
            SiteKind::Road => &self.data.endings.road,
            SiteKind::Site => &self.data.endings.site,
            SiteKind::Line => return format!("{}路公交", 601 + (site.number * 7 + self.line_start()) % 1260),
        };
        // Every eighth estate is the sibling of the one before: 辉煌嘉园 and 辉煌嘉园北区.
        let sibling = site.kind == SiteKind::Estate && site.number % 8 == 7;
        let number = u64::from(site.number - u32::from(sibling));
        // Words first, endings after: neighbours in number differ in the word.
        let (word, round) = (number, number / self.words.len() as u64);
        let ending = (word.wrapping_mul(7) / 3 + round) as usize % endings.len();
        let base = format!("{}{}", self.word(word + 311 * site.kind as u64), endings[ending]);
        if sibling {
            let suffix = &self.data.siblings[site.number as usize / 8 % self.data.siblings.len()];
            format!("{base}{suffix}")
        } else {
            base
        }
    }

    fn line_start(&self) -> u32 {
        (self.seed % 1260) as u32
    }

    /// What a caller calls a site: with or without its ending, with a part, with its road.
    pub(super) fn mention(names: &SiteNames<'_>, kind: SiteKind, rng: &mut ChaCha8Rng) -> String {
        let name = &names.name;
        let building = rng.random_range(1..22);
        match (kind, rng.random_range(0..20)) {
            (SiteKind::Line, 0..8) => name.trim_end_matches("公交").to_owned(),
            (SiteKind::Line, 8..=13) => format!("{name}车"),
            (SiteKind::Estate, 0..5) if !name.ends_with("小区") && !name.ends_with('里') => {
                format!("{name}小区")
            }
            (SiteKind::Estate, 5..9) => format!("{name}{building}号楼"),
            (SiteKind::Estate, 9..11) => {
                format!("{name}{building}号楼{}单元", rng.random_range(1..6))
            }
            (SiteKind::Estate, 11) => format!("{name}{building}栋"),
            (SiteKind::Estate | SiteKind::Mall | SiteKind::Office | SiteKind::Market, 12) => {
                format!("{}{}号{name}", names.road, names.house)
            }
            (SiteKind::Mall | SiteKind::Office, 13..15) => format!("{name}{}层", rng.random_range(1..9)),
            (SiteKind::Road | SiteKind::Park, 13..15) => format!("{}的{name}", names.community),
            (SiteKind::Line, _) => name.clone(),
            (_, 15) => format!("西城区{name}"),
            (_, 16) => format!("{}{name}", names.street.name),
            (_, 17) => format!("{}{name}", names.street.name.strip_suffix("街道").unwrap_or_default()),
            (_, 18) => format!("{name}附近"),
            _ => name.clone(),
        }
    }
}

/// A step that shares no factor with `count`, so that it visits everything before it repeats.
fn coprime(count: u64, seed: u64) -> u64 {
    let from = 1009 + seed % 97;
    (from..from + count.max(2)).find(|&step| gcd(step, count) == 1).unwrap_or(1)
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_site_has_a_name_of_its_own() {
        let world = World::new(3, 24_000);
        let kinds = [SiteKind::Estate, SiteKind::School, SiteKind::Mall, SiteKind::Office, SiteKind::Road];
        for kind in kinds {
            let names: std::collections::BTreeSet<String> =
                (0..world.sites(kind)).map(|number| world.name(Site { kind, number })).collect();
            assert_eq!(names.len(), world.sites(kind) as usize, "{kind:?}");
        }
    }
}
