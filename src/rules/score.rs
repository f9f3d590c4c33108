//! From what was found to a score that adds up, part by part.
//!
//! A rule's score is: its heaviest strong item; 10 for each further strong item, 20 at most; its
//! weak terms, 36 at most together; each context group that occurs, once; less what lowers it. An
//! item is a strong term, or two groups near each other. Words count once: a term inside a longer
//! term of the same rule is part of that one, and a context group counts only by words of its own.
//! Weak terms alone are watched and never alert; nor does a rule whose `needs` are not met, unless a
//! strong term weighs as much as an alert asks for: such a term says it all.

use crate::model::{RiskHit, ScorePart, Span, Touch, Where};

use super::compiled::{Adjust, Compiled, Rule, Use};
use super::scan::{Cover, Found, Scan};
use super::schema::Status;

/// What each strong item after the heaviest adds.
const EXTRA_STRONG: i32 = 10;
/// What strong items after the heaviest add at most.
pub(super) const EXTRA_STRONG_CAP: i32 = 20;
/// What weak terms add at most: many vague words are still vague.
pub(super) const WEAK_CAP: i32 = 36;
/// A hit lists at most this many spans and as many masked ones.
const MAX_SPANS: usize = 24;
/// Of one strong term this many occurrences are looked at: a text that repeats a word without end
/// must not cost more than its length.
const MAX_OCCURRENCES: usize = 64;

/// Signs after which words no longer touch what follows.
const BREAKS: [char; 8] = ['。', '!', '?', ';', '\n', '，', ',', '.'];

/// A strong term with all its occurrences, or two groups near each other.
struct Item {
    what: String,
    weight: i32,
    found: Vec<Found>,
    /// The groups that make it, when it is a `near`.
    groups: Option<[usize; 2]>,
    /// What an entry with `reach` takes off, and which.
    lowered: Option<(String, i32)>,
}

impl Item {
    fn effective(&self) -> i32 {
        self.weight - self.lowered.as_ref().map_or(0, |(_, by)| *by)
    }
}

/// The hit, when the rule is matched at all and reaches the score from which a hit is kept.
pub(super) fn evaluate(rule: &Rule, compiled: &Compiled, scan: &Scan<'_>) -> Option<RiskHit> {
    if rule.info.status == Status::Deprecated {
        return None;
    }
    let tally = tally(rule, compiled, scan)?;
    (tally.score >= rule.watch).then(|| tally.into_hit(rule, compiled, scan))
}

/// What the rule would say whatever its status and however low its score; `None` when nothing is
/// there that a rule begins with.
pub(super) fn weigh(rule: &Rule, compiled: &Compiled, scan: &Scan<'_>) -> Option<RiskHit> {
    Some(tally(rule, compiled, scan)?.into_hit(rule, compiled, scan))
}

