//! The ledger of a company: five dimensions made of its complaints, and the level that holds.
//!
//! The dimensions are those that the public index families name (冒烟指数, 海豚指数). Their weights are not
//! public: every number here is this project's starting value, to order companies for people to look at.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::group::People;
use crate::model::{CallerKeys, ComplaintId, Dimension, DimensionScore, IndexPart, RiskIndex, Sign, Touch};
use crate::text::normalise;

use super::risk::Finding;

/// What counts as recent when growth is measured.
pub(super) const RECENT_DAYS: u32 = 30;

/// Words that the name of a company without a licence may not hold: article 9 of the regulation on
/// illegal fundraising (防范和处置非法集资条例, 2021). The longer first.
const NAME_WORDS: [&str; 6] = ["股权众筹", "财富管理", "交易中心", "交易所", "理财", "金融"];

/// Parts of a hundred that each dimension makes up of the total.
const WEIGHTS: [(Dimension, u32); 5] = [
    (Dimension::Compliance, 20),
    (Dimension::Promise, 20),
    (Dimension::Complaints, 25),
    (Dimension::Spread, 15),
    (Dimension::Words, 20),
];

/// Totals at which the level is 黄, 橙 and 红; below the first it is 蓝, as of any lead.
const LEVELS: [u32; 3] = [45, 60, 75];
/// A level that was reached falls when the total is more than so much below what reached it.
const HOLD: u32 = 10;

/// From so much of something on, so many points.
type Steps = &'static [(u64, u32)];

const COMPLAINTS: Steps = &[(1, 30), (2, 40), (4, 50), (8, 60)];
const PROMISES: Steps = &[(1, 20), (2, 30), (4, 40), (8, 50), (16, 60)];
const CALLERS: Steps = &[(1, 10), (2, 20), (3, 35), (5, 50), (10, 60), (20, 70), (50, 80)];
const GROWTH: Steps = &[(150, 10), (300, 20)];
const STREETS: Steps = &[(2, 10), (3, 20), (5, 30)];
const DISTRICTS: Steps = &[(2, 10), (3, 20)];
const DAYS: Steps = &[(2, 5), (5, 10), (10, 15)];
const INCIDENTS: Steps = &[(1, 10), (2, 15)];
const CROWD: Steps = &[(1, 10), (3, 15)];
/// 150 and 500 people are lines of the law on illegal fundraising; see `claims`.
const CLAIMED: Steps = &[(10, 5), (150, 15), (500, 20)];
const RULES: Steps = &[(2, 15), (3, 30)];

/// A call in a case, with what the ledger counts of it. Cases stored before there was a ledger have
/// calls without.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Call {
    pub(super) at: Timestamp,
    pub(super) id: ComplaintId,
    pub(super) callers: CallerKeys,
    /// The company in its normal form and as it stands in the complaint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) said: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) street: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) district: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) rules: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) touches: Vec<Touch>,
    #[serde(default)]
    pub(super) score: i32,
}

impl Call {
    pub(super) fn of(finding: &Finding<'_>) -> Self {
        Self {
            at: finding.at,
            id: finding.id.clone(),
            callers: finding.callers.clone(),
            name: finding.hit.entity.clone(),
            said: finding.said.clone(),
            street: finding.street.clone(),
            district: finding.district.clone(),
            rules: finding.rules.clone(),
            touches: finding.touches.clone(),
            score: finding.hit.score,
        }
    }
}

/// What an index is made of.
pub(super) struct Facts<'a> {
    /// The calls of the window, oldest first.
    pub(super) calls: &'a VecDeque<Call>,
    /// Distinct callers of them.
    pub(super) callers: u32,
    /// Those who called after `recent_since`.
    pub(super) recent: u32,
    /// [`RECENT_DAYS`] before the last call.
    pub(super) recent_since: Timestamp,
    /// The most people that a complaint names.
    pub(super) people: u64,
    /// Group incidents to which the complaints belong.
    pub(super) incidents: usize,
}

/// The index with all its parts.
pub(super) fn index(facts: &Facts<'_>) -> RiskIndex {
    let dimensions: Vec<DimensionScore> = WEIGHTS
        .iter()
        .map(|&(dimension, weight)| {
            let mut parts = match dimension {
                Dimension::Compliance => compliance(facts),
                Dimension::Promise => promise(facts),
                Dimension::Complaints => complaints(facts),
                Dimension::Spread => spread(facts),
                Dimension::Words => words(facts),
            };
            parts.retain(|part| part.points > 0);
            let score = parts.iter().map(|part| part.points).sum::<u32>().min(100);
            DimensionScore { dimension, score, weight, parts }
        })
        .collect();
    let weighed: u32 = dimensions.iter().map(|one| one.score * one.weight).sum();
    RiskIndex { total: (weighed + 50) / 100, dimensions }
}

