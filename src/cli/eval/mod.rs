//! `fenghuo eval`: how good the engine is on complaints that somebody has grouped by hand, and the risk
//! rules on complaints that somebody has judged.

mod risk;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, Subcommand, ValueHint};
use jiff::civil::Date;
use serde::Serialize;

use crate::daemon::config::{Config, Flag};
use crate::daemon::trial::{self, Headline, Labelled, Settings};
use crate::eval::{self, Case, Decided, Incidents, MatterErrors, Part, Scores};
use crate::model::ComplaintId;

use super::replay::{self, LATEST};
use super::{Context, Exit, OrExit as _};

const EXAMPLES: &str = "Examples:
  fenghuo eval --events week.ndjson --gold gold.json
  fenghuo eval --events week.ndjson --gold gold.json --apart apart.csv --errors 20
  fenghuo eval --events week.ndjson --gold gold.json --with engine.group.likeness=0.5
  fenghuo eval --events week.ndjson --gold gold.json --from 2026-03-01 --json
  fenghuo eval --events week.ndjson --gold gold.json --groups other/groups.ndjson
  fenghuo eval risk --events judged.ndjson

The gold is a list of matters, as `fenghuo generate --gold` writes it:
  [{\"matter\": \"M1\", \"title\": \"...\", \"kind\": \"matter\", \"ids\": [\"...\", \"...\"]}, ...]
Complaints of a matter of kind `theme` (a policy question bound to no place) are left out of every
figure. Pairs that must not share a group are CSV with the columns a and b.

With --with, a second run has these settings on top, and what they change is shown.

With --groups, no engine runs: what another program or an earlier replay has decided is scored. The
files are those that `fenghuo replay` writes; of a line these fields are read:
  groups  {\"id\": \"...\", \"group\": \"...\"}, the group being null when the complaint is alone
  alerts  {\"group\": \"...\", \"raised_at\": \"...\", \"ids\": [\"...\"]}, the ids of the members known then
A complaint that the groups do not mention is alone.";

/// Complaints shown of each part of a matter.
const SHOWN: usize = 6;

/// Arguments of `fenghuo eval`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct EvalArgs {
    /// What else can be scored.
    #[command(subcommand)]
    pub what: Option<What>,

    /// Groups against a gold: what is scored without a subcommand.
    #[command(flatten)]
    pub groups: Option<GroupArgs>,
}

/// What can be scored besides groups.
#[derive(Debug, Subcommand)]
pub enum What {
    /// Score risk rules on complaints that people have judged, and compare packs
    Risk(risk::RiskArgs),
}

/// Arguments of `fenghuo eval` without a subcommand.
#[derive(Debug, Args)]
pub struct GroupArgs {
    /// Events to read: NDJSON, CSV or XLSX
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub events: PathBuf,

    /// The matters that people have found in them (JSON)
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub gold: PathBuf,

    /// Pairs of complaints that must not share a group (CSV)
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub apart: Option<PathBuf>,

    /// Score only what was received from this day on; what came before still counts as members
    #[arg(long, value_name = "DAY", value_parser = day)]
    pub from: Option<Date>,

    /// Show the matters that were grouped worst, with their complaints
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub errors: usize,

    /// A setting of a second run, to be compared with the first; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    pub with: Vec<String>,

    /// Score these groups (NDJSON, as replay writes them) in place of the engine's
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with = "with")]
    pub groups: Option<PathBuf>,

    /// The alerts to score with them; without it, nothing is said about incidents
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "groups")]
    pub alerts: Option<PathBuf>,

    /// Write all figures as JSON to stdout
    #[arg(long)]
    pub json: bool,
}

/// A day as it is typed.
pub(super) fn day(text: &str) -> Result<Date, String> {
    text.parse().map_err(|_| format!("{text:?} is not a day; write it like 2026-03-01"))
}

/// One run and what came of it.
struct Trial {
    scores: Scores,
    errors: Vec<MatterErrors>,
}

#[derive(Serialize)]
struct Report<'a> {
    #[serde(flatten)]
    scores: &'a Scores,
    errors: &'a [MatterErrors],
    #[serde(skip_serializing_if = "Option::is_none")]
    with: Option<Second<'a>>,
}

