//! Pushes alerts to an HTTP address.

use std::error::Error as _;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, Response, Url};
use secrecy::{ExposeSecret as _, SecretString};

use super::signature::{HEADER_WEBHOOK_ID, HEADER_WEBHOOK_SIGNATURE, HEADER_WEBHOOK_TIMESTAMP};
use super::sink::{Attempt, Sink, SinkFuture};
use super::{
    Backoff, DeliverConfigError, Payload, SecretError, SigningSecret, Verdict, WebhookConfig,
    parse_retry_after, webhook_id,
};
use crate::model::Alert;

/// So much of an answer is read and shown, in bytes.
const EXCERPT_BYTES: usize = 512;

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
    /// The certificates cannot be read.
    #[error("webhook \"{sink}\": cannot read certificates from {}: {detail}; `ca_file` takes PEM", path.display())]
    Authorities {
        /// The webhook's name.
        sink: String,
        /// The file.
        path: PathBuf,
        /// What went wrong.
        detail: String,
    },
    /// The client could not be built.
    #[error("webhook \"{sink}\": cannot set up HTTPS: {detail}")]
    Client {
        /// The webhook's name.
        sink: String,
        /// What went wrong.
        detail: String,
    },
}

/// An HTTP address that takes alerts by POST, signed as Standard Webhooks says.
pub struct WebhookSink {
    name: String,
    url: Url,
    client: Client,
    secret: SigningSecret,
    /// What must never be shown, should the receiver echo it.
    hidden: Vec<SecretString>,
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
        // Redirects are not followed: they would carry alerts to where nobody said they should go.
        // Proxies of the environment are not used either, for the same reason.
        let mut builder = Client::builder()
            .user_agent(concat!("fenghuo/", env!("CARGO_PKG_VERSION")))
            .default_headers(headers(config, secrets)?)
            .redirect(Policy::none())
            .no_proxy()
            .timeout(timeout);
        if let Some(path) = &config.ca_file {
            let fault =
                |detail: String| WebhookError::Authorities { sink: sink(), path: path.clone(), detail };
            let pem = std::fs::read(path).map_err(|error| fault(error.to_string()))?;
            builder = builder.tls_certs_merge(authorities(&pem).map_err(fault)?);
        }
        let client = builder.build().map_err(|error| WebhookError::Client {
            sink: sink(),
            detail: error.without_url().to_string(),
        })?;
        Ok(Self {
            name: sink(),
            url: config.address()?,
            client,
            secret,
            hidden: [Some(secrets.signing.clone()), secrets.token.clone()].into_iter().flatten().collect(),
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
            .client
            .post(self.url.clone())
            .header(HEADER_WEBHOOK_TIMESTAMP, now.as_second())
            .header(HEADER_WEBHOOK_SIGNATURE, self.secret.sign(&id, now, &body))
            .header(HEADER_WEBHOOK_ID, id)
            .body(body);
        match request.send().await {
            Ok(response) => self.judge(response, now).await,
            Err(error) => Attempt {
                verdict: Verdict::UNREACHABLE,
                detail: self.without_secrets(&in_words(error)),
                retry_after: None,
            },
        }
    }

    async fn judge(&self, mut response: Response, now: Timestamp) -> Attempt {
        let status = response.status().as_u16();
        let verdict = Verdict::of_status(status);
        let retry_after = response
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| parse_retry_after(value, now));
        let mut detail = format!("HTTP {status}");
        if verdict != Verdict::Delivered {
            let excerpt = self.excerpt(&mut response).await;
            if !excerpt.is_empty() {
                detail.push_str(": ");
                detail.push_str(&excerpt);
            }
        }
        Attempt { verdict, detail, retry_after }
    }

    /// The begin of an answer, on one line, should it echo our secrets without those. What comes
    /// after it is not read.
    async fn excerpt(&self, response: &mut Response) -> String {
        // So much more is read that a secret which begins within the excerpt is there whole.
        let longest = self.hidden.iter().map(|secret| secret.expose_secret().len()).max().unwrap_or(0);
        let most = EXCERPT_BYTES + longest;
        let mut bytes = Vec::new();
        // An answer that breaks off is shown as far as it came; its status has said what counts.
        while bytes.len() < most
            && let Ok(Some(chunk)) = response.chunk().await
        {
            bytes.extend_from_slice(&chunk[..chunk.len().min(most - bytes.len())]);
        }
        let mut text = self.without_secrets(&String::from_utf8_lossy(&bytes));
        text.truncate(text.floor_char_boundary(EXCERPT_BYTES));
        one_line(&text)
    }

    // As long as before, so that nothing moves into the excerpt from behind it.
    fn without_secrets(&self, text: &str) -> String {
        self.hidden.iter().fold(text.to_owned(), |text, secret| {
            let secret = secret.expose_secret();
            text.replace(secret, &"*".repeat(secret.len()))
        })
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

    fn send<'s>(&'s self, alert: &'s Alert, now: Timestamp) -> SinkFuture<'s> {
        Box::pin(self.attempt(alert, now))
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

fn authorities(pem: &[u8]) -> Result<Vec<Certificate>, String> {
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    const END: &str = "-----END CERTIFICATE-----";
    let text = std::str::from_utf8(pem).map_err(|_| "it is not text".to_owned())?;
    let blocks: Vec<&str> =
        text.match_indices(BEGIN).filter_map(|(at, _)| text[at..].split_inclusive(END).next()).collect();
    if blocks.is_empty() {
        return Err(format!("there is no \"{BEGIN}\" in it"));
    }
    blocks
        .into_iter()
        .map(|block| Certificate::from_pem(block.as_bytes()).map_err(|error| chain(&error)))
        .collect()
}

fn one_line(text: &str) -> String {
    let printable: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let words: Vec<&str> = printable.split_whitespace().collect();
    // A character that was cut through at the end of the excerpt.
    words.join(" ").trim_end_matches('\u{fffd}').to_owned()
}

/// An error of the HTTP client without the address, whose path or query may be a secret.
fn in_words(error: reqwest::Error) -> String {
    let what = if error.is_timeout() {
        "no answer in time"
    } else if error.is_connect() {
        "cannot connect"
    } else {
        "the connection broke off"
    };
    format!("{what}: {}", chain(&error.without_url()))
}

fn chain(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    one_line(&text)
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

    #[test]
    fn certificates_must_be_certificates() {
        assert!(authorities(b"\xff").is_err() && authorities(b"hello").is_err());
        let broken = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(authorities(broken).is_err());
    }

    #[test]
    fn excerpts_stay_on_one_line() {
        assert_eq!(one_line("a\r\n\u{1b}[31mb\0  c\u{fffd}"), "a [31mb c");
    }
}