fn tally(rule: &Rule, compiled: &Compiled, scan: &Scan<'_>) -> Option<Tally> {
    let own_masks = Cover::new(scan.rule_masks[rule.index].iter().copied());
    let visible = |found: &Found| own_masks.over(found).is_none();
    let groups = |group: usize| scan.groups[group].iter().filter(|found| visible(found));

    let (strong, weak) = split_terms(rule, scan, &own_masks);
    let mut items = strong;
    for near in &rule.near {
        let [left, right] = near.groups;
        let (a, b): (Vec<Found>, Vec<Found>) =
            (groups(left).copied().collect(), groups(right).copied().collect());
        if let Some((x, y)) = closest(scan, &a, &b, near.within) {
            let what = format!("near:{}+{}", scan_text(scan, &x), scan_text(scan, &y));
            items.push(Item {
                what,
                weight: near.weight,
                found: vec![x, y],
                groups: Some(near.groups),
                lowered: None,
            });
        }
    }
    if items.is_empty() && weak.is_empty() {
        return None;
    }
    for item in &mut items {
        item.lowered = touching(rule, compiled, scan, &item.found)
            .map(|adjust| (adjust.what.clone(), adjust.by.min(item.weight)));
    }
    // Heaviest first; a stable sort keeps the order of the text among equals.
    items.sort_by_key(|item| std::cmp::Reverse(item.effective()));

    let mut tally = Tally::default();
    let mut counted: Vec<Found> = Vec::new();
    let mut near_groups: Vec<usize> = Vec::new();
    let mut extra = 0;
    for (position, item) in items.iter().enumerate() {
        let overlaps = item.found.iter().any(|found| counted.iter().any(|other| overlap(found, other)));
        if position == 0 {
            tally.add(&item.what, item.weight);
            if let Some((what, by)) = &item.lowered {
                tally.add(what, -by);
            }
        } else if extra < EXTRA_STRONG_CAP && item.lowered.is_none() && !overlaps {
            extra += EXTRA_STRONG;
            tally.add(&item.what, EXTRA_STRONG);
        } else {
            continue;
        }
        counted.extend(&item.found);
        near_groups.extend(item.groups.into_iter().flatten());
        tally.spans.extend(item.found.iter().map(|found| scan.span(found)));
    }

    let mut left = WEAK_CAP;
    for (term, found, weight) in &weak {
        let points = (*weight).min(left);
        if points > 0 && !counted.iter().any(|other| found.inside(other)) {
            left -= points;
            tally.add(&format!("weak:{term}"), points);
            tally.spans.push(scan.span(found));
        }
    }

    for &(group, weight) in &rule.context {
        if near_groups.contains(&group) {
            continue;
        }
        if let Some(found) = groups(group).find(|found| !counted.iter().any(|other| found.inside(other))) {
            tally.add(&format!("context:{}:{}", compiled.groups[group], scan_text(scan, found)), weight);
            tally.spans.push(scan.span(found));
        }
    }

    for (index, adjust) in applicable(rule, compiled, scan) {
        if adjust.reach.is_none() && (!scan.adjusts[index].is_empty() || scan.has_label(&adjust.labels)) {
            tally.add(&adjust.what, -adjust.by);
        }
    }

    let present = |group: &usize| groups(*group).next().is_some();
    let any = rule.needs_any.is_empty() || rule.needs_any.iter().any(present);
    let all = rule.needs_all.iter().all(present);
    let bar = rule.info.alert_at - 1;
    if items.is_empty() && tally.score > bar {
        let over = tally.score - bar;
        tally.add("needs:strong", -over);
    }
    let says_all = items.iter().any(|item| item.groups.is_none() && item.effective() > bar);
    if !(any && all || says_all) && tally.score > bar {
        let names = rule.needs_all.iter().filter(|group| !present(group)).chain(&rule.needs_any);
        let names: Vec<&str> = names.map(|&group| compiled.groups[group].as_str()).collect();
        let over = tally.score - bar;
        tally.add(&format!("needs:{}", names.join("/")), -over);
    }
    Some(Tally { own_masks, ..tally })
}

#[derive(Default)]
struct Tally {
    score: i32,
    parts: Vec<ScorePart>,
    spans: Vec<Span>,
    /// What the rule's own masks cover.
    own_masks: Cover,
}

impl Tally {
    fn add(&mut self, what: &str, score: i32) {
        self.score += score;
        self.parts.push(ScorePart { what: what.to_owned(), score: score as f32 });
    }

