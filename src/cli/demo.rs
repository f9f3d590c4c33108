//! `fenghuo demo`: everything at once, on a generated stream.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, ValueHint};

const EXAMPLES: &str = "Examples:
  fenghuo demo
  fenghuo demo --complaints 20000 --seed 7
  fenghuo demo --once --data-dir ./demo-data";

/// Arguments of `fenghuo demo`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct DemoArgs {
    /// How many complaints to generate
    #[arg(long, value_name = "N", default_value_t = 3000, value_parser = clap::value_parser!(u64).range(1..))]
    pub complaints: u64,

    /// Seed of the generated stream; the same seed gives the same alerts
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,

    /// Complaints to play each second; 0 plays as fast as possible
    #[arg(long, value_name = "N", default_value_t = 300)]
    pub speed: u32,

    /// Address and port of the HTTP side
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8787")]
    pub listen: SocketAddr,

    /// Folder to keep the data in; without it, one that is removed at the end
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub data_dir: Option<PathBuf>,

    /// End when the stream is over instead of staying open until Ctrl-C
    #[arg(long)]
    pub once: bool,
}
