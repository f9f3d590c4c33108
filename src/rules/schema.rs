//! The shape of a pack file. Kept apart from the compiled form: this is what the writer typed. The
//! comments on the fields are what editors show, by the JSON Schema made from them.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::at::{At, Place};
use super::change::Changes;

use crate::model::{Standard, Touch};

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

pub(super) type Text = At<String>;

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
    pub groups: BTreeMap<String, At<Group>>,
    /// Look-alikes: a term that stands wholly inside one of them is not seen by any rule.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub masks: Vec<Text>,
    /// Contexts that lower the score of every rule.
    #[serde(default)]
    #[schemars(with = "Vec<Lower>")]
    pub lower: Vec<At<Lower>>,
    /// Matters that are not a new lead.
    #[serde(default)]
    #[schemars(with = "Vec<Route>")]
    pub route: Vec<At<Route>>,
    /// The rules.
    #[serde(default)]
    #[schemars(with = "Vec<Rule>")]
    pub rules: Vec<At<Rule>>,
    /// Texts on which no rule of the pack may alert.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub quiet: Vec<Text>,
    /// Known cases about which rules do not alert for a while.
    #[serde(default)]
    #[schemars(with = "Vec<Exception>")]
    pub exceptions: Vec<At<Exception>>,
    /// What is changed of the pack below. Only in a file of an overlay (`rules.overlay_dir`).
    #[schemars(with = "Option<Changes>")]
    pub change: Option<At<Changes>>,
}

/// A list of terms with a name.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Group {
    /// How it is shown in a hit, in Chinese.
    pub title: String,
    /// The dimension of a company's risk index to which its words speak.
    #[serde(default)]
    pub dimension: Option<Touch>,
    /// Literal terms of at least two characters, or regular expressions that begin with `re:`.
    #[schemars(with = "Vec<String>", length(min = 1))]
    pub terms: Vec<Text>,
    /// An overlay has taken its terms away on purpose.
    #[serde(skip)]
    pub is_disabled: bool,
}

/// A context that lowers a score.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Lower {
    /// Shown in the hit as `lower:NAME`.
    pub name: String,
    /// Points taken.
    #[schemars(with = "i64", range(min = 1, max = 100))]
    pub by: At<i64>,
    /// The words that lower.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub terms: Vec<Text>,
    /// Characters after the lowering words in which they still touch a term; absent: the words
    /// lower the whole complaint.
    #[schemars(with = "Option<i64>", range(min = 0, max = 100))]
    pub reach: Option<At<i64>>,
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
    pub by: Option<At<i64>>,
    /// The words that say so.
    #[schemars(with = "Vec<String>")]
    pub terms: Vec<Text>,
    /// Groups in whose presence it does not hold.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub unless: Vec<Text>,
}

/// A known case that is taken care of. All of what it names must be there: one of its terms, one of its
/// companies, one of its places, as far as it names any.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Exception {
    /// Unique in the pack: 1 to 32 of `A-Z`, `a-z`, `0-9`, `-` and `_`. Kept with what it hides.
    #[schemars(with = "String", regex(pattern = "^[A-Za-z0-9_-]{1,32}$"))]
    pub id: Text,
    /// Who answers for it.
    #[schemars(with = "String", length(min = 1))]
    pub owner: Text,
    /// Why nothing need be told, in Chinese.
    #[schemars(with = "String", length(min = 1))]
    pub reason: Text,
    /// The last day on which it holds: YYYY-MM-DD, by the time of the complaint.
    #[schemars(with = "String", regex(pattern = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"))]
    pub until: Text,
    /// Ids of the rules it holds for; `'*'` are all.
    #[schemars(with = "Vec<String>", length(min = 1))]
    pub rules: Vec<Text>,
    /// Words of the complaint: literal terms or regular expressions that begin with `re:`.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub terms: Vec<Text>,
    /// Names of the company accused, under any spelling.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub entity: Vec<Text>,
    /// Words of the district, street, community or address that the event gives.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub place: Vec<Text>,
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
    /// What it belongs to besides, in Chinese: 七有五性, 涉企. Carried on every hit.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub tags: Vec<Text>,
    /// How far it is trusted.
    pub status: Status,
    /// Why it is deprecated; asked for then.
    #[schemars(with = "Option<String>")]
    pub reason: Option<Text>,
    /// From 1; raised with each change of meaning, and kept with every hit.
    #[schemars(with = "i64", range(min = 1))]
    pub version: At<i64>,
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
    /// The dimension of a company's risk index to which each of its hits speaks.
    #[serde(default)]
    pub dimension: Option<Touch>,
    /// Words that almost say it (50), or say it all (60).
    #[serde(default)]
    #[schemars(with = "Vec<Terms>")]
    pub strong: Vec<At<Terms>>,
    /// Words of two groups close to each other; each counts as a strong item.
    #[serde(default)]
    #[schemars(with = "Vec<Near>")]
    pub near: Vec<At<Near>>,
    /// Words that fit (10 to 15); together they give 36 at most.
    #[serde(default)]
    #[schemars(with = "Vec<Terms>")]
    pub weak: Vec<At<Terms>>,
    /// Groups and the points that each gives once when it occurs.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, i64>")]
    pub context: BTreeMap<String, At<i64>>,
    /// Groups without which the rule does not alert, unless a strong term alone weighs enough for it.
    #[serde(default)]
    pub needs: Needs,
    /// Look-alikes for this rule only.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub masks: Vec<Text>,
    /// Contexts that lower this rule only.
    #[serde(default)]
    #[schemars(with = "Vec<Lower>")]
    pub lower: Vec<At<Lower>>,
    /// Scores from which it is watched and alerts.
    #[serde(default)]
    pub thresholds: Thresholds,
    /// The texts it was written against.
    pub tests: Tests,
    /// Where an overlay has changed it last.
    #[serde(skip)]
    pub changed: Option<Place>,
}

/// Terms of one weight.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Terms {
    /// Points that each term gives.
    #[schemars(with = "i64", range(min = 1, max = 100))]
    pub weight: At<i64>,
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
    pub weight: At<i64>,
    /// Two different groups.
    #[schemars(with = "Vec<String>", length(min = 2, max = 2))]
    pub groups: Vec<Text>,
    /// Characters between the two words at most.
    #[schemars(with = "i64", range(min = 0, max = 200))]
    pub within: At<i64>,
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
    pub watch: Option<At<i64>>,
    /// From here it alerts; 60 unless given.
    #[schemars(with = "Option<i64>", range(min = 1, max = 300))]
    pub alert: Option<At<i64>>,
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
