//! What came of each rule on the complaints of the store, as it was decided when they came, and what
//! people have said of the alerts.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use anyhow::Context as _;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;

use crate::model::{AlertBody, AlertId, HitOutcome, RiskHit, Truth};
use crate::rules::{RuleInfo, RulePack, Status};
use crate::store::{Store, StoredComplaint};

use super::backtest::{DayCount, EARLIEST, Period};

/// What came of the rules.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Stats {
    /// The hash of the pack by which rules are named here; each complaint was judged by that of its time.
    pub pack: String,
    /// Complaints of the period.
    pub complaints: u64,
    /// The first day of the period with a complaint.
    pub first_day: Option<Date>,
    /// The last one.
    pub last_day: Option<Date>,
    /// The rules of the pack in its order, and after them those that only the store still knows.
    pub rules: Vec<RuleStats>,
}

/// What came of one rule.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct RuleStats {
    /// Its id.
    pub rule: String,
    /// Its title in Chinese; empty when the pack has it no more.
    pub title: String,
    /// Its status; null when the pack has it no more.
    pub status: Option<Status>,
    /// Hits that alert.
    pub alerting: u64,
    /// Hits with too few points.
    pub kept: u64,
    /// Hits with enough points of a rule on trial.
    pub shadow: u64,
    /// Hits for which an exception holds.
    pub suppressed: u64,
    /// When the last complaint with a hit was received.
    pub last_at: Option<Timestamp>,
    /// Hits on each day that has any.
    pub days: BTreeMap<Date, DayCount>,
    /// What people have said of the alerts with a hit of the rule.
    pub judged: Judged,
    /// Of the alerts judged true or false the share that was true; null when none was.
    pub precision: Option<f64>,
    /// Of the texts on which the rule ought to fire the share on which it does, as its writer knows; null
    /// when the pack has it no more.
    pub recall: Option<f64>,
    /// F0.5 of the two: twice as much on precision as on recall.
    pub f_half: Option<f64>,
}

/// Verdicts, each alert counted once, with its last one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Judged {
    /// Alerts that were right.
    #[serde(rename = "true")]
    pub right: u64,
    /// Alerts that were wrong.
    #[serde(rename = "false")]
    pub wrong: u64,
    /// Alerts of which nobody can tell.
    pub unsure: u64,
}

impl RuleStats {
    /// All hits.
    #[must_use]
    pub fn hits(&self) -> u64 {
        self.alerting + self.kept + self.shadow + self.suppressed
    }

    fn of(info: &RuleInfo) -> Self {
        Self {
            rule: info.id.clone(),
            title: info.title.clone(),
            status: Some(info.status),
            recall: Some(info.known_recall()),
            ..Self::default()
        }
    }

    fn take(&mut self, outcome: HitOutcome, at: Timestamp, day: Date) {
        let count = self.days.entry(day).or_default();
        match outcome {
            HitOutcome::Alerting => count.alerting += 1,
            HitOutcome::Kept | HitOutcome::Shadow | HitOutcome::Suppressed => count.kept += 1,
        }
        match outcome {
            HitOutcome::Alerting => self.alerting += 1,
            HitOutcome::Kept => self.kept += 1,
            HitOutcome::Shadow => self.shadow += 1,
            HitOutcome::Suppressed => self.suppressed += 1,
        }
        self.last_at = self.last_at.max(Some(at));
    }

    fn finish(&mut self) {
        let Judged { right, wrong, .. } = self.judged;
        let known = right + wrong;
        self.precision = (known > 0).then(|| right as f64 / known as f64);
        self.f_half = self.precision.zip(self.recall).map(|(precision, recall)| {
            let below = 0.25 * precision + recall;
            if below > 0.0 { 1.25 * precision * recall / below } else { 0.0 }
        });
    }
}