#[derive(Serialize)]
struct Second<'a> {
    settings: &'a [String],
    #[serde(flatten)]
    scores: &'a Scores,
    errors: &'a [MatterErrors],
}

impl Trial {
    fn new(case: &Case, decided: &Decided) -> Self {
        Self { scores: eval::score(case, decided), errors: eval::errors(case, decided) }
    }
}

/// Scores the engine or its rules on a labelled file, or what somebody else has decided about it.
///
/// # Errors
/// When the configuration is wrong or a file cannot be read.
///
/// # Panics
/// Never: without a subcommand the arguments of groups are required.
pub fn run(args: &EvalArgs, context: &Context) -> anyhow::Result<Exit> {
    match (&args.what, &args.groups) {
        (Some(What::Risk(args)), _) => risk::run(args, context),
        (None, Some(args)) => groups(args, context),
        (None, None) => unreachable!("--events and --gold are required where there is no subcommand"),
    }
}

fn groups(args: &GroupArgs, context: &Context) -> anyhow::Result<Exit> {
    let settings = settings(&args.events, &[], context)?;
    context.start_plain_logging()?;
    let bytes = |path: &Path| {
        std::fs::read(path)
            .with_context(|| format!("{}: cannot be read", path.display()))
            .or_exit(Exit::Input)
    };
    let named = |path: &Path| format!("{}", path.display());
    let gold = eval::gold(&bytes(&args.gold)?).with_context(|| named(&args.gold)).or_exit(Exit::Input)?;
    let pairs = match &args.apart {
        Some(path) => Some(eval::pairs(&bytes(path)?).with_context(|| named(path)).or_exit(Exit::Input)?),
        None => None,
    };
    let Labelled { events, headlines } = trial::read(&args.events, &settings, LATEST).or_exit(Exit::Input)?;
    let case = Case::new(events, &gold, pairs);
    let case = match args.from {
        Some(day) => case.from(day.to_zoned(settings.engine.zone()?)?.timestamp()),
        None => case,
    };
    let pool = rayon::ThreadPoolBuilder::new().build()?;
    let attempt = |settings: &Settings| -> anyhow::Result<Trial> {
        Ok(Trial::new(&case, &trial::play(&args.events, settings, LATEST, &pool)?))
    };
    let first = match &args.groups {
        Some(groups) => {
            let alerts = args.alerts.as_deref().map(bytes).transpose()?;
            let decided = Decided::read(&bytes(groups)?, alerts.as_deref()).or_exit(Exit::Input)?;
            Trial::new(&case, &decided)
        }
        None => attempt(&settings)?,
    };
    let second = if args.with.is_empty() {
        None
    } else {
        Some(attempt(&self::settings(&args.events, &args.with, context)?)?)
    };
    if args.json {
        let with = second.as_ref().map(|Trial { scores, errors }| Second {
            settings: &args.with,
            scores,
            errors: &errors[..errors.len().min(args.errors)],
        });
        let errors = &first.errors[..first.errors.len().min(args.errors)];
        context.print_json(&Report { scores: &first.scores, errors, with })?;
        return Ok(Exit::Ok);
    }
    let titles: BTreeMap<&ComplaintId, &Headline> = headlines.iter().map(|line| (&line.id, line)).collect();
    let mut out = context.out();
    match &second {
        None => {
            rows(&first.scores).iter().try_for_each(|(name, value)| writeln!(out, "{name:<25}{value}"))?;
        }
        Some(second) => compare(&first, second, &args.with, &mut out)?,
    }
    let shown = second.as_ref().unwrap_or(&first);
    for errors in shown.errors.iter().take(args.errors) {
        write_errors(errors, &titles, &mut out)?;
    }
    Ok(out.flush().map(|()| Exit::Ok)?)
}

/// The settings of a run, with `with` on top.
fn settings(events: &Path, with: &[String], context: &Context) -> anyhow::Result<Settings> {
    let with = with.iter().map(|setting| Flag::with(setting));
    let with = with.collect::<anyhow::Result<_>>().or_exit(Exit::Usage)?;
    let Config { decode, engine, rules, file, .. } = replay::config(events, with, context)?;
    engine.validate().or_exit(Exit::Usage)?;
    Ok(Settings { engine, rules, decode, file: file.unwrap_or_default() })
}

