//! How dangerous a company looks: five dimensions, each with its parts.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AlertState, Level};

/// What one looks at to judge a company, as the public index families do (冒烟指数, 海豚指数).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dimension {
    /// Whether it may do what it does.
    Compliance,
    /// What it promises.
    Promise,
    /// Who complains.
    Complaints,
    /// How far it reaches.
    Spread,
    /// How sure the words are.
    Words,
}

impl Dimension {
    /// The Chinese name that people see.
    #[must_use]
    pub fn chinese(self) -> &'static str {
        match self {
            Self::Compliance => "合规性",
            Self::Promise => "收益承诺",
            Self::Complaints => "投诉举报",
            Self::Spread => "涉众扩散",
            Self::Words => "特征词命中",
        }
    }
}

/// The dimension that a rule or the words of a group speak of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Touch {
    /// A licence that is missing, lending or paying that is forbidden (合规性).
    Compliance,
    /// A promised return (收益承诺).
    Promise,
    /// Many victims (涉众扩散).
    Spread,
}

/// A fact that gives points in a dimension.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sign {
    /// The name holds a word that a company without a licence may not bear.
    NameWord,
    /// The registry says that it is struck off or watched.
    Registry,
    /// Complaints about what needs a licence.
    Unlicensed,
    /// Complaints with words of a promised return.
    Promises,
    /// Their share of the complaints, in percent.
    PromiseShare,
    /// Distinct callers.
    Callers,
    /// Callers of the last 30 days for each 100 of an average 30 days before.
    Growth,
    /// Streets the complaints come from.
    Streets,
    /// Districts the complaints come from.
    Districts,
    /// Days on which somebody called.
    Days,
    /// Group incidents to which its complaints belong.
    Incidents,
    /// Complaints with words of many victims.
    Crowd,
    /// The most people that a complaint names.
    ClaimedPeople,
    /// The best score of a hit.
    BestScore,
    /// Different rules that were met.
    Rules,
}

impl Sign {
    /// The Chinese name that people see.
    #[must_use]
    pub fn chinese(self) -> &'static str {
        match self {
            Self::NameWord => "名称含限用字词",
            Self::Registry => "登记状态",
            Self::Unlicensed => "涉无证经营诉求人",
            Self::Promises => "有承诺用语的诉求人",
            Self::PromiseShare => "承诺用语占比",
            Self::Callers => "诉求人数",
            Self::Growth => "近30天人数与此前月均之比",
            Self::Streets => "涉及街道",
            Self::Districts => "涉及区",
            Self::Days => "来电天数",
            Self::Incidents => "关联群诉",
            Self::Crowd => "有涉众用语的诉求人",
            Self::ClaimedPeople => "诉求所称人数",
            Self::BestScore => "最高得分",
            Self::Rules => "命中规则数",
        }
    }
}

/// A fact with the points it gives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexPart {
    /// The fact.
    pub sign: Sign,
    /// Its number, in the unit of the sign; 1 when it is a word.
    pub value: u64,
    /// Its word, when it is one: the part of a name, the status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub word: Option<String>,
    /// The points it gives, before the dimension is cut to 100.
    pub points: u32,
}

/// A dimension with its parts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DimensionScore {
    /// Which.
    pub dimension: Dimension,
    /// 0 to 100: the points of the parts, cut to 100.
    pub score: u32,
    /// How many of a hundred parts of the total it makes up.
    pub weight: u32,
    /// The facts that give points.
    pub parts: Vec<IndexPart>,
}

impl DimensionScore {
    /// In Chinese for people, on one line: `投诉举报35：诉求人数3（+35）`.
    #[must_use]
    pub fn chinese(&self) -> String {
        let part = |part: &IndexPart| {
            let value = part.word.clone().unwrap_or_else(|| part.value.to_string());
            let percent = matches!(part.sign, Sign::PromiseShare | Sign::Growth).then_some("%");
            format!("{}{value}{}（+{}）", part.sign.chinese(), percent.unwrap_or(""), part.points)
        };
        let parts: Vec<String> = self.parts.iter().map(part).collect();
        let gap = if parts.is_empty() { "" } else { "：" };
        format!("{}{}{gap}{}", self.dimension.chinese(), self.score, parts.join("，"))
    }
}

/// The risk index of a company (风险指数). A way to put companies in order for people to look at, and
/// no finding about any of them: the weights are this project's starting values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RiskIndex {
    /// 0 to 100: the dimensions by their weights.
    pub total: u32,
    /// The five dimensions.
    pub dimensions: Vec<DimensionScore>,
}

impl RiskIndex {
    /// The dimensions in one line of Chinese: `46（合规性30、收益承诺60、…）`.
    #[must_use]
    pub fn chinese(&self) -> String {
        let score = |one: &DimensionScore| format!("{}{}", one.dimension.chinese(), one.score);
        let scores: Vec<String> = self.dimensions.iter().map(score).collect();
        format!("{}（{}）", self.total, scores.join("、"))
    }
}

/// An earlier revision of an alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToldBefore {
    /// Its number.
    pub revision: u32,
    /// What it said had happened.
    pub state: AlertState,
    /// The level then.
    pub level: Level,
    /// When (event time).
    pub at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_is_read_in_one_line_for_all_and_one_for_each() {
        let part = |sign, value, points| IndexPart { sign, value, word: None, points };
        let index = RiskIndex {
            total: 20,
            dimensions: vec![
                DimensionScore {
                    dimension: Dimension::Complaints,
                    score: 45,
                    weight: 25,
                    parts: vec![part(Sign::Callers, 3, 35), part(Sign::Growth, 150, 10)],
                },
                DimensionScore { dimension: Dimension::Promise, score: 0, weight: 20, parts: Vec::new() },
            ],
        };
        insta::assert_snapshot!(index.chinese(), @"20（投诉举报45、收益承诺0）");
        insta::assert_snapshot!(index.dimensions[0].chinese(), @"投诉举报45：诉求人数3（+35），近30天人数与此前月均之比150%（+10）");
        insta::assert_snapshot!(index.dimensions[1].chinese(), @"收益承诺0");
    }
}
