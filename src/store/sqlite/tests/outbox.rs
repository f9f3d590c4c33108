//! Order, leases and refusals in the outbox.

use super::*;
use crate::store::{DeadLetterFilter, DeliveryState, OutboxRow};

fn due(store: &SqliteStore, seconds: i64, sink: &str) -> Vec<OutboxRow> {
    store.due(at(seconds), sink, 10, "me", at(seconds + 60)).unwrap()
}

fn names(rows: &[OutboxRow]) -> Vec<String> {
    rows.iter().map(|row| format!("{}.{}", row.alert.id, row.alert.revision)).collect()
}

fn with_alerts(alerts: Vec<Alert>) -> (TempDir, SqliteStore) {
    let (folder, store) = fresh();
    put(&store, &Commit { alerts, ..batch(1) }, &sinks()).unwrap();
    (folder, store)
}

#[test]
fn revisions_of_one_alert_leave_one_after_the_other() {
    let (_folder, store) = with_alerts(vec![alert("A", 1), alert("A", 2), alert("B", 1)]);
    let rows = due(&store, 2, "centre");
    assert_eq!(names(&rows), ["A.1", "B.1"]);
    assert_eq!(rows[0].alert, alert("A", 1));
    assert!(due(&store, 3, "centre").is_empty(), "leased");
    assert_eq!(names(&due(&store, 3, "robot")), ["A.1", "B.1"], "another sink is not held up");
    assert!(store.delivered(&rows[0], at(4), "200").unwrap());
    assert!(!store.delivered(&rows[0], at(4), "200").unwrap(), "once only");
    assert_eq!(names(&due(&store, 4, "centre")), ["A.2"]);
    let depth = store.outbox_depth("centre").unwrap();
    assert_eq!((depth.pending, depth.oldest), (2, Some(at(1))));
    assert_eq!(store.outbox_depths().unwrap().len(), 2);
    assert_eq!(store.outbox_depth("nobody").unwrap().pending, 0);
    assert_sound(&store);
}

#[test]
fn a_failed_row_waits_and_holds_up_its_alert_only() {
    let (_folder, store) = with_alerts(vec![alert("A", 1), alert("A", 2), alert("B", 1)]);
    let rows = due(&store, 2, "centre");
    assert!(store.retry_at(&rows[0], at(100), "503").unwrap());
    assert!(store.delivered(&rows[1], at(3), "200").unwrap());
    assert!(due(&store, 99, "centre").is_empty());
    assert_eq!(store.next_due("centre").unwrap(), Some(at(100)));
    let again = due(&store, 100, "centre");
    assert_eq!(names(&again), ["A.1"]);
    assert_eq!((again[0].attempts, again[0].last_error.as_deref()), (1, Some("503")));
    assert!(store.release(&again[0], at(101)).unwrap());
    assert_eq!(due(&store, 101, "centre")[0].attempts, 1, "giving back is no failure");
}

#[test]
fn a_lease_that_ran_out_goes_to_the_next_and_the_late_one_has_no_say() {
    let (_folder, store) = with_alerts(vec![alert("A", 1)]);
    let mine = due(&store, 2, "centre").remove(0);
    let theirs = store.due(at(62), "centre", 10, "other", at(122)).unwrap().remove(0);
    assert!(!store.retry_at(&mine, at(63), "timeout").unwrap());
    assert!(!store.release(&mine, at(63)).unwrap());
    assert_eq!(store.next_due("centre").unwrap(), Some(at(122)));
    assert!(store.delivered(&mine, at(64), "200").unwrap(), "the receiver has it, whoever sent it");
    assert!(!store.delivered(&theirs, at(65), "200").unwrap());
    assert_eq!(store.next_due("centre").unwrap(), None);
}

#[test]
fn a_refused_row_becomes_a_dead_letter_and_can_be_put_back() {
    let (_folder, store) = with_alerts(vec![alert("A", 1), alert("A", 2)]);
    let row = due(&store, 2, "centre").remove(0);
    let refused = DeadLetter { reason: DeadReason::Rejected, source: "centre".into(), ..letter(b"{}") };
    let id = store.refused(&row, &refused).unwrap().expect("it was waiting");
    assert_eq!(store.refused(&row, &refused).unwrap(), None);
    assert_eq!(store.dead_letter(id).unwrap().unwrap().letter, refused);
    assert_eq!(names(&due(&store, 10, "centre")), ["A.2"], "the next revision is not held up");

    let all = DeadLetterFilter::default();
    assert!(store.take_dead_letters(&all, 9, at(20)).unwrap().is_empty(), "an alert is no event");
    assert_eq!(store.requeue_refused(&all, at(20)).unwrap(), 1);
    assert_eq!(store.requeue_refused(&all, at(20)).unwrap(), 0);
    let mut rows = due(&store, 200, "centre");
    assert_eq!(names(&rows), ["A.2"], "behind what is waiting");
    store.delivered(&rows.remove(0), at(201), "200").unwrap();
    assert_eq!(names(&due(&store, 202, "centre")), ["A.1"]);
    assert_sound(&store);
}

