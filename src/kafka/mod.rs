//! Speaking to Kafka brokers: what the source and the channel have in common.
//!
//! **Does:** turns settings of connection, TLS and SASL into those of librdkafka, and reads the
//! secrets that they name. **Promises:** a setting that would have no effect is refused; a message
//! names the field and the remedy, and no secret. **Leaves to others:** consuming (`source`),
//! producing (`deliver`).

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use rdkafka::ClientConfig;
use rdkafka::error::KafkaError;
use schemars::JsonSchema;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

/// A setting that cannot be used. One line: the field, what is wrong, what to do.
#[derive(Debug, thiserror::Error)]
pub enum KafkaConfigError {
    /// A required field is missing or a value is out of its range.
    #[error("kafka.{field}: {problem}")]
    Field {
        /// The field's name.
        field: String,
        /// What is wrong with it and what to do.
        problem: String,
    },
    /// A file that a field names cannot be read.
    #[error("kafka.{field}: {path} cannot be read ({source}); correct the path, or let the user that runs fenghuo read it", path = .path.display())]
    File {
        /// The field's name.
        field: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// librdkafka refused a property of the `librdkafka` table.
    #[error("kafka.librdkafka.\"{key}\": {problem}")]
    Property {
        /// The property.
        key: String,
        /// Why it was refused.
        problem: String,
    },
    /// librdkafka could not start with these settings.
    #[error("kafka: the client cannot be made: {0}")]
    Client(String),
}

/// How to speak to the brokers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Security {
    /// Neither encrypted nor authenticated.
    #[default]
    Plaintext,
    /// TLS; authenticated by certificate when `cert_file` is given.
    Ssl,
    /// SASL without encryption. Passwords cross the network in the clear with `plain`.
    SaslPlaintext,
    /// SASL within TLS.
    SaslSsl,
}

/// How to prove who we are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SaslMechanism {
    /// `PLAIN`
    Plain,
    /// `SCRAM-SHA-256`
    #[serde(rename = "scram-sha-256")]
    ScramSha256,
    /// `SCRAM-SHA-512`
    #[default]
    #[serde(rename = "scram-sha-512")]
    ScramSha512,
}

/// The settings by which brokers are reached, wherever they stand in the configuration.
#[derive(Debug, Clone, Copy)]
pub struct Access<'c> {
    /// `host:port` each, at least one.
    pub brokers: &'c [String],
    /// The topic to read or write.
    pub topic: &'c str,
    /// Encryption and authentication.
    pub security: Security,
    /// How to prove who we are.
    pub sasl_mechanism: SaslMechanism,
    /// The user's name for SASL.
    pub username: Option<&'c str>,
    /// A file with the user's password.
    pub password_file: Option<&'c Path>,
    /// The environment variable with it.
    pub password_env: Option<&'c str>,
    /// PEM file of authorities to trust.
    pub ca_file: Option<&'c Path>,
    /// PEM file of our own certificate.
    pub cert_file: Option<&'c Path>,
    /// PEM file of its private key.
    pub key_file: Option<&'c Path>,
    /// A file with the password of the private key.
    pub key_password_file: Option<&'c Path>,
    /// The environment variable with it.
    pub key_password_env: Option<&'c str>,
}

