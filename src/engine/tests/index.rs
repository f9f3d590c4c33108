//! The risk index of a company: what it adds to an alert, and when it is told.

use super::*;
use crate::engine::Dossier;
use crate::entity::Likeness;
use crate::model::{Dimension, RiskAlert};

const PLAIN: &str = "我在北京聚穗财富管理有限公司投了五万，现在到期不兑付，公司人去楼空。";
const HEAVY: &str = "北京聚穗财富管理有限公司非法集资，承诺保本保息年化18%，一千多名受害者建了维权群，\
    老板跑路，无法提现，我们是P2P平台的出借人，本金拿不回来。";

fn risk(desk: &Desk) -> &RiskAlert {
    match &desk.last().body {
        AlertBody::Risk(risk) => risk,
        AlertBody::Group(_) => panic!("a risk was told"),
    }
}

#[test]
fn one_callers_heavier_words_raise_the_level_once_and_their_repetition_is_silent() {
    let mut desk = Desk::new();
    let me = Some("13900000001");
    assert_eq!(desk.call("r1", me, "展览路街道青石里小区", PLAIN), [(AlertState::Raised, Level::Blue)]);
    let before = risk(&desk).index.clone().unwrap();
    let told = desk.call("r2", me, "展览路街道青石里小区", HEAVY);
    assert_eq!(told, [(AlertState::Updated, Level::Yellow)]);
    let after = risk(&desk).index.clone().unwrap();
    assert!(before.total < 45 && after.total >= 45, "{before:?}\n{after:?}");
    assert!(desk.last().summary.contains("风险指数升至"), "{}", desk.last().summary);
    let told_before: Vec<_> = risk(&desk).earlier.iter().map(|told| (told.revision, told.level)).collect();
    assert_eq!(told_before, [(1, Level::Blue)]);
    assert_eq!(risk(&desk).streets, ["展览路街道"]);
    for id in ["r3", "r4"] {
        assert_eq!(desk.call(id, me, "展览路街道青石里小区", HEAVY), [], "{id}");
    }
    desk.wait(31 * 24);
    assert_eq!((desk.last().state, desk.last().level), (AlertState::Resolved, Level::Yellow));
}

#[test]
fn growth_is_told_also_when_the_index_stood_at_the_level_already() {
    let mut desk = Desk::new();
    assert_eq!(
        desk.call("r1", Some("13900000001"), "青石里小区", HEAVY),
        [(AlertState::Raised, Level::Yellow)]
    );
    desk.call("r2", Some("13900000002"), "云栖雅苑", PLAIN);
    desk.call("r3", Some("13900000003"), "德胜里", PLAIN);
    assert_eq!(
        (desk.last().state, desk.last().level, desk.last().callers),
        (AlertState::Updated, Level::Yellow, 3)
    );
    assert!(desk.last().summary.contains("人数继续增加，关注等级仍为黄"), "{}", desk.last().summary);
    let callers = risk(&desk).index.clone().unwrap();
    let complaints = callers.dimensions.iter().find(|one| one.dimension == Dimension::Complaints).unwrap();
    assert_eq!(complaints.chinese(), "投诉举报35：诉求人数3（+35）");
}

#[test]
fn an_alert_names_the_group_incident_of_its_complaints() {
    let mut desk = Desk::new();
    for (id, caller) in [("r1", "13900000001"), ("r2", "13900000002"), ("r3", "13900000003")] {
        desk.call(id, Some(caller), "青石里小区", PLAIN);
    }
    let incident =
        desk.told.iter().find(|alert| alert.kind == AlertKind::GroupIncident).expect("three callers");
    let incident = incident.id.clone();
    assert_eq!(risk(&desk).incidents, [incident]);
}

