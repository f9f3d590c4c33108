//! The shape of a pack file. Kept apart from the compiled form: this is what the writer typed. The
//! comments on the fields are what editors show, by the JSON Schema made from them.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_saphyr::Spanned;

use crate::model::Standard;

/// How far a rule is trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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

/// The JSON Schema of a pack file, with which editors complete and check.
#[must_use]
pub fn json_schema() -> serde_json::Value {
    schemars::schema_for!(File).to_value()
}

/// A pack file of fenghuo's risk rules. All files of a folder are one pack.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "fenghuo rule file")]
pub(super) struct File {
    /// Lists of terms that the rules of all files may name: `a-z`, `0-9` and `_`.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, Group>")]
    pub groups: BTreeMap<String, Spanned<Group>>,
    /// Look-alikes: a term that stands wholly inside one of them is not seen by any rule.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub masks: Vec<Text>,
    /// Contexts that lower the score of every rule.
    #[serde(default)]
    #[schemars(with = "Vec<Lower>")]
    pub lower: Vec<Spanned<Lower>>,
    /// Matters that are not a new lead.
    #[serde(default)]
    #[schemars(with = "Vec<Route>")]
    pub route: Vec<Spanned<Route>>,
    /// The rules.
    #[serde(default)]
    #[schemars(with = "Vec<Rule>")]
    pub rules: Vec<Spanned<Rule>>,
    /// Texts on which no rule of the pack may alert.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub quiet: Vec<Text>,
}

/// A list of terms with a name.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Group {
    /// How it is shown in a hit, in Chinese.
    pub title: String,
    /// Literal terms of at least two characters, or regular expressions that begin with `re:`.
    #[schemars(with = "Vec<String>", length(min = 1))]
    pub terms: Vec<Text>,
}

/// A context that lowers a score.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Lower {
    /// Shown in the hit as `lower:NAME`.
    pub name: String,
    /// Points taken.
    #[schemars(with = "i64", range(min = 1, max = 100))]
    pub by: Spanned<i64>,
    /// The words that lower.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub terms: Vec<Text>,
    /// Characters after the lowering words in which they still touch a term; absent: the words
    /// lower the whole complaint.
    #[schemars(with = "Option<i64>", range(min = 0, max = 100))]
    pub reach: Option<Spanned<i64>>,
    /// Tags or classifications of the complaint that lower the whole complaint.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub labels: Vec<Text>,
    /// Groups in whose presence it does not hold.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub unless: Vec<Text>,
}

/// A matter that is not a new lead, such as a case that is already known.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Route {
    /// Shown in the hit as `route:TO`.
    pub to: String,
    /// Points taken; 0, the default, only marks the hit.
    #[serde(default)]
    #[schemars(with = "Option<i64>", range(min = 0, max = 100))]
    pub by: Option<Spanned<i64>>,
    /// The words that say so.
    #[schemars(with = "Vec<String>")]
    pub terms: Vec<Text>,
    /// Groups in whose presence it does not hold.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub unless: Vec<Text>,
}

/// One rule.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Rule {
    /// Unique in the pack: 1 to 16 of `A-Z`, `0-9` and `-`, beginning with a letter.
    #[schemars(with = "String", regex(pattern = "^[A-Z][A-Z0-9-]{0,15}$"))]
    pub id: Text,
    /// One line in Chinese.
    pub title: String,
    /// In Chinese; alerts are grouped by it.
    pub category: String,
    /// How far it is trusted.
    pub status: Status,
    /// From 1; raised with each change of meaning, and kept with every hit.
    #[schemars(with = "i64", range(min = 1))]
    pub version: Spanned<i64>,
    /// The unit that answers for the rule.
    #[schemars(with = "String", length(min = 1))]
    pub owner: Text,
    /// Laws, notices and cases it was written from.
    #[serde(default)]
    pub references: Vec<String>,
    /// What is known to look like it and is not.
    #[serde(default)]
    pub false_positives: Vec<String>,
    /// The offence whose lines the sums and people in its complaints are held against in an alert.
    #[serde(default)]
    pub standard: Option<Standard>,
    /// Words that almost say it (50), or say it all (60).
    #[serde(default)]
    #[schemars(with = "Vec<Terms>")]
    pub strong: Vec<Spanned<Terms>>,
    /// Words of two groups close to each other; each counts as a strong item.
    #[serde(default)]
    #[schemars(with = "Vec<Near>")]
    pub near: Vec<Spanned<Near>>,
    /// Words that fit (10 to 15); together they give 36 at most.
    #[serde(default)]
    #[schemars(with = "Vec<Terms>")]
    pub weak: Vec<Spanned<Terms>>,
    /// Groups and the points that each gives once when it occurs.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, i64>")]
    pub context: BTreeMap<String, Spanned<i64>>,
    /// Groups without which the rule does not alert.
    #[serde(default)]
    pub needs: Needs,
    /// Look-alikes for this rule only.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub masks: Vec<Text>,
    /// Contexts that lower this rule only.
    #[serde(default)]
    #[schemars(with = "Vec<Lower>")]
    pub lower: Vec<Spanned<Lower>>,
    /// Scores from which it is watched and alerts.
    #[serde(default)]
    pub thresholds: Thresholds,
    /// The texts it was written against.
    pub tests: Tests,
}

/// Terms of one weight.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Terms {
    /// Points that each term gives.
    #[schemars(with = "i64", range(min = 1, max = 100))]
    pub weight: Spanned<i64>,
    /// Literal terms of at least two characters, or regular expressions that begin with `re:`.
    #[schemars(with = "Vec<String>", length(min = 1))]
    pub terms: Vec<Text>,
}

/// A word of each of two groups, close to each other.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Near {
    /// Points that the pair gives.
    #[schemars(with = "i64", range(min = 1, max = 100))]
    pub weight: Spanned<i64>,
    /// Two different groups.
    #[schemars(with = "Vec<String>", length(min = 2, max = 2))]
    pub groups: Vec<Text>,
    /// Characters between the two words at most.
    #[schemars(with = "i64", range(min = 0, max = 200))]
    pub within: Spanned<i64>,
}

/// Groups without which a rule does not alert.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Needs {
    /// One of them must occur.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub any: Vec<Text>,
    /// All of them must occur.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub all: Vec<Text>,
}

/// Scores at which something happens.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Thresholds {
    /// From here a hit is kept; 40 unless given.
    #[schemars(with = "Option<i64>", range(min = 1, max = 300))]
    pub watch: Option<Spanned<i64>>,
    /// From here it alerts; 60 unless given.
    #[schemars(with = "Option<i64>", range(min = 1, max = 300))]
    pub alert: Option<Spanned<i64>>,
}

/// The texts that a rule was written against.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Tests {
    /// The rule alerts on each of them (a `shadow` rule would).
    #[schemars(with = "Vec<String>", length(min = 1))]
    pub must_fire: Vec<Text>,
    /// The rule alerts on none of them.
    #[schemars(with = "Vec<String>", length(min = 1))]
    pub must_not_fire: Vec<Text>,
    /// The rule ought to alert on them and does not yet. They are counted and named; one on which it
    /// does alert is a failure, so that it is moved to `must_fire`.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub known_misses: Vec<Text>,
}
