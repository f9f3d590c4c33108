//! Alerts in Chinese: one line that says what and where, and a few sentences that say why now.

use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::model::{AlertState, Claimed, Level, Line, Measure, Standard};

/// What the sentences of a group incident are made of.
pub(super) struct GroupWords<'a> {
    pub(super) state: AlertState,
    pub(super) level: Level,
    pub(super) place: Option<&'a str>,
    pub(super) headline: &'a str,
    pub(super) key_terms: &'a [String],
    pub(super) callers: u32,
    pub(super) complaints: u32,
    pub(super) anonymous: u32,
    pub(super) first_at: Timestamp,
    pub(super) last_at: Timestamp,
    pub(super) step: u32,
    pub(super) window_days: u32,
    pub(super) quiet_days: u32,
    pub(super) usual_days: u32,
    pub(super) usual: Option<u32>,
    pub(super) registered: Option<&'a str>,
    pub(super) copied: u32,
    pub(super) merged_into: Option<&'a str>,
}

/// What the sentences of a risk case are made of.
pub(super) struct RiskWords<'a> {
    pub(super) claimed: &'a Claimed,
    /// It is told because more people have called, and not because of its index.
    pub(super) by_callers: bool,
    /// The level told last.
    pub(super) was: Option<Level>,
    pub(super) index: u32,
    pub(super) state: AlertState,
    pub(super) level: Level,
    pub(super) entity: Option<&'a str>,
    pub(super) category: &'a str,
    pub(super) rule: &'a str,
    pub(super) score: i32,
    pub(super) headline: &'a str,
    pub(super) words: &'a [String],
    pub(super) callers: u32,
    pub(super) complaints: u32,
    pub(super) anonymous: u32,
    pub(super) first_at: Timestamp,
    pub(super) last_at: Timestamp,
    pub(super) quiet_days: u32,
}

/// 【群诉·黄】云栖雅苑：底商烟道油烟扰民
pub(super) fn group_title(words: &GroupWords<'_>) -> String {
    let what = match words.place {
        Some(place) if !words.headline.contains(place) => format!("{place}：{}", words.headline),
        _ => words.headline.to_owned(),
    };
    format!("【群诉·{}】{what}", words.level.chinese())
}

pub(super) fn group_summary(words: &GroupWords<'_>, zone: &TimeZone) -> String {
    let place = words.place.map_or_else(|| "同一事项".to_owned(), |place| format!("{place}的同一事项"));
    let counts = counts(words.callers, words.complaints, words.anonymous);
    let span = span(words.first_at, words.last_at, zone);
    let mut summary = match words.state {
        AlertState::Raised => format!(
            "{span}，{counts}反映{place}，{}天内达到{}人，列为群诉事件。",
            words.window_days, words.step
        ),
        AlertState::Updated => {
            let grown = if words.usual.is_some() { "比平时多出" } else { "已增至" };
            format!(
                "{span}，{counts}反映{place}，{grown}{}人以上，关注等级调整为{}。",
                words.step,
                words.level.chinese()
            )
        }
        AlertState::Reopened => {
            format!("平息后再次出现：{span}，{counts}反映{place}，新的诉求人又达到预警人数。")
        }
        AlertState::Resolved => match words.merged_into {
            Some(other) => {
                format!("新的诉求表明本次群诉与{other}反映{place}，并入{other}继续跟踪；此前{counts}。")
            }
            None => format!("{place}已连续{}天没有新的诉求，本次群诉解除；期间{counts}。", words.quiet_days),
        },
    };
    if words.state != AlertState::Resolved {
        if let Some(name) = words.registered {
            let _ = write!(summary, "该事项已登记（{name}），本次超出登记时预计的人数。");
        }
        if let Some(usual) = words.usual {
            let _ = write!(
                summary,
                "此处同类诉求平时每{}天约{usual}人，关注等级按超出平时的人数确定。",
                words.usual_days
            );
        }
        if words.copied > 0 {
            let _ = write!(summary, "其中{}人的文字几乎相同，疑似一键转发，人数照计。", words.copied);
        }
    }
    if !words.key_terms.is_empty() {
        summary.push_str("共同提到：");
        summary.push_str(&words.key_terms.join("、"));
        summary.push('。');
    }
    summary
}

/// 【金融风险·蓝】预付卡：某某健身（线索）
pub(super) fn risk_title(words: &RiskWords<'_>) -> String {
    let about = words.entity.unwrap_or(words.headline);
    format!("【金融风险·{}】{}：{about}", words.level.chinese(), words.category)
}

