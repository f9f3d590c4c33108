//! `fenghuo route`: where alerts would go, and why.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, Subcommand, ValueEnum, ValueHint};
use jiff::Timestamp;
use serde_json::json;

use crate::daemon::config::Config;
use crate::daemon::sinks;
use crate::deliver::local_time;
use crate::deliver::route::{Facts, Passage};
use crate::model::{Alert, AlertId, AlertKind, AlertState, Level};
use crate::store::Store;
use crate::store::sqlite::SqliteStore;

use super::{Context, Exit, OrExit as _};

const EXAMPLES: &str = "Examples:
  fenghuo route test QS20260301-7F3K2QXA
  fenghuo route test --level red --kind financial-risk --category F07
  fenghuo route test --level yellow --street 展览路街道 --at 2026-03-06T23:00:00+08:00

Exit code 1 says that no channel would be told, or that there is no such alert.";

/// Arguments of `fenghuo route`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct RouteArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Say to which channels an alert would go, and why to the others not
    Test(TestArgs),
}

/// Arguments of `fenghuo route test`.
#[derive(Debug, Args)]
pub struct TestArgs {
    /// An alert of the store; without it one as described by the flags
    #[arg(value_name = "ALERT_ID", conflicts_with_all = ["kind", "level", "street", "category", "tag"])]
    id: Option<String>,

    /// What it is about
    #[arg(long, value_enum, default_value_t = KindName::GroupIncident)]
    kind: KindName,

    /// Its level
    #[arg(long, value_enum, default_value_t = LevelName::Blue)]
    level: LevelName,

    /// The street office
    #[arg(long, value_name = "NAME")]
    street: Vec<String>,

    /// A name on the path of categories, a risk rule or its category
    #[arg(long, value_name = "NAME")]
    category: Vec<String>,

    /// A tag
    #[arg(long, value_name = "TAG")]
    tag: Vec<String>,

    /// When it would be sent (RFC 3339); now without it
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,

    /// Folder with the daemon's data (`store.path`)
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    data_dir: Option<PathBuf>,

    /// Write the answer as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum KindName {
    GroupIncident,
    FinancialRisk,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum LevelName {
    Blue,
    Yellow,
    Orange,
    Red,
}

/// Says where alerts would go.
///
/// # Errors
/// When the configuration is wrong or the store cannot be read.
pub fn run(args: &RouteArgs, context: &Context) -> anyhow::Result<Exit> {
    let Action::Test(args) = &args.action;
    let config = context.config()?.config;
    if config.channels.is_empty() {
        return Err(anyhow::anyhow!("there are no channels; add `[channels.NAME]` to the configuration"))
            .or_exit(Exit::Usage);
    }
    let at = args.at.unwrap_or_else(Timestamp::now);
    let plan = sinks::plan(&config)?;
    let Some(asked) = asked(args, &config)? else {
        if args.json {
            context.print_json(&json!({ "id": args.id, "channels": null }))?;
        } else {
            say(context, &format!("没有编号为 {} 的提示\n", args.id.as_deref().unwrap_or_default()))?;
        }
        return Ok(Exit::Problems);
    };
    let passages: BTreeMap<&str, Passage> = asked
        .iter()
        .map(|(channel, (facts, open))| (channel.as_str(), plan.passage(channel, facts, open, at)))
        .collect();
    let is_told = passages.values().any(|passage| !matches!(passage, Passage::Suppress(_)));
    if args.json {
        let entry = |(channel, passage): (&&str, &Passage)| {
            let (outcome, why, until) = match passage {
                Passage::Send(by) => ("send", by.clone(), None),
                Passage::Hold { until, why } => ("hold", why.clone(), Some(*until)),
                Passage::Suppress(why) => ("suppress", why.clone(), None),
            };
            json!({ "channel": channel, "outcome": outcome, "why": why, "until": until })
        };
        let channels: Vec<_> = passages.iter().map(entry).collect();
        context.print_json(&json!({ "at": at, "channels": channels }))?;
    } else {
        let mut words = format!("{}：\n", local_time(at));
        for (channel, passage) in &passages {
            let line = match passage {
                Passage::Send(by) => format!("  {channel}  发送（{by}）\n"),
                Passage::Hold { why, .. } => format!("  {channel}  稍后（{why}）\n"),
                Passage::Suppress(why) => format!("  {channel}  不发（{why}）\n"),
            };
            words.push_str(&line);
        }
        say(context, &words)?;
    }
    Ok(if is_told { Exit::Ok } else { Exit::Problems })
}

type Asked = BTreeMap<String, (Facts, Vec<Alert>)>;

/// What each channel is asked about: the alert, and what the channel knows to be open. `None` when
/// there is no such alert.
fn asked(args: &TestArgs, config: &Config) -> anyhow::Result<Option<Asked>> {
    let channels = config.channels.keys();
    let Some(id) = &args.id else {
        let facts = described(args);
        return Ok(Some(channels.map(|name| (name.clone(), (facts.clone(), Vec::new()))).collect()));
    };
    let mut place = config.store.clone();
    if let Some(folder) = &args.data_dir {
        place.path.clone_from(folder);
    }
    let store = SqliteStore::open_read_only(&place)?;
    let Some(alert) = store.alert(&AlertId::from(id.as_str()))?.pop() else { return Ok(None) };
    let mut asked = Asked::new();
    for name in channels {
        let facts = Facts::read(&alert, name, &store).context("reading what is known of the alert")?;
        asked.insert(name.clone(), (facts, store.told(name, None)?));
    }
    Ok(Some(asked))
}

fn described(args: &TestArgs) -> Facts {
    Facts {
        id: "TEST".into(),
        kind: match args.kind {
            KindName::GroupIncident => AlertKind::GroupIncident,
            KindName::FinancialRisk => AlertKind::FinancialRisk,
        },
        state: AlertState::Raised,
        level: match args.level {
            LevelName::Blue => Level::Blue,
            LevelName::Yellow => Level::Yellow,
            LevelName::Orange => Level::Orange,
            LevelName::Red => Level::Red,
        },
        categories: args.category.clone(),
        streets: args.street.clone(),
        tags: args.tag.clone(),
        place: None,
        entity: None,
        was_told: false,
    }
}

fn say(context: &Context, words: &str) -> anyhow::Result<()> {
    let mut out = context.out();
    out.write_all(words.as_bytes())?;
    Ok(out.flush()?)
}
