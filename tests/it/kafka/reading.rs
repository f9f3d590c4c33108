//! One member: where reading starts, what is handed over, how far behind it is.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use fenghuo::source::kafka::{Grouping, Start};

use super::member::{Member, Store, config};
use super::{metric, values};
use crate::support::kafka::Broker;
use crate::support::{wait_for, wait_until};

fn numbered(first: usize, values: Vec<String>) -> Vec<(i64, String)> {
    values.into_iter().enumerate().map(|(n, value)| ((first + n) as i64, value)).collect()
}

#[test]
fn reads_from_nothing_and_goes_on_from_the_stored_position() {
    let broker = Broker::shared();
    let topic = "reads-from-nothing";
    broker.create_topic(topic, 2);
    broker.produce(topic, 0, values(0, 150));
    broker.produce(topic, 1, values(1000, 150));
    let store = Arc::new(Store::default());
    let member = Member::start(config(&broker, topic), &store);
    wait_until("300 values", || store.count() == 300);
    wait_until("readiness", || member.health.ready().is_ok());
    assert!(member.holdings.all().iter().all(|held| held.partition.as_str() == "main"));
    member.stop().unwrap();

    // The group's own offset must not matter: it is wrong on purpose by one batch.
    store.set_position("kafka:reads-from-nothing/1", 100);
    broker.produce(topic, 0, values(150, 50));
    let member = Member::start(
        fenghuo::source::kafka::KafkaConfig { grouping: Grouping::PerPartition, ..config(&broker, topic) },
        &store,
    );
    wait_until("100 more", || store.count() == 400);
    assert_eq!(member.holdings.all()[1].partition.as_str(), "kafka:reads-from-nothing/1");
    let group = config(&broker, topic).group;
    wait_until("the hint", || broker.group_offset(&group, topic, 0) == Some(200));
    member.stop().unwrap();
    assert_eq!(store.values("kafka:reads-from-nothing/0"), numbered(0, values(0, 200)));
    let mut again = numbered(0, values(1000, 150));
    again.extend(numbered(100, values(1100, 50)));
    assert_eq!(store.values("kafka:reads-from-nothing/1"), again);
}

#[test]
fn a_full_pipeline_pauses_reading_and_loses_nothing() {
    let broker = Broker::shared();
    let topic = "full-pipeline";
    broker.create_topic(topic, 2);
    let store = Arc::new(Store::default());
    let member = Member::start(config(&broker, topic), &store);
    member.wait_held(2);
    member.stuck.store(true, Ordering::Relaxed);
    for round in 0..5 {
        broker.produce(topic, 0, values(round * 200, 200));
        broker.produce(topic, 1, values(round * 200, 200));
    }
    wait_for("a pause", || metric("fenghuo_kafka_pauses_total{topic=\"full-pipeline\"}").filter(|&n| n > 0));
    wait_until("lag is seen", || member.health.lag().values().sum::<i64>() >= 1900);
    member.batch_ms.store(2, Ordering::Relaxed);
    member.stuck.store(false, Ordering::Relaxed);
    wait_until("everything", || store.count() >= 2000);
    wait_until("no lag", || member.health.lag().values().all(|&lag| lag == 0));
    member.stop().unwrap();
    assert_eq!(store.values("kafka:full-pipeline/0"), numbered(0, values(0, 1000)));
    assert_eq!(store.values("kafka:full-pipeline/1"), numbered(0, values(0, 1000)));
    assert_eq!(metric("fenghuo_kafka_repeats_total{topic=\"full-pipeline\"}").unwrap_or(0), 0);
    assert_eq!(metric("fenghuo_kafka_paused{topic=\"full-pipeline\"}"), Some(0));
    let series = "fenghuo_kafka_lag{partition=\"0\",topic=\"full-pipeline\"}";
    assert_eq!(metric(series), None, "series of partitions that went are dropped");
}

