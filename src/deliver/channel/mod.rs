//! Channels: to whom alerts go besides the governance centre's webhook.
//!
//! **Does:** builds one [`Sink`] for each channel of the configuration: group robots, mail,
//! Alertmanager, syslog, a Kafka topic; words messages by templates; judges each vendor's answers, which
//! come as an error code in an HTTP 200. **Promises:** a message keeps to its receiver's length and
//! form; addresses and secrets reach no log, error or dead letter; an answer means the same as a
//! webhook's ([`super::Verdict`]). **Leaves to others:** order, retry, pace and digests (`line`), reading
//! secrets (`daemon`).

mod alertmanager;
mod codes;
mod config;
mod mail;
mod robot;
mod syslog;
#[cfg(feature = "kafka")]
mod topic;

use std::collections::BTreeMap;
use std::sync::Arc;

use secrecy::SecretString;

pub use alertmanager::AlertmanagerConfig;
pub use config::{ChannelConfig, ChannelFault, DingtalkConfig, FeishuConfig, SecretPlace, WecomConfig};
pub use mail::{MailConfig, MailSecurity};
pub use syslog::SyslogConfig;
#[cfg(feature = "kafka")]
pub use topic::TopicConfig;

use super::http::HttpSetupError;
use super::{Sink, Words};
use alertmanager::AlertmanagerSink;
use config::Kind;
use mail::MailSink;
use robot::RobotSink;
use syslog::SyslogSink;

/// The secrets of one channel, by [`SecretPlace::setting`].
pub type ChannelSecrets = BTreeMap<&'static str, SecretString>;

/// Why a channel cannot be set up. Shows no secret.
#[derive(Debug, thiserror::Error)]
pub enum ChannelError {
    /// A setting cannot be used.
    #[error("channel \"{channel}\": `{setting}` {message}")]
    Setting {
        /// The channel's name.
        channel: String,
        /// The setting below the channel.
        setting: String,
        /// What is wrong and what to do about it.
        message: String,
    },
    /// HTTPS cannot be set up.
    #[error("channel \"{channel}\": {error}")]
    Http {
        /// The channel's name.
        channel: String,
        /// What is wrong.
        error: HttpSetupError,
    },
}

impl ChannelError {
    /// The setting that is at fault, below the channel.
    #[must_use]
    pub fn setting(&self) -> &str {
        match self {
            Self::Setting { setting, .. } => setting,
            Self::Http { .. } => "ca_file",
        }
    }

    /// What is wrong, without the channel and the setting.
    #[must_use]
    pub fn message(&self) -> String {
        match self {
            Self::Setting { message, .. } => message.clone(),
            Self::Http { error, .. } => error.to_string(),
        }
    }
}

/// Builds the sink of a channel. `secrets` are what [`ChannelConfig::secrets`] asks for.
///
/// # Errors
/// When a setting, a secret or the certificates cannot be used.
pub fn open(
    name: &str,
    config: &ChannelConfig,
    secrets: &ChannelSecrets,
    words: &Arc<Words>,
) -> Result<Arc<dyn Sink>, ChannelError> {
    let fault = |(setting, message)| ChannelError::Setting { channel: name.into(), setting, message };
    config.validate(name).map_err(fault)?;
    match config.kind().map_err(fault)? {
        Kind::Robot(robot) => Ok(Arc::new(RobotSink::new(name, config, robot, secrets, words)?)),
        Kind::Mail(own) => Ok(Arc::new(MailSink::new(name, config, own, secrets, words)?)),
        Kind::Alertmanager(own) => Ok(Arc::new(AlertmanagerSink::new(name, config, own, secrets, words)?)),
        Kind::Syslog(own) => Ok(Arc::new(SyslogSink::new(name, config, own, words)?)),
        #[cfg(feature = "kafka")]
        Kind::Topic(own) => Ok(Arc::new(topic::TopicSink::new(name, config, own)?)),
    }
}
