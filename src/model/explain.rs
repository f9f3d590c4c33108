//! Why something was decided, as data. Words for people are made from these at the edge.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;

use serde::{Deserialize, Serialize};

use super::{AlertId, Claim, ComplaintId, GroupId, Level, PlaceMention, Standard, Touch};

/// Which field of a complaint a span points into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Where {
    /// The title.
    Title,
    /// The text.
    Text,
    /// The `subject` field.
    Subject,
}

/// A stretch of a complaint's own words: UTF-8 byte offsets into the original field, `end`
/// exclusive, both on character borders.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Span {
    /// The field.
    #[serde(rename = "in")]
    pub field: Where,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

/// One reason that a score is what it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScorePart {
    /// What contributed, for example `terms`, `place`, `strong:跑路`.
    pub what: String,
    /// How much it added (or took, when negative).
    pub score: f32,
}

impl ScorePart {
    /// In Chinese for people: `强特征 跑路 +40`. A kind that has no Chinese name stays as it is.
    #[must_use]
    pub fn chinese(&self) -> String {
        let (kind, rest) = self.what.split_once(':').unwrap_or((&self.what, ""));
        let name = match kind {
            "terms" => "用词",
            "place" => "地点",
            "title" => "标题",
            "company" => "被反映单位",
            "category" => "类别",
            "earlier" => "旧工单",
            "strong" => "强特征",
            "weak" => "弱特征",
            "context" => "语境",
            "lower" => "减分",
            "route" => "转类",
            "needs" => "缺少语境",
            _ => return format!("{} {:+}", self.what, rounded(self.score)),
        };
        let gap = if rest.is_empty() { "" } else { " " };
        format!("{name}{gap}{rest} {:+}", rounded(self.score))
    }
}

// Two digits say all that people want of a similarity, and whole scores stay whole.
fn rounded(score: f32) -> f32 {
    (score * 100.0).round() / 100.0
}

/// A term that two complaints share, and where it stands in the joining one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SharedTerm {
    /// The term in its normal form.
    pub term: String,
    /// Its share of the similarity, 0 to 1.
    pub weight: f32,
    /// Its first position in the complaint explained.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span: Option<Span>,
}

/// Why a complaint belongs to its group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MemberEvidence {
    /// The member of the group it is most like.
    pub nearest: ComplaintId,
    /// How like, 0 to 1, after the place has been weighed in.
    pub similarity: f32,
    /// The similarity it had to reach.
    pub threshold: f32,
    /// The terms that made it, heaviest first, at most 8.
    pub shared_terms: Vec<SharedTerm>,
    /// The places that agree.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shared_places: Vec<PlaceMention>,
    /// The score taken apart.
    pub parts: Vec<ScorePart>,
}

/// A group that a complaint was near to and did not join.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KeptApart {
    /// The complaint that was nearest there.
    pub nearest: ComplaintId,
    /// Its group, when it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<GroupId>,
    /// The similarity reached.
    pub similarity: f32,
    /// The similarity it would have needed.
    pub threshold: f32,
    /// Why it stays apart: `below_threshold`, `other_place`, `other_company`, `only_the_place`, or
    /// `its_group_is_about_something_else` when only one member of the group was near.
    pub reason: String,
}

impl KeptApart {
    /// The reason in Chinese, for people.
    #[must_use]
    pub fn chinese(&self) -> &str {
        match self.reason.as_str() {
            "other_place" => "地点不同",
            "only_the_place" => "只有地点相同，说的不是同一件事",
            "other_company" => "涉及的单位不同",
            "its_group_is_about_something_else" => "该组其他诉求说的不是同一件事，或地点不同",
            "below_threshold" => "不够相似",
            other => other,
        }
    }
}

/// What grouping decided about one complaint.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct GroupDecision {
    /// The group it is in; `None` when it is alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<GroupId>,
    /// Why it is in that group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Arc<MemberEvidence>>,
    /// The nearest complaints it was kept apart from, nearest first, at most 3.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kept_apart: Vec<KeptApart>,
    /// Other groups that this complaint joined into one with `group`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub merged: Vec<GroupId>,
    /// The registered matter (立案, 长期) its group is about, when an incident would have been raised and was
    /// not, because fewer people have called than are expected of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registered: Option<String>,
    /// The event time was older than the watermark when it came.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub late: bool,
}