#[test]
fn a_case_stored_before_there_was_a_ledger_goes_on() {
    let mut desk = Desk::new();
    desk.call("r1", Some("13900000001"), "青石里小区", PLAIN);
    let mut effects = Effects::default();
    effects.cases.insert("entity:聚穗财富管理".into(), desk.now);
    let mut record = desk.engine.incidents(&mut effects).remove(0);
    let mut state: serde_json::Value = serde_json::from_str(&record.state).unwrap();
    for key in ["groups", "incidents", "index_level", "earlier"] {
        state.as_object_mut().unwrap().remove(key);
    }
    for key in ["name", "said", "street", "district", "rules", "touches", "score"] {
        state["calls"][0].as_object_mut().unwrap().remove(key);
    }
    record.state = state.to_string();
    let mut again = Desk::new();
    again.engine.restore_incident(&record, desk.now).unwrap();
    again.now = desk.now;
    assert_eq!(
        again.call("r2", Some("13900000001"), "青石里小区", HEAVY),
        [(AlertState::Updated, Level::Yellow)]
    );
    assert_eq!((again.last().id.clone(), again.last().complaints), (record.id, 2));
}

#[test]
fn a_dossier_holds_every_spelling_with_why_and_who_called_when() {
    let mut desk = Desk::new();
    for (id, caller, name) in [
        ("r1", "13900000001", "北京聚惠民普惠投资有限公司"),
        ("r2", "13900000002", "惠聚民普惠投资有限公司"),
        ("r3", "13900000002", "聚惠民普惠有限公司"),
        ("r4", "13900000003", "北京市聚慧民普惠投资有限公司"),
    ] {
        desk.call(
            id,
            Some(caller),
            "展览路街道青石里小区",
            &format!("我在{name}投了五万，现在到期不兑付，公司人去楼空。"),
        );
        desk.wait(24);
    }
    let mut effects = Effects::default();
    effects.cases.insert("entity:聚惠民普惠投资".into(), desk.now);
    let record = desk.engine.incidents(&mut effects).remove(0);
    let dossier = Dossier::of(&record, &TimeZone::UTC).unwrap().expect("a risk case");
    let mut names: Vec<(&str, Likeness)> =
        dossier.names.iter().map(|named| (named.name.as_str(), named.why)).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            ("惠聚民普惠投资", Likeness::Swapped),
            ("聚惠民普惠", Likeness::Trade),
            ("聚惠民普惠投资", Likeness::Equal),
            ("聚慧民普惠投资", Likeness::Misheard),
        ]
    );
    assert_eq!((dossier.callers, dossier.complaints.len(), dossier.open), (3, 4, true));
    // 2026-03-01 is a Sunday.
    let weeks: Vec<_> =
        dossier.weeks.iter().map(|week| (week.monday.to_string(), week.callers, week.complaints)).collect();
    assert_eq!(weeks, [("2026-02-23".to_owned(), 1, 1), ("2026-03-02".to_owned(), 2, 3)]);
    assert!(dossier.is_about("惠聚民") && !dossier.is_about("云帆健身"));
    assert_eq!(dossier.streets["展览路街道"], 4);
}

#[test]
fn what_is_like_a_spelling_that_was_joined_goes_to_its_case_also_after_a_restart() {
    let said = |name: &str| format!("我在{name}投了五万，现在到期不兑付，公司人去楼空。");
    let mut desk = Desk::new();
    desk.call("r1", Some("13900000001"), "青石里小区", &said("聚惠民普惠投资有限公司"));
    // The last is like the second and not like the first.
    desk.call("r2", Some("13900000001"), "青石里小区", &said("惠聚民普惠投资有限公司"));
    let mut effects = Effects::default();
    effects.cases.insert("entity:聚惠民普惠投资".into(), desk.now);
    let record = desk.engine.incidents(&mut effects).remove(0);
    let mut again = Desk::new();
    again.engine.restore_incident(&record, desk.now).unwrap();
    again.now = desk.now;
    for desk in [&mut desk, &mut again] {
        for (id, caller) in [("r3", "13900000002"), ("r4", "13900000003")] {
            desk.call(id, Some(caller), "青石里小区", &said("金陵惠聚民普惠投资有限公司"));
        }
        let last = desk.told.iter().rfind(|alert| alert.kind == AlertKind::FinancialRisk);
        let last = last.expect("three people called");
        assert_eq!((&last.id, last.callers, last.complaints), (&record.id, 3, 4));
    }
}
