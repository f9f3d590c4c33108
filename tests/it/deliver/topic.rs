//! Alerts to a topic of a real Kafka broker.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use fenghuo::deliver::channel::{self, ChannelConfig, ChannelSecrets, TopicConfig};
use fenghuo::deliver::{Payload, RetryConfig, Sink, SinkState, Words};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::message::{Headers as _, Message as _};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

use super::{Desk, alert, until};
use crate::support::kafka::Broker;

fn sink(desk: &Desk, broker: &Broker, topic: &str) -> Arc<dyn Sink> {
    let own = TopicConfig { brokers: vec![broker.address()], topic: topic.into(), ..TopicConfig::default() };
    let config = ChannelConfig {
        retry: RetryConfig { initial_seconds: 1, max_seconds: 1, give_up_after_hours: None },
        kafka: Some(own),
        ..ChannelConfig::default()
    };
    let words = Arc::new(Words::load(None, None).unwrap());
    channel::open(&desk.sink, &config, &ChannelSecrets::new(), &words).unwrap()
}

/// Key, header and value of all records of a topic with three partitions, by partition.
fn records(broker: &Broker, topic: &str, count: usize) -> Vec<(i32, String, String, Payload)> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", broker.address())
        .set("group.id", topic)
        .create()
        .unwrap();
    let mut list = TopicPartitionList::new();
    for partition in 0..3 {
        list.add_partition_offset(topic, partition, Offset::Beginning).unwrap();
    }
    consumer.assign(&list).unwrap();
    let mut found = Vec::new();
    while found.len() < count {
        let record = consumer.poll(Duration::from_mins(1)).expect("a record within a minute").unwrap();
        let header = record.headers().unwrap().get(0);
        assert_eq!(header.key, "webhook-id");
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let payload = serde_json::from_slice(record.payload().unwrap()).unwrap();
        found.push((record.partition(), text(record.key().unwrap()), text(header.value.unwrap()), payload));
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn revisions_of_an_alert_stand_in_order_in_one_partition() {
    let broker = tokio::task::spawn_blocking(Broker::shared).await.unwrap();
    let desk = Desk::new("t-topic");
    let topic = "alerts-in-order";
    let (made, of) = (Arc::clone(&broker), topic);
    tokio::task::spawn_blocking(move || made.create_topic(of, 3)).await.unwrap();
    for revision in 1..=3 {
        desk.commit((1..=4).map(|n| alert(&format!("QS-{n}"), revision)).collect());
    }
    let worker = desk.worker_of("a", sink(&desk, &broker, topic));
    until("all revisions", || desk.pending() == 0).await;
    assert_eq!(worker.state(), SinkState::Ok);
    worker.stop().await;
    let read = Arc::clone(&broker);
    let found = tokio::task::spawn_blocking(move || records(&read, topic, 12)).await.unwrap();
    let mut by_key: BTreeMap<String, Vec<(i32, u32)>> = BTreeMap::new();
    for (partition, key, id, payload) in found {
        assert_eq!(
            (key.as_str(), id),
            (payload.alert.id.as_str(), format!("{key}.{}", payload.alert.revision))
        );
        by_key.entry(key).or_default().push((partition, payload.alert.revision));
    }
    assert_eq!(by_key.len(), 4);
    for (key, revisions) in by_key {
        let partition = revisions[0].0;
        assert_eq!(revisions, [(partition, 1), (partition, 2), (partition, 3)], "{key}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_is_not_there_raises_an_alarm_and_loses_nothing() {
    let broker = tokio::task::spawn_blocking(Broker::shared).await.unwrap();
    let desk = Desk::new("t-topic-missing");
    desk.commit(vec![alert("QS-1", 1)]);
    let worker = desk.worker_of("a", sink(&desk, &broker, "alerts-of-nobody"));
    until("the failure", || worker.state() != SinkState::Ok).await;
    assert!(matches!(worker.state(), SinkState::Alarmed { .. }), "{:?}", worker.state());
    let made = Arc::clone(&broker);
    tokio::task::spawn_blocking(move || made.create_topic("alerts-of-nobody", 3)).await.unwrap();
    until("delivery once it is there", || desk.pending() == 0).await;
    worker.stop().await;
}