impl GroupDecision {
    /// The group it was put into, when that has gone into `now`, the one it is in today.
    #[must_use]
    pub fn former(&self, now: Option<&GroupId>) -> Option<&GroupId> {
        self.group.as_ref().filter(|former| now.is_some_and(|now| now != *former))
    }
}

/// A risk rule that a complaint's words met.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RiskHit {
    /// The rule's id, for example `F07`.
    pub rule: String,
    /// The rule's version, as its pack states it.
    pub rule_version: u32,
    /// The rule's category in Chinese, for example 预付卡.
    pub category: String,
    /// The rule's tags, for example 七有五性.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// The score reached, after lowering.
    pub score: i32,
    /// The score at which the rule alerts.
    pub alert_at: i32,
    /// The score's parts: each strong, weak and context term, each lowering.
    pub parts: Vec<ScorePart>,
    /// Where the rule's terms stand in the complaint.
    pub spans: Vec<Span>,
    /// Words that looked like the rule's terms and were masked, as they stand in the text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub masked: Vec<Span>,
    /// The company or scheme it is about, in its normal form, when one could be named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entity: Option<String>,
    /// Where the entity is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entity_span: Option<Span>,
    /// The sums and numbers of people that the complaint names, in the order of the text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub claims: Vec<Claim>,
    /// The offence whose lines they can be held against, as the rule says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standard: Option<Standard>,
    /// What the rule, or words of the complaint that stand in a group of the pack, say of the company.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub touches: Vec<Touch>,
    /// The exception for which it does not alert, whatever its score.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suppressed: Option<Box<Suppressed>>,
}

/// What came of a hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HitOutcome {
    /// It alerts.
    Alerting,
    /// It has too few points to.
    Kept,
    /// It has the points, and its rule is on trial.
    Shadow,
    /// An exception holds for it.
    Suppressed,
}

impl HitOutcome {
    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Alerting => "alerting",
            Self::Kept => "kept",
            Self::Shadow => "shadow",
            Self::Suppressed => "suppressed",
        }
    }
}

/// Why a hit is not told: somebody has said so in the rule pack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suppressed {
    /// The exception's id.
    pub exception: String,
    /// Who answers for it.
    pub owner: String,
    /// Why.
    pub reason: String,
    /// The last day on which it holds.
    pub until: Date,
}

impl Suppressed {
    /// In Chinese for people.
    #[must_use]
    pub fn chinese(&self) -> String {
        let Self { exception, owner, reason, until } = self;
        format!("例外{exception}：{reason}（{owner}，至{until}），不提示，只记录")
    }
}

impl RiskHit {
    /// Whether the hit is strong enough to alert, and no exception holds for it; otherwise it is kept and
    /// shown, not pushed.
    #[must_use]
    pub fn alerts(&self) -> bool {
        self.score >= self.alert_at && self.suppressed.is_none()
    }

    /// What came of it; `alert_at` is the score from which its rule alerts as it is written, on trial or
    /// not.
    #[must_use]
    pub fn outcome(&self, alert_at: i32) -> HitOutcome {
        match () {
            () if self.suppressed.is_some() => HitOutcome::Suppressed,
            () if self.alerts() => HitOutcome::Alerting,
            () if self.score >= alert_at => HitOutcome::Shadow,
            () => HitOutcome::Kept,
        }
    }
}

/// Everything that was decided about one complaint, kept beside it so that `explain` can answer
/// for any of them, also for those that raised nothing.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// What grouping decided.
    pub group: GroupDecision,
    /// The places that were read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub places: Vec<PlaceMention>,
    /// The risk rules that were met, strongest first, whether they alert or not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub risks: Vec<RiskHit>,
    /// Alerts that this complaint raised or made grow, with the level then.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub raised: Vec<(AlertId, u32, Level)>,
    /// The engine's watermark when the complaint was applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watermark: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_former_group_is_one_that_has_gone_into_another() {
        let decision = |group: Option<&str>| GroupDecision {
            group: group.map(GroupId::from),
            ..GroupDecision::default()
        };
        let (old, new) = (GroupId::from("old"), GroupId::from("new"));
        assert_eq!(decision(Some("old")).former(Some(&new)), Some(&old));
        assert_eq!(decision(Some("old")).former(Some(&old)), None);
        assert_eq!(decision(Some("old")).former(None), None, "its group is gone, into nothing");
        assert_eq!(decision(None).former(Some(&new)), None, "it was alone and has founded one");
    }
}
