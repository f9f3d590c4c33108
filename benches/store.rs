//! What the store costs: a durable commit of a batch, and reading the open window on a restart.
//!
//! `cargo bench --bench store`. Commits wait for the disk that holds the temporary folder; set
//! `TMPDIR` to measure another one.

use std::hint::black_box;
use std::ops::ControlFlow;
use std::sync::Arc;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use fenghuo::model::{
    CallerKey, Commit, Complaint, ComplaintId, ComplaintRecord, ContentHash, Decision, GroupDecision,
    GroupId, KeptApart, PartitionKey, PlaceFields, Position, PositionDelta, ReportedCaller,
};
use fenghuo::store::sqlite::SqliteStore;
use fenghuo::store::{Store, StoreConfig, Synchronous};
use jiff::Timestamp;

const BATCH: u64 = 256;
const WINDOW: u64 = 10_000;

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_second(1_770_000_000 + seconds.cast_signed()).expect("within range")
}

/// A complaint of usual length: 300 characters, half of them in a group, with what it was kept
/// apart from.
fn record(seq: u64) -> ComplaintRecord {
    let complaint = Complaint {
        id: ComplaintId::from(format!("20260228-{seq:08}")),
        received_at: at(seq),
        channel: Some("12345".into()),
        caller: ReportedCaller { id: Some(format!("A{seq:09}")), ..ReportedCaller::default() },
        title: "反映小区夜间施工噪声扰民".into(),
        text: "市民来电反映，小区东侧工地每天夜里十一点以后仍在施工，噪声很大，影响休息。".repeat(8),
        place: PlaceFields {
            district: Some("某某区".into()),
            street: Some("某某街道".into()),
            community: Some("某某社区".into()),
            ..PlaceFields::default()
        },
        category: vec!["城乡建设".into(), "建筑施工".into(), "夜间施工".into()],
        subject: Some("某某建设公司".into()),
        tags: Vec::new(),
        earlier: Vec::new(),
        extra: serde_json::Map::new(),
    };
    let kept_apart = KeptApart {
        nearest: ComplaintId::from("20260101-00000001"),
        group: None,
        similarity: 0.04,
        threshold: 0.06,
        reason: "below_threshold".into(),
    };
    let group = seq.is_multiple_of(2).then(|| GroupId::from(format!("g{}", seq / 10)));
    ComplaintRecord {
        seq,
        complaint: Arc::new(complaint),
        callers: [CallerKey(seq)].into_iter().collect(),
        content: ContentHash(seq.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
        version: 1,
        clock: at(seq),
        decision: Decision {
            group: GroupDecision { group, kept_apart: vec![kept_apart; 3], ..GroupDecision::default() },
            ..Decision::default()
        },
        reading: None,
    }
}

fn batch(first: u64) -> Commit {
    let position = |seq: u64| Position(seq.cast_signed());
    Commit {
        positions: vec![PositionDelta {
            source: "kafka:complaints/0".into(),
            from: (first > 0).then(|| position(first)),
            to: position(first + BATCH),
        }],
        clock: Some(at(first + BATCH)),
        complaints: (first..first + BATCH).map(record).collect(),
        ..Commit::new(PartitionKey::from("main"), first / BATCH, at(first))
    }
}

fn commits(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("commit of 256 complaints");
    group.throughput(Throughput::Elements(BATCH)).sample_size(20);
    for (name, synchronous) in [("durable", Synchronous::Full), ("no waiting", Synchronous::Normal)] {
        let folder = tempfile::tempdir().expect("a folder");
        let config = StoreConfig { synchronous, ..StoreConfig::at(folder.path()) };
        let store = SqliteStore::open(&config).expect("a store");
        let mut first = 0;
        group.bench_function(name, |bencher| {
            let next = || {
                let commit = batch(first);
                first += BATCH;
                commit
            };
            let durable = |commit: Commit| store.commit(&commit, &[]).expect("committed");
            bencher.iter_batched(next, durable, BatchSize::PerIteration);
        });
    }
    group.finish();
}

fn reading(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder");
    let config = StoreConfig { synchronous: Synchronous::Normal, ..StoreConfig::at(folder.path()) };
    let store = SqliteStore::open(&config).expect("a store");
    for first in (0..WINDOW).step_by(BATCH as usize) {
        store.commit(&batch(first), &[]).expect("committed");
    }
    let stored = store.counts().expect("counted");
    let mut group = criterion.benchmark_group("read");
    group.sample_size(20);
    group.throughput(Throughput::Elements(stored.complaints));
    group.bench_function(format!("open window of {}", stored.complaints), |bencher| {
        bencher.iter(|| {
            let mut each = |complaint| {
                black_box(complaint);
                ControlFlow::Continue(())
            };
            store.history(&PartitionKey::from("main"), at(0), &mut each).expect("read")
        });
    });
    group.throughput(Throughput::Elements(BATCH));
    // Half of them known, as in a stream with many repeats.
    let ids: Vec<ComplaintId> = (stored.complaints - BATCH / 2..stored.complaints + BATCH / 2)
        .map(|seq| ComplaintId::from(format!("20260228-{seq:08}")))
        .collect();
    group.bench_function("known, 256 ids", |bencher| {
        bencher.iter(|| black_box(store.known(&ids).expect("read")));
    });
    group.finish();
}

criterion_group!(benches, commits, reading);
criterion_main!(benches);