impl Access<'_> {
    /// Checks names of brokers and topic.
    ///
    /// # Errors
    /// The first one that cannot be.
    pub fn check_names(&self) -> Result<(), KafkaConfigError> {
        if self.brokers.is_empty() {
            return Err(field(
                "brokers",
                "is empty; name at least one broker, for example [\"kafka-1:9092\"]",
            ));
        }
        if let Some(broker) = self.brokers.iter().find(|broker| !is_address(broker)) {
            let problem = format!("`{broker}` is not host:port; write for example \"kafka-1:9092\"");
            return Err(field("brokers", problem));
        }
        let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if self.topic.is_empty() || self.topic.len() > 249 || !self.topic.chars().all(legal) {
            let problem = format!(
                "`{}` is not a topic's name (1 to 249 of a-z A-Z 0-9 . _ -; no patterns)",
                self.topic
            );
            return Err(field("topic", problem));
        }
        Ok(())
    }

    /// Sets brokers, encryption and authentication; reads the secrets.
    ///
    /// # Errors
    /// The first setting that cannot be used, or would have no effect.
    pub fn apply(&self, client: &mut ClientConfig) -> Result<(), KafkaConfigError> {
        client.set("bootstrap.servers", self.brokers.join(","));
        client.set("security.protocol", self.security.as_str());
        if self.security.has_sasl() {
            let Some(username) = self.username.filter(|name| !name.is_empty()) else {
                return Err(field("username", "is missing; `security` asks for SASL"));
            };
            let password = secret("password", self.password_file, self.password_env)?.ok_or_else(|| {
                field("password_file", "is missing; `security` asks for SASL. Or set `password_env`")
            })?;
            client.set("sasl.mechanism", self.sasl_mechanism.as_str());
            client.set("sasl.username", username);
            client.set("sasl.password", password.expose_secret());
        } else if self.username.is_some() || self.password_file.is_some() || self.password_env.is_some() {
            let problem = "is set, but `security` is not sasl_ssl or sasl_plaintext, so it would not be used";
            return Err(field("username", problem));
        }
        if !self.security.has_tls() {
            if self.ca_file.is_some() || self.cert_file.is_some() || self.key_file.is_some() {
                let problem = "is set, but `security` is not ssl or sasl_ssl, so it would not be used";
                return Err(field("ca_file", problem));
            }
            return Ok(());
        }
        match (self.cert_file, self.key_file) {
            (Some(_), None) => return Err(field("key_file", "is missing; it goes with `cert_file`")),
            (None, Some(_)) => return Err(field("cert_file", "is missing; it goes with `key_file`")),
            _ => {}
        }
        // The TLS library is built in, so it does not know where this system keeps its authorities.
        client.set("ssl.ca.location", "probe");
        for (name, property, file) in [
            ("ca_file", "ssl.ca.location", self.ca_file),
            ("cert_file", "ssl.certificate.location", self.cert_file),
            ("key_file", "ssl.key.location", self.key_file),
        ] {
            if let Some(path) = file {
                read(name, path)?;
                client.set(property, path.display().to_string());
            }
        }
        let password = secret("key_password", self.key_password_file, self.key_password_env)?;
        if let Some(password) = password {
            client.set("ssl.key.password", password.expose_secret());
        }
        Ok(())
    }
}

impl Security {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Plaintext => "plaintext",
            Self::Ssl => "ssl",
            Self::SaslPlaintext => "sasl_plaintext",
            Self::SaslSsl => "sasl_ssl",
        }
    }

    pub(crate) fn has_tls(self) -> bool {
        matches!(self, Self::Ssl | Self::SaslSsl)
    }

    pub(crate) fn has_sasl(self) -> bool {
        matches!(self, Self::SaslPlaintext | Self::SaslSsl)
    }
}

impl SaslMechanism {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha512 => "SCRAM-SHA-512",
        }
    }
}

/// Why librdkafka refused the settings.
pub(crate) fn refused(error: KafkaError) -> KafkaConfigError {
    match error {
        KafkaError::ClientConfig(_, problem, key, value) => {
            let problem =
                if problem.is_empty() { format!("`{value}` is not a value of it") } else { problem };
            KafkaConfigError::Property { key, problem }
        }
        other => KafkaConfigError::Client(other.to_string()),
    }
}

fn is_address(broker: &str) -> bool {
    broker.rsplit_once(':').is_some_and(|(host, port)| {
        !host.is_empty()
            && !host.contains(char::is_whitespace)
            && port.parse::<u16>().is_ok_and(|port| port > 0)
    })
}

fn secret(
    what: &'static str,
    file: Option<&Path>,
    env: Option<&str>,
) -> Result<Option<SecretString>, KafkaConfigError> {
    let (name, text) = match (file, env) {
        (None, None) => return Ok(None),
        (Some(_), Some(_)) => {
            return Err(field(
                format!("{what}_env"),
                format!("is set together with `{what}_file`; keep one"),
            ));
        }
        (Some(path), None) => {
            let field = if what == "password" { "password_file" } else { "key_password_file" };
            let bytes = read(field, path)?;
            let text = String::from_utf8(bytes)
                .map_err(|_| self::field(field, format!("{} is not UTF-8", path.display())))?;
            (field.to_owned(), text)
        }
        (None, Some(variable)) => {
            let name = format!("{what}_env");
            let text = std::env::var(variable)
                .map_err(|_| field(name.clone(), format!("the environment has no readable `{variable}`")))?;
            (name, text)
        }
    };
    let text = text.trim_end_matches(['\r', '\n']);
    if text.is_empty() {
        return Err(field(name, "names a secret that is empty"));
    }
    Ok(Some(SecretString::from(text)))
}

fn read(field: &'static str, path: &Path) -> Result<Vec<u8>, KafkaConfigError> {
    fs::read(path).map_err(|source| KafkaConfigError::File { field, path: path.into(), source })
}

/// A fault of a field.
pub(crate) fn field(name: impl Into<String>, problem: impl fmt::Display) -> KafkaConfigError {
    KafkaConfigError::Field { field: name.into(), problem: problem.to_string() }
}
