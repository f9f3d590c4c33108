//! Pushes alerts to an HTTP address.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::Url;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};

use super::http::{Http, HttpSetupError};
use super::signature::{HEADER_WEBHOOK_ID, HEADER_WEBHOOK_SIGNATURE, HEADER_WEBHOOK_TIMESTAMP};
use super::sink::{Attempt, Sink, SinkFuture};
use super::{
    Backoff, DeliverConfigError, Payload, SecretError, SigningSecret, Verdict, WebhookConfig, webhook_id,
};
use crate::model::Alert;

/// The secrets of one webhook, as read from the files or variables that its settings name.
#[derive(Debug, Clone)]
pub struct WebhookSecrets {
    /// Signs the requests.
    pub signing: SecretString,
    /// Goes along as `Authorization: Bearer ...`.
    pub token: Option<SecretString>,
}

/// Why a webhook cannot be set up. Shows no secret.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// A setting cannot be used.
    #[error(transparent)]
    Config(#[from] DeliverConfigError),
    /// The secret cannot be used.
    #[error("webhook \"{sink}\": {error}")]
    Secret {
        /// The webhook's name.
        sink: String,
        /// What is wrong with it.
        error: SecretError,
    },
    /// The token cannot be sent.
    #[error("webhook \"{sink}\": the token has characters that a header cannot carry; write it in ASCII")]
    Token {
        /// The webhook's name.
        sink: String,
    },
    /// HTTPS cannot be set up.
    #[error("webhook \"{sink}\": {error}")]
    Http {
        /// The webhook's name.
        sink: String,
        /// What is wrong.
        error: HttpSetupError,
    },
}

/// An HTTP address that takes alerts by POST, signed as Standard Webhooks says.
pub struct WebhookSink {
    name: String,
    url: Url,
    http: Http,
    secret: SigningSecret,
    concurrency: usize,
    timeout: Duration,
    backoff: Backoff,
    give_up_after: Option<Duration>,
}

impl std::fmt::Debug for WebhookSink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WebhookSink").field("name", &self.name).finish_non_exhaustive()
    }
}

impl WebhookSink {
    /// Sets up a webhook.
    ///
    /// # Errors
    /// When a setting, a secret or the certificates cannot be used.
    pub fn new(config: &WebhookConfig, secrets: &WebhookSecrets) -> Result<Self, WebhookError> {
        config.validate()?;
        let sink = || config.name.clone();
        let secret = SigningSecret::parse(&secrets.signing)
            .map_err(|error| WebhookError::Secret { sink: sink(), error })?;
        let timeout = Duration::from_secs(config.timeout_seconds.into());
        let hidden = [Some(secrets.signing.clone()), secrets.token.clone()].into_iter().flatten().collect();
        let http = Http::new(timeout, config.ca_file.as_deref(), headers(config, secrets)?, hidden)
            .map_err(|error| WebhookError::Http { sink: sink(), error })?;
        Ok(Self {
            name: sink(),
            url: config.address()?,
            http,
            secret,
            concurrency: config.concurrency as usize,
            timeout,
            backoff: Backoff::new(&config.retry),
            give_up_after: config.retry.give_up_after_hours.map(|hours| Duration::from_hours(hours.into())),
        })
    }

    async fn attempt(&self, alert: &Alert, now: Timestamp) -> Attempt {
        let body = match Payload::new(alert.clone()).to_bytes() {
            Ok(body) => body,
            Err(error) => {
                let detail = format!("the alert cannot be written as JSON: {error}");
                return Attempt { verdict: Verdict::Refused, detail, retry_after: None };
            }
        };
        let id = webhook_id(alert);
        let request = self
            .http
            .post(self.url.clone())
            .header(HEADER_WEBHOOK_TIMESTAMP, now.as_second())
            .header(HEADER_WEBHOOK_SIGNATURE, self.secret.sign(&id, now, &body))
            .header(HEADER_WEBHOOK_ID, id)
            .body(body);
        self.http.attempt(request, now).await
    }
}

impl Sink for WebhookSink {
    fn name(&self) -> &str {
        &self.name
    }

    fn concurrency(&self) -> usize {
        self.concurrency
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
        debug_assert_eq!(alerts.len(), 1, "a webhook takes one alert a request");
        Box::pin(self.attempt(alerts[0], now))
    }
}

fn headers(config: &WebhookConfig, secrets: &WebhookSecrets) -> Result<HeaderMap, WebhookError> {
    let mut headers = HeaderMap::new();
    for (name, value) in &config.headers {
        // `validate` has seen both.
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value))
        {
            headers.insert(name, value);
        }
    }
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(token) = &secrets.token {
        let value = HeaderValue::from_str(&format!("Bearer {}", token.expose_secret()));
        let mut value = value.map_err(|_| WebhookError::Token { sink: config.name.clone() })?;
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> WebhookConfig {
        let (url, env) = ("https://centre.example/hook?key=PLANTED".into(), Some("S".into()));
        WebhookConfig { url, secret_env: env, ..WebhookConfig::default() }
    }

    fn secrets(signing: &str, token: &str) -> WebhookSecrets {
        WebhookSecrets { signing: signing.into(), token: Some(token.into()) }
    }

    #[test]
    fn faults_are_named_without_the_secrets() {
        let long = "PLANTED-PLANTED-PLANTED-PLANTED";
        let refusal = |config: &WebhookConfig, secrets: &WebhookSecrets| {
            let message = WebhookSink::new(config, secrets).unwrap_err().to_string();
            assert!(!message.contains("PLANTED"), "{message}");
            message
        };
        insta::assert_snapshot!(refusal(&config(), &secrets("PLANTED", "t")), @r#"webhook "webhook": the signing secret has 7 bytes and needs at least 24; make one with `echo whsec_$(openssl rand -base64 32)`"#);
        insta::assert_snapshot!(refusal(&config(), &secrets(long, "PLANTED\n")), @r#"webhook "webhook": the token has characters that a header cannot carry; write it in ASCII"#);
        let missing = WebhookConfig { ca_file: Some("/none/ca.pem".into()), ..config() };
        insta::assert_snapshot!(refusal(&missing, &secrets(long, "t")), @r#"webhook "webhook": cannot read certificates from /none/ca.pem: No such file or directory (os error 2); `ca_file` takes PEM"#);
        let sink = WebhookSink::new(&config(), &secrets(long, "PLANTED")).unwrap();
        assert!(!format!("{sink:?}{:?}", secrets(long, "PLANTED")).contains("PLANTED"));
    }
}
