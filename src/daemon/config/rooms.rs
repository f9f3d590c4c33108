//! The settings of rooms that do not declare them yet.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
