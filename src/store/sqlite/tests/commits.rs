//! What a commit keeps, and what it refuses.

use super::*;
use crate::model::Positions;
use crate::store::{AlertFilter, CommitError, DeadLetterFilter};

#[test]
fn everything_in_a_batch_comes_back_as_it_was() {
    let (_folder, store) = fresh();
    let mut commit = batch(10);
    commit.positions = vec![delta("kafka:a/0", None, 7)];
    commit.complaints = vec![record("c1", 0, Some("g1")), record("c2", 1, None)];
    commit.incidents = vec![incident("QS2", true), incident("QS1", false)];
    commit.alerts = vec![alert("QS1", 1), alert("QS1", 2), alert("QS2", 1)];
    commit.dead_letters = vec![letter(b"\xff{")];
    put(&store, &commit, &sinks()).unwrap();

    assert_eq!(store.position("kafka:a/0").unwrap(), Some(Position(7)));
    assert_eq!(store.position("kafka:a/1").unwrap(), None);
    let found = store.complaint(&"c1".into()).unwrap().unwrap();
    let wanted = &commit.complaints[0];
    assert_eq!(found.record.complaint, wanted.complaint);
    assert_eq!(found.record.callers, wanted.callers);
    assert_eq!(found.record.content, wanted.content);
    assert_eq!(found.record.clock, wanted.clock);
    assert_eq!(found.record.decision, wanted.decision);
    assert_eq!(found.group, Some("g1".into()));
    assert_eq!(found.partition, main_partition());
    assert!(store.complaint(&"c3".into()).unwrap().is_none());

    let known = store.known(&["c2".into(), "c9".into()]).unwrap();
    assert_eq!(known.len(), 1);
    let c2 = &known[&ComplaintId::from("c2")];
    assert_eq!((c2.seq, c2.version, c2.content, c2.clock), (1, 1, ContentHash(u64::MAX - 1), at(1)));

    let state = store.partition_state(&main_partition()).unwrap().unwrap();
    assert_eq!((state.clock, state.next_seq, state.committed_at), (Some(at(10)), 2, at(10)));
    assert_eq!(store.partitions().unwrap(), [(main_partition(), state)]);
    assert!(store.partition_state(&"other".into()).unwrap().is_none());

    assert_eq!(store.incidents(&main_partition()).unwrap(), [incident("QS1", false), incident("QS2", true)]);
    assert_eq!(store.incident(&"QS2".into()).unwrap(), Some(incident("QS2", true)));
    assert_eq!(store.alert(&"QS1".into()).unwrap(), [alert("QS1", 1), alert("QS1", 2)]);
    let letters = store.dead_letters(&DeadLetterFilter::default(), 10).unwrap();
    assert_eq!((letters.len(), letters[0].bytes), (1, 2));
    assert_eq!(store.dead_letter(letters[0].id).unwrap().unwrap().letter, letter(b"\xff{"));
    assert_eq!(store.audit(Some("alert"), 10).unwrap().len(), 3);
    let counts = store.counts().unwrap();
    assert_eq!((counts.complaints, counts.groups, counts.incidents, counts.incidents_open), (2, 1, 2, 1));
    assert_eq!((counts.alerts, counts.outbox_pending, counts.dead_letters["invalid_json"]), (3, 6, 1));
    assert_sound(&store);
}

