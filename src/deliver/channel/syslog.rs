//! A syslog server: RFC 5424 over UDP (RFC 5426), TCP (RFC 6587) or a local socket.
//!
//! Syslog has no receipts. That a message was written without an error is all that is known: over UDP
//! it may be lost, over TCP what was under way when the server died. For what must arrive, use another
//! channel beside it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::Url;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use syslog_fmt::v5424::{Config, Formatter};
use syslog_fmt::{Facility, Severity};
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpStream, UdpSocket, UnixDatagram};

use super::super::sink::{Attempt, Sink, SinkFuture};
use super::super::{Backoff, Verdict, Words};
use super::config::ChannelFault;
use super::{ChannelConfig, ChannelError};
use crate::model::{Alert, AlertKind, AlertState, Level};

/// The text of a message. All receivers must take 480 bytes over UDP and should take 2048 (RFC 5426,
/// 3.2), of which header and data need a part.
const MOST_TEXT_BYTES: usize = 1400;

/// The number that stands for examples in the registry of enterprises (RFC 5612): ours to use without
/// one of our own.
const DATA_ID: &str = "fenghuo@32473";

/// A syslog server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SyslogConfig {
    /// Where it listens: `udp://127.0.0.1:514`, `tcp://127.0.0.1:601` or `unix:///dev/log`.
    pub address: String,
    /// The facility, 0 to 23; 16 is local0.
    #[schemars(range(min = 0, max = 23))]
    pub facility: u8,
    /// This machine's name in the messages; `-` without it.
    pub hostname: Option<String>,
}

impl Default for SyslogConfig {
    fn default() -> Self {
        Self { address: "unix:///dev/log".into(), facility: 16, hostname: None }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Way {
    Udp(String),
    Tcp(String),
    Unix(String),
}

impl SyslogConfig {
    pub(super) fn validate(&self, allow_plain: bool) -> Result<(), ChannelFault> {
        self.way(allow_plain).map_err(|message| ("syslog.address".to_owned(), message))?;
        let fault = |field: &str, message: &str| Err((format!("syslog.{field}"), message.to_owned()));
        if self.facility > 23 {
            return fault("facility", "is above 23; use 0 to 23");
        }
        let is_name = |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic());
        if self.hostname.as_deref().is_some_and(|name| !is_name(name) || name.len() > 255) {
            return fault("hostname", "must be 1 to 255 visible ASCII characters");
        }
        Ok(())
    }

    fn way(&self, allow_plain: bool) -> Result<Way, String> {
        const FORMS: &str = "write it like \"udp://127.0.0.1:514\", \"tcp://...\" or \"unix:///dev/log\"";
        let url =
            Url::parse(&self.address).map_err(|error| format!("is not an address: {error}; {FORMS}"))?;
        if url.scheme() == "unix" {
            let is_path = Path::new(url.path()).is_absolute() && url.path().len() > 1;
            return if is_path { Ok(Way::Unix(url.path().to_owned())) } else { Err(FORMS.into()) };
        }
        let (Some(host), Some(port)) = (url.host_str(), url.port()) else {
            return Err(format!("lacks a host or a port; {FORMS}"));
        };
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let is_local = host == "localhost" || bare.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback());
        if !is_local && !allow_plain {
            return Err("would send alerts unencrypted to another machine; send to a relay on this machine, or set `allow_plain = true` where the network itself is protected".into());
        }
        match url.scheme() {
            "udp" => Ok(Way::Udp(format!("{host}:{port}"))),
            "tcp" => Ok(Way::Tcp(format!("{host}:{port}"))),
            other => Err(format!("begins with \"{other}:\"; {FORMS}")),
        }
    }
}

/// A syslog server.
pub(super) struct SyslogSink {
    name: String,
    way: Way,
    formatter: Formatter,
    words: Arc<Words>,
    timeout: Duration,
    backoff: Backoff,
    give_up_after: Option<Duration>,
}

impl SyslogSink {
    pub(super) fn new(
        name: &str,
        config: &ChannelConfig,
        own: &SyslogConfig,
        words: &Arc<Words>,
    ) -> Result<Self, ChannelError> {
        let fault = |setting: &str, message: String| ChannelError::Setting {
            channel: name.into(),
            setting: setting.into(),
            message,
        };
        let way = own.way(config.allow_plain).map_err(|message| fault("syslog.address", message))?;
        let facility = Facility::try_from(own.facility)
            .map_err(|_| fault("syslog.facility", "is above 23; use 0 to 23".into()))?;
        let process = std::process::id().to_string();
        let formatter = Config {
            facility,
            hostname: own.hostname.as_deref(),
            app_name: Some("fenghuo"),
            proc_id: Some(&process),
        }
        .into_formatter();
        Ok(Self {
            name: name.into(),
            way,
            formatter,
            words: Arc::clone(words),
            timeout: Duration::from_secs(config.timeout_seconds.into()),
            backoff: Backoff::new(&config.retry),
            give_up_after: config.give_up_after(),
        })
    }

