//! `fenghuo rules stats`

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::{Args, ValueHint};
use jiff::civil::Date;

use crate::daemon::backtest::Period;
use crate::daemon::stats::{Judged, RuleStats, Stats, stats};
use crate::store::Store as _;
use crate::store::sqlite::SqliteStore;

use super::super::eval::day;
use super::super::{Context, Exit, OrExit as _};
use super::{RulesIn, backtest, counted, print, zone};

/// Arguments of `fenghuo rules stats`.
#[derive(Debug, Args)]
pub struct StatsArgs {
    #[command(flatten)]
    rules: RulesIn,

    /// Only what was received from this day on
    #[arg(long, value_name = "DAY", value_parser = day)]
    from: Option<Date>,

    /// Only what was received up to the end of this day
    #[arg(long, value_name = "DAY", value_parser = day)]
    to: Option<Date>,

    /// Folder with the daemon's data (`store.path`), which is only read
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    data_dir: Option<PathBuf>,

    /// Write the answer as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &StatsArgs, context: &Context) -> anyhow::Result<Exit> {
    let pack = args.rules.origin(context)?.pack()?;
    let period = Period::new(args.from, args.to, zone(context)?).or_exit(Exit::Usage)?;
    let store = SqliteStore::open_read_only(&context.store_config(args.data_dir.as_deref())?)?;
    let bar = context.progress(Some(store.counts()?.complaints), "complaints");
    let found = stats(&store, &pack, &period, &mut |read| bar.set_position(read))?;
    bar.finish_and_clear();
    if args.json {
        context.print_json(&found)?;
    } else {
        print(context, &told(&found, &period))?;
    }
    Ok(Exit::Ok)
}

fn told(stats: &Stats, period: &Period) -> String {
    let Stats { complaints, first_day, last_day, rules, .. } = stats;
    let mut out = counted(*complaints as usize, "complaint");
    // Writing to a string cannot fail, here and below.
    if let (Some(first), Some(last)) = (first_day, last_day) {
        let _ = write!(out, ", {first} to {last}");
    }
    out.push('\n');
    let (met, idle): (Vec<&RuleStats>, Vec<&RuleStats>) = rules.iter().partition(|rule| rule.hits() > 0);
    for rule in met {
        out.push('\n');
        out.push_str(&one(rule, stats, period));
    }
    if !idle.is_empty() {
        let ids: Vec<&str> = idle.iter().map(|rule| rule.rule.as_str()).collect();
        let _ = writeln!(out, "\nnever matched: {}", ids.join(", "));
    }
    out
}

fn one(rule: &RuleStats, stats: &Stats, period: &Period) -> String {
    let RuleStats { rule: id, title, status, alerting, kept, shadow, suppressed, last_at, days, .. } = rule;
    let status = status.map_or("not in the pack", |status| status.as_str());
    let mut counts = vec![format!("{alerting} alerting"), format!("{kept} kept")];
    let rare = [(*shadow, "shadow"), (*suppressed, "suppressed")];
    counts.extend(rare.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")));
    if let Some(last) = last_at {
        counts.push(format!("last on {}", period.day(*last)));
    }
    let gap = if title.is_empty() { "" } else { " " };
    let mut out = format!("{id}{gap}{title} ({status}): {}\n", counts.join(", "));
    if let (Some(first), Some(last)) = (stats.first_day, stats.last_day) {
        out.push_str(&backtest::row_of_days(days, first, last));
    }
    let Judged { right, wrong, unsure } = rule.judged;
    if right + wrong + unsure > 0 {
        let figure = |name: &str, value: Option<f64>| {
            value.map_or_else(String::new, |value| format!(", {name} {value:.2}"))
        };
        let _ = writeln!(
            out,
            "    judged: {right} true, {wrong} false, {unsure} unsure{}{}{}",
            figure("precision", rule.precision),
            figure("recall on its texts", rule.recall.filter(|_| rule.precision.is_some())),
            figure("F0.5", rule.f_half)
        );
    }
    out
}