#[test]
fn alerts_are_listed_newest_first_and_filtered() {
    let (_folder, store) = fresh();
    let mut commit = batch(10);
    let risk = Alert { kind: AlertKind::FinancialRisk, ..alert("JR1", 1) };
    commit.alerts = vec![alert("QS1", 1), risk, alert("QS1", 2)];
    put(&store, &commit, &[]).unwrap();
    let list = |filter: &AlertFilter, limit| -> Vec<(String, u32)> {
        let found = store.alerts(filter, limit).unwrap();
        found.iter().map(|found| (found.alert.id.to_string(), found.alert.revision)).collect()
    };
    let all = AlertFilter::default();
    assert_eq!(list(&all, 2), [("QS1".into(), 2), ("JR1".into(), 1)]);
    let bottom = store.alerts(&all, 2).unwrap().last().unwrap().key;
    assert_eq!(list(&AlertFilter { before: Some(bottom), ..all.clone() }, 2), [("QS1".into(), 1)]);
    let latest = AlertFilter { latest_only: true, ..all.clone() };
    assert_eq!(list(&latest, 9), [("QS1".into(), 2), ("JR1".into(), 1)]);
    let risks = AlertFilter { kind: Some(AlertKind::FinancialRisk), ..all.clone() };
    assert_eq!(list(&risks, 9), [("JR1".into(), 1)]);
    assert_eq!(list(&AlertFilter { since: Some(at(2)), ..all.clone() }, 9), [("QS1".into(), 2)]);
    assert_eq!(list(&AlertFilter { partition: Some("other".into()), ..all }, 9), []);
}

#[test]
fn an_update_moves_the_complaint_to_its_own_number() {
    let (_folder, store) = fresh();
    let mut commit = batch(1);
    commit.complaints = vec![record("c1", 0, None), record("c2", 1, None)];
    put(&store, &commit, &[]).unwrap();
    let mut update = batch(2);
    update.complaints = vec![ComplaintRecord { version: 2, ..record("c1", 2, Some("g")) }];
    put(&store, &update, &[]).unwrap();
    assert_eq!(window(&store, at(0)), ["c2", "c1"]);
    let known = &store.known(&["c1".into()]).unwrap()[&ComplaintId::from("c1")];
    assert_eq!((known.version, known.earlier.len()), (2, 1));
    let mut alone = batch(3);
    alone.complaints = vec![ComplaintRecord { version: 3, ..record("c1", 3, None) }];
    put(&store, &alone, &[]).unwrap();
    assert_eq!(store.resolve_group(&"g".into()).unwrap(), None, "it has lost its last member");
    assert_sound(&store);
}

