//! Building the pure core from the configuration: what the daemon, `replay` and the tests share.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use schemars::JsonSchema;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::engine::{CallerHasher, EngineConfig, Knowledge, Preparer};
use crate::place::{Gazetteer, Places};
use crate::rules::{RuleErrors, RulePack};
use crate::text::{Segmenter, parse_dictionary};

/// Where the rule packs and lists are that analysts tune. What is not given is built in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RulesConfig {
    /// Folder of risk packs (`*.yaml`). Without it, the shipped ones.
    pub risk_dir: Option<PathBuf>,
    /// Folder of local rule files (`*.yaml`) that add to the risk packs and change them, without a touch to
    /// their files.
    pub overlay_dir: Option<PathBuf>,
    /// Folder of the gazetteer (`*.toml`). Without it, the shipped one of 西城区.
    pub places_dir: Option<PathBuf>,
    /// File of words for segmentation, one a line. Without it, the shipped one.
    pub dictionary_file: Option<PathBuf>,
    /// How often to look whether the files of the risk packs and the overlay have changed, in seconds; 0
    /// never. What has changed and stayed so from one look to the next is taken over.
    #[schemars(range(max = 3600))]
    pub watch_seconds: u32,
}

impl Default for RulesConfig {
    fn default() -> Self {
        Self { risk_dir: None, overlay_dir: None, places_dir: None, dictionary_file: None, watch_seconds: 2 }
    }
}

/// How much may wait between the sources and the engines, and how much is committed at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct IntakeConfig {
    /// Records that may wait. When they are there, sources pause or answer 429.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub queue_records: u32,
    /// Bytes that may wait, in MiB.
    #[schemars(range(min = 1, max = 65_536))]
    pub queue_mib: u32,
    /// The most records in one commit. Larger batches cost less each and answer later.
    #[schemars(range(min = 1, max = 100_000))]
    pub batch_records: u32,
}

impl Default for IntakeConfig {
    fn default() -> Self {
        Self { queue_records: 8192, queue_mib: 64, batch_records: 512 }
    }
}

/// Reads the packs and lists.
///
/// # Errors
/// When one of them cannot be used, with file and line.
pub fn knowledge(rules: &RulesConfig, engine: &EngineConfig) -> anyhow::Result<Knowledge> {
    let gazetteer = match &rules.places_dir {
        Some(dir) => Gazetteer::load(dir)?,
        None => Gazetteer::builtin(),
    };
    let pack = pack(rules)?;
    let segmenter = match &rules.dictionary_file {
        Some(file) => dictionary(file, &gazetteer)?,
        None => Segmenter::with_words(gazetteer.words()),
    };
    let segmenter = Arc::new(segmenter);
    let places = Arc::new(Places::new(Arc::new(gazetteer), Arc::clone(&segmenter)));
    let (title_weight, zone) = (engine.group.title_weight, engine.zone()?);
    Ok(Knowledge { segmenter, places, pack: Arc::new(pack), title_weight, zone })
}

/// Reads the rule pack.
///
/// # Errors
/// All mistakes in it, with file, line and column.
pub fn pack(rules: &RulesConfig) -> Result<RulePack, RuleErrors> {
    RulePack::load(rules.risk_dir.as_deref(), rules.overlay_dir.as_deref())
}

/// A hash of what gazetteer and dictionary are read from.
///
/// # Errors
/// When one of the files cannot be read.
pub fn lists(rules: &RulesConfig) -> anyhow::Result<[u8; 32]> {
    let mut files: Vec<PathBuf> = rules.dictionary_file.iter().cloned().collect();
    if let Some(dir) = &rules.places_dir {
        let unreadable = || format!("{}: the gazetteer's folder cannot be read", dir.display());
        for entry in std::fs::read_dir(dir).with_context(unreadable)? {
            files.push(entry.with_context(unreadable)?.path());
        }
    }
    files.retain(|file| file.is_file());
    files.sort();
    let mut hasher = Sha256::new();
    for file in files {
        let bytes = std::fs::read(&file).with_context(|| format!("{}: cannot be read", file.display()))?;
        hasher.update(file.as_os_str().as_encoded_bytes());
        hasher.update(Sha256::digest(bytes));
    }
    Ok(hasher.finalize().into())
}

fn dictionary(file: &Path, gazetteer: &Gazetteer) -> anyhow::Result<Segmenter> {
    let content = std::fs::read_to_string(file)
        .with_context(|| format!("{}: the dictionary cannot be read", file.display()))?;
    let words = parse_dictionary(&content).with_context(|| format!("{}", file.display()))?;
    Ok(Segmenter::with_only(words.into_iter().chain(gazetteer.words())))
}

/// What reads complaints.
///
/// # Errors
/// When the caller key is too short.
pub fn preparer(knowledge: Knowledge, caller_key: &SecretString) -> anyhow::Result<Preparer> {
    let hasher = CallerHasher::new(caller_key.expose_secret().as_bytes())?;
    Ok(Preparer::new(knowledge, hasher))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_dictionary_is_named() {
        let rules =
            RulesConfig { dictionary_file: Some("no/such/words.txt".into()), ..RulesConfig::default() };
        let error = knowledge(&rules, &EngineConfig::default()).unwrap_err();
        assert!(
            format!("{error:#}").starts_with("no/such/words.txt: the dictionary cannot be read: "),
            "{error:#}"
        );
    }
}
