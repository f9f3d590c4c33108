//! The shape of a pack file. Kept apart from the compiled form: this is what the writer typed.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_saphyr::Spanned;

/// How far a rule is trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// New; alerts like `stable`, and says so in the console.
    Experimental,
    /// Matched, kept and counted; never alerts.
    Shadow,
    /// Trusted.
    Stable,
    /// Kept for its history; not matched.
    Deprecated,
}

impl Status {
    /// The name as written in pack files.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Experimental => "experimental",
            Self::Shadow => "shadow",
            Self::Stable => "stable",
            Self::Deprecated => "deprecated",
        }
    }
}

pub(super) type Text = Spanned<String>;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    #[serde(default)]
    pub groups: BTreeMap<String, Spanned<Group>>,
    #[serde(default)]
    pub masks: Vec<Text>,
    #[serde(default)]
    pub lower: Vec<Spanned<Lower>>,
    #[serde(default)]
    pub route: Vec<Spanned<Route>>,
    #[serde(default)]
    pub rules: Vec<Spanned<Rule>>,
    /// Texts on which no rule of the pack may alert.
    #[serde(default)]
    pub quiet: Vec<Text>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Group {
    pub title: String,
    pub terms: Vec<Text>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Lower {
    pub name: String,
    pub by: Spanned<i64>,
    #[serde(default)]
    pub terms: Vec<Text>,
    /// Characters after the lowering words in which they still touch a term; absent: the words
    /// lower the whole complaint.
    pub reach: Option<Spanned<i64>>,
    #[serde(default)]
    pub labels: Vec<Text>,
    #[serde(default)]
    pub unless: Vec<Text>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Route {
    pub to: String,
    #[serde(default)]
    pub by: Option<Spanned<i64>>,
    pub terms: Vec<Text>,
    #[serde(default)]
    pub unless: Vec<Text>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rule {
    pub id: Text,
    pub title: String,
    pub category: String,
    pub status: Status,
    pub version: Spanned<i64>,
    pub owner: Text,
    #[serde(default)]
    pub references: Vec<String>,
    #[serde(default)]
    pub false_positives: Vec<String>,
    #[serde(default)]
    pub strong: Vec<Spanned<Terms>>,
    #[serde(default)]
    pub near: Vec<Spanned<Near>>,
    #[serde(default)]
    pub weak: Vec<Spanned<Terms>>,
    #[serde(default)]
    pub context: BTreeMap<String, Spanned<i64>>,
    #[serde(default)]
    pub needs: Needs,
    #[serde(default)]
    pub masks: Vec<Text>,
    #[serde(default)]
    pub lower: Vec<Spanned<Lower>>,
    #[serde(default)]
    pub thresholds: Thresholds,
    pub tests: Tests,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Terms {
    pub weight: Spanned<i64>,
    pub terms: Vec<Text>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Near {
    pub weight: Spanned<i64>,
    pub groups: Vec<Text>,
    pub within: Spanned<i64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Needs {
    #[serde(default)]
    pub any: Vec<Text>,
    #[serde(default)]
    pub all: Vec<Text>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Thresholds {
    pub watch: Option<Spanned<i64>>,
    pub alert: Option<Spanned<i64>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tests {
    pub must_fire: Vec<Text>,
    pub must_not_fire: Vec<Text>,
}
