//! Prometheus' Alertmanager, by its API v2 (<https://prometheus.io/docs/alerting/latest/alerts_api/>):
//! on-call, silences and escalation that are there already can be used.
//!
//! What makes an alert one there is its set of labels, so words that change are annotations. It ends
//! an alert by itself when its `endsAt` has come, so open ones are sent again and again
//! ([`Sink::renew_every`]), and ended ones for a while, in case it was away when they ended.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use reqwest::Url;
use reqwest::header::HeaderMap;
use schemars::JsonSchema;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::super::http::{self, Http};
use super::super::sink::{Attempt, Sink, SinkFuture};
use super::super::{Backoff, TemplateError, Verdict, Words};
use super::config::{ChannelFault, plain};
use super::{ChannelConfig, ChannelError, ChannelSecrets};
use crate::model::{Alert, AlertBody, AlertKind, AlertState, Level};

/// An alert that is not sent again ends there after this; longer than a restart takes.
const LEAST_LIFE: SignedDuration = SignedDuration::from_mins(5);

/// Labels that are ours to set.
const OWN_LABELS: [&str; 6] = ["alertname", "alert_id", "kind", "level", "severity", "partition"];

/// An Alertmanager.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AlertmanagerConfig {
    /// Its address, for example `http://127.0.0.1:9093`; what it has before `/api` included.
    pub url: String,
    /// The user's name, when it asks for one (basic authentication).
    pub username: Option<String>,
    /// A file with the user's password; without `username`, with a token that goes along as
    /// `Authorization: Bearer`.
    pub password_file: Option<PathBuf>,
    /// The environment variable that holds it, instead of a file.
    pub password_env: Option<String>,
    /// Labels to add to all alerts, for example `team = "duty"`.
    pub labels: BTreeMap<String, String>,
    /// How often open alerts are sent again, in seconds, 10 to 3600.
    #[schemars(range(min = 10, max = 3600))]
    pub renew_seconds: u32,
}

impl Default for AlertmanagerConfig {
    fn default() -> Self {
        Self {
            url: String::new(),
            username: None,
            password_file: None,
            password_env: None,
            labels: BTreeMap::new(),
            renew_seconds: 60,
        }
    }
}

impl AlertmanagerConfig {
    pub(super) fn validate(&self, allow_plain: bool) -> Result<(), ChannelFault> {
        let fault = |field: &str, message: String| Err((format!("alertmanager.{field}"), message));
        if let Err(message) = self.address(allow_plain) {
            return fault("url", message);
        }
        if !(10..=3600).contains(&self.renew_seconds) {
            return fault("renew_seconds", format!("is {}; use 10 to 3600", self.renew_seconds));
        }
        if self.username.is_some() && self.password_file.is_none() && self.password_env.is_none() {
            return fault("username", "has no use without a password; name one in `password_file`".into());
        }
        let is_label = |name: &str| {
            name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
                && name.bytes().next().is_some_and(|b| !b.is_ascii_digit())
        };
        match self.labels.keys().find(|name| !is_label(name) || OWN_LABELS.contains(&name.as_str())) {
            Some(name) if is_label(name) => {
                fault("labels", format!("has \"{name}\", which is set by fenghuo itself; remove it"))
            }
            Some(name) => fault("labels", format!("has \"{name}\", which is no label's name (a-z, 0-9, _)")),
            None => Ok(()),
        }
    }

    fn address(&self, allow_plain: bool) -> Result<Url, String> {
        let base = http::address(&self.url, allow_plain).map_err(|error| plain(&error.to_string()))?;
        let text = format!("{}/api/v2/alerts", base.as_str().trim_end_matches('/'));
        Url::parse(&text).map_err(|error| format!("is not an address: {error}"))
    }
}

