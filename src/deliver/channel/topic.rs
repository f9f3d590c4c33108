//! A Kafka topic: each alert revision as a record, keyed by the alert's id.
//!
//! The producer is idempotent and waits for all in-sync replicas, so a record is written once and in
//! order for each attempt of ours. An attempt that ended without an answer is made again, and may
//! then be there twice; the header `webhook-id` tells, as for the webhook.

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use rdkafka::ClientConfig;
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::signature::HEADER_WEBHOOK_ID;
use super::super::sink::{Attempt, Sink, SinkFuture};
use super::super::{Backoff, Payload, Verdict, webhook_id};
use super::config::ChannelFault;
use super::{ChannelConfig, ChannelError};
use crate::kafka::{Access, KafkaConfigError, SaslMechanism, Security, refused};
use crate::model::Alert;

/// A Kafka topic.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TopicConfig {
    /// Addresses to start from, `host:port` each. At least one.
    pub brokers: Vec<String>,
    /// The topic to write to. It must exist.
    pub topic: String,
    /// How to speak to the brokers: must agree with the listener behind `brokers`.
    pub security: Security,
    /// How to prove who we are; used when `security` is one of the SASL forms.
    pub sasl_mechanism: SaslMechanism,
    /// The user's name for SASL.
    pub username: Option<String>,
    /// A file that holds the password and nothing else; an end of line at its end is ignored.
    pub password_file: Option<PathBuf>,
    /// The environment variable that holds the password, instead of a file.
    pub password_env: Option<String>,
}

impl TopicConfig {
    pub(super) fn validate(&self) -> Result<(), ChannelFault> {
        self.access(None).check_names().map_err(|error| fault(&error))
    }

    fn access<'c>(&'c self, ca_file: Option<&'c std::path::Path>) -> Access<'c> {
        Access {
            brokers: &self.brokers,
            topic: &self.topic,
            security: self.security,
            sasl_mechanism: self.sasl_mechanism,
            username: self.username.as_deref(),
            password_file: self.password_file.as_deref(),
            password_env: self.password_env.as_deref(),
            ca_file,
            cert_file: None,
            key_file: None,
            key_password_file: None,
            key_password_env: None,
        }
    }
}

// Below the channel, the authorities to trust stand with what all channels have.
fn fault(error: &KafkaConfigError) -> ChannelFault {
    let said = error.to_string();
    let (setting, message) = said.split_once(": ").unwrap_or(("kafka", &said));
    (if setting == "kafka.ca_file" { "ca_file" } else { setting }.to_owned(), message.to_owned())
}

/// A Kafka topic.
pub(super) struct TopicSink {
    name: String,
    topic: String,
    producer: FutureProducer,
    timeout: Duration,
    backoff: Backoff,
    give_up_after: Option<Duration>,
}

impl TopicSink {
    pub(super) fn new(name: &str, config: &ChannelConfig, own: &TopicConfig) -> Result<Self, ChannelError> {
        let setting = |error: KafkaConfigError| {
            let (setting, message) = fault(&error);
            ChannelError::Setting { channel: name.into(), setting, message }
        };
        let timeout = Duration::from_secs(config.timeout_seconds.into());
        let mut client = ClientConfig::new();
        client.set("client.id", "fenghuo");
        client.set("enable.idempotence", "true");
        client.set("acks", "all");
        client.set("compression.type", "zstd");
        client.set("allow.auto.create.topics", "false");
        client.set("message.timeout.ms", timeout.as_millis().to_string());
        // A topic that is not there is told soon, and not as a broker that does not answer.
        client.set("topic.metadata.propagation.max.ms", "2000");
        // Alerts are few and urgent; nothing is gained by waiting for more.
        client.set("linger.ms", "0");
        own.access(config.ca_file.as_deref()).apply(&mut client).map_err(setting)?;
        let producer = client.create().map_err(|error| setting(refused(error)))?;
        Ok(Self {
            name: name.into(),
            topic: own.topic.clone(),
            producer,
            timeout,
            backoff: Backoff::new(&config.retry),
            give_up_after: config.give_up_after(),
        })
    }

    async fn attempt(&self, alert: &Alert) -> Attempt {
        let body = match Payload::new(alert.clone()).to_bytes() {
            Ok(body) => body,
            Err(error) => {
                let detail = format!("the alert cannot be written as JSON: {error}");
                return Attempt { verdict: Verdict::Refused, detail, retry_after: None };
            }
        };
        let id = webhook_id(alert);
        let headers = OwnedHeaders::new()
            .insert(Header { key: HEADER_WEBHOOK_ID, value: Some(&id) })
            .insert(Header { key: "content-type", value: Some("application/json") });
        let record = FutureRecord::to(&self.topic).key(alert.id.as_str()).payload(&body).headers(headers);
        let outcome = match self.producer.send_result(record) {
            Ok(written) => match written.await {
                Ok(written) => written.map_err(|(error, _)| error),
                // The producer is stopping.
                Err(_) => Err(KafkaError::Canceled),
            },
            Err((error, _)) => Err(error),
        };
        let (verdict, detail) = match outcome {
            Ok(at) => (Verdict::Delivered, format!("partition {} offset {}", at.partition, at.offset)),
            Err(error) => (verdict(&error), error.to_string()),
        };
        Attempt { verdict, detail, retry_after: None }
    }
}

/// What a failure means: too large or not valid is this alert's fault; rights and a topic that is not
/// there are settings, here or there; the rest may pass.
fn verdict(error: &KafkaError) -> Verdict {
    match error.rdkafka_error_code() {
        Some(Code::MessageSizeTooLarge | Code::InvalidMessage | Code::InvalidRecord) => Verdict::Refused,
        Some(
            Code::UnknownTopic
            | Code::UnknownTopicOrPartition
            | Code::TopicAuthorizationFailed
            | Code::ClusterAuthorizationFailed
            | Code::SaslAuthenticationFailed
            | Code::Authentication,
        ) => Verdict::MISCONFIGURED,
        _ => Verdict::UNREACHABLE,
    }
}

impl Sink for TopicSink {
    fn name(&self) -> &str {
        &self.name
    }

    fn concurrency(&self) -> usize {
        16
    }

    fn timeout(&self) -> Duration {
        // librdkafka keeps its own to the second.
        self.timeout + Duration::from_secs(2)
    }

    fn backoff(&self) -> Backoff {
        self.backoff
    }

    fn give_up_after(&self) -> Option<Duration> {
        self.give_up_after
    }

    fn send<'s>(&'s self, alerts: &'s [&'s Alert], _: Timestamp) -> SinkFuture<'s> {
        debug_assert_eq!(alerts.len(), 1, "one record an alert");
        Box::pin(self.attempt(alerts[0]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_used_is_named() {
        let good = TopicConfig {
            brokers: vec!["127.0.0.1:9092".into()],
            topic: "alerts".into(),
            ..TopicConfig::default()
        };
        let channel = |own: TopicConfig| ChannelConfig { kafka: Some(own), ..ChannelConfig::default() };
        assert!(channel(good.clone()).validate("bus").is_ok());
        let (setting, message) =
            channel(TopicConfig { topic: "a b".into(), ..good.clone() }).validate("bus").unwrap_err();
        assert_eq!(setting, "kafka.topic");
        assert!(message.starts_with("`a b` is not a topic's name"), "{message}");
        let own = TopicConfig { security: Security::SaslSsl, ..good };
        let error = TopicSink::new("bus", &channel(own.clone()), &own).err().unwrap().to_string();
        assert_eq!(error, "channel \"bus\": `kafka.username` is missing; `security` asks for SASL");
    }
}
