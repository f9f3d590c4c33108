//! `fenghuo replay`: the same engine on a file of events, as fast as it can.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use clap::{Args, ValueHint};
use jiff::Timestamp;
use secrecy::SecretString;

use crate::daemon::config::{Config, Flag};
use crate::daemon::core;
use crate::daemon::replay::{Outputs, Replay, ReplaySummary};
use crate::source::decode::Decoder;
use crate::source::file::{self, RawRecord, Records};

use super::{Context, Exit, OrExit as _};

const EXAMPLES: &str = "Examples:
  fenghuo replay --events orders.ndjson --out decided
  fenghuo replay --events orders.ndjson --out decided --threads 1 --config fenghuo.toml
  fenghuo replay --events 工单.xlsx --out decided
  fenghuo replay --events export.csv --out decided --set file.columns.text=反映事项

The file is NDJSON, CSV or XLSX, told by its name, else by how it begins; which columns of a table
hold what is set in [file.columns]. Without settings the usual headers are known.

Writes into the folder:
  groups.ndjson  for every complaint its group, or null when it is alone
  alerts.ndjson  group incidents in the order raised, with their explanation
  risks.ndjson   risk rules that were met
The files are the same from run to run and for any number of threads.";

/// Arguments of `fenghuo replay`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ReplayArgs {
    /// Events to read: NDJSON, CSV or XLSX; `-` is stdin (not for XLSX)
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub events: PathBuf,

    /// Folder to write into; made if it is missing, files in it are replaced
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub out: PathBuf,

    /// Put events aside that are later than this (RFC 3339), as the daemon does with events from the
    /// future; without it, those of 2100 and later
    #[arg(long, value_name = "TIME")]
    pub not_after: Option<Timestamp>,

    /// Threads that prepare complaints; without it, one for each core
    #[arg(long, value_name = "N")]
    pub threads: Option<NonZeroUsize>,

    /// Write a summary as JSON to stdout
    #[arg(long)]
    pub json: bool,
}

/// Callers are counted within this one run and their hashes are not written, so any key will do; a
/// fixed one keeps every run the same.
const CALLER_KEY: &str = "fenghuo replay counts only";

/// 2100-01-01T00:00:00Z: later events are mistakes, whatever day it is today.
pub(super) const LATEST: Timestamp = Timestamp::constant(4_102_444_800, 0);

/// Replays a file of events.
///
/// # Errors
/// When the configuration is wrong, the events cannot be read, or the folder cannot be written.
pub fn run(args: &ReplayArgs, context: &Context) -> anyhow::Result<Exit> {
    let Config { decode, engine, rules, file, .. } = config(&args.events, Vec::new(), context)?;
    context.start_plain_logging()?;
    let engine = Arc::new(engine);
    engine.validate().or_exit(Exit::Usage)?;
    let decoder = Decoder::new(decode).or_exit(Exit::Usage)?;
    let knowledge = core::knowledge(&rules, &engine).or_exit(Exit::Usage)?;
    let preparer = core::preparer(knowledge, &SecretString::from(CALLER_KEY))?;
    let threads = args.threads.map_or(0, NonZeroUsize::get);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;

    let events = file::records(&args.events, &file.unwrap_or_default()).or_exit(Exit::Input)?;
    let folder = &args.out;
    std::fs::create_dir_all(folder)
        .with_context(|| format!("{}: cannot make this folder", folder.display()))
        .or_exit(Exit::Input)?;
    let create = |name: &str| -> anyhow::Result<BufWriter<File>> {
        let path = folder.join(name);
        let file = File::create(&path)
            .with_context(|| format!("{}: cannot be written", path.display()))
            .or_exit(Exit::Input)?;
        Ok(BufWriter::new(file))
    };
    let (mut groups, mut alerts, mut risks) =
        (create("groups.ndjson")?, create("alerts.ndjson")?, create("risks.ndjson")?);

    let bar = context.progress(events.size(), "bytes");
    let name = args.events.display().to_string();
    let mut rejected = |line: u64, reason, detail: &str| {
        bar.suspend(|| tracing::warn!("{name}:{line}: {reason}: {detail}"));
    };
    let position = std::cell::Cell::new(0);
    let mut progress = |_| bar.set_position(position.get());
    let events = watched(events, &position);
    let mut outputs = Outputs {
        groups: &mut groups,
        alerts: &mut alerts,
        risks: &mut risks,
        rejected: &mut rejected,
        progress: &mut progress,
    };
    // Not the present, or the same file would give other results another day.
    let not_after = args.not_after.unwrap_or(LATEST);
    let replay = Replay { decoder: &decoder, preparer: &preparer, config: engine, not_after, pool: &pool };
    let summary = replay.run(events, &mut outputs)?;
    for (file, name) in [(groups, "groups"), (alerts, "alerts"), (risks, "risks")] {
        let mut file = file;
        file.flush().with_context(|| format!("{name}.ndjson in {}: cannot be written", folder.display()))?;
    }
    bar.finish_and_clear();
    if args.json {
        context.print_json(&summary)?;
    } else {
        report(&summary, folder, context)?;
    }
    Ok(if summary.rejected.is_empty() { Exit::Ok } else { Exit::Problems })
}

/// The configuration, with the events as its only file (what it says of other files, or of following
/// them, is for the daemon) and `more` on top.
pub(super) fn config(events: &Path, more: Vec<Flag>, context: &Context) -> anyhow::Result<Config> {
    let mut sources = context.sources();
    let path = events.display().to_string();
    for (setting, value) in [("file.paths", path), ("file.follow", "false".to_owned())] {
        sources.flags.push(Flag { name: "--events".into(), path: setting.into(), value });
    }
    sources.flags.extend(more);
    Ok(Config::load(&sources)?.config)
}

/// The records, while `position` follows the bytes read.
pub(super) fn watched(
    mut records: Records,
    position: &std::cell::Cell<u64>,
) -> impl Iterator<Item = anyhow::Result<RawRecord>> {
    std::iter::from_fn(move || {
        let record = records.next()?;
        position.set(records.bytes_read());
        Some(record.or_exit(Exit::Input))
    })
}

fn report(summary: &ReplaySummary, folder: &Path, context: &Context) -> anyhow::Result<()> {
    let ReplaySummary {
        events,
        complaints,
        repeats,
        updates,
        rejected,
        late,
        groups,
        incidents,
        risk_cases,
        alerts,
    } = summary;
    let mut out = context.out();
    writeln!(
        out,
        "{events} events: {complaints} complaints, {repeats} repeats, {updates} updates, {late} late"
    )?;
    for (reason, count) in rejected {
        writeln!(out, "{count} events could not be read: {reason}")?;
    }
    writeln!(
        out,
        "{groups} groups, {incidents} group incidents, {risk_cases} risk cases, {alerts} alert revisions"
    )?;
    writeln!(out, "written to {}", folder.display())?;
    Ok(out.flush()?)
}
