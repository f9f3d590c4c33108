//! E-mail by SMTP.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use lettre::message::header::ContentType;
use lettre::message::{Mailbox, MessageBuilder};
use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use schemars::JsonSchema;
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};

use super::super::http::one_line;
use super::super::pace::Limit;
use super::super::plain::cut;
use super::super::sink::{Attempt, Sink, SinkFuture};
use super::super::{Backoff, Blame, TemplateError, Verdict, Words, webhook_id};
use super::config::ChannelFault;
use super::{ChannelConfig, ChannelError, ChannelSecrets};
use crate::model::Alert;

/// A mail is read by people; more than this is a mistake.
const MOST_BYTES: usize = 64 << 10;
const MOST_SUBJECT_BYTES: usize = 240;
const MOST_LINE_BYTES: usize = 400;
const MOST_SAID_BYTES: usize = 512;

/// E-mail by SMTP.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MailConfig {
    /// The mail server's name, for example `smtp.example.cn`.
    pub server: String,
    /// Its port, 1 to 65535. Without it what is usual: 587 with `starttls`, 465 with `tls`, 25 with
    /// `none`.
    #[schemars(range(min = 1, max = 65_535))]
    pub port: Option<u16>,
    /// How the connection is encrypted.
    pub security: MailSecurity,
    /// The account to log in with. Without it there is no login.
    pub username: Option<String>,
    /// A file with the account's password.
    pub password_file: Option<PathBuf>,
    /// The environment variable that holds the password, instead of a file.
    pub password_env: Option<String>,
    /// The sender, for example `烽火 <fenghuo@example.cn>`.
    pub from: String,
    /// The receivers.
    pub to: Vec<String>,
}

/// How the connection to a mail server is encrypted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MailSecurity {
    /// TLS that is asked for after connecting; without it nothing is sent.
    #[default]
    Starttls,
    /// TLS from the first byte.
    Tls,
    /// Not encrypted: to this machine only, unless `allow_plain` is set.
    None,
}

impl MailConfig {
    pub(super) fn validate(&self, allow_plain: bool) -> Result<(), ChannelFault> {
        let fault = |field: &str, message: String| Err((format!("mail.{field}"), message));
        if self.server.trim().is_empty() {
            return fault("server", "is empty; name the mail server".into());
        }
        if self.port == Some(0) {
            return fault("port", "is 0; use 1 to 65535".into());
        }
        let is_local = matches!(self.server.as_str(), "localhost" | "127.0.0.1" | "::1");
        if self.security == MailSecurity::None && !is_local && !allow_plain {
            let message = "would send alerts unencrypted to another machine; use \"starttls\", or set `allow_plain = true` where the network itself is protected";
            return fault("security", message.into());
        }
        let has_password = self.password_file.is_some() || self.password_env.is_some();
        if self.username.is_some() != has_password {
            let message = "has no use without a password, nor a password without it; give both or none";
            return fault("username", message.into());
        }
        if let Err(error) = self.from.parse::<Mailbox>() {
            return fault(
                "from",
                format!("is no mail address: {error}; write it like \"fenghuo@example.cn\""),
            );
        }
        if self.to.is_empty() {
            return fault("to", "is empty; name at least one receiver".into());
        }
        for address in &self.to {
            if let Err(error) = address.parse::<Mailbox>() {
                return fault("to", format!("has \"{address}\", which is no mail address: {error}"));
            }
        }
        Ok(())
    }
}

/// Mail to a list of receivers.
pub(super) struct MailSink {
    name: String,
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    to: Vec<Mailbox>,
    words: Arc<Words>,
    limit: Limit,
    timeout: Duration,
    backoff: Backoff,
    give_up_after: Option<Duration>,
}

