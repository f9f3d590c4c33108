//! The books: which complaints are about one matter, and which pairs must stay apart.

use std::collections::BTreeSet;

use jiff::civil::Date;
use rustc_hash::FxHashMap;
use serde::Serialize;

use super::kinds::{Bound, KINDS};
use super::people::Person;
use super::wording::matter_title;
use super::world::{Site, SiteKind, World};

/// The matter a complaint is about: complaints with equal ids are about one matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MatterId(u64);

const SUBJECT: u64 = 0xFF;
const THEME: u64 = 0xFE;

impl MatterId {
    pub(super) fn new(kind: u16, site: Site, subject: u64) -> Self {
        let (tag, number) = match KINDS[usize::from(kind)].bound {
            Bound::Site => (site.kind as u64, u64::from(site.number)),
            Bound::Subject => (SUBJECT, subject & 0xFFFF_FFFF),
            Bound::Nothing => (THEME, 0),
        };
        Self(u64::from(kind) << 40 | tag << 32 | number)
    }

    pub(super) fn number(self) -> u64 {
        self.0
    }

    fn kind(self) -> u16 {
        (self.0 >> 40) as u16
    }

    /// Whether it is a policy question bound to no place, which is no incident.
    #[must_use]
    pub fn is_theme(self) -> bool {
        self.0 >> 32 & 0xFF == THEME
    }

    fn title(self, world: &World) -> String {
        let number = self.0 & 0xFFFF_FFFF;
        let site = Site { kind: SiteKind::from_number(self.0 >> 32 & 0xFF), number: number as u32 };
        matter_title(world, &KINDS[usize::from(self.kind())], site, number)
    }
}

/// A matter with at least two complaints, in the form of the gold files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TruthMatter {
    /// `M00001` and on, in the order of their first complaint.
    pub matter: String,
    /// Place or company and kind, in Chinese.
    pub title: String,
    /// `matter`, or `theme` for a policy question bound to no place.
    pub kind: &'static str,
    /// Distinct people who complained, anonymous ones left out.
    pub callers: usize,
    /// The most distinct people within any 30 days.
    pub callers_30d: usize,
    /// Its complaints, in the order they came.
    pub ids: Vec<String>,
}

/// A pair of complaints that are about different matters although they look alike.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ApartPair {
    /// The earlier complaint.
    pub a: String,
    /// The later one.
    pub b: String,
    /// What makes them look alike.
    pub why: &'static str,
    /// The Jaccard similarity of their texts' character pairs, 0 to 1.
    pub body_jaccard: f64,
}

/// A day of the stream: its date as it stands in ids, and the serial number it began with.
#[derive(Debug)]
struct Day {
    date: Date,
    first: u32,
}

/// The ids of complaints by serial number: the date, and the number within the day.
#[derive(Debug, Default)]
pub(super) struct Ids {
    days: Vec<Day>,
}

impl Ids {
    /// Notes that complaint `serial` is entered on `date`.
    pub(super) fn enter(&mut self, serial: u32, date: Date) {
        if self.days.last().is_none_or(|day| day.date < date) {
            self.days.push(Day { date, first: serial });
        }
    }

    pub(super) fn id(&self, serial: u32) -> String {
        let after = self.days.partition_point(|day| day.first <= serial);
        let day = &self.days[after.saturating_sub(1)];
        format!("{}-{:06}", day.date.strftime("%Y%m%d"), serial - day.first + 1)
    }
}

#[derive(Debug, Clone, Copy)]
struct Member {
    serial: u32,
    person: u32,
    // Seconds since the first event: 136 years are enough.
    at: u32,
}

#[derive(Debug, Clone, Copy)]
struct Pair {
    a: u32,
    b: u32,
    near_text: bool,
    jaccard: f32,
}

/// The anonymous caller.
const NOBODY: u32 = u32::MAX;

/// What is kept of the truth: twelve bytes a complaint, and a little for each matter.
#[derive(Debug, Default)]
pub(super) struct Truth {
    places: FxHashMap<MatterId, u32>,
    matters: Vec<(MatterId, smallvec::SmallVec<[Member; 1]>)>,
    apart: Vec<Pair>,
}

