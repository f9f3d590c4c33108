//! Finding the open complaints that a new one may belong to, and choosing among them.

use jiff::SignedDuration;
use rustc_hash::FxHashMap;

use crate::model::{KeptApart, MemberEvidence, PlaceKind, PlaceMention, SharedTerm};
use crate::place::{PlaceKeys, Relation};

use super::evidence::parts;
use super::grouper::{Candidate, Grouper};
use super::members::Group;
use super::similarity::{cosine, each_shared, likeness, squared_length, weight};
use super::sums::Sums;
use super::window::{Held, Open};

// The sizes below bound the work for a complaint and have no published source.

/// A complaint asks the index with its sites and its terms, the heaviest first, until it has looked
/// at this many entries. The rare terms, which say most, have few holders.
const LOOKED_AT: usize = 96;
const _: () = assert!(LOOKED_AT < Sums::ROOM);
/// Of one term the newest holders are looked at: a term that more hold is either the matter of a
/// large group, and then any of them leads there, or says little.
const NEWEST_HOLDERS: usize = 64;
/// This many of the complaints found are compared in full.
const COMPARED: usize = 5;
/// And only those whose shared terms found by then make this part of the lowest threshold.
const LEAST_PART: f32 = 0.5;
/// Of a group's members that say anything about a complaint's place, so many of the newest are asked.
const PLACED_MEMBERS: usize = 8;
/// And no more than so many are looked at for them: the newest.
const ASKED_MEMBERS: usize = 64;
/// Two complaints whose shared words are fewer than this meet by accident, unless they are nearly
/// the same (a cosine of 0.9): complaints of two or three words exist.
const FEWEST_SHARED: usize = 3;
/// Terms and neighbours shown in an explanation.
const SHOWN_TERMS: usize = 8;
const SHOWN_APART: usize = 3;

/// What a shared site weighs as if it were a term, in 1/32.
const SITE_TF: u8 = 64;

/// Room that is used again for each complaint.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    query: Vec<(u64, u32)>,
    found: Sums,
    ranked: Vec<(u64, u64)>,
}

/// What was found.
pub(super) struct Choice {
    /// The nearest complaint, by number, and why.
    pub(super) joined: Option<(u64, MemberEvidence)>,
    /// Near ones that it stays apart from.
    pub(super) kept_apart: Vec<KeptApart>,
}

/// A complaint compared in full.
struct Compared {
    seq: u64,
    cosine: f32,
    threshold: f32,
    relation: Relation,
}

impl Compared {
    /// How far above its own threshold.
    fn margin(&self) -> f32 {
        match self.relation {
            Relation::Different => 0.0,
            _ => self.cosine / self.threshold,
        }
    }
}

/// Whether a place is fine enough to look complaints up by.
pub(super) fn leads_somewhere(place: &PlaceMention) -> bool {
    matches!(place.kind, PlaceKind::Site | PlaceKind::Road)
}

pub(super) fn choose(grouper: &mut Grouper, candidate: &Candidate<'_>, open: &Open) -> Choice {
    let squared = squared_length(&grouper.lexicon, &open.terms);
    let ranked = find(grouper, open, squared);
    grouper.lexicon.ask(&open.terms);
    // First only fetched, so that the memory of all of them is waited for at once.
    let days = SignedDuration::from_hours(24 * i64::from(grouper.config().match_days));
    let mut others: Vec<&Open> = Vec::with_capacity(ranked.len());
    others.extend(ranked.iter().filter_map(|&(_, seq)| grouper.window.get(seq)));
    others.retain(|other| open.at.duration_since(other.at).abs() <= days);
    let mut compared: Vec<Compared> = Vec::with_capacity(others.len());
    compared.extend(
        others
            .iter()
            .filter_map(|other| compare(grouper, open, squared, other))
            .filter(|compared| compared.cosine >= LEAST_PART * compared.threshold),
    );
    grouper.scratch.ranked = ranked;
    // The best first; of equals the older one, so that a group's first members draw.
    compared.sort_by(|a, b| b.margin().total_cmp(&a.margin()).then(a.seq.cmp(&b.seq)));

    let joined = compared
        .iter()
        .take_while(|near| near.margin() >= 1.0)
        .find(|near| !place_forbids(grouper, open, near.seq))
        .and_then(|near| Some((near.seq, evidence(grouper, candidate, open, near)?)));
    let own =
        joined.as_ref().and_then(|(seq, _)| grouper.window.get(*seq)).map(|open| (open.seq, open.group));
    let kept_apart = kept_apart(grouper, &compared, own);
    Choice { joined, kept_apart }
}

