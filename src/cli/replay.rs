//! `fenghuo replay`: the same engine on a file of events, as fast as it can.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, ValueHint};

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
