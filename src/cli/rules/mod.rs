//! `fenghuo rules`: for those who write risk rules.

mod backtest;
mod check;
mod diff;
mod explain;
mod fmt;
pub(super) mod history;
pub(super) mod show;
mod stats;
mod suggest;
mod test;
mod why_not;

pub(super) use diff::cases as changed_cases;
pub(super) use history::told as told_of;

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::{Args, Subcommand, ValueHint};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::daemon::core::RulesConfig;
use crate::entity;
use crate::model::Complaint;
use crate::rules::{About, Reading, RuleErrors, RuleFiles, RulePack, json_schema, sample, scaffold};
use crate::text::normalise;

use super::{Context, Exit, OrExit as _};

const EXAMPLES: &str = "Examples:
  fenghuo rules check rules/risk --strict
  fenghuo rules check builtin --overlay /etc/fenghuo/rules
  fenghuo rules test rules/risk
  fenghuo rules explain 办了年卡的健身房突然关门，老板跑了
  fenghuo rules explain - --json
  fenghuo rules why-not F07 --text 瑜伽馆的私教课退卡很慢
  fenghuo rules why-not F07 --complaint 20260228-001234
  fenghuo rules stats --from 2026-03-01
  fenghuo rules suggest --rule F07 > 90-local.yaml
  fenghuo rules backtest rules/risk --from 2026-03-01 --to 2026-03-31
  fenghuo rules backtest --events orders.ndjson --samples 10 --json
  fenghuo rules diff rules/risk rules/new --events orders.ndjson
  fenghuo rules diff builtin builtin --overlay /etc/fenghuo/rules
  fenghuo rules new F21 > 60-new.yaml
  fenghuo rules fmt rules/risk --check
  fenghuo rules schema > schema.json

Without a folder the rules are those of the configuration (`rules.risk_dir`, `rules.overlay_dir`),
else the built-in ones. With a folder, nothing lies over them but what --overlay names. Exit code 1
says that `check` found mistakes (with --strict: or warnings), that a text of `test` failed, that
`fmt --check` found another layout, that there is no such complaint, that `diff` found a difference,
or that some events of a file could not be read.";

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
    /// Say what came of each rule on the complaints of the store, and how right its alerts were
    Stats(stats::StatsArgs),
    /// Propose masks and exceptions that take away hits which people have judged false
    Suggest(suggest::SuggestArgs),
    /// Say what rules would have fired on the complaints of the store or of a file
    Backtest(backtest::BacktestArgs),
    /// Say what other rules would fire on the same complaints: new, lost and changed hits and alerts
    Diff(diff::DiffArgs),
    /// Write the beginning of a new rule: a file that passes every check
    New {
        /// The id of the rule, not yet used in the pack
        id: String,
        /// Which rules
        #[command(flatten)]
        rules: RulesFrom,
    },
    /// Bring rule files into one layout; comments stay
    Fmt(fmt::FmtArgs),
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
        Action::Stats(args) => stats::run(args, context),
        Action::Suggest(args) => suggest::run(args, context),
        Action::Backtest(args) => backtest::run(args, context),
        Action::Diff(args) => diff::run(args, context),
        Action::New { id, rules } => new(id, rules, context),
        Action::Fmt(args) => fmt::run(args, context),
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

