//! Small cases worked out by hand, and a plain scorer to compare with.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::*;
use crate::model::{CallerKey, CallerKeys, ComplaintId};

fn at(day: i64) -> Timestamp {
    let first: Timestamp = "2026-03-01T08:00:00+08:00".parse().unwrap();
    first + SignedDuration::from_hours(24 * day)
}

/// A complaint named by a letter, on a day, by people given as keys.
fn event(id: &str, day: i64, callers: &[u64]) -> Event {
    let callers: CallerKeys = callers.iter().map(|key| CallerKey(*key)).collect();
    Event { id: id.into(), at: at(day), callers }
}

fn matter(name: &str, ids: &str) -> GoldMatter {
    let kind = if name.starts_with('T') { MatterKind::Theme } else { MatterKind::Matter };
    let ids = ids.chars().map(|id| id.to_string().into()).collect();
    GoldMatter { matter: name.into(), title: format!("{name}的事"), kind, ids }
}

/// Groups as words of letters; who is in none is alone.
fn decided(groups: &[&str], alone: &str) -> Decided {
    let mut decided = Decided::default();
    for group in groups {
        for id in group.chars() {
            decided.groups.insert(id.to_string().into(), Some((*group).into()));
        }
    }
    decided.groups.extend(alone.chars().map(|id| (id.to_string().into(), None)));
    decided
}

fn alarm(day: i64, ids: &str) -> Alarm {
    let ids: Vec<ComplaintId> = ids.chars().map(|id| id.to_string().into()).collect();
    Alarm { group: ids[0].as_str().into(), raised_at: at(day), ids }
}

fn one_a_day(ids: &str) -> Vec<Event> {
    ids.chars().zip(0..).map(|(id, day)| event(&id.to_string(), day, &[day.unsigned_abs()])).collect()
}

#[test]
fn precision_and_recall_are_taken_over_the_complaints_of_the_gold() {
    let case = Case::new(one_a_day("abcdexyz"), &[matter("M1", "abc"), matter("M2", "de")], None);
    // a and b are together with d, c and e are alone; what x, y and z are in, nobody has read.
    let Grouping { precision, recall, f, best_f, worst, .. } =
        score(&case, &decided(&["abd", "xyz"], "ce")).grouping;
    assert!((precision - (2.0 / 3.0 + 2.0 / 3.0 + 1.0 + 1.0 / 3.0 + 1.0) / 5.0).abs() < 1e-12);
    assert!((recall - (2.0 / 3.0 + 2.0 / 3.0 + 1.0 / 3.0 + 0.5 + 0.5) / 5.0).abs() < 1e-12);
    assert!((f - 2.0 * precision * recall / (precision + recall)).abs() < 1e-12);
    let best: Vec<(&str, f64)> = worst.iter().map(|worst| (&*worst.matter, worst.f)).collect();
    assert_eq!(best, [("M1", 4.0 / 6.0), ("M2", 2.0 / 3.0)]);
    assert!((best_f - 2.0 / 3.0).abs() < 1e-12);
}

#[test]
fn themes_are_left_out_of_every_figure() {
    let gold = [matter("M1", "ab"), matter("T1", "cdef")];
    let case = Case::new(one_a_day("abcdef"), &gold, None);
    let mut decided = decided(&["abcdef"], "");
    decided.alarms = Some(vec![alarm(5, "cdef"), alarm(6, "abcdef")]);
    let scores = score(&case, &decided);
    let Grouping { precision, recall, gold_complaints, .. } = scores.grouping;
    assert_eq!((precision, recall, gold_complaints), (1.0, 1.0, 2));
    let incidents = scores.incidents.unwrap();
    assert_eq!((incidents.alerts, incidents.outside), (2, Vec::new()));
}

