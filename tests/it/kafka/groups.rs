//! Several members of one group: partitions come and go.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use fenghuo::source::kafka::{Grouping, KafkaConfig, NotReady};

use super::member::{Member, Store, config};
use super::{metric, values};
use crate::support::kafka::Broker;
use crate::support::{wait_for, wait_until};

const PARTITIONS: i32 = 4;

/// Every partition holds `m0, m1, ...` at its offset, once and in order.
fn assert_whole(store: &Store, topic: &str, count: usize) {
    for partition in 0..PARTITIONS {
        let expected: Vec<_> = values(0, count).into_iter().enumerate().map(|(n, v)| (n as i64, v)).collect();
        assert_eq!(store.values(&format!("kafka:{topic}/{partition}")), expected, "partition {partition}");
    }
}

#[test]
fn members_join_and_leave_and_every_record_is_committed_once() {
    let broker = Broker::shared();
    let topic = "joining";
    broker.create_topic(topic, PARTITIONS);
    let store = Arc::new(Store::default());
    let settings = || KafkaConfig { grouping: Grouping::PerPartition, ..config(&broker, topic) };
    let produce = |round: usize| {
        for partition in 0..PARTITIONS {
            broker.produce(topic, partition, values(round * 100, 100));
        }
    };
    let first = Member::start(settings(), &store);
    first.batch_ms.store(10, Ordering::Relaxed);
    first.wait_held(4);
    let leases: Vec<_> = first.holdings.all().iter().map(|held| held.lease.id()).collect();
    produce(0);
    let second = Member::start(settings(), &store);
    second.batch_ms.store(10, Ordering::Relaxed);
    second.wait_held(2);
    first.wait_held(2);
    assert!(
        first.holdings.all().iter().all(|held| leases.contains(&held.lease.id())),
        "what stays is not interrupted"
    );
    produce(1);
    wait_until("half of it", || store.count() >= 400);
    first.stop().unwrap();
    second.wait_held(4);
    let third = Member::start(settings(), &store);
    produce(2);
    third.wait_held(2);
    wait_until("all of it", || store.count() >= 1200);
    assert_eq!(second.refused.load(Ordering::Relaxed) + third.refused.load(Ordering::Relaxed), 0);
    second.stop().unwrap();
    third.stop().unwrap();
    assert_whole(&store, topic, 300);
}

#[test]
fn a_revoke_leaves_what_is_queued_to_the_next_owner() {
    let broker = Broker::shared();
    let topic = "queued";
    broker.create_topic(topic, PARTITIONS);
    let store = Arc::new(Store::default());
    let settings = || KafkaConfig { grouping: Grouping::PerPartition, ..config(&broker, topic) };
    let first = Member::start(settings(), &store);
    first.wait_held(4);
    first.stuck.store(true, Ordering::Relaxed);
    for partition in 0..PARTITIONS {
        broker.produce(topic, partition, values(0, 100));
    }
    wait_for("a full queue", || metric("fenghuo_kafka_paused{topic=\"queued\"}").filter(|&on| on == 1));
    let second = Member::start(settings(), &store);
    second.wait_held(2);
    wait_until("the second has read its part", || store.count() == 200);
    first.stuck.store(false, Ordering::Relaxed);
    wait_until("all of it", || store.count() >= 400);
    assert!(first.left.load(Ordering::Relaxed) > 0, "queued records of the revoked partitions were left");
    assert_eq!(first.refused.load(Ordering::Relaxed), 0, "and not tried");
    first.stop().unwrap();
    second.stop().unwrap();
    assert_whole(&store, topic, 100);
}

#[test]
fn a_revoke_waits_for_the_batch_in_work() {
    let broker = Broker::shared();
    let topic = "in-work";
    broker.create_topic(topic, PARTITIONS);
    let store = Arc::new(Store::default());
    let settings = || KafkaConfig { grouping: Grouping::PerPartition, ..config(&broker, topic) };
    let first = Member::start(settings(), &store);
    first.wait_held(4);
    let leases: Vec<_> = first.holdings.all().into_iter().map(|held| held.lease).collect();
    first.working.store(true, Ordering::Relaxed);
    for partition in 0..PARTITIONS {
        broker.produce(topic, partition, values(0, 2));
    }
    wait_until("all is read", || metric("fenghuo_kafka_records_total{topic=\"in-work\"}") == Some(8));
    let second = Member::start(settings(), &store);
    wait_until("a revoke", || leases.iter().filter(|lease| lease.is_revoked()).count() == 2);
    // Time enough for a wrong hand-over to show; a right one is never too slow for it.
    for _ in 0..100 {
        assert_eq!(second.held(), 0, "handed over while a batch was in work");
        std::thread::sleep(Duration::from_millis(20));
    }
    first.working.store(false, Ordering::Relaxed);
    second.wait_held(2);
    wait_until("all of it", || store.count() >= 8);
    for member in [first, second] {
        assert_eq!(member.refused.load(Ordering::Relaxed), 0);
        member.stop().unwrap();
    }
    assert_whole(&store, topic, 2);
    assert_eq!(metric("fenghuo_kafka_drains_late_total{topic=\"in-work\"}"), None);
}

