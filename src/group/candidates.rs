//! Finding the open complaints that a new one may belong to, and choosing among them.

use jiff::SignedDuration;
use smallvec::SmallVec;

use crate::model::{KeptApart, MemberEvidence, PlaceKind, PlaceMention, SharedTerm, Span, Where};
use crate::place::{PlaceKeys, Relation};

use super::Company;
use super::admission::admits;
use super::company::Accused;
use super::evidence::{Parts, parts};
use super::grouper::{Candidate, Grouper};
use super::members::Group;
use super::posting::Holders;
use super::similarity::{Squared, beyond_places, cosine, likeness};
use super::sums::Sums;
use super::window::{Held, Open};

// The sizes below bound the work for a complaint and have no published source.

/// A complaint asks the index with its keys, those that fewest hold first, until it has looked at this
/// many entries.
const LOOKED_AT: usize = 256;
const _: () = assert!(LOOKED_AT < Sums::ROOM);
/// Of one key the newest holders are looked at: a key that more hold is either the matter of a large
/// group, and then any of them leads there, or says little.
const NEWEST_HOLDERS: usize = 32;
/// This many of the complaints found are compared in full.
const COMPARED: usize = 16;
/// Only complaints at least this near, as a part of the threshold, are shown as kept apart.
const LEAST_PART: f32 = 0.5;
/// The margin of those that share a place and hardly anything else: not near enough.
const NOT_QUITE: f32 = 0.99;
/// A complaint brings at most this many along that were alone.
const MOST_DRAWN: usize = 4;
/// Of the other groups that would take a complaint so many are looked at.
const MOST_BRIDGED: usize = 1;
/// Stretches and neighbours shown in an explanation.
const SHOWN_TERMS: usize = 6;
const SHOWN_APART: usize = 3;

/// Room that is used again for each complaint.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    query: Vec<(usize, u32, Holders)>,
    found: Sums,
    ranked: Vec<(u64, u64)>,
}

/// What was found.
pub(super) struct Choice {
    /// The nearest complaint, by number, and why.
    pub(super) joined: Option<(u64, MemberEvidence)>,
    /// Others that are near enough and alone, with their margins: they may come along.
    pub(super) also: Vec<(u64, f32)>,
    /// Other groups that would take it as well: maybe they are one.
    pub(super) bridged: SmallVec<[u32; MOST_BRIDGED]>,
    /// Near ones that it stays apart from.
    pub(super) kept_apart: Vec<KeptApart>,
}

/// A complaint compared in full.
#[derive(Clone, Copy)]
pub(super) struct Compared {
    pub(super) seq: u64,
    parts: Parts,
    /// The score over the threshold.
    pub(super) margin: f32,
    pub(super) relation: Relation,
    pub(super) accused: Accused,
    /// Near enough, but for hardly anything beyond the name of the place.
    only_place: bool,
}

impl Compared {
    /// Whether the two cannot be one matter, however like the words.
    fn is_apart(&self) -> bool {
        // A company's customers write from all over the city.
        self.relation == Relation::Different && self.accused != Accused::Same
    }
}

/// Whether a place is fine enough to look complaints up by.
pub(super) fn leads_somewhere(place: &PlaceMention) -> bool {
    matches!(place.kind, PlaceKind::Site | PlaceKind::Road)
}

