//! `fenghuo rules explain`

use clap::Args;
use serde_json::json;

use crate::rules::{Reading, Verdict, nearest};

use super::super::{Context, Exit};
use super::{RulesFrom, print, said, show, suppress, words};

/// How many rules are told that come near.
const NEAR: usize = 3;

/// Arguments of `fenghuo rules explain`.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// The text of a complaint; `-` is stdin
    pub text: String,

    /// The title of the complaint
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub title: String,

    #[command(flatten)]
    rules: RulesFrom,

    /// Write the answer as JSON
    #[arg(long)]
    pub json: bool,
}

pub(super) fn run(args: &ExplainArgs, context: &Context) -> anyhow::Result<Exit> {
    let pack = args.rules.origin(context)?.pack()?;
    let complaint = said(&crate::text::mask_personal(&args.title), &words(&args.text)?);
    let mut readings = pack.readings(&complaint);
    suppress(&pack, &mut readings, &complaint, context)?;
    // What each list holds is for one rule at a time: `why-not`.
    for reading in &mut readings {
        reading.lists.clear();
    }
    let fires = |reading: &&Reading| {
        matches!(reading.verdict, Verdict::Alerts | Verdict::Shadow | Verdict::Suppressed)
    };
    let mut fired: Vec<&Reading> = readings.iter().filter(fires).collect();
    fired.sort_by_key(|reading| std::cmp::Reverse(reading.score));
    let near = nearest(&readings, NEAR);
    if args.json {
        let looked_at = json!({ "title": complaint.title, "text": complaint.text });
        context.print_json(&json!({ "complaint": looked_at, "fired": fired, "nearest": near }))?;
        return Ok(Exit::Ok);
    }
    let mut told = String::new();
    if fired.is_empty() {
        told.push_str("no rule fires\n");
    }
    for reading in fired {
        told.push_str(&show::reading(reading, &complaint));
    }
    if !near.is_empty() {
        told.push_str("\nnearest rules that do not fire:\n");
    }
    for reading in near {
        told.push_str(&show::reading(reading, &complaint));
    }
    print(context, &told)
}