#[test]
fn a_record_without_value_is_a_dead_letter() {
    let broker = Broker::shared();
    broker.create_topic("tombstones", 1);
    broker.produce("tombstones", 0, ["a"]);
    broker.produce_tombstone("tombstones", 0);
    broker.produce("tombstones", 0, ["b"]);
    let store = Arc::new(Store::default());
    let member = Member::start(config(&broker, "tombstones"), &store);
    wait_until("three records", || store.count() == 3);
    member.stop().unwrap();
    let values: Vec<_> = store.values("kafka:tombstones/0").into_iter().map(|(_, value)| value).collect();
    assert_eq!(values, ["a", "dead: missing_field", "b"]);
}

#[test]
fn latest_reads_only_what_comes_after() {
    let broker = Broker::shared();
    broker.create_topic("latest", 1);
    broker.produce("latest", 0, values(0, 10));
    let store = Arc::new(Store::default());
    let start = Start::Latest;
    let member =
        Member::start(fenghuo::source::kafka::KafkaConfig { start, ..config(&broker, "latest") }, &store);
    // It is known where the end was once lag was measured.
    wait_until("readiness", || member.health.ready().is_ok());
    wait_until("a look", || metric("fenghuo_kafka_lag{partition=\"0\",topic=\"latest\"}") == Some(0));
    // The reader itself may still be asking for the end; what it misses here it may miss.
    let read = wait_for("a new value", || {
        broker.produce("latest", 0, ["new"]);
        (store.count() > 0).then(|| store.values("kafka:latest/0"))
    });
    member.stop().unwrap();
    assert!(read.iter().all(|(offset, value)| *offset >= 10 && value == "new"), "{read:?}");
}

#[test]
fn marks_of_transactions_are_not_lag() {
    let broker = Broker::shared();
    broker.create_topic("transactions", 1);
    broker.produce_in_transaction("transactions", 0, &["a", "b"], true);
    broker.produce_in_transaction("transactions", 0, &["taken back"], false);
    let store = Arc::new(Store::default());
    let member = Member::start(config(&broker, "transactions"), &store);
    wait_until("two values", || store.count() == 2);
    wait_until("no lag", || metric("fenghuo_kafka_lag{partition=\"0\",topic=\"transactions\"}") == Some(0));
    assert_eq!(store.position_of("kafka:transactions/0"), Some(2), "the marks stand behind the position");
    member.stop().unwrap();

    // The next member starts in front of the marks, has nothing to read and must not take the gap
    // to the next record for a loss.
    let member = Member::start(config(&broker, "transactions"), &store);
    wait_until("no lag", || metric("fenghuo_kafka_lag{partition=\"0\",topic=\"transactions\"}") == Some(0));
    broker.produce("transactions", 0, ["c"]);
    wait_until("three values", || store.count() == 3);
    member.stop().unwrap();
    let series = "fenghuo_kafka_positions_out_of_range_total{topic=\"transactions\"}";
    assert_eq!(metric(series).unwrap_or(0), 0);
}

#[test]
fn a_position_that_retention_deleted_is_told_and_reading_goes_on() {
    let broker = Broker::shared();
    broker.create_topic("retention", 2);
    broker.produce("retention", 0, values(0, 20));
    broker.produce("retention", 1, values(0, 3));
    broker.delete_records("retention", 0, 12);
    let store = Arc::new(Store::default());
    store.set_position("kafka:retention/0", 5);
    store.set_position("kafka:retention/1", 50);
    let member = Member::start(config(&broker, "retention"), &store);
    wait_until("all that is left", || store.count() == 8 + 3);
    member.stop().unwrap();
    assert_eq!(store.values("kafka:retention/0"), numbered(12, values(12, 8)));
    assert_eq!(store.values("kafka:retention/1"), numbered(0, values(0, 3)), "beyond the end: all again");
    let series = "fenghuo_kafka_positions_out_of_range_total{topic=\"retention\"}";
    assert_eq!(metric(series), Some(2));
    assert_eq!(metric("fenghuo_kafka_events_gone_total{topic=\"retention\"}"), Some(7));
}
