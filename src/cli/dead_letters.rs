//! `fenghuo dead-letters`: what could not be made into complaints, or could not be delivered.

use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::anyhow;
use clap::{Args, Subcommand, ValueHint};
use jiff::Timestamp;
use serde_json::json;

use crate::daemon::secrets;
use crate::model::DeadReason;
use crate::store::sqlite::SqliteStore;
use crate::store::{DeadLetterEntry, DeadLetterFilter, Store as _, StoreConfig};

use super::send::client::{Client, Outcome};
use super::send::lines::Line;
use super::{Context, Exit, OrExit as _};

/// How many letters are read from the store at a time.
const PAGE: u32 = 200;

const EXAMPLES: &str = "Examples:
  fenghuo dead-letters list --limit 20
  fenghuo dead-letters list --reason invalid_json --json
  fenghuo dead-letters show 17
  fenghuo dead-letters redrive 17 18
  fenghuo dead-letters redrive --all --reason invalid_time";

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
        #[arg(long, value_parser = reason())]
        reason: Option<DeadReason>,
        /// Also those that were put back in already
        #[arg(long)]
        include_redriven: bool,
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
    ///
    /// Events are sent to the running daemon as they came; alerts that a receiver refused go back
    /// into its outbox. An event that is put aside again becomes a new dead letter. A letter that is
    /// no event, such as a row of a table, stays as it is: fix the row and feed the table again.
    Redrive {
        /// Their numbers
        #[arg(value_name = "ID", required_unless_present = "all", conflicts_with = "all")]
        ids: Vec<i64>,
        /// All of them
        #[arg(long)]
        all: bool,
        /// With --all, only those with this reason
        #[arg(long, requires = "all", value_parser = reason())]
        reason: Option<DeadReason>,
        /// Where the running daemon takes events
        #[arg(long, default_value = "http://127.0.0.1:8787/v1/complaints", value_hint = ValueHint::Url)]
        url: String,
        /// File with the bearer token
        #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
        token_file: Option<PathBuf>,
    },
}

// The reasons in help, completions and messages.
fn reason() -> impl clap::builder::TypedValueParser<Value = DeadReason> {
    use clap::builder::TypedValueParser as _;
    clap::builder::PossibleValuesParser::new(DeadReason::ALL.map(DeadReason::as_str))
        .try_map(|name| name.parse::<DeadReason>())
}

/// Does one of the actions.
///
/// # Errors
/// When the store cannot be used, or the daemon cannot be reached.
pub fn run(args: &DeadLettersArgs, context: &Context) -> anyhow::Result<Exit> {
    context.start_plain_logging()?;
    let config = context.store_config(args.data_dir.as_deref())?;
    match &args.action {
        Action::List { reason, include_redriven, limit } => {
            let include_redriven = *include_redriven;
            let filter =
                DeadLetterFilter { reason: *reason, include_redriven, ..DeadLetterFilter::default() };
            list(&config, &filter, *limit, args.json, context)
        }
        Action::Show { id, raw } => show(&config, *id, *raw, args.json, context),
        Action::Redrive { ids, reason, url, token_file, .. } => {
            let token = secrets::secret("the bearer token", token_file.as_deref(), None)?;
            let client = Client::new(url, token.as_ref(), Duration::from_mins(1), Duration::from_mins(1))?;
            let filter =
                DeadLetterFilter { ids: ids.clone(), reason: *reason, ..DeadLetterFilter::default() };
            redrive(&config, &filter, &client, args.json, context)
        }
    }
}

fn list(
    config: &StoreConfig,
    filter: &DeadLetterFilter,
    limit: u32,
    json: bool,
    context: &Context,
) -> anyhow::Result<Exit> {
    let entries = SqliteStore::open_read_only(config)?.dead_letters(filter, limit)?;
    if json {
        context.print_json(&entries)?;
        return Ok(Exit::Ok);
    }
    let mut out = context.out();
    for DeadLetterEntry { id, reason, detail, source, at, seen_at, bytes, .. } in &entries {
        let reason = reason.as_str();
        writeln!(out, "{id:>6}  {seen_at:.0}  {reason:<17}  {source} {at} ({bytes} bytes): {detail}")?;
    }
    if entries.is_empty() {
        writeln!(out, "no dead letters")?;
    }
    out.flush()?;
    Ok(Exit::Ok)
}

