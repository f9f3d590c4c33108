//! Files that are made, upgraded or refused.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use rusqlite::Connection;
use rusqlite_migration::{M, Migrations};

use super::super::open::Schema;
use super::super::schema;
use super::*;
use crate::store::{CommitError, DeadLetterFilter, OpenError, StoreError};

/// What must not change when a file is refused: its bytes, its time, its neighbours.
fn picture(file: &Path) -> (Vec<u8>, i64, Vec<String>) {
    let mut names: Vec<String> = fs::read_dir(file.parent().unwrap())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    (fs::read(file).unwrap(), file.metadata().unwrap().mtime_nsec(), names)
}

fn refused(folder: &TempDir) -> OpenError {
    let file = quick(folder).file();
    let before = picture(&file);
    let error = SqliteStore::open(&quick(folder)).unwrap_err();
    assert_eq!(picture(&file), before, "left untouched: {error}");
    let read_only = SqliteStore::open_read_only(&quick(folder)).unwrap_err();
    assert_eq!(read_only, error);
    assert!(error.to_string().contains(&*file.to_string_lossy()), "{error}");
    error
}

/// A closed store with some content.
fn closed() -> TempDir {
    let (folder, store) = fresh();
    let mut commit = batch(1);
    commit.complaints = (0..200).map(|seq| record(&format!("c{seq}"), seq, Some("g"))).collect();
    put(&store, &commit, &[]).unwrap();
    folder
}

#[test]
fn a_new_store_is_private_and_whole() {
    let folder = tempfile::tempdir().unwrap();
    let config = StoreConfig::at(folder.path().join("a folder/with # and ?"));
    let store = SqliteStore::open(&config).unwrap();
    put(&store, &batch(1), &[]).unwrap();
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(store.file()), 0o600);
    assert_eq!(mode(store.file().parent().unwrap()), 0o700);
    let mut names: Vec<String> = fs::read_dir(&config.path)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["fenghuo.db", "fenghuo.db-shm", "fenghuo.db-wal"]);
    for side in ["fenghuo.db-shm", "fenghuo.db-wal"] {
        assert_eq!(mode(&config.path.join(side)), 0o600, "{side}");
    }
    drop(store);
    let again = SqliteStore::open(&config).unwrap();
    assert!(again.partition_state(&main_partition()).unwrap().is_some());
}

#[test]
fn all_who_make_the_store_at_once_get_the_same_one() {
    let folder = tempfile::tempdir().unwrap();
    let config = quick(&folder);
    let stores: Vec<SqliteStore> = std::thread::scope(|scope| {
        let makers: Vec<_> = (0..8).map(|_| scope.spawn(|| SqliteStore::open(&config).unwrap())).collect();
        makers.into_iter().map(|maker| maker.join().unwrap()).collect()
    });
    for (number, store) in (0..).zip(&stores) {
        let mut commit = batch(1);
        commit.complaints = vec![record(&format!("c{number}"), number, None)];
        put(store, &commit, &[]).unwrap();
    }
    for store in &stores {
        assert_eq!(window(store, at(0)).len(), stores.len());
    }
}

#[test]
fn something_else_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = quick(&folder).file();
    for (content, says) in [
        (b"".as_slice(), "it is empty"),
        (b"id,text\n1,hello\n", "not a database"),
        (&[0xff; 5000], "not a database"),
    ] {
        fs::write(&file, content).unwrap();
        let error = refused(&folder);
        assert!(matches!(error, OpenError::NotAStore { .. }), "{error}");
        assert!(error.to_string().contains(says), "{error}");
    }
    fs::remove_file(&file).unwrap();
    let foreign = Connection::open(&file).unwrap();
    foreign.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (a)").unwrap();
    drop(foreign);
    let error = refused(&folder);
    assert!(error.to_string().contains("another program"), "{error}");
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    let error = SqliteStore::open(&quick(&folder)).unwrap_err();
    assert!(error.to_string().contains("not a regular file"), "{error}");
}

#[test]
fn a_damaged_file_is_refused() {
    let folder = closed();
    let file = quick(&folder).file();
    let whole = fs::read(&file).unwrap();
    assert!(whole.len() > 100_000);

    fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    assert!(matches!(refused(&folder), OpenError::Damaged { .. }), "truncated");
    fs::write(&file, &whole[..60]).unwrap();
    assert!(matches!(refused(&folder), OpenError::NotAStore { .. }), "hardly anything left");
    for page in 1..whole.len() / 8192 {
        let mut flipped = whole.clone();
        // The head of a page: its kind and its cell count.
        flipped[page * 8192..page * 8192 + 8].fill(0x5a);
        fs::write(&file, &flipped).unwrap();
        assert!(matches!(refused(&folder), OpenError::Damaged { .. }), "page {page}");
    }
    fs::write(&file, &whole).unwrap();
    assert_sound(&SqliteStore::open(&quick(&folder)).unwrap());
}

#[test]
fn a_record_that_cannot_be_read_is_named() {
    let folder = closed();
    let file = quick(&folder).file();
    Connection::open(&file)
        .unwrap()
        .execute("UPDATE complaints SET body = '{\"id\":' WHERE id = 'c7'", [])
        .unwrap();
    let store = SqliteStore::open(&quick(&folder)).unwrap();
    let error = store.complaint(&"c7".into()).unwrap_err();
    assert!(matches!(&error, StoreError::Damaged(_)) && error.to_string().contains("c7"), "{error}");
    assert_eq!(store.check().unwrap().faults, ["complaint c7 has text that is not JSON"]);
}