#[test]
fn pairs_count_when_both_are_there_and_share_a_group() {
    let pairs = pairs(b"a,b,why\na,b,same place\nc,d,\na,d,\na,q,not among the events\n").unwrap();
    let case = Case::new(one_a_day("abcd"), &[], Some(pairs));
    let apart = score(&case, &decided(&["ab"], "c")).apart.unwrap();
    assert_eq!((apart.pairs, apart.violations), (3, 1), "two that are alone share nothing");
}

#[test]
fn an_incident_is_due_with_the_third_person_within_thirty_days() {
    let due = |calls: &[(i64, &[u64])]| {
        let ids = ["a", "b", "c", "d", "e"];
        let events = calls.iter().zip(ids).map(|((day, callers), id)| event(id, *day, callers));
        let gold = [matter("M1", &ids[..calls.len()].concat())];
        let case = Case::new(events, &gold, None);
        let none = Decided { alarms: Some(Vec::new()), ..Decided::default() };
        let incidents = score(&case, &none).incidents.unwrap();
        assert_eq!(incidents.missed.len(), incidents.expected);
        incidents.expected == 1
    };
    assert!(due(&[(0, &[1]), (1, &[2]), (30, &[3])]));
    assert!(!due(&[(0, &[1]), (1, &[2]), (31, &[3])]));
    assert!(!due(&[(0, &[1]), (1, &[2]), (2, &[1]), (3, &[2])]), "repeats are no further people");
    assert!(!due(&[(0, &[1]), (1, &[2]), (2, &[]), (3, &[])]), "who is nobody is no person");
    assert!(due(&[(0, &[1]), (40, &[1]), (41, &[2]), (42, &[3])]), "any thirty days");
    assert!(!due(&[(0, &[1]), (1, &[2]), (2, &[3]), (3, &[3, 1])]), "3 and 1 are one person, told later");
}

#[test]
fn alarms_are_about_the_matter_that_most_of_them_are_of() {
    let gold = [matter("M1", "abcd"), matter("M2", "efg"), matter("M3", "hi"), matter("M4", "jk")];
    let mut events = one_a_day("abcdefgxyz");
    events.extend([event("h", 20, &[50]), event("i", 21, &[50])]);
    // Nobody knows whether the second one is the same person.
    events.extend([event("j", 22, &[51]), event("k", 23, &[])]);
    let case = Case::new(events, &gold, None);
    let mut decided = Decided::default();
    let alarms = vec![
        alarm(9, "xyz"),
        // Half is not most.
        alarm(4, "abxy"),
        // Due with c on day 2, said on day 3, when d had come.
        alarm(3, "abcd"),
        alarm(22, "hi"),
        alarm(23, "jk"),
    ];
    decided.alarms = Some(alarms);
    let incidents = score(&case, &decided).incidents.unwrap();
    assert_eq!((incidents.expected, incidents.detected, incidents.recall()), (2, 1, Some(0.5)));
    assert_eq!(incidents.delay, Some(1.0));
    assert_eq!(incidents.missed, [("M2".to_owned(), "M2的事".to_owned())]);
    assert_eq!((incidents.alerts, incidents.alerted_groups), (5, 4));
    assert_eq!(incidents.single_caller, ["M3"]);
    let outside: Vec<usize> = incidents.outside.iter().map(|outside| outside.ids.len()).collect();
    assert_eq!(outside, [4, 3], "in the order of time");
}

#[test]
fn only_what_is_received_from_a_time_on_is_scored() {
    let gold = [matter("M1", "abcd"), matter("M2", "ef")];
    let pairs = vec![Pair { a: "a".into(), b: "e".into() }, Pair { a: "e".into(), b: "f".into() }];
    let case = Case::new(one_a_day("abcdef"), &gold, Some(pairs)).from(at(3));
    let mut decided = decided(&["abcd", "ef"], "");
    decided.alarms = Some(vec![alarm(2, "abc"), alarm(5, "ef")]);
    let Scores { grouping, apart, incidents } = score(&case, &decided);
    assert_eq!((grouping.gold_complaints, grouping.gold_matters), (3, 1));
    assert_eq!(apart.unwrap(), Apart { pairs: 1, violations: 1 });
    let incidents = incidents.unwrap();
    assert_eq!((incidents.expected, incidents.alerts), (0, 1), "M1 was due on day 2");
}

