//! What can be wrong with a rule pack, said so that the writer of the rule can mend it.

use std::fmt;

use serde::Serialize;

use super::at::Place;

/// One mistake in a pack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleError {
    /// The file's name, or the folder when the mistake is not in a file.
    pub file: String,
    /// Line, from 1; 0 when the mistake has no line.
    pub line: u64,
    /// Column in characters, from 1; 0 when the mistake has no line.
    pub column: u64,
    /// What is wrong and what to do.
    pub message: String,
}

impl RuleError {
    pub(super) fn at(place: &Place, message: impl Into<String>) -> Self {
        let Place { file, line, column } = place;
        Self { file: file.to_string(), line: *line, column: *column, message: message.into() }
    }
}

impl fmt::Display for RuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line == 0 {
            write!(f, "{}: {}", self.file, self.message)
        } else {
            write!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.message)
        }
    }
}

/// Every mistake found in a pack, in the order of files and lines; never empty. Written one a line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct RuleErrors(pub Vec<RuleError>);

impl RuleErrors {
    /// In the order of files and lines.
    pub(super) fn sorted(mut errors: Vec<RuleError>) -> Self {
        errors.sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
        Self(errors)
    }
}

impl fmt::Display for RuleErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            error.fmt(f)?;
        }
        Ok(())
    }
}

/// Whether a rule may have this id.
pub(super) fn is_rule_id(id: &str) -> bool {
    id.len() <= 16
        && id.starts_with(|c: char| c.is_ascii_uppercase())
        && id.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '-')
}

/// The name of `known` that `given` was most likely meant to be.
pub(super) fn nearest<'k>(given: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    known
        .into_iter()
        .map(|name| (strsim::jaro_winkler(given, name), name))
        .filter(|(likeness, _)| *likeness >= 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0).then_with(|| b.1.cmp(a.1)))
        .map(|(_, name)| name)
}
