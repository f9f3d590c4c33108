//! Risk rules against what people have said of complaints.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use crate::model::{ComplaintId, RiskHit};

/// A complaint that somebody has judged, or left aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JudgedComplaint {
    /// Its number.
    pub id: ComplaintId,
    /// Whether it tells of a risk; `None` leaves it out of every figure but the counts of what is left out.
    pub is_risk: Option<bool>,
    /// The kind it was put into, in the judge's own words.
    pub category: Option<String>,
    /// The rules that alert on it, strongest first. Rules in shadow never do.
    pub fired: Vec<String>,
}

impl JudgedComplaint {
    /// With the hits of a pack on it, strongest first.
    #[must_use]
    pub fn new(id: ComplaintId, is_risk: Option<bool>, category: Option<String>, hits: &[RiskHit]) -> Self {
        let fired = hits.iter().filter(|hit| hit.alerts()).map(|hit| hit.rule.clone()).collect();
        Self { id, is_risk, category, fired }
    }

    /// How the rules stand to what the person has said.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        match (self.is_risk, self.fired.is_empty()) {
            (None, true) => Outcome::LeftOutSilent,
            (None, false) => Outcome::LeftOutFired,
            (Some(true), false) => Outcome::Found,
            (Some(true), true) => Outcome::Missed,
            (Some(false), false) => Outcome::FalseHit,
            (Some(false), true) => Outcome::Quiet,
        }
    }
}

/// How rules stand to what a person has said of a complaint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// A risk on which a rule alerts.
    Found,
    /// A risk on which none does.
    Missed,
    /// No risk, and a rule alerts.
    FalseHit,
    /// No risk, and none does.
    Quiet,
    /// Nobody has judged it; a rule alerts.
    LeftOutFired,
    /// Nobody has judged it; none does.
    LeftOutSilent,
}

/// Counts of outcomes, and the shares made of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Risks found.
    pub found: usize,
    /// Risks missed.
    pub missed: usize,
    /// Alerts where there is none.
    pub false_hits: usize,
    /// No risk and no alert.
    pub quiet: usize,
    /// Not judged, with an alert.
    pub left_out_fired: usize,
    /// Not judged, without.
    pub left_out_silent: usize,
}

impl Counts {
    fn add(&mut self, outcome: Outcome) {
        *match outcome {
            Outcome::Found => &mut self.found,
            Outcome::Missed => &mut self.missed,
            Outcome::FalseHit => &mut self.false_hits,
            Outcome::Quiet => &mut self.quiet,
            Outcome::LeftOutFired => &mut self.left_out_fired,
            Outcome::LeftOutSilent => &mut self.left_out_silent,
        } += 1;
    }

    /// Complaints that were judged.
    #[must_use]
    pub fn judged(&self) -> usize {
        self.found + self.missed + self.false_hits + self.quiet
    }

    /// Of the alerts on judged complaints the share on risks; `None` without alerts.
    #[must_use]
    pub fn precision(&self) -> Option<f64> {
        share(self.found, self.found + self.false_hits)
    }

    /// Of the risks the share found; `None` without risks.
    #[must_use]
    pub fn recall(&self) -> Option<f64> {
        share(self.found, self.found + self.missed)
    }

    /// Precision and recall in one figure: the weighted harmonic mean, in which recall counts `beta` times
    /// as much as precision. With 0.5 a false alert weighs more than a miss, as it does for people who have
    /// to look after each.
    #[must_use]
    pub fn f(&self, beta: f64) -> Option<f64> {
        let (precision, recall) = (self.precision()?, self.recall()?);
        let weight = beta * beta;
        let below = weight * precision + recall;
        Some(if below == 0.0 { 0.0 } else { (1.0 + weight) * precision * recall / below })
    }
}

fn share(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

impl Serialize for Counts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Written {
            found: usize,
            missed: usize,
            false_hits: usize,
            quiet: usize,
            left_out_fired: usize,
            left_out_silent: usize,
            precision: Option<f64>,
            recall: Option<f64>,
            f1: Option<f64>,
            f05: Option<f64>,
        }
        let Self { found, missed, false_hits, quiet, left_out_fired, left_out_silent } = *self;
        let short = |figure: Option<f64>| figure.map(|figure| (figure * 1e4).round() / 1e4);
        Written {
            found,
            missed,
            false_hits,
            quiet,
            left_out_fired,
            left_out_silent,
            precision: short(self.precision()),
            recall: short(self.recall()),
            f1: short(self.f(1.0)),
            f05: short(self.f(0.5)),
        }
        .serialize(serializer)
    }
}

/// What one rule did on judged complaints.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RuleCounts {
    /// Its alerts on risks.
    pub right: usize,
    /// Of these, those on which no other rule alerts.
    pub alone: usize,
    /// Its alerts where there is no risk.
    pub wrong: usize,
    /// Its alerts on what nobody has judged.
    pub left_out: usize,
}

impl RuleCounts {
    /// Of its alerts on judged complaints the share on risks.
    #[must_use]
    pub fn precision(&self) -> Option<f64> {
        share(self.right, self.right + self.wrong)
    }
}

