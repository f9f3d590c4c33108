//! Follows every rule through one complaint and notes what was found, what was hidden and what is
//! lacking. Works on the same scan and the same score as hits do.

use std::collections::BTreeMap;

use crate::model::{Complaint, RiskHit, ScorePart, Span, Where};
use crate::text::normalise;

use super::compiled::{Compiled, Near, Rule, Use};
use super::overlay::{Changed, OverlayChange};
use super::reading::{Lack, ListKind, Lowered, MaskedTerm, Reading, TermList, Verdict, Word};
use super::scan::{Cover, Found, Scan};
use super::schema::Status;
use super::score::{closest, weigh};
use super::sight::Sight;

/// Of each half of a pair this many occurrences are measured against each other.
const PAIRED: usize = 64;

pub(super) fn readings(
    compiled: &Compiled,
    changes: &[OverlayChange],
    complaint: &Complaint,
) -> Vec<Reading> {
    let (title, text) = (normalise(&complaint.title), normalise(&complaint.text));
    let subject = complaint.subject.as_deref().map(normalise);
    let sight = Sight::new(compiled, super::fields(&title, &text, subject.as_ref()));
    let scan = Scan::new(compiled, complaint, sight);
    let trace = |rule| Trace::new(rule, compiled, &scan, complaint).reading(changes);
    compiled.rules.iter().map(trace).collect()
}

/// What one rule sees of a complaint.
struct Trace<'a, 't> {
    rule: &'a Rule,
    compiled: &'a Compiled,
    scan: &'a Scan<'t>,
    complaint: &'a Complaint,
    own_masks: Cover,
}

impl<'a, 't> Trace<'a, 't> {
    fn new(rule: &'a Rule, compiled: &'a Compiled, scan: &'a Scan<'t>, complaint: &'a Complaint) -> Self {
        let own_masks = Cover::new(scan.rule_masks[rule.index].iter().copied());
        Self { rule, compiled, scan, complaint, own_masks }
    }

    fn reading(&self, changes: &[OverlayChange]) -> Reading {
        let rule = self.rule;
        let hit = weigh(rule, self.compiled, self.scan);
        let score = hit.as_ref().map_or(0, |hit| hit.score);
        let verdict = match rule.info.status {
            Status::Deprecated => Verdict::NotMatched,
            Status::Shadow if hit.is_some() && score >= rule.info.alert_at => Verdict::Shadow,
            _ if hit.is_some() && score >= rule.info.alert_at => Verdict::Alerts,
            _ if hit.is_some() && score >= rule.watch => Verdict::Watched,
            _ => Verdict::Below,
        };
        let lacks = match verdict {
            Verdict::Alerts | Verdict::Shadow => Vec::new(),
            _ => self.lacks(hit.as_ref(), score),
        };
        let lowered = hit.as_ref().map(|hit| self.lowered(&hit.parts)).unwrap_or_default();
        let (parts, spans) = hit.map(|hit| (hit.parts, hit.spans)).unwrap_or_default();
        Reading {
            rule: rule.info.id.clone(),
            title: rule.info.title.clone(),
            status: rule.info.status,
            verdict,
            score,
            watch: rule.watch,
            alert: rule.info.alert_at,
            parts,
            spans,
            masked: self.masked(),
            lowered,
            lacks,
            suppressed: None,
            overlay: changes.iter().filter(|change| self.concerns(change)).map(ToString::to_string).collect(),
            lists: self.lists(),
        }
    }

    /// Whether a change is one of the rule or of a group that it looks at.
    fn concerns(&self, change: &OverlayChange) -> bool {
        match &change.of {
            Changed::Rule(id) => *id == self.rule.info.id,
            Changed::Group(name) => self.rule.groups().any(|group| self.compiled.group_names[group] == *name),
            Changed::Pack(_) => false,
        }
    }

    /// The visible occurrences of a group.
    fn group(&self, group: usize) -> Vec<Found> {
        let visible = |found: &&Found| self.own_masks.over(found).is_none();
        self.scan.groups[group].iter().filter(visible).copied().collect()
    }

    fn name(&self, group: usize) -> String {
        self.compiled.group_names[group].clone()
    }

    fn word(&self, found: &Found) -> Word {
        let span = self.scan.span(found);
        let term = self.compiled.words[found.term as usize].clone();
        Word { term, span, words: own_words(self.complaint, span).to_owned() }
    }

