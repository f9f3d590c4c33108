//! `fenghuo rules why-not`

use std::path::PathBuf;

use clap::{Args, ValueHint};
use serde_json::json;

use crate::model::{Complaint, ComplaintId};
use crate::rules::RulePack;
use crate::store::Store as _;
use crate::store::sqlite::SqliteStore;

use super::super::{Context, Exit, OrExit as _};
use super::{RulesFrom, print, said, show, suppress, words};

/// Arguments of `fenghuo rules why-not`.
#[derive(Debug, Args)]
pub struct WhyNotArgs {
    /// The id of the rule
    pub rule: String,

    #[command(flatten)]
    of: Of,

    #[command(flatten)]
    rules: RulesFrom,

    /// Folder with the daemon's data (`store.path`), for --complaint
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub data_dir: Option<PathBuf>,

    /// Write the answer as JSON
    #[arg(long)]
    pub json: bool,
}

/// What the rule is held against.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Of {
    /// The text of a complaint; `-` is stdin
    #[arg(long, value_name = "TEXT")]
    text: Option<String>,

    /// The id of a complaint in the store
    #[arg(long, value_name = "ID")]
    complaint: Option<String>,
}

pub(super) fn run(args: &WhyNotArgs, context: &Context) -> anyhow::Result<Exit> {
    let pack = args.rules.origin(context)?.pack()?;
    if !pack.rules().any(|rule| rule.id == args.rule) {
        return Err(unknown(&args.rule, &pack)).or_exit(Exit::Usage);
    }
    let Some(complaint) = complaint(args, context)? else {
        let id = args.of.complaint.as_deref().unwrap_or_default();
        if args.json {
            context.print_json(&json!({ "complaint": null, "reading": null }))?;
        } else {
            print(context, &format!("there is no complaint {id}\n"))?;
        }
        return Ok(Exit::Problems);
    };
    let mut readings = pack.readings(&complaint);
    suppress(&pack, &mut readings, &complaint, context)?;
    let reading = readings.into_iter().find(|reading| reading.rule == args.rule);
    if args.json {
        context.print_json(&json!({ "complaint": complaint, "reading": reading }))?;
        return Ok(Exit::Ok);
    }
    let told = reading.map(|reading| show::reading(&reading, &complaint) + &show::lists(&reading));
    print(context, &told.unwrap_or_default())
}

fn complaint(args: &WhyNotArgs, context: &Context) -> anyhow::Result<Option<Complaint>> {
    match (&args.of.complaint, &args.of.text) {
        (Some(id), _) => {
            let store = SqliteStore::open_read_only(&context.store_config(args.data_dir.as_deref())?)?;
            let stored = store.complaint(&ComplaintId::from(id.as_str()))?;
            Ok(stored.map(|stored| Complaint::clone(&stored.record.complaint)))
        }
        (None, Some(text)) => Ok(Some(said("", &words(text)?))),
        (None, None) => Ok(None),
    }
}

fn unknown(rule: &str, pack: &RulePack) -> anyhow::Error {
    let ids: Vec<&str> = pack.rules().map(|rule| rule.id.as_str()).collect();
    anyhow::Error::msg(format!("there is no rule {rule}; the rules are {}", ids.join(", ")))
}
