//! Brokers that go away, settings that cannot work, TLS and logins.

use std::fs;
use std::sync::Arc;

use fenghuo::source::kafka::{KafkaConfig, NotReady, SaslMechanism, Security};

use super::member::{Member, Store, config};
use super::values;
use crate::support::free_port;
use crate::support::kafka::{Broker, make_ca};
use crate::support::{wait_for, wait_until};

#[test]
fn a_broker_that_is_killed_and_comes_back_costs_nothing() {
    let mut broker = Broker::start();
    broker.create_topic("restart", 2);
    let store = Arc::new(Store::default());
    broker.produce("restart", 0, values(0, 500));
    let member = Member::start(config(&broker, "restart"), &store);
    wait_until("some values", || store.count() > 0);
    broker.kill();
    let why = wait_for("the fault", || match member.health.ready() {
        Err(why @ NotReady::NoContact { .. }) => Some(why.to_string()),
        _ => None,
    });
    assert!(why.contains("no contact with 127.0.0.1"), "{why}");
    broker.restart();
    broker.produce("restart", 1, values(500, 500));
    wait_until("all values", || store.count() == 1000);
    wait_until("readiness", || member.health.ready().is_ok());
    member.stop().unwrap();

    // A member that starts before its broker waits for it.
    broker.stop();
    let member = Member::start(config(&broker, "restart"), &store);
    wait_until("the fault", || {
        member.health.ready().is_err_and(|why| why.to_string().contains("no contact"))
    });
    broker.restart();
    broker.produce("restart", 0, values(1000, 10));
    wait_until("the new values", || store.count() == 1010);
    member.stop().unwrap();
}

#[test]
fn a_missing_topic_ends_the_source_with_the_remedy() {
    let broker = Broker::shared();
    let member = Member::start(config(&broker, "no-such-topic"), &Arc::default());
    let health = member.health.clone();
    let error = format!("{:#}", member.join().unwrap_err()).replace(&broker.address(), "BROKER");
    insta::assert_snapshot!(error, @"topic `no-such-topic` does not exist on BROKER: create it, or correct `kafka.topic`");
    assert!(matches!(health.ready(), Err(NotReady::Ended(_))));
}

#[test]
fn a_wrong_address_is_tried_on_and_told() {
    let broker = Broker::shared();
    let settings =
        KafkaConfig { brokers: vec![format!("127.0.0.1:{}", free_port())], ..config(&broker, "any") };
    let member = Member::start(settings, &Arc::default());
    let why = wait_for("a reason", || {
        let why = member.health.ready().unwrap_err().to_string();
        why.contains("kafka.brokers").then_some(why)
    });
    assert!(why.contains("check that the broker runs"), "{why}");
    member.stop().unwrap();
}

#[test]
fn tls_and_logins() {
    let broker = Broker::start_secure();
    broker.create_topic("secure", 1);
    broker.produce("secure", 0, values(0, 10));
    let folder = tempfile::tempdir().unwrap();
    let password = |text: &str| {
        let path = folder.path().join(format!("password-{text}"));
        fs::write(&path, format!("{text}\n")).unwrap();
        Some(path)
    };
    let login = |user: &str, secret: &str, sasl_mechanism| KafkaConfig {
        brokers: vec![broker.secure_address()],
        security: Security::SaslSsl,
        sasl_mechanism,
        username: Some(user.into()),
        password_file: password(secret),
        ca_file: Some(broker.ca_file()),
        group: format!("secure-{sasl_mechanism:?}"),
        ..config(&broker, "secure")
    };
    for mechanism in [SaslMechanism::ScramSha256, SaslMechanism::ScramSha512, SaslMechanism::Plain] {
        let store = Arc::new(Store::default());
        let member = Member::start(login("alice", "alice-secret", mechanism), &store);
        wait_until("ten values", || store.count() == 10);
        member.stop().unwrap();
    }

    let refusal = |settings: KafkaConfig| {
        let error = Member::start(settings, &Arc::default()).join().unwrap_err();
        format!("{error:#}").replace(&broker.secure_address(), "BROKER")
    };
    let wrong = refusal(login("alice", "wrong", SaslMechanism::ScramSha512));
    assert!(wrong.starts_with("BROKER refused the login of user `alice`: check `kafka.username`"), "{wrong}");
    assert!(!wrong.contains("wrong"), "the password is not told");
    let unasked = refusal(login("bob", "bob-secret", SaslMechanism::ScramSha256));
    insta::assert_snapshot!(unasked, @"user `bob` may not read topic `secure`: grant Read and Describe on it");
    let other_ca = Some(make_ca(folder.path(), "other"));
    let untrusted = refusal(KafkaConfig {
        ca_file: other_ca,
        ..login("alice", "alice-secret", SaslMechanism::ScramSha256)
    });
    assert!(untrusted.starts_with("TLS with BROKER failed: check `kafka.ca_file`"), "{untrusted}");
}
