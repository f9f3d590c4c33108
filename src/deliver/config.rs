//! The settings of delivery.

use std::collections::BTreeMap;
use std::path::PathBuf;

use reqwest::Url;
use reqwest::header::{HeaderName, HeaderValue};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::http;
use super::route::{InhibitConfig, RouteConfig};

/// Headers that are ours to set, or that carry secrets and so must not stand in a configuration.
const OWN_HEADERS: [&str; 5] = ["content-type", "content-length", "host", "user-agent", "transfer-encoding"];
const SECRET_HEADERS: [&str; 5] =
    ["authorization", "proxy-authorization", "cookie", "x-api-key", "x-auth-token"];

/// What messages to people have in common.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DeliverConfig {
    /// The address at which people reach the console, for example `https://fenghuo.example`.
    /// Messages then link to the alert's page below it. Without it they have no link.
    pub console_url: Option<String>,
    /// Folder of templates for messages. A file there replaces the built-in one of its name
    /// (`deploy/templates` has them all); the others stay as they are.
    pub templates_dir: Option<PathBuf>,
    /// Which alerts go to which channels, tried in order; the first route that takes an alert decides.
    /// Without routes, and for an alert that none takes, all channels are told. The webhook always is.
    pub routes: Vec<RouteConfig>,
    /// Keeping lower alerts back while a higher one at the same place, or on the same company, is open.
    /// Off unless this table is there.
    pub inhibit: Option<InhibitConfig>,
}

impl DeliverConfig {
    /// Checks everything that can be checked without reading files. `channels` are the names of those
    /// that there are.
    ///
    /// # Errors
    /// The field and what is wrong with it.
    pub fn validate(&self, channels: &[&str]) -> Result<(), (String, String)> {
        let is_address = |text: &String| {
            Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        };
        if self.console_url.as_ref().is_some_and(|text| !is_address(text)) {
            let message = "is not an address; write it like \"https://fenghuo.example\"";
            return Err(("console_url".into(), message.into()));
        }
        for (index, route) in self.routes.iter().enumerate() {
            route
                .validate(channels)
                .map_err(|(path, message)| (format!("routes.{index}.{path}"), message))?;
        }
        Ok(())
    }
}

/// One webhook: an address of the governance centre that takes alerts by POST.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct WebhookConfig {
    /// The sink's name in the outbox, logs and metrics: 1 to 64 of `a-z`, `0-9`, `-`, `_`. What
    /// waits in the outbox waits under this name, so do not rename a sink that has something waiting.
    pub name: String,
    /// The address that takes alerts, for example `https://centre.example/hooks/fenghuo`.
    pub url: String,
    /// A file with the secret that signs alerts: `whsec_` and base64 (Standard Webhooks), or any
    /// other text, whose bytes are then the key. At least 24 bytes, its own for each webhook.
    pub secret_file: Option<PathBuf>,
    /// The environment variable that holds the secret, instead of a file.
    pub secret_env: Option<String>,
    /// A file with a token to send as `Authorization: Bearer ...`, when the address asks for one.
    pub token_file: Option<PathBuf>,
    /// The environment variable that holds the token, instead of a file.
    pub token_env: Option<String>,
    /// Headers to send along. Never secrets; use `token_file` for those.
    pub headers: BTreeMap<String, String>,
    /// How long a request may take from connecting to the end of the answer, in seconds, 1 to 300.
    #[schemars(range(min = 1, max = 300))]
    pub timeout_seconds: u32,
    /// How many requests may be under way at once, 1 to 64. Revisions of one alert never overtake
    /// each other, whatever the number.
    #[schemars(range(min = 1, max = 64))]
    pub concurrency: u32,
    /// A file with certificates (PEM) of authorities to trust besides the system's own.
    pub ca_file: Option<PathBuf>,
    /// Send unencrypted to another machine. Alerts then cross the network readable by everybody on
    /// the way; the signature still shows changes.
    pub allow_plain_http: bool,
    /// When to try again.
    pub retry: RetryConfig,
}

/// When to try again after a failure: a random time up to `initial_seconds`, doubled for each
/// failure, up to `max_seconds`; later when the receiver asks for it (Retry-After, up to a day).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RetryConfig {
    /// The longest wait after the first failure, in seconds, 1 to 3600.
    #[schemars(range(min = 1, max = 3600))]
    pub initial_seconds: u32,
    /// The longest wait after any number of failures, in seconds, `initial_seconds` to 86400.
    #[schemars(range(min = 1, max = 86_400))]
    pub max_seconds: u32,
    /// Put an alert aside as a dead letter when it could not be delivered for so many hours, 1 to
    /// 8760. Never by default.
    #[schemars(range(min = 1, max = 8760))]
    pub give_up_after_hours: Option<u32>,
}

