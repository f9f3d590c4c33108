//! `fenghuo dead-letters`: what could not be made into complaints, or could not be delivered.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

const EXAMPLES: &str = "Examples:
  fenghuo dead-letters list --limit 20
  fenghuo dead-letters list --reason invalid_json --json
  fenghuo dead-letters show 17
  fenghuo dead-letters redrive 17 18
  fenghuo dead-letters redrive --all --reason bad_time";

/// Arguments of `fenghuo dead-letters`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct DeadLettersArgs {
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

/// The actions of `fenghuo dead-letters`.
#[derive(Debug, Subcommand)]
pub enum Action {
    /// List dead letters, newest first
    List {
        /// Only those with this reason
        #[arg(long)]
        reason: Option<String>,
        /// At most so many
        #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
        limit: u32,
    },
    /// Show one with everything known about it
    Show {
        /// Its number, as `list` shows it
        id: i64,
        /// Write the original bytes and nothing else
        #[arg(long, conflicts_with = "json")]
        raw: bool,
    },
    /// Put some back in, now that the fault is mended
    Redrive {
        /// Their numbers
        #[arg(value_name = "ID", required_unless_present = "all", conflicts_with = "all")]
        ids: Vec<i64>,
        /// All of them
        #[arg(long)]
        all: bool,
        /// With --all, only those with this reason
        #[arg(long, requires = "all")]
        reason: Option<String>,
    },
}
