//! The settings of channels for people and other systems.

use std::path::{Path, PathBuf};
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::config::{check_name, within};
use super::super::route::MuteConfig;
use super::super::{RetryConfig, http};
use super::alertmanager::AlertmanagerConfig;
use super::codes::Vendor;
use super::mail::MailConfig;
use super::syslog::SyslogConfig;
#[cfg(feature = "kafka")]
use super::topic::TopicConfig;
use crate::model::Level;

/// One channel: to whom alerts go besides the webhook. Its kind is the table within it, for example
/// `[channels.duty.wecom]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ChannelConfig {
    /// How long an attempt may take, in seconds, 1 to 300.
    #[schemars(range(min = 1, max = 300))]
    pub timeout_seconds: u32,
    /// The most messages in any minute, 1 to 6000. Without it what the robot's vendor allows (20 for
    /// WeCom and DingTalk, 100 for Feishu), 60 for mail, and no limit for other systems. When more is
    /// due, several alerts go in one message. Two channels on one robot share its limit: give each a
    /// part of it.
    #[schemars(range(min = 1, max = 6000))]
    pub per_minute: Option<u32>,
    /// A file with certificates (PEM) of authorities to trust besides the system's own.
    pub ca_file: Option<PathBuf>,
    /// Send unencrypted to another machine. Alerts then cross the network readable by everybody on
    /// the way.
    pub allow_plain: bool,
    /// Times in which it is not told of what can wait, for example `{ hours = "22:00-07:30", up_to =
    /// "yellow" }`. What waits is told when they are over.
    pub mute: Vec<MuteConfig>,
    /// When to try again.
    pub retry: RetryConfig,
    /// A group robot of WeCom (企业微信).
    pub wecom: Option<WecomConfig>,
    /// A group robot of DingTalk (钉钉).
    pub dingtalk: Option<DingtalkConfig>,
    /// A group robot of Feishu (飞书).
    pub feishu: Option<FeishuConfig>,
    /// E-mail by SMTP.
    pub mail: Option<MailConfig>,
    /// An Alertmanager, so that its on-call, silences and escalation can be used.
    pub alertmanager: Option<AlertmanagerConfig>,
    /// A syslog server.
    pub syslog: Option<SyslogConfig>,
    /// A Kafka topic.
    #[cfg(feature = "kafka")]
    pub kafka: Option<TopicConfig>,
}

/// A group robot of WeCom (企业微信群机器人): Markdown of at most 4096 bytes, 20 messages a minute.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct WecomConfig {
    /// A file with the robot's address as WeCom shows it, with the key in it.
    pub url_file: Option<PathBuf>,
    /// The environment variable that holds the address, instead of a file.
    pub url_env: Option<String>,
    /// Account names (userid) of whom to mention.
    pub mention: Vec<String>,
    /// From which level on they are mentioned; never without it.
    pub mention_from: Option<Level>,
}

/// A group robot of DingTalk (钉钉自定义机器人): Markdown, 20 messages a minute, of which one more
/// blocks the robot for ten.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DingtalkConfig {
    /// A file with the robot's address as DingTalk shows it, with the access token in it.
    pub url_file: Option<PathBuf>,
    /// The environment variable that holds the address, instead of a file.
    pub url_env: Option<String>,
    /// A file with the secret that signs requests (加签, begins with `SEC`), when the robot asks for
    /// it.
    pub secret_file: Option<PathBuf>,
    /// The environment variable that holds the secret, instead of a file.
    pub secret_env: Option<String>,
    /// Account names (userId) of whom to mention.
    pub mention: Vec<String>,
    /// From which level on they are mentioned; never without it.
    pub mention_from: Option<Level>,
}

/// A group robot of Feishu (飞书自定义机器人): a card of at most 20 KB, 100 messages a minute and 5 a
/// second.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FeishuConfig {
    /// A file with the robot's address as Feishu shows it.
    pub url_file: Option<PathBuf>,
    /// The environment variable that holds the address, instead of a file.
    pub url_env: Option<String>,
    /// A file with the secret that signs requests (签名校验), when the robot asks for it.
    pub secret_file: Option<PathBuf>,
    /// The environment variable that holds the secret, instead of a file.
    pub secret_env: Option<String>,
    /// Account names (`open_id`) of whom to mention.
    pub mention: Vec<String>,
    /// From which level on they are mentioned; never without it.
    pub mention_from: Option<Level>,
}

impl Default for ChannelConfig {
    fn default() -> Self {
        Self {
            timeout_seconds: 10,
            per_minute: None,
            ca_file: None,
            allow_plain: false,
            mute: Vec::new(),
            retry: RetryConfig::default(),
            wecom: None,
            dingtalk: None,
            feishu: None,
            mail: None,
            alertmanager: None,
            syslog: None,
            #[cfg(feature = "kafka")]
            kafka: None,
        }
    }
}