/// An Alertmanager.
pub(super) struct AlertmanagerSink {
    name: String,
    http: Http,
    url: Url,
    username: Option<String>,
    password: Option<SecretString>,
    labels: BTreeMap<String, String>,
    renew_every: Duration,
    words: Arc<Words>,
    timeout: Duration,
    backoff: Backoff,
    give_up_after: Option<Duration>,
}

impl AlertmanagerSink {
    pub(super) fn new(
        name: &str,
        config: &ChannelConfig,
        own: &AlertmanagerConfig,
        secrets: &ChannelSecrets,
        words: &Arc<Words>,
    ) -> Result<Self, ChannelError> {
        let url = own.address(config.allow_plain).map_err(|message| ChannelError::Setting {
            channel: name.into(),
            setting: "alertmanager.url".into(),
            message,
        })?;
        let timeout = Duration::from_secs(config.timeout_seconds.into());
        let password = secrets.get("alertmanager.password").cloned();
        let hidden = password.iter().cloned().collect();
        let http = Http::new(timeout, config.ca_file.as_deref(), HeaderMap::new(), hidden)
            .map_err(|error| ChannelError::Http { channel: name.into(), error })?;
        Ok(Self {
            name: name.into(),
            http,
            url,
            username: own.username.clone(),
            password,
            labels: own.labels.clone(),
            renew_every: Duration::from_secs(own.renew_seconds.into()),
            words: Arc::clone(words),
            timeout,
            backoff: Backoff::new(&config.retry),
            give_up_after: config.give_up_after(),
        })
    }

    fn labels(&self, alert: &Alert, level: Level) -> Map<String, Value> {
        let name = match alert.kind {
            AlertKind::GroupIncident => "FenghuoGroupIncident",
            AlertKind::FinancialRisk => "FenghuoFinancialRisk",
        };
        let severity = match level {
            Level::Red => "critical",
            Level::Orange | Level::Yellow => "warning",
            Level::Blue => "info",
        };
        let mut labels: Map<String, Value> =
            self.labels.iter().map(|(name, value)| (name.clone(), value.clone().into())).collect();
        for (label, value) in [
            ("alertname", name),
            ("alert_id", alert.id.as_str()),
            ("kind", alert.kind.chinese()),
            ("level", level.as_str()),
            ("severity", severity),
            ("partition", alert.partition.as_str()),
        ] {
            labels.insert(label.into(), value.into());
        }
        labels
    }

    /// One alert as Alertmanager takes it. One that has changed its level is another one there, so
    /// the ones of the other levels are ended.
    fn entries(&self, alert: &Alert, now: Timestamp) -> Result<Vec<Value>, TemplateError> {
        let is_over = alert.state == AlertState::Resolved;
        let renewed = SignedDuration::try_from(self.renew_every * 4).unwrap_or(LEAST_LIFE).max(LEAST_LIFE);
        // The same at each repeat: the time at which it ended.
        let ended = alert.raised_at.clamp(alert.first_at, now.max(alert.first_at));
        let ends = if is_over { ended } else { now.checked_add(renewed).unwrap_or(Timestamp::MAX) };
        let place = match &alert.body {
            AlertBody::Group(group) => group.place.as_deref(),
            AlertBody::Risk(risk) => risk.entity.as_deref(),
        };
        let annotations = json!({
            "summary": self.words.alert("subject.txt", alert, 500)?,
            "description": self.words.alert("mail.txt", alert, 4000)?,
            "place": place.unwrap_or(""),
            "callers": alert.callers.to_string(),
            "revision": alert.revision.to_string(),
        });
        let entry = |level: Level, ends: Timestamp| {
            json!({
                "labels": self.labels(alert, level),
                "annotations": annotations,
                "startsAt": alert.first_at,
                "endsAt": ends,
                "generatorURL": self.words.link(alert),
            })
        };
        let mut entries = vec![entry(alert.level, ends)];
        if alert.revision > 1 {
            let others = [Level::Blue, Level::Yellow, Level::Orange, Level::Red].into_iter();
            entries.extend(others.filter(|level| *level != alert.level).map(|level| entry(level, ended)));
        }
        Ok(entries)
    }

