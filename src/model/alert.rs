//! Alerts: messages about a group incident or a financial risk, in revisions.

use std::sync::Arc;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    AlertId, Claimed, ComplaintId, GroupId, Level, MemberEvidence, PartitionKey, RiskHit, RiskIndex,
    ToldBefore,
};

/// What an alert is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AlertKind {
    /// Many callers, one matter, one place (群诉事件).
    GroupIncident,
    /// Texts that point at illegal finance (金融风险).
    FinancialRisk,
}

impl AlertKind {
    /// The Chinese name that people see.
    #[must_use]
    pub fn chinese(self) -> &'static str {
        match self {
            Self::GroupIncident => "群诉事件",
            Self::FinancialRisk => "金融风险",
        }
    }
}

/// What a revision says has happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertState {
    /// First raised.
    Raised,
    /// It has reached the next step of growth, or what was said before is no longer right.
    Updated,
    /// Quiet for so long that it is taken as over.
    Resolved,
    /// New callers after it was resolved.
    Reopened,
}

impl AlertState {
    /// The Chinese name that people see.
    #[must_use]
    pub fn chinese(self) -> &'static str {
        match self {
            Self::Raised => "新发",
            Self::Updated => "更新",
            Self::Resolved => "解除",
            Self::Reopened => "再起",
        }
    }
}

/// One revision of an alert: what receivers get. `id` and `revision` together are unique for ever;
/// the same stream gives the same ones.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    /// The incident or case this is about.
    pub id: AlertId,
    /// 1 when first raised, then one more each time.
    pub revision: u32,
    /// The engine that decided.
    pub partition: PartitionKey,
    /// Group incident or financial risk.
    pub kind: AlertKind,
    /// What happened.
    pub state: AlertState,
    /// The attention level (关注等级).
    pub level: Level,
    /// The event time at which the decision fell: the received time of the complaint that tipped
    /// it, or the time a quiet period ended.
    pub raised_at: Timestamp,
    /// One line in Chinese: what and where.
    pub title: String,
    /// A few sentences in Chinese: how many people, since when, why now.
    pub summary: String,
    /// Distinct callers counted within the window.
    pub callers: u32,
    /// Complaints within the window, repeats included.
    pub complaints: u32,
    /// Complaints without a caller: shown, never counted as people.
    pub anonymous: u32,
    /// The event time of the first and of the last member.
    pub first_at: Timestamp,
    /// See `first_at`.
    pub last_at: Timestamp,
    /// The members known when the alert was raised, in the order they came; the newest 200 at most.
    pub members: Vec<ComplaintId>,
    /// What only one kind of alert has.
    #[serde(flatten)]
    pub body: AlertBody,
}

/// The part of an alert that depends on its kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertBody {
    /// A group incident's own part.
    #[serde(rename = "incident")]
    Group(GroupAlert),
    /// A financial risk's own part.
    Risk(RiskAlert),
}

/// What a group incident's alert says beyond the common part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupAlert {
    /// The group.
    pub group: GroupId,
    /// The place in words, when the members agree on one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// The terms that hold the group together, heaviest first, at most 8.
    pub key_terms: Vec<String>,
    /// The member that is most like the others.
    pub central: ComplaintId,
    /// Distinct callers that were asked for.
    pub threshold: u32,
    /// The length of the window they were counted in, in days.
    pub window_days: u32,
    /// Why each member is in, for the newest 20 members at most.
    pub evidence: Vec<(ComplaintId, Arc<MemberEvidence>)>,
    /// Under what the group was formed: the program's way to do it, and a hash of the settings of grouping.
    #[serde(default)]
    pub grouping: String,
    /// Content hash of the rule pack in use, which says whom complaints accuse; 16 hex digits.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub pack: String,
    /// How many people call about the like there at other times, when that is more than nobody: the level
    /// follows the callers above it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usual: Option<Usual>,
    /// The registered matter (立案, 长期) that has broken through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registered: Option<String>,
    /// How many of the callers sent what is nearly one text (一键转发), among the newest members; left out
    /// when no text came from two.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub copied: u32,
    /// The incident that goes on in the place of this one, when a complaint has shown that both are about
    /// one matter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merged_into: Option<AlertId>,
}

/// How many people usually call about a kind of matter at a place.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Usual {
    /// Distinct callers in a window, on average.
    pub callers: f32,
    /// Over how many windows before.
    pub windows: u32,
}

impl Usual {
    /// The callers of a window of `days` beyond what is usual, which is known for one of `usual_days`.
    #[must_use]
    pub fn above(self, callers: u32, days: u32, usual_days: u32) -> u32 {
        let usual = self.callers * days as f32 / usual_days as f32;
        callers.saturating_sub(usual.round() as u32)
    }

    /// Usual callers as a whole number, for people.
    #[must_use]
    pub fn rounded(self) -> u32 {
        self.callers.round() as u32
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// What a financial risk's alert says beyond the common part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RiskAlert {
    /// The company or scheme, in its normal form, when one could be named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entity: Option<String>,
    /// The strongest hit of each of the newest 20 members.
    pub hits: Vec<(ComplaintId, RiskHit)>,
    /// Content hash of the rule pack that decided, 16 hex digits.
    pub pack: String,
    /// The greatest sums and numbers of people that these members name, and what that reaches.
    #[serde(default, skip_serializing_if = "Claimed::is_empty")]
    pub claimed: Claimed,
    /// How dangerous the company looks, with the parts; absent in alerts from before there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<RiskIndex>,
    /// The streets its complaints come from, at most 20.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub streets: Vec<String>,
    /// The group incidents to which its complaints belong, at most 20.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub incidents: Vec<AlertId>,
    /// What was told of it before, the newest 20 at most, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<ToldBefore>,
}
