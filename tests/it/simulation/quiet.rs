//! What is a quiet period and what only looks like one.

use std::sync::Arc;

use fenghuo::daemon::pipeline::NoProbe;
use fenghuo::model::{AlertState, PartitionKey, Position};
use fenghuo::source::Lease;
use fenghuo::store::{AlertFilter, Store as _};

use super::crashes::undisturbed;
use super::world::{LOG, Life, Stream, World, record};

/// The alerts told so far that say so.
fn told(world: &World<'_>, state: AlertState) -> usize {
    let alerts = world.store().alerts(&AlertFilter::default(), 10_000).unwrap();
    alerts.iter().filter(|stored| stored.alert.state == state).count()
}

/// Reading goes on days later than the events happened, and the process is down for weeks in
/// between: none of this ends an incident.
#[test]
fn neither_a_backlog_nor_downtime_is_quiet() {
    let stream = Stream::of_log(31, 160).with_short_memory();
    let expected = undisturbed(&stream, 16);
    let mut world = World::new(&stream);
    let mut life = world.start(Arc::new(NoProbe));
    for batch in 1.. {
        world.feed_one(&mut life, 9).unwrap();
        if world.is_over(&life) {
            break;
        }
        life.wait(10).unwrap();
        if batch % 4 == 0 {
            drop(life);
            life = world.start(Arc::new(NoProbe));
            life.pipeline.build_known().unwrap();
            life.wait(10).unwrap();
        }
    }
    world.end(life).assert_same(&expected, "a run that lags behind");
}

#[test]
fn time_passes_only_as_far_as_the_reader_knows_of() {
    let stream = Stream::of_log(32, 160);
    let mut world = World::new(&stream);
    let mut life = world.start(Arc::new(NoProbe));
    world.feed(&mut life, 40).unwrap();
    let before = told(&world, AlertState::Resolved);
    life.wait(1).unwrap();
    life.has_read_all();
    // From here on the broker does not answer.
    life.wait(40).unwrap();
    assert_eq!(told(&world, AlertState::Resolved), before, "nobody knows whether it was quiet");
    life.has_read_all();
    life.pipeline.tick().unwrap();
    assert!(told(&world, AlertState::Resolved) > before, "now it is known");
}

#[test]
fn what_is_awaited_is_not_quiet() {
    let stream = Stream::of_log(33, 160);
    let mut world = World::new(&stream);
    let mut life = world.start(Arc::new(NoProbe));
    life.holdings.expect("kafka:other", &PartitionKey::from(LOG));
    world.feed(&mut life, 40).unwrap();
    life.rest().unwrap();
    let before = told(&world, AlertState::Resolved);
    life.holdings.settle("kafka:other");
    life.rest().unwrap();
    assert!(told(&world, AlertState::Resolved) > before);
}

/// Two partitions feed one engine, and one is read to its end before the other: what comes from the
/// other is not late, and ends nothing before its time.
#[test]
fn time_goes_with_the_slower_of_two_partitions() {
    let stream = Stream::of_log(34, 200).with_short_memory();
    let world = World::new(&stream);
    let mut life = world.start(Arc::new(NoProbe));
    let other = Arc::from("kafka:log/1");
    let lease = life.holdings.grant(&other, &PartitionKey::from(LOG), None);
    let turns = stream.turns();
    let own = life.lease().clone();
    feed(&mut life, LOG, &own, turns.iter().step_by(2), 10);
    let resolved = told(&world, AlertState::Resolved);
    assert_eq!(resolved, 0, "the other may still bring older events");
    feed(&mut life, &other, &lease, turns.iter().skip(1).step_by(2), 10);
    let store = world.store();
    // Of this stream, one in ten is sent up to a day late; nothing else may be.
    let late = stream.ids.iter().filter_map(|id| store.complaint(id).unwrap());
    let late = late.filter(|stored| stored.record.decision.group.late).count();
    assert!(late < 40, "{late} are late");
    life.rest().unwrap();
}

fn feed<'e>(
    life: &mut Life,
    source: &str,
    lease: &Lease,
    events: impl Iterator<Item = &'e Vec<u8>>,
    size: usize,
) {
    let records = events.enumerate().map(|(offset, raw)| {
        let mut record = record(source, raw, Some(Position(offset as i64 + 1)), lease.clone(), None);
        record.partition = PartitionKey::from(LOG);
        record
    });
    let mut records = records.peekable();
    while records.peek().is_some() {
        life.pipeline.process(records.by_ref().take(size).collect()).unwrap();
        life.wait(3).unwrap();
    }
}