/// Asks the index: complaints that share heavy terms or a site, the heaviest sums first.
///
/// What is summed are squared weights: by Cauchy and Schwarz, the cosine of two complaints is at most
/// the root of that sum over the square of the asking one's length, so what cannot come near a
/// threshold by the terms looked at is left out.
fn find(grouper: &mut Grouper, open: &Open, squared: u64) -> Vec<(u64, u64)> {
    let least = LEAST_PART * grouper.config().same_place as f32;
    let least = (f64::from(least * least) * squared as f64) as u64;
    let Grouper { lexicon, postings, scratch: Scratch { query, found, ranked }, .. } = grouper;
    let mut ranked = std::mem::take(ranked);
    ranked.clear();
    query.clear();
    found.clear();
    let sites = open.sites.iter().map(|&site| Held::new(site, SITE_TF));
    for held in open.terms.iter().copied().chain(sites) {
        let number = held.number();
        let weight = weight(lexicon, held);
        if weight > 0 && !postings.is_empty(number) {
            query.push((weight, number));
        }
    }
    // Of equally heavy terms the hash decides: numbers differ after a restart.
    query.sort_unstable_by(|a, b| b.0.cmp(&a.0).then_with(|| lexicon.hash(a.1).cmp(&lexicon.hash(b.1))));
    let mut left = LOOKED_AT;
    for &(weight, number) in &*query {
        left -= postings.newest(number, NEWEST_HOLDERS.min(left), |seq| found.add(seq, weight * weight));
        if left == 0 {
            break;
        }
    }
    for near in found.iter().filter(|(sum, _)| *sum >= least) {
        if ranked.len() < COMPARED || ranked.last().is_some_and(|last| near > *last) {
            ranked.truncate(COMPARED - 1);
            let at = ranked.partition_point(|other| *other > near);
            ranked.insert(at, near);
        }
    }
    ranked
}

fn compare(grouper: &Grouper, open: &Open, squared: u64, other: &Open) -> Option<Compared> {
    let config = grouper.config();
    let likeness = likeness(&grouper.lexicon, squared, &other.terms);
    let is_accident = likeness.shared < FEWEST_SHARED && likeness.cosine < 0.9;
    if is_accident || likeness.cosine < LEAST_PART * config.same_place as f32 {
        return None;
    }
    let relation = open.place_keys.relation(&other.place_keys);
    let threshold = match relation {
        // A less certain sameness earns less.
        Relation::Same(certainty) => {
            (config.unknown_place - (config.unknown_place - config.same_place) * f64::from(certainty)) as f32
        }
        Relation::Unknown | Relation::Different => config.unknown_place as f32,
    };
    Some(Compared { seq: other.seq, cosine: likeness.cosine, threshold, relation })
}

/// Whether the places of the group that `seq` is in speak against the complaint: a member without
/// a place must not lead a complaint from elsewhere into the group.
fn place_forbids(grouper: &Grouper, open: &Open, seq: u64) -> bool {
    let Some(group) = grouper
        .window
        .get(seq)
        .and_then(|other| other.group)
        .and_then(|number| grouper.groups[number as usize].as_ref())
    else {
        return false;
    };
    let mut different = false;
    let relations = group
        .members()
        .rev()
        .take(ASKED_MEMBERS)
        .filter_map(|member| grouper.window.get(member))
        .map(|member| open.place_keys.relation(&member.place_keys))
        .filter(|relation| *relation != Relation::Unknown)
        .take(PLACED_MEMBERS);
    for relation in relations {
        match relation {
            Relation::Same(_) => return false,
            _ => different = true,
        }
    }
    different
}

