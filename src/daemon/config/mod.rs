//! The layered configuration: defaults < file < environment < flags.
//!
//! **Does:** declares [`Config`], the settings as they are written, one struct per room; reads and
//! merges the layers; finds everything that is wrong and says where it was written; lists every
//! setting with its documentation. **Promises:** an unknown setting is refused with the nearest
//! known one, never ignored; nothing here holds a secret, so everything may be shown. **Leaves to
//! others:** what a room's settings mean, which the room's own struct says and checks.
//!
//! The settings as written ([`Config`]) and as put to use ([`Settings`]) are two types: the first
//! is plain data that can be shown and documented, the second has been checked and resolved, and
//! is what the daemon is built from.

pub mod catalog;
mod error;
mod layers;
mod load;
mod redact;
mod render;
mod settings;
mod wording;

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use error::{ConfigError, ConfigErrors, Invalid, nearest};
pub use layers::{ENV_PREFIX, Flag, env_name};
pub use load::{Effective, Loaded, Sources, load};
pub use render::{Active, example, reference, toml};
pub use settings::Settings;

use super::core::{IntakeConfig, RulesConfig};
use crate::deliver::channel::ChannelConfig;
use crate::deliver::{DeliverConfig, WebhookConfig};
use crate::engine::EngineConfig;
use crate::source::decode::DecodeConfig;
use crate::source::file::FileConfig;
use crate::source::http::HttpConfig;
#[cfg(feature = "kafka")]
use crate::source::kafka::KafkaConfig;
use crate::store::StoreConfig;

/// All settings, as they are written.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Threads that prepare complaints (normalising, segmenting). 0 means one for each core.
    #[schemars(range(min = 0, max = 1024))]
    pub threads: u16,
    /// How long, in seconds, a shutdown may take before the rest is left to the next start, which
    /// loses nothing: at most two thirds for sources and pipeline, one third for alerts that are
    /// due. Above `http.shutdown_grace_seconds`, below systemd's `TimeoutStopSec`.
    #[schemars(range(min = 1, max = 600))]
    pub shutdown_seconds: u16,
    /// What is written about the daemon's own doings.
    pub log: LogConfig,
    /// How callers are told apart without keeping who they are.
    pub caller: CallerConfig,
    /// Where complaints, groups, alerts and positions are kept.
    pub store: StoreConfig,
    /// The HTTP side: intake, console, health and metrics.
    pub http: HttpConfig,
    /// What an event may be.
    pub decode: DecodeConfig,
    /// How much may wait before the engines, and how much is committed at once.
    pub intake: IntakeConfig,
    /// Grouping, levels, time.
    pub engine: EngineConfig,
    /// Where rule packs, gazetteer and dictionary are.
    pub rules: RulesConfig,
    /// Reading complaints from Kafka. Off unless this table is there.
    #[cfg(feature = "kafka")]
    pub kafka: Option<KafkaConfig>,
    /// Reading complaints from files or stdin. Off unless this table is there.
    pub file: Option<FileConfig>,
    /// Pushing alerts to a webhook. Off unless this table is there.
    pub webhook: Option<WebhookConfig>,
    /// What messages to people have in common.
    pub deliver: DeliverConfig,
    /// Channels besides the webhook, each under a name of your own: `[channels.NAME]`.
    pub channels: BTreeMap<String, ChannelConfig>,
}

/// What is written about the daemon's own doings.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LogConfig {
    /// The least important lines to write.
    pub level: LogLevel,
    /// The form of the lines.
    pub format: LogFormat,
    /// Other levels for parts of the program, for example `["rdkafka=debug", "fenghuo::store=trace"]`.
    pub filters: Vec<String>,
}

/// How callers are told apart without keeping who they are: phones and caller numbers are hashed
/// with a key, and only the hash is kept.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CallerConfig {
    /// A file with the key: at least 16 bytes, not readable by everybody. Without a key from here
    /// or `key_env`, one is made beside the store at the first start. When a key is lost or changed,
    /// callers are counted anew from then on.
    pub key_file: Option<PathBuf>,
    /// The environment variable that holds the key, instead of a file.
    pub key_env: Option<String>,
}

/// How important a log line is.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Default,
    Serialize,
    Deserialize,
    JsonSchema,
    clap::ValueEnum,
)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// Something is wrong and needs somebody.
    Error,
    /// Something is wrong and was dealt with.
    Warn,
    /// The course of things.
    #[default]
    Info,
    /// Details for finding a fault.
    Debug,
    /// Everything.
    Trace,
}

/// The form of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// One line for people, on stderr.
    #[default]
    Text,
    /// One JSON object a line, on stderr.
    Json,
    /// systemd's journal, with fields of its own.
    Journald,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            threads: 0,
            shutdown_seconds: 20,
            log: LogConfig::default(),
            caller: CallerConfig::default(),
            store: StoreConfig::default(),
            http: HttpConfig::default(),
            decode: DecodeConfig::default(),
            intake: IntakeConfig::default(),
            engine: EngineConfig::default(),
            rules: RulesConfig::default(),
            #[cfg(feature = "kafka")]
            kafka: None,
            file: None,
            webhook: None,
            deliver: DeliverConfig::default(),
            channels: BTreeMap::new(),
        }
    }
}

impl Config {
    /// Reads and checks the configuration of the daemon.
    ///
    /// # Errors
    /// Everything that is wrong with it, each with its place.
    pub fn load(sources: &Sources) -> Result<Loaded<Self>, ConfigErrors> {
        load(sources, settings::relations)
    }

    /// The JSON Schema of the configuration file.
    #[must_use]
    pub fn schema() -> serde_json::Value {
        schemars::schema_for!(Self).to_value()
    }
}

#[cfg(test)]
mod tests;
