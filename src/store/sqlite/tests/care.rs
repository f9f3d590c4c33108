//! Backup, check and vacuum.

use std::fs;

use super::*;
use crate::store::StoreError;

fn filled() -> (TempDir, SqliteStore) {
    let (folder, store) = fresh();
    let mut commit = batch(1);
    commit.complaints = (0..3000).map(|seq| record(&format!("c{seq}"), seq, Some("g"))).collect();
    commit.alerts = vec![alert("A", 1)];
    put(&store, &commit, &sinks()).unwrap();
    (folder, store)
}

#[test]
fn a_backup_is_a_store_as_of_its_begin() {
    let (folder, store) = filled();
    let to = folder.path().join("backup.db");
    let mut steps = Vec::new();
    let mut late = batch(2);
    late.complaints = vec![record("late", 3000, None)];
    store
        .backup(&to, &mut |progress| {
            // Somebody commits while the copy runs; it neither waits nor gets into the copy.
            if steps.is_empty() {
                put(&store, &late, &[]).unwrap();
            }
            steps.push(progress);
        })
        .unwrap();
    let last = steps.last().unwrap();
    assert!(last.done == last.total && last.total > 100, "{last:?}");

    let copy = SqliteStore::open(&StoreConfig::at(&to)).unwrap();
    assert_sound(&copy);
    assert_eq!(window(&copy, at(0)).len(), 3000);
    assert_eq!(copy.outbox_depth("centre").unwrap().pending, 1);
    assert_eq!(window(&store, at(0)).len(), 3001);
}

#[test]
fn a_backup_overwrites_nothing_and_leaves_no_half() {
    let (folder, store) = filled();
    let to = folder.path().join("precious.txt");
    fs::write(&to, "precious").unwrap();
    let error = store.backup(&to, &mut |_| {}).unwrap_err();
    assert!(error.to_string().contains("exists already"), "{error}");
    assert_eq!(fs::read_to_string(&to).unwrap(), "precious");
    let nowhere = folder.path().join("no such folder/backup.db");
    let error = store.backup(&nowhere, &mut |_| {}).unwrap_err();
    assert!(matches!(&error, StoreError::Other(detail) if detail.contains("no such folder")), "{error}");

    let to = folder.path().join("stopped.db");
    let stopped = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        store.backup(&to, &mut |_| panic!("stopped"))
    }));
    assert!(stopped.is_err());
    assert!(!to.exists() && !folder.path().join("stopped.db.partial").exists());
    put(&store, &batch(3), &[]).unwrap();
}

#[test]
fn each_broken_invariant_is_found() {
    let (_folder, store) = filled();
    let mut commit = batch(2);
    commit.alerts = vec![alert("A", 2), alert("A", 3)];
    commit.incidents = vec![incident("A", true)];
    put(&store, &commit, &sinks()).unwrap();
    assert_sound(&store);
    for (sql, finds) in [
        ("INSERT INTO groups (id) VALUES ('lonely')", "group lonely has no member"),
        ("INSERT INTO aliases VALUES ('g', 1)", "group g both lives and has gone into another"),
        ("UPDATE partitions SET next_seq = 2999", "complaint c2999 is numbered 2999"),
        ("UPDATE alerts SET revision = 9 WHERE revision = 2", "alert A has revisions missing"),
        ("UPDATE outbox SET alert_id = 'B' WHERE seq = 1", "names another alert"),
        ("UPDATE outbox SET due_at = NULL WHERE seq = 1", "outbox row 1 would never be sent"),
        ("UPDATE outbox SET due_at = 1 WHERE seq = 3", "outbox row 3 would be sent out of order"),
        ("UPDATE incidents SET state = '{'", "incident A has a state that is not JSON"),
        ("UPDATE alerts SET body = '' WHERE revision = 2", "alert A revision 2 is not JSON"),
        ("UPDATE members SET grp = 77 WHERE complaint = 1", "points at nothing in table members"),
        ("DELETE FROM alerts WHERE revision = 3", "points at nothing in table outbox"),
    ] {
        let copy = tempfile::tempdir().unwrap();
        let to = copy.path().join("fenghuo.db");
        store.backup(&to, &mut |_| {}).unwrap();
        let spoil = rusqlite::Connection::open(&to).unwrap();
        spoil.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
        spoil.execute_batch(sql).unwrap();
        drop(spoil);
        let faults = SqliteStore::open(&quick(&copy)).unwrap().check().unwrap().faults;
        assert!(faults.iter().any(|fault| fault.contains(finds)), "{sql}: {faults:?}");
    }
}

#[test]
fn the_audit_trail_cannot_be_changed() {
    let (_folder, store) = filled();
    let other = rusqlite::Connection::open(store.file()).unwrap();
    let error = other.execute("UPDATE audit SET subject = 'x'", []).unwrap_err();
    assert!(error.to_string().contains("never changed"), "{error}");
}

#[test]
fn vacuum_gives_room_back() {
    let (folder, store) = filled();
    let other = rusqlite::Connection::open(store.file()).unwrap();
    other.execute_batch("PRAGMA foreign_keys = ON; DELETE FROM complaints; DELETE FROM groups").unwrap();
    drop(other);
    assert!(store.counts().unwrap().free_bytes > 1_000_000);
    let report = store.vacuum().unwrap();
    assert!(report.after_bytes * 4 < report.before_bytes, "{report:?}");
    assert_eq!(quick(&folder).file().metadata().unwrap().len(), report.after_bytes);
    assert_eq!(store.counts().unwrap().free_bytes, 0);
    assert_sound(&store);
}