fn evidence(
    grouper: &Grouper,
    candidate: &Candidate<'_>,
    open: &Open,
    near: &Compared,
) -> Option<MemberEvidence> {
    let other = grouper.window.get(near.seq)?;
    let lexicon = &grouper.lexicon;
    let mut shared = FxHashMap::default();
    let mut total = 0;
    each_shared(&open.terms, &other.terms, |ours, theirs| {
        let product = weight(lexicon, ours) * weight(lexicon, theirs);
        total += product;
        shared.insert(ours.number(), product);
    });
    // Read in the order of the text, so that equally heavy terms stand in that order.
    let mut shared_terms: Vec<(u64, SharedTerm)> = candidate
        .terms
        .iter()
        .filter_map(|term| {
            let product = *shared.get(&lexicon.known(term.hash)?)?;
            let weight = (product as f64 / total.max(1) as f64) as f32;
            let word = candidate.terms.word(term).to_owned();
            Some((product, SharedTerm { term: word, weight, span: Some(term.span) }))
        })
        .collect();
    shared_terms.sort_by_key(|(product, _)| std::cmp::Reverse(*product));
    let shared_terms = shared_terms.into_iter().take(SHOWN_TERMS).map(|(_, term)| term).collect();
    let shared_places = candidate
        .places
        .iter()
        .filter(|place| leads_somewhere(place))
        .filter(|place| {
            let key = PlaceKeys::new(std::slice::from_ref(place));
            matches!(key.relation(&other.place_keys), Relation::Same(_))
        })
        .cloned()
        .collect();
    let lowered = matches!(near.relation, Relation::Same(_))
        .then(|| grouper.config().unknown_place as f32 - near.threshold);
    Some(MemberEvidence {
        nearest: other.id.clone(),
        similarity: near.cosine,
        threshold: near.threshold,
        shared_terms,
        shared_places,
        parts: parts(near.cosine, lowered),
    })
}

fn kept_apart(grouper: &Grouper, compared: &[Compared], own: Option<(u64, Option<u32>)>) -> Vec<KeptApart> {
    let mut shown: Vec<KeptApart> = Vec::new();
    for near in compared {
        let Some(other) = grouper.window.get(near.seq) else { continue };
        let is_own =
            own.is_some_and(|(seq, group)| seq == near.seq || (group.is_some() && group == other.group));
        let group = other.group.and_then(|number| Some(grouper.groups[number as usize].as_ref()?.id.clone()));
        let shown_already = group.is_some() && shown.iter().any(|apart| apart.group == group);
        if is_own || shown_already {
            continue;
        }
        let reason = match near.relation {
            _ if near.margin() >= 1.0 => "another_group_is_nearer_or_its_place_differs",
            Relation::Different => "other_place",
            _ => "below_threshold",
        };
        shown.push(KeptApart {
            nearest: other.id.clone(),
            group,
            similarity: near.cosine,
            threshold: near.threshold,
            reason: reason.to_owned(),
        });
        if shown.len() == SHOWN_APART {
            break;
        }
    }
    shown
}

/// The member most like the others among the newest ones.
pub(super) fn medoid<'g>(grouper: &'g Grouper, group: &Group) -> Option<&'g Open> {
    let newest: Vec<&Open> =
        group.members().rev().take(super::MAX_EVIDENCE).filter_map(|seq| grouper.window.get(seq)).collect();
    let squared: Vec<u64> = newest.iter().map(|open| squared_length(&grouper.lexicon, &open.terms)).collect();
    let likeness_to_others = |at: usize| -> f32 {
        (0..newest.len())
            .filter(|&other| other != at)
            .map(|other| {
                cosine(
                    &grouper.lexicon,
                    (&newest[at].terms, squared[at]),
                    (&newest[other].terms, squared[other]),
                )
            })
            .sum()
    };
    let mut best: Option<(f32, &Open)> = None;
    // From old to new, and only a strictly better one replaces: of equals the oldest speaks.
    for (at, open) in newest.iter().enumerate().rev() {
        let score = likeness_to_others(at);
        if best.is_none_or(|(highest, _)| score > highest) {
            best = Some((score, open));
        }
    }
    best.map(|(_, open)| open)
}
