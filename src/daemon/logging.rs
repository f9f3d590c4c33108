//! Where log lines go and which are written.
//!
//! The lines themselves are made in `telemetry/`, whose structs have no field for personal data.

use std::io::IsTerminal as _;

use tracing_subscriber::filter::{Directive, EnvFilter, LevelFilter};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer, Registry, fmt, reload};

use super::config::{LogConfig, LogFormat, LogLevel};

/// The way to change what is logged while the process runs.
#[derive(Debug, Clone)]
pub struct LogHandle(reload::Handle<EnvFilter, Registry>);

impl LogHandle {
    /// Logs by the level and the filters of this configuration from now on; its format counts only
    /// at the start.
    ///
    /// # Errors
    /// When a filter is not one.
    pub fn set(&self, config: &LogConfig) -> anyhow::Result<()> {
        Ok(self.0.reload(filter(config)?)?)
    }
}

/// Starts writing log lines. To be called once, by the binary. `color` is for text on a terminal.
///
/// # Errors
/// When a filter is not one, or logging was started before.
pub fn start(config: &LogConfig, color: bool) -> anyhow::Result<LogHandle> {
    let (layer, trouble) = match config.format {
        LogFormat::Text => (text(color), None),
        LogFormat::Json => (json(), None),
        LogFormat::Journald => match tracing_journald::layer() {
            Ok(layer) => (layer.with_syslog_identifier("fenghuo".into()).boxed(), None),
            Err(error) => (text(color), Some(error)),
        },
    };
    let (filter, handle) = reload::Layer::new(filter(config)?);
    tracing_subscriber::registry().with(filter).with(layer).try_init()?;
    super::faults::log_panics();
    if let Some(error) = trouble {
        tracing::warn!(
            %error,
            "the journal cannot be reached, so the log goes to stderr as text; set log.format to \"text\" or \"json\" where there is no systemd"
        );
    }
    Ok(LogHandle(handle))
}

fn text<S>(color: bool) -> Box<dyn Layer<S> + Send + Sync>
where
    S: tracing::Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>,
{
    fmt::layer().with_writer(std::io::stderr).with_ansi(color && std::io::stderr().is_terminal()).boxed()
}

fn json<S>() -> Box<dyn Layer<S> + Send + Sync>
where
    S: tracing::Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>,
{
    fmt::layer().json().flatten_event(true).with_current_span(false).with_writer(std::io::stderr).boxed()
}

fn filter(config: &LogConfig) -> anyhow::Result<EnvFilter> {
    let level = LevelFilter::from(config.level);
    let mut filter = EnvFilter::default().add_directive(Directive::from(level));
    for directive in &config.filters {
        filter = filter.add_directive(directive.parse()?);
    }
    Ok(filter)
}

impl From<LogLevel> for LevelFilter {
    fn from(level: LogLevel) -> Self {
        match level {
            LogLevel::Error => Self::ERROR,
            LogLevel::Warn => Self::WARN,
            LogLevel::Info => Self::INFO,
            LogLevel::Debug => Self::DEBUG,
            LogLevel::Trace => Self::TRACE,
        }
    }
}

impl LogLevel {
    /// This level, made louder (`-v`) or quieter (`-q`) by so many steps.
    #[must_use]
    pub fn moved(self, louder: u8, quieter: u8) -> Self {
        const ALL: [LogLevel; 5] =
            [LogLevel::Error, LogLevel::Warn, LogLevel::Info, LogLevel::Debug, LogLevel::Trace];
        let here = ALL.iter().position(|level| *level == self).unwrap_or_default();
        let there = (here + usize::from(louder)).saturating_sub(usize::from(quieter));
        ALL[there.min(ALL.len() - 1)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_move_and_stop_at_the_ends() {
        assert_eq!(LogLevel::Info.moved(1, 0), LogLevel::Debug);
        assert_eq!(LogLevel::Info.moved(9, 0), LogLevel::Trace);
        assert_eq!(LogLevel::Info.moved(0, 9), LogLevel::Error);
    }

    #[test]
    fn filters_refine_the_level() {
        let config = LogConfig { filters: vec!["rdkafka=debug".into()], ..LogConfig::default() };
        let text = filter(&config).unwrap().to_string();
        assert!(text.contains("rdkafka=debug") && text.contains("info"), "{text}");
        let config = LogConfig { filters: vec!["=".into()], ..LogConfig::default() };
        assert!(filter(&config).is_err());
    }
}
