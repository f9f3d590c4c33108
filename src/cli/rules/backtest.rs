//! `fenghuo rules backtest`

use std::collections::BTreeMap;
use std::fmt::Write as _;

use clap::Args;
use jiff::ToSpan as _;
use jiff::civil::Date;

use crate::daemon::backtest::{Case, Cases, DayCount, Fired, Period, Read, RuleFired, Sample};
use crate::rules::Status;

use super::super::{Context, Exit};
use super::history::{self, Given, HistoryArgs};
use super::{RulesIn, counted, print};

/// Columns of the row of days.
const COLUMNS: i32 = 60;
/// How high a column is, from the lowest.
const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Arguments of `fenghuo rules backtest`.
#[derive(Debug, Args)]
pub struct BacktestArgs {
    #[command(flatten)]
    rules: RulesIn,

    #[command(flatten)]
    history: HistoryArgs,
}

pub(super) fn run(args: &BacktestArgs, context: &Context) -> anyhow::Result<Exit> {
    let (fired, period) = history::over(
        &args.history,
        [Given { folder: args.rules.dir.as_deref(), overlay: args.rules.overlay.as_deref() }],
        context,
        |backtest, [preparer], history, watch| backtest.one(preparer, history, watch),
    )?;
    if args.history.json {
        context.print_json(&fired)?;
    } else {
        print(context, &told(&fired, &period))?;
    }
    Ok(if fired.read.rejected.is_empty() { Exit::Ok } else { Exit::Problems })
}

fn told(fired: &Fired, period: &Period) -> String {
    let Fired { pack, read, rules, cases } = fired;
    // Writing to a string cannot fail, here and below.
    let mut out = format!("pack {pack} over {}\n", history::told(read));
    out.push_str(&history::rejected(read));
    for (status, note) in [
        (Status::Stable, ""),
        (Status::Experimental, ""),
        (Status::Shadow, ", whose alerts would only be kept"),
    ] {
        let of_status = || rules.iter().filter(|rule| rule.status == status);
        if of_status().next().is_none() {
            continue;
        }
        let (met, idle): (Vec<&RuleFired>, Vec<&RuleFired>) =
            of_status().partition(|rule| rule.alerting + rule.kept > 0);
        let _ = writeln!(out, "\n{} ({}{note})", status.as_str(), counted(met.len() + idle.len(), "rule"));
        for rule in met {
            out.push_str(&one(rule, read, period));
        }
        if !idle.is_empty() {
            let ids: Vec<&str> = idle.iter().map(|rule| rule.rule.as_str()).collect();
            let _ = writeln!(out, "no hit: {}", ids.join(", "));
        }
    }
    let Cases { count, levels, alerts, samples } = cases;
    let _ = write!(out, "\n{}", counted(*count as usize, "risk case"));
    if *count > 0 {
        let levels: Vec<String> =
            levels.iter().rev().map(|(level, count)| format!("{count} {level}")).collect();
        let _ = write!(out, " ({}), {}", levels.join(", "), counted(*alerts as usize, "alert"));
    }
    out.push('\n');
    for case in samples {
        out.push_str(&case_line("  ", case, period));
    }
    out
}

fn one(rule: &RuleFired, read: &Read, period: &Period) -> String {
    let RuleFired { rule, title, kept, alerting, suppressed, companies, days, samples, .. } = rule;
    let suppressed =
        if *suppressed == 0 { String::new() } else { format!(" ({suppressed} by an exception)") };
    let companies = if *companies == 1 { "1 company".to_owned() } else { format!("{companies} companies") };
    let mut out = format!("{rule} {title}: {alerting} alerting, {kept} kept{suppressed}, {companies}\n");
    if let (Some(first), Some(last)) = (read.first_day, read.last_day) {
        out.push_str(&row_of_days(days, first, last));
    }
    for Sample { id, at, score, alerting, text, .. } in samples {
        let mark = if *alerting { '!' } else { ' ' };
        let _ = writeln!(out, "  {mark} {} {id} {score}: {text}", period.day(*at));
    }
    out
}

/// `2026-03-01 ..▂█. 2026-03-05, most 12 on 2026-03-04`: a column for each day, or for several when
/// there are many.
pub(super) fn row_of_days(days: &BTreeMap<Date, DayCount>, first: Date, last: Date) -> String {
    let count = first.until(last).map_or(0, |span| span.get_days()) + 1;
    let each = (count + COLUMNS - 1) / COLUMNS;
    let sum = |day: &DayCount| day.kept + day.alerting;
    let mut columns: Vec<u64> = Vec::new();
    let mut begin = first;
    while begin <= last {
        let end = begin.saturating_add(each.days());
        columns.push(days.range(begin..end).map(|(_, day)| sum(day)).sum());
        if end == begin {
            break;
        }
        begin = end;
    }
    let most = columns.iter().copied().max().unwrap_or(0).max(1);
    let top = HEIGHTS.len() as u64 - 1;
    let column = |&count: &u64| if count == 0 { '.' } else { HEIGHTS[(count * top / most) as usize] };
    let row: String = columns.iter().map(column).collect();
    let wide = if each > 1 { format!(" ({each} days a column)") } else { String::new() };
    let peak = days.iter().max_by_key(|(day, count)| (sum(count), std::cmp::Reverse(**day)));
    let peak = peak.map_or_else(String::new, |(day, count)| format!(", most {} on {day}", sum(count)));
    format!("    {first} {row} {last}{wide}{peak}\n")
}

/// A case in one line, after `mark`.
pub(super) fn case_line(mark: &str, case: &Case, period: &Period) -> String {
    let Case { id, raised_at, level, title, .. } = case;
    format!("{mark}{} {id} {level} {title}\n", period.day(*raised_at))
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn days(counts: &[(i8, u64)]) -> BTreeMap<Date, DayCount> {
        let count = |&(day, kept)| (date(2026, 3, day), DayCount { kept, alerting: 0 });
        counts.iter().map(count).collect()
    }

    #[test]
    fn each_day_is_a_column_and_of_many_days_several_are_one() {
        let days = days(&[(1, 1), (3, 8), (4, 4)]);
        let row = |last| row_of_days(&days, date(2026, 3, 1), last);
        insta::assert_snapshot!(row(date(2026, 3, 5)).trim(), @"2026-03-01 ▁.█▄. 2026-03-05, most 8 on 2026-03-03");
        insta::assert_snapshot!(row(date(2026, 6, 30)).trim(), @"2026-03-01 █▄....................................... 2026-06-30 (3 days a column), most 8 on 2026-03-03");
        insta::assert_snapshot!(row_of_days(&BTreeMap::new(), date(2026, 3, 1), date(2026, 3, 2)).trim(), @"2026-03-01 .. 2026-03-02");
    }
}
