//! `fenghuo replay`: the same engine on a file of events, as fast as it can.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write as _};
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use clap::{Args, ValueHint};
use jiff::Timestamp;
use secrecy::SecretString;

use crate::daemon::config::Config;
use crate::daemon::core;
use crate::daemon::replay::{Event, Outputs, Replay, ReplaySummary};
use crate::source::decode::Decoder;

use super::{Context, Exit, OrExit as _};

const EXAMPLES: &str = "Examples:
  fenghuo replay --events orders.ndjson --out decided
  fenghuo replay --events orders.ndjson --out decided --threads 1 --config fenghuo.toml

Writes into the folder:
  groups.ndjson  for every complaint its group, or null when it is alone
  alerts.ndjson  group incidents in the order raised, with their explanation
  risks.ndjson   risk rules that were met
The files are the same from run to run and for any number of threads.";

/// Arguments of `fenghuo replay`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ReplayArgs {
    /// Events to read: NDJSON, one a line; `-` is stdin
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub events: PathBuf,

    /// Folder to write into; made if it is missing, files in it are replaced
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub out: PathBuf,

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

/// Replays a file of events.
///
/// # Errors
/// When the configuration is wrong, the events cannot be read, or the folder cannot be written.
pub fn run(args: &ReplayArgs, context: &Context) -> anyhow::Result<Exit> {
    let Config { decode, engine, rules, .. } = context.config()?.config;
    context.start_plain_logging()?;
    let engine = Arc::new(engine);
    engine.validate().or_exit(Exit::Usage)?;
    let decoder = Decoder::new(decode).or_exit(Exit::Usage)?;
    let knowledge = core::knowledge(&rules, &engine).or_exit(Exit::Usage)?;
    let preparer = core::preparer(knowledge, &SecretString::from(CALLER_KEY))?;
    let threads = args.threads.map_or(0, NonZeroUsize::get);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;

    let (events, bytes) = open(&args.events)?;
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

    let bar = context.progress(bytes, "bytes");
    let name = args.events.display().to_string();
    let mut rejected = |line: u64, reason, detail: &str| {
        bar.suspend(|| tracing::warn!("{name}:{line}: {reason}: {detail}"));
    };
    let position = std::cell::Cell::new(0);
    let mut progress = |_| bar.set_position(position.get());
    let events = lines(events, &name, &position);
    let mut outputs = Outputs {
        groups: &mut groups,
        alerts: &mut alerts,
        risks: &mut risks,
        rejected: &mut rejected,
        progress: &mut progress,
    };
    let not_after = Timestamp::now();
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

fn open(path: &Path) -> anyhow::Result<(Box<dyn BufRead>, Option<u64>)> {
    if path == Path::new("-") {
        return Ok((Box::new(BufReader::new(io::stdin())), None));
    }
    let file = File::open(path)
        .with_context(|| format!("{}: cannot be read", path.display()))
        .or_exit(Exit::Input)?;
    let bytes = file.metadata().ok().filter(std::fs::Metadata::is_file).map(|about| about.len());
    Ok((Box::new(BufReader::with_capacity(1 << 20, file)), bytes))
}

/// The lines that are not empty, with their numbers; `position` follows the bytes read.
fn lines<'a>(
    mut reader: Box<dyn BufRead>,
    name: &'a str,
    position: &'a std::cell::Cell<u64>,
) -> impl Iterator<Item = anyhow::Result<Event>> + 'a {
    let mut number = 0;
    std::iter::from_fn(move || {
        loop {
            let mut line = Vec::new();
            match reader.read_until(b'\n', &mut line) {
                Ok(0) => return None,
                Ok(read) => position.set(position.get() + read as u64),
                Err(error) => {
                    let context = format!("{name}:{}: cannot be read on", number + 1);
                    return Some(Err(error).context(context).or_exit(Exit::Input));
                }
            }
            number += 1;
            if !line.trim_ascii().is_empty() {
                return Some(Ok((number, line)));
            }
        }
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
