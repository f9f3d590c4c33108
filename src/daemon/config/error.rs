//! What is wrong with a configuration, and where.

use std::fmt;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// Where it was written: `fenghuo.toml:3:1`, `environment variable FENGHUO_X`, `flag --x`.
    pub origin: String,
    /// What is wrong and what to do about it.
    pub message: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.origin, self.message)
    }
}

/// Everything that is wrong with a configuration, a line each.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", lines(.0))]
pub struct ConfigErrors(pub Vec<ConfigError>);

fn lines(errors: &[ConfigError]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// A value that has the right type but cannot be: out of its range, or at odds with another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    /// The setting, for example `store.path`.
    pub path: String,
    /// What is wrong with it and what to do about it.
    pub message: String,
}

impl Invalid {
    /// Names a setting and what is wrong with it.
    pub fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), message: message.into() }
    }
}

/// The candidate that a misspelt word was most likely meant to be, if any is near.
pub fn nearest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let allowed = (word.chars().count() / 3).max(2);
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|(distance, candidate)| {
            *distance <= allowed && *distance < candidate.chars().count().max(word.chars().count())
        })
        .min()
        .map(|(_, candidate)| candidate)
}
