//! `fenghuo rules`: for those who write risk rules.

mod backtest;
mod check;
mod diff;
mod explain;
pub(super) mod history;
pub(super) mod show;
mod test;
mod why_not;

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::{Args, Subcommand, ValueHint};

use crate::rules::{RuleErrors, RuleFiles, RulePack, json_schema, scaffold};

use super::{Context, Exit, OrExit as _};

const EXAMPLES: &str = "Examples:
  fenghuo rules check rules/risk --strict
  fenghuo rules test rules/risk
  fenghuo rules explain 办了年卡的健身房突然关门，老板跑了
  fenghuo rules explain - --json
  fenghuo rules why-not F07 --text 瑜伽馆的私教课退卡很慢
  fenghuo rules why-not F07 --complaint 20260228-001234
  fenghuo rules backtest rules/risk --from 2026-03-01 --to 2026-03-31
  fenghuo rules backtest --events orders.ndjson --samples 10 --json
  fenghuo rules diff rules/risk rules/new --events orders.ndjson
  fenghuo rules new F21 > 60-new.yaml
  fenghuo rules schema > schema.json

Without a folder the rules are those of the configuration (`rules.risk_dir`), else the built-in
ones. Exit code 1 says that `check` found mistakes (with --strict: or warnings), that a text of
`test` failed, that there is no such complaint, that `diff` found a difference, or that some events
of a file could not be read.";

/// Arguments of `fenghuo rules`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct RulesArgs {
    /// What to do.
    #[command(subcommand)]
    pub action: Action,
}

/// The actions of `fenghuo rules`.
#[derive(Debug, Subcommand)]
pub enum Action {
    /// Say everything that is wrong or odd in rule files, with the line and a caret
    Check(check::CheckArgs),
    /// Run the texts that stand in rule files through the real matcher
    Test(test::TestArgs),
    /// Say which rules fire on a text and why, and which come near
    Explain(explain::ExplainArgs),
    /// Say why a rule does not fire: what was found of it, what was hidden, what it lacks
    WhyNot(why_not::WhyNotArgs),
    /// Say what rules would have fired on the complaints of the store or of a file
    Backtest(backtest::BacktestArgs),
    /// Say what other rules would fire on the same complaints: new, lost and changed hits and alerts
    Diff(diff::DiffArgs),
    /// Write the beginning of a new rule: a file that passes every check
    New {
        /// The id of the rule, not yet used in the pack
        id: String,
        /// Folder with the rules
        #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
        rules: Option<PathBuf>,
    },
    /// Write the JSON Schema of a rule file
    Schema,
}

/// Does one of the actions.
///
/// # Errors
/// When the configuration, the rules or the store cannot be used.
pub fn run(args: &RulesArgs, context: &Context) -> anyhow::Result<Exit> {
    match &args.action {
        Action::Check(args) => check::run(args, context),
        Action::Test(args) => test::run(args, context),
        Action::Explain(args) => explain::run(args, context),
        Action::WhyNot(args) => why_not::run(args, context),
        Action::Backtest(args) => backtest::run(args, context),
        Action::Diff(args) => diff::run(args, context),
        Action::New { id, rules } => new(id, rules.as_deref(), context),
        Action::Schema => print(context, &schema()),
    }
}

/// The JSON Schema of a rule file as it is written out.
///
/// # Panics
/// Never: a schema is plain data.
pub fn schema() -> String {
    let mut text = serde_json::to_string_pretty(&json_schema()).expect("plain data");
    text.push('\n');
    text
}

fn new(id: &str, rules: Option<&Path>, context: &Context) -> anyhow::Result<Exit> {
    let text = scaffold(id).or_exit(Exit::Usage)?;
    let pack = Origin::of(rules, context)?.pack()?;
    if let Some(rule) = pack.rules().find(|rule| rule.id == id) {
        let taken = format!("rule {id} is already there ({}); take another id", rule.file);
        return Err(anyhow::Error::msg(taken)).or_exit(Exit::Usage);
    }
    print(context, &text)
}

fn print(context: &Context, text: &str) -> anyhow::Result<Exit> {
    let mut out = context.out();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(Exit::Ok)
}

/// Where rules are read from.
#[derive(Debug)]
enum Origin {
    Folder(PathBuf),
    Builtin,
}

impl Origin {
    /// The folder given, else that of the configuration, else what is built in.
    fn of(given: Option<&Path>, context: &Context) -> anyhow::Result<Self> {
        let configured = || anyhow::Ok(context.config()?.config.rules.risk_dir);
        let folder = given.map_or_else(configured, |folder| Ok(Some(folder.to_owned())))?;
        Ok(folder.map_or(Self::Builtin, Self::Folder))
    }

    fn files(&self) -> Result<RuleFiles, RuleErrors> {
        match self {
            Self::Folder(folder) => RuleFiles::read(folder),
            Self::Builtin => Ok(RuleFiles::builtin()),
        }
    }

    fn pack(&self) -> Result<RulePack, RuleErrors> {
        self.files()?.pack()
    }

    /// For people.
    fn told(&self) -> String {
        match self {
            Self::Folder(folder) => folder.display().to_string(),
            Self::Builtin => "the built-in rules".to_owned(),
        }
    }

    /// The path of a file, so that editors find it.
    fn path(&self, file: &str) -> String {
        match self {
            // A mistake may be one of the folder itself.
            Self::Folder(folder) if folder.display().to_string() != file => {
                folder.join(file).display().to_string()
            }
            _ => file.to_owned(),
        }
    }
}

/// The words to be looked at: those given, or stdin for `-`.
fn words(given: &str) -> anyhow::Result<String> {
    let text = match given {
        "-" => std::io::read_to_string(std::io::stdin()).or_exit(Exit::Input)?,
        text => text.to_owned(),
    };
    let text = text.trim();
    if text.is_empty() {
        return fail("there is no text to look at");
    }
    // As the daemon does before rules see anything.
    Ok(crate::text::mask_personal(text).into_owned())
}

fn fail<T>(message: &'static str) -> anyhow::Result<T> {
    let failed = || -> anyhow::Result<T> { bail!(message) };
    failed().or_exit(Exit::Usage)
}

/// `1 rule`, `2 rules`.
pub(super) fn counted(count: usize, thing: &str) -> String {
    if count == 1 { format!("1 {thing}") } else { format!("{count} {thing}s") }
}
