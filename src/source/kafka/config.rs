//! Settings of the Kafka source.

use std::collections::BTreeMap;
use std::path::PathBuf;

use rdkafka::Offset;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kafka::{SaslMechanism, Security};
use crate::model::PartitionKey;

/// Settings of the Kafka source.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct KafkaConfig {
    /// Addresses to start from, `host:port` each. At least one.
    pub brokers: Vec<String>,
    /// The topic to read. It must exist.
    pub topic: String,
    /// The consumer group. Members of one group share the partitions of the topic.
    pub group: String,
    /// How Kafka partitions are fed to engines.
    pub grouping: Grouping,
    /// Where to begin when the store has no position of a partition yet.
    pub start: Start,

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
    /// PEM file of the certificate authorities to trust for TLS. Without it, the system's.
    pub ca_file: Option<PathBuf>,
    /// PEM file of our own certificate, when the brokers ask for one. Goes with `key_file`.
    pub cert_file: Option<PathBuf>,
    /// PEM file of the private key of `cert_file`.
    pub key_file: Option<PathBuf>,
    /// A file that holds the password of `key_file`, when it has one.
    pub key_password_file: Option<PathBuf>,
    /// The environment variable that holds the password of `key_file`, instead of a file.
    pub key_password_env: Option<String>,

    /// How much the client may read ahead, in KiB for all partitions together. 64 to 1048576.
    pub prefetch_kib: u32,
    /// After how many seconds without a sign of life the group gives our partitions to others.
    /// 6 to 1800; the brokers may allow less.
    pub session_timeout_seconds: u32,
    /// How often, in seconds, the stored positions are written as the group's offsets. They are a
    /// hint for other tools and never read back. 1 to 3600.
    pub commit_interval_seconds: u32,
    /// How often, in seconds, lag and broker contact are measured. 1 to 300.
    pub watch_interval_seconds: u32,
    /// How long, in seconds, giving a partition back may wait for the batch in work. 1 to 120.
    pub revoke_timeout_seconds: u32,
    /// How long, in seconds, leaving the group may take when we stop. 1 to 120.
    pub close_timeout_seconds: u32,
    /// After how many seconds without any partition the source is not ready. 1 to 3600.
    pub assignment_timeout_seconds: u32,
    /// After how many seconds with lag but without progress the source is not ready. 5 to 86400.
    pub stall_seconds: u32,

    /// Further properties of librdkafka, by their own names. Those that fenghuo decides itself are
    /// refused, and so are secrets.
    pub librdkafka: BTreeMap<String, String>,
}

/// How Kafka partitions are fed to engines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Grouping {
    /// All partitions feed one engine, so any two complaints can meet. One member must read them
    /// all; a second member of the group is reported as an error.
    #[default]
    Together,
    /// Each partition has an engine of its own. Complaints meet only within a partition, so
    /// messages must be keyed by place (the street, for example).
    PerPartition,
}

/// Where to begin when the store has no position of a partition yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Start {
    /// At the oldest record that the topic still holds.
    #[default]
    Earliest,
    /// At what comes from now on. Applies until the first batch is committed.
    Latest,
}

impl Default for KafkaConfig {
    fn default() -> Self {
        Self {
            brokers: Vec::new(),
            topic: "complaints".into(),
            group: "fenghuo".into(),
            grouping: Grouping::default(),
            start: Start::default(),
            security: Security::default(),
            sasl_mechanism: SaslMechanism::default(),
            username: None,
            password_file: None,
            password_env: None,
            ca_file: None,
            cert_file: None,
            key_file: None,
            key_password_file: None,
            key_password_env: None,
            prefetch_kib: 16 * 1024,
            session_timeout_seconds: 45,
            commit_interval_seconds: 5,
            watch_interval_seconds: 5,
            revoke_timeout_seconds: 10,
            close_timeout_seconds: 5,
            assignment_timeout_seconds: 60,
            stall_seconds: 300,
            librdkafka: BTreeMap::new(),
        }
    }
}

impl KafkaConfig {
    /// The name under which the position of a Kafka partition is stored.
    #[must_use]
    pub fn source_id(&self, partition: i32) -> String {
        format!("kafka:{}/{partition}", self.topic)
    }

    /// The name under which its partitions are awaited, before the group has given any.
    pub(super) fn expected_as(&self) -> String {
        format!("kafka:{}", self.topic)
    }

    /// The engine that a Kafka partition feeds.
    #[must_use]
    pub fn engine_of(&self, partition: i32) -> PartitionKey {
        match self.grouping {
            Grouping::Together => PartitionKey::from("main"),
            Grouping::PerPartition => PartitionKey::from(self.source_id(partition)),
        }
    }
}

impl Start {
    pub(super) fn offset(self) -> Offset {
        match self {
            Self::Earliest => Offset::Beginning,
            Self::Latest => Offset::End,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_docs_is_read() {
        let config: KafkaConfig = toml::from_str(
            r#"
            brokers = ["kafka-1:9093"]
            security = "sasl_ssl"
            sasl_mechanism = "scram-sha-256"
            grouping = "per_partition"
            librdkafka = { "client.rack" = "r1" }
            "#,
        )
        .unwrap();
        assert_eq!(config.sasl_mechanism.as_str(), "SCRAM-SHA-256");
        assert_eq!(config.security.as_str(), "sasl_ssl");
        assert_eq!(config.engine_of(3).as_str(), "kafka:complaints/3");
        assert_eq!(KafkaConfig::default().engine_of(3).as_str(), "main");
    }

    #[test]
    fn a_misspelt_field_is_refused() {
        let error = toml::from_str::<KafkaConfig>("passwordfile = \"x\"").unwrap_err().to_string();
        assert!(error.contains("unknown field `passwordfile`"), "{error}");
    }
}