#[test]
fn together_with_a_second_member_is_not_ready_and_says_why() {
    let broker = Broker::shared();
    broker.create_topic("split", 2);
    let store = Arc::new(Store::default());
    let first = Member::start(config(&broker, "split"), &store);
    wait_until("readiness", || first.health.ready().is_ok());
    let second = Member::start(config(&broker, "split"), &store);
    let why = wait_for("the split", || match first.health.ready() {
        Err(why @ NotReady::Split { .. }) => Some(why.to_string()),
        _ => None,
    });
    assert!(why.contains("1 of the 2 partitions") && why.contains("per_partition"), "{why}");
    wait_for("the metric", || {
        metric("fenghuo_kafka_split_assignment{topic=\"split\"}").filter(|&on| on == 1)
    });
    second.stop().unwrap();
    wait_until("readiness", || first.health.ready().is_ok());
    first.stop().unwrap();
}

#[test]
fn a_batch_that_does_not_join_on_makes_the_source_take_the_partition_again() {
    let broker = Broker::shared();
    broker.create_topic("retaken", 1);
    broker.produce("retaken", 0, values(0, 10));
    let store = Arc::new(Store::default());
    let member = Member::start(config(&broker, "retaken"), &store);
    wait_until("ten values", || store.count() == 10);
    // As if a former owner had published the next five late.
    store.set_position("kafka:retaken/0", 15);
    broker.produce("retaken", 0, values(10, 10));
    wait_until("the rest", || store.count() >= 15);
    assert_eq!(member.refused.load(Ordering::Relaxed), 1);
    broker.produce("retaken", 0, values(20, 5));
    wait_until("what came later", || store.count() >= 20);
    member.stop().unwrap();
    let offsets: Vec<_> = store.values("kafka:retaken/0").into_iter().map(|(offset, _)| offset).collect();
    assert_eq!(offsets, (0..10).chain(15..25).collect::<Vec<_>>());
}

#[test]
fn a_member_that_does_not_poll_loses_its_partitions_and_writes_nothing_for_them() {
    let broker = Broker::shared();
    broker.create_topic("lost", 1);
    let store = Arc::new(Store::default());
    let mut settings = config(&broker, "lost");
    settings.librdkafka.insert("max.poll.interval.ms".into(), "6000".into());
    settings.commit_interval_seconds = 3600;
    let group = settings.group.clone();
    let member = Member::start(settings, &store);
    member.wait_held(1);
    // The polling thread reads the position when a lease was closed by the pipeline; let that take
    // longer than the group waits, and let the position move meanwhile.
    store.slow_read_ms.store(9000, Ordering::Relaxed);
    member.holdings.all()[0].lease.lose();
    wait_until("the slow read", || store.slow_read_ms.load(Ordering::Relaxed) == 0);
    store.set_position("kafka:lost/0", 10);
    wait_for("the loss", || metric("fenghuo_kafka_rebalances_total{kind=\"lost\",topic=\"lost\"}"));
    member.wait_held(1);
    assert_eq!(metric("fenghuo_kafka_rebalances_total{kind=\"lost\",topic=\"lost\"}"), Some(1));
    assert_eq!(metric("fenghuo_kafka_rebalances_total{kind=\"revoked\",topic=\"lost\"}"), None);
    broker.produce("lost", 0, values(0, 20));
    wait_until("what follows the position", || store.count() == 10);
    assert_eq!(metric("fenghuo_kafka_hint_commits_total{outcome=\"failed\",topic=\"lost\"}"), None);
    assert_eq!(metric("fenghuo_kafka_hint_commits_total{outcome=\"done\",topic=\"lost\"}"), None);
    assert_eq!(broker.group_offset(&group, "lost", 0), None);
    member.stop().unwrap();
}
