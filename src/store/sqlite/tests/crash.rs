//! What is left after a crash: of the files at any moment, and of a process that is killed.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use super::*;
use crate::model::Positions;

/// The `number`-th of a row of commits of different shapes.
fn step(number: u64) -> Commit {
    let mut commit = batch(number.cast_signed());
    let from = number.checked_sub(1).map(u64::cast_signed);
    commit.positions = vec![delta("a", from, number.cast_signed())];
    commit.complaints = (0..=number % 7)
        .map(|index| record(&format!("c{number}-{index}"), number * 10 + index, Some("g")))
        .collect();
    commit.alerts = vec![alert("A", u32::try_from(number).unwrap() + 1)];
    if number.is_multiple_of(3) {
        commit.dead_letters = vec![letter(&[b'x'; 9000])];
    }
    commit
}

/// How many of the steps a store holds; fails unless it holds each of them whole.
fn steps_held(store: &SqliteStore) -> u64 {
    assert_sound(store);
    let held = store.position("a").unwrap().map_or(0, |position| position.0.cast_unsigned() + 1);
    let complaints: u64 = (0..held).map(|number| 1 + number % 7).sum();
    let counts = store.counts().unwrap();
    assert_eq!((counts.complaints, counts.alerts, counts.outbox_pending), (complaints, held, held * 2));
    assert_eq!(counts.dead_letters.get("invalid_json").copied().unwrap_or(0), held.div_ceil(3));
    held
}

fn reopened(file: &[u8], log: &[u8]) -> u64 {
    let folder = tempfile::tempdir().unwrap();
    let config = quick(&folder);
    fs::write(config.file(), file).unwrap();
    fs::write(folder.path().join("fenghuo.db-wal"), log).unwrap();
    let store = SqliteStore::open(&config).unwrap();
    let held = steps_held(&store);
    put(&store, &step(held), &sinks()).expect("it goes on where it stopped");
    held
}

#[test]
fn after_each_commit_and_with_the_log_cut_anywhere_whole_commits_are_left() {
    let (folder, store) = fresh();
    let read = |name: &str| fs::read(folder.path().join(name)).unwrap();
    let mut ends = vec![0];
    for number in 0..12 {
        put(&store, &step(number), &sinks()).unwrap();
        ends.push(read("fenghuo.db-wal").len());
        assert_eq!(reopened(&read("fenghuo.db"), &read("fenghuo.db-wal")), number + 1);
    }
    let (file, log) = (read("fenghuo.db"), read("fenghuo.db-wal"));
    assert!(ends.is_sorted_by(|a, b| a < b), "the log only grew: {ends:?}");
    for cut in (0..log.len()).step_by(log.len() / 60) {
        let whole = ends.iter().filter(|&&end| end <= cut).count() as u64 - 1;
        assert_eq!(reopened(&file, &log[..cut]), whole, "cut at {cut}");
    }
    // A page of the log that reached the disk torn: everything before it is still there.
    for commit in 1..ends.len() - 1 {
        let mut torn = log.clone();
        torn[ends[commit] + 100] ^= 0x5a;
        assert_eq!(reopened(&file, &torn), commit as u64);
    }
}

#[test]
fn a_crash_while_the_log_is_folded_in_loses_nothing() {
    let (folder, store) = fresh();
    for number in 0..12 {
        put(&store, &step(number), &sinks()).unwrap();
    }
    let before = fs::read(store.file()).unwrap();
    let log = fs::read(folder.path().join("fenghuo.db-wal")).unwrap();
    drop(store);
    let after = fs::read(quick(&folder).file()).unwrap();
    assert!(after.len() > before.len() && !folder.path().join("fenghuo.db-wal").exists());
    // Pages reach the file one by one, the first of them says how long the file should be.
    for page in 1..after.len() / 8192 {
        let cut = page * 8192;
        let mut between = after[..cut].to_vec();
        between.extend(before.iter().skip(cut));
        assert_eq!(reopened(&between, &log), 12, "{page} pages folded in");
    }
}

const FOLDER: &str = "FENGHUO_TEST_STORE_FOLDER";

/// The process that [`what_was_acknowledged_survives_a_kill`] kills; run alone it makes a few steps.
#[test]
#[ignore = "started by what_was_acknowledged_survives_a_kill"]
fn child_that_commits() {
    let own = tempfile::tempdir().unwrap();
    let folder = std::env::var_os(FOLDER);
    let last = if folder.is_some() { u64::MAX } else { 5 };
    let folder = folder.unwrap_or_else(|| own.path().into());
    let store = SqliteStore::open(&StoreConfig::at(Path::new(&folder))).unwrap();
    let mut next = steps_held(&store);
    while next < last {
        put(&store, &step(next), &sinks()).unwrap();
        next += 1;
        println!("acknowledged {next}");
    }
}

#[test]
fn what_was_acknowledged_survives_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let mut before = 0;
    for kill_after in [1, 7, 40] {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "store::sqlite::tests::crash::child_that_commits", "--ignored", "--nocapture"])
            .env(FOLDER, folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut acknowledged = 0;
        for line in lines.map_while(Result::ok) {
            // The test harness may have begun this line.
            let Some((_, number)) = line.split_once("acknowledged ") else { continue };
            acknowledged = number.parse().unwrap();
            if acknowledged >= before + kill_after {
                break;
            }
        }
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(acknowledged >= before + kill_after, "the child stopped at {acknowledged}");
        let held = steps_held(&SqliteStore::open(&quick(&folder)).unwrap());
        assert!(held >= acknowledged, "{held} held, {acknowledged} acknowledged");
        before = held;
    }
}
