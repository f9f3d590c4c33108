//! The fold as a whole: what is raised, told again, ended and never told.

mod decided;
mod exceptions;
mod index;
mod who_and_when;

use std::sync::{Arc, LazyLock};

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::{Arrival, CallerHasher, Effects, Engine, EngineConfig, Knowledge, Preparer};
use crate::model::{
    Alert, AlertBody, AlertKind, AlertState, Complaint, ContentHash, GroupAlert, GroupDecision, Level,
    PlaceFields, ReportedCaller,
};
use crate::place::{Gazetteer, Places};
use crate::rules::RulePack;
use crate::text::Segmenter;

pub(super) static PREPARER: LazyLock<Preparer> = LazyLock::new(|| {
    let gazetteer = Gazetteer::builtin();
    let segmenter = Arc::new(Segmenter::with_words(gazetteer.words()));
    let places = Arc::new(Places::new(Arc::new(gazetteer), Arc::clone(&segmenter)));
    let knowledge = Knowledge {
        segmenter,
        places,
        pack: Arc::new(RulePack::builtin()),
        title_weight: 3,
        zone: TimeZone::UTC,
    };
    Preparer::new(knowledge, CallerHasher::new(b"a key for nobody but the tests").unwrap())
});

/// An engine with its day and what it has told.
struct Desk {
    engine: Engine,
    now: Timestamp,
    told: Vec<Alert>,
    said: u64,
    /// The earlier order that the next call goes on from.
    earlier: Option<String>,
    /// What grouping decided about the last call.
    decided: GroupDecision,
}

impl Desk {
    fn new() -> Self {
        Self::with(EngineConfig::default())
    }

    fn with(config: EngineConfig) -> Self {
        let knowledge = PREPARER.knowledge().clone();
        let engine = Engine::new("main".into(), Arc::new(config), knowledge).unwrap();
        Self {
            engine,
            now: "2026-03-01T08:00:00+08:00".parse().unwrap(),
            told: Vec::new(),
            said: 0,
            earlier: None,
            decided: GroupDecision::default(),
        }
    }

    fn wait(&mut self, hours: i64) {
        self.now += SignedDuration::from_hours(hours);
        let mut effects = Effects::default();
        self.engine.advance(self.now, &mut effects);
        self.told.append(&mut effects.alerts);
    }

    /// A call an hour after the last one.
    fn call(&mut self, id: &str, caller: Option<&str>, place: &str, text: &str) -> Vec<(AlertState, Level)> {
        self.wait(1);
        self.version(id, 1, caller, place, text)
    }

    fn version(
        &mut self,
        id: &str,
        version: u32,
        caller: Option<&str>,
        place: &str,
        text: &str,
    ) -> Vec<(AlertState, Level)> {
        self.said += 1;
        let earlier = self.earlier.take();
        let complaint = Complaint {
            id: id.into(),
            received_at: self.now,
            channel: None,
            caller: ReportedCaller { phone: caller.map(str::to_owned), ..ReportedCaller::default() },
            title: String::new(),
            text: text.to_owned(),
            place: PlaceFields { address: Some(place.to_owned()), ..PlaceFields::default() },
            category: Vec::new(),
            subject: None,
            tags: Vec::new(),
            earlier: earlier.into_iter().collect(),
            extra: serde_json::Map::new(),
        };
        let prepared = PREPARER.prepare(complaint, ContentHash(self.said));
        let mut effects = Effects::default();
        self.engine
            .apply(Arrival { reached: prepared.complaint.received_at, prepared, version }, &mut effects);
        let new = effects.alerts.iter().map(|alert| (alert.state, alert.level)).collect();
        self.told.append(&mut effects.alerts);
        self.decided = effects.complaints.pop().map(|record| record.decision.group).unwrap_or_default();
        new
    }

    fn last_group(&self) -> &GroupAlert {
        match &self.last().body {
            AlertBody::Group(group) => group,
            AlertBody::Risk(_) => panic!("a group incident was told"),
        }
    }

    fn last(&self) -> &Alert {
        self.told.last().expect("something was told")
    }
}

const KILN: [&str; 4] = [
    "青石里小区旁边的搅拌站夜里施工，噪音大，粉尘多，居民睡不着觉。",
    "反映青石里小区附近搅拌站夜间施工噪音扰民，粉尘污染严重。",
    "搅拌站半夜还在施工，青石里小区居民被噪音和粉尘折磨，请求制止。",
    "投诉青石里搅拌站夜间噪音、粉尘，影响小区居民休息。",
];