fn show(config: &StoreConfig, id: i64, raw: bool, json: bool, context: &Context) -> anyhow::Result<Exit> {
    let stored = SqliteStore::open_read_only(config)?.dead_letter(id)?;
    let Some(stored) = stored else {
        writeln!(
            std::io::stderr(),
            "fenghuo: there is no dead letter {id}; `fenghuo dead-letters list` shows them"
        )?;
        return Ok(Exit::Problems);
    };
    let letter = stored.letter;
    let mut out = context.out();
    if raw {
        out.write_all(&letter.bytes)?;
    } else if json {
        let text = std::str::from_utf8(&letter.bytes).ok();
        serde_json::to_writer(
            &mut out,
            &json!({
                "id": id, "reason": letter.reason, "detail": letter.detail, "source": letter.source,
                "at": letter.at, "seen_at": letter.seen_at, "redriven_at": stored.redriven_at,
                "is_event": letter.is_event, "bytes": letter.bytes.len(), "text": text,
            }),
        )?;
        writeln!(out)?;
    } else {
        writeln!(out, "reason:      {} ({})", letter.reason, letter.detail)?;
        writeln!(out, "from:        {} {}", letter.source, letter.at)?;
        writeln!(out, "put aside:   {}", letter.seen_at)?;
        if let Some(at) = stored.redriven_at {
            writeln!(out, "put back in: {at}")?;
        }
        // Control characters of a stranger's bytes must not reach the terminal.
        let text = String::from_utf8_lossy(&letter.bytes);
        let is_odd = |c: char| c.is_control() && c != '\n' && c != '\t';
        let text: String = text.chars().map(|c| if is_odd(c) { '\u{fffd}' } else { c }).collect();
        writeln!(out, "\n{text}")?;
    }
    out.flush()?;
    Ok(Exit::Ok)
}

#[derive(Debug, Default, serde::Serialize)]
struct Redriven {
    events: u64,
    refused_again: u64,
    stay: u64,
    alerts: u64,
}

fn redrive(
    config: &StoreConfig,
    filter: &DeadLetterFilter,
    client: &Client,
    json: bool,
    context: &Context,
) -> anyhow::Result<Exit> {
    // To write, but not to make a store where there is none.
    drop(SqliteStore::open_read_only(config)?);
    let store = SqliteStore::open(config)?;
    let mut done =
        Redriven { alerts: store.requeue_refused(filter, Timestamp::now())?, ..Redriven::default() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    // Newest first, each page before the last one, so that letters that are put aside again while
    // this runs do not come up again.
    let total = if filter.ids.is_empty() { None } else { Some(filter.ids.len() as u64) };
    let bar = context.progress(total, "letters");
    let mut filter = filter.clone();
    loop {
        let page = store.dead_letters(&filter, PAGE)?;
        let Some(last) = page.last() else { break };
        filter.before = Some(last.id);
        for entry in page.iter().filter(|entry| entry.reason != DeadReason::Rejected) {
            let Some(stored) = store.dead_letter(entry.id)? else { continue };
            bar.inc(1);
            // A line end inside an event is white space of its JSON (in a string it would not be
            // JSON), so the event stays what it is on one line.
            let mut bytes = stored.letter.bytes;
            bytes.iter_mut().filter(|byte| matches!(byte, b'\n' | b'\r')).for_each(|byte| *byte = b' ');
            let answer = if bytes.trim_ascii().is_empty() {
                Answer::Stays("it holds no event")
            } else if !entry.is_event {
                // Read as an event, the row would be put aside under another reason and source, and
                // where it came from would be forgotten.
                Answer::Stays("it is no event: fix the row in the table and feed it again")
            } else {
                runtime.block_on(send_again(client, Line { number: 1, bytes }))?
            };
            let (said, why) = match answer {
                Answer::Stays(why) => {
                    done.stay += 1;
                    ("stays", why.to_owned())
                }
                Answer::Taken(why) => {
                    let one = DeadLetterFilter { ids: vec![entry.id], ..DeadLetterFilter::default() };
                    store.take_dead_letters(&one, 1, Timestamp::now())?;
                    let Some(why) = why else {
                        done.events += 1;
                        continue;
                    };
                    done.refused_again += 1;
                    ("put aside again", why)
                }
            };
            bar.suspend(|| writeln!(std::io::stderr(), "{}: {said}: {why}", entry.id))?;
        }
    }
    bar.finish_and_clear();
    if json {
        context.print_json(&done)?;
    } else {
        let mut out = context.out();
        let Redriven { events, refused_again, stay, alerts } = done;
        writeln!(
            out,
            "{events} events put back in, {refused_again} put aside again, {stay} stay, \
             {alerts} alerts back in the outbox"
        )?;
        out.flush()?;
    }
    Ok(if done.refused_again + done.stay == 0 { Exit::Ok } else { Exit::Problems })
}

/// What became of a letter that was sent again.
enum Answer {
    /// The daemon did not look at it, so it is still this letter.
    Stays(&'static str),
    /// The daemon took it, or put it aside as a new letter for the reason given.
    Taken(Option<String>),
}

async fn send_again(client: &Client, line: Line) -> anyhow::Result<Answer> {
    let line = [line];
    loop {
        let Some(results) = client.post(&line, |_, _| {}).await? else {
            return Ok(Answer::Stays("it is larger than the daemon takes"));
        };
        let Some(result) = results.into_iter().next() else {
            return Err(anyhow!("{} gave no answer to the event", client.url())).or_exit(Exit::Unavailable);
        };
        match result.status {
            Outcome::Unavailable => {}
            Outcome::DeadLetter => return Ok(Answer::Taken(Some(result.why()))),
            Outcome::Accepted | Outcome::Repeated | Outcome::Updated => return Ok(Answer::Taken(None)),
        }
    }
}
