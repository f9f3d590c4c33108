//! An alert in Chinese, laid out for a terminal or a phone's screen.

use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};

use crate::model::{
    Alert, AlertBody, AlertId, AlertState, ComplaintId, GroupAlert, RiskAlert, ScorePart, ToldBefore,
};

/// So many members are named.
const MEMBERS_SHOWN: usize = 5;

/// China has had one zone without summer time since 1992; complaints are younger.
const CHINA: Offset = Offset::constant(8);

/// A time as people in China read it: `2026-02-28 11:25`.
#[must_use]
pub fn local_time(at: Timestamp) -> String {
    at.to_zoned(TimeZone::fixed(CHINA)).strftime("%Y-%m-%d %H:%M").to_string()
}

/// The alert on a few short lines: level, what, where, how many, since when, why now, key terms,
/// members.
#[must_use]
pub fn render_alert(alert: &Alert) -> String {
    let mut out = String::new();
    // Engines begin the title with kind and level; one that does not gets them here.
    let (kind, level) = (alert.kind.chinese(), alert.level.chinese());
    let begin = if alert.title.starts_with('【') { String::new() } else { format!("【{kind}·{level}】") };
    line(&mut out, &(begin + &alert.title));
    line(&mut out, &format!("{}（第{}版）{}", alert.state.chinese(), alert.revision, alert.id));
    line(&mut out, &alert.summary);
    if let AlertBody::Group(group) = &alert.body
        && let Some(place) = &group.place
    {
        field(&mut out, "地点", place);
    }
    if let AlertBody::Risk(risk) = &alert.body
        && let Some(entity) = &risk.entity
    {
        field(&mut out, "主体", entity);
    }
    field(&mut out, "规模", &size(alert));
    field(&mut out, "时间", &span_of_time(alert));
    field(&mut out, "原因", &reason(alert));
    match &alert.body {
        AlertBody::Group(group) => field(&mut out, "关键词", &group.key_terms.join("、")),
        AlertBody::Risk(risk) => {
            if let Some((_, hit)) = risk.hits.iter().max_by_key(|(_, hit)| hit.score) {
                let terms: Vec<String> = hit.parts.iter().map(ScorePart::chinese).collect();
                field(&mut out, "依据", &terms.join("，"));
            }
            risk_facts(&mut out, risk);
        }
    }
    field(&mut out, "工单", &members(&alert.members));
    out
}

/// What the ledger of the company says, a line each.
fn risk_facts(out: &mut String, risk: &RiskAlert) {
    if let Some(index) = &risk.index {
        field(out, "风险指数", &index.chinese());
        for one in index.dimensions.iter().filter(|one| one.score > 0) {
            field(out, "　其中", &one.chinese());
        }
    }
    field(out, "街道", &risk.streets.join("、"));
    let incidents: Vec<&str> = risk.incidents.iter().map(AlertId::as_str).collect();
    field(out, "关联群诉", &incidents.join("、"));
    let earlier: Vec<String> = risk.earlier.iter().map(told_before).collect();
    field(out, "此前提示", &earlier.join("，"));
}

/// `第1版新发（蓝）2026-02-28 11:25`
#[must_use]
pub fn told_before(told: &ToldBefore) -> String {
    format!(
        "第{}版{}（{}）{}",
        told.revision,
        told.state.chinese(),
        told.level.chinese(),
        local_time(told.at)
    )
}

/// How many people and work orders.
pub(super) fn size(alert: &Alert) -> String {
    let mut text = format!("{}人，{}件工单", alert.callers, alert.complaints);
    if alert.anonymous > 0 {
        let _ = write!(text, "（其中{}件未留来电人，不计人数）", alert.anonymous);
    }
    text
}

/// Why it is told now, from the numbers.
pub(super) fn reason(alert: &Alert) -> String {
    let callers = alert.callers;
    match (&alert.body, alert.state) {
        (AlertBody::Group(GroupAlert { registered: Some(name), .. }), AlertState::Raised) => {
            format!("已登记事项“{name}”超出预计，现有{callers}人")
        }
        (AlertBody::Group(group), AlertState::Raised) => {
            format!("{}天内{callers}人，达到{}人", group.window_days, group.threshold)
        }
        (AlertBody::Group(group), AlertState::Updated) => {
            format!("{}天内已有{callers}人（起报{}人）", group.window_days, group.threshold)
        }
        (AlertBody::Group(group), AlertState::Reopened) => {
            format!("解除后又有诉求，{}天内{callers}人（起报{}人）", group.window_days, group.threshold)
        }
        (AlertBody::Group(GroupAlert { merged_into: Some(other), .. }), AlertState::Resolved) => {
            format!("与{other}是同一事项，并入该事件")
        }
        (_, AlertState::Resolved) => format!("{}后再无新诉求", local_time(alert.last_at)),
        (AlertBody::Risk(risk), state) => {
            let Some((_, hit)) = risk.hits.iter().max_by_key(|(_, hit)| hit.score) else {
                return "命中风险规则".into();
            };
            let begin = if state == AlertState::Raised { "" } else { "又有诉求，" };
            format!(
                "{begin}命中规则{}（{}）第{}版，{}分，达到{}分",
                hit.rule, hit.category, hit.rule_version, hit.score, hit.alert_at
            )
        }
    }
}

