//! `fenghuo eval risk`: how good risk rules are on complaints that people have judged.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use clap::{Args, ValueHint};
use jiff::civil::Date;
use rayon::prelude::*;
use serde::Serialize;
use serde_json::Value;

use crate::daemon::trial::{self, headline};
use crate::engine::Preparer;
use crate::eval::{self, Counts, JudgedComplaint, Outcome, RiskScores, RuleCounts};
use crate::model::{Complaint, ContentHash};
use crate::rules::{Reading, RulePack, Verdict, nearest};

use super::super::replay::LATEST;
use super::super::rules::history::{self, Given};
use super::super::rules::{counted, show};
use super::super::{Context, Exit, OrExit as _};

const EXAMPLES: &str = "Examples:
  fenghuo eval risk --events judged.ndjson
  fenghuo eval risk --events judged.csv --label 是否风险 --by 类别
  fenghuo eval risk --events judged.ndjson --rules rules/new --against rules/risk
  fenghuo eval risk --events judged.ndjson --from 2026-03-01 --errors 0 --json

The file holds events as the daemon takes them, each with what a person has said of it in a field of its
own: true or 1 (是) for a risk, false or 0 (否) for none; null or nothing leaves the complaint out. In
NDJSON the field may stand inside objects, named by a path:
  {\"id\": \"1\", \"received_at\": \"...\", \"text\": \"...\", \"label\": {\"strict\": 1, \"category\": \"预付卡\"}}
In CSV and XLSX it is a column of that name.

A complaint that tells of a risk is found when some rule alerts on it: a rule in shadow never does, and a
hit below the rule's threshold is none. F0.5 weighs a false alert more than a miss. Of a category that
holds only risks the recall says something, of one that holds none the false hits. `alone` counts the
complaints that no other rule of the pack would have found.";

/// Arguments of `fenghuo eval risk`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct RiskArgs {
    /// Judged events: NDJSON, CSV or XLSX
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub events: PathBuf,

    /// The field with the verdict
    #[arg(long, value_name = "PATH", default_value = "label.strict")]
    pub label: String,

    /// The field with the kind of risk, by which figures are told apart
    #[arg(long, value_name = "PATH", default_value = "label.category")]
    pub by: String,

    /// Folder with the rules to score; by default those of the configuration
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub rules: Option<PathBuf>,

    /// Folder with changes to them, laid over
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub overlay: Option<PathBuf>,

    /// Folder with other rules, whose figures and changes are shown beside
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub against: Option<PathBuf>,

    /// Score only what was received from this day on
    #[arg(long, value_name = "DAY", value_parser = super::day)]
    pub from: Option<Date>,

    /// Score only what was received up to the end of this day
    #[arg(long, value_name = "DAY", value_parser = super::day)]
    pub to: Option<Date>,

    /// Show so many misses and as many false hits, each with its words and the reasons
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub errors: usize,

    /// Show as many alerts on complaints that nobody has judged, too
    #[arg(long)]
    pub left_out: bool,

    /// Write all figures and errors as JSON to stdout
    #[arg(long)]
    pub json: bool,
}

/// One pack over the file.
struct Trial {
    pack: Arc<RulePack>,
    judged: Vec<JudgedComplaint>,
    scores: RiskScores,
}

/// A complaint on which rules and people disagree, or about which people have said nothing.
#[derive(Serialize)]
struct Disagreement<'a> {
    id: &'a str,
    outcome: Outcome,
    category: Option<&'a str>,
    complaint: &'a Complaint,
    /// The rules that alert, or, where none does, the one that comes nearest.
    readings: Vec<Reading>,
}

#[derive(Serialize)]
struct Report<'a> {
    pack: &'a str,
    scores: &'a RiskScores,
    misses: Vec<Disagreement<'a>>,
    false_hits: Vec<Disagreement<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    left_out: Vec<Disagreement<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    against: Option<Against<'a>>,
}

#[derive(Serialize)]
struct Against<'a> {
    pack: &'a str,
    scores: &'a RiskScores,
    changes: Vec<Change<'a>>,
}

/// A complaint of which two packs make something else.
#[derive(Serialize)]
struct Change<'a> {
    id: &'a str,
    was: Outcome,
    now: Outcome,
    rules_were: &'a [String],
    rules_are: &'a [String],
    headline: String,
}

