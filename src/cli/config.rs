//! `fenghuo config`

use std::io::Write as _;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

use crate::daemon::config::{Config, ConfigError, ConfigErrors, Settings, toml};
use crate::daemon::core;

use super::{Context, Exit};

const EXAMPLES: &str = "Examples:
  fenghuo config check /etc/fenghuo/fenghuo.toml
  fenghuo config show --config /etc/fenghuo/fenghuo.toml
  FENGHUO_STORE__PATH=/data/f.db fenghuo config show --json
  fenghuo config schema > fenghuo.schema.json
  fenghuo config example > fenghuo.toml

Settings come from, lowest first: built-in defaults, the file, environment variables
(FENGHUO_STORE__PATH sets store.path), flags (--set store.path=...).";

/// Arguments of `fenghuo config`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ConfigArgs {
    /// What to do.
    #[command(subcommand)]
    pub action: Action,
}

/// The actions of `fenghuo config`.
#[derive(Debug, Subcommand)]
pub enum Action {
    /// Say everything that is wrong with a configuration; exit code 1 if anything is
    Check {
        /// The file; without it, that of --config
        #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
        file: Option<PathBuf>,
        /// Write the answer as JSON
        #[arg(long)]
        json: bool,
    },
    /// Show every setting in force and where it comes from; secrets are never shown
    Show {
        /// Only settings that are set somewhere
        #[arg(long)]
        set_only: bool,
        /// Write them as JSON
        #[arg(long)]
        json: bool,
    },
    /// Write the JSON Schema of the configuration file
    Schema,
    /// Write an example file with every setting, its meaning and its default
    Example,
}

/// Does one of the actions.
///
/// # Errors
/// When the configuration to show is wrong, or stdout cannot be written to.
pub fn run(args: ConfigArgs, context: &Context) -> anyhow::Result<Exit> {
    match args.action {
        Action::Check { file, json } => check(file, json, context),
        Action::Show { set_only, json } => show(set_only, json, context),
        Action::Schema => {
            let mut out = context.out();
            serde_json::to_writer_pretty(&mut out, &Config::schema())?;
            writeln!(out)?;
            out.flush()?;
            Ok(Exit::Ok)
        }
        Action::Example => {
            let mut out = context.out();
            out.write_all(super::docs::bare_example().as_bytes())?;
            out.flush()?;
            Ok(Exit::Ok)
        }
    }
}

fn check(file: Option<PathBuf>, json: bool, context: &Context) -> anyhow::Result<Exit> {
    let mut sources = context.sources();
    sources.file = file.or(sources.file);
    let found = problems(Config::load(&sources).and_then(|loaded| {
        let invalid = Settings::faults(&loaded.config);
        if !invalid.is_empty() {
            return Err(loaded.errors(invalid));
        }
        rules(&loaded.config)
    }));
    let name = sources.file.map_or("the configuration".into(), |file| file.display().to_string());
    if json {
        let problems: Vec<_> = found
            .iter()
            .map(
                |ConfigError { origin, message }| serde_json::json!({ "origin": origin, "message": message }),
            )
            .collect();
        context.print_json(&serde_json::json!({ "ok": found.is_empty(), "problems": problems }))?;
    } else {
        let mut out = context.out();
        for problem in &found {
            writeln!(out, "{problem}")?;
        }
        match found.len() {
            0 => writeln!(out, "{name} is good")?,
            1 => writeln!(out, "1 problem in {name}")?,
            several => writeln!(out, "{several} problems in {name}")?,
        }
        out.flush()?;
    }
    Ok(if found.is_empty() { Exit::Ok } else { Exit::Problems })
}

/// Reads the rule packs and lists that the configuration names.
fn rules(config: &Config) -> Result<(), ConfigErrors> {
    let Err(error) = core::knowledge(&config.rules, &config.engine) else { return Ok(()) };
    // They say where themselves: `50-other.yaml:14:5: ...`.
    let said = format!("{error:#}");
    let error = |line: &str| {
        let (origin, message) = line.split_once(": ").unwrap_or(("rules", line));
        ConfigError { origin: origin.to_owned(), message: message.to_owned() }
    };
    Err(ConfigErrors(said.lines().map(error).collect()))
}

fn problems(result: Result<(), ConfigErrors>) -> Vec<ConfigError> {
    result.err().map(|errors| errors.0).unwrap_or_default()
}

fn show(set_only: bool, json: bool, context: &Context) -> anyhow::Result<Exit> {
    let mut effective = context.config()?.effective();
    effective.retain(|setting| !set_only || setting.origin != "default");
    if json {
        context.print_json(&effective)?;
        return Ok(Exit::Ok);
    }
    let mut out = context.out();
    let assigned: Vec<(String, String)> = effective
        .into_iter()
        .map(|setting| {
            let value = if setting.value.is_null() { "(none)".into() } else { toml(&setting.value) };
            (format!("{} = {value}", setting.path), setting.origin)
        })
        .collect();
    let width = assigned.iter().map(|(text, _)| text.chars().count()).max().unwrap_or(0).min(60);
    for (text, origin) in assigned {
        writeln!(out, "{text:<width$}  # {origin}")?;
    }
    out.flush()?;
    Ok(Exit::Ok)
}
