//! What two packs make of the same history, hit by hit.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use crate::model::{Complaint, ComplaintId, ComplaintRecord, RiskHit, Span};
use crate::rules::{Reading, RuleInfo, RulePack, Status};

use super::cases::CaseChanges;
use super::history::Read;
use super::period::Period;
use super::words::excerpt;

/// What is different between two packs over the same history.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// The hashes of the old and of the new pack.
    pub packs: [String; 2],
    /// What was read.
    pub read: Read,
    /// Every rule of either pack whose hits differ, in the order of their ids.
    pub rules: Vec<RuleChanges>,
    /// Risk cases.
    pub risks: CaseChanges,
    /// Group incidents.
    pub incidents: CaseChanges,
}

impl Difference {
    /// Whether nothing is different.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty() && self.risks.is_empty() && self.incidents.is_empty()
    }
}

/// How the hits of one rule differ.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RuleChanges {
    /// Its id.
    pub rule: String,
    /// Its title in Chinese, the new one where there are two.
    pub title: String,
    /// Its status in the old and in the new pack; null where it is not there.
    pub status: [Option<Status>; 2],
    /// How many hits have changed, by kind.
    pub changes: BTreeMap<Change, u64>,
    /// Hits that both packs have with one score.
    pub same: u64,
    /// Some that have changed, of each kind the first.
    pub examples: Vec<Example>,
}

/// How a hit differs, the gravest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// There was no hit, and now there is one that alerts.
    NewAlert,
    /// There was a hit that alerts, and now there is none.
    LostAlert,
    /// The hit alerts now, and did not.
    NowAlerts,
    /// The hit alerts no longer.
    NoLongerAlerts,
    /// A new hit that does not alert.
    NewKept,
    /// A lost hit that did not alert.
    LostKept,
    /// Another score, which changes nothing else.
    Rescored,
}

impl Change {
    fn of(was: Option<&RiskHit>, is: Option<&RiskHit>) -> Option<Self> {
        match (was, is) {
            (None, Some(is)) => Some(if is.alerts() { Self::NewAlert } else { Self::NewKept }),
            (Some(was), None) => Some(if was.alerts() { Self::LostAlert } else { Self::LostKept }),
            (Some(was), Some(is)) => match (was.alerts(), is.alerts()) {
                (false, true) => Some(Self::NowAlerts),
                (true, false) => Some(Self::NoLongerAlerts),
                _ => (was.score != is.score).then_some(Self::Rescored),
            },
            (None, None) => None,
        }
    }
}

/// One hit that has changed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Example {
    /// How.
    pub change: Change,
    /// The complaint.
    pub id: ComplaintId,
    /// When it was received.
    pub at: Timestamp,
    /// What the old pack makes of it.
    pub old: Side,
    /// What the new one makes of it.
    pub new: Side,
    /// The words of both in brackets, in their text.
    pub text: String,
}

/// What one pack makes of a complaint.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Side {
    /// The score reached, also when it is too low for a hit; null where the rule is not there.
    pub score: Option<i32>,
    /// Parts of the score that the other pack does not have, with their points, and the exception for which
    /// the hit does not alert.
    pub only: Vec<String>,
    /// Words hidden by a mask that the other pack does not hide, with the mask.
    pub hides: Vec<String>,
}

/// One complaint on which a rule's hits differ.
struct Changed {
    rule: String,
    change: Change,
}

/// The exceptions that hold for a hit in the old and in the new pack.
type Exceptions = [Option<String>; 2];

/// A complaint for an example.
type Met = (Arc<Complaint>, Exceptions);

/// Compares hits while the history passes.
pub(super) struct HitChanges<'a> {
    packs: [&'a RulePack; 2],
    period: &'a Period,
    keep: usize,
    /// By complaint, since a later version takes the place of an earlier one.
    changed: BTreeMap<ComplaintId, Vec<Changed>>,
    /// The same for hits that are the same.
    same: BTreeMap<ComplaintId, Vec<String>>,
    /// Complaints for examples.
    examples: BTreeMap<(String, Change), Vec<Met>>,
}

