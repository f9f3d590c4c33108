//! The shape of the part of an overlay that changes a pack: what its writer typed. What it does is in
//! `overlay`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::at::At;
use super::schema::{Lower, Near, Status, Terms, Text, Thresholds};

/// What is changed of the pack below. Everything named must be there.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Changes {
    /// Groups.
    pub groups: Vec<GroupChange>,
    /// The masks of the pack.
    pub masks: TextsChange,
    /// The `lower` entries of the pack, by their names.
    pub lower: Vec<LowerChange>,
    /// The `route` entries, by where they lead.
    pub route: Vec<RouteChange>,
    /// Rules.
    pub rules: Vec<RuleChange>,
    /// The texts on which no rule may alert.
    pub quiet: TextsChange,
}

/// What is changed of a list of terms, texts or names.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct TextsChange {
    /// Put at the end.
    #[schemars(with = "Vec<String>")]
    pub add: Vec<Text>,
    /// Taken out; each must be there.
    #[schemars(with = "Vec<String>")]
    pub remove: Vec<Text>,
    /// Takes the place of the whole list; may be empty.
    #[schemars(with = "Option<Vec<String>>")]
    pub replace: Option<At<Vec<Text>>>,
}

/// What is changed of a group.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct GroupChange {
    /// Its name.
    #[schemars(with = "String")]
    pub name: Text,
    /// Why it is switched off: none of its words is looked for then.
    #[schemars(with = "Option<String>")]
    pub disable: Option<Text>,
    /// Its new title.
    pub title: Option<String>,
    /// Its terms.
    #[serde(default)]
    pub terms: TextsChange,
}

/// What is changed of a `lower` entry.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LowerChange {
    /// Its name.
    #[schemars(with = "String")]
    pub name: Text,
    /// Why it is switched off.
    #[schemars(with = "Option<String>")]
    pub disable: Option<Text>,
    /// Points taken.
    #[schemars(with = "Option<i64>", range(min = 1, max = 100))]
    pub by: Option<At<i64>>,
    /// Characters after the words in which they still touch a term.
    #[schemars(with = "Option<i64>", range(min = 0, max = 100))]
    pub reach: Option<At<i64>>,
    /// The words that lower.
    #[serde(default)]
    pub terms: TextsChange,
    /// Tags or classifications that lower.
    #[serde(default)]
    pub labels: TextsChange,
    /// Groups in whose presence it does not hold.
    #[serde(default)]
    pub unless: TextsChange,
}

/// What is changed of a `route` entry.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RouteChange {
    /// Where it leads.
    #[schemars(with = "String")]
    pub to: Text,
    /// Why it is switched off.
    #[schemars(with = "Option<String>")]
    pub disable: Option<Text>,
    /// Points taken.
    #[schemars(with = "Option<i64>", range(min = 0, max = 100))]
    pub by: Option<At<i64>>,
    /// The words that say so.
    #[serde(default)]
    pub terms: TextsChange,
    /// Groups in whose presence it does not hold.
    #[serde(default)]
    pub unless: TextsChange,
}

/// What is changed of a rule.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleChange {
    /// Its id.
    #[schemars(with = "String")]
    pub id: Text,
    /// Why it is switched off: it is `deprecated` then, for this reason.
    #[schemars(with = "Option<String>")]
    pub disable: Option<Text>,
    /// Its new title.
    pub title: Option<String>,
    /// Its new category.
    pub category: Option<String>,
    /// Its tags.
    #[serde(default)]
    pub tags: TextsChange,
    /// How far it is trusted here.
    pub status: Option<Status>,
    /// Who answers for it here.
    #[schemars(with = "Option<String>")]
    pub owner: Option<Text>,
    /// Its blocks of strong terms.
    #[serde(default)]
    pub strong: BlocksChange,
    /// Its pairs.
    #[serde(default)]
    pub near: PairsChange,
    /// Its blocks of weak terms.
    #[serde(default)]
    pub weak: BlocksChange,
    /// Groups with the points that each gives now; 0 takes the group out.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, i64>")]
    pub context: BTreeMap<String, At<i64>>,
    /// Groups without which it does not alert.
    #[serde(default)]
    pub needs: NeedsChange,
    /// Its masks.
    #[serde(default)]
    pub masks: TextsChange,
    /// Its own `lower` entries.
    #[serde(default)]
    pub lower: OwnLowerChange,
    /// The scores, as far as they are given.
    #[serde(default)]
    pub thresholds: Thresholds,
    /// Its texts.
    #[serde(default)]
    pub tests: TestsChange,
}

/// What is changed of blocks of terms.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct BlocksChange {
    /// Further blocks.
    #[schemars(with = "Vec<Terms>")]
    pub add: Vec<At<Terms>>,
    /// Terms taken out of whichever block they stand in.
    #[schemars(with = "Vec<String>")]
    pub remove: Vec<Text>,
    /// Takes the place of all blocks; may be empty.
    #[schemars(with = "Option<Vec<Terms>>")]
    pub replace: Option<At<Vec<At<Terms>>>>,
}

/// What is changed of pairs.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct PairsChange {
    /// Further pairs.
    #[schemars(with = "Vec<Near>")]
    pub add: Vec<At<Near>>,
    /// Pairs taken out, each by its two groups.
    #[schemars(with = "Vec<Vec<String>>")]
    pub remove: Vec<At<Vec<String>>>,
    /// Takes the place of all pairs; may be empty.
    #[schemars(with = "Option<Vec<Near>>")]
    pub replace: Option<At<Vec<At<Near>>>>,
}

/// What is changed of the groups without which a rule does not alert.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct NeedsChange {
    /// Of which one must occur.
    pub any: TextsChange,
    /// Of which all must occur.
    pub all: TextsChange,
}

/// What is changed of a rule's own `lower` entries.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct OwnLowerChange {
    /// Further entries.
    #[schemars(with = "Vec<Lower>")]
    pub add: Vec<At<Lower>>,
    /// Changes of those that are there, by their names.
    pub change: Vec<LowerChange>,
}

/// What is changed of the texts of a rule.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct TestsChange {
    /// Those on which it alerts.
    pub must_fire: TextsChange,
    /// Those on which it does not.
    pub must_not_fire: TextsChange,
    /// Those on which it ought to and does not yet.
    pub known_misses: TextsChange,
}
