//! The risk index of a company: what it adds to an alert, and when it is told.

use super::*;
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
