//! Complaints read from a real Kafka broker, while daemons and broker come and go.

use std::collections::BTreeMap;

use fenghuo::generate::Generated;
use fenghuo::model::Position;
use fenghuo::model::Positions as _;
use serde_json::Value;

use super::{Accepted, World, line, stream};
use crate::support::kafka::Broker;
use crate::support::wait_until;

/// Records that no complaint can be made of.
const POISON: [&str; 3] = ["no JSON at all", "{\"id\": \"p-1\"}", "[1, 2, 3]"];

fn settings(broker: &Broker, topic: &str, group: &str, grouping: &str) -> String {
    format!(
        "[kafka]\nbrokers = [\"{}\"]\ntopic = \"{topic}\"\ngroup = \"{group}\"\ngrouping = \"{grouping}\"\n\
         session_timeout_seconds = 6\nwatch_interval_seconds = 1\ncommit_interval_seconds = 1\n",
        broker.address()
    )
}

/// The partition of each event: by street, as `per_partition` asks for; all versions of a complaint
/// go where its first went.
fn partitioned(events: &[Generated], partitions: usize) -> Vec<Vec<Vec<u8>>> {
    let mut by_id = BTreeMap::new();
    let mut parts = vec![Vec::new(); partitions];
    for event in events {
        let complaint = &event.complaint;
        let street = complaint.place.street.as_deref().unwrap_or("");
        let sum: usize = street.bytes().map(usize::from).sum();
        let partition = *by_id.entry(complaint.id.clone()).or_insert(sum % partitions);
        parts[partition].push(line(event));
    }
    parts
}

fn position(world: &World, topic: &str, partition: usize) -> i64 {
    let read = world.store().and_then(|store| store.position(&format!("kafka:{topic}/{partition}")).ok());
    read.flatten().map_or(0, |Position(at)| at)
}

/// Waits until the stored positions are at least `ends`.
fn wait_for_positions(world: &World, topic: &str, ends: &[usize]) {
    wait_until("the positions to be committed", || {
        ends.iter()
            .enumerate()
            .all(|(partition, end)| position(world, topic, partition) >= i64::try_from(*end).unwrap())
    });
}

/// What one daemon that nothing disturbs makes of a topic that is complete.
fn undisturbed(broker: &Broker, topic: &str, grouping: &str, ends: &[usize]) -> Accepted {
    let world = World::new(&settings(broker, topic, "undisturbed", grouping));
    let daemon = world.daemon();
    wait_for_positions(&world, topic, ends);
    let accepted = world.all_accepted();
    assert!(accepted.len() > 10, "only {} alerts; the test would show little", accepted.len());
    let (status, log) = daemon.stop();
    assert_eq!(status.code(), Some(0), "{log}");
    accepted
}

#[test]
fn kills_restarts_poison_and_a_broken_broker_lose_and_double_nothing() {
    let mut broker = Broker::start();
    broker.create_topic("one", 1);
    // Many small commits to a piece, so that a kill finds some done and some not.
    let settings = settings(&broker, "one", "disturbed", "together") + "[intake]\nbatch_records = 3\n";
    let world = World::new(&settings);
    let mut lines: Vec<Vec<u8>> = stream(800, 21).iter().map(line).collect();
    for (number, poison) in POISON.iter().enumerate() {
        lines.insert(100 * (number + 1), poison.as_bytes().to_vec());
    }
    let mut daemon = world.daemon();
    let pieces: Vec<&[Vec<u8>]> = lines.chunks(140).collect();
    let mut end = 0;
    let mut cut_short = 0;
    for (number, piece) in pieces.iter().enumerate() {
        broker.produce("one", 0, piece.iter());
        match number {
            // Ended in good order with everything done, with the rest still coming.
            0 => {
                wait_for_positions(&world, "one", &[end + piece.len()]);
                let (status, log) = daemon.stop();
                assert_eq!(status.code(), Some(0), "{log}");
                daemon = world.daemon();
            }
            // Crashes, somewhere in the piece.
            1..=3 => {
                wait_for_positions(&world, "one", &[end + 1]);
                daemon.kill();
                cut_short +=
                    i32::from(position(&world, "one", 0) < i64::try_from(end + piece.len()).unwrap());
                daemon = world.daemon();
            }
            4 => {
                broker.kill();
                broker.restart();
            }
            // Rules read again while records come: the engine is rebuilt and reading goes on.
            5 => daemon.hang_up(),
            _ => {}
        }
        end += piece.len();
    }
    assert!(cut_short > 0, "every kill came after the work was done");
    wait_for_positions(&world, "one", &[end]);
    let accepted = world.all_accepted();
    let letters = world.command(&["dead-letters", "list", "--json"]);
    let letters: Value = serde_json::from_slice(&letters.stdout).unwrap();
    assert_eq!(letters.as_array().map(Vec::len), Some(POISON.len()), "{letters}");
    assert_eq!(letters[0]["source"], "kafka:one/0", "{letters}");
    wait_until("the reload", || daemon.log().contains("reloaded: the rules as read are in use"));
    let (status, log) = daemon.stop();
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(!log.contains("another process has committed"), "{log}");
    assert_eq!(accepted, undisturbed(&broker, "one", "together", &[end]));
}

#[test]
fn members_that_join_and_leave_share_the_partitions_without_loss() {
    const PARTITIONS: usize = 4;
    let broker = Broker::start();
    broker.create_topic("four", 4);
    let world = World::new(&settings(&broker, "four", "shared", "per_partition"));
    let parts = partitioned(&stream(600, 22), PARTITIONS);
    assert!(parts.iter().all(|part| part.len() > 20), "the streets fall into too few partitions");
    let mut ends = [0; PARTITIONS];
    let mut produce = |share: usize, of: usize| {
        for (partition, lines) in parts.iter().enumerate() {
            let to = lines.len() * share / of;
            let number = i32::try_from(partition).unwrap();
            broker.produce("four", number, lines[ends[partition]..to].iter());
            ends[partition] = to;
        }
        ends
    };
    let first = world.daemon();
    let done = produce(1, 4);
    wait_for_positions(&world, "four", &done);
    // The second takes partitions over while events keep coming.
    let second = world.daemon();
    produce(2, 4);
    wait_until("the second member to hold partitions", || {
        let (_, metrics) = second.get(&world.centre, "/metrics");
        metrics.lines().any(|line| {
            line.strip_prefix("fenghuo_kafka_assigned_partitions{topic=\"four\"} ")
                .is_some_and(|count| count != "0")
        })
    });
    first.hang_up();
    produce(3, 4);
    let (status, log) = second.stop();
    assert_eq!(status.code(), Some(0), "{log}");
    let done = produce(4, 4);
    wait_for_positions(&world, "four", &done);
    let accepted = world.all_accepted();
    let (status, log) = first.stop();
    assert_eq!(status.code(), Some(0), "{log}");
    assert_eq!(accepted, undisturbed(&broker, "four", "per_partition", &done));
}
