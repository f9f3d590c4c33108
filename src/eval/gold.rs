//! Reading what people have decided.

use serde::Deserialize;

use crate::model::ComplaintId;

/// Why a file cannot be used for scoring.
#[derive(Debug, thiserror::Error)]
pub enum EvalError {
    /// The gold is no list of matters.
    #[error("the gold cannot be read: {0}; it is a list of {{\"matter\", \"kind\", \"ids\"}}")]
    Gold(#[source] serde_json::Error),
    /// Two matters of one name.
    #[error("matter {0} stands twice in the gold; put its complaints together or rename one")]
    Twice(String),
    /// The pairs are no table.
    #[error("the pairs cannot be read: {0}; they are CSV with the columns a and b")]
    Pairs(#[source] csv::Error),
    /// A line of groups or alarms is not what `replay` writes.
    #[error("line {line} of the {what} cannot be read: {source}; give what `fenghuo replay` has written")]
    Line {
        /// `groups` or `alerts`.
        what: &'static str,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}

/// Complaints that a person has put together.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct GoldMatter {
    /// Its name, for example `M04`.
    pub matter: String,
    /// What it is about, for people; empty when nobody wrote it down.
    #[serde(default)]
    pub title: String,
    /// Whether it is a matter.
    #[serde(default)]
    pub kind: MatterKind,
    /// Its complaints.
    pub ids: Vec<ComplaintId>,
}

/// What complaints have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MatterKind {
    /// One thing that happens to somebody at one place.
    #[default]
    Matter,
    /// A policy question bound to no place: left out of every figure.
    Theme,
}

/// Two complaints that must not share a group.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Pair {
    /// The one.
    pub a: ComplaintId,
    /// The other.
    pub b: ComplaintId,
}

/// Reads a gold file: what `fenghuo generate --gold` writes, or the same written by hand.
///
/// # Errors
/// When it is no such list, or a name stands in it twice.
pub fn gold(json: &[u8]) -> Result<Vec<GoldMatter>, EvalError> {
    let gold: Vec<GoldMatter> = serde_json::from_slice(json).map_err(EvalError::Gold)?;
    let mut names: Vec<&str> = gold.iter().map(|matter| &*matter.matter).collect();
    names.sort_unstable();
    match names.windows(2).find(|two| two[0] == two[1]) {
        Some(two) => Err(EvalError::Twice(two[0].to_owned())),
        None => Ok(gold),
    }
}

/// Reads pairs that must stay apart: what `fenghuo generate --apart` writes.
///
/// # Errors
/// When it is no CSV, or has no columns `a` and `b`.
pub fn pairs(csv: &[u8]) -> Result<Vec<Pair>, EvalError> {
    csv::Reader::from_reader(csv).into_deserialize().collect::<Result<_, _>>().map_err(EvalError::Pairs)
}
