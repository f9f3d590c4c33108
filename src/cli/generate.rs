//! `fenghuo generate`: a synthetic district's stream with its ground truth.

use std::path::PathBuf;

use clap::{Args, ValueHint};
use jiff::Timestamp;

const EXAMPLES: &str = "Examples:
  fenghuo generate --out stream.ndjson --gold stream.gold.json
  fenghuo generate --complaints 1000 --seed 7 | fenghuo send --rate 50
  fenghuo generate --complaints 1000000 --days 7 --out large.ndjson

The same arguments give the same stream, byte for byte.";

/// Arguments of `fenghuo generate`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct GenerateArgs {
    /// How many complaints
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub complaints: u64,

    /// Over how many days
    #[arg(long, value_name = "N", default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=3650))]
    pub days: u32,

    /// The time of the first day's beginning
    #[arg(long, value_name = "TIME", default_value = "2026-03-01T00:00:00+08:00")]
    pub start: Timestamp,

    /// Seed of everything that is random
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,

    /// File to write the events to; without it, stdout
    #[arg(long, short, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub out: Option<PathBuf>,

    /// File to write the ground truth to
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub gold: Option<PathBuf>,
}