/// The level of a total, counted from 1 (蓝), when `held` was the one before. It rises at once; it
/// falls only after the case was quiet for so long that it was resolved, and only when the total is well
/// below what has reached it.
pub(super) fn level(total: u32, held: usize, was_quiet: bool) -> usize {
    let reached = |total: u32| 1 + LEVELS.iter().filter(|level| total >= **level).count();
    let rises = reached(total);
    if rises >= held {
        rises
    } else if was_quiet {
        held.min(reached(total + HOLD))
    } else {
        held
    }
}

fn compliance(facts: &Facts<'_>) -> Vec<IndexPart> {
    let names = facts.calls.iter().flat_map(|call| call.said.iter().chain(&call.name));
    let names: BTreeSet<&String> = names.collect();
    let word = names.iter().find_map(|name| {
        let name = normalise(name);
        NAME_WORDS.into_iter().find(|word| name.text().contains(word))
    });
    let word = word.map(|word| IndexPart {
        sign: Sign::NameWord,
        value: 1,
        word: Some(word.to_owned()),
        points: 40,
    });
    let unlicensed = touching(facts, Touch::Compliance);
    word.into_iter().chain([part(Sign::Unlicensed, unlicensed, COMPLAINTS)]).collect()
}

fn promise(facts: &Facts<'_>) -> Vec<IndexPart> {
    let promises = touching(facts, Touch::Promise);
    let share = promises * 100 / people(facts.calls.iter()).max(1);
    let by_share =
        IndexPart { sign: Sign::PromiseShare, value: share, word: None, points: (share * 40 / 100) as u32 };
    vec![part(Sign::Promises, promises, PROMISES), by_share]
}

fn complaints(facts: &Facts<'_>) -> Vec<IndexPart> {
    let mut parts = vec![part(Sign::Callers, facts.callers.into(), CALLERS)];
    let first = facts.calls.front().map_or(facts.recent_since, |call| call.at);
    let days_before = facts.recent_since.duration_since(first).as_hours() / 24;
    let before = facts.callers.saturating_sub(facts.recent);
    // A month before is needed to say what was usual.
    if days_before >= i64::from(RECENT_DAYS) && before > 0 {
        let per_month = u64::from(before) * u64::from(RECENT_DAYS);
        let growth = u64::from(facts.recent) * 100 * days_before.unsigned_abs() / per_month;
        parts.push(part(Sign::Growth, growth, GROWTH));
    }
    parts
}

fn spread(facts: &Facts<'_>) -> Vec<IndexPart> {
    let distinct = |of: fn(&Call) -> Option<&String>| {
        facts.calls.iter().filter_map(of).collect::<BTreeSet<_>>().len() as u64
    };
    // A day is 24 hours of event time, whatever the zone.
    let days: BTreeSet<i64> = facts.calls.iter().map(|call| call.at.as_second().div_euclid(86_400)).collect();
    vec![
        part(Sign::Streets, distinct(|call| call.street.as_ref()), STREETS),
        part(Sign::Districts, distinct(|call| call.district.as_ref()), DISTRICTS),
        part(Sign::Days, days.len() as u64, DAYS),
        part(Sign::Incidents, facts.incidents as u64, INCIDENTS),
        part(Sign::Crowd, touching(facts, Touch::Spread), CROWD),
        part(Sign::ClaimedPeople, facts.people, CLAIMED),
    ]
}

fn words(facts: &Facts<'_>) -> Vec<IndexPart> {
    let best = facts.calls.iter().map(|call| call.score.max(0).unsigned_abs()).max().unwrap_or(0);
    let score =
        IndexPart { sign: Sign::BestScore, value: best.into(), word: None, points: best.min(100) * 7 / 10 };
    let mut rules: BTreeMap<&str, u32> = BTreeMap::new();
    facts.calls.iter().flat_map(|call| &call.rules).for_each(|rule| *rules.entry(rule).or_default() += 1);
    vec![score, part(Sign::Rules, rules.len() as u64, RULES)]
}

/// How many people the calls of this kind are from, so that one person's posts are one sign. Calls that name
/// nobody are one together.
fn people<'c>(calls: impl Iterator<Item = &'c Call> + Clone) -> u64 {
    let mut people = People::default();
    calls.clone().for_each(|call| people.call(call.at, &call.callers));
    u64::from(people.count()) + u64::from(calls.into_iter().any(|call| call.callers.is_empty()))
}

fn touching(facts: &Facts<'_>, touch: Touch) -> u64 {
    people(facts.calls.iter().filter(|call| call.touches.contains(&touch)))
}

