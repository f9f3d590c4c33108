//! What every command shares: the global flags, the output, progress bars.

use std::io::{self, BufWriter, IsTerminal as _, StdoutLock, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{ArgAction, Args, ValueEnum, ValueHint};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::daemon::config::{Config, ConfigErrors, Flag, Loaded, LogConfig, LogFormat, LogLevel, Sources};
use crate::daemon::logging::{self, LogHandle};
use crate::store::StoreConfig;

/// Flags that every command takes.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Global options")]
pub struct GlobalArgs {
    /// Configuration file (TOML)
    #[arg(long, short = 'c', global = true, env = "FENGHUO_CONFIG", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub config: Option<PathBuf>,

    /// Set one setting, above file and environment; may be repeated
    #[arg(long = "set", global = true, value_name = "KEY=VALUE", value_parser = setting, allow_hyphen_values = true)]
    pub settings: Vec<(String, String)>,

    /// Form of the log lines
    #[arg(long, global = true, value_enum, value_name = "FORMAT")]
    pub log_format: Option<LogFormat>,

    /// Least important log lines to write
    #[arg(long, global = true, value_enum, value_name = "LEVEL")]
    pub log_level: Option<LogLevel>,

    /// More log lines; may be repeated
    #[arg(long, short, global = true, action = ArgAction::Count)]
    pub verbose: u8,

    /// Fewer log lines and no progress bars; may be repeated
    #[arg(long, short, global = true, action = ArgAction::Count, conflicts_with = "verbose")]
    pub quiet: u8,

    /// Colours on the terminal
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t)]
    pub color: Color,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

fn setting(text: &str) -> Result<(String, String), String> {
    let (key, value) =
        text.split_once('=').ok_or("write it as KEY=VALUE, like store.path=/data/fenghuo.db")?;
    Ok((key.trim().to_owned(), value.to_owned()))
}

/// What every command is given.
#[derive(Debug, Clone)]
pub struct Context {
    global: GlobalArgs,
}

impl Context {
    /// From the global flags.
    pub fn new(global: GlobalArgs) -> Self {
        Self { global }
    }

    /// The layers of configuration: file, environment, global flags. A command adds its own flags.
    pub fn sources(&self) -> Sources {
        let mut sources = Sources::of_process(self.global.config.clone());
        let mut flag = |name: &str, path: &str, value: String| {
            sources.flags.push(Flag { name: name.into(), path: path.into(), value });
        };
        for (key, value) in &self.global.settings {
            flag(&format!("--set {key}"), key, value.clone());
        }
        if let Some(format) = self.global.log_format {
            flag("--log-format", "log.format", word(&format));
        }
        if let Some(level) = self.global.log_level {
            flag("--log-level", "log.level", word(&level));
        }
        sources
    }

    /// Reads the configuration.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn config(&self) -> Result<Loaded<Config>, ConfigErrors> {
        Config::load(&self.sources())
    }

    /// The settings of the store, with its folder replaced by that of `--data-dir` if given.
    ///
    /// # Errors
    /// Everything that is wrong with the configuration.
    pub fn store_config(&self, data_dir: Option<&Path>) -> Result<StoreConfig, ConfigErrors> {
        let mut sources = self.sources();
        if let Some(dir) = data_dir {
            let value = dir.display().to_string();
            sources.flags.push(Flag { name: "--data-dir".into(), path: "store.path".into(), value });
        }
        Ok(Config::load(&sources)?.config.store)
    }

    /// Starts writing log lines as the configuration and `-v`, `-q` say.
    ///
    /// # Errors
    /// When logging cannot be started.
    pub fn start_logging(&self, config: &LogConfig) -> anyhow::Result<LogHandle> {
        logging::start(&self.log_config(config), self.has_color(io::stderr().is_terminal()))
    }

    /// What to log: as the configuration says, and louder or quieter by `-v` and `-q`.
    pub fn log_config(&self, config: &LogConfig) -> LogConfig {
        let level = config.level.moved(self.global.verbose, self.global.quiet);
        LogConfig { level, ..config.clone() }
    }

    /// Starts writing log lines for a command that does not read the whole configuration: only
    /// warnings and worse, unless the flags say otherwise.
    ///
    /// # Errors
    /// When logging cannot be started.
    pub fn start_plain_logging(&self) -> anyhow::Result<()> {
        let level = self.global.log_level.unwrap_or(LogLevel::Warn);
        let format = self.global.log_format.unwrap_or_default();
        self.start_logging(&LogConfig { level, format, ..LogConfig::default() })?;
        Ok(())
    }

    /// Whether to colour what goes to a stream that is a terminal or not.
    pub fn has_color(&self, is_terminal: bool) -> bool {
        match self.global.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => is_terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
        }
    }

    /// Standard output, buffered. Flush it at the end, so that a full disk is noticed.
    pub fn out(&self) -> BufWriter<StdoutLock<'static>> {
        BufWriter::new(io::stdout().lock())
    }

    /// Writes a value as one line of JSON.
    ///
    /// # Errors
    /// When standard output cannot be written to.
    pub fn print_json(&self, value: &impl serde::Serialize) -> anyhow::Result<()> {
        let mut out = self.out();
        serde_json::to_writer(&mut out, value)?;
        writeln!(out)?;
        Ok(out.flush()?)
    }

    /// A progress bar on stderr for `total` things, or a spinner where nobody knows how many. It
    /// shows nothing when stderr is not a terminal or `-q` is given.
    ///
    /// # Panics
    /// Never: the templates are fixed.
    pub fn progress(&self, total: Option<u64>, things: &'static str) -> ProgressBar {
        if self.global.quiet > 0 || !io::stderr().is_terminal() {
            return ProgressBar::hidden();
        }
        let (bar, template) = match total {
            Some(total) => (
                ProgressBar::new(total),
                "{bar:30} {human_pos}/{human_len} {prefix} {per_sec}, {eta} left {msg}",
            ),
            None => (ProgressBar::new_spinner(), "{spinner} {human_pos} {prefix} {per_sec} {msg}"),
        };
        bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(10));
        bar.set_style(ProgressStyle::with_template(template).expect("a valid template"));
        bar.set_prefix(things);
        bar.enable_steady_tick(Duration::from_millis(200));
        bar
    }

    /// A spinner on stderr for one long thing that cannot say how far it is, shown as
    /// [`progress`](Self::progress) is.
    ///
    /// # Panics
    /// Never: the template is fixed.
    pub fn busy(&self, what: String) -> ProgressBar {
        let bar = self.progress(None, "");
        bar.set_style(ProgressStyle::with_template("{spinner} {msg} {elapsed}").expect("a valid template"));
        bar.set_message(what);
        bar
    }
}

fn word(value: &impl ValueEnum) -> String {
    value.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}