/// Scores rules on a judged file.
///
/// # Errors
/// When the configuration or the rules are wrong, or the file cannot be read.
pub(super) fn run(args: &RiskArgs, context: &Context) -> anyhow::Result<Exit> {
    let settings = super::settings(&args.events, &[], context)?;
    context.start_plain_logging()?;
    let zone = settings.engine.zone()?;
    let first = args.from.map(|day| day.to_zoned(zone.clone())).transpose()?.map(|day| day.timestamp());
    let end = args.to.map(|day| day.tomorrow()?.to_zoned(zone.clone())).transpose()?;
    let end = end.map(|day| day.timestamp());
    let mut read = trial::complaints(&args.events, &settings, LATEST).or_exit(Exit::Input)?;
    read.retain(|(_, complaint)| {
        first.is_none_or(|first| complaint.received_at >= first)
            && end.is_none_or(|end| complaint.received_at < end)
    });
    let verdicts: Vec<(Option<bool>, Option<String>)> = read
        .iter()
        .map(|(line, complaint)| {
            let of_line = || format!("{}:{line}: field {}", args.events.display(), args.label);
            let is_risk = eval::verdict(eval::field(&complaint.extra, &args.label)).with_context(of_line)?;
            Ok((is_risk, eval::field(&complaint.extra, &args.by).and_then(word)))
        })
        .collect::<anyhow::Result<_>>()
        .or_exit(Exit::Input)?;
    if verdicts.iter().all(|(is_risk, _)| is_risk.is_none()) {
        let none = format!(
            "{}: no complaint of the time has a verdict in the field {}; name the field with --label",
            args.events.display(),
            args.label
        );
        return Err(anyhow::Error::msg(none)).or_exit(Exit::Input);
    }
    let preparer = |given: Given<'_>| -> anyhow::Result<Preparer> {
        let [preparer] = history::preparers([given], settings.rules.clone(), &settings.engine)?;
        Ok(preparer)
    };
    let scored = preparer(Given { folder: args.rules.as_deref(), overlay: args.overlay.as_deref() })?;
    let complaints: Vec<Complaint> = read.into_iter().map(|(_, complaint)| complaint).collect();
    let (trial, masked) = attempt(&scored, &complaints, &verdicts);
    let against = match args.against.as_deref() {
        Some(folder) => {
            let other = preparer(Given { folder: Some(folder), overlay: None })?;
            Some(attempt(&other, &complaints, &verdicts).0)
        }
        None => None,
    };
    let shown = |outcome: Outcome| disagreements(&trial, &masked, outcome, args.errors);
    let changes = against.as_ref().map(|other| changes(&trial, other, &masked)).unwrap_or_default();
    let report = Report {
        pack: trial.pack.hash(),
        scores: &trial.scores,
        misses: shown(Outcome::Missed),
        false_hits: shown(Outcome::FalseHit),
        left_out: if args.left_out { shown(Outcome::LeftOutFired) } else { Vec::new() },
        against: against.as_ref().map(|other| Against {
            pack: other.pack.hash(),
            scores: &other.scores,
            changes,
        }),
    };
    if args.json {
        context.print_json(&report)?;
    } else {
        use std::io::Write as _;
        let mut out = context.out();
        out.write_all(told(&report, &trial.pack).as_bytes())?;
        out.flush()?;
    }
    Ok(Exit::Ok)
}

/// A kind as it is written in a field.
fn word(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(word) => Some(word.clone()),
        other => Some(other.to_string()),
    }
}

/// Reads all complaints as the daemon does; gives them back masked as well.
fn attempt(
    preparer: &Preparer,
    complaints: &[Complaint],
    verdicts: &[(Option<bool>, Option<String>)],
) -> (Trial, Vec<Arc<Complaint>>) {
    let read = complaints.par_iter().zip(verdicts).map(|(complaint, (is_risk, category))| {
        // Nobody asks whether an event is a repeat, so its hash is of no use.
        let prepared = preparer.prepare(complaint.clone(), ContentHash(0));
        let id = complaint.id.clone();
        (JudgedComplaint::new(id, *is_risk, category.clone(), &prepared.risks), prepared.complaint)
    });
    let (judged, masked): (Vec<JudgedComplaint>, Vec<Arc<Complaint>>) = read.unzip();
    let scores = eval::risk_scores(&judged);
    (Trial { pack: Arc::clone(&preparer.knowledge().pack), judged, scores }, masked)
}

fn disagreements<'a>(
    trial: &'a Trial,
    masked: &'a [Arc<Complaint>],
    outcome: Outcome,
    most: usize,
) -> Vec<Disagreement<'a>> {
    let of_outcome = trial.judged.iter().zip(masked).filter(|(judged, _)| judged.outcome() == outcome);
    let disagreement = |(judged, complaint): (&'a JudgedComplaint, &'a Arc<Complaint>)| {
        let mut readings = trial.pack.readings(complaint);
        // What each list holds is for one rule at a time: `rules why-not`.
        for reading in &mut readings {
            reading.lists.clear();
        }
        let readings = if judged.fired.is_empty() {
            nearest(&readings, 1).into_iter().cloned().collect()
        } else {
            readings.into_iter().filter(|reading| reading.verdict == Verdict::Alerts).collect()
        };
        let (id, category) = (judged.id.as_str(), judged.category.as_deref());
        Disagreement { id, outcome, category, complaint, readings }
    };
    of_outcome.take(most).map(disagreement).collect()
}

