//! `fenghuo verdict`: what a person says of an alert.

use std::io::Write as _;
use std::path::PathBuf;

use clap::{Args, ValueHint};
use jiff::Timestamp;
use serde_json::json;

use crate::model::{AlertId, Judgement, Truth};
use crate::store::Store as _;
use crate::store::sqlite::SqliteStore;

use super::{Context, Exit, OrExit as _};

const EXAMPLES: &str = "Examples:
  fenghuo verdict JR20260301-7MC607FZ true --by 值班员甲
  fenghuo verdict JR20260301-7MC607FZ false --by 值班员甲 --reason 公交卡退卡，不是预付卡
  fenghuo verdict JR20260301-7MC607FZ unsure --by 值班员甲

The last verdict on an alert counts; `fenghuo rules stats` tells the precision of each rule by them. May run
beside the daemon. Exit code 1 says that there is no alert of this id.";

/// Arguments of `fenghuo verdict`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct VerdictArgs {
    /// The id of the alert
    pub alert: String,

    /// Whether it was right
    #[arg(value_parser = truth())]
    pub verdict: Truth,

    /// Who says so
    #[arg(long, value_name = "NAME")]
    pub by: String,

    /// Why; asked for when it was false
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub reason: String,

    /// Folder with the daemon's data (`store.path`)
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub data_dir: Option<PathBuf>,

    /// Write the answer as JSON
    #[arg(long)]
    pub json: bool,
}

// The verdicts in help, completions and messages.
fn truth() -> impl clap::builder::TypedValueParser<Value = Truth> {
    use clap::builder::TypedValueParser as _;
    clap::builder::PossibleValuesParser::new(Truth::ALL.map(Truth::as_str))
        .try_map(|name| name.parse::<Truth>())
}

/// Keeps a verdict.
///
/// # Errors
/// When something is missing, or the store cannot be used.
pub fn run(args: &VerdictArgs, context: &Context) -> anyhow::Result<Exit> {
    let VerdictArgs { alert, verdict, by, reason, .. } = args;
    context.start_plain_logging()?;
    Judgement::check(*verdict, reason, by).map_err(anyhow::Error::msg).or_exit(Exit::Usage)?;
    // As everything that people write into the store.
    let reason = crate::text::mask_personal(reason);
    let config = context.store_config(args.data_dir.as_deref())?;
    // Looked up first: nobody makes a store by judging an alert.
    drop(SqliteStore::open_read_only(&config)?);
    let store = SqliteStore::open(&config)?;
    let judged = store.judge(&AlertId::from(alert.as_str()), (*verdict, &reason, by), Timestamp::now())?;
    if args.json {
        context.print_json(&json!({ "judgement": judged }))?;
    } else {
        let mut out = context.out();
        match &judged {
            Some(judgement) => writeln!(out, "{alert}: {}", judgement.chinese())?,
            None => writeln!(out, "没有编号为 {alert} 的提示")?,
        }
        out.flush()?;
    }
    Ok(if judged.is_some() { Exit::Ok } else { Exit::Problems })
}
