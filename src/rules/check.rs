//! Runs the tests that stand in rule files: the texts go through the same normaliser, automaton and
//! score as live complaints.

use std::fmt;

use serde::Serialize;

use crate::model::{Complaint, ComplaintId, PlaceFields, ReportedCaller, ScorePart};
use crate::text::normalise;

use super::RulePack;
use super::compiled::TestText;
use super::schema::Status;

/// What a test text should bring about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Expectation {
    /// The rule it stands in alerts.
    MustFire,
    /// The rule it stands in does not alert.
    MustNotFire,
    /// No rule of the pack alerts.
    Quiet,
    /// The rule it stands in ought to alert and does not yet.
    KnownMiss,
}

/// What is told when it did not come about.
impl fmt::Display for Expectation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MustFire => "must fire but does not",
            Self::MustNotFire => "must not fire but does",
            Self::Quiet => "fires on a text that must stay quiet",
            Self::KnownMiss => "fires on a known miss after all; move the text to `must_fire`",
        })
    }
}

/// A test text that brought about something else.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TestFailure {
    /// The rule whose test failed, or the one that fired on a `quiet` text.
    pub rule: String,
    /// What was expected.
    pub expected: Expectation,
    /// The score reached and its parts in one line.
    pub got: String,
    /// File of the text.
    pub file: String,
    /// Line of the text.
    pub line: u64,
    /// The text.
    pub text: String,
}

impl fmt::Display for TestFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rule, file, line, text, got, .. } = self;
        write!(f, "{file}:{line}: rule {rule} {} ({got}): {text}", self.expected)
    }
}

/// What the tests of a pack showed.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct TestReport {
    /// How many texts were run.
    pub run: usize,
    /// Those that failed, in the order of rules.
    pub failures: Vec<TestFailure>,
    /// Texts that are known not to fire yet, and did not: no failures.
    pub known_misses: Vec<TestFailure>,
}

/// A complaint of which nothing is known but its words.
#[must_use]
pub fn sample(title: &str, text: &str) -> Complaint {
    Complaint {
        id: ComplaintId::from("test"),
        received_at: jiff::Timestamp::UNIX_EPOCH,
        channel: None,
        caller: ReportedCaller::default(),
        title: title.to_owned(),
        text: text.to_owned(),
        place: PlaceFields::default(),
        category: Vec::new(),
        subject: None,
        tags: Vec::new(),
        earlier: Vec::new(),
        extra: serde_json::Map::new(),
    }
}

pub(super) fn run(pack: &RulePack) -> TestReport {
    let mut report = TestReport::default();
    let title = normalise("");
    for rule in &pack.compiled.rules {
        if rule.info.status == Status::Deprecated {
            continue;
        }
        let fire = rule.must_fire.iter().map(|text| (text, Expectation::MustFire));
        let not = rule.must_not_fire.iter().map(|text| (text, Expectation::MustNotFire));
        let known = rule.known_misses.iter().map(|text| (text, Expectation::KnownMiss));
        for (test, expected) in fire.chain(not).chain(known) {
            report.run += 1;
            let hits = pack.hits(&sample("", &test.text), &title, &normalise(&test.text));
            let hit = hits.iter().find(|hit| hit.rule == rule.info.id);
            // A shadow rule never alerts; its tests ask whether it would.
            let fired = hit.is_some_and(|hit| hit.score >= rule.info.alert_at);
            let list = match (fired, expected) {
                (false, Expectation::KnownMiss) => &mut report.known_misses,
                _ if fired != (expected == Expectation::MustFire) => &mut report.failures,
                _ => continue,
            };
            let got = match hit {
                Some(hit) => told(hit.score, &hit.parts),
                None => below(pack, &rule.info.id, &test.text),
            };
            list.push(failure(&rule.info.id, expected, got, test));
        }
    }
    for test in &pack.compiled.quiet {
        report.run += 1;
        let hits = pack.hits(&sample("", &test.text), &title, &normalise(&test.text));
        for hit in hits.iter().filter(|hit| hit.alerts()) {
            let got = told(hit.score, &hit.parts);
            report.failures.push(failure(&hit.rule, Expectation::Quiet, got, test));
        }
    }
    report
}

/// The score and its parts in one line.
fn told(score: i32, parts: &[ScorePart]) -> String {
    let parts: Vec<String> = parts.iter().map(|part| format!("{} {:+}", part.what, part.score)).collect();
    format!("score {score}: {}", parts.join(", "))
}

/// What was reached where it is too little for a hit.
fn below(pack: &RulePack, rule: &str, text: &str) -> String {
    let readings = pack.readings(&sample("", text));
    match readings.iter().find(|reading| reading.rule == rule && !reading.parts.is_empty()) {
        Some(reading) => told(reading.score, &reading.parts),
        None => "score 0: nothing that it begins with is there".to_owned(),
    }
}

fn failure(rule: &str, expected: Expectation, got: String, test: &TestText) -> TestFailure {
    TestFailure {
        rule: rule.to_owned(),
        expected,
        got,
        file: test.file.clone(),
        line: test.line,
        text: test.text.clone(),
    }
}