#[test]
fn the_figures_as_json() {
    let case = Case::new(one_a_day("abcdxyz"), &[matter("M1", "abcd")], Some(Vec::new()));
    let mut decided = decided(&["abc"], "d");
    decided.alarms = Some(vec![alarm(3, "abc"), alarm(6, "zyx")]);
    insta::assert_json_snapshot!(score(&case, &decided), @r#"
    {
      "gold_matters": 1,
      "gold_complaints": 4,
      "unassigned_events": 3,
      "b3_precision": 1.0,
      "b3_recall": 0.625,
      "b3_f": 0.7692,
      "matter_best_f_mean": 0.8571,
      "worst_matters": [
        [
          "M1",
          "M1的事",
          0.86
        ]
      ],
      "apart_pairs": 0,
      "apart_violations": 0,
      "expected_incidents": 1,
      "detected": 1,
      "incident_recall": 1.0,
      "delay_complaints_mean": 1.0,
      "missed": [],
      "alerts": 2,
      "alerted_groups": 2,
      "single_caller_alerts": [],
      "alerts_outside_gold": 1,
      "outside_gold_sample": [
        [
          "z",
          [
            "x",
            "y",
            "z"
          ],
          3
        ]
      ]
    }
    "#);
}

#[test]
fn what_cannot_be_read_is_named() {
    let gold = |json: &str| super::gold(json.as_bytes()).unwrap_err().to_string();
    insta::assert_snapshot!(gold("{}"), @r#"the gold cannot be read: invalid type: map, expected a sequence at line 1 column 0; it is a list of {"matter", "kind", "ids"}"#);
    insta::assert_snapshot!(gold(r#"[{"matter":"M1","ids":["a"]},{"matter":"M1","ids":[]}]"#), @"matter M1 stands twice in the gold; put its complaints together or rename one");
    insta::assert_snapshot!(super::pairs(b"a;b\n1;2\n").unwrap_err(), @"the pairs cannot be read: CSV deserialize error: record 1 (line: 2, byte: 4): missing field `a`; they are CSV with the columns a and b");
    let groups = b"{\"id\":\"a\",\"group\":null}\n\n{\"id\":1}\n";
    insta::assert_snapshot!(Decided::read(groups, None).unwrap_err(), @"line 3 of the groups cannot be read: invalid type: integer `1`, expected a string at line 1 column 7; give what `fenghuo replay` has written");
    let read = Decided::read(&groups[..25], Some(b"")).unwrap();
    assert_eq!((read.groups.len(), read.alarms), (1, Some(Vec::new())));
}

#[test]
fn a_generated_truth_is_gold_and_scores_full_marks_against_itself() {
    use crate::generate::{GenerateConfig, write};

    let (mut events, mut truth, mut apart) = (Vec::new(), Vec::new(), Vec::new());
    let config = GenerateConfig::spread(3000, 30);
    write(config, &mut events, Some(&mut truth), Some(&mut apart)).unwrap();
    let (gold, pairs) = (gold(&truth).unwrap(), pairs(&apart).unwrap());
    let (mut decided, mut seen) = (Decided::default(), Vec::new());
    for line in events.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let complaint: crate::model::Complaint = serde_json::from_slice(line).unwrap();
        seen.push(Event { id: complaint.id, at: complaint.received_at, callers: CallerKeys::new() });
    }
    for matter in gold.iter().filter(|matter| matter.kind == MatterKind::Matter) {
        let group = Some((*matter.matter).into());
        decided.groups.extend(matter.ids.iter().map(|id| (id.clone(), group.clone())));
    }
    let Scores { grouping, apart, .. } = score(&Case::new(seen, &gold, Some(pairs)), &decided);
    assert!(grouping.gold_complaints > 500, "{grouping:?}");
    assert_eq!((grouping.precision, grouping.recall, grouping.f), (1.0, 1.0, 1.0));
    let apart = apart.unwrap();
    assert!(apart.pairs > 10 && apart.violations == 0, "{apart:?}");
}

/// B-cubed as it is defined, set by set.
fn plain(gold: &[BTreeSet<usize>], groups: &BTreeMap<usize, u8>) -> (f64, f64) {
    let (mut precision, mut recall, mut count) = (0.0, 0.0, 0.0);
    for matter in gold.iter().filter(|matter| matter.len() > 1) {
        for member in matter {
            let cluster: BTreeSet<usize> = match groups[member] {
                0 => [*member].into(),
                group => groups.iter().filter(|(_, other)| **other == group).map(|(id, _)| *id).collect(),
            };
            let shared = cluster.intersection(matter).count() as f64;
            precision += shared / cluster.len() as f64;
            recall += shared / matter.len() as f64;
            count += 1.0;
        }
    }
    (precision / f64::max(count, 1.0), recall / f64::max(count, 1.0))
}

proptest! {
    #[test]
    fn agrees_with_the_definition(places in prop::collection::vec((0_usize..6, 0_u8..5), 1..40)) {
        let name = |id: usize| ComplaintId::from(format!("c{id}"));
        let mut gold = vec![BTreeSet::new(); 6];
        for (id, (matter, _)) in places.iter().enumerate() {
            gold[*matter].insert(id);
        }
        // Complaints of the first set were never read by anybody.
        gold.remove(0);
        let groups: BTreeMap<usize, u8> = places.iter().map(|(_, group)| *group).enumerate().collect();
        let matters: Vec<GoldMatter> = gold.iter().enumerate().map(|(number, ids)| GoldMatter {
            matter: format!("M{number}"),
            title: String::new(),
            kind: MatterKind::Matter,
            ids: ids.iter().map(|id| name(*id)).collect(),
        }).collect();
        let events = (0..places.len()).map(|id| Event { id: name(id), at: at(0), callers: CallerKeys::new() });
        let decided = Decided {
            groups: groups
                .iter()
                .map(|(id, group)| (name(*id), (*group > 0).then(|| format!("g{group}").into())))
                .collect(),
            alarms: None,
        };
        let found = score(&Case::new(events, &matters, None), &decided).grouping;
        let (precision, recall) = plain(&gold, &groups);
        prop_assert!((found.precision - precision).abs() < 1e-9 && (found.recall - recall).abs() < 1e-9);
    }
}

#[test]
fn errors_name_who_is_elsewhere_and_who_does_not_belong() {
    let gold = [matter("M1", "abc"), matter("M2", "de"), matter("M3", "fg")];
    let case = Case::new(one_a_day("abcdefgx"), &gold, None);
    let decided = decided(&["abdx", "fg"], "ce");
    let errors = errors(&case, &decided);
    // Of M1, a and b have two strangers each among four; c is alone. M3 is as it should be.
    let told: Vec<String> = errors
        .iter()
        .map(|errors| {
            let letters = |ids: &[ComplaintId]| ids.iter().map(ComplaintId::as_str).collect::<String>();
            let part = |part: &Part| format!("{}+{}", letters(&part.members), letters(&part.strangers));
            let parts: Vec<String> = errors.parts.iter().map(part).collect();
            format!(
                "{} {:.2} {:.2} {}",
                errors.matter,
                errors.precision_lost,
                errors.recall_lost,
                parts.join(" ")
            )
        })
        .collect();
    assert_eq!(told, ["M1 1.00 1.33 ab+dx c+", "M2 0.75 1.00 e+ d+abx"]);
    let lost: f64 = errors.iter().map(|errors| errors.precision_lost).sum();
    assert!((1.0 - lost / 7.0 - score(&case, &decided).grouping.precision).abs() < 1e-12);
}
