//! How good the grouping is: B-cubed against a truth, incidents found and how late, alarms about one
//! person's repeats, pairs that had to stay apart.
//!
//! `cargo bench --bench quality` scores generated streams at several shares of wrong characters.
//! `-- FOLDER` scores a labelled file of your own: the folder holds the events (`events*.ndjson` or
//! `complaints*.ndjson`), the gold (`gold*.json`) and, if there are any, pairs that must stay apart
//! (`apart*.csv`), as `fenghuo generate --out --gold --apart` writes them. `fenghuo eval` does that with
//! any settings, and shows the errors.

#![expect(clippy::print_stdout, reason = "prints what it measured")]

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use fenghuo::daemon::trial::{self, Settings};
use fenghuo::eval::{self, Case, Incidents, Scores};
use fenghuo::generate::{GenerateConfig, write};
use jiff::Timestamp;

// As the program has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Complaints of the generated stream, over so many days.
const COMPLAINTS: (u64, u32) = (10_000, 30);
/// Shares of characters that come out wrong.
const NOISE: [f64; 3] = [0.01, 0.05, 0.1];

fn main() -> anyhow::Result<()> {
    // Cargo adds `--bench`.
    if let Some(folder) = std::env::args().skip(1).find(|arg| arg != "--bench") {
        let folder = PathBuf::from(folder);
        let gold =
            fs::read(one(&folder, &["gold"], "json")?.context("there is no gold*.json in the folder")?)?;
        let apart = one(&folder, &["apart"], "csv")?.map(fs::read).transpose()?;
        let events = one(&folder, &["events", "complaints"], "ndjson")?;
        let events = events.context("there is no events*.ndjson or complaints*.ndjson in the folder")?;
        report(&score(&events, &gold, apart.as_deref())?);
        return Ok(());
    }
    for noise in NOISE {
        let (complaints, days) = COMPLAINTS;
        let config = GenerateConfig { noise, ..GenerateConfig::spread(complaints, days) };
        let folder = tempfile::tempdir()?;
        let events = folder.path().join("events.ndjson");
        let (mut gold, mut apart) = (Vec::new(), Vec::new());
        let out = std::io::BufWriter::new(fs::File::create(&events)?);
        write(config, out, Some(&mut gold), Some(&mut apart))?;
        println!("generated, {complaints} events over {days} days, {noise} of the characters wrong");
        report(&score(&events, &gold, Some(&apart))?);
    }
    Ok(())
}

/// The one file of the folder with such a name.
fn one(folder: &Path, starts: &[&str], end: &str) -> anyhow::Result<Option<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("{}", folder.display()))? {
        let path = entry?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let is_meant = starts.iter().any(|start| name.starts_with(start));
        if is_meant && path.extension().is_some_and(|extension| extension == end) {
            found.push(path);
        }
    }
    found.sort_unstable();
    match &found[..] {
        [] => Ok(None),
        [path] => Ok(Some(path.clone())),
        [first, second, ..] => bail!("{} and {}: leave one of them", first.display(), second.display()),
    }
}

/// Plays the events through the engine as they come, and compares.
fn score(events: &Path, gold: &[u8], apart: Option<&[u8]>) -> anyhow::Result<Scores> {
    let settings = Settings::default();
    let not_after = Timestamp::now();
    let pool = rayon::ThreadPoolBuilder::new().build()?;
    let seen = trial::read(events, &settings, not_after)?.events;
    let decided = trial::play(events, &settings, not_after, &pool)?;
    let case = Case::new(seen, &eval::gold(gold)?, apart.map(eval::pairs).transpose()?);
    Ok(eval::score(&case, &decided))
}

fn report(scores: &Scores) {
    let Scores { grouping, apart, incidents } = scores;
    println!(
        "  B3 precision {:.4}, recall {:.4}, F {:.4} over {} complaints of {} matters",
        grouping.precision, grouping.recall, grouping.f, grouping.gold_complaints, grouping.gold_matters
    );
    if let Some(incidents) = incidents {
        let Incidents { expected, detected, delay, alerts, single_caller, outside, .. } = incidents;
        let delay =
            delay.map_or_else(String::new, |delay| format!(", {delay:.2} complaints late in the mean"));
        println!("  {detected} of {expected} incidents found{delay}");
        println!(
            "  {alerts} alarms: {} about one person's repeats, {} about nothing in the gold",
            single_caller.len(),
            outside.len()
        );
    }
    if let Some(apart) = apart {
        println!("  {} of {} pairs that must stay apart share a group", apart.violations, apart.pairs);
    }
}
