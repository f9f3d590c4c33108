//! What a start reads of the open complaints.

use std::collections::BTreeMap;

use super::*;
use crate::model::{KeptReading, OpenSince};
use crate::store::{OpenComplaint, Words};

fn open(store: &SqliteStore, since: OpenSince, version: u64) -> Vec<OpenComplaint> {
    let mut open = Vec::new();
    let mut each = |found| {
        open.push(found);
        ControlFlow::Continue(())
    };
    let handed = store.open_window(&main_partition(), since, version, &mut each).unwrap();
    assert_eq!(handed, open.len() as u64);
    open
}

fn read(id: &str, seq: u64, group: Option<&str>, version: u64) -> ComplaintRecord {
    let bytes: Box<[u8]> = id.as_bytes().into();
    ComplaintRecord { reading: Some(KeptReading { version, bytes }), ..record(id, seq, group) }
}

fn is_read(complaint: &OpenComplaint) -> bool {
    match &complaint.words {
        Words::Read(bytes) => {
            assert_eq!(bytes, complaint.id.as_str().as_bytes());
            assert!(complaint.unread().unwrap().is_none());
            true
        }
        Words::Unread(_) => {
            assert_eq!(complaint.unread().unwrap().unwrap().id, complaint.id);
            false
        }
    }
}

#[test]
fn a_reading_is_used_only_under_its_version_and_only_for_the_last_version_of_a_complaint() {
    let (_folder, store) = fresh();
    let mut commit = batch(10);
    commit.complaints = vec![read("c1", 0, None, 7), read("c2", 1, Some("g"), 7), record("c3", 2, None)];
    put(&store, &commit, &[]).unwrap();
    let known =
        |version| open(&store, OpenSince::all(at(0)), version).iter().map(is_read).collect::<Vec<_>>();
    assert_eq!(known(7), [true, true, false]);
    assert_eq!(known(u64::MAX), [false, false, false]);

    let mut commit = batch(11);
    commit.complaints = vec![
        ComplaintRecord { version: 2, ..record("c1", 3, None) },
        ComplaintRecord { version: 2, ..read("c2", 4, None, u64::MAX) },
    ];
    put(&store, &commit, &[]).unwrap();
    let known =
        |version| open(&store, OpenSince::all(at(0)), version).iter().map(is_read).collect::<Vec<_>>();
    assert_eq!((known(7), known(u64::MAX)), (vec![false, false, false], vec![false, false, true]));
    assert_sound(&store);
}

#[test]
fn who_is_alone_is_open_for_a_shorter_time() {
    let (_folder, store) = fresh();
    let mut commit = batch(10);
    commit.complaints =
        (0..6).map(|seq| record(&format!("c{seq}"), seq, (seq % 2 == 1).then_some("g"))).collect();
    put(&store, &commit, &[]).unwrap();
    let ids = |grouped, alone| {
        let since = OpenSince { grouped: at(grouped), alone: at(alone) };
        open(&store, since, 1).iter().map(|open| open.id.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(ids(0, 0), ["c0", "c1", "c2", "c3", "c4", "c5"]);
    assert_eq!(ids(0, 3), ["c1", "c3", "c4", "c5"]);
    assert_eq!(ids(2, 5), ["c3", "c5"]);
    let since = OpenSince { grouped: at(0), alone: at(9) };
    let member = &open(&store, since, 1)[0];
    assert_eq!(member.group.as_ref().map(GroupId::as_str), Some("g"));
    assert_eq!(member.decision().unwrap(), Some(record("c1", 1, Some("g")).decision));
}

#[test]
fn readings_go_when_their_complaints_close_and_with_them() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&quick(&folder)).unwrap();
    let mut commit = batch(0);
    commit.complaints = (0..4).map(|seq| read(&format!("c{seq}"), seq, None, 7)).collect();
    put(&store, &commit, &[]).unwrap();
    let since = BTreeMap::from([(main_partition(), at(2))]);
    store.sweep(at(5), &since).unwrap();
    let known: Vec<bool> = open(&store, OpenSince::all(at(0)), 7).iter().map(is_read).collect();
    assert_eq!(known, [false, false, true, true], "the complaints are kept longer");
    assert_sound(&store);
}