impl<'a> HitChanges<'a> {
    pub(super) fn new(packs: [&'a RulePack; 2], period: &'a Period, keep: usize) -> Self {
        let (changed, same, examples) = Default::default();
        Self { packs, period, keep, changed, same, examples }
    }

    /// Takes what both packs have made of one complaint.
    pub(super) fn take(&mut self, was: &ComplaintRecord, is: &ComplaintRecord) {
        let complaint = &is.complaint;
        if is.version > 1 {
            self.same.remove(&complaint.id);
            if self.changed.remove(&complaint.id).is_some() {
                for complaints in self.examples.values_mut() {
                    complaints.retain(|(other, _)| other.id != complaint.id);
                }
            }
        }
        let (was, is) = (&was.decision.risks, &is.decision.risks);
        if was.is_empty() && is.is_empty() || !self.period.contains(complaint.received_at) {
            return;
        }
        let rules: BTreeSet<&str> = was.iter().chain(is).map(|hit| hit.rule.as_str()).collect();
        for rule in rules {
            let [was, is] = [was, is].map(|hits| hits.iter().find(|hit| hit.rule == rule));
            let Some(change) = Change::of(was, is) else {
                self.same.entry(complaint.id.clone()).or_default().push(rule.to_owned());
                continue;
            };
            let changed = Changed { rule: rule.to_owned(), change };
            self.changed.entry(complaint.id.clone()).or_default().push(changed);
            let examples = self.examples.entry((rule.to_owned(), change)).or_default();
            if examples.len() < self.keep {
                let exceptions = [was, is].map(|hit| Some(hit?.suppressed.as_ref()?.exception.clone()));
                examples.push((Arc::clone(complaint), exceptions));
            }
        }
    }

    pub(super) fn finish(self) -> Vec<RuleChanges> {
        let mut counts: BTreeMap<String, BTreeMap<Change, u64>> = BTreeMap::new();
        for Changed { rule, change } in self.changed.into_values().flatten() {
            *counts.entry(rule).or_default().entry(change).or_default() += 1;
        }
        let mut same: BTreeMap<String, u64> = BTreeMap::new();
        for rule in self.same.into_values().flatten() {
            *same.entry(rule).or_default() += 1;
        }
        let mut examples: BTreeMap<String, Vec<Example>> = BTreeMap::new();
        for ((rule, change), complaints) in self.examples {
            let told = complaints
                .into_iter()
                .map(|(complaint, exceptions)| example(self.packs, &rule, change, &complaint, exceptions));
            examples.entry(rule.clone()).or_default().extend(told);
        }
        let told = counts.into_iter().map(|(rule, changes)| {
            let info: [Option<&RuleInfo>; 2] =
                self.packs.map(|pack| pack.rules().find(|info| info.id == rule));
            let title = info[1].or(info[0]).map(|info| info.title.clone());
            RuleChanges {
                title: title.unwrap_or_default(),
                status: info.map(|info| info.map(|info| info.status)),
                changes,
                same: same.get(&rule).copied().unwrap_or_default(),
                examples: examples.remove(&rule).unwrap_or_default(),
                rule,
            }
        });
        told.collect()
    }
}

/// What made the difference on one complaint. Both packs read it again, since of a hit that is not
/// there only a reading says how far it came.
fn example(
    packs: [&RulePack; 2],
    rule: &str,
    change: Change,
    complaint: &Complaint,
    exceptions: Exceptions,
) -> Example {
    let readings =
        packs.map(|pack| pack.readings(complaint).into_iter().find(|reading| reading.rule == rule));
    let [old, new] = &readings;
    let [was, is] = exceptions;
    let mut spans: Vec<Span> = Vec::new();
    for reading in readings.iter().flatten() {
        spans.extend(&reading.spans);
        spans.extend(reading.masked.iter().map(|masked| masked.hidden.span));
    }
    Example {
        change,
        id: complaint.id.clone(),
        at: complaint.received_at,
        old: side(old.as_ref(), new.as_ref(), was),
        new: side(new.as_ref(), old.as_ref(), is),
        text: excerpt(complaint, &spans),
    }
}

fn side(own: Option<&Reading>, other: Option<&Reading>, exception: Option<String>) -> Side {
    let parts = |reading: Option<&Reading>| -> Vec<String> {
        let parts = reading.into_iter().flat_map(|reading| &reading.parts);
        parts.map(|part| format!("{} {:+}", part.what, part.score)).collect()
    };
    let hidden = |reading: Option<&Reading>| -> Vec<String> {
        let masked = reading.into_iter().flat_map(|reading| &reading.masked);
        masked.map(|masked| format!("{} in {}", masked.hidden.words, masked.mask.words)).collect()
    };
    let only = |own: Vec<String>, other: &[String]| -> Vec<String> {
        own.into_iter().filter(|part| !other.contains(part)).collect()
    };
    let parts_only = only(parts(own), &parts(other)).into_iter();
    Side {
        score: own.map(|reading| reading.score),
        only: parts_only.chain(exception.map(|id| format!("exception {id}"))).collect(),
        hides: only(hidden(own), &hidden(other)),
    }
}
