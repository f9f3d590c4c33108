//! `fenghuo rules suggest`

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, ValueHint};
use secrecy::SecretString;

use crate::daemon::core::{self, RulesConfig};
use crate::daemon::suggest::{Bench, Suggestion, suggest};
use crate::engine::Knowledge;
use crate::store::sqlite::SqliteStore;

use super::super::{Context, Exit, OrExit as _};
use super::{RulesFrom, counted, print};

/// Nobody is counted here, so any key will do.
const CALLER_KEY: &str = "nobody is counted here";

/// Arguments of `fenghuo rules suggest`.
#[derive(Debug, Args)]
pub struct SuggestArgs {
    /// The id of a rule; without it, every rule with hits judged false
    #[arg(long, value_name = "ID")]
    rule: Option<String>,

    #[command(flatten)]
    rules: RulesFrom,

    /// Folder with the daemon's data (`store.path`), which is only read
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    data_dir: Option<PathBuf>,

    /// Write the answer as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &SuggestArgs, context: &Context) -> anyhow::Result<Exit> {
    let files = args.rules.origin(context)?.files()?;
    let pack = Arc::new(files.pack()?);
    let config = context.config()?.config;
    let lists = RulesConfig { risk_dir: None, overlay_dir: None, ..config.rules };
    let knowledge = core::knowledge(&lists, &config.engine).or_exit(Exit::Usage)?;
    let preparer = core::preparer(Knowledge { pack, ..knowledge }, &SecretString::from(CALLER_KEY))?;
    let store = SqliteStore::open_read_only(&context.store_config(args.data_dir.as_deref())?)?;
    let bench = Bench { files: &files, preparer: &preparer };
    let found = suggest(&store, &bench, args.rule.as_deref())?;
    if args.json {
        context.print_json(&found)?;
    } else {
        print(context, &told(&found))?;
    }
    Ok(Exit::Ok)
}

/// A file for an overlay, with what it is good for in comments.
fn told(found: &[Suggestion]) -> String {
    if found.is_empty() {
        return "# no rule alerts on a complaint of an alert judged false\n".to_owned();
    }
    let mut out = String::new();
    // Writing to a string cannot fail, here and below.
    for suggestion in found {
        let Suggestion { rule, wrong, right, left, reasons, .. } = suggestion;
        let gone = wrong.len() - left.len();
        let _ = writeln!(
            out,
            "# {rule}: {gone} of {} judged false would go, none of {right} judged true",
            counted(wrong.len(), "complaint")
        );
        for reason in reasons {
            let _ = writeln!(out, "#   {reason}");
        }
        for id in left {
            let _ = writeln!(out, "#   still alerts: {id}");
        }
    }
    let masked = || found.iter().filter(|suggestion| !suggestion.masks.is_empty());
    if masked().next().is_some() {
        out.push_str("change:\n  rules:\n");
    }
    for Suggestion { rule, masks, .. } in masked() {
        let _ = writeln!(out, "    - {{id: {rule}, masks: {{add: {}}}}}", quoted(masks));
    }
    let hushed = || found.iter().filter(|suggestion| !suggestion.companies.is_empty());
    if hushed().next().is_some() {
        out.push_str("# fill in who answers, why, and until when\nexceptions:\n");
    }
    for Suggestion { rule, companies, .. } in hushed() {
        let names = quoted(companies);
        let _ = writeln!(
            out,
            "  - {{id: {rule}-1, owner: 待填, reason: 待填, until: 待填, rules: [{rule}], entity: {names}}}"
        );
    }
    out
}

/// A list in YAML: that of JSON is one.
fn quoted(words: &[String]) -> String {
    serde_json::to_string(words).expect("words are plain data")
}