#[test]
fn the_window_begins_where_the_clock_says_and_stops_when_told() {
    let (_folder, store) = fresh();
    assert_eq!(window(&store, at(0)), Vec::<String>::new());
    let mut commit = batch(1);
    // Numbers with gaps, and several complaints at one clock.
    let place = |index: u64| (index * 3 + 5, at((index / 4).cast_signed()));
    commit.complaints = (0..40)
        .map(|index| {
            let (seq, clock) = place(index);
            ComplaintRecord { clock, ..record(&format!("c{index}"), seq, None) }
        })
        .collect();
    put(&store, &commit, &[]).unwrap();
    for since in -1..12 {
        let wanted: Vec<String> =
            (0..40).filter(|&index| place(index).1 >= at(since)).map(|index| format!("c{index}")).collect();
        assert_eq!(window(&store, at(since)), wanted, "since {since}");
    }
    let mut seen = 0;
    let mut each = |_| {
        seen += 1;
        if seen == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    assert_eq!(store.history(&main_partition(), at(0), &mut each).unwrap(), 3);
}

#[test]
fn merged_groups_answer_under_all_their_names() {
    let (_folder, store) = fresh();
    let mut commit = batch(1);
    commit.complaints =
        vec![record("a1", 0, Some("a")), record("b1", 1, Some("b")), record("c1", 2, Some("c"))];
    commit.aliases = vec![("a".into(), "b".into())];
    put(&store, &commit, &[]).unwrap();
    let mut second = batch(2);
    second.regrouped = vec![("b1".into(), Some("c".into()))];
    second.aliases = vec![("b".into(), "c".into())];
    put(&store, &second, &[]).unwrap();
    for name in ["a", "b", "c"] {
        assert_eq!(store.resolve_group(&name.into()).unwrap(), Some("c".into()), "{name}");
        let members = store.group_members(&name.into()).unwrap();
        assert_eq!(members, ["a1", "b1", "c1"].map(ComplaintId::from), "{name}");
    }
    assert_eq!(store.complaint(&"a1".into()).unwrap().unwrap().group, Some("c".into()));
    assert_sound(&store);
}

#[test]
fn whoever_is_out_of_date_is_refused_and_leaves_nothing() {
    let (_folder, store) = fresh();
    let mut first = batch(1);
    first.positions = vec![delta("a", None, 10), delta("b", None, 5)];
    first.complaints = vec![record("c1", 0, None)];
    first.alerts = vec![alert("QS1", 1)];
    put(&store, &first, &sinks()).unwrap();

    let lost = |commit: &Commit| match store.commit(commit, &sinks()) {
        Err(CommitError::Lost { source }) => source,
        other => panic!("{other:?}"),
    };
    // The first delta joins on, the second does not: neither may stay.
    let mut stale = Commit { after: 1, ..batch(2) };
    stale.positions = vec![delta("a", Some(10), 20), delta("b", Some(4), 9)];
    stale.complaints = vec![record("c2", 1, None)];
    assert_eq!(lost(&stale), "b");
    stale.positions = vec![delta("a", None, 20)];
    assert_eq!(lost(&stale), "a");
    stale.positions = vec![delta("new", Some(1), 20)];
    assert_eq!(lost(&stale), "new");
    // Sources without positions, and time that passes, are fenced by the number of commits.
    stale.positions.clear();
    stale.after = 0;
    assert_eq!(lost(&stale), "main");
    stale.complaints.clear();
    assert_eq!(lost(&stale), "main");
    stale.after = 1;
    stale.alerts = vec![alert("QS1", 1)];
    assert_eq!(lost(&stale), "main");

    assert_eq!(store.position("a").unwrap(), Some(Position(10)));
    assert_eq!(store.position("new").unwrap(), None);
    assert!(store.complaint(&"c2".into()).unwrap().is_none());
    assert_eq!(store.counts().unwrap().outbox_pending, 2);
    let mut next = batch(3);
    next.positions = vec![delta("a", Some(10), 20), delta("a", Some(20), 21)];
    put(&store, &next, &sinks()).unwrap();
    assert_eq!(store.position("a").unwrap(), Some(Position(21)));
    assert_eq!(store.partition_state(&main_partition()).unwrap().unwrap().next_seq, 1);
    insta::assert_snapshot!(CommitError::Lost { source: "kafka:a/1".into() }, @"somebody else has committed for kafka:a/1 in the meantime; rebuild from the store");
}

#[test]
fn two_processes_take_turns_and_the_zombie_loses() {
    let (folder, old) = fresh();
    let new = SqliteStore::open(&quick(&folder)).unwrap();
    let mut commit = batch(1);
    commit.positions = vec![delta("a", None, 1)];
    put(&old, &commit, &[]).unwrap();
    commit.positions = vec![delta("a", Some(1), 2)];
    put(&new, &commit, &[]).unwrap();
    commit.after = 2;
    assert!(matches!(old.commit(&commit, &[]), Err(CommitError::Lost { .. })), "the position");
    commit.positions.clear();
    commit.after = 1;
    assert!(matches!(old.commit(&commit, &[]), Err(CommitError::Lost { .. })), "the engine");
    assert_eq!(old.position("a").unwrap(), Some(Position(2)));
}

#[test]
fn the_newest_earlier_versions_are_known_again() {
    let (_folder, store) = fresh();
    for version in 1..=20_u32 {
        let mut commit = batch(i64::from(version));
        let content = ContentHash(u64::MAX / 7 * u64::from(version % 7) + u64::from(version));
        let seq = u64::from(version);
        commit.complaints = vec![ComplaintRecord { content, version, ..record("c1", seq, None) }];
        put(&store, &commit, &[]).unwrap();
    }
    let known = store.known(&["c1".into()]).unwrap().remove(&ComplaintId::from("c1")).unwrap();
    let hash = |version: u64| ContentHash(u64::MAX / 7 * (version % 7) + version);
    assert_eq!(known.content, hash(20));
    assert_eq!(known.earlier, (4..20).map(hash).collect::<Vec<_>>());
}

#[test]
fn an_engine_that_a_complaint_leaves_has_to_be_built_again() {
    let (_folder, store) = fresh();
    let mut commit = batch(1);
    commit.complaints = vec![record("c1", 1, None)];
    commit.incidents = vec![incident("QS1", true)];
    put(&store, &commit, &[]).unwrap();

    let other = PartitionKey::from("other");
    let mut over = Commit { partition: other.clone(), ..batch(2) };
    over.complaints = vec![ComplaintRecord { version: 2, ..record("c1", 1, None) }];
    over.left.insert(main_partition(), vec![incident("QS1", false)]);
    put(&store, &over, &[]).unwrap();

    assert_eq!(store.complaint(&"c1".into()).unwrap().unwrap().partition, other);
    let left = store.incidents(&main_partition()).unwrap();
    assert_eq!(left.iter().map(|incident| incident.open).collect::<Vec<_>>(), [false], "it stays there");
    let stale = Commit { after: 1, ..batch(3) };
    assert!(matches!(store.commit(&stale, &[]), Err(CommitError::Lost { .. })));
    put(&store, &batch(3), &[]).unwrap();
}

#[test]
fn sources_get_their_positions_from_any_store() {
    let (_folder, store) = fresh();
    let mut commit = batch(1);
    commit.positions = vec![delta("a", None, 3)];
    let store: Arc<dyn Store> = Arc::new(store);
    store.commit(&commit, &[]).unwrap();
    let positions: Arc<dyn Positions> = store;
    assert_eq!(positions.position("a").unwrap(), Some(Position(3)));
}

#[test]
fn a_lock_held_by_another_process_is_busy_and_passes() {
    let folder = tempfile::tempdir().unwrap();
    let config = StoreConfig { busy_timeout_seconds: 0, ..quick(&folder) };
    let store = SqliteStore::open(&config).unwrap();
    let other = rusqlite::Connection::open(store.file()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = put(&store, &batch(1), &[]).unwrap_err();
    assert!(matches!(error, CommitError::Busy(_)) && error.is_passing(), "{error}");
    other.execute_batch("ROLLBACK").unwrap();
    put(&store, &batch(1), &[]).unwrap();
}

#[test]
fn dead_letters_are_taken_once_and_stay() {
    let (_folder, store) = fresh();
    let mut commit = batch(1);
    let large = DeadLetter { reason: DeadReason::TooLarge, source: "file:a".into(), ..letter(b"large") };
    let row = DeadLetter { is_event: false, ..letter(b"a,row") };
    commit.dead_letters = vec![letter(b"one"), large, letter(b"three"), row];
    put(&store, &commit, &[]).unwrap();
    let by_reason = DeadLetterFilter { reason: Some(DeadReason::InvalidJson), ..DeadLetterFilter::default() };
    let taken = store.take_dead_letters(&by_reason, 1, at(9)).unwrap();
    assert_eq!(taken.len(), 1);
    assert_eq!(taken[0].letter.bytes, b"one");
    assert_eq!(taken[0].redriven_at, Some(at(9)));
    let rest = store.take_dead_letters(&DeadLetterFilter::default(), 9, at(9)).unwrap();
    assert_eq!(
        rest.iter().map(|letter| &*letter.letter.bytes).collect::<Vec<_>>(),
        [b"large".as_slice(), b"three"]
    );
    assert!(store.take_dead_letters(&DeadLetterFilter::default(), 9, at(9)).unwrap().is_empty());
    let again =
        DeadLetterFilter { ids: vec![rest[0].id], include_redriven: true, ..DeadLetterFilter::default() };
    assert_eq!(store.take_dead_letters(&again, 9, at(10)).unwrap().len(), 1);
    let from_file = DeadLetterFilter {
        source: Some("file:a".into()),
        include_redriven: true,
        ..DeadLetterFilter::default()
    };
    let listed = store.dead_letters(&from_file, 9).unwrap();
    assert_eq!((listed.len(), listed[0].redriven_at), (1, Some(at(10))));
    assert_eq!(store.counts().unwrap().dead_letters["invalid_json"], 1, "the row is no event");
    assert_eq!(store.audit(Some("redriven"), 9).unwrap().len(), 3);
}