    fn into_hit(mut self, rule: &Rule, compiled: &Compiled, scan: &Scan<'_>) -> RiskHit {
        let concerns = |found: &Found| {
            compiled.terms[found.term as usize].iter().any(|used| match *used {
                Use::Strong { rule: of, .. } | Use::Weak { rule: of, .. } => of == rule.index,
                Use::Group(group) => rule.reads_group(group),
                Use::Mask | Use::RuleMask(_) | Use::Adjust(_) => false,
            })
        };
        let pack_masks = scan.hidden.iter().filter(|(_, hidden)| concerns(hidden)).map(|(mask, _)| mask);
        // Asked of the words and not of the masks, so that many of both cost no more than their number.
        let own_terms = scan.terms[rule.index].iter().map(|(found, _)| found);
        let own_words = own_terms.chain(rule.groups().flat_map(|group| &scan.groups[group]));
        let own_masks = own_words.filter_map(|found| self.own_masks.over(found));
        let mut masked: Vec<Span> = pack_masks.chain(own_masks).map(|mask| scan.span(mask)).collect();
        for spans in [&mut self.spans, &mut masked] {
            spans.sort_unstable();
            spans.dedup();
            spans.truncate(MAX_SPANS);
        }
        RiskHit {
            rule: rule.info.id.clone(),
            rule_version: rule.info.version,
            category: rule.info.category.clone(),
            tags: rule.info.tags.clone(),
            score: self.score,
            alert_at: rule.alert,
            parts: self.parts,
            spans: self.spans,
            masked,
            entity: None,
            entity_span: None,
            claims: Vec::new(),
            standard: rule.info.standard,
            touches: spoken_of(rule, compiled, scan, &self.own_masks),
            suppressed: None,
        }
    }
}

/// What the rule and the groups whose words the complaint holds say of the company, each once.
fn spoken_of(rule: &Rule, compiled: &Compiled, scan: &Scan<'_>, own_masks: &Cover) -> Vec<Touch> {
    let seen = |group: usize| scan.groups[group].iter().any(|found| own_masks.over(found).is_none());
    let groups = compiled.group_touches.iter().enumerate();
    let groups = groups.filter_map(|(group, touch)| touch.filter(|_| seen(group)));
    let mut touches: Vec<Touch> = groups.chain(rule.info.dimension).collect();
    touches.sort_unstable();
    touches.dedup();
    touches
}

/// The rule's strong items and weak terms, each term once, in the order of the text; a term that
/// stands everywhere inside a longer one of its own kind or a stronger is left out.
fn split_terms(rule: &Rule, scan: &Scan<'_>, own_masks: &Cover) -> (Vec<Item>, Vec<(String, Found, i32)>) {
    let mut found: Vec<(Found, Use)> =
        scan.terms[rule.index].iter().filter(|(found, _)| own_masks.over(found).is_none()).copied().collect();
    // Longer before shorter at one start, so that what absorbs comes first.
    let is_weak = |used: &Use| matches!(used, Use::Weak { .. });
    found
        .sort_by_key(|(found, used)| (found.field, found.start, std::cmp::Reverse(found.end), is_weak(used)));

    let mut strong: Vec<Item> = Vec::new();
    let mut weak: Vec<(u32, Found, i32)> = Vec::new();
    let mut numbers: Vec<u32> = Vec::new();
    let (mut strong_over, mut any_over): (Option<Found>, Option<Found>) = (None, None);
    for (found, used) in found {
        let covered = |over: &Option<Found>| over.is_some_and(|over| found.inside(&over));
        match used {
            Use::Strong { weight, .. } if !covered(&strong_over) => {
                if let Some(position) = numbers.iter().position(|&number| number == found.term) {
                    if strong[position].found.len() < MAX_OCCURRENCES {
                        strong[position].found.push(found);
                    }
                } else {
                    numbers.push(found.term);
                    let what = format!("strong:{}", scan_text(scan, &found));
                    strong.push(Item { what, weight, found: vec![found], groups: None, lowered: None });
                }
                strong_over = Some(further(strong_over, found));
                any_over = Some(further(any_over, found));
            }
            Use::Weak { weight, .. } if !covered(&any_over) => {
                if !weak.iter().any(|(term, ..)| *term == found.term) {
                    weak.push((found.term, found, weight));
                }
                any_over = Some(further(any_over, found));
            }
            _ => {}
        }
    }
    (strong, weak.into_iter().map(|(_, found, weight)| (scan_text(scan, &found), found, weight)).collect())
}

