//! From our settings to those of librdkafka.

use rdkafka::ClientConfig;

use super::config::KafkaConfig;
use crate::kafka::{Access, KafkaConfigError, field};

/// Properties that are not the user's to set, each with what to do instead.
const OWNED: [(&str, &str); 33] = [
    ("bootstrap.servers", "set `brokers`"),
    ("metadata.broker.list", "set `brokers`"),
    ("group.id", "set `group`"),
    ("security.protocol", "set `security`"),
    ("sasl.mechanism", "set `sasl_mechanism`"),
    ("sasl.mechanisms", "set `sasl_mechanism`"),
    ("sasl.username", "set `username`"),
    ("sasl.password", "set `password_file` or `password_env`"),
    ("ssl.ca.location", "set `ca_file`"),
    ("ssl.ca.pem", "set `ca_file`"),
    ("ssl.certificate.location", "set `cert_file`"),
    ("ssl.certificate.pem", "set `cert_file`"),
    ("ssl.key.location", "set `key_file`"),
    ("ssl.key.pem", "set `key_file`"),
    ("ssl.key.password", "set `key_password_file` or `key_password_env`"),
    ("ssl.keystore.location", "set `cert_file` and `key_file`"),
    ("queued.max.messages.kbytes", "set `prefetch_kib`"),
    ("fetch.max.bytes", "set `prefetch_kib`"),
    ("session.timeout.ms", "set `session_timeout_seconds`"),
    ("auto.offset.reset", "set `start`"),
    ("topic.auto.offset.reset", "set `start`"),
    ("auto.commit.enable", "positions are kept in the store, with their effects"),
    ("enable.auto.commit", "positions are kept in the store, with their effects"),
    ("auto.commit.interval.ms", "set `commit_interval_seconds`"),
    ("enable.auto.offset.store", "positions are kept in the store, with their effects"),
    ("offset.store.method", "positions are kept in the store, with their effects"),
    (
        "partition.assignment.strategy",
        "it is cooperative-sticky, so that other partitions go on during a rebalance",
    ),
    ("group.protocol", "it is classic, so that start offsets can be set while partitions are assigned"),
    ("enable.partition.eof", "it is on, to tell a topic's end from a standstill"),
    ("isolation.level", "it is read_committed: what a producer has taken back is not a complaint"),
    ("allow.auto.create.topics", "a misspelt topic would be made instead of reported"),
    ("statistics.interval.ms", "lag is measured by fenghuo itself; see /metrics"),
    ("plugin.library.paths", "code is not loaded into this process"),
];

impl KafkaConfig {
    /// Checks everything that can be checked without a broker, and reads the secrets.
    ///
    /// # Errors
    /// The first setting that cannot be used.
    pub fn client(&self) -> Result<ClientConfig, KafkaConfigError> {
        self.check_names()?;
        self.check_ranges()?;
        let mut client = ClientConfig::new();
        client.set("client.id", "fenghuo");
        client.set("topic.metadata.refresh.interval.ms", "30000");
        for (key, value) in &self.librdkafka {
            check_property(key)?;
            client.set(key, value);
        }
        client.set("group.id", &self.group);
        client.set("group.protocol", "classic");
        client.set("partition.assignment.strategy", "cooperative-sticky");
        client.set("enable.auto.commit", "false");
        client.set("enable.auto.offset.store", "false");
        client.set("auto.offset.reset", "earliest");
        client.set("isolation.level", "read_committed");
        client.set("enable.partition.eof", "true");
        client.set("allow.auto.create.topics", "false");
        client.set("session.timeout.ms", (u64::from(self.session_timeout_seconds) * 1000).to_string());
        client.set("queued.max.messages.kbytes", self.prefetch_kib.to_string());
        // One answer of a broker may not be larger than the whole read-ahead, within what
        // librdkafka allows; a single record that is larger still comes through.
        let fetch_bytes = (u64::from(self.prefetch_kib) * 1024).clamp(1_000_000, 50 << 20);
        client.set("fetch.max.bytes", fetch_bytes.to_string());
        self.access().apply(&mut client)?;
        Ok(client)
    }

    /// How the brokers are reached.
    fn access(&self) -> Access<'_> {
        Access {
            brokers: &self.brokers,
            topic: &self.topic,
            security: self.security,
            sasl_mechanism: self.sasl_mechanism,
            username: self.username.as_deref(),
            password_file: self.password_file.as_deref(),
            password_env: self.password_env.as_deref(),
            ca_file: self.ca_file.as_deref(),
            cert_file: self.cert_file.as_deref(),
            key_file: self.key_file.as_deref(),
            key_password_file: self.key_password_file.as_deref(),
            key_password_env: self.key_password_env.as_deref(),
        }
    }

    fn check_names(&self) -> Result<(), KafkaConfigError> {
        self.access().check_names()?;
        if self.group.trim().is_empty() {
            return Err(field("group", "is empty; name the consumer group, for example \"fenghuo\""));
        }
        Ok(())
    }

    fn check_ranges(&self) -> Result<(), KafkaConfigError> {
        for (name, value, low, high) in [
            ("prefetch_kib", self.prefetch_kib, 64, 1 << 20),
            ("session_timeout_seconds", self.session_timeout_seconds, 6, 1800),
            ("commit_interval_seconds", self.commit_interval_seconds, 1, 3600),
            ("watch_interval_seconds", self.watch_interval_seconds, 1, 300),
            ("revoke_timeout_seconds", self.revoke_timeout_seconds, 1, 120),
            ("close_timeout_seconds", self.close_timeout_seconds, 1, 120),
            ("assignment_timeout_seconds", self.assignment_timeout_seconds, 1, 3600),
            ("stall_seconds", self.stall_seconds, 5, 86_400),
        ] {
            if !(low..=high).contains(&value) {
                return Err(field(name, format!("is {value}; it must be {low} to {high}")));
            }
        }
        Ok(())
    }
}

