//! `fenghuo store`: looking after the database.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

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