#[test]
fn three_callers_make_an_incident_that_grows_ends_and_comes_again() {
    let mut desk = Desk::new();
    let phone = |number: usize| format!("1390000{number:04}");
    for (number, text) in KILN.iter().enumerate().take(2) {
        assert_eq!(desk.call(&format!("a{number}"), Some(&phone(number)), "青石里小区", text), []);
    }
    assert_eq!(desk.call("a2", Some(&phone(2)), "青石里小区", KILN[2]), [(AlertState::Raised, Level::Blue)]);
    assert_eq!((desk.last().callers, desk.last().complaints), (3, 3));
    assert_eq!(desk.call("a3", Some(&phone(3)), "青石里小区", KILN[3]), [], "four say nothing new");
    assert_eq!(
        desk.call("a4", Some(&phone(4)), "青石里小区", KILN[0]),
        [(AlertState::Updated, Level::Yellow)]
    );
    desk.wait(15 * 24);
    assert_eq!(desk.last().state, AlertState::Resolved);
    // Three who call after the end open it again, whether they had called before or not.
    assert_eq!(desk.call("a5", Some(&phone(1)), "青石里小区", KILN[1]), []);
    assert_eq!(desk.call("a6", Some(&phone(5)), "青石里小区", KILN[2]), []);
    let again = desk.call("a7", Some(&phone(6)), "青石里小区", KILN[3]);
    assert_eq!(again.first().map(|(state, _)| *state), Some(AlertState::Reopened));
    let ids: std::collections::BTreeSet<_> = desk.told.iter().map(|alert| alert.id.clone()).collect();
    assert_eq!(ids.len(), 1, "it is one incident all along");
    let revisions: Vec<u32> = desk.told.iter().map(|alert| alert.revision).collect();
    assert_eq!(revisions, [1, 2, 3, 4]);
}

#[test]
fn one_caller_and_nameless_ones_raise_nothing_however_often_they_post() {
    let mut desk = Desk::new();
    for number in 0..40 {
        let text = KILN[number % 4];
        assert_eq!(desk.call(&format!("a{number}"), Some("13900000001"), "青石里小区", text), []);
        assert_eq!(desk.call(&format!("n{number}"), None, "青石里小区", text), []);
    }
    assert!(desk.told.is_empty());
}

#[test]
fn the_same_words_about_other_places_stay_apart() {
    let mut desk = Desk::new();
    for (number, place) in ["青石里小区", "云栖雅苑小区", "碧水庄园小区", "松风国际城"].iter().enumerate()
    {
        let text = format!("{place}旁边的搅拌站夜里施工，噪音大，粉尘多，居民睡不着觉。");
        let caller = format!("1390000{number:04}");
        assert_eq!(desk.call(&format!("a{number}"), Some(&caller), place, &text), [], "{place}");
    }
}

#[test]
fn a_correction_counts_once_and_may_take_a_complaint_out() {
    let mut desk = Desk::new();
    for (number, text) in KILN.iter().enumerate().take(2) {
        desk.call(&format!("a{number}"), Some(&format!("1390000{number:04}")), "青石里小区", text);
    }
    for version in 2..6 {
        let told = desk.version("a1", version, Some("13900000001"), "青石里小区", KILN[version as usize % 4]);
        assert_eq!(told, [], "two callers stay two");
    }
    // The second caller meant something else; a third one makes two again, not three.
    desk.version("a1", 6, Some("13900000001"), "碧水庄园小区", "碧水庄园物业乱收停车费，保安态度恶劣。");
    assert_eq!(desk.call("a2", Some("13900000002"), "青石里小区", KILN[2]), []);
    assert_eq!(
        desk.call("a3", Some("13900000003"), "青石里小区", KILN[3]),
        [(AlertState::Raised, Level::Blue)]
    );
}

const RUNAWAY: &str = "我在蓝桥健身房办卡交了三千八百元，上周突然关门，老板跑路，人去楼空，要求退费。";

#[test]
fn a_risk_lead_is_told_at_once_and_ended_even_when_its_complaint_was_corrected() {
    let mut desk = Desk::new();
    let told = desk.call("r1", Some("13900000001"), "青石里小区", RUNAWAY);
    assert_eq!(told.first().map(|(state, _)| *state), Some(AlertState::Raised), "{told:?}");
    assert_eq!(desk.last().kind, AlertKind::FinancialRisk);
    let id = desk.last().id.clone();
    desk.version("r1", 2, Some("13900000001"), "青石里小区", "楼道灯坏了，请物业来修。");
    desk.wait(90 * 24);
    assert_eq!((desk.last().id.clone(), desk.last().state), (id, AlertState::Resolved));
    assert_eq!(desk.last().revision, 2, "no number is left out");
}