impl Truth {
    pub(super) fn add(&mut self, matter: MatterId, serial: u32, person: Option<Person>, at: u32) {
        let matters = &mut self.matters;
        let place = *self.places.entry(matter).or_insert_with(|| {
            matters.push((matter, smallvec::SmallVec::new()));
            matters.len() as u32 - 1
        });
        let person = person.map_or(NOBODY, |person| person.0);
        self.matters[place as usize].1.push(Member { serial, person, at });
    }

    pub(super) fn keep_apart(&mut self, a: (u32, &str), b: (u32, &str), near_text: bool) {
        let jaccard = jaccard(a.1, b.1) as f32;
        self.apart.push(Pair { a: a.0, b: b.0, near_text, jaccard });
    }

    /// The matters with at least two complaints, one after the other.
    pub(super) fn matters<'t>(
        &'t self,
        world: &'t World,
        ids: &'t Ids,
    ) -> impl Iterator<Item = TruthMatter> + 't {
        let several = self.matters.iter().filter(|(_, members)| members.len() > 1);
        several.enumerate().map(move |(number, (matter, members))| TruthMatter {
            matter: format!("M{:05}", number + 1),
            title: matter.title(world),
            kind: if matter.is_theme() { "theme" } else { "matter" },
            callers: members
                .iter()
                .map(|member| member.person)
                .filter(|&person| known(person))
                .collect::<BTreeSet<_>>()
                .len(),
            callers_30d: callers_within(members, 30 * 86_400),
            ids: members.iter().map(|member| ids.id(member.serial)).collect(),
        })
    }

    pub(super) fn apart<'t>(&'t self, ids: &'t Ids) -> impl Iterator<Item = ApartPair> + 't {
        self.apart.iter().map(|pair| ApartPair {
            a: ids.id(pair.a),
            b: ids.id(pair.b),
            why: if pair.near_text { "near-identical text, other place" } else { "same place, other matter" },
            body_jaccard: (f64::from(pair.jaccard) * 1000.0).round() / 1000.0,
        })
    }
}

fn known(person: u32) -> bool {
    person != NOBODY
}

/// The most distinct people inside any stretch of `seconds`.
fn callers_within(members: &[Member], seconds: u32) -> usize {
    let mut calls: Vec<(u32, u32)> = members
        .iter()
        .filter(|member| known(member.person))
        .map(|member| (member.at, member.person))
        .collect();
    calls.sort_unstable();
    let mut inside: FxHashMap<u32, u32> = FxHashMap::default();
    let (mut from, mut most) = (0, 0);
    for &(at, person) in &calls {
        *inside.entry(person).or_default() += 1;
        while at - calls[from].0 > seconds {
            let gone = calls[from].1;
            if let Some(count) = inside.get_mut(&gone) {
                *count -= 1;
                if *count == 0 {
                    inside.remove(&gone);
                }
            }
            from += 1;
        }
        most = most.max(inside.len());
    }
    most
}

/// The Jaccard similarity of the texts' sets of character pairs.
fn jaccard(a: &str, b: &str) -> f64 {
    let pairs = |text: &str| -> BTreeSet<(char, char)> { text.chars().zip(text.chars().skip(1)).collect() };
    let (a, b) = (pairs(a), pairs(b));
    let both = a.intersection(&b).count();
    let all = a.len() + b.len() - both;
    if all == 0 { 0.0 } else { both as f64 / all as f64 }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn callers_are_counted_within_the_window() {
        let day = 86_400;
        let call = |person, day_number| Member { serial: 0, person, at: day_number * day };
        let members = [call(1, 0), call(2, 10), call(1, 20), call(3, 45), call(4, 50), call(NOBODY, 51)];
        assert_eq!(callers_within(&members, 30 * day), 3, "1, 3 and 4 (20 to 50)");
    }

    #[test]
    fn ids_carry_the_day_and_count_within_it() {
        let mut ids = Ids::default();
        for (serial, day) in [(0, date(2026, 3, 1)), (1, date(2026, 3, 1)), (2, date(2026, 3, 3))] {
            ids.enter(serial, day);
        }
        assert_eq!(
            [0, 1, 2, 3].map(|serial| ids.id(serial)).join(" "),
            "20260301-000001 20260301-000002 20260303-000001 20260303-000002"
        );
    }
}