pub(super) fn risk_summary(words: &RiskWords<'_>, zone: &TimeZone) -> String {
    let counts = counts(words.callers, words.complaints, words.anonymous);
    let span = span(words.first_at, words.last_at, zone);
    let about = words.entity.map_or_else(|| "同一对象".to_owned(), |entity| format!("“{entity}”"));
    let mut summary = match words.state {
        AlertState::Raised => format!(
            "{span}，{counts}涉及{about}，命中规则{}（{}），得分{}。",
            words.rule, words.category, words.score
        ),
        AlertState::Updated => {
            let why = if words.by_callers {
                "人数继续增加".to_owned()
            } else {
                format!("风险指数升至{}", words.index)
            };
            let becomes = if words.was == Some(words.level) { "仍为" } else { "调整为" };
            format!("{span}，{counts}涉及{about}，{why}，关注等级{becomes}{}。", words.level.chinese())
        }
        AlertState::Reopened => format!(
            "解除后再次出现：{span}，{counts}涉及{about}，命中规则{}（{}）。",
            words.rule, words.category
        ),
        AlertState::Resolved => {
            format!("{about}已连续{}天没有新的线索，本次提示解除；期间{counts}。", words.quiet_days)
        }
    };
    if !words.words.is_empty() && words.state != AlertState::Resolved {
        summary.push_str("依据：");
        summary.push_str(&words.words.join("、"));
        summary.push('。');
    }
    if words.state != AlertState::Resolved {
        summary.push_str(&claimed(words.claimed));
    }
    summary
}

/// What complaints say of sums and people, and which lines that reaches: worded as a hint, since nobody
/// has checked it.
fn claimed(claimed: &Claimed) -> String {
    let said = [
        claimed.money.map(|money| format!("金额最高{}元", amount(money))),
        claimed.loss.map(|loss| format!("损失或未还最高{}元", amount(loss))),
        claimed.people.map(|people| format!("涉及最多{}人", amount(people))),
    ];
    let said: Vec<String> = said.into_iter().flatten().collect();
    if said.is_empty() {
        return String::new();
    }
    let mut out = format!("诉求称（未核实）：{}", said.join("，"));
    for standard in [Standard::Fundraising, Standard::Pyramid] {
        let lines = claimed.lines.iter().filter(|line| line.standard == standard);
        let lines: Vec<String> = lines.map(line).collect();
        if !lines.is_empty() {
            let (offence, more) = match standard {
                Standard::Fundraising => ("非法吸收公众存款", ""),
                Standard::Pyramid => ("组织、领导传销活动", "，另看层级是否在三级以上"),
            };
            let _ = write!(
                out,
                "；如属实，已到{offence}的追诉或量刑标准线（{}{more}），请关注",
                lines.join("、")
            );
        }
    }
    out + "。"
}

/// `150人`, `损失50万元`
fn line(line: &Line) -> String {
    let from = amount(line.from);
    match line.measure {
        Measure::Money => format!("{from}元"),
        Measure::Loss => format!("损失{from}元"),
        Measure::People => format!("{from}人"),
    }
}

/// Whole or with up to two decimals in 万 or 亿: 3.08亿, 12.5万, 3600.
fn amount(number: u64) -> String {
    let (unit, name) = match number {
        100_000_000.. => (100_000_000, "亿"),
        10_000.. => (10_000, "万"),
        _ => return number.to_string(),
    };
    let hundredths = number % unit * 100 / unit;
    let fraction = format!(".{hundredths:02}");
    let fraction = fraction.trim_end_matches('0').trim_end_matches('.');
    format!("{}{fraction}{name}", number / unit)
}

fn counts(callers: u32, complaints: u32, anonymous: u32) -> String {
    let nameless = if anonymous > 0 {
        format!("，其中{anonymous}件无来电人信息，不计入人数")
    } else {
        String::new()
    };
    format!("{callers}位诉求人{complaints}件诉求（同一人多次来电只计一人{nameless}）")
}