pub(super) fn choose(grouper: &mut Grouper, candidate: &Candidate<'_>, open: &Open) -> Choice {
    let squared = Squared::of(&grouper.lexicon, &open.pairs);
    let ranked = find(grouper, open);
    grouper.lexicon.ask(&open.pairs);
    // First only fetched, so that the memory of all of them is waited for at once.
    let days = SignedDuration::from_hours(24 * i64::from(grouper.config().match_days));
    let mut others: Vec<&Open> = Vec::with_capacity(ranked.len());
    others.extend(ranked.iter().filter_map(|&(_, seq)| grouper.window.get(seq)));
    others.retain(|other| open.at.duration_since(other.at).abs() <= days);
    let mut compared: Vec<Compared> = Vec::with_capacity(others.len());
    compared.extend(
        others
            .iter()
            .map(|other| compare(grouper, open, squared, other))
            .filter(|compared| compared.margin >= LEAST_PART),
    );
    grouper.scratch.ranked = ranked;
    // The best first; of equals the older one, so that a group's first members draw.
    compared.sort_by(|a, b| b.margin.total_cmp(&a.margin).then(a.seq.cmp(&b.seq)));

    // Each group is asked once, for its nearest member. The first that takes it has it; others that would
    // take it may be about the same.
    let mut asked: SmallVec<[u32; COMPARED]> = SmallVec::new();
    let mut nearest: Option<&Compared> = None;
    let mut bridged: SmallVec<[u32; MOST_BRIDGED]> = SmallVec::new();
    for near in compared.iter().take_while(|near| near.margin >= 1.0).filter(|near| !near.is_apart()) {
        let group = grouper.window.get(near.seq).and_then(|other| other.group);
        let Some(group) = group else {
            nearest = nearest.or(Some(near));
            continue;
        };
        if bridged.len() == MOST_BRIDGED || asked.contains(&group) {
            continue;
        }
        asked.push(group);
        if admits(grouper, open, squared, near, group, &compared) {
            match nearest {
                None => nearest = Some(near),
                Some(_) => bridged.push(group),
            }
        }
    }
    let joined = nearest.and_then(|near| Some((near.seq, evidence(grouper, candidate, near)?)));
    let own =
        joined.as_ref().and_then(|(seq, _)| grouper.window.get(*seq)).map(|open| (open.seq, open.group));
    let kept_apart = kept_apart(grouper, &compared, own);
    let is_alone = |seq| grouper.window.get(seq).is_some_and(|other| other.group.is_none());
    let also = compared
        .iter()
        .take_while(|near| near.margin >= 1.0)
        .filter(|near| own.is_none_or(|(seq, _)| seq != near.seq) && !near.is_apart() && is_alone(near.seq))
        .map(|near| (near.seq, near.margin))
        .take(MOST_DRAWN)
        .collect();
    Choice { joined, also, bridged, kept_apart }
}

/// Asks the index: complaints that share the most keys, rare keys counting more.
fn find(grouper: &mut Grouper, open: &Open) -> Vec<(u64, u64)> {
    let Grouper { postings, scratch: Scratch { query, found, ranked }, .. } = grouper;
    let mut ranked = std::mem::take(ranked);
    ranked.clear();
    query.clear();
    found.clear();
    query.extend(open.keys.iter().filter_map(|&key| {
        let (count, holders) = postings.holders(key)?;
        Some((count, key, holders))
    }));
    query.sort_unstable();
    let mut left = LOOKED_AT;
    for &(count, _, holders) in &*query {
        // A key that n hold is worth 1 / log2(2n).
        let worth = 1024 / u64::from(usize::BITS - count.leading_zeros());
        left -= postings.newest(holders, NEWEST_HOLDERS.min(left), |seq| found.add(seq, worth));
        if left == 0 {
            break;
        }
    }
    for near in found.iter() {
        if ranked.len() < COMPARED || ranked.last().is_some_and(|last| near > *last) {
            ranked.truncate(COMPARED - 1);
            let at = ranked.partition_point(|other| *other > near);
            ranked.insert(at, near);
        }
    }
    ranked
}

/// Compares two complaints, of which the lexicon was asked about the first ([`Lexicon::ask`](super::lexicon::Lexicon::ask)).
pub(super) fn compare(grouper: &Grouper, open: &Open, squared: Squared, other: &Open) -> Compared {
    let config = grouper.config();
    let likeness = likeness(&grouper.lexicon, squared, &other.pairs);
    let title = config.title_share as f32 * likeness.title;
    let threshold = config.likeness as f32;
    let one_category = open.category.is_some() && open.category == other.category;
    // Most of what the index finds is far from near: no more is asked of it then.
    let most = if one_category { config.same_category } else { 0.0 }
        + if open.company.is_some() && other.company.is_some() { config.same_company } else { 0.0 }
        + config.same_place;
    if likeness.words + title + (most as f32) < LEAST_PART * threshold {
        let parts = [likeness.words, title, 0.0, 0.0, 0.0, 0.0];
        let margin = parts.iter().sum::<f32>() / threshold;
        let (relation, accused) = (Relation::Unknown, Accused::Unknown);
        return Compared { seq: other.seq, parts, margin, relation, accused, only_place: false };
    }
    let accused = Company::accused(&grouper.lexicon, open, other);
    let company = match accused {
        Accused::Same => config.same_company,
        Accused::Different => -config.other_company,
        Accused::Unknown => 0.0,
    };
    let relation = open.place_keys.relation(&other.place_keys);
    let sure = if let Relation::Same(sure) = relation { sure } else { 0.0 };
    let category = match (open.category, other.category) {
        (Some(_), Some(_)) if one_category => config.same_category as f32 * sure,
        (Some(_), Some(_)) => -config.other_category as f32,
        _ => 0.0,
    };
    let parts = [likeness.words, title, company as f32, config.same_place as f32 * sure, category, 0.0];
    let mut margin = parts.iter().sum::<f32>() / threshold;
    // One category at one place says itself that the matter is one.
    let asks_matter = margin >= 1.0 && matches!(relation, Relation::Same(_)) && !one_category;
    let only_place = asks_matter
        && accused != Accused::Same
        && beyond_places(&grouper.lexicon, open, other) < config.least_matter as f32;
    if only_place {
        margin = NOT_QUITE;
    }
    Compared { seq: other.seq, parts, margin, relation, accused, only_place }
}

