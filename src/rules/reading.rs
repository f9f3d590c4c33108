//! What a rule makes of one complaint, as it is told to the people who write rules.

use std::fmt;

use serde::Serialize;

use crate::model::{ScorePart, Span, Suppressed};

use super::schema::Status;

/// What a rule makes of one complaint, whether it fires or not.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Reading {
    /// The rule's id.
    pub rule: String,
    /// Its title in Chinese.
    pub title: String,
    /// How far it is trusted.
    pub status: Status,
    /// What comes of it.
    pub verdict: Verdict,
    /// The score reached; 0 when nothing is there that the rule begins with.
    pub score: i32,
    /// The score from which a hit is kept.
    pub watch: i32,
    /// The score from which it alerts, as written in the rule.
    pub alert: i32,
    /// The parts of the score.
    pub parts: Vec<ScorePart>,
    /// Where the words stand that count.
    pub spans: Vec<Span>,
    /// The rule's words that stand in the text and that a mask hides.
    pub masked: Vec<MaskedTerm>,
    /// The entries that took points off it, or marked it.
    pub lowered: Vec<Lowered>,
    /// What keeps it from alerting besides; empty when it does.
    pub lacks: Vec<Lack>,
    /// The exception for which it does not alert.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suppressed: Option<Suppressed>,
    /// What an overlay has changed of the rule and of the groups it looks at, each with its place.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub overlay: Vec<String>,
    /// Every list of terms the rule looks at, with what was found of it and what was not.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lists: Vec<TermList>,
}

/// What comes of a rule for one complaint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It alerts.
    Alerts,
    /// It has the score and does not alert, since it is in status `shadow`.
    Shadow,
    /// The hit is kept and does not alert.
    Watched,
    /// The hit is kept and does not alert, since an exception holds for it.
    Suppressed,
    /// Too little for a hit.
    Below,
    /// It is in status `deprecated`, and not matched at all.
    NotMatched,
}

/// A word of a rule where it stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Word {
    /// The term: a literal one in its normal form, a pattern as written.
    pub term: String,
    /// Where it stands.
    pub span: Span,
    /// The complaint's own words there.
    pub words: String,
}

/// A word that does not count because it stands inside a look-alike.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MaskedTerm {
    /// The look-alike.
    pub mask: Word,
    /// The word that it hides.
    pub hidden: Word,
    /// Whether the mask is one of the whole pack, not one of the rule.
    pub of_pack: bool,
}

/// A `lower` or `route` entry that holds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Lowered {
    /// Which, as in the parts of the score.
    pub what: String,
    /// The points it took.
    pub by: i32,
    /// The words for which it holds; none when a label of the complaint is the reason.
    pub words: Vec<Word>,
}

/// What keeps a rule from alerting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Lack {
    /// It is in status `deprecated`.
    Deprecated {
        /// Why.
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// The score.
    Points {
        /// Points that are missing.
        short: i32,
    },
    /// A strong term or a pair: weak terms and contexts alone never alert.
    Strong,
    /// Half of a pair, or both halves too far from each other.
    Pair {
        /// Names of the two groups.
        groups: [String; 2],
        /// Points it would give.
        weight: i32,
        /// Characters there may be between the two.
        within: usize,
        /// Names of those groups that were not found.
        missing: Vec<String>,
        /// Characters between the two nearest, when both stand in one field.
        apart: Option<usize>,
    },
    /// A context group that was not found.
    Context {
        /// Its name.
        group: String,
        /// Its title.
        title: String,
        /// Points it would give.
        points: i32,
    },
    /// None of the groups of `needs.any` is there.
    NeedsAny {
        /// Their names.
        groups: Vec<String>,
    },
    /// Groups of `needs.all` that are not there.
    NeedsAll {
        /// Their names.
        groups: Vec<String>,
    },
}

/// One list of terms that a rule looks at.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TermList {
    /// Which list.
    #[serde(flatten)]
    pub kind: ListKind,
    /// What the rule uses it for, in the words of the pack file: `context +20`.
    pub uses: Vec<String>,
    /// Its terms that stand in the text and are not masked.
    pub found: Vec<Word>,
    /// Its other terms.
    pub missing: Vec<String>,
}

/// Which list of terms.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "list", rename_all = "snake_case")]
pub enum ListKind {
    /// The rule's own strong terms.
    Strong,
    /// The rule's own weak terms.
    Weak,
    /// A group.
    Group {
        /// Its name.
        name: String,
        /// Its title in Chinese.
        title: String,
    },
}

impl fmt::Display for ListKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Strong => f.write_str("strong"),
            Self::Weak => f.write_str("weak"),
            Self::Group { name, title } => write!(f, "{name} ({title})"),
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Alerts => "alerts",
            Self::Shadow => "would alert, but is in shadow",
            Self::Watched => "is kept, does not alert",
            Self::Suppressed => "is kept, does not alert because of an exception",
            Self::Below => "does not fire",
            Self::NotMatched => "is deprecated and not matched",
        })
    }
}

impl fmt::Display for Lack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deprecated { reason } => {
                f.write_str("the rule is deprecated, no text fires it")?;
                reason.as_ref().map_or(Ok(()), |reason| write!(f, ": {reason}"))
            }
            Self::Points { short: 1 } => f.write_str("1 point is missing"),
            Self::Points { short } => write!(f, "{short} points are missing"),
            Self::Strong => {
                f.write_str("no strong term and no pair; weak terms and contexts alone never alert")
            }
            Self::Pair { groups: [a, b], weight, missing, .. } if !missing.is_empty() => {
                write!(f, "near {a}+{b} {weight:+}: found nothing of {}", missing.join(", "))
            }
            Self::Pair { groups: [a, b], weight, within, apart, .. } => {
                write!(f, "near {a}+{b} {weight:+}: ")?;
                match apart {
                    Some(apart) => write!(f, "they stand {apart} characters apart; at most {within} may be"),
                    None => f.write_str("they stand in different fields"),
                }
            }
            Self::Context { group, title, points } => {
                write!(f, "context {group} {points:+}: found nothing of {group} ({title})")
            }
            Self::NeedsAny { groups } => write!(f, "needs one of {}, none is there", groups.join(", ")),
            Self::NeedsAll { groups } => {
                write!(f, "needs {}, which {} not there", groups.join(", "), is_or_are(groups.len()))
            }
        }
    }
}

fn is_or_are(count: usize) -> &'static str {
    if count == 1 { "is" } else { "are" }
}

/// Of the rules that do not fire those that come nearest to it, the nearest first: something of each
/// was found.
#[must_use]
pub fn nearest(readings: &[Reading], most: usize) -> Vec<&Reading> {
    let half_pairs =
        |reading: &Reading| reading.lacks.iter().filter(|lack| matches!(lack, Lack::Pair { .. })).count();
    let mut near: Vec<(i32, std::cmp::Reverse<usize>, &Reading)> = readings
        .iter()
        .filter(|reading| matches!(reading.verdict, Verdict::Watched | Verdict::Below))
        .map(|reading| (reading.alert - reading.score, std::cmp::Reverse(half_pairs(reading)), reading))
        .filter(|(_, pairs, reading)| reading.score > 0 || !reading.masked.is_empty() || pairs.0 > 0)
        .collect();
    near.sort_by(|a, b| (a.0, a.1, &a.2.rule).cmp(&(b.0, b.1, &b.2.rule)));
    near.into_iter().take(most).map(|(_, _, reading)| reading).collect()
}