impl Default for WebhookConfig {
    fn default() -> Self {
        Self {
            name: "webhook".into(),
            url: String::new(),
            secret_file: None,
            secret_env: None,
            token_file: None,
            token_env: None,
            headers: BTreeMap::new(),
            timeout_seconds: 10,
            concurrency: 4,
            ca_file: None,
            allow_plain_http: false,
            retry: RetryConfig::default(),
        }
    }
}

impl Default for RetryConfig {
    fn default() -> Self {
        Self { initial_seconds: 1, max_seconds: 60, give_up_after_hours: None }
    }
}

/// A setting of delivery that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("webhook \"{sink}\": `{field}` {message}")]
pub struct DeliverConfigError {
    /// The webhook's name.
    pub sink: String,
    /// The field, for example `retry.max_seconds`.
    pub field: &'static str,
    /// What is wrong and what to do about it.
    pub message: String,
}

impl WebhookConfig {
    /// Checks everything that can be checked without reading files.
    ///
    /// # Errors
    /// The first setting that cannot be used.
    pub fn validate(&self) -> Result<(), DeliverConfigError> {
        self.check_name()?;
        self.address()?;
        self.check_headers()?;
        match (&self.secret_file, &self.secret_env) {
            (None, None) => {
                let remedy = "is missing; alerts are always signed: name a file here, or a variable in `secret_env` (make a secret with `echo whsec_$(openssl rand -base64 32)`)";
                return Err(self.fault("secret_file", remedy.into()));
            }
            (Some(_), Some(_)) => {
                return Err(
                    self.fault("secret_file", "and `secret_env` are both given; keep one of the two".into())
                );
            }
            _ => {}
        }
        if self.token_file.is_some() && self.token_env.is_some() {
            return Err(
                self.fault("token_file", "and `token_env` are both given; keep one of the two".into())
            );
        }
        self.within("timeout_seconds", self.timeout_seconds, 1, 300)?;
        self.within("concurrency", self.concurrency, 1, 64)?;
        self.retry.validate().map_err(|(field, message)| self.fault(field, message))
    }

    /// The address, checked.
    ///
    /// # Errors
    /// When it is no HTTP address, holds a password, or would send unencrypted to another machine.
    pub fn address(&self) -> Result<Url, DeliverConfigError> {
        http::address(&self.url, self.allow_plain_http).map_err(|error| self.fault("url", error.to_string()))
    }

    fn check_name(&self) -> Result<(), DeliverConfigError> {
        check_name(&self.name).map_err(|message| self.fault("name", message))
    }

    fn check_headers(&self) -> Result<(), DeliverConfigError> {
        for (name, value) in &self.headers {
            let lower = name.to_ascii_lowercase();
            let fault = |message: &str| Err(self.fault("headers", format!("has \"{name}\", {message}")));
            if HeaderName::from_bytes(name.as_bytes()).is_err() {
                return fault("which is not a header's name");
            }
            // The value is not repeated, should somebody have put a secret there after all.
            if HeaderValue::from_str(value).is_err() {
                return fault("whose value has characters that headers cannot carry");
            }
            if OWN_HEADERS.contains(&lower.as_str()) || lower.starts_with("webhook-") {
                return fault("which is set by fenghuo itself; remove it");
            }
            if SECRET_HEADERS.contains(&lower.as_str()) {
                return fault(
                    "which carries a secret; secrets do not stand in the configuration: use `token_file`",
                );
            }
        }
        Ok(())
    }

    fn within(&self, field: &'static str, value: u32, min: u32, max: u32) -> Result<(), DeliverConfigError> {
        within(field, value, min, max).map_err(|(field, message)| self.fault(field, message))
    }

    pub(super) fn fault(&self, field: &'static str, message: String) -> DeliverConfigError {
        DeliverConfigError { sink: self.name.clone(), field, message }
    }
}

impl RetryConfig {
    /// Checks that the times are in their ranges; gives the field and what is wrong with it.
    pub(super) fn validate(&self) -> Result<(), (&'static str, String)> {
        within("retry.initial_seconds", self.initial_seconds, 1, 3600)?;
        within("retry.max_seconds", self.max_seconds, self.initial_seconds, 86_400)?;
        self.give_up_after_hours.map_or(Ok(()), |hours| within("retry.give_up_after_hours", hours, 1, 8760))
    }
}

/// What is wrong with the name of a sink, if anything is.
pub(super) fn check_name(name: &str) -> Result<(), String> {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
    if (1..=64).contains(&name.len()) && name.bytes().all(is_plain) {
        Ok(())
    } else {
        Err("must be 1 to 64 of a-z, 0-9, - and _".into())
    }
}

