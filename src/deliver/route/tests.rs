use jiff::tz::TimeZone;

use super::super::samples;
use super::*;
use crate::model::{AlertKind, GroupAlert, Level};

fn plan(text: &str) -> Plan {
    #[derive(serde::Deserialize)]
    struct File {
        #[serde(default)]
        routes: Vec<RouteConfig>,
        inhibit: Option<InhibitConfig>,
        #[serde(default)]
        mute: BTreeMap<String, Vec<MuteConfig>>,
    }
    let File { routes, inhibit, mut mute } = toml::from_str(text).unwrap();
    for channel in ["duty", "leader", "mail"] {
        mute.entry(channel.into()).or_default();
    }
    let known: Vec<&str> = mute.keys().map(String::as_str).collect();
    for route in &routes {
        route.validate(&known).unwrap();
    }
    Plan::new(routes, inhibit, mute, TimeZone::get("Asia/Shanghai").unwrap())
}

fn at(text: &str) -> Timestamp {
    format!("{text}:00+08:00").parse().unwrap()
}

fn facts(level: Level) -> Facts {
    let facts = Facts::of_alert(&samples::group());
    Facts { level, streets: vec!["展览路街道".into()], categories: vec!["城乡建设".into()], ..facts }
}

fn to(plan: &Plan, facts: &Facts, time: &str) -> String {
    let found = plan.channels(facts, at(time));
    found.iter().map(|(channel, by)| format!("{channel}: {by}")).collect::<Vec<_>>().join("; ")
}

const TREE: &str = r#"
[[routes]]
name = "金融"
kinds = ["financial_risk"]
to = ["mail"]

[[routes.routes]]
name = "预付卡"
categories = ["F07"]
to = ["duty", "mail"]

[[routes]]
name = "领导"
levels = ["red"]
to = ["leader"]
continue = true

[[routes]]
name = "白天"
hours = "08:00-18:00"
days = ["mon", "tue", "wed", "thu", "fri"]
streets = ["展览路街道"]
to = ["duty"]

[[routes]]
name = "蓝色不发"
levels = ["blue"]
nobody = true
"#;

#[test]
fn the_tree_is_followed_to_the_finest_route() {
    let plan = plan(TREE);
    let (noon, night) = ("2026-03-06T12:00", "2026-03-06T23:00");
    assert_eq!(to(&plan, &facts(Level::Yellow), noon), "duty: 白天");
    assert_eq!(to(&plan, &facts(Level::Red), noon), "duty: 白天; leader: 领导");
    assert_eq!(to(&plan, &facts(Level::Red), night), "leader: 领导");
    assert_eq!(to(&plan, &facts(Level::Blue), night), "");
    let everybody = "没有路由符合，发往所有渠道";
    assert_eq!(
        to(&plan, &facts(Level::Yellow), night),
        format!("duty: {everybody}; leader: {everybody}; mail: {everybody}")
    );
    let risk = Facts::of_alert(&samples::risk());
    assert_eq!(to(&plan, &risk, night), "duty: 金融 > 预付卡; mail: 金融 > 预付卡");
    let other = Facts { categories: vec!["F01".into()], ..risk };
    assert_eq!(to(&plan, &other, night), "mail: 金融");
    assert_eq!(
        to(&self::plan(""), &facts(Level::Blue), noon),
        "duty: 没有设置路由; leader: 没有设置路由; mail: 没有设置路由"
    );
}

#[test]
fn whoever_was_told_is_told_of_the_end_and_nobody_else() {
    let plan = plan(TREE);
    let over = Facts { state: AlertState::Resolved, ..facts(Level::Red) };
    let night = at("2026-03-06T23:00");
    assert!(matches!(plan.passage("duty", &over, &[], night), Passage::Suppress(_)));
    let told = Facts { was_told: true, ..over };
    assert!(
        matches!(plan.passage("duty", &told, &[], night), Passage::Send(_)),
        "though no route leads there now"
    );
    let said = plan.passage("duty", &facts(Level::Red), &[], night);
    assert_eq!(said, Passage::Suppress("按路由不发此渠道：发往leader（领导）".into()));
}

#[test]
fn a_red_incident_keeps_its_yellow_siblings_back() {
    let plan = plan("inhibit = { from = 'red', up_to = 'yellow' }");
    let now = at("2026-03-06T12:00");
    let of = |id: &str, level, place: &str| {
        let AlertBody::Group(group) = samples::group().body else { unreachable!("a group incident") };
        let body = AlertBody::Group(GroupAlert { place: Some(place.into()), ..group });
        Alert { id: id.into(), level, body, ..samples::group() }
    };
    let here = "展览路街道 青石里小区";
    let passage = |facts: &Facts, open: &[Alert]| plan.passage("duty", facts, open, now);
    let said = passage(&facts(Level::Yellow), &[of("QS-9", Level::Red, here)]);
    assert_eq!(said, Passage::Suppress("同一地点或主体的红色提示 QS-9 正在处理，不再单独告知".into()));
    for open in [
        vec![of("QS-9", Level::Orange, here)],
        vec![of("QS-9", Level::Red, "别处")],
        vec![Alert { id: samples::group().id, ..of("QS-9", Level::Red, here) }],
        vec![Alert { kind: AlertKind::FinancialRisk, ..of("QS-9", Level::Red, here) }],
    ] {
        assert!(matches!(passage(&facts(Level::Yellow), &open), Passage::Send(_)));
    }
    let red = [of("QS-9", Level::Red, here)];
    assert!(matches!(passage(&facts(Level::Orange), &red), Passage::Send(_)), "above what is kept back");
    let nowhere = Facts { place: None, ..facts(Level::Blue) };
    assert!(matches!(passage(&nowhere, &red), Passage::Send(_)), "a place that is not known is not the same");
}

#[test]
fn what_can_wait_waits_until_the_night_is_over() {
    let plan = plan("[[mute.duty]]\nhours = '22:00-07:30'");
    let night = at("2026-03-06T23:00");
    let said = plan.passage("duty", &facts(Level::Yellow), &[], night);
    let why = "免打扰时段，2026-03-07 07:30后告知".to_owned();
    assert_eq!(said, Passage::Hold { until: at("2026-03-07T07:30"), why });
    assert!(matches!(plan.passage("duty", &facts(Level::Orange), &[], night), Passage::Send(_)));
    assert!(matches!(plan.passage("mail", &facts(Level::Blue), &[], night), Passage::Send(_)));
    assert!(matches!(
        plan.passage("duty", &facts(Level::Blue), &[], at("2026-03-07T07:30")),
        Passage::Send(_)
    ));
}

#[test]
fn mistakes_are_told_with_the_way_to_them() {
    let refused = |text: &str| {
        let route: RouteConfig = toml::from_str(text).unwrap();
        let (path, message) = route.validate(&["duty"]).unwrap_err();
        format!("{path} {message}")
    };
    assert_eq!(refused("to = ['dury']"), "to names \"dury\", which is no channel; channels: duty");
    assert_eq!(
        refused("[[routes]]\n[[routes.routes]]\nhours = '8-9'"),
        "routes.0.routes.0.hours has \"8-9\", which is no time of day; write it like \"22:00-07:30\""
    );
    assert!(refused("nobody = true\nto = ['duty']").starts_with("nobody and `to`"));
    assert!(MuteConfig::default().validate().is_err(), "for ever");
}
