//! `fenghuo store`: looking after the database.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueHint};
use indicatif::HumanBytes;
use serde_json::json;

use crate::store::sqlite::SqliteStore;
use crate::store::{Store as _, StoreConfig};

use super::{Context, Exit};

const EXAMPLES: &str = "Examples:
  fenghuo store check
  fenghuo store backup /backup/fenghuo-$(date +%F).db
  fenghuo store vacuum --data-dir /var/lib/fenghuo

`check` and `backup` may run beside the daemon. Exit code 1 says that `check` found damage.";

/// Arguments of `fenghuo store`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct StoreArgs {
    /// Folder with the daemon's data (`store.path`)
    #[arg(long, global = true, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub data_dir: Option<PathBuf>,

    /// Write the answer as JSON
    #[arg(long, global = true)]
    pub json: bool,

    /// What to do.
    #[command(subcommand)]
    pub action: Action,
}

/// The actions of `fenghuo store`.
#[derive(Debug, Subcommand)]
pub enum Action {
    /// Read everything and say whether it is sound
    Check,
    /// Write a consistent copy of the database to a new file
    Backup {
        /// The file; it must not be there yet
        #[arg(value_hint = ValueHint::FilePath)]
        file: PathBuf,
    },
    /// Give space that is no longer used back to the file system
    Vacuum,
}

/// Does one of the actions.
///
/// # Errors
/// When the store cannot be opened or used.
pub fn run(args: &StoreArgs, context: &Context) -> anyhow::Result<Exit> {
    context.start_plain_logging()?;
    let config = context.store_config(args.data_dir.as_deref())?;
    match &args.action {
        Action::Check => check(&config, args.json, context),
        Action::Backup { file } => backup(&config, file, args.json, context),
        Action::Vacuum => vacuum(&config, args.json, context),
    }
}

fn check(config: &StoreConfig, json: bool, context: &Context) -> anyhow::Result<Exit> {
    let store = SqliteStore::open_read_only(config)?;
    let bar = context.busy(format!("reading all of {}", store.file().display()));
    let (report, counts) = (store.check()?, store.counts()?);
    bar.finish_and_clear();
    if json {
        let file = store.file().display().to_string();
        context.print_json(&json!({
            "file": file, "ok": report.is_sound(), "faults": report.faults, "counts": counts,
        }))?;
    } else {
        let mut out = context.out();
        for fault in &report.faults {
            writeln!(out, "{fault}")?;
        }
        let verdict = if report.is_sound() { "is sound" } else { "is damaged; restore a backup" };
        writeln!(
            out,
            "{} {verdict}: {} complaints, {} incidents ({} open), {} alerts, {} waiting to be delivered, {}",
            store.file().display(),
            counts.complaints,
            counts.incidents,
            counts.incidents_open,
            counts.alerts,
            counts.outbox_pending,
            HumanBytes(counts.file_bytes),
        )?;
        out.flush()?;
    }
    Ok(if report.is_sound() { Exit::Ok } else { Exit::Problems })
}

fn backup(config: &StoreConfig, to: &Path, json: bool, context: &Context) -> anyhow::Result<Exit> {
    let store = SqliteStore::open_read_only(config)?;
    let bar = context.progress(Some(0), "pages");
    store.backup(to, &mut |progress| {
        bar.set_length(progress.total);
        bar.set_position(progress.done);
    })?;
    bar.finish_and_clear();
    let to = to.display().to_string();
    if json {
        context.print_json(&json!({ "file": store.file().display().to_string(), "backup": to }))?;
    } else {
        let mut out = context.out();
        writeln!(out, "{} is copied to {to}", store.file().display())?;
        out.flush()?;
    }
    Ok(Exit::Ok)
}

fn vacuum(config: &StoreConfig, json: bool, context: &Context) -> anyhow::Result<Exit> {
    // To write, but not to make: there is nothing to vacuum in a store that is not there.
    drop(SqliteStore::open_read_only(config)?);
    let store = SqliteStore::open(config)?;
    let bar = context.busy(format!("writing {} anew", store.file().display()));
    let report = store.vacuum()?;
    bar.finish_and_clear();
    if json {
        context.print_json(&report)?;
    } else {
        let mut out = context.out();
        let (before, after) = (HumanBytes(report.before_bytes), HumanBytes(report.after_bytes));
        writeln!(out, "{}: {before} before, {after} now", store.file().display())?;
        out.flush()?;
    }
    Ok(Exit::Ok)
}