/// All figures of one pack.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RiskScores {
    /// Over all complaints.
    #[serde(flatten)]
    pub all: Counts,
    /// For each kind that the judge has named; an empty name where he named none.
    pub categories: BTreeMap<String, Counts>,
    /// For each rule that alerted.
    pub rules: BTreeMap<String, RuleCounts>,
}

/// Counts over complaints, in any order.
#[must_use]
pub fn risk_scores(complaints: &[JudgedComplaint]) -> RiskScores {
    let mut scores = RiskScores::default();
    for complaint in complaints {
        let outcome = complaint.outcome();
        scores.all.add(outcome);
        scores.categories.entry(complaint.category.clone().unwrap_or_default()).or_default().add(outcome);
        for rule in &complaint.fired {
            let counts = scores.rules.entry(rule.clone()).or_default();
            match complaint.is_risk {
                Some(true) => {
                    counts.right += 1;
                    counts.alone += usize::from(complaint.fired.len() == 1);
                }
                Some(false) => counts.wrong += 1,
                None => counts.left_out += 1,
            }
        }
    }
    scores
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn judged(is_risk: Option<bool>, category: &str, fired: &[&str]) -> JudgedComplaint {
        let fired = fired.iter().map(|rule| (*rule).to_owned()).collect();
        JudgedComplaint { id: "1".into(), is_risk, category: Some(category.to_owned()), fired }
    }

    #[test]
    fn figures_of_a_small_week() {
        let week = [
            judged(Some(true), "预付卡", &["F07"]),
            judged(Some(true), "预付卡", &["F07", "F08"]),
            judged(Some(true), "传销", &[]),
            judged(Some(false), "", &["F08"]),
            judged(Some(false), "", &[]),
            judged(None, "", &["F07"]),
            judged(None, "", &[]),
        ];
        let scores = risk_scores(&week);
        insta::assert_json_snapshot!(scores, @r#"
        {
          "found": 2,
          "missed": 1,
          "false_hits": 1,
          "quiet": 1,
          "left_out_fired": 1,
          "left_out_silent": 1,
          "precision": 0.6667,
          "recall": 0.6667,
          "f1": 0.6667,
          "f05": 0.6667,
          "categories": {
            "": {
              "found": 0,
              "missed": 0,
              "false_hits": 1,
              "quiet": 1,
              "left_out_fired": 1,
              "left_out_silent": 1,
              "precision": 0.0,
              "recall": null,
              "f1": null,
              "f05": null
            },
            "传销": {
              "found": 0,
              "missed": 1,
              "false_hits": 0,
              "quiet": 0,
              "left_out_fired": 0,
              "left_out_silent": 0,
              "precision": null,
              "recall": 0.0,
              "f1": null,
              "f05": null
            },
            "预付卡": {
              "found": 2,
              "missed": 0,
              "false_hits": 0,
              "quiet": 0,
              "left_out_fired": 0,
              "left_out_silent": 0,
              "precision": 1.0,
              "recall": 1.0,
              "f1": 1.0,
              "f05": 1.0
            }
          },
          "rules": {
            "F07": {
              "right": 2,
              "alone": 1,
              "wrong": 0,
              "left_out": 1
            },
            "F08": {
              "right": 1,
              "alone": 0,
              "wrong": 1,
              "left_out": 0
            }
          }
        }
        "#);
        assert_eq!(scores.rules["F08"].precision(), Some(0.5));
    }

    #[test]
    fn a_miss_weighs_less_than_a_false_hit_in_f_one_half() {
        let misses = Counts { found: 8, missed: 2, ..Counts::default() };
        let false_hits = Counts { found: 8, false_hits: 2, ..Counts::default() };
        assert!(misses.f(0.5) > false_hits.f(0.5));
        assert_eq!(misses.f(1.0), false_hits.f(1.0));
        assert_eq!(Counts { missed: 1, false_hits: 1, ..Counts::default() }.f(1.0), Some(0.0));
        assert_eq!(Counts::default().f(1.0), None);
    }

    proptest! {
        #[test]
        fn every_complaint_is_counted_once_and_shares_are_shares(
            week in proptest::collection::vec((proptest::option::of(any::<bool>()), 0..3_usize, 0..3_usize), 0..40),
        ) {
            let rules = ["F01", "F02"];
            let week: Vec<JudgedComplaint> = week
                .into_iter()
                .map(|(is_risk, kind, fired)| judged(is_risk, ["a", "b", "c"][kind], &rules[..fired]))
                .collect();
            let scores = risk_scores(&week);
            let sum = |counts: &Counts| counts.judged() + counts.left_out_fired + counts.left_out_silent;
            prop_assert_eq!(sum(&scores.all), week.len());
            prop_assert_eq!(scores.categories.values().map(sum).sum::<usize>(), week.len());
            for share in [scores.all.precision(), scores.all.recall(), scores.all.f(0.5)].into_iter().flatten() {
                prop_assert!((0.0..=1.0).contains(&share));
            }
            for rule in scores.rules.values() {
                prop_assert!(rule.alone <= rule.right && rule.right <= scores.all.found);
            }
        }
    }
}