fn check_property(key: &str) -> Result<(), KafkaConfigError> {
    let refuse = |problem: String| Err(KafkaConfigError::Property { key: key.into(), problem });
    if let Some((_, instead)) = OWNED.iter().find(|(owned, _)| *owned == key) {
        return refuse(format!("is decided by fenghuo: {instead}"));
    }
    if key.contains("password") || key.contains("secret") || key.starts_with("sasl.oauthbearer") {
        return refuse("holds a secret, and secrets do not stand in the configuration".into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::kafka::Security;

    fn config() -> KafkaConfig {
        KafkaConfig { brokers: vec!["127.0.0.1:9092".into()], ..KafkaConfig::default() }
    }

    fn complaint_about(change: impl FnOnce(&mut KafkaConfig)) -> String {
        let mut config = config();
        change(&mut config);
        config.client().unwrap_err().to_string()
    }

    #[test]
    fn what_we_rely_on_is_set_and_further_properties_pass() {
        let mut config = config();
        config.librdkafka.insert("client.rack".into(), "r1".into());
        let client = config.client().unwrap();
        assert_eq!(client.get("enable.auto.commit"), Some("false"));
        assert_eq!(client.get("partition.assignment.strategy"), Some("cooperative-sticky"));
        assert_eq!(client.get("queued.max.messages.kbytes"), Some("16384"));
        assert_eq!(client.get("client.rack"), Some("r1"));
        client.create_native_config().expect("librdkafka knows every property we set");
    }

    #[test]
    fn every_mistake_has_its_own_line() {
        insta::assert_snapshot!(complaint_about(|c| c.brokers.clear()), @r#"kafka.brokers: is empty; name at least one broker, for example ["kafka-1:9092"]"#);
        insta::assert_snapshot!(complaint_about(|c| c.brokers = vec!["kafka-1".into()]), @r#"kafka.brokers: `kafka-1` is not host:port; write for example "kafka-1:9092""#);
        insta::assert_snapshot!(complaint_about(|c| c.topic = "^comp.*".into()), @"kafka.topic: `^comp.*` is not a topic's name (1 to 249 of a-z A-Z 0-9 . _ -; no patterns)");
        insta::assert_snapshot!(complaint_about(|c| c.stall_seconds = 1), @"kafka.stall_seconds: is 1; it must be 5 to 86400");
        insta::assert_snapshot!(complaint_about(|c| c.security = Security::SaslSsl), @"kafka.username: is missing; `security` asks for SASL");
        insta::assert_snapshot!(complaint_about(|c| { c.security = Security::SaslSsl; c.username = Some("u".into()); }), @"kafka.password_file: is missing; `security` asks for SASL. Or set `password_env`");
        insta::assert_snapshot!(complaint_about(|c| { c.security = Security::Ssl; c.ca_file = Some("/nowhere/ca.pem".into()); }), @"kafka.ca_file: /nowhere/ca.pem cannot be read (No such file or directory (os error 2)); correct the path, or let the user that runs fenghuo read it");
        insta::assert_snapshot!(complaint_about(|c| c.ca_file = Some("/nowhere/ca.pem".into())), @"kafka.ca_file: is set, but `security` is not ssl or sasl_ssl, so it would not be used");
        insta::assert_snapshot!(complaint_about(|c| { c.librdkafka.insert("enable.auto.commit".into(), "true".into()); }), @r#"kafka.librdkafka."enable.auto.commit": is decided by fenghuo: positions are kept in the store, with their effects"#);
        insta::assert_snapshot!(complaint_about(|c| { c.librdkafka.insert("ssl.keystore.password".into(), "x".into()); }), @r#"kafka.librdkafka."ssl.keystore.password": holds a secret, and secrets do not stand in the configuration"#);
    }

    #[test]
    fn a_password_file_loses_only_its_end_of_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("password");
        fs::write(&path, " s3cret \r\n").unwrap();
        let config = KafkaConfig {
            security: Security::SaslPlaintext,
            username: Some("u".into()),
            password_file: Some(path.clone()),
            ..config()
        };
        assert_eq!(config.client().unwrap().get("sasl.password"), Some(" s3cret "));
        fs::write(&path, "\n").unwrap();
        assert!(config.client().unwrap_err().to_string().contains("is empty"));
    }
}