#[test]
fn a_newer_version_is_refused() {
    let folder = closed();
    Connection::open(quick(&folder).file()).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let error = refused(&folder);
    let file = quick(&folder).file();
    let message = error.to_string().replace(&*file.to_string_lossy(), "FILE");
    let message = message.replace(&format!("up to {}", schema::VERSION), "up to KNOWN");
    insta::assert_snapshot!(message, @"FILE was written by a newer fenghuo (schema 99, this one knows up to KNOWN); it was left untouched: install that version or restore a backup");
}

#[test]
fn letters_of_the_first_version_say_which_are_events() {
    let folder = tempfile::tempdir().unwrap();
    let first = Migrations::new(schema::STEPS[..1].to_vec());
    let first = Schema { version: 1, migrations: &first };
    drop(SqliteStore::open_with(&quick(&folder), &first).unwrap());
    let file = Connection::open(quick(&folder).file()).unwrap();
    for (source, reason, sink) in [
        ("http", "invalid_json", None),
        ("file:/data/a.ndjson#12", "invalid_time", None),
        ("file:/data/a.csv#12.2", "invalid_time", None),
        ("file:/data/a.xlsx#12", "missing_field", None),
        ("stdin", "invalid_row", None),
        ("file:/data/a.ndjson#12", "too_large", None),
        ("centre", "rejected", Some("centre")),
    ] {
        let values = (reason, source, sink);
        let sql = "INSERT INTO dead_letters (reason, detail, source, place, seen_at, sink, bytes)
                   VALUES (?1, '', ?2, '', 0, ?3, x'00')";
        file.execute(sql, values).unwrap();
    }
    drop(file);
    let store = SqliteStore::open(&quick(&folder)).unwrap();
    let letters = store.dead_letters(&DeadLetterFilter::default(), 9).unwrap();
    let events: Vec<i64> = letters.iter().filter(|letter| letter.is_event).map(|letter| letter.id).collect();
    assert_eq!(events, [2, 1]);
}

#[test]
fn an_upgrade_keeps_everything_and_stops_the_old_version() {
    let after = |more: &[M<'static>]| [schema::STEPS, more].concat();
    let later = after(&[
        M::up("ALTER TABLE complaints ADD COLUMN note TEXT;"),
        M::up("CREATE TABLE extra (a INTEGER PRIMARY KEY) STRICT;"),
    ]);
    let broken = after(&[M::up("CREATE TABLE half (a); CREATE TABLE half (a);")]);
    let next = schema::VERSION + 1;
    let newest = schema::VERSION + 2;
    let folder = closed();
    let old = SqliteStore::open(&quick(&folder)).unwrap();

    let broken = Schema { version: next, migrations: &Migrations::new(broken) };
    SqliteStore::open_with(&quick(&folder), &broken).unwrap_err();
    put(&old, &batch(2), &[]).expect("a failed upgrade has changed nothing");

    let later = Schema { version: newest, migrations: &Migrations::new(later) };
    let new = SqliteStore::open_with(&quick(&folder), &later).unwrap();
    assert_eq!(window(&new, at(0)).len(), 200);
    assert_eq!(put(&old, &batch(3), &[]), Err(CommitError::Superseded(newest)));
    assert_eq!(old.requeue_refused(&DeadLetterFilter::default(), at(1)), Err(StoreError::Superseded(newest)));
    // The version stands in the write-ahead log only, not yet in the file itself.
    let error = SqliteStore::open(&quick(&folder)).unwrap_err();
    assert!(
        matches!(error, OpenError::Newer { found, known: schema::VERSION, .. } if found == newest),
        "{error}"
    );
}

#[test]
fn reading_next_to_a_writer_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let missing = SqliteStore::open_read_only(&quick(&folder)).unwrap_err();
    assert!(matches!(missing, OpenError::Missing { .. }), "{missing}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);

    let writer = SqliteStore::open(&quick(&folder)).unwrap();
    let reader = SqliteStore::open_read_only(&quick(&folder)).unwrap();
    let mut commit = batch(1);
    commit.complaints = vec![record("c1", 0, None)];
    put(&writer, &commit, &[]).unwrap();
    assert_eq!(window(&reader, at(0)), ["c1"]);
    assert!(matches!(put(&reader, &commit, &[]), Err(CommitError::ReadOnly(_))));
    assert!(matches!(reader.vacuum(), Err(StoreError::ReadOnly(_))));
}

#[test]
fn an_older_store_is_not_upgraded_by_a_reader() {
    let folder = closed();
    Connection::open(quick(&folder).file()).unwrap().pragma_update(None, "user_version", 0).unwrap();
    let error = SqliteStore::open_read_only(&quick(&folder)).unwrap_err();
    assert!(matches!(error, OpenError::Older { found: 0, .. }), "{error}");
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    // A file stands where a folder is wanted: refused for every user, root included.
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "x").unwrap();
    let error = SqliteStore::open(&StoreConfig::at(folder.path().join("file/data"))).unwrap_err();
    assert!(error.to_string().contains("file/data"), "{error}");
}

#[test]
fn a_setting_out_of_range_is_refused_before_anything_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = quick(&folder);
    config.retention.audit_days = 1;
    assert!(matches!(SqliteStore::open(&config), Err(OpenError::Config(_))));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}
