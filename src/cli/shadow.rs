//! `fenghuo shadow`: what other settings would tell of what comes in.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Args, ValueHint};
use jiff::Timestamp;
use jiff::civil::Date;
use secrecy::SecretString;

use crate::daemon::backtest::{Beside, Grouped, Manner, Period, Shadow};
use crate::daemon::config::{Config, Flag};
use crate::daemon::core;
use crate::store::Store as _;
use crate::store::sqlite::SqliteStore;

use super::rules::{changed_cases, told_of};
use super::{Context, Exit, OrExit as _};

const EXAMPLES: &str = "Examples:
  fenghuo shadow --with engine.group.likeness=0.45
  fenghuo shadow --with engine.group.steps=[4,8,15] --out /var/lib/fenghuo/shadow.json
  fenghuo shadow --with rules.risk_dir=rules/new --once --from 2026-03-01

The store is only read, and the daemon runs on beside it. Two engines read what it has taken in, one
with the settings in force and one with those of --with; what would be told instead is written
whenever something came, until the command is stopped. At first as much of the past is read as an
engine keeps open, so that both begin with it.

Exit code 1 says with --once that there is a difference.";

/// What every answer is counted with; callers are hashed already.
const CALLER_KEY: &str = "callers of the store are hashed already";

/// Arguments of `fenghuo shadow`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ShadowArgs {
    /// A setting to be tried; may be repeated
    #[arg(long, value_name = "KEY=VALUE", required = true)]
    pub with: Vec<String>,

    /// Tell of what was received from this day on; without it from today, with --once from the first
    #[arg(long, value_name = "DAY", value_parser = super::eval::day)]
    pub from: Option<Date>,

    /// Read what is there, tell, and end
    #[arg(long)]
    pub once: bool,

    /// Look for new complaints every so many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub every: u64,

    /// Keep the last answer in this file as JSON; it is replaced whole
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub out: Option<PathBuf>,

    /// Folder with the daemon's data (`store.path`), which is only read
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub data_dir: Option<PathBuf>,

    /// Show so many incidents and cases of each kind of change
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub samples: usize,

    /// Write each answer as JSON, one a line
    #[arg(long)]
    pub json: bool,
}

/// Follows the store with other settings and tells what they change.
///
/// # Errors
/// When a setting is wrong or the store cannot be read.
pub fn run(args: &ShadowArgs, context: &Context) -> anyhow::Result<Exit> {
    let manners = [manner(&[], context)?, manner(&args.with, context)?];
    context.start_plain_logging()?;
    let store = SqliteStore::open_read_only(&context.store_config(args.data_dir.as_deref())?)?;
    let zone = manners[0].config.zone()?;
    let today = || Timestamp::now().to_zoned(zone.clone()).date();
    let from = args.from.or_else(|| (!args.once).then(today));
    let period = Period::new(from, None, zone.clone()).or_exit(Exit::Usage)?;
    let pool = rayon::ThreadPoolBuilder::new().build()?;
    let mut shadow = Shadow::new([&manners[0], &manners[1]], &pool, period.clone());
    let mut is_first = true;
    loop {
        let total =
            if is_first && period.is_from_the_first() { Some(store.counts()?.complaints) } else { None };
        let bar = context.progress(total.filter(|_| is_first), "complaints");
        let came = shadow.catch_up(&store, &mut |read| bar.set_position(read))?;
        bar.finish_and_clear();
        if came > 0 || is_first {
            let beside = shadow.told(args.samples);
            if let Some(path) = &args.out {
                keep(path, &beside)?;
            }
            tell(args, context, &beside, &period)?;
            if args.once {
                return Ok(if beside.is_same() { Exit::Ok } else { Exit::Problems });
            }
        }
        is_first = false;
        std::thread::sleep(Duration::from_secs(args.every));
    }
}

fn manner(with: &[String], context: &Context) -> anyhow::Result<Manner> {
    let mut sources = context.sources();
    for setting in with {
        sources.flags.push(Flag::with(setting).or_exit(Exit::Usage)?);
    }
    let Config { engine, rules, .. } = Config::load(&sources)?.config;
    engine.validate().or_exit(Exit::Usage)?;
    let knowledge = core::knowledge(&rules, &engine).or_exit(Exit::Usage)?;
    let preparer = core::preparer(knowledge, &SecretString::from(CALLER_KEY))?;
    Ok(Manner { config: Arc::new(engine), preparer })
}

/// Writes the file beside its place and then puts it there, so that nobody reads half of it.
fn keep(path: &Path, beside: &Beside) -> anyhow::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let write = || -> anyhow::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        serde_json::to_writer_pretty(&mut file, beside)?;
        file.write_all(b"\n")?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        Ok(())
    };
    fs::metadata(folder)
        .with_context(|| format!("{}: no such folder", folder.display()))
        .or_exit(Exit::Usage)?;
    write().with_context(|| format!("{}: cannot be written", path.display()))
}

fn tell(args: &ShadowArgs, context: &Context, beside: &Beside, period: &Period) -> anyhow::Result<()> {
    let mut out = context.out();
    if args.json {
        serde_json::to_writer(&mut out, beside)?;
        out.write_all(b"\n")?;
    } else {
        out.write_all(words(&args.with, beside, period).as_bytes())?;
    }
    Ok(out.flush()?)
}

fn words(with: &[String], beside: &Beside, period: &Period) -> String {
    let Beside { read, grouped, risks, incidents, .. } = beside;
    // Writing to a string cannot fail.
    let mut out = format!("{} over {}\n", with.join(" "), told_of(read));
    let Grouped { both, only_in_force, only_tried, neither } = grouped;
    let _ = writeln!(
        out,
        "grouped when they came: {both} by both, {only_in_force} only as it is, {only_tried} only with it, {neither} by neither"
    );
    out.push_str(&changed_cases("group incidents", incidents, period));
    out.push_str(&changed_cases("risk cases", risks, period));
    out
}