fn part(sign: Sign, value: u64, steps: Steps) -> IndexPart {
    let points = steps.iter().take_while(|(from, _)| value >= *from).last().map_or(0, |(_, points)| *points);
    IndexPart { sign, value, word: None, points }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::CallerKey;

    fn call(day: i64, said: &str, street: &str, touches: &[Touch]) -> Call {
        Call {
            at: Timestamp::from_second(day * 86_400).unwrap(),
            id: ComplaintId::from(format!("W{day}").as_str()),
            callers: [CallerKey(day as u64)].into_iter().collect(),
            name: None,
            said: Some(said.to_owned()),
            street: Some(street.to_owned()),
            district: None,
            rules: vec!["F02".to_owned()],
            touches: touches.to_vec(),
            score: 85,
        }
    }

    fn facts(calls: &VecDeque<Call>, callers: u32, recent: u32) -> Facts<'_> {
        let last = calls.back().unwrap().at;
        let recent_since = last - jiff::SignedDuration::from_hours(24 * i64::from(RECENT_DAYS));
        Facts { calls, callers, recent, recent_since, people: 0, incidents: 0 }
    }

    fn told(index: &RiskIndex) -> String {
        let lines: Vec<String> = index.dimensions.iter().map(DimensionScore::chinese).collect();
        format!("{}\n{}", index.total, lines.join("\n"))
    }

    #[test]
    fn one_lead_stays_blue_and_says_what_is_behind_it() {
        let calls = VecDeque::from([call(0, "金穗财富管理有限公司", "展览路街道", &[Touch::Promise])]);
        let index = index(&facts(&calls, 1, 1));
        insta::assert_snapshot!(told(&index), @r"
        34
        合规性40：名称含限用字词财富管理（+40）
        收益承诺60：有承诺用语的诉求人1（+20），承诺用语占比100%（+40）
        投诉举报10：诉求人数1（+10）
        涉众扩散0
        特征词命中59：最高得分85（+59）
        ");
        assert_eq!(level(index.total, 0, false), 1);
    }

    #[test]
    fn forty_posts_of_one_person_are_one_lead() {
        let one = call(0, "金穗财富管理有限公司", "展览路街道", &[Touch::Promise, Touch::Compliance]);
        let all: VecDeque<Call> = (0..40).map(|_| one.clone()).collect();
        let (alone, repeated) = (VecDeque::from([one]), index(&facts(&all, 1, 1)));
        assert_eq!(repeated, index(&facts(&alone, 1, 1)));
        assert_eq!(level(repeated.total, 0, false), 1, "{}", told(&repeated));
    }

    #[test]
    fn many_callers_of_many_streets_and_growth_make_it_red() {
        let all = [Touch::Compliance, Touch::Promise, Touch::Spread];
        let streets = ["展览路街道", "月坛街道", "德胜街道", "新街口街道", "广内街道"];
        let mut calls: VecDeque<Call> =
            [0, 20, 40].map(|day| call(day, "聚穗金融平台", streets[0], &all)).into();
        calls.extend((80..100).map(|day| call(day, "聚穗金融", streets[day as usize % 5], &all)));
        let index = index(&facts(&calls, 23, 20));
        insta::assert_snapshot!(told(&index), @r"
        83
        合规性100：名称含限用字词金融（+40），涉无证经营诉求人23（+60）
        收益承诺100：有承诺用语的诉求人23（+60），承诺用语占比100%（+40）
        投诉举报90：诉求人数23（+70），近30天人数与此前月均之比1533%（+20）
        涉众扩散60：涉及街道5（+30），来电天数23（+15），有涉众用语的诉求人23（+15）
        特征词命中59：最高得分85（+59）
        ");
        assert_eq!(level(index.total, 1, false), 4);
    }

    #[test]
    fn a_level_falls_only_after_quiet_and_only_when_the_total_is_well_below() {
        assert_eq!([44, 45, 60, 75].map(|total| level(total, 0, false)), [1, 2, 3, 4]);
        assert_eq!(level(20, 3, false), 3, "the matter goes on");
        assert_eq!(level(50, 3, true), 3, "not well below 60");
        assert_eq!(level(49, 3, true), 2);
        assert_eq!(level(30, 3, true), 1);
    }

    proptest! {
        #[test]
        fn a_further_call_never_makes_the_parts_disagree_with_the_score(
            given in proptest::collection::vec((0_i64..180, 0_usize..3, 0_usize..8), 1..40),
            callers in 1_u32..60,
        ) {
            let touch = |bits: usize| {
                let all = [Touch::Compliance, Touch::Promise, Touch::Spread];
                all.into_iter().enumerate().filter(move |(at, _)| bits >> at & 1 == 1).map(|(_, touch)| touch)
            };
            let mut given = given;
            given.sort_unstable();
            let calls: VecDeque<Call> = given.iter().map(|(day, street, bits)| {
                call(*day, "云帆", ["甲", "乙", "丙"][*street], &touch(*bits).collect::<Vec<_>>())
            }).collect();
            let recent = callers.min(calls.len() as u32);
            let index = index(&facts(&calls, callers.max(recent), recent));
            prop_assert!(index.total <= 100);
            prop_assert_eq!(index.dimensions.iter().map(|one| one.weight).sum::<u32>(), 100);
            for one in &index.dimensions {
                let points: u32 = one.parts.iter().map(|part| part.points).sum();
                prop_assert_eq!(one.score, points.min(100));
            }
            // Going over it again after quiet changes nothing.
            let once = level(index.total, 4, true);
            prop_assert_eq!(level(index.total, once, true), once);
        }
    }
}