fn new(id: &str, rules: &RulesFrom, context: &Context) -> anyhow::Result<Exit> {
    let text = scaffold(id).or_exit(Exit::Usage)?;
    let pack = rules.origin(context)?.pack()?;
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
struct Origin {
    /// Without one, the rules that are built in.
    folder: Option<PathBuf>,
    overlay: Option<PathBuf>,
}

/// Stands for the shipped rules where a folder is asked for.
const BUILTIN: &str = "builtin";

impl Origin {
    /// The folder given, with the overlay given or none; else those of the configuration.
    fn of(folder: Option<&Path>, overlay: Option<&Path>, context: &Context) -> anyhow::Result<Self> {
        let configured = || anyhow::Ok(context.config()?.config.rules);
        Self::or(folder, overlay, configured)
    }

    fn or(
        folder: Option<&Path>,
        overlay: Option<&Path>,
        configured: impl FnOnce() -> anyhow::Result<RulesConfig>,
    ) -> anyhow::Result<Self> {
        let overlay = overlay.map(Path::to_owned);
        if let Some(folder) = folder {
            let folder = (folder != Path::new(BUILTIN)).then(|| folder.to_owned());
            return Ok(Self { folder, overlay });
        }
        let RulesConfig { risk_dir, overlay_dir, .. } = configured()?;
        Ok(Self { folder: risk_dir, overlay: overlay.or(overlay_dir) })
    }

    fn files(&self) -> Result<RuleFiles, RuleErrors> {
        RuleFiles::read(self.folder.as_deref(), self.overlay.as_deref())
    }

    fn pack(&self) -> Result<RulePack, RuleErrors> {
        self.files()?.pack()
    }

    /// For people.
    fn told(&self) -> String {
        let below = match &self.folder {
            Some(folder) => folder.display().to_string(),
            None => "the built-in rules".to_owned(),
        };
        match &self.overlay {
            Some(overlay) => format!("{below} with {}", overlay.display()),
            None => below,
        }
    }

    /// Whether a file stands in one of the folders, and is not built in.
    fn has_file(&self, file: &str) -> bool {
        self.folder.is_some() || RuleFiles::in_overlay(file).is_some()
    }

    /// The path of a file, so that editors find it.
    fn path(&self, file: &str) -> String {
        let is_folder = |dir: &PathBuf| dir.display().to_string() == file;
        let (dir, name) = match RuleFiles::in_overlay(file) {
            Some(name) => (&self.overlay, name),
            None => (&self.folder, file),
        };
        match dir {
            // A mistake may be one of a folder itself.
            Some(dir) if !self.overlay.iter().chain(&self.folder).any(is_folder) => {
                dir.join(name).display().to_string()
            }
            _ => file.to_owned(),
        }
    }
}

/// Which rules a command is about, when it takes no folder as its argument.
#[derive(Debug, Args)]
pub struct RulesFrom {
    /// Folder with the rules; `builtin` are those shipped
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub rules: Option<PathBuf>,

    /// Folder with local changes of the rules
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub overlay: Option<PathBuf>,
}

impl RulesFrom {
    fn origin(&self, context: &Context) -> anyhow::Result<Origin> {
        Origin::of(self.rules.as_deref(), self.overlay.as_deref(), context)
    }
}

/// The same, for a command whose argument is the folder.
#[derive(Debug, Args)]
pub struct RulesIn {
    /// Folder with the rules; `builtin` are those shipped
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub dir: Option<PathBuf>,

    /// Folder with local changes of the rules
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub overlay: Option<PathBuf>,
}

impl RulesIn {
    fn origin(&self, context: &Context) -> anyhow::Result<Origin> {
        Origin::of(self.dir.as_deref(), self.overlay.as_deref(), context)
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

/// Says of readings which of them an exception takes away: of a complaint by its day, of a bare text by
/// today.
fn suppress(
    pack: &RulePack,
    readings: &mut [Reading],
    complaint: &Complaint,
    context: &Context,
) -> anyhow::Result<()> {
    if pack.exceptions().is_empty() {
        return Ok(());
    }
    let (title, text) = (normalise(&complaint.title), normalise(&complaint.text));
    let accused = entity::mentions(complaint, &title, &text).into_iter().next();
    let is_entity = |name: &str| accused.as_ref().is_some_and(|best| entity::is_named(&best.name, name));
    let zone = zone(context)?;
    pack.suppress_readings(readings, &About { complaint, zone: &zone, is_entity: &is_entity });
    Ok(())
}

/// The zone in which times are days.
fn zone(context: &Context) -> anyhow::Result<TimeZone> {
    context.config()?.config.engine.zone().or_exit(Exit::Usage)
}

/// A complaint of which nothing is known but its words, made now.
fn said(title: &str, text: &str) -> Complaint {
    Complaint { received_at: Timestamp::now(), ..sample(title, text) }
}

fn fail<T>(message: &'static str) -> anyhow::Result<T> {
    let failed = || -> anyhow::Result<T> { bail!(message) };
    failed().or_exit(Exit::Usage)
}

/// `1 rule`, `2 rules`.
pub(super) fn counted(count: usize, thing: &str) -> String {
    if count == 1 { format!("1 {thing}") } else { format!("{count} {thing}s") }
}
