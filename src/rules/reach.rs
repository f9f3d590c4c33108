//! How far rules can get at most with the terms that stand in a complaint: which of them are worth
//! evaluating at all.

use super::compiled::{Compiled, Rule, Use};
use super::scan::Scan;
use super::schema::Status;
use super::score::{EXTRA_STRONG_CAP, WEAK_CAP};
use super::sight::Sight;

/// What is there for the rules of a pack, never less than what they can count.
#[derive(Debug)]
pub(super) struct Reach {
    /// For each rule the weight of its heaviest strong term.
    strong: Vec<i32>,
    /// For each rule the weights of its weak terms.
    weak: Vec<i32>,
    /// For each group whether one of its terms is there.
    groups: Vec<bool>,
}

impl Reach {
    /// By what is known so far; what may be there counts as being there.
    pub(super) fn before(compiled: &Compiled, sight: &Sight<'_>) -> Self {
        Self::with(compiled, sight.terms(compiled))
    }

    /// By everything found and not masked.
    pub(super) fn of(compiled: &Compiled, scan: &Scan<'_>) -> Self {
        let own = scan.terms.iter().flatten().map(|(found, _)| found);
        Self::with(compiled, own.chain(scan.groups.iter().flatten()).map(|found| found.term))
    }

    fn with(compiled: &Compiled, terms: impl Iterator<Item = u32>) -> Self {
        let mut reach = Self {
            strong: vec![0; compiled.rules.len()],
            weak: vec![0; compiled.rules.len()],
            groups: vec![false; compiled.groups.len()],
        };
        let mut seen = vec![false; compiled.terms.len()];
        for term in terms {
            if std::mem::replace(&mut seen[term as usize], true) {
                continue;
            }
            for used in &compiled.terms[term as usize] {
                match *used {
                    Use::Strong { rule, weight } => reach.strong[rule] = reach.strong[rule].max(weight),
                    Use::Weak { rule, weight } => reach.weak[rule] += weight,
                    Use::Group(group) => reach.groups[group] = true,
                    Use::Mask | Use::RuleMask(_) | Use::Adjust(_) => {}
                }
            }
        }
        reach
    }

    /// The rules that may reach the score from which a hit is kept.
    pub(super) fn rules<'c>(&self, compiled: &'c Compiled) -> impl Iterator<Item = &'c Rule> {
        compiled.rules.iter().filter(|rule| {
            rule.info.status != Status::Deprecated && self.most(rule).is_some_and(|most| most >= rule.watch)
        })
    }

    /// The most that `rule` can score; `None` when it has nothing to begin with. Whatever else
    /// belongs to a score only lowers it.
    fn most(&self, rule: &Rule) -> Option<i32> {
        let near = rule.near.iter().filter(|near| near.groups.iter().all(|&group| self.groups[group]));
        let item = near.map(|near| near.weight).fold(self.strong[rule.index], i32::max);
        let weak = self.weak[rule.index].min(WEAK_CAP);
        if item == 0 && weak == 0 {
            return None;
        }
        let context = rule.context.iter().filter(|(group, _)| self.groups[*group]);
        let extra = if item > 0 { EXTRA_STRONG_CAP } else { 0 };
        Some(item + extra + weak + context.map(|(_, weight)| weight).sum::<i32>())
    }
}