    async fn attempt(&self, alerts: Vec<&Alert>, now: Timestamp) -> Attempt {
        let entries: Result<Vec<Vec<Value>>, TemplateError> =
            alerts.iter().map(|alert| self.entries(alert, now)).collect();
        let entries: Vec<Value> = match entries {
            Ok(entries) => entries.concat(),
            Err(error) => {
                let detail = format!("the message cannot be worded: {error}");
                return Attempt { verdict: Verdict::Refused, detail, retry_after: None };
            }
        };
        let mut request = self.http.post(self.url.clone()).json(&entries);
        request = match (&self.username, &self.password) {
            (Some(user), password) => {
                request.basic_auth(user, password.as_ref().map(SecretString::expose_secret))
            }
            (None, Some(token)) => request.bearer_auth(token.expose_secret()),
            (None, None) => request,
        };
        self.http.attempt(request, now).await
    }
}

impl Sink for AlertmanagerSink {
    fn name(&self) -> &str {
        &self.name
    }

    fn concurrency(&self) -> usize {
        4
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

    fn renew_every(&self) -> Option<Duration> {
        Some(self.renew_every)
    }

    fn send<'s>(&'s self, alerts: &'s [&'s Alert], now: Timestamp) -> SinkFuture<'s> {
        Box::pin(self.attempt(alerts.to_vec(), now))
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::samples;
    use super::*;

    fn config(url: &str) -> ChannelConfig {
        let own = AlertmanagerConfig { url: url.into(), ..AlertmanagerConfig::default() };
        ChannelConfig { alertmanager: Some(own), ..ChannelConfig::default() }
    }

    #[test]
    fn what_makes_an_alert_one_does_not_change_with_its_words() {
        let config = config("https://am.example/prefix/");
        let own = config.alertmanager.as_ref().unwrap();
        let words = Arc::new(Words::load(None, Some("https://fenghuo.example")).unwrap());
        let sink = AlertmanagerSink::new("am", &config, own, &ChannelSecrets::new(), &words).unwrap();
        assert_eq!(sink.url.as_str(), "https://am.example/prefix/api/v2/alerts");
        let now = "2026-03-01T04:00:00Z".parse().unwrap();
        let first = sink.entries(&samples::group(), now).unwrap();
        assert_eq!(first.len(), 1);
        assert_eq!(first[0]["endsAt"], "2026-03-01T04:05:00Z");
        let grown = Alert { revision: 2, callers: 4, title: "另一标题".into(), ..samples::group() };
        let grown = sink.entries(&grown, now).unwrap();
        assert_eq!(first[0]["labels"], grown[0]["labels"]);
        assert_ne!(first[0]["annotations"], grown[0]["annotations"]);
        assert_eq!(grown.len(), 4, "those of the other levels end");
        let over = Alert { revision: 3, state: AlertState::Resolved, ..samples::group() };
        let over = sink.entries(&over, now).unwrap();
        assert!(over.iter().all(|entry| entry["endsAt"] == "2026-03-01T03:25:05Z"), "{over:?}");
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        let refused = |config: &ChannelConfig| {
            let (setting, message) = config.validate("am").unwrap_err();
            format!("{setting} {message}")
        };
        assert!(config("http://127.0.0.1:9093").validate("am").is_ok());
        insta::assert_snapshot!(refused(&config("http://am.example:9093")), @"alertmanager.url would send alerts unencrypted to another machine; use https, or set `allow_plain = true` where the network itself is protected");
        let mut labelled = config("https://am.example");
        let labels = &mut labelled.alertmanager.as_mut().unwrap().labels;
        labels.insert("level".into(), "x".into());
        insta::assert_snapshot!(refused(&labelled), @r#"alertmanager.labels has "level", which is set by fenghuo itself; remove it"#);
    }
}
