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