fn span(first_at: Timestamp, last_at: Timestamp, zone: &TimeZone) -> String {
    let first = first_at.to_zoned(zone.clone());
    let last = last_at.to_zoned(zone.clone());
    let full = |time: &jiff::Zoned| {
        format!("{}年{}月{}日{:02}:{:02}", time.year(), time.month(), time.day(), time.hour(), time.minute())
    };
    if first_at == last_at {
        return full(&first);
    }
    let until = if first.date() == last.date() {
        format!("{:02}:{:02}", last.hour(), last.minute())
    } else if first.year() == last.year() {
        format!("{}月{}日{:02}:{:02}", last.month(), last.day(), last.hour(), last.minute())
    } else {
        full(&last)
    };
    format!("{}至{until}", full(&first))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone() -> TimeZone {
        TimeZone::get("Asia/Shanghai").unwrap()
    }

    fn group(state: AlertState) -> (String, String) {
        group_merged(state, None)
    }

    fn group_merged(state: AlertState, merged_into: Option<&str>) -> (String, String) {
        let terms = ["烟道".to_owned(), "油烟".to_owned()];
        let words = GroupWords {
            state,
            level: Level::Blue,
            place: Some("云栖雅苑"),
            headline: "底商油烟直排",
            key_terms: &terms,
            callers: 3,
            complaints: 5,
            anonymous: 1,
            first_at: "2026-03-01T00:05:00Z".parse().unwrap(),
            last_at: "2026-03-02T13:10:00Z".parse().unwrap(),
            step: 3,
            window_days: 30,
            quiet_days: 14,
            usual_days: 30,
            usual: None,
            registered: None,
            copied: 0,
            merged_into,
        };
        (group_title(&words), group_summary(&words, &zone()))
    }

    #[test]
    fn a_group_incident_says_what_where_how_many_and_why() {
        let (title, summary) = group(AlertState::Raised);
        insta::assert_snapshot!(title, @"【群诉·蓝】云栖雅苑：底商油烟直排");
        insta::assert_snapshot!(summary, @"2026年3月1日08:05至3月2日21:10，3位诉求人5件诉求（同一人多次来电只计一人，其中1件无来电人信息，不计入人数）反映云栖雅苑的同一事项，30天内达到3人，列为群诉事件。共同提到：烟道、油烟。");
        insta::assert_snapshot!(group(AlertState::Updated).1, @"2026年3月1日08:05至3月2日21:10，3位诉求人5件诉求（同一人多次来电只计一人，其中1件无来电人信息，不计入人数）反映云栖雅苑的同一事项，已增至3人以上，关注等级调整为蓝。共同提到：烟道、油烟。");
        insta::assert_snapshot!(group(AlertState::Resolved).1, @"云栖雅苑的同一事项已连续14天没有新的诉求，本次群诉解除；期间3位诉求人5件诉求（同一人多次来电只计一人，其中1件无来电人信息，不计入人数）。共同提到：烟道、油烟。");
        insta::assert_snapshot!(group_merged(AlertState::Resolved, Some("QS20260228-7F3K2QXA")).1, @"新的诉求表明本次群诉与QS20260228-7F3K2QXA反映云栖雅苑的同一事项，并入QS20260228-7F3K2QXA继续跟踪；此前3位诉求人5件诉求（同一人多次来电只计一人，其中1件无来电人信息，不计入人数）。共同提到：烟道、油烟。");
        insta::assert_snapshot!(group(AlertState::Reopened).1, @"平息后再次出现：2026年3月1日08:05至3月2日21:10，3位诉求人5件诉求（同一人多次来电只计一人，其中1件无来电人信息，不计入人数）反映云栖雅苑的同一事项，新的诉求人又达到预警人数。共同提到：烟道、油烟。");
    }

    #[test]
    fn a_risk_says_which_company_and_on_what_grounds() {
        let grounds = ["跑路".to_owned(), "退费".to_owned()];
        let claimed = Claimed::default();
        let words = RiskWords {
            claimed: &claimed,
            by_callers: true,
            was: None,
            index: 20,
            state: AlertState::Raised,
            level: Level::Blue,
            entity: Some("飞燕健身"),
            category: "预付卡",
            rule: "F07",
            score: 85,
            headline: "健身房关门",
            words: &grounds,
            callers: 1,
            complaints: 1,
            anonymous: 0,
            first_at: "2026-03-01T00:05:00Z".parse().unwrap(),
            last_at: "2026-03-01T00:05:00Z".parse().unwrap(),
            quiet_days: 30,
        };
        insta::assert_snapshot!(risk_title(&words), @"【金融风险·蓝】预付卡：飞燕健身");
        insta::assert_snapshot!(risk_summary(&words, &zone()), @"2026年3月1日08:05，1位诉求人1件诉求（同一人多次来电只计一人）涉及“飞燕健身”，命中规则F07（预付卡），得分85。依据：跑路、退费。");
    }

    #[test]
    fn sums_and_people_are_told_as_unchecked_with_the_lines_they_reach() {
        let line = |standard, measure, from| Line { standard, measure, from };
        let said = Claimed {
            money: Some(125_000),
            loss: Some(308_000_000),
            people: Some(5_600),
            lines: vec![
                line(Standard::Fundraising, Measure::Money, 50_000_000),
                line(Standard::Fundraising, Measure::People, 5_000),
                line(Standard::Fundraising, Measure::Loss, 25_000_000),
            ],
        };
        insta::assert_snapshot!(claimed(&said), @"诉求称（未核实）：金额最高12.5万元，损失或未还最高3.08亿元，涉及最多5600人；如属实，已到非法吸收公众存款的追诉或量刑标准线（5000万元、5000人、损失2500万元），请关注。");
        let pyramid = Claimed {
            people: Some(40),
            lines: vec![line(Standard::Pyramid, Measure::People, 30)],
            ..Claimed::default()
        };
        insta::assert_snapshot!(claimed(&pyramid), @"诉求称（未核实）：涉及最多40人；如属实，已到组织、领导传销活动的追诉或量刑标准线（30人，另看层级是否在三级以上），请关注。");
        assert_eq!(
            claimed(&Claimed { money: Some(3_600), ..Claimed::default() }),
            "诉求称（未核实）：金额最高3600元。"
        );
        assert_eq!(claimed(&Claimed::default()), "");
    }
}