/// Checks a number against its range.
pub(super) fn within(
    field: &'static str,
    value: u32,
    min: u32,
    max: u32,
) -> Result<(), (&'static str, String)> {
    if (min..=max).contains(&value) {
        Ok(())
    } else {
        Err((field, format!("is {value}; use {min} to {max}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn webhook(url: &str) -> WebhookConfig {
        WebhookConfig { url: url.into(), secret_env: Some("S".into()), ..WebhookConfig::default() }
    }

    fn refusal(change: impl FnOnce(&mut WebhookConfig)) -> String {
        let mut config = webhook("https://centre.example/hook");
        config.validate().expect("valid before the change");
        change(&mut config);
        config.validate().unwrap_err().to_string()
    }

    #[test]
    fn plain_http_stays_on_this_machine_unless_allowed() {
        for url in ["http://127.0.0.1:1/x", "http://[::1]/x", "http://localhost/x", "https://a.example/"] {
            assert!(webhook(url).validate().is_ok(), "{url}");
        }
        for url in ["http://a.example/", "http://10.0.0.1/", "http://localhost.a.example/"] {
            assert!(webhook(url).validate().is_err(), "{url}");
            let allowed = WebhookConfig { allow_plain_http: true, ..webhook(url) };
            assert!(allowed.validate().is_ok(), "{url}");
        }
        insta::assert_snapshot!(refusal(|w| w.url = "http://10.0.0.1/".into()), @r#"webhook "webhook": `url` would send alerts unencrypted to another machine; use https, or set `allow_plain_http = true` where the network itself is protected"#);
    }

    #[test]
    fn what_cannot_be_used_is_named_with_the_remedy() {
        insta::assert_snapshot!(refusal(|w| w.url = String::new()), @r#"webhook "webhook": `url` is empty; give the address that takes alerts"#);
        insta::assert_snapshot!(refusal(|w| w.url = "centre/hook".into()), @r#"webhook "webhook": `url` is not an address: relative URL without a base"#);
        insta::assert_snapshot!(refusal(|w| w.url = "ftp://centre/".into()), @r#"webhook "webhook": `url` begins with "ftp:"; use https"#);
        insta::assert_snapshot!(refusal(|w| w.name = "综治".into()), @r#"webhook "综治": `name` must be 1 to 64 of a-z, 0-9, - and _"#);
        insta::assert_snapshot!(refusal(|w| w.timeout_seconds = 0), @r#"webhook "webhook": `timeout_seconds` is 0; use 1 to 300"#);
        insta::assert_snapshot!(refusal(|w| w.retry.max_seconds = 0), @r#"webhook "webhook": `retry.max_seconds` is 0; use 1 to 86400"#);
        insta::assert_snapshot!(refusal(|w| w.secret_file = Some("x".into())), @r#"webhook "webhook": `secret_file` and `secret_env` are both given; keep one of the two"#);
        insta::assert_snapshot!(refusal(|w| w.secret_env = None), @r#"webhook "webhook": `secret_file` is missing; alerts are always signed: name a file here, or a variable in `secret_env` (make a secret with `echo whsec_$(openssl rand -base64 32)`)"#);
        insta::assert_snapshot!(refusal(|w| drop(w.headers.insert("Webhook-Id".into(), "1".into()))), @r#"webhook "webhook": `headers` has "Webhook-Id", which is set by fenghuo itself; remove it"#);
    }

    #[test]
    fn messages_do_not_repeat_what_may_be_secret() {
        let planted = "PLANTED";
        let messages = [
            refusal(|w| w.url = format!("https://me:{planted}@centre.example/")),
            refusal(|w| w.url = format!("ftp://centre.example/{planted}?key={planted}")),
            refusal(|w| drop(w.headers.insert("Authorization".into(), planted.into()))),
            refusal(|w| drop(w.headers.insert("X-Trace".into(), format!("{planted}\n")))),
        ];
        for message in messages {
            assert!(!message.contains(planted), "{message}");
        }
    }

    #[test]
    fn unknown_keys_are_refused_and_defaults_hold() {
        assert!(toml::from_str::<WebhookConfig>("webhook = []").is_err());
        let text = "url = 'https://a.example/'\nretry = { max_seconds = 5 }";
        let config: WebhookConfig = toml::from_str(text).unwrap();
        assert_eq!(config.retry, RetryConfig { max_seconds: 5, ..RetryConfig::default() });
    }

    #[test]
    fn the_console_has_an_address_of_the_web() {
        let config =
            |text: &str| DeliverConfig { console_url: Some(text.into()), ..DeliverConfig::default() };
        assert!(config("https://fenghuo.example/x").validate(&[]).is_ok());
        for bad in ["", "fenghuo.example", "ftp://a", "javascript:alert(1)"] {
            assert!(config(bad).validate(&[]).is_err(), "{bad}");
        }
    }
}