/// Goes through the store once. `progress` is told how many complaints were read.
///
/// # Errors
/// When the store cannot be read.
pub fn stats(
    store: &dyn Store,
    pack: &RulePack,
    period: &Period,
    progress: &mut dyn FnMut(u64),
) -> anyhow::Result<Stats> {
    let mut book = Book { pack, gone: BTreeMap::new(), rules: pack.rules().map(RuleStats::of).collect() };
    let mut stats = Stats {
        pack: pack.hash().to_owned(),
        complaints: 0,
        first_day: None,
        last_day: None,
        rules: Vec::new(),
    };
    let mut read = 0;
    for (partition, _) in store.partitions().context("reading the engines of the store")? {
        let mut each = |stored: StoredComplaint| {
            read += 1;
            if read % 1024 == 0 {
                progress(read);
            }
            let at = stored.record.complaint.received_at;
            if period.contains(at) {
                let day = period.day(at);
                stats.complaints += 1;
                stats.first_day = Some(stats.first_day.map_or(day, |first| first.min(day)));
                stats.last_day = stats.last_day.max(Some(day));
                for hit in &stored.record.decision.risks {
                    book.take(hit, at, day);
                }
            }
            ControlFlow::Continue(())
        };
        store.history(&partition, EARLIEST, &mut each).context("reading complaints")?;
    }
    book.judge(store, period)?;
    stats.rules = book.finish();
    Ok(stats)
}

struct Book<'a> {
    pack: &'a RulePack,
    rules: Vec<RuleStats>,
    /// Rules that the pack has no more.
    gone: BTreeMap<String, RuleStats>,
}

impl Book<'_> {
    fn rule(&mut self, id: &str) -> &mut RuleStats {
        match self.rules.iter().position(|rule| rule.rule == id) {
            Some(place) => &mut self.rules[place],
            None => self
                .gone
                .entry(id.to_owned())
                .or_insert_with(|| RuleStats { rule: id.to_owned(), ..RuleStats::default() }),
        }
    }

    fn take(&mut self, hit: &RiskHit, at: Timestamp, day: Date) {
        let alert_at = self.pack.rule(&hit.rule).map_or(hit.alert_at, |rule| rule.alert_at);
        self.rule(&hit.rule).take(hit.outcome(alert_at), at, day);
    }

    /// Counts the last verdict on each alert for every rule with a hit in it.
    fn judge(&mut self, store: &dyn Store, period: &Period) -> anyhow::Result<()> {
        let judgements = store.judgements(None).context("reading verdicts")?;
        let last: BTreeMap<AlertId, Truth> =
            judgements.into_iter().map(|judgement| (judgement.alert, judgement.verdict)).collect();
        for (alert, verdict) in last {
            let revisions = store.alert(&alert).context("reading a judged alert")?;
            let Some(alert) = revisions.last().filter(|alert| period.contains(alert.raised_at)) else {
                continue;
            };
            let AlertBody::Risk(risk) = &alert.body else { continue };
            let rules: BTreeSet<&str> = risk.hits.iter().map(|(_, hit)| hit.rule.as_str()).collect();
            for rule in rules {
                let judged = &mut self.rule(rule).judged;
                match verdict {
                    Truth::True => judged.right += 1,
                    Truth::False => judged.wrong += 1,
                    Truth::Unsure => judged.unsure += 1,
                }
            }
        }
        Ok(())
    }

    fn finish(mut self) -> Vec<RuleStats> {
        self.rules.extend(self.gone.into_values());
        self.rules.iter_mut().for_each(RuleStats::finish);
        self.rules
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn precision_counts_twice_and_nothing_is_said_of_what_nobody_judged() {
        let rule = |right, wrong, recall| {
            let judged = Judged { right, wrong, unsure: 1 };
            let mut rule = RuleStats { judged, recall, ..RuleStats::default() };
            rule.finish();
            (rule.precision, rule.f_half.map(|f| (f * 1000.0).round() as u32))
        };
        assert_eq!(rule(0, 0, Some(1.0)), (None, None));
        assert_eq!(rule(3, 1, None), (Some(0.75), None));
        assert_eq!(rule(3, 1, Some(1.0)), (Some(0.75), Some(789)));
        assert_eq!(rule(4, 0, Some(0.75)), (Some(1.0), Some(938)));
        assert_eq!(rule(0, 2, Some(0.0)), (Some(0.0), Some(0)));
    }
}
