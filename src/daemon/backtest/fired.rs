//! What one pack would have fired.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use rustc_hash::FxHashMap;
use serde::Serialize;

use crate::model::{ComplaintId, ComplaintRecord, RiskHit};
use crate::rules::{RulePack, Status};

use super::cases::Cases;
use super::history::Read;
use super::period::Period;
use super::words::{excerpt, words};

/// What a pack would have told.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Fired {
    /// The pack's hash.
    pub pack: String,
    /// What was read.
    pub read: Read,
    /// Every rule of the pack, in its order, also those that met nothing.
    pub rules: Vec<RuleFired>,
    /// The risk cases that would have been told.
    pub cases: Cases,
}

/// What one rule would have fired.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RuleFired {
    /// Its id.
    pub rule: String,
    /// Its title in Chinese.
    pub title: String,
    /// How far it is trusted.
    pub status: Status,
    /// Hits that are kept and do not alert, suppressed ones included.
    pub kept: u64,
    /// Hits with the score to alert. Of a rule in status `shadow` they would alert if it were not.
    pub alerting: u64,
    /// Hits for which an exception holds.
    pub suppressed: u64,
    /// Distinct companies named by the complaints.
    pub companies: u64,
    /// Hits on each day that has any.
    pub days: BTreeMap<Date, DayCount>,
    /// Some of the hits, those that alert first.
    pub samples: Vec<Sample>,
}

/// Hits of one day.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct DayCount {
    /// Those that are kept and do not alert.
    pub kept: u64,
    /// Those with the score to alert.
    pub alerting: u64,
}

/// One hit.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Sample {
    /// The complaint.
    pub id: ComplaintId,
    /// When it was received.
    pub at: Timestamp,
    /// The score reached.
    pub score: i32,
    /// Whether that is the score to alert.
    pub alerting: bool,
    /// The words that count.
    pub words: Vec<String>,
    /// The same in brackets, in their text.
    pub text: String,
}

/// A hit as far as it is counted.
#[derive(Debug)]
struct Met {
    rule: usize,
    day: Date,
    alerting: bool,
    suppressed: bool,
    company: Option<Box<str>>,
}

/// Counts hits while the history passes.
pub(super) struct HitBook<'a> {
    period: &'a Period,
    keep: usize,
    rules: Vec<RuleFired>,
    /// The scores from which they alert.
    alert_at: Vec<i32>,
    places: FxHashMap<String, usize>,
    /// By complaint, since a later version takes the place of an earlier one.
    met: BTreeMap<ComplaintId, Vec<Met>>,
}

impl<'a> HitBook<'a> {
    pub(super) fn new(pack: &Arc<RulePack>, period: &'a Period, keep: usize) -> Self {
        let rules = pack.rules().map(|rule| RuleFired {
            rule: rule.id.clone(),
            title: rule.title.clone(),
            status: rule.status,
            kept: 0,
            alerting: 0,
            suppressed: 0,
            companies: 0,
            days: BTreeMap::new(),
            samples: Vec::new(),
        });
        Self {
            period,
            keep,
            rules: rules.collect(),
            alert_at: pack.rules().map(|rule| rule.alert_at).collect(),
            places: pack.rules().enumerate().map(|(place, rule)| (rule.id.clone(), place)).collect(),
            met: BTreeMap::new(),
        }
    }

    pub(super) fn take(&mut self, record: &ComplaintRecord) {
        let complaint = &record.complaint;
        if record.version > 1 && self.met.remove(&complaint.id).is_some() {
            for rule in &mut self.rules {
                rule.samples.retain(|sample| sample.id != complaint.id);
            }
        }
        if record.decision.risks.is_empty() || !self.period.contains(complaint.received_at) {
            return;
        }
        let day = self.period.day(complaint.received_at);
        let mut met = Vec::with_capacity(record.decision.risks.len());
        for hit in &record.decision.risks {
            let rule = self.places[&hit.rule];
            let suppressed = hit.suppressed.is_some();
            let alerting = hit.score >= self.alert_at[rule] && !suppressed;
            self.sample(rule, alerting, record, hit);
            let company = hit.entity.as_deref().map(Box::from);
            met.push(Met { rule, day, alerting, suppressed, company });
        }
        self.met.insert(complaint.id.clone(), met);
    }

    /// Keeps the first of both kinds: those that only record are for when there are not enough others.
    fn sample(&mut self, rule: usize, alerting: bool, record: &ComplaintRecord, hit: &RiskHit) {
        let samples = &mut self.rules[rule].samples;
        if samples.iter().filter(|sample| sample.alerting == alerting).count() >= self.keep {
            return;
        }
        let complaint = &record.complaint;
        samples.push(Sample {
            id: complaint.id.clone(),
            at: complaint.received_at,
            score: hit.score,
            alerting,
            words: words(complaint, &hit.spans),
            text: excerpt(complaint, &hit.spans),
        });
    }

    pub(super) fn finish(mut self) -> Vec<RuleFired> {
        let mut companies: Vec<BTreeSet<Box<str>>> = self.rules.iter().map(|_| BTreeSet::new()).collect();
        for Met { rule, day, alerting, suppressed, company } in self.met.into_values().flatten() {
            companies[rule].extend(company);
            let rule = &mut self.rules[rule];
            rule.suppressed += u64::from(suppressed);
            let count = rule.days.entry(day).or_default();
            let counts = if alerting {
                (&mut rule.alerting, &mut count.alerting)
            } else {
                (&mut rule.kept, &mut count.kept)
            };
            *counts.0 += 1;
            *counts.1 += 1;
        }
        for (rule, companies) in self.rules.iter_mut().zip(companies) {
            rule.companies = companies.len() as u64;
            rule.samples.sort_by_key(|sample| !sample.alerting);
            rule.samples.truncate(self.keep);
        }
        self.rules
    }
}
