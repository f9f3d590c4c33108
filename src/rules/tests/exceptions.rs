//! Exceptions: what they take away, until when, and what is refused.

use jiff::civil::date;
use jiff::tz::TimeZone;

use super::*;

fn with(exceptions: &str) -> Result<RulePack, RuleErrors> {
    RulePack::from_texts([("t.yaml", pack_text("", "").as_str()), ("x.yaml", exceptions)])
}

const ONE: &str = "exceptions:
  - {id: E1, owner: 金融办, reason: 专班处理, until: 2026-06-30, rules: [T01], entity: [蓝桥健身]}
";

/// A complaint that T01 alerts on, received at a time of China.
fn complaint_at(at: &str, text: &str) -> Complaint {
    let received_at = at.parse().unwrap();
    Complaint { received_at, ..complaint("", text) }
}

/// The exception by which the hit of T01 on a complaint is hushed.
fn hushed(pack: &RulePack, complaint: &Complaint, entity: &str) -> Option<String> {
    let (title, text) = (normalise(&complaint.title), normalise(&complaint.text));
    let mut found = pack.hits(complaint, &title, &text);
    let zone = TimeZone::get("Asia/Shanghai").unwrap();
    let about = About { complaint, zone: &zone, is_entity: &|name| name == entity };
    pack.suppress(&mut found, &title, &text, &about);
    let hit = found.iter().find(|hit| hit.rule == "T01").expect("T01 is met");
    assert_ne!(hit.alerts(), hit.suppressed.is_some(), "it alerts or is hushed");
    let mut readings = pack.readings(complaint);
    pack.suppress_readings(&mut readings, &about);
    assert_eq!(readings[0].verdict == Verdict::Suppressed, hit.suppressed.is_some());
    assert_eq!(readings[0].suppressed.as_ref(), hit.suppressed.as_deref());
    hit.suppressed.as_ref().map(|suppressed| suppressed.exception.clone())
}

const TEXT: &str = "非法集资的公司跑路";

#[test]
fn an_exception_hushes_a_hit_until_its_last_day_is_over() {
    let pack = with(ONE).unwrap();
    let on = |at: &str| hushed(&pack, &complaint_at(at, TEXT), "蓝桥健身");
    assert_eq!(on("2026-03-01T08:00:00+08:00").as_deref(), Some("E1"));
    assert_eq!(on("2026-06-30T23:59:59+08:00").as_deref(), Some("E1"));
    // The day is that of the zone, in which it is still June in London.
    assert_eq!(on("2026-07-01T00:00:00+08:00"), None);
    let other = complaint_at("2026-03-01T08:00:00+08:00", TEXT);
    assert_eq!(hushed(&pack, &other, "红桥健身"), None, "another company");
}

#[test]
fn what_an_exception_names_has_to_be_there_all_of_it() {
    let pack = with(
        "exceptions:
  - {id: E1, owner: 甲, reason: 乙, until: 2099-01-01, rules: [T01], terms: [专班, 're:第[0-9]+号'], place: [展览路]}
  - {id: E2, owner: 甲, reason: 乙, until: 2099-01-01, rules: ['*'], terms: [已 備 案]}
",
    )
    .unwrap();
    let at = |street: Option<&str>, text: &str| {
        let place = PlaceFields { street: street.map(str::to_owned), ..PlaceFields::default() };
        hushed(&pack, &Complaint { place, ..complaint("", &format!("{TEXT}。{text}")) }, "")
    };
    assert_eq!(at(Some("展览路街道"), "专班知道").as_deref(), Some("E1"));
    assert_eq!(at(Some("展览路街道"), "见第12号").as_deref(), Some("E1"));
    assert_eq!(at(Some("展览路街道"), ""), None);
    assert_eq!(at(Some("月坛街道"), "专班知道"), None);
    assert_eq!(at(None, "已备案").as_deref(), Some("E2"), "in the normal form of texts");
    // Of several the first.
    assert_eq!(at(Some("展览路街道"), "专班已备案").as_deref(), Some("E1"));
}

#[test]
fn exceptions_that_cannot_be_meant_are_refused_with_their_place() {
    insta::assert_snapshot!(with("exceptions:
  - {id: E 1, owner: ' ', reason: 乙, until: 30.6.2026, rules: [T02], terms: [甲]}
  - {id: E2, owner: 甲, reason: 乙, until: 2026-06-31, rules: [], entity: [甲]}
  - {id: E3, owner: 甲, reason: 乙, until: 2026-06-30, rules: ['*', T01]}
  - {id: E4, owner: 甲, reason: 乙, until: 2026-06-30, rules: [T01], place: [展览路]}
  - {id: E4, owner: 甲, reason: 乙, until: 2026-06-30, rules: [T01], place: [展览路]}
").unwrap_err(), @"
x.yaml:2:10: the id `E 1` must be 1 to 32 of A-Z, a-z, 0-9, - and _
x.yaml:2:22: the owner is empty; an exception is somebody's, for a reason
x.yaml:2:45: `until` is `30.6.2026`; give the last day as YYYY-MM-DD
x.yaml:2:64: unknown rule `T02`; did you mean `T01`?
x.yaml:2:78: the term `甲` is shorter than two characters; it would match everywhere
x.yaml:3:5: `rules` is empty; name the rules it holds for, or '*' for all
x.yaml:3:42: `until` is `2026-06-31`; give the last day as YYYY-MM-DD
x.yaml:3:74: the term `甲` is shorter than two characters; it would match everywhere
x.yaml:4:5: it names neither `terms` nor `entity` nor `place`; to hush a rule wholly, give it the status `shadow`
x.yaml:4:67: stands beside '*', which are all rules; keep one
x.yaml:6:10: the exception `E4` is already there at x.yaml:5; give it another id
");
}

#[test]
fn exceptions_near_their_end_or_over_it_are_told() {
    let pack = with(ONE).unwrap();
    let told = |month, day| {
        let found = pack.ending_exceptions(date(2026, month, day));
        found.iter().map(ToString::to_string).collect::<Vec<String>>().join("\n")
    };
    assert_eq!(told(6, 15), "");
    insta::assert_snapshot!(told(6, 16), @"x.yaml:2:5: exception E1 ends with 2026-06-30; its hits alert again after that (金融办) [expiring-exception]");
    assert!(told(6, 30).contains("ends with"));
    insta::assert_snapshot!(told(7, 1), @"x.yaml:2:5: exception E1 ended with 2026-06-30 and hides nothing; remove it, or let 金融办 say until when [expired-exception]");
}

#[test]
fn tests_in_rule_files_ask_of_the_rule_and_not_of_its_exceptions() {
    let all =
        "exceptions: [{id: E1, owner: 甲, reason: 乙, until: 2099-01-01, rules: ['*'], terms: [非法集资]}]";
    let pack = with(all).unwrap();
    assert_eq!(pack.run_tests().failures, []);
    assert_eq!(hushed(&pack, &complaint("", TEXT), "").as_deref(), Some("E1"));
}
