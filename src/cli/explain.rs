//! `fenghuo explain`: why an alert was raised, or why nothing was.

use std::path::PathBuf;

use clap::{Args, ValueHint};

const EXAMPLES: &str = "Examples:
  fenghuo explain QS20260301-7F3K2QXA
  fenghuo explain 20260228-001234 --json

Exit code 1 says that there is no alert and no complaint of this id.";

/// Arguments of `fenghuo explain`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ExplainArgs {
    /// The id of an alert or of a complaint
    #[arg(value_name = "ALERT_ID|COMPLAINT_ID")]
    pub id: String,

    /// Folder with the daemon's data (`store.path`)
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub data_dir: Option<PathBuf>,

    /// Write the explanation as JSON
    #[arg(long)]
    pub json: bool,
}
