//! What complaints say of sums and people, and the lines of the law that these can be held against.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Span;

/// What a number in a complaint counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Yuan that somebody paid, lent, is owed or speaks of.
    Money,
    /// Yuan that are said to be lost, taken or not paid back.
    Loss,
    /// People or households who are said to be concerned. Staff, police and the accused are not.
    People,
}

/// A sum or a count of people that a complaint names. Said by the caller and not checked by anybody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// What is counted.
    pub measure: Measure,
    /// The least it may be, in yuan or people: 200 for 两百多, 30000 for 三五万.
    pub least: u64,
    /// The most it may be; absent when the text leaves that open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most: Option<u64>,
    /// It is one person's, one household's or one month's share (每人三千), and no total.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub each: bool,
    /// Where it stands.
    pub span: Span,
}

/// The offence whose lines a rule's cases are held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Standard {
    /// Taking deposits from the public without a licence (非法吸收公众存款).
    Fundraising,
    /// Organising or leading a pyramid scheme (组织、领导传销活动).
    Pyramid,
}

/// A line of the law that is reached by what complaints say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// The offence it belongs to.
    pub standard: Standard,
    /// What it counts.
    pub measure: Measure,
    /// From so many yuan or people on.
    pub from: u64,
}

/// The greatest that the complaints of a case say, and what that reaches. A hint for those who look
/// after it: nobody has checked it, and one complaint's words are no finding.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claimed {
    /// The greatest sum, yuan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub money: Option<u64>,
    /// The greatest loss, yuan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss: Option<u64>,
    /// The greatest number of people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub people: Option<u64>,
    /// The highest line reached by each of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<Line>,
}

impl Claimed {
    /// Whether nothing is said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