/// The complaint that the hotline says this one goes on from, and why it is with it: the words may be other
/// ones by now. After [`choose`].
pub(super) fn continues(
    grouper: &Grouper,
    candidate: &Candidate<'_>,
    open: &Open,
) -> Option<(u64, MemberEvidence)> {
    let other = grouper.window.get(candidate.earlier?)?;
    let mut near = compare(grouper, open, Squared::of(&grouper.lexicon, &open.pairs), other);
    let lacks = grouper.config().likeness as f32 - near.parts.iter().sum::<f32>();
    near.parts[near.parts.len() - 1] = lacks.max(0.0);
    Some((near.seq, evidence(grouper, candidate, &near)?))
}

fn evidence(grouper: &Grouper, candidate: &Candidate<'_>, near: &Compared) -> Option<MemberEvidence> {
    let other = grouper.window.get(near.seq)?;
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
    Some(MemberEvidence {
        nearest: other.id.clone(),
        similarity: near.parts.iter().sum(),
        threshold: grouper.config().likeness as f32,
        shared_terms: shared_stretches(grouper, candidate, other),
        shared_places,
        parts: parts(near.parts),
    })
}

/// What both say, as it stands in the candidate's words: shared pairs that overlap are one stretch.
fn shared_stretches(grouper: &Grouper, candidate: &Candidate<'_>, other: &Open) -> Vec<SharedTerm> {
    let mut stretches: Vec<(u64, Span)> = Vec::new();
    let mut total = 0_u64;
    for gram in candidate.grams.iter() {
        let pair = usize::from(gram.pair);
        let Ok(at) = other.pairs.binary_search_by_key(&pair, |held| held.pair()) else { continue };
        let idf = u64::from(grouper.lexicon.idf(pair));
        let product = idf * u64::from(gram.tf) * idf * Held::tf_of(other.pairs[at].how());
        total += product;
        match stretches.last_mut() {
            Some((weight, span)) if span.field == gram.span.field && gram.span.start < span.end => {
                *weight += product;
                span.end = gram.span.end;
            }
            _ => stretches.push((product, gram.span)),
        }
    }
    // Equally heavy ones stay in the order of the text.
    stretches.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight));
    let shown = stretches.into_iter().filter(|(weight, _)| *weight > 0).take(SHOWN_TERMS);
    let shown = shown.filter_map(|(weight, span)| {
        let said = if span.field == Where::Title { candidate.said.0 } else { candidate.said.1 };
        let term = said.get(span.start as usize..span.end as usize)?.to_owned();
        Some(SharedTerm { term, weight: (weight as f64 / total as f64) as f32, span: Some(span) })
    });
    shown.collect()
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
            Relation::Different => "other_place",
            _ if near.accused == Accused::Different => "other_company",
            _ if near.only_place => "only_the_place",
            _ if near.margin >= 1.0 => "its_group_is_about_something_else",
            _ => "below_threshold",
        };
        shown.push(KeptApart {
            nearest: other.id.clone(),
            group,
            similarity: near.parts.iter().sum(),
            threshold: grouper.config().likeness as f32,
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
    let squared: Vec<Squared> =
        newest.iter().map(|open| Squared::of(&grouper.lexicon, &open.pairs)).collect();
    let likeness_to_others = |at: usize| -> f32 {
        (0..newest.len())
            .filter(|&other| other != at)
            .map(|other| cosine(&grouper.lexicon, (newest[at], squared[at]), (newest[other], squared[other])))
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
