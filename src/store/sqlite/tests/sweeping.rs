//! What retention deletes and what it never touches.

use std::collections::BTreeMap;

use super::*;
use crate::store::{DeadLetterFilter, RetentionConfig, SweepReport};

fn keep_from(since: Timestamp) -> BTreeMap<PartitionKey, Timestamp> {
    BTreeMap::from([(main_partition(), since)])
}

fn short(folder: &TempDir) -> StoreConfig {
    let retention = RetentionConfig {
        complaints_days: 30,
        incidents_days: 30,
        alerts_days: 30,
        deliveries_days: 60,
        dead_letters_days: 30,
        audit_days: 180,
    };
    StoreConfig { retention, ..quick(folder) }
}

#[test]
fn old_complaints_go_with_their_groups_but_never_the_open_window() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&short(&folder)).unwrap();
    let mut commit = batch(0);
    commit.complaints = vec![
        record("c0", 0, Some("gone")),
        record("c1", 1, Some("stays")),
        record("c2", 2, Some("stays")),
        record("c3", 3, None),
    ];
    commit.aliases = vec![("old".into(), "gone".into())];
    put(&store, &commit, &[]).unwrap();
    let mut recent = batch(86_400 * 20);
    recent.complaints = vec![record("c4", 4, None)];
    put(&store, &recent, &[]).unwrap();

    assert_eq!(store.sweep(days(29), &keep_from(at(100))).unwrap(), SweepReport::default(), "too young");
    assert_eq!(store.sweep(days(40), &BTreeMap::new()).unwrap().total(), 0, "no engine named");
    let report = store.sweep(days(40), &keep_from(at(2))).unwrap();
    assert_eq!((report.complaints, report.groups, report.more), (2, 1, false));
    assert_eq!(window(&store, at(0)), ["c2", "c3", "c4"]);
    assert_eq!(store.resolve_group(&"old".into()).unwrap(), None, "aliases go with their group");
    assert_eq!(store.group_members(&"stays".into()).unwrap(), ["c2".into()]);
    // The window has moved on; what was committed late stays all the same.
    assert_eq!(store.sweep(days(40), &keep_from(at(100))).unwrap().complaints, 2);
    assert_eq!(window(&store, at(0)), ["c4"]);
    assert_eq!(store.partition_state(&main_partition()).unwrap().unwrap().next_seq, 5);
    assert_eq!(store.audit(Some("swept"), 9).unwrap().len(), 2);
    assert_sound(&store);
}

#[test]
fn more_than_one_chunk_is_swept() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&short(&folder)).unwrap();
    let mut commit = batch(0);
    commit.complaints = (0..1203).map(|seq| record(&format!("c{seq}"), seq, None)).collect();
    put(&store, &commit, &[]).unwrap();
    assert_eq!(store.sweep(days(40), &keep_from(at(1202))).unwrap().complaints, 1202);
    assert_eq!(window(&store, at(0)), ["c1202"]);
}

#[test]
fn alerts_stay_while_open_undelivered_or_on_record() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&short(&folder)).unwrap();
    let centre = ["centre".to_owned()];
    let mut commit = batch(0);
    commit.alerts = vec![alert("open", 1), alert("closed", 1), alert("closed", 2)];
    commit.incidents = vec![incident("open", true), incident("closed", false)];
    put(&store, &commit, &centre).unwrap();
    commit.incidents.clear();
    commit.alerts = vec![alert("unsent", 1)];
    put(&store, &commit, &centre).unwrap();

    // Deliver all but the last.
    for _ in 0..2 {
        for row in store.due(at(1), "centre", 9, "me", at(2)).unwrap() {
            if row.alert.id.as_str() != "unsent" {
                store.delivered(&row, at(1), "200").unwrap();
            }
        }
    }
    let report = store.sweep(days(45), &keep_from(at(0))).unwrap();
    assert_eq!((report.incidents, report.alerts, report.deliveries), (1, 0, 0), "deliveries are on record");
    let report = store.sweep(days(90), &keep_from(at(0))).unwrap();
    assert_eq!((report.incidents, report.alerts, report.deliveries), (0, 2, 3));
    assert!(store.alert(&"closed".into()).unwrap().is_empty());
    assert_eq!(store.alert(&"open".into()).unwrap().len(), 1);
    assert_eq!(store.alert(&"unsent".into()).unwrap().len(), 1);
    assert_eq!(store.outbox_depth("centre").unwrap().pending, 1);
    assert_sound(&store);
}

#[test]
fn dead_letters_and_audit_have_their_own_times() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&short(&folder)).unwrap();
    let mut commit = batch(0);
    commit.dead_letters = vec![letter(b"old"), DeadLetter { seen_at: days(20), ..letter(b"young") }];
    commit.alerts = vec![alert("A", 1)];
    put(&store, &commit, &[]).unwrap();
    let report = store.sweep(days(40), &keep_from(at(0))).unwrap();
    assert_eq!((report.dead_letters, report.audit), (1, 0));
    assert_eq!(store.dead_letters(&DeadLetterFilter::default(), 9).unwrap().len(), 1);
    assert_eq!(store.sweep(days(181), &keep_from(at(0))).unwrap().audit, 1);
}
