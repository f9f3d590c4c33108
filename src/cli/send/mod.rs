//! `fenghuo send`: events from a file or stdin to the HTTP intake of a daemon.
//!
//! Sending twice does no harm, since the daemon drops an event it already has; so whatever leaves
//! the outcome open (a lost connection, a busy daemon) is simply tried again.

pub(super) mod client;
pub(super) mod lines;

use std::io::Write as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow};
use clap::{Args, ValueHint};
use serde::Serialize;

use crate::daemon::secrets;

use super::{Context, Exit, OrExit as _};
use client::{Client, Outcome};
use lines::{Line, Lines};

const EXAMPLES: &str = "Examples:
  fenghuo send orders.ndjson
  fenghuo generate --complaints 1000 | fenghuo send --rate 50
  fenghuo send --url https://watch.example/v1/complaints --token-file token.txt orders.ndjson

Exit code 1 says that events were refused; each is named on stderr with its line.";

/// Arguments of `fenghuo send`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct SendArgs {
    /// NDJSON file, one event a line; `-` or nothing is stdin
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub file: Option<PathBuf>,

    /// Where the daemon takes events
    #[arg(long, default_value = "http://127.0.0.1:8787/v1/complaints", value_hint = ValueHint::Url)]
    pub url: String,

    /// File with the bearer token
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub token_file: Option<PathBuf>,

    /// Environment variable with the bearer token
    #[arg(long, value_name = "NAME", conflicts_with = "token_file")]
    pub token_env: Option<String>,

    /// At most so many events a second
    #[arg(long, value_name = "N", value_parser = rate)]
    pub rate: Option<f64>,

    /// At most so many events in one request
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub batch: u32,

    /// How many seconds to wait for one answer
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub timeout: u64,

    /// Give up after so many seconds in which the daemon could not be reached or was too busy
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(0..=86_400))]
    pub give_up_after: u64,

    /// Write the summary as JSON
    #[arg(long)]
    pub json: bool,
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if (0.001..=1e6).contains(&rate) => Ok(rate),
        _ => Err("give a number from 0.001 to 1000000, for example 50 or 0.5".into()),
    }
}

/// What became of the events.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Sent and answered.
    pub sent: u64,
    /// Stored as new complaints.
    pub accepted: u64,
    /// Already there with the same content.
    pub repeated: u64,
    /// New versions of complaints that were there.
    pub updated: u64,
    /// Put among the daemon's dead letters, or refused outright.
    pub refused: u64,
    /// Requests that had to be made again.
    pub retries: u64,
}

/// Sends all events.
///
/// # Errors
/// When the input cannot be read, the daemon cannot be reached in time, or it refuses us.
pub fn run(args: &SendArgs, context: &Context) -> anyhow::Result<Exit> {
    context.start_plain_logging()?;
    let token = secrets::secret("the bearer token", args.token_file.as_deref(), args.token_env.as_deref())?;
    let client = Client::new(
        &args.url,
        token.as_ref(),
        Duration::from_secs(args.timeout),
        Duration::from_secs(args.give_up_after),
    )?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let summary = runtime.block_on(send_all(args, &client, context))?;
    if args.json {
        context.print_json(&summary)?;
    } else {
        let mut out = context.out();
        let Summary { sent, accepted, repeated, updated, refused, retries } = summary;
        writeln!(
            out,
            "{sent} events sent: {accepted} new, {repeated} repeated, {updated} updated, {refused} refused; {retries} requests made again"
        )?;
        out.flush()?;
    }
    Ok(if summary.refused == 0 { Exit::Ok } else { Exit::Problems })
}

async fn send_all(args: &SendArgs, client: &Client, context: &Context) -> anyhow::Result<Summary> {
    // A quarter of a second's worth at most, so that a rate is a steady flow.
    #[expect(clippy::cast_sign_loss, reason = "a rate is above 0")]
    let steady = args.rate.map_or(args.batch, |rate| (rate / 4.0).ceil() as u32);
    let most = steady.clamp(1, args.batch) as usize;
    let mut lines = Lines::open(args.file.as_deref())?;
    let name = lines.name().to_owned();
    let bar = context.progress(None, "events");
    let (mut summary, begin) = (Summary::default(), Instant::now());
    while let Some(batch) =
        lines.batch(most).with_context(|| format!("cannot read {name}")).or_exit(Exit::Input)?
    {
        if let Some(rate) = args.rate {
            tokio::time::sleep_until((begin + Duration::from_secs_f64(summary.sent as f64 / rate)).into())
                .await;
        }
        let count = batch.len() as u64;
        for (line, refusal) in deliver(client, batch, &mut summary, &bar).await? {
            bar.suspend(|| tell_refusal(&name, line, &refusal))?;
        }
        bar.inc(count);
    }
    bar.finish_and_clear();
    Ok(summary)
}

fn tell_refusal(name: &str, line: u64, refusal: &str) -> std::io::Result<()> {
    writeln!(std::io::stderr(), "{name}:{line}: refused: {refusal}")
}

// A batch that is too large is sent in halves; a single event that is too large is refused.
async fn deliver(
    client: &Client,
    batch: Vec<Line>,
    summary: &mut Summary,
    bar: &indicatif::ProgressBar,
) -> anyhow::Result<Vec<(u64, String)>> {
    let mut refusals = Vec::new();
    let mut left = vec![batch];
    while let Some(mut batch) = left.pop() {
        let answer = client.post(&batch, |wait, why| {
            summary.retries += 1;
            bar.set_message(format!("({why}; again in {} s)", wait.as_secs()));
        });
        let Some(results) = answer.await? else {
            let half = batch.len() / 2;
            if half == 0 {
                summary.sent += 1;
                summary.refused += 1;
                refusals.push((batch[0].number, "the event is larger than the daemon takes".into()));
            } else {
                let second = batch.split_off(half);
                left.extend([second, batch]);
            }
            continue;
        };
        bar.set_message("");
        if results.len() != batch.len() {
            let message = format!(
                "{} answers to {} events; is {} a fenghuo daemon?",
                results.len(),
                batch.len(),
                client.url()
            );
            return Err(anyhow!(message)).or_exit(Exit::Unavailable);
        }
        let mut again = Vec::new();
        for (line, result) in batch.into_iter().zip(results) {
            match result.status {
                Outcome::Unavailable => {
                    again.push(line);
                    continue;
                }
                Outcome::Accepted => summary.accepted += 1,
                Outcome::Repeated => summary.repeated += 1,
                Outcome::Updated => summary.updated += 1,
                Outcome::DeadLetter => {
                    summary.refused += 1;
                    refusals.push((line.number, result.why()));
                }
            }
            summary.sent += 1;
        }
        if !again.is_empty() {
            summary.retries += 1;
            left.push(again);
        }
    }
    Ok(refusals)
}

#[cfg(test)]
mod tests;