/// What a channel is, with its own settings.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind<'c> {
    Robot(Robot<'c>),
    Mail(&'c MailConfig),
    Alertmanager(&'c AlertmanagerConfig),
    Syslog(&'c SyslogConfig),
    #[cfg(feature = "kafka")]
    Topic(&'c TopicConfig),
}

/// The settings that group robots have in common.
#[derive(Debug, Clone, Copy)]
pub(super) struct Robot<'c> {
    pub(super) vendor: Vendor,
    pub(super) mention: &'c [String],
    pub(super) mention_from: Option<Level>,
    url: (&'c Option<PathBuf>, &'c Option<String>),
    secret: Option<(&'c Option<PathBuf>, &'c Option<String>)>,
}

/// A secret that a channel needs: where the configuration says it is.
#[derive(Debug, Clone, Copy)]
pub struct SecretPlace<'c> {
    /// The setting without its end, below the channel: `wecom.url` of `wecom.url_file`.
    pub setting: &'static str,
    /// What it is for, in messages: `the address of the robot`.
    pub what: &'static str,
    /// The file, when one is named.
    pub file: Option<&'c Path>,
    /// The environment variable, when one is named.
    pub env: Option<&'c str>,
    /// Whether the channel cannot be without it.
    pub required: bool,
}

impl SecretPlace<'_> {
    /// The setting that names where it is.
    #[must_use]
    pub fn named(&self) -> String {
        format!("{}_{}", self.setting, if self.file.is_some() { "file" } else { "env" })
    }
}

/// A setting of a channel that cannot be used: the setting below the channel, and what is wrong and
/// what to do about it.
pub type ChannelFault = (String, String);

impl ChannelConfig {
    /// Checks everything that can be checked without reading files.
    ///
    /// # Errors
    /// The first setting that cannot be used; an empty one means the channel as a whole.
    pub fn validate(&self, name: &str) -> Result<(), ChannelFault> {
        let owned = |(field, message): (&str, String)| (field.to_owned(), message);
        check_name(name).map_err(|message| (String::new(), format!("the name of a channel {message}")))?;
        let kind = self.kind()?;
        within("timeout_seconds", self.timeout_seconds, 1, 300).map_err(owned)?;
        if let Some(number) = self.per_minute {
            within("per_minute", number, 1, 6000).map_err(owned)?;
        }
        self.retry.validate().map_err(owned)?;
        for (index, mute) in self.mute.iter().enumerate() {
            mute.validate().map_err(|message| (format!("mute.{index}"), message))?;
        }
        for place in self.secrets() {
            let fault = |end: &str, message: String| Err((format!("{}_{end}", place.setting), message));
            match (place.file, place.env) {
                (None, None) if place.required => {
                    let (what, env) = (place.what, place.setting.rsplit('.').next().unwrap_or_default());
                    return fault(
                        "file",
                        format!("is missing; name a file with {what}, or a variable in `{env}_env`"),
                    );
                }
                (Some(_), Some(_)) => {
                    let env = place.setting;
                    return fault("file", format!("and `{env}_env` are both given; keep one of the two"));
                }
                _ => {}
            }
        }
        kind.validate(self.allow_plain)
    }

    /// What this channel is.
    pub(super) fn kind(&self) -> Result<Kind<'_>, ChannelFault> {
        let kinds = [
            self.wecom.as_ref().map(Robot::of_wecom).map(Kind::Robot),
            self.dingtalk.as_ref().map(Robot::of_dingtalk).map(Kind::Robot),
            self.feishu.as_ref().map(Robot::of_feishu).map(Kind::Robot),
            self.mail.as_ref().map(Kind::Mail),
            self.alertmanager.as_ref().map(Kind::Alertmanager),
            self.syslog.as_ref().map(Kind::Syslog),
            #[cfg(feature = "kafka")]
            self.kafka.as_ref().map(Kind::Topic),
        ];
        let mut kinds = kinds.into_iter().flatten();
        match (kinds.next(), kinds.next()) {
            (Some(kind), None) => Ok(kind),
            (None, _) => {
                Err((String::new(), format!("has no kind; give it a table that says what it is: {KINDS}")))
            }
            (Some(one), Some(other)) => Err((
                String::new(),
                format!("is both `{}` and `{}`; make two channels of it", one.name(), other.name()),
            )),
        }
    }

    /// After how long an alert is put aside, if ever.
    pub(super) fn give_up_after(&self) -> Option<Duration> {
        self.retry.give_up_after_hours.map(|hours| Duration::from_hours(hours.into()))
    }

    /// The secrets that it needs or may have.
    #[must_use]
    pub fn secrets(&self) -> Vec<SecretPlace<'_>> {
        self.kind().map(Kind::secrets).unwrap_or_default()
    }
}