    fn masked(&self) -> Vec<MaskedTerm> {
        let rule = self.rule;
        let concerns = |found: &Found| {
            self.compiled.terms[found.term as usize].iter().any(|used| match *used {
                Use::Strong { rule: of, .. } | Use::Weak { rule: of, .. } => of == rule.index,
                Use::Group(group) => rule.reads_group(group),
                Use::Mask | Use::RuleMask(_) | Use::Adjust(_) => false,
            })
        };
        let of_pack = self.scan.hidden.iter().filter(|(_, hidden)| concerns(hidden));
        let of_pack = of_pack.map(|(mask, hidden)| (*mask, *hidden, true));
        let own = self.scan.terms[rule.index].iter().map(|(found, _)| found);
        let groups = (0..self.scan.groups.len()).filter(|&group| rule.reads_group(group));
        let own = own.chain(groups.flat_map(|group| &self.scan.groups[group]));
        let own = own.filter_map(|found| Some((*self.own_masks.over(found)?, *found, false)));
        let mut masked: Vec<(Span, bool, Found, Found)> = of_pack
            .chain(own)
            .map(|(mask, hidden, of)| (self.scan.span(&hidden), of, mask, hidden))
            .collect();
        // A term may be there for several lists.
        masked.sort_by_key(|(span, of, _, hidden)| (*span, *of, hidden.term));
        masked.dedup_by_key(|(span, _, _, hidden)| (*span, hidden.term));
        let told = |(_, of_pack, mask, hidden): (Span, bool, Found, Found)| MaskedTerm {
            mask: self.word(&mask),
            hidden: self.word(&hidden),
            of_pack,
        };
        masked.into_iter().map(told).collect()
    }

    fn lowered(&self, parts: &[ScorePart]) -> Vec<Lowered> {
        let names = |part: &&ScorePart| part.what.starts_with("lower:") || part.what.starts_with("route:");
        let lowered = |part: &ScorePart| {
            let entries = self.compiled.adjusts.iter().zip(&self.scan.adjusts);
            let own = entries.filter(|(adjust, _)| {
                adjust.what == part.what && adjust.rule.is_none_or(|of| of == self.rule.index)
            });
            let words = own.flat_map(|(_, found)| found).map(|found| self.word(found)).collect();
            Lowered { what: part.what.clone(), by: -part.score as i32, words }
        };
        parts.iter().filter(names).map(lowered).collect()
    }

    fn lacks(&self, hit: Option<&RiskHit>, score: i32) -> Vec<Lack> {
        let rule = self.rule;
        let mut lacks = Vec::new();
        if rule.info.status == Status::Deprecated {
            lacks.push(Lack::Deprecated { reason: rule.info.reason.clone() });
        }
        if score < rule.info.alert_at {
            lacks.push(Lack::Points { short: rule.info.alert_at - score });
        }
        let parts = hit.map(|hit| hit.parts.as_slice()).unwrap_or_default();
        let is_item = |what: &str| what.starts_with("strong:") || what.starts_with("near:");
        if !parts.iter().any(|part| is_item(&part.what)) {
            lacks.push(Lack::Strong);
        }
        lacks.extend(rule.near.iter().filter_map(|near| self.half_pair(near)));
        let absent = |group: &usize| self.group(*group).is_empty();
        for (group, points) in rule.context.iter().filter(|(group, _)| absent(group)) {
            let title = self.compiled.groups[*group].clone();
            lacks.push(Lack::Context { group: self.name(*group), title, points: *points });
        }
        let names = |groups: &[usize]| groups.iter().map(|&group| self.name(group)).collect();
        if !rule.needs_any.is_empty() && rule.needs_any.iter().all(absent) {
            lacks.push(Lack::NeedsAny { groups: names(&rule.needs_any) });
        }
        let missing: Vec<usize> = rule.needs_all.iter().copied().filter(absent).collect();
        if !missing.is_empty() {
            lacks.push(Lack::NeedsAll { groups: names(&missing) });
        }
        lacks
    }