impl MailSink {
    pub(super) fn new(
        name: &str,
        config: &ChannelConfig,
        own: &MailConfig,
        secrets: &ChannelSecrets,
        words: &Arc<Words>,
    ) -> Result<Self, ChannelError> {
        let fault = |setting: &str, message: String| ChannelError::Setting {
            channel: name.into(),
            setting: setting.into(),
            message,
        };
        let address = |field: &str, text: &str| {
            text.parse::<Mailbox>().map_err(|error| fault(&format!("mail.{field}"), error.to_string()))
        };
        let timeout = Duration::from_secs(config.timeout_seconds.into());
        let tls = || -> Result<TlsParameters, ChannelError> {
            let mut parameters = TlsParameters::builder(own.server.clone());
            if let Some(path) = &config.ca_file {
                let unreadable = |detail: String| {
                    fault("ca_file", format!("{} cannot be used: {detail}; it takes PEM", path.display()))
                };
                let pem = std::fs::read(path).map_err(|error| unreadable(error.to_string()))?;
                let authority = Certificate::from_pem(&pem).map_err(|error| unreadable(error.to_string()))?;
                parameters = parameters.add_root_certificate(authority);
            }
            parameters.build().map_err(|error| fault("mail.security", error.to_string()))
        };
        let (tls, port) = match own.security {
            MailSecurity::Starttls => (Tls::Required(tls()?), 587),
            MailSecurity::Tls => (Tls::Wrapper(tls()?), 465),
            MailSecurity::None => (Tls::None, 25),
        };
        let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&own.server)
            .port(own.port.unwrap_or(port))
            .tls(tls)
            .timeout(Some(timeout));
        if let (Some(username), Some(password)) = (&own.username, secrets.get("mail.password")) {
            let credentials = Credentials::new(username.clone(), password.expose_secret().to_owned());
            transport = transport.credentials(credentials);
        }
        let to: Result<Vec<Mailbox>, ChannelError> = own.to.iter().map(|text| address("to", text)).collect();
        Ok(Self {
            name: name.into(),
            transport: transport.build(),
            from: address("from", &own.from)?,
            to: to?,
            words: Arc::clone(words),
            limit: Limit::per_minute(config.per_minute.unwrap_or(60)),
            timeout,
            backoff: Backoff::new(&config.retry),
            give_up_after: config.give_up_after(),
        })
    }

    fn builder(&self, subject: String, now: Timestamp) -> MessageBuilder {
        let mut builder = Message::builder()
            .from(self.from.clone())
            .date(std::time::SystemTime::from(now))
            .header(ContentType::TEXT_PLAIN)
            .subject(subject);
        for to in &self.to {
            builder = builder.to(to.clone());
        }
        builder
    }

    /// One alert's revisions make a thread; a repeat has the same `Message-ID`.
    fn message(&self, alerts: &[&Alert], now: Timestamp) -> Result<Message, String> {
        let worded = |error: TemplateError| error.to_string();
        let id = |text: &str| format!("<{text}@{}>", self.from.email.domain());
        let (builder, text) = if let [alert] = alerts {
            let subject = self.words.alert("subject.txt", alert, MOST_SUBJECT_BYTES).map_err(worded)?;
            let mut builder = self.builder(subject, now).message_id(Some(id(&webhook_id(alert))));
            if alert.revision > 1 {
                builder = builder.references(id(&format!("{}.1", alert.id)));
            }
            (builder, self.words.alert("mail.txt", alert, MOST_BYTES).map_err(worded)?)
        } else {
            let head = self.words.digest(alerts).map_err(worded)?;
            let mut text = head.clone();
            for alert in alerts {
                text.push('\n');
                text.push_str(&self.words.alert("line.txt", alert, MOST_LINE_BYTES).map_err(worded)?);
            }
            let digest_id = id(&format!("digest-{}-{}", webhook_id(alerts[0]), now.as_millisecond()));
            let subject = cut(&head, MOST_SUBJECT_BYTES);
            (self.builder(subject, now).message_id(Some(digest_id)), text)
        };
        builder.body(text).map_err(|error| error.to_string())
    }

    async fn attempt(&self, alerts: Vec<&Alert>, now: Timestamp) -> Attempt {
        let message = match self.message(&alerts, now) {
            Ok(message) => message,
            Err(error) => {
                let detail = format!("the mail cannot be written: {error}");
                return Attempt { verdict: Verdict::Refused, detail, retry_after: None };
            }
        };
        let sending = self.transport.send(message);
        let Ok(sent) = tokio::time::timeout(self.timeout(), sending).await else {
            let detail = "no answer in time".into();
            return Attempt { verdict: Verdict::UNREACHABLE, detail, retry_after: None };
        };
        match sent {
            Ok(response) => {
                let said: Vec<&str> = response.message().collect();
                let detail =
                    cut(&one_line(&format!("{} {}", response.code(), said.join(" "))), MOST_SAID_BYTES);
                Attempt { verdict: Verdict::Delivered, detail, retry_after: None }
            }
            Err(error) => Attempt {
                verdict: verdict(&error),
                detail: cut(&one_line(&in_words(&error)), MOST_SAID_BYTES),
                retry_after: None,
            },
        }
    }
}