const KINDS: &str = "`wecom`, `dingtalk`, `feishu`, `mail`, `alertmanager`, `syslog`, `kafka`";

impl<'c> Kind<'c> {
    /// The name of its table.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Robot(robot) => robot.vendor.table(),
            Self::Mail(_) => "mail",
            Self::Alertmanager(_) => "alertmanager",
            Self::Syslog(_) => "syslog",
            #[cfg(feature = "kafka")]
            Self::Topic(_) => "kafka",
        }
    }

    fn secrets(self) -> Vec<SecretPlace<'c>> {
        let place = |setting, what, (file, env): (&'c Option<PathBuf>, &'c Option<String>)| SecretPlace {
            setting,
            what,
            file: file.as_deref(),
            env: env.as_deref(),
            required: false,
        };
        match self {
            Self::Robot(robot) => {
                let (url, secret) = robot.vendor.secret_settings();
                let address =
                    SecretPlace { required: true, ..place(url, "the address of the robot", robot.url) };
                let secret = robot.secret.map(|found| place(secret, "the secret of the robot", found));
                std::iter::once(address).chain(secret).collect()
            }
            Self::Mail(own) => {
                let found = (&own.password_file, &own.password_env);
                vec![place("mail.password", "the password for mail", found)]
            }
            Self::Alertmanager(own) => {
                let found = (&own.password_file, &own.password_env);
                vec![place("alertmanager.password", "the password for Alertmanager", found)]
            }
            Self::Syslog(_) => Vec::new(),
            #[cfg(feature = "kafka")]
            Self::Topic(own) => {
                let found = (&own.password_file, &own.password_env);
                vec![place("kafka.password", "the password for Kafka", found)]
            }
        }
    }

    fn validate(self, allow_plain: bool) -> Result<(), ChannelFault> {
        match self {
            Self::Robot(robot) => robot.validate(),
            Self::Mail(own) => own.validate(allow_plain),
            Self::Alertmanager(own) => own.validate(allow_plain),
            Self::Syslog(own) => own.validate(allow_plain),
            #[cfg(feature = "kafka")]
            Self::Topic(own) => own.validate(),
        }
    }
}

impl<'c> Robot<'c> {
    fn of_wecom(own: &'c WecomConfig) -> Self {
        let WecomConfig { url_file, url_env, mention, mention_from } = own;
        let url = (url_file, url_env);
        Self { vendor: Vendor::Wecom, mention, mention_from: *mention_from, url, secret: None }
    }

    fn of_dingtalk(own: &'c DingtalkConfig) -> Self {
        let DingtalkConfig { url_file, url_env, secret_file, secret_env, mention, mention_from } = own;
        let (url, secret) = ((url_file, url_env), Some((secret_file, secret_env)));
        Self { vendor: Vendor::Dingtalk, mention, mention_from: *mention_from, url, secret }
    }

    fn of_feishu(own: &'c FeishuConfig) -> Self {
        let FeishuConfig { url_file, url_env, secret_file, secret_env, mention, mention_from } = own;
        let (url, secret) = ((url_file, url_env), Some((secret_file, secret_env)));
        Self { vendor: Vendor::Feishu, mention, mention_from: *mention_from, url, secret }
    }

    fn validate(self) -> Result<(), ChannelFault> {
        let table = self.vendor.table();
        if self.mention.is_empty() != self.mention_from.is_none() {
            let (given, missing) = if self.mention_from.is_none() {
                ("mention", "mention_from")
            } else {
                ("mention_from", "mention")
            };
            let message = format!("has no use without `{missing}`; give both or none");
            return Err((format!("{table}.{given}"), message));
        }
        let is_plain = |name: &String| {
            !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || "-_.@".contains(c))
        };
        if let Some(name) = self.mention.iter().find(|name| !is_plain(name)) {
            let message = format!("has \"{name}\", which is no account name");
            return Err((format!("{table}.mention"), message));
        }
        Ok(())
    }
}

/// Checks the address that was read from a file or variable.
pub(super) fn robot_address(text: &str, allow_plain: bool) -> Result<reqwest::Url, String> {
    http::address(text.trim(), allow_plain).map_err(|error| plain(&error.to_string()))
}

/// The words of a fault with the setting as channels call it.
pub(super) fn plain(message: &str) -> String {
    message.replace("allow_plain_http", "allow_plain")
}