#[test]
fn work_is_handed_out_up_to_the_limit_longest_due_first() {
    let (_folder, store) = with_alerts((1..=5).map(|number| alert(&format!("A{number}"), 1)).collect());
    let first = store.due(at(2), "centre", 2, "me", at(60)).unwrap();
    assert_eq!(names(&first), ["A1.1", "A2.1"]);
    let second = store.due(at(2), "centre", 2, "you", at(60)).unwrap();
    assert_eq!(names(&second), ["A3.1", "A4.1"]);
    assert!(store.due(at(0), "centre", 2, "me", at(60)).unwrap().is_empty(), "not due yet");
}

#[test]
fn what_has_the_highest_level_goes_first_and_a_digest_is_settled_at_once() {
    let of = |id: &str, level| Alert { level, ..alert(id, 1) };
    let levels = [Level::Blue, Level::Red, Level::Yellow, Level::Orange, Level::Red];
    let alerts = ["A", "B", "C", "D", "E"].into_iter().zip(levels).map(|(id, level)| of(id, level));
    let (_folder, store) = with_alerts(alerts.chain([alert("B", 2)]).collect());
    let rows = due(&store, 2, "centre");
    assert_eq!(names(&rows), ["B.1", "E.1", "D.1", "C.1", "A.1"]);
    assert_eq!(store.delivered_all(&rows[..3], at(3), "one message").unwrap(), 3);
    assert_eq!(store.delivered_all(&rows[..3], at(3), "again").unwrap(), 0);
    assert_eq!(store.release_all(&rows[3..], at(3)).unwrap(), 2);
    let rows = due(&store, 4, "centre");
    assert_eq!(names(&rows), ["C.1", "A.1", "B.2"], "the next revision has its own level");
    assert_eq!(store.suppressed(&rows[..1], at(5), "told elsewhere").unwrap(), 1);
    assert_eq!(store.retry_all_at(&rows[1..], at(9), "503").unwrap(), 2);
    assert_eq!(store.outbox_depth("centre").unwrap().pending, 2);
    assert_sound(&store);
}

#[test]
fn what_became_of_an_alert_is_told_for_each_sink() {
    let (_folder, store) = with_alerts(vec![alert("A", 1), alert("A", 2), alert("B", 1)]);
    let states = |store: &SqliteStore| -> Vec<(u32, String, DeliveryState, Option<String>)> {
        let found = store.deliveries(&"A".into()).unwrap();
        found.into_iter().map(|one| (one.revision, one.sink, one.state, one.said)).collect()
    };
    let row = |sink: &str| store.due(at(2), sink, 1, "me", at(62)).unwrap().remove(0);
    store.delivered(&row("centre"), at(3), "200").unwrap();
    store.suppressed(&[row("robot")], at(3), "not here").unwrap();
    let second = row_of(&store, "robot", "A");
    store.refused(&second, &letter(b"{}")).unwrap().expect("it was waiting");
    let of = |revision, sink: &str, state, said: Option<&str>| {
        (revision, sink.to_owned(), state, said.map(str::to_owned))
    };
    let detail = letter(b"{}").detail;
    assert_eq!(
        states(&store),
        [
            of(1, "centre", DeliveryState::Delivered, Some("200")),
            of(1, "robot", DeliveryState::Suppressed, Some("not here")),
            of(2, "centre", DeliveryState::Waiting, None),
            of(2, "robot", DeliveryState::Refused, Some(detail.as_str())),
        ]
    );
    assert!(store.deliveries(&"nobody".into()).unwrap().is_empty());
}

fn row_of(store: &SqliteStore, sink: &str, id: &str) -> OutboxRow {
    let rows = store.due(at(70), sink, 10, "me", at(130)).unwrap();
    rows.into_iter().find(|row| row.alert.id.as_str() == id).expect("it is due")
}

#[test]
fn a_sink_is_told_again_only_of_what_it_has_and_is_open_or_has_just_ended() {
    let (_folder, store) = fresh();
    let put_one = |after: u64, alert: Alert, open: bool| {
        let incident = IncidentRecord {
            id: alert.id.clone(),
            kind: alert.kind,
            group: None,
            entity: None,
            open,
            revision: alert.revision,
            changed_at: at(1),
            state: "{}".into(),
        };
        let mut commit = Commit::new(main_partition(), after, at(1));
        (commit.alerts, commit.incidents) = (vec![alert], vec![incident]);
        put(&store, &commit, &sinks()).unwrap();
    };
    put_one(0, alert("A", 1), true);
    put_one(1, alert("B", 1), true);
    let told = |since| -> Vec<String> {
        let found = store.told("centre", since).unwrap();
        found.iter().map(|alert| format!("{}.{}", alert.id, alert.revision)).collect()
    };
    assert!(told(Some(at(0))).is_empty(), "nothing has got there yet");
    let rows = due(&store, 2, "centre");
    store.delivered(&rows[0], at(3), "200").unwrap();
    store.suppressed(&rows[1..], at(3), "not here").unwrap();
    assert_eq!(told(None), ["A.1"], "what was kept back is not told again");
    put_one(2, Alert { state: AlertState::Resolved, ..alert("A", 2) }, false);
    assert!(told(None).is_empty());
    store.delivered(&due(&store, 4, "centre")[0], at(5), "200").unwrap();
    assert_eq!((told(Some(at(5))), told(Some(at(6))), told(None)), (vec!["A.2".to_owned()], vec![], vec![]));
}