/// What a failure means (RFC 5321, 4.2; RFC 4954, 6).
///
/// | answer | verdict | why |
/// |---|---|---|
/// | 4xx | retry, the sink pauses | busy, greylisting |
/// | 552, 554 | refused | this message is too large or not wanted |
/// | other 5xx | retry, alarm | login, sender or receivers are not taken: a setting |
/// | TLS failed | retry, alarm | certificate or form of encryption: a setting |
/// | no answer | retry, the sink pauses | |
fn verdict(error: &SmtpError) -> Verdict {
    match error.status().map(u16::from) {
        Some(552 | 554) => Verdict::Refused,
        Some(500..=599) => Verdict::MISCONFIGURED,
        Some(400..=499) => Verdict::Retry { blame: Blame::Sink, alarm: false },
        _ if is_about_tls(error) => Verdict::MISCONFIGURED,
        _ => Verdict::UNREACHABLE,
    }
}

// A handshake that fails is told as a connection that does.
fn is_about_tls(error: &SmtpError) -> bool {
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        if inner.is::<native_tls::Error>() {
            return true;
        }
        cause = inner.source();
    }
    error.is_tls()
}

fn in_words(error: &SmtpError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        let said = inner.to_string();
        // Some layers repeat what they hold.
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        cause = inner.source();
    }
    text
}

impl Sink for MailSink {
    fn name(&self) -> &str {
        &self.name
    }

    fn concurrency(&self) -> usize {
        1
    }

    fn timeout(&self) -> Duration {
        // Each step of the dialogue may take that long.
        self.timeout * 4
    }

    fn backoff(&self) -> Backoff {
        self.backoff
    }

    fn give_up_after(&self) -> Option<Duration> {
        self.give_up_after
    }

    fn limit(&self) -> Option<Limit> {
        Some(self.limit)
    }

    fn holds(&self, alerts: &[&Alert]) -> usize {
        alerts.len()
    }

    fn send<'s>(&'s self, alerts: &'s [&'s Alert], now: Timestamp) -> SinkFuture<'s> {
        Box::pin(self.attempt(alerts.to_vec(), now))
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::samples;
    use super::*;

    fn config() -> ChannelConfig {
        let mail = MailConfig {
            server: "smtp.example.cn".into(),
            from: "烽火 <fenghuo@example.cn>".into(),
            to: vec!["zhiban@example.cn".into(), "值班 <b@example.cn>".into()],
            ..MailConfig::default()
        };
        ChannelConfig { mail: Some(mail), ..ChannelConfig::default() }
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        let refused = |change: fn(&mut MailConfig)| {
            let mut config = config();
            change(config.mail.as_mut().unwrap());
            let (setting, message) = config.validate("duty").unwrap_err();
            format!("{setting} {message}")
        };
        assert!(config().validate("duty").is_ok());
        assert!(refused(|c| c.server.clear()).starts_with("mail.server is empty"));
        assert!(refused(|c| c.from = "x".into()).starts_with("mail.from is no mail address"));
        assert!(refused(|c| c.to.clear()).starts_with("mail.to is empty"));
        assert!(refused(|c| c.to.push("a b".into())).starts_with("mail.to has \"a b\""));
        assert!(refused(|c| c.security = MailSecurity::None).starts_with("mail.security would send"));
        assert!(refused(|c| c.username = Some("u".into())).starts_with("mail.username has no use"));
    }

    #[test]
    fn revisions_make_a_thread_and_repeats_have_one_id() {
        let words = Arc::new(Words::load(None, None).unwrap());
        let config = config();
        let own = config.mail.as_ref().unwrap();
        let sink = MailSink::new("duty", &config, own, &ChannelSecrets::new(), &words).unwrap();
        let now = "2026-03-01T03:25:05Z".parse().unwrap();
        let second = Alert { revision: 2, ..samples::group() };
        let text = String::from_utf8(sink.message(&[&second], now).unwrap().formatted()).unwrap();
        assert!(text.contains("Message-ID: <QS20260301-7F3K2QXA.2@example.cn>"), "{text}");
        assert!(text.contains("References: <QS20260301-7F3K2QXA.1@example.cn>"), "{text}");
        let evil = Alert { title: "a\r\nBcc: x@example.com".into(), ..samples::group() };
        let text = String::from_utf8(sink.message(&[&evil], now).unwrap().formatted()).unwrap();
        assert!(!text.contains("\nBcc:"), "{text}");
    }
}