fn changes<'a>(now: &'a Trial, was: &'a Trial, masked: &[Arc<Complaint>]) -> Vec<Change<'a>> {
    let pairs = now.judged.iter().zip(&was.judged).zip(masked);
    let changed = pairs.filter(|((now, was), _)| now.outcome() != was.outcome());
    changed
        .map(|((now, was), complaint)| Change {
            id: now.id.as_str(),
            was: was.outcome(),
            now: now.outcome(),
            rules_were: &was.fired,
            rules_are: &now.fired,
            headline: headline(complaint),
        })
        .collect()
}

fn words(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Found => "found",
        Outcome::Missed => "missed",
        Outcome::FalseHit => "false hit",
        Outcome::Quiet => "quiet",
        Outcome::LeftOutFired => "left out, alerts",
        Outcome::LeftOutSilent => "left out, quiet",
    }
}

fn figure(figure: Option<f64>) -> String {
    figure.map_or_else(|| "-".to_owned(), |figure| format!("{figure:.4}"))
}

/// The figures of one pack as rows of name and value.
fn rows(scores: &RiskScores) -> [(&'static str, String); 9] {
    let all = scores.all;
    [
        ("risks", (all.found + all.missed).to_string()),
        ("found", all.found.to_string()),
        ("no risks", (all.false_hits + all.quiet).to_string()),
        ("false hits", all.false_hits.to_string()),
        (
            "left out, of them alerting",
            format!("{}, {}", all.left_out_fired + all.left_out_silent, all.left_out_fired),
        ),
        ("precision", figure(all.precision())),
        ("recall", figure(all.recall())),
        ("F1", figure(all.f(1.0))),
        ("F0.5", figure(all.f(0.5))),
    ]
}

fn told(report: &Report<'_>, pack: &RulePack) -> String {
    // Writing to a string cannot fail, here and below.
    let mut out = String::new();
    match &report.against {
        None => {
            let _ = writeln!(out, "pack {}", report.pack);
            for (name, value) in rows(report.scores) {
                let _ = writeln!(out, "{name:<28}{value}");
            }
        }
        Some(against) => {
            let _ = writeln!(out, "{:<28}{:<20}{}", "pack", report.pack, against.pack);
            for ((name, value), (_, other)) in rows(report.scores).iter().zip(rows(against.scores)) {
                let _ = writeln!(out, "{name:<28}{value:<20}{other}");
            }
        }
    }
    out.push_str("\ncategory                     found  missed  false  quiet  left out  alerting\n");
    for (category, counts) in &report.scores.categories {
        out.push_str(&category_row(category, counts));
    }
    out.push_str("\nrule      right  alone  wrong  left out  precision\n");
    for (rule, counts) in &report.scores.rules {
        let title = pack.rules().find(|info| info.id == *rule).map_or("", |info| info.title.as_str());
        let RuleCounts { right, alone, wrong, left_out } = counts;
        let precision = figure(counts.precision());
        let _ =
            writeln!(out, "{rule:<8}{right:>7}{alone:>7}{wrong:>7}{left_out:>10}{precision:>11}  {title}");
    }
    if let Some(against) = &report.against {
        let _ = writeln!(out, "\n{} decided otherwise", counted(against.changes.len(), "complaint"));
        for Change { id, was, now, rules_were, rules_are, headline } in &against.changes {
            let (was, now) = (words(*was), words(*now));
            let rules = |rules: &[String]| if rules.is_empty() { "-".to_owned() } else { rules.join(" ") };
            let (were, are) = (rules(rules_were), rules(rules_are));
            let _ = writeln!(out, "  {id} {was} ({were}) -> {now} ({are}): {headline}");
        }
    }
    for disagreement in report.misses.iter().chain(&report.false_hits).chain(&report.left_out) {
        out.push_str(&one(disagreement));
    }
    out
}

fn category_row(category: &str, counts: &Counts) -> String {
    let Counts { found, missed, false_hits, quiet, left_out_fired, left_out_silent } = *counts;
    let category = if category.is_empty() { "(none)" } else { category };
    let left_out = left_out_fired + left_out_silent;
    let wide = unicode_width::UnicodeWidthStr::width(category);
    let room = " ".repeat(28_usize.saturating_sub(wide));
    format!(
        "{category}{room}{found:>6}{missed:>8}{false_hits:>7}{quiet:>7}{left_out:>10}{left_out_fired:>10}\n"
    )
}

fn one(disagreement: &Disagreement<'_>) -> String {
    let Disagreement { id, outcome, category, complaint, readings } = disagreement;
    let kind = category.map(|category| format!(" ({category})")).unwrap_or_default();
    let mut out = format!("\n{} {id}{kind}\n  {}\n  {}\n", words(*outcome), complaint.title, complaint.text);
    if readings.is_empty() {
        out.push_str("  no rule comes near\n");
    }
    for reading in readings {
        out.push_str(&show::reading(reading, complaint));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_of_wide_characters_stands_in_its_column() {
        let counts = Counts { found: 3, left_out_fired: 1, ..Counts::default() };
        let rows = category_row("预付卡", &counts) + &category_row("", &counts);
        insta::assert_snapshot!(rows, @r"
        预付卡                           3       0      0      0         1         1
        (none)                           3       0      0      0         1         1
        ");
    }
}