    /// A pair of which something is there, and that is none.
    fn half_pair(&self, near: &Near) -> Option<Lack> {
        let [a, b] = near.groups.map(|group| self.group(group));
        if a.is_empty() && b.is_empty() || closest(self.scan, &a, &b, near.within).is_some() {
            return None;
        }
        let sides = near.groups.iter().zip([&a, &b]);
        let missing = sides.filter(|(_, side)| side.is_empty()).map(|(&group, _)| self.name(group)).collect();
        let gap = |x: &Found, y: &Found| self.scan.fields[x.field].gap((x.start, x.end), (y.start, y.end));
        // Enough to tell; a text may repeat its words without end.
        let (a, b) = (&a[..a.len().min(PAIRED)], &b[..b.len().min(PAIRED)]);
        let pairs = a.iter().flat_map(|x| b.iter().filter(|y| y.field == x.field).map(move |y| (x, y)));
        let apart = pairs.map(|(x, y)| gap(x, y)).min();
        let groups = near.groups.map(|group| self.name(group));
        Some(Lack::Pair { groups, weight: near.weight, within: near.within, missing, apart })
    }

    fn lists(&self) -> Vec<TermList> {
        let rule = self.rule;
        let mut lists = Vec::new();
        for kind in [ListKind::Strong, ListKind::Weak] {
            let weight = |used: &Use| match (*used, &kind) {
                (Use::Strong { rule: of, weight }, ListKind::Strong)
                | (Use::Weak { rule: of, weight }, ListKind::Weak) => (of == rule.index).then_some(weight),
                _ => None,
            };
            let own = self.scan.terms[rule.index].iter();
            let own =
                own.filter(|(found, used)| weight(used).is_some() && self.own_masks.over(found).is_none());
            let found: Vec<Found> = own.map(|(found, _)| *found).collect();
            let mut weights: BTreeMap<i32, usize> = BTreeMap::new();
            let of_list = |uses: &[Use]| uses.iter().find_map(weight);
            for points in self.compiled.terms.iter().filter_map(|uses| of_list(uses)) {
                *weights.entry(points).or_default() += 1;
            }
            let uses =
                weights.iter().rev().map(|(points, count)| format!("{points:+} (terms: {count})")).collect();
            lists.push(self.list(kind.clone(), uses, &found, |uses| of_list(uses).is_some()));
        }
        for group in (0..self.compiled.groups.len()).filter(|&group| rule.reads_group(group)) {
            let kind = ListKind::Group { name: self.name(group), title: self.compiled.groups[group].clone() };
            let of_list = |uses: &[Use]| uses.contains(&Use::Group(group));
            lists.push(self.list(kind, self.uses(group), &self.group(group), of_list));
        }
        lists.retain(|list| !list.found.is_empty() || !list.missing.is_empty());
        lists
    }

    /// What the rule does with a group.
    fn uses(&self, group: usize) -> Vec<String> {
        let rule = self.rule;
        let mut uses = Vec::new();
        for near in rule.near.iter().filter(|near| near.groups.contains(&group)) {
            let other = near.groups[usize::from(near.groups[0] == group)];
            uses.push(format!("near {} {:+} within {}", self.name(other), near.weight, near.within));
        }
        let context = rule.context.iter().filter(|(of, _)| *of == group);
        uses.extend(context.map(|(_, points)| format!("context {points:+}")));
        uses.extend(rule.needs_any.contains(&group).then(|| "needs any".to_owned()));
        uses.extend(rule.needs_all.contains(&group).then(|| "needs all".to_owned()));
        uses
    }

    fn list(
        &self,
        kind: ListKind,
        uses: Vec<String>,
        found: &[Found],
        of_list: impl Fn(&[Use]) -> bool,
    ) -> TermList {
        let is_found = |term: usize| found.iter().any(|found| found.term as usize == term);
        let terms = self.compiled.terms.iter().zip(&self.compiled.words).enumerate();
        let missing = terms.filter(|(term, (uses, _))| of_list(uses) && !is_found(*term));
        let missing = missing.map(|(_, (_, word))| word.clone()).collect();
        TermList { kind, uses, found: found.iter().map(|found| self.word(found)).collect(), missing }
    }
}

/// The complaint's own words at a span.
fn own_words(complaint: &Complaint, span: Span) -> &str {
    let field = match span.field {
        Where::Title => complaint.title.as_str(),
        Where::Text => complaint.text.as_str(),
        Where::Subject => complaint.subject.as_deref().unwrap_or_default(),
    };
    field.get(span.start as usize..span.end as usize).unwrap_or_default()
}
