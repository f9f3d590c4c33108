//! The figures, and how they are written.

use serde::{Serialize, Serializer};

use crate::model::{ComplaintId, GroupId};

/// So many matters are written of those that are grouped worst,
const WORST: usize = 12;
/// so many alarms outside of the gold,
const OUTSIDE: usize = 40;
/// and so many complaints of each.
const SAMPLE: usize = 5;

/// All figures. As JSON rounded to what can be told apart: four digits.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Scores {
    /// Groups against matters.
    #[serde(flatten)]
    pub grouping: Grouping,
    /// Pairs that must not share a group.
    #[serde(flatten)]
    pub apart: Option<Apart>,
    /// Alarms against matters.
    #[serde(flatten)]
    pub incidents: Option<Incidents>,
}

/// Groups against matters.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Grouping {
    /// Matters with at least two complaints that are scored.
    pub gold_matters: usize,
    /// Complaints that are scored.
    pub gold_complaints: usize,
    /// Events about which nothing was decided.
    pub unassigned_events: usize,
    /// B-cubed precision, 0 to 1: the mean share of a complaint's group that is of its matter.
    #[serde(rename = "b3_precision", serialize_with = "four_digits")]
    pub precision: f64,
    /// B-cubed recall, 0 to 1: the mean share of a complaint's matter that is in its group.
    #[serde(rename = "b3_recall", serialize_with = "four_digits")]
    pub recall: f64,
    /// The harmonic mean of both.
    #[serde(rename = "b3_f", serialize_with = "four_digits")]
    pub f: f64,
    /// The mean over matters of the F that the best group for it reaches.
    #[serde(rename = "matter_best_f_mean", serialize_with = "four_digits")]
    pub best_f: f64,
    /// All scored matters, those that are grouped worst first.
    #[serde(rename = "worst_matters", serialize_with = "worst")]
    pub worst: Vec<Worst>,
}

/// How well the best group for a matter fits it.
#[derive(Debug, Clone, PartialEq)]
pub struct Worst {
    /// The matter.
    pub matter: String,
    /// What it is about.
    pub title: String,
    /// F of that group, 0 to 1.
    pub f: f64,
}

/// Pairs that must not share a group.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Apart {
    /// How many there are.
    #[serde(rename = "apart_pairs")]
    pub pairs: usize,
    /// How many share one.
    #[serde(rename = "apart_violations")]
    pub violations: usize,
}

/// Alarms against matters.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Incidents {
    /// Matters that became an incident.
    pub expected: usize,
    /// Those of them that an alarm is about.
    pub detected: usize,
    /// The mean number of complaints that came after an incident was due, up to its alarm.
    pub delay: Option<f64>,
    /// Incidents that no alarm is about, with what they are about.
    pub missed: Vec<(String, String)>,
    /// Alarms scored.
    pub alerts: usize,
    /// Groups that they are for.
    pub alerted_groups: usize,
    /// Matters of which one person has made all complaints, about which there was an alarm.
    pub single_caller: Vec<String>,
    /// Alarms about no matter of the gold: to be read, since gold is seldom complete.
    pub outside: Vec<Outside>,
}

/// An alarm about no matter of the gold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outside {
    /// Its group.
    pub group: GroupId,
    /// Its complaints, by number.
    pub ids: Vec<ComplaintId>,
}

impl Incidents {
    /// The share of incidents that were found, 0 to 1; `None` when none was expected.
    pub fn recall(&self) -> Option<f64> {
        (self.expected > 0).then(|| self.detected as f64 / self.expected as f64)
    }
}

impl Serialize for Incidents {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Written<'a> {
            expected_incidents: usize,
            detected: usize,
            incident_recall: Option<f64>,
            delay_complaints_mean: Option<f64>,
            missed: &'a [(String, String)],
            alerts: usize,
            alerted_groups: usize,
            single_caller_alerts: &'a [String],
            alerts_outside_gold: usize,
            outside_gold_sample: Vec<(&'a GroupId, &'a [ComplaintId], usize)>,
        }
        Written {
            expected_incidents: self.expected,
            detected: self.detected,
            incident_recall: self.recall().map(|recall| rounded(recall, 4)),
            delay_complaints_mean: self.delay.map(|delay| rounded(delay, 2)),
            missed: &self.missed,
            alerts: self.alerts,
            alerted_groups: self.alerted_groups,
            single_caller_alerts: &self.single_caller,
            alerts_outside_gold: self.outside.len(),
            outside_gold_sample: self.outside.iter().take(OUTSIDE).map(sample).collect(),
        }
        .serialize(serializer)
    }
}

fn sample(outside: &Outside) -> (&GroupId, &[ComplaintId], usize) {
    let ids = &outside.ids;
    (&outside.group, &ids[..ids.len().min(SAMPLE)], ids.len())
}

/// A sum over so many; 0 over none.
pub(super) fn mean(sum: f64, count: usize) -> f64 {
    sum / count.max(1) as f64
}

/// To so many digits, halves of the exact value to the even one, as a printed number is.
fn rounded(value: f64, digits: usize) -> f64 {
    format!("{value:.digits$}").parse().expect("a printed number is one")
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn four_digits<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(rounded(*value, 4))
}

fn worst<S: Serializer>(worst: &[Worst], serializer: S) -> Result<S::Ok, S::Error> {
    let line = |worst: &Worst| (worst.matter.clone(), worst.title.clone(), rounded(worst.f, 2));
    serializer.collect_seq(worst.iter().take(WORST).map(line))
}