#[test]
fn a_risk_alert_tells_the_sums_and_people_that_complaints_name() {
    let mut desk = Desk::new();
    let text = "这家公司非法集资，我妈投了八万块，一百八十多名老人被骗走1200余万元，老板跑了。";
    desk.call("r1", Some("13900000001"), "青石里小区", text);
    let AlertBody::Risk(risk) = &desk.last().body else { panic!("{:?}", desk.last()) };
    assert_eq!((risk.claimed.loss, risk.claimed.people), (Some(12_000_000), Some(180)));
    let told = "损失或未还最高1200万元，涉及最多180人；如属实，已到非法吸收公众存款的追诉或量刑标准线（500万元、150人、损失250万元），请关注。";
    assert!(desk.last().summary.ends_with(told), "{}", desk.last().summary);
}

#[test]
fn a_company_that_comes_again_after_it_was_forgotten_has_a_new_name() {
    let mut desk = Desk::new();
    desk.call("r1", Some("13900000001"), "青石里小区", RUNAWAY);
    let first = desk.last().id.clone();
    desk.wait(200 * 24);
    desk.call("r2", Some("13900000002"), "青石里小区", RUNAWAY);
    assert_eq!(desk.last().state, AlertState::Raised);
    assert_ne!(desk.last().id, first);
}

#[test]
fn a_late_complaint_is_taken_in_and_said_to_be_late() {
    let mut desk = Desk::new();
    desk.call("a0", Some("13900000000"), "青石里小区", KILN[0]);
    desk.wait(30 * 24);
    desk.now -= SignedDuration::from_hours(29 * 24);
    desk.version("a1", 1, Some("13900000001"), "青石里小区", KILN[1]);
    assert_eq!(desk.engine.status().late, 1);
    assert_eq!(desk.engine.status().open_complaints, 2);
}

#[test]
fn incidents_that_turn_out_to_be_one_go_on_as_the_first_and_the_other_ends_with_a_word() {
    let mut desk = Desk::new();
    let phone = |number: usize| format!("1390000{number:04}");
    for (number, text) in KILN.iter().enumerate().take(3) {
        desk.call(&format!("a{number}"), Some(&phone(number)), "青石里小区", text);
    }
    let first = desk.last().clone();
    for (number, text) in KILN.iter().enumerate().take(3) {
        let text = text.replace("青石里", "云栖雅苑");
        desk.call(&format!("b{number}"), Some(&phone(number + 2)), "云栖雅苑小区", &text);
    }
    let second = desk.last().clone();
    let group = |alert: &Alert| match &alert.body {
        AlertBody::Group(group) => group.clone(),
        AlertBody::Risk(_) => unreachable!("a group incident was raised"),
    };
    let (into, old) = (group(&first).group, group(&second).group);
    assert_ne!(into, old, "two places, two groups");

    let (mut alerts, mut effects) = (Vec::new(), Effects::default());
    let goes_on = desk.engine.merge(old.clone(), vec![into.clone()], desk.now, &mut alerts, &mut effects);
    assert_eq!((&goes_on, &effects.merged), (&into, &vec![(old.clone(), into.clone())]));
    let [end] = &alerts[..] else { panic!("one incident has ended: {alerts:?}") };
    assert_eq!((&end.id, end.state, end.revision), (&second.id, AlertState::Resolved, 2));
    assert_eq!(group(end).merged_into.as_ref(), Some(&first.id));
    assert_eq!(end.members, second.members, "it says whose complaints go on there");
    assert!(end.summary.contains(first.id.as_str()), "{}", end.summary);
    let records = desk.engine.incidents(&mut effects);
    assert_eq!(
        records.iter().map(|record| (&record.id, record.open)).collect::<Vec<_>>(),
        [(&second.id, false)]
    );

    // One of the callers had called about both: five people in all.
    assert_eq!(
        desk.call("a3", Some(&phone(0)), "青石里小区", KILN[3]),
        [(AlertState::Updated, Level::Yellow)]
    );
    assert_eq!((desk.last().callers, desk.last().complaints, &desk.last().id), (5, 7, &first.id));
    desk.wait(15 * 24);
    assert_eq!((desk.last().state, desk.told.len()), (AlertState::Resolved, 4), "the other one ends no more");
}