pub(super) fn span_of_time(alert: &Alert) -> String {
    if alert.first_at == alert.last_at {
        return local_time(alert.first_at);
    }
    format!("{} 起，最近 {}", local_time(alert.first_at), local_time(alert.last_at))
}

fn members(members: &[ComplaintId]) -> String {
    // The newest say most about what is going on.
    let shown: Vec<&str> = members.iter().rev().take(MEMBERS_SHOWN).map(ComplaintId::as_str).collect();
    let more = if members.len() > shown.len() { format!(" 等{}件", members.len()) } else { String::new() };
    shown.join("、") + &more
}

fn field(out: &mut String, name: &str, value: &str) {
    if !value.is_empty() {
        line(out, &format!("  {name}：{value}"));
    }
}

// Words from complaints go to a terminal: nothing in them may move its cursor.
fn line(out: &mut String, text: &str) {
    if !text.is_empty() {
        out.extend(text.chars().map(|c| if c.is_control() { ' ' } else { c }));
        out.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples as examples;
    use super::*;
    use crate::model::Level;

    #[test]
    fn a_group_through_its_life() {
        let raised = examples::group();
        insta::assert_snapshot!(render_alert(&raised), @r"
        【群诉·蓝】青石里小区：搅拌站噪音
        新发（第1版）QS20260301-7F3K2QXA
        3人反映青石里小区旁搅拌站夜间施工。
          地点：展览路街道 青石里小区
          规模：3人，6件工单（其中1件未留来电人，不计人数）
          时间：2026-02-26 08:12 起，最近 2026-03-01 11:25
          原因：30天内3人，达到3人
          关键词：搅拌站、噪音
          工单：20260228000006、20260228000005、20260228000004、20260228000003、20260228000002 等6件
        ");
        let updated = Alert {
            revision: 2,
            state: AlertState::Updated,
            level: Level::Yellow,
            callers: 5,
            anonymous: 0,
            ..raised.clone()
        };
        insta::assert_snapshot!(render_alert(&updated), @r"
        【群诉·蓝】青石里小区：搅拌站噪音
        更新（第2版）QS20260301-7F3K2QXA
        3人反映青石里小区旁搅拌站夜间施工。
          地点：展览路街道 青石里小区
          规模：5人，6件工单
          时间：2026-02-26 08:12 起，最近 2026-03-01 11:25
          原因：30天内已有5人（起报3人）
          关键词：搅拌站、噪音
          工单：20260228000006、20260228000005、20260228000004、20260228000003、20260228000002 等6件
        ");
        let resolved = Alert { revision: 3, state: AlertState::Resolved, ..updated.clone() };
        insta::assert_snapshot!(render_alert(&resolved), @r"
        【群诉·蓝】青石里小区：搅拌站噪音
        解除（第3版）QS20260301-7F3K2QXA
        3人反映青石里小区旁搅拌站夜间施工。
          地点：展览路街道 青石里小区
          规模：5人，6件工单
          时间：2026-02-26 08:12 起，最近 2026-03-01 11:25
          原因：2026-03-01 11:25后再无新诉求
          关键词：搅拌站、噪音
          工单：20260228000006、20260228000005、20260228000004、20260228000003、20260228000002 等6件
        ");
        let AlertBody::Group(group) = updated.body.clone() else { unreachable!("a group incident") };
        let merged = GroupAlert { merged_into: Some("QS20260228-0C4M9TPD".into()), ..group };
        let merged = Alert { body: AlertBody::Group(merged), ..resolved };
        assert!(render_alert(&merged).contains("原因：与QS20260228-0C4M9TPD是同一事项，并入该事件\n"));
        let reopened = Alert { revision: 4, state: AlertState::Reopened, ..updated };
        insta::assert_snapshot!(render_alert(&reopened), @r"
        【群诉·蓝】青石里小区：搅拌站噪音
        再起（第4版）QS20260301-7F3K2QXA
        3人反映青石里小区旁搅拌站夜间施工。
          地点：展览路街道 青石里小区
          规模：5人，6件工单
          时间：2026-02-26 08:12 起，最近 2026-03-01 11:25
          原因：解除后又有诉求，30天内5人（起报3人）
          关键词：搅拌站、噪音
          工单：20260228000006、20260228000005、20260228000004、20260228000003、20260228000002 等6件
        ");
    }

    #[test]
    fn a_risk() {
        insta::assert_snapshot!(render_alert(&examples::risk()), @r"
        【金融风险·橙】某某健身 卷款跑路
        新发（第1版）JR20260301-0C4M9TPD
          主体：某某健身
          规模：2人，2件工单
          时间：2026-02-26 08:12 起，最近 2026-03-01 11:25
          原因：命中规则F07（预付卡）第2版，85分，达到80分
          依据：强特征 跑路 +60，语境 预付 +30，减分 询问 -5
          工单：a2、a1
        ");
    }

    #[test]
    fn words_from_outside_cannot_steer_the_terminal() {
        let alert = Alert { title: "a\u{1b}[2Jb\nc\u{9b}d".into(), ..examples::group() };
        let text = render_alert(&alert);
        assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text:?}");
        assert!(text.starts_with("【群诉事件·蓝】a [2Jb c d\n"), "{text}");
    }
}
