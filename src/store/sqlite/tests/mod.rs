//! Tests of the store through its interface, and what they share.

mod care;
mod commits;
mod crash;
mod model;
mod opening;
mod outbox;
mod room;
mod sweeping;
mod verdicts;
mod window;

use std::ops::ControlFlow;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Map;
use tempfile::TempDir;

use super::SqliteStore;
use crate::model::{
    Alert, AlertBody, AlertId, AlertKind, AlertState, CallerKey, Commit, Complaint, ComplaintId,
    ComplaintRecord, ContentHash, DeadLetter, DeadReason, Decision, GroupAlert, GroupDecision, GroupId,
    IncidentRecord, Level, PartitionKey, PlaceFields, Position, PositionDelta, ReportedCaller,
};
use crate::store::{CommitError, Store, StoreConfig, Synchronous};

/// A store in a folder of its own; commits do not wait for the disk.
fn fresh() -> (TempDir, SqliteStore) {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&quick(&folder)).unwrap();
    (folder, store)
}

fn quick(folder: &TempDir) -> StoreConfig {
    StoreConfig { synchronous: Synchronous::Normal, ..StoreConfig::at(folder.path()) }
}

/// `seconds` after the tests' beginning.
fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_770_000_000 + seconds).unwrap()
}

fn days(days: i64) -> Timestamp {
    at(days * 86_400)
}

fn main_partition() -> PartitionKey {
    PartitionKey::from("main")
}

fn sinks() -> Vec<String> {
    vec!["centre".into(), "robot".into()]
}

/// A batch that changes nothing yet, committed `seconds` after the beginning.
fn batch(seconds: i64) -> Commit {
    Commit { clock: Some(at(seconds)), ..Commit::new(main_partition(), 0, at(seconds)) }
}

/// Commits after whatever was committed before.
fn put(store: &SqliteStore, commit: &Commit, sinks: &[String]) -> Result<(), CommitError> {
    let state = store.partition_state(&commit.partition)?;
    store.commit(&Commit { after: state.map_or(0, |state| state.commits), ..commit.clone() }, sinks)
}

/// Everything about the complaint follows from its number.
fn record(id: &str, seq: u64, group: Option<&str>) -> ComplaintRecord {
    let complaint = Complaint {
        id: ComplaintId::from(id),
        received_at: at(seq.cast_signed()),
        channel: None,
        caller: ReportedCaller { id: Some("A1".into()), ..ReportedCaller::default() },
        title: "楼道停水".into(),
        text: format!("三天没有水了，第{seq}次反映"),
        place: PlaceFields { lon: Some(116.330_000_000_000_05), ..PlaceFields::default() },
        category: vec!["城乡建设".into()],
        subject: None,
        tags: Vec::new(),
        earlier: Vec::new(),
        extra: Map::new(),
    };
    ComplaintRecord {
        seq,
        complaint: Arc::new(complaint),
        callers: [CallerKey(seq), CallerKey(u64::MAX)].into_iter().collect(),
        content: ContentHash(u64::MAX - seq),
        version: 1,
        clock: at(seq.cast_signed()),
        decision: Decision {
            group: GroupDecision { group: group.map(GroupId::from), ..GroupDecision::default() },
            ..Decision::default()
        },
        reading: None,
    }
}

fn alert(id: &str, revision: u32) -> Alert {
    Alert {
        id: AlertId::from(id),
        revision,
        partition: main_partition(),
        kind: AlertKind::GroupIncident,
        state: if revision == 1 { AlertState::Raised } else { AlertState::Updated },
        level: Level::Blue,
        raised_at: at(i64::from(revision)),
        title: "停水".into(),
        summary: "三人反映".into(),
        callers: 3,
        complaints: 4,
        anonymous: 1,
        first_at: at(0),
        last_at: at(9),
        members: vec![ComplaintId::from("c1")],
        body: AlertBody::Group(GroupAlert {
            group: GroupId::from("g1"),
            place: None,
            key_terms: vec!["停水".into()],
            central: ComplaintId::from("c1"),
            threshold: 3,
            window_days: 7,
            evidence: Vec::new(),
            grouping: "3-0badcafe".into(),
            pack: String::new(),
            usual: None,
            registered: None,
            copied: 0,
            merged_into: None,
        }),
    }
}

fn incident(id: &str, open: bool) -> IncidentRecord {
    IncidentRecord {
        id: AlertId::from(id),
        kind: AlertKind::GroupIncident,
        group: Some(GroupId::from("g1")),
        entity: None,
        open,
        revision: 1,
        changed_at: at(1),
        state: r#"{"ratio":0.12345678901234568,"callers":[1,2,3]}"#.to_owned(),
    }
}

fn letter(bytes: &[u8]) -> DeadLetter {
    DeadLetter {
        reason: DeadReason::InvalidJson,
        detail: "cut short at byte 7".into(),
        source: "http".into(),
        at: "line 3".into(),
        seen_at: at(5),
        bytes: bytes.to_vec(),
        is_event: true,
    }
}

fn delta(source: &str, from: Option<i64>, to: i64) -> PositionDelta {
    PositionDelta { source: source.into(), from: from.map(Position), to: Position(to) }
}

/// The ids of an engine's complaints from `since` on, in the order the store hands them over.
fn window(store: &SqliteStore, since: Timestamp) -> Vec<String> {
    let mut ids = Vec::new();
    let mut each = |found: crate::store::StoredComplaint| {
        ids.push(found.record.complaint.id.to_string());
        ControlFlow::Continue(())
    };
    let handed = store.history(&main_partition(), since, &mut each).unwrap();
    assert_eq!(handed, ids.len() as u64);
    ids
}

fn assert_sound(store: &SqliteStore) {
    assert_eq!(store.check().unwrap().faults, Vec::<String>::new());
}
