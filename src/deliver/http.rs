//! Speaking HTTP to receivers: what every sink that does so has in common.
//!
//! Redirects are not followed: they would carry alerts to where nobody said they should go. Proxies
//! of the environment are not used either, for the same reason. What is shown of an answer or of a
//! failure has our secrets taken out.

use std::error::Error as _;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, RequestBuilder, Response, Url};
use secrecy::{ExposeSecret as _, SecretString};

use super::sink::Attempt;
use super::{Verdict, parse_retry_after};

/// So much of an answer is shown, in bytes.
pub(super) const EXCERPT_BYTES: usize = 512;

/// Why HTTPS cannot be set up. Shows no secret.
#[derive(Debug, thiserror::Error)]
pub enum HttpSetupError {
    /// The certificates cannot be read.
    #[error("cannot read certificates from {}: {detail}; `ca_file` takes PEM", path.display())]
    Authorities {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        detail: String,
    },
    /// The client could not be built.
    #[error("cannot set up HTTPS: {0}")]
    Client(String),
}

/// Why an address cannot be used. The address itself is not repeated: its path or query may be as
/// good as a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct AddressError(String);

/// Reads an address to which alerts are sent.
///
/// # Errors
/// When it is no HTTP address, holds a password, or would send unencrypted to another machine.
pub(super) fn address(text: &str, allow_plain_http: bool) -> Result<Url, AddressError> {
    let fault = |message: &str| Err(AddressError(message.into()));
    if text.is_empty() {
        return fault("is empty; give the address that takes alerts");
    }
    let url = match Url::parse(text) {
        Ok(url) => url,
        Err(error) => return fault(&format!("is not an address: {error}")),
    };
    if !url.username().is_empty() || url.password().is_some() {
        return fault(
            "holds a user or password; secrets do not stand in the configuration: use `token_file`",
        );
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if allow_plain_http || is_loopback(&url) => Ok(url),
        "http" => fault(
            "would send alerts unencrypted to another machine; use https, or set `allow_plain_http = true` where the network itself is protected",
        ),
        scheme => fault(&format!("begins with \"{scheme}:\"; use https")),
    }
}

// Only addresses of this machine: a name other than `localhost` may resolve to anything.
fn is_loopback(url: &Url) -> bool {
    let Some(host) = url.host_str() else { return false };
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse::<IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback())
}

/// An HTTP client of one sink.
pub(super) struct Http {
    client: Client,
    /// What must never be shown, should the receiver echo it.
    hidden: Vec<SecretString>,
}

/// What a receiver said.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) retry_after: Option<Duration>,
    /// The begin of the body as it came: as much as was asked for, and a little more.
    pub(super) body: Vec<u8>,
}

impl Http {
    /// A client whose requests take `timeout` at most and carry `headers`; `hidden` is what must
    /// never be shown.
    pub(super) fn new(
        timeout: Duration,
        ca_file: Option<&Path>,
        headers: HeaderMap,
        hidden: Vec<SecretString>,
    ) -> Result<Self, HttpSetupError> {
        let mut builder = Client::builder()
            .user_agent(concat!("fenghuo/", env!("CARGO_PKG_VERSION")))
            .default_headers(headers)
            .redirect(Policy::none())
            .no_proxy()
            .timeout(timeout);
        if let Some(path) = ca_file {
            let fault = |detail: String| HttpSetupError::Authorities { path: path.into(), detail };
            let pem = std::fs::read(path).map_err(|error| fault(error.to_string()))?;
            builder = builder.tls_certs_merge(authorities(&pem).map_err(fault)?);
        }
        let client =
            builder.build().map_err(|error| HttpSetupError::Client(error.without_url().to_string()))?;
        Ok(Self { client, hidden })
    }

    /// A request, to be filled in.
    pub(super) fn post(&self, url: Url) -> RequestBuilder {
        self.client.post(url)
    }

    /// Sends a request and reads the begin of the answer: of a refusal what is shown of it, of a 2xx
    /// `wanted` bytes, nothing of it when that is 0.
    ///
    /// # Errors
    /// When nothing answered, the attempt that this makes.
    pub(super) async fn send(
        &self,
        request: RequestBuilder,
        now: Timestamp,
        wanted: usize,
    ) -> Result<Answer, Attempt> {
        let mut response = match request.send().await {
            Ok(response) => response,
            Err(error) => {
                let detail = self.without_secrets(&in_words(error));
                return Err(Attempt { verdict: Verdict::UNREACHABLE, detail, retry_after: None });
            }
        };
        let retry_after = response
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| parse_retry_after(value, now));
        let most = if response.status().is_success() { wanted } else { wanted.max(EXCERPT_BYTES) };
        let body = if most == 0 { Vec::new() } else { self.begin(&mut response, most).await };
        Ok(Answer { status: response.status().as_u16(), retry_after, body })
    }

    // An answer that breaks off is taken as far as it came; its status has said what counts. So much
    // more is read that a secret which begins within the excerpt is there whole.
    async fn begin(&self, response: &mut Response, most: usize) -> Vec<u8> {
        let longest = self.hidden.iter().map(|secret| secret.expose_secret().len()).max().unwrap_or(0);
        let most = most + longest;
        let mut bytes = Vec::new();
        while bytes.len() < most
            && let Ok(Some(chunk)) = response.chunk().await
        {
            bytes.extend_from_slice(&chunk[..chunk.len().min(most - bytes.len())]);
        }
        bytes
    }

    /// Sends a request to a receiver that answers by its status alone.
    pub(super) async fn attempt(&self, request: RequestBuilder, now: Timestamp) -> Attempt {
        match self.send(request, now, 0).await {
            Ok(answer) => self.by_status(&answer),
            Err(attempt) => attempt,
        }
    }

    /// What the status of an answer says.
    pub(super) fn by_status(&self, answer: &Answer) -> Attempt {
        Attempt {
            verdict: Verdict::of_status(answer.status),
            detail: self.in_words(answer),
            retry_after: answer.retry_after,
        }
    }

    /// `HTTP 422` and, of an answer that is not 2xx, the begin of it.
    pub(super) fn in_words(&self, answer: &Answer) -> String {
        let mut detail = format!("HTTP {}", answer.status);
        if !(200..300).contains(&answer.status) {
            let excerpt = self.excerpt(&answer.body);
            if !excerpt.is_empty() {
                detail.push_str(": ");
                detail.push_str(&excerpt);
            }
        }
        detail
    }

    /// The begin of an answer, on one line; should it echo our secrets, without those.
    pub(super) fn excerpt(&self, body: &[u8]) -> String {
        let mut text = self.without_secrets(&String::from_utf8_lossy(body));
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

/// A text on one line, without characters that move a cursor.
pub(super) fn one_line(text: &str) -> String {
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
