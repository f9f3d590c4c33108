//! `fenghuo rules diff`

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::{Args, ValueHint};

use crate::daemon::backtest::{CaseChanges, Change, Difference, Example, Period, RuleChanges, Side};
use crate::rules::Status;

use super::super::{Context, Exit};
use super::history::{self, Given, HistoryArgs};
use super::{backtest, print};

/// Arguments of `fenghuo rules diff`.
#[derive(Debug, Args)]
pub struct DiffArgs {
    /// Folder with the rules as they are; `builtin` are those shipped
    #[arg(value_name = "OLD", value_hint = ValueHint::DirPath)]
    pub old: PathBuf,

    /// Folder with the rules as they may become
    #[arg(value_name = "NEW", value_hint = ValueHint::DirPath)]
    pub new: PathBuf,

    /// Folder with local changes of the rules NEW
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub overlay: Option<PathBuf>,

    #[command(flatten)]
    history: HistoryArgs,
}

pub(super) fn run(args: &DiffArgs, context: &Context) -> anyhow::Result<Exit> {
    let packs = [
        Given { folder: Some(&args.old), overlay: None },
        Given { folder: Some(&args.new), overlay: args.overlay.as_deref() },
    ];
    let (difference, period) =
        history::over(&args.history, packs, context, |backtest, [old, new], history, watch| {
            backtest.both(old, new, history, watch)
        })?;
    if args.history.json {
        context.print_json(&difference)?;
    } else {
        let over = args.overlay.as_ref().map(|dir| format!(" with {}", dir.display())).unwrap_or_default();
        let packs = format!("{} -> {}{over}", args.old.display(), args.new.display());
        print(context, &told(&packs, &difference, &period))?;
    }
    let is_same = difference.is_empty() && difference.read.rejected.is_empty();
    Ok(if is_same { Exit::Ok } else { Exit::Problems })
}

fn told(packs: &str, difference: &Difference, period: &Period) -> String {
    let Difference { read, rules, risks, incidents, .. } = difference;
    let mut out = format!("{packs} over {}\n", history::told(read));
    out.push_str(&history::rejected(read));
    if difference.is_empty() {
        out.push_str("no difference\n");
        return out;
    }
    if rules.is_empty() {
        out.push_str("\nrules: no difference\n");
    }
    for rule in rules {
        out.push('\n');
        out.push_str(&one(rule, period));
    }
    out.push('\n');
    out.push_str(&cases("risk cases", risks, period));
    out.push_str(&cases("group incidents", incidents, period));
    out
}

fn one(rule: &RuleChanges, period: &Period) -> String {
    let RuleChanges { rule, title, status: [old, new], changes, same, examples } = rule;
    let status = |status: &Option<Status>| status.map_or("not there", Status::as_str);
    let status =
        if old == new { status(old).to_owned() } else { format!("{} -> {}", status(old), status(new)) };
    let mut counts: Vec<String> =
        changes.iter().map(|(change, count)| format!("{count} {}", words(*change))).collect();
    counts.push(format!("{same} unchanged"));
    // Writing to a string cannot fail, here and below.
    let mut out = format!("{rule} {title} ({status}): {}\n", counts.join(", "));
    for Example { change, id, at, old, new, text } in examples {
        let score = |side: &Side| side.score.map_or_else(|| "-".to_owned(), |score| score.to_string());
        let (was, is) = (score(old), score(new));
        let _ = writeln!(out, "  {} {id}, {}, {was} -> {is}: {text}", period.day(*at), words(*change));
        for (mark, side) in [('-', old), ('+', new)] {
            for part in &side.only {
                let _ = writeln!(out, "      {mark} {part}");
            }
            for hidden in &side.hides {
                let _ = writeln!(out, "      {mark} hidden: {hidden}");
            }
        }
    }
    out
}

fn words(change: Change) -> &'static str {
    match change {
        Change::NewAlert => "new alerting",
        Change::LostAlert => "lost alerting",
        Change::NowAlerts => "alerting now",
        Change::NoLongerAlerts => "no longer alerting",
        Change::NewKept => "new kept",
        Change::LostKept => "lost kept",
        Change::Rescored => "with another score",
    }
}

pub(in crate::cli) fn cases(what: &str, changes: &CaseChanges, period: &Period) -> String {
    let CaseChanges { new, lost, changed, same, new_samples, lost_samples, changed_samples } = changes;
    if changes.is_empty() {
        return format!("{what}: no difference\n");
    }
    let mut out = format!("{what}: {new} new, {lost} lost, {changed} with another level, {same} unchanged\n");
    for (mark, cases) in [("  + ", new_samples), ("  - ", lost_samples)] {
        for case in cases {
            out.push_str(&backtest::case_line(mark, case, period));
        }
    }
    for (was, is) in changed_samples {
        let mark = format!("  {} -> ", was.level);
        out.push_str(&backtest::case_line(&mark, is, period));
    }
    out
}
