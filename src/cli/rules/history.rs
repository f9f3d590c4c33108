//! What `backtest` and `diff` share: which complaints, and reading them with a bar.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueHint};
use jiff::civil::Date;
use secrecy::SecretString;

use crate::daemon::backtest::{Backtest, Events, History, Period, Read, Watch};
use crate::daemon::config::Config;
use crate::daemon::core::{self, RulesConfig};
use crate::engine::{EngineConfig, Knowledge, Preparer};
use crate::rules::RulePack;
use crate::source::decode::Decoder;
use crate::source::file;
use crate::store::Store as _;
use crate::store::sqlite::SqliteStore;

use super::super::eval::day;
use super::super::replay::{self, LATEST};
use super::super::{Context, Exit, OrExit as _};
use super::{Origin, counted};

/// Callers of a file are counted within this one run, so any key will do.
const CALLER_KEY: &str = "counted within one run";

/// Which complaints.
#[derive(Debug, Args)]
pub(super) struct HistoryArgs {
    /// Tell only of what was received from this day on; what came before is still read, as far as it
    /// may be of the same case or group
    #[arg(long, value_name = "DAY", value_parser = day)]
    pub(super) from: Option<Date>,

    /// Tell only of what was received up to the end of this day
    #[arg(long, value_name = "DAY", value_parser = day)]
    pub(super) to: Option<Date>,

    /// Events to read in place of the store: NDJSON, CSV or XLSX, as `fenghuo replay` takes them; `-`
    /// is stdin
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(super) events: Option<PathBuf>,

    /// Folder with the daemon's data (`store.path`), which is only read
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, conflicts_with = "events")]
    pub(super) data_dir: Option<PathBuf>,

    /// Show so many complaints of each rule (of `diff`: and kind of change), and so many cases
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub(super) samples: usize,

    /// Write the answer as JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// Where a pack is asked to be read from.
#[derive(Debug, Clone, Copy)]
pub(in crate::cli) struct Given<'a> {
    /// Without one, the rules of the configuration.
    pub(in crate::cli) folder: Option<&'a Path>,
    pub(in crate::cli) overlay: Option<&'a Path>,
}

/// Lets `work` have the history and what reads it: one preparer for each of `packs`.
pub(super) fn over<const N: usize, T>(
    args: &HistoryArgs,
    packs: [Given<'_>; N],
    context: &Context,
    work: impl FnOnce(&Backtest<'_>, &[Preparer; N], History<'_>, &mut Watch<'_>) -> anyhow::Result<T>,
) -> anyhow::Result<(T, Period)> {
    let Config { decode, engine, rules, file, .. } = match &args.events {
        Some(events) => replay::config(events, Vec::new(), context)?,
        None => context.config()?.config,
    };
    context.start_plain_logging()?;
    engine.validate().or_exit(Exit::Usage)?;
    let config = Arc::new(engine);
    let period = Period::new(args.from, args.to, config.zone()?).or_exit(Exit::Usage)?;
    let preparers = preparers(packs, rules, &config)?;
    let pool = rayon::ThreadPoolBuilder::new().build()?;
    let backtest = Backtest { config, pool: &pool, period, samples: args.samples };

    let told = if let Some(path) = &args.events {
        let decoder = Decoder::new(decode).or_exit(Exit::Usage)?;
        let records = file::records(path, &file.unwrap_or_default()).or_exit(Exit::Input)?;
        let bar = context.progress(records.size(), "bytes");
        let position = Cell::new(0);
        let name = path.display().to_string();
        let mut watch = Watch {
            rejected: &mut |line, reason, detail| {
                bar.suspend(|| tracing::warn!("{name}:{line}: {reason}: {detail}"));
            },
            progress: &mut |_| bar.set_position(position.get()),
        };
        let mut records = replay::watched(records, &position);
        let events = Events { records: &mut records, decoder: &decoder, not_after: LATEST };
        let told = work(&backtest, &preparers, History::Events(events), &mut watch)?;
        bar.finish_and_clear();
        told
    } else {
        let store = SqliteStore::open_read_only(&context.store_config(args.data_dir.as_deref())?)?;
        // How many of them are of the period nobody knows before they are read.
        let total = if backtest.period.is_from_the_first() { Some(store.counts()?.complaints) } else { None };
        let bar = context.progress(total, "complaints");
        let mut watch = Watch { rejected: &mut |_, _, _| {}, progress: &mut |read| bar.set_position(read) };
        let told = work(&backtest, &preparers, History::Store(&store), &mut watch)?;
        bar.finish_and_clear();
        told
    };
    Ok((told, backtest.period))
}

/// What reads complaints: one for each of `packs`.
pub(in crate::cli) fn preparers<const N: usize>(
    packs: [Given<'_>; N],
    rules: RulesConfig,
    config: &EngineConfig,
) -> anyhow::Result<[Preparer; N]> {
    let pack = |given: Given<'_>| -> anyhow::Result<RulePack> {
        Ok(Origin::or(given.folder, given.overlay, || Ok(rules.clone()))?.pack()?)
    };
    let packs = packs.map(pack);
    // Everything but the packs is the same, so it is read once.
    let knowledge = core::knowledge(&RulesConfig { risk_dir: None, overlay_dir: None, ..rules }, config)
        .or_exit(Exit::Usage)?;
    let mut preparers = Vec::with_capacity(N);
    for pack in packs {
        let knowledge = Knowledge { pack: Arc::new(pack?), ..knowledge.clone() };
        preparers.push(core::preparer(knowledge, &SecretString::from(CALLER_KEY))?);
    }
    Ok(preparers.try_into().unwrap_or_else(|_| unreachable!("one for each pack")))
}

/// `4000 complaints, 2026-03-01 to 2026-03-30`.
pub(in crate::cli) fn told(read: &Read) -> String {
    let complaints = counted(read.complaints as usize, "complaint");
    match (read.first_day, read.last_day) {
        (Some(first), Some(last)) => format!("{complaints}, {first} to {last}"),
        _ => complaints,
    }
}

/// What could not be read, one line for each reason.
pub(super) fn rejected(read: &Read) -> String {
    let lines = read.rejected.iter().map(|(reason, count)| {
        format!("{} could not be read: {reason}\n", counted(*count as usize, "event"))
    });
    lines.collect()
}