/// The figures of one run as rows of name and value.
fn rows(scores: &Scores) -> Vec<(&'static str, String)> {
    let Scores { grouping, apart, incidents } = scores;
    let mut rows = vec![
        ("complaints scored", grouping.gold_complaints.to_string()),
        ("matters scored", grouping.gold_matters.to_string()),
        ("B3 precision", format!("{:.4}", grouping.precision)),
        ("B3 recall", format!("{:.4}", grouping.recall)),
        ("B3 F", format!("{:.4}", grouping.f)),
    ];
    if grouping.unassigned_events > 0 {
        rows.push(("complaints not decided on", grouping.unassigned_events.to_string()));
    }
    if let Some(apart) = apart {
        rows.push(("pairs wrongly together", format!("{} of {}", apart.violations, apart.pairs)));
    }
    if let Some(incidents) = incidents {
        let Incidents { expected, detected, delay, alerts, single_caller, outside, .. } = incidents;
        rows.push(("incidents found", format!("{detected} of {expected}")));
        rows.push(("complaints late, mean", delay.map_or_else(|| "-".into(), |delay| format!("{delay:.2}"))));
        rows.push(("alarms", alerts.to_string()));
        rows.push(("alarms about one person", single_caller.len().to_string()));
        rows.push(("alarms outside the gold", outside.len().to_string()));
    }
    rows
}

fn compare(
    first: &Trial,
    second: &Trial,
    with: &[String],
    out: &mut impl std::io::Write,
) -> anyhow::Result<()> {
    writeln!(out, "{:<25}{:>12}{:>12}   ({})", "", "now", "with", with.join(" "))?;
    for ((name, now), (_, then)) in rows(&first.scores).iter().zip(rows(&second.scores)) {
        writeln!(out, "{name:<25}{now:>12}{then:>12}")?;
    }
    let cost = |trial: &Trial| -> BTreeMap<String, (String, f64)> {
        let cost = |errors: &MatterErrors| {
            (errors.matter.clone(), (errors.title.clone(), errors.precision_lost + errors.recall_lost))
        };
        trial.errors.iter().map(cost).collect()
    };
    let (now, then) = (cost(first), cost(second));
    let mut changed: Vec<(f64, &String, &String)> = now
        .iter()
        .map(|(matter, (title, lost))| {
            (then.get(matter).map_or(0.0, |(_, lost)| *lost) - lost, matter, title)
        })
        .chain(
            then.iter()
                .filter(|(matter, _)| !now.contains_key(*matter))
                .map(|(matter, (title, lost))| (*lost, matter, title)),
        )
        .filter(|(change, ..)| change.abs() > 1e-9)
        .collect();
    changed.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    for (what, is_meant) in [("worse", true), ("better", false)] {
        for (change, matter, title) in changed.iter().filter(|(change, ..)| (*change > 0.0) == is_meant) {
            writeln!(out, "{what:<7} {:>6.2}  {matter}  {title}", change.abs())?;
        }
    }
    Ok(())
}

fn write_errors(
    errors: &MatterErrors,
    titles: &BTreeMap<&ComplaintId, &Headline>,
    out: &mut impl std::io::Write,
) -> anyhow::Result<()> {
    let MatterErrors { matter, title, precision_lost, recall_lost, parts } = errors;
    writeln!(
        out,
        "\n{matter}  {title}\n  costs {precision_lost:.2} complaints of precision, {recall_lost:.2} of recall"
    )?;
    for Part { group, members, strangers } in parts {
        match group {
            Some(group) => writeln!(out, "  in {group}: {} and {} others", members.len(), strangers.len())?,
            None => writeln!(out, "  alone:")?,
        }
        for (mark, ids) in [(' ', members), ('x', strangers)] {
            for id in ids.iter().take(SHOWN) {
                let (at, title) = titles
                    .get(id)
                    .map_or_else(Default::default, |line| (line.at.to_string(), line.title.as_str()));
                writeln!(out, "  {mark} {id}  {at}  {title}")?;
            }
            if ids.len() > SHOWN {
                writeln!(out, "  {mark} and {} more", ids.len() - SHOWN)?;
            }
        }
    }
    Ok(())
}