    fn message(&self, alert: &Alert, now: Timestamp) -> Result<Vec<u8>, String> {
        let text = self.words.alert("line.txt", alert, MOST_TEXT_BYTES).map_err(|error| error.to_string())?;
        let severity = match (alert.state, alert.level) {
            (AlertState::Resolved, _) => Severity::Info,
            (_, Level::Red) => Severity::Crit,
            (_, Level::Orange) => Severity::Err,
            (_, Level::Yellow) => Severity::Warning,
            (_, Level::Blue) => Severity::Notice,
        };
        let (message_id, kind) = match alert.kind {
            AlertKind::GroupIncident => ("GROUP", "group_incident"),
            AlertKind::FinancialRisk => ("RISK", "financial_risk"),
        };
        let state = match alert.state {
            AlertState::Raised => "raised",
            AlertState::Updated => "updated",
            AlertState::Resolved => "resolved",
            AlertState::Reopened => "reopened",
        };
        let (revision, callers) = (alert.revision.to_string(), alert.callers.to_string());
        // Ids and numbers only, none of which needs quoting.
        let data = vec![
            ("id", alert.id.as_str()),
            ("revision", revision.as_str()),
            ("kind", kind),
            ("level", alert.level.as_str()),
            ("state", state),
            ("callers", callers.as_str()),
        ];
        let stamp = format!("{now:.3}");
        let mut bytes = Vec::new();
        self.formatter
            .write_with_data(
                &mut bytes,
                severity,
                stamp.as_str(),
                text.as_str(),
                Some(message_id),
                vec![(DATA_ID, data)],
            )
            .map_err(|error| error.to_string())?;
        Ok(bytes)
    }

    async fn hand_over(&self, message: &[u8]) -> std::io::Result<()> {
        match &self.way {
            Way::Unix(path) => {
                let socket = UnixDatagram::unbound()?;
                socket.connect(path)?;
                socket.send(message).await.map(drop)
            }
            Way::Udp(address) => {
                let any = if address.starts_with('[') { "[::]:0" } else { "0.0.0.0:0" };
                let socket = UdpSocket::bind(any).await?;
                socket.connect(address).await?;
                socket.send(message).await.map(drop)
            }
            Way::Tcp(address) => {
                let mut stream = TcpStream::connect(address).await?;
                // Octet counting (RFC 6587, 3.4.1): the length, a space, the message.
                stream.write_all(format!("{} ", message.len()).as_bytes()).await?;
                stream.write_all(message).await?;
                stream.shutdown().await
            }
        }
    }

    async fn attempt(&self, alert: &Alert, now: Timestamp) -> Attempt {
        let message = match self.message(alert, now) {
            Ok(message) => message,
            Err(error) => {
                let detail = format!("the message cannot be worded: {error}");
                return Attempt { verdict: Verdict::Refused, detail, retry_after: None };
            }
        };
        let (verdict, detail) = match tokio::time::timeout(self.timeout, self.hand_over(&message)).await {
            Ok(Ok(())) => (Verdict::Delivered, "written; syslog has no receipts".to_owned()),
            Ok(Err(error)) => (Verdict::UNREACHABLE, format!("cannot write: {error}")),
            Err(_) => (Verdict::UNREACHABLE, "could not write in time".to_owned()),
        };
        Attempt { verdict, detail, retry_after: None }
    }
}

impl Sink for SyslogSink {
    fn name(&self) -> &str {
        &self.name
    }

    fn concurrency(&self) -> usize {
        1
    }

    fn timeout(&self) -> Duration {
        self.timeout
    }

    fn backoff(&self) -> Backoff {
        self.backoff
    }

    fn give_up_after(&self) -> Option<Duration> {
        self.give_up_after
    }

    fn send<'s>(&'s self, alerts: &'s [&'s Alert], now: Timestamp) -> SinkFuture<'s> {
        debug_assert_eq!(alerts.len(), 1, "syslog takes one alert a message");
        Box::pin(self.attempt(alerts[0], now))
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::samples;
    use super::*;

    fn config(address: &str) -> ChannelConfig {
        let own = SyslogConfig { address: address.into(), ..SyslogConfig::default() };
        ChannelConfig { syslog: Some(own), ..ChannelConfig::default() }
    }

    #[test]
    fn a_message_has_the_form_of_rfc_5424() {
        let config = config("udp://127.0.0.1:514");
        let words = Arc::new(Words::load(None, None).unwrap());
        let sink = SyslogSink::new("log", &config, config.syslog.as_ref().unwrap(), &words).unwrap();
        let now = "2026-03-01T03:25:05.125Z".parse().unwrap();
        let message = String::from_utf8(sink.message(&samples::group(), now).unwrap()).unwrap();
        let message =
            message.replace(&format!(" {} ", std::process::id()), " PID ").replace('\u{feff}', "BOM");
        // local0 (16) and notice (5): 16 * 8 + 5.
        insta::assert_snapshot!(message, @r#"<133>1 2026-03-01T03:25:05.125Z - fenghuo PID GROUP [fenghuo@32473 id="QS20260301-7F3K2QXA" revision="1" kind="group_incident" level="blue" state="raised" callers="3"] BOM【群诉·蓝】青石里小区：搅拌站噪音，3人，QS20260301-7F3K2QXA"#);
    }

    #[test]
    fn addresses_that_cannot_be_are_refused() {
        let refused = |address: &str| config(address).validate("log").unwrap_err().1;
        for good in ["udp://127.0.0.1:514", "tcp://[::1]:601", "unix:///dev/log", "tcp://localhost:601"] {
            assert!(config(good).validate("log").is_ok(), "{good}");
        }
        assert!(refused("127.0.0.1:514").contains("write it like"));
        assert!(refused("udp://127.0.0.1").contains("lacks a host or a port"));
        assert!(refused("http://127.0.0.1:1").contains("begins with \"http:\""));
        assert!(refused("udp://10.0.0.1:514").contains("unencrypted"));
    }
}
