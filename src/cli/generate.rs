//! `fenghuo generate`: a synthetic district's stream with its ground truth.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, ValueHint};
use indicatif::ProgressBar;
use jiff::Timestamp;

use crate::generate::{self, GenerateConfig};

use super::{Context, Exit, OrExit as _};

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

    /// File to write pairs to that must stay apart (CSV)
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub apart: Option<PathBuf>,

    /// Share of characters that come out wrong, as speech recognition does, 0 to 0.3
    #[arg(long, value_name = "SHARE", default_value_t = 0.02)]
    pub noise: f64,
}

/// Writes a stream.
///
/// # Errors
/// When a setting is out of range or a file cannot be written.
pub fn run(args: &GenerateArgs, context: &Context) -> anyhow::Result<Exit> {
    let config = GenerateConfig {
        seed: args.seed,
        start: args.start,
        noise: args.noise,
        ..GenerateConfig::spread(args.complaints, args.days)
    };
    config.check().or_exit(Exit::Usage)?;
    let create = |path: &Option<PathBuf>| path.as_deref().map(create).transpose();
    let (mut gold, mut apart) = (create(&args.gold)?, create(&args.apart)?);
    let out: Box<dyn Write> = match &args.out {
        Some(path) => Box::new(self::create(path)?),
        None => Box::new(context.out()),
    };
    // A terminal that shows the events themselves has no room for a bar.
    let is_shown = args.out.is_none() && io::stdout().is_terminal();
    let bar = if is_shown { ProgressBar::hidden() } else { context.progress(config.events, "events") };
    let summary = generate::write(config, Counted { out, bar: &bar }, gold.as_mut(), apart.as_mut())?;
    bar.finish_and_clear();
    for file in [&mut gold, &mut apart].into_iter().flatten() {
        file.flush()?;
    }
    if let Some(path) = &args.out {
        let generate::Summary { events, complaints, matters, .. } = summary;
        let mut out = context.out();
        writeln!(out, "{events} events, {complaints} complaints, {matters} matters: {}", path.display())?;
        out.flush()?;
    }
    Ok(Exit::Ok)
}

/// Passes a stream on and moves the bar by its lines.
struct Counted<'b> {
    out: Box<dyn Write>,
    bar: &'b ProgressBar,
}

impl Write for Counted<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        // Events have their only line end at their end.
        self.bar.inc(bytes[..written].ends_with(b"\n").into());
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

fn create(path: &Path) -> anyhow::Result<BufWriter<File>> {
    let file = File::create(path).with_context(|| format!("{}: cannot be written", path.display()));
    Ok(BufWriter::new(file.or_exit(Exit::Input)?))
}