/// The one of two stretches that reaches further, the later field before the earlier.
fn further(so_far: Option<Found>, found: Found) -> Found {
    so_far.filter(|other| other.field == found.field && other.end >= found.end).unwrap_or(found)
}

fn overlap(a: &Found, b: &Found) -> bool {
    a.field == b.field && a.start < b.end && b.start < a.end
}

/// The words of an occurrence, at most 16 characters of them.
fn scan_text(scan: &Scan<'_>, found: &Found) -> String {
    scan.fields[found.field].text[found.start..found.end].chars().take(16).collect()
}

/// The nearest pair with at most `within` characters between them, the first of equally near ones;
/// else one of a title or subject and one of the text: a title says what the whole text is about.
pub(super) fn closest(scan: &Scan<'_>, a: &[Found], b: &[Found], within: usize) -> Option<(Found, Found)> {
    let mut best: Option<(usize, Found, Found)> = None;
    for x in a {
        let next = b.partition_point(|y| (y.field, y.start) < (x.field, x.start));
        for y in [next.checked_sub(1).and_then(|before| b.get(before)), b.get(next)].into_iter().flatten() {
            if x.field != y.field {
                continue;
            }
            let apart = y.start.saturating_sub(x.end).max(x.start.saturating_sub(y.end));
            // A character has at most four bytes; do not count characters of what is too far anyway.
            if apart > within * 4 {
                continue;
            }
            let gap = scan.fields[x.field].gap((x.start, x.end), (y.start, y.end));
            if gap <= within && best.as_ref().is_none_or(|(least, ..)| gap < *least) {
                best = Some((gap, *x, *y));
            }
        }
    }
    best.map(|(_, x, y)| (x, y)).or_else(|| {
        let in_text = |found: &&Found| scan.fields[found.field].field == Where::Text;
        let head = |side: &[Found]| side.iter().find(|found| !in_text(found)).copied();
        let body = |side: &[Found]| side.iter().find(in_text).copied();
        head(a).zip(body(b)).or_else(|| body(a).zip(head(b)))
    })
}

/// The entries that hold for this rule and whose `unless` groups are absent.
fn applicable<'c>(
    rule: &Rule,
    compiled: &'c Compiled,
    scan: &Scan<'_>,
) -> impl Iterator<Item = (usize, &'c Adjust)> {
    let (index, scan_groups) = (rule.index, scan.groups.iter().map(Vec::is_empty).collect::<Vec<bool>>());
    compiled.adjusts.iter().enumerate().filter(move |(_, adjust)| {
        adjust.rule.is_none_or(|of| of == index) && adjust.unless.iter().all(|&group| scan_groups[group])
    })
}

/// The heaviest entry with `reach` that touches every one of these occurrences.
fn touching<'c>(rule: &Rule, compiled: &'c Compiled, scan: &Scan<'_>, found: &[Found]) -> Option<&'c Adjust> {
    applicable(rule, compiled, scan)
        .filter(|(index, adjust)| {
            adjust.reach.is_some_and(|reach| {
                !scan.adjusts[*index].is_empty()
                    && found.iter().all(|found| {
                        scan.adjusts[*index].iter().any(|words| touches(scan, words, found, reach))
                    })
            })
        })
        .map(|(_, adjust)| adjust)
        .max_by_key(|adjust| adjust.by)
}

/// Whether lowering words stand over a term, or before it with at most `reach` characters and no
/// sign between.
fn touches(scan: &Scan<'_>, words: &Found, found: &Found, reach: usize) -> bool {
    // 没有兑付 is a term of its own, not a denied 兑付.
    if words.inside(found) {
        return false;
    }
    if overlap(words, found) {
        return true;
    }
    if words.field != found.field || words.end > found.start || found.start - words.end > reach * 4 {
        return false;
    }
    let between = &scan.fields[found.field].text[words.end..found.start];
    between.chars().count() <= reach && !between.contains(BREAKS)
}
