//! The settings of rooms that do not declare them yet.

use std::net::SocketAddr;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where complaints, groups, alerts and positions are kept.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct StoreConfig {
    /// The SQLite file. Without it, `fenghuo.db` in `data_dir`.
    pub path: Option<PathBuf>,
}

/// The HTTP side: intake, console, health and metrics.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct HttpConfig {
    /// The address and port to listen on.
    pub listen: SocketAddr,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self { listen: SocketAddr::from(([127, 0, 0, 1], 8787)) }
    }
}

/// Reading complaints from Kafka.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct KafkaConfig {
    /// Addresses to start from, `host:port` each. At least one.
    pub brokers: Vec<String>,
    /// The topic to read. It must exist.
    pub topic: String,
}

impl Default for KafkaConfig {
    fn default() -> Self {
        Self { brokers: Vec::new(), topic: "complaints".into() }
    }
}

/// Reading complaints from a file.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FileConfig {
    /// The file: NDJSON, CSV or XLSX; `-` is stdin.
    pub path: PathBuf,
}

/// Pushing alerts to a webhook.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct WebhookConfig {
    /// The address that takes alerts.
    pub url: String,
    /// A file with the secret that signs them.
    pub secret_file: Option<PathBuf>,
    /// The environment variable that holds the secret, instead of a file.
    pub secret_env: Option<String>,
}
