//! Posting one batch until the daemon has answered it.

use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow};
use backon::{BackoffBuilder as _, ExponentialBuilder};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Response, StatusCode, Url};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use crate::cli::{Exit, OrExit as _};

use super::Line;

/// The longest wait that a daemon's `Retry-After` is believed.
const LONGEST_WAIT: Duration = Duration::from_mins(5);

/// What became of one event, as the daemon answers for each line.
#[derive(Debug, Deserialize)]
pub(in crate::cli) struct LineResult {
    pub(in crate::cli) status: Outcome,
    #[serde(default)]
    reason: Option<String>,
    #[serde(default)]
    detail: Option<String>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::cli) enum Outcome {
    Accepted,
    Repeated,
    Updated,
    DeadLetter,
    /// Not durable in time: to be sent again.
    Unavailable,
}

#[derive(Debug, Deserialize)]
struct Answer {
    results: Vec<LineResult>,
}

impl LineResult {
    pub(in crate::cli) fn why(self) -> String {
        let parts: Vec<String> = self.reason.into_iter().chain(self.detail).collect();
        parts.join(": ")
    }
}

/// The way to one daemon.
#[derive(Debug)]
pub(in crate::cli) struct Client {
    http: reqwest::Client,
    url: Url,
    give_up_after: Duration,
}

impl Client {
    pub(in crate::cli) fn new(
        url: &str,
        token: Option<&SecretString>,
        timeout: Duration,
        give_up_after: Duration,
    ) -> anyhow::Result<Self> {
        let url = Url::parse(url)
            .with_context(|| {
                format!("--url {url} is no address; write it like http://127.0.0.1:8787/v1/complaints")
            })
            .or_exit(Exit::Usage)?;
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
        if let Some(token) = token {
            let mut value = HeaderValue::try_from(format!("Bearer {}", token.expose_secret()))
                .map_err(|_| anyhow!("the bearer token has characters that a header cannot carry"))
                .or_exit(Exit::Usage)?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        let http = reqwest::Client::builder()
            .default_headers(headers)
            .timeout(timeout)
            .user_agent(concat!("fenghuo/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { http, url, give_up_after })
    }

    pub(in crate::cli) fn url(&self) -> &str {
        self.url.as_str()
    }

    /// Posts until there is an answer; `None` when the batch is too large. `waiting` hears of every
    /// wait before another try.
    pub(in crate::cli) async fn post(
        &self,
        batch: &[Line],
        mut waiting: impl FnMut(Duration, &str),
    ) -> anyhow::Result<Option<Vec<LineResult>>> {
        let mut body = Vec::new();
        for line in batch {
            body.extend_from_slice(&line.bytes);
            body.push(b'\n');
        }
        let begin = Instant::now();
        let mut delays = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(200))
            .with_max_delay(Duration::from_secs(20))
            .without_max_times()
            .with_jitter()
            .build();
        loop {
            let (why, asked) = match self.http.post(self.url.clone()).body(body.clone()).send().await {
                Ok(response) => match self.read(response).await? {
                    Reading::Answer(results) => return Ok(Some(results)),
                    Reading::TooLarge => return Ok(None),
                    Reading::Later(why, asked) => (why, asked),
                },
                Err(error) if error.is_builder() => return Err(error).or_exit(Exit::Usage),
                Err(error) => (unreachable(&error), None),
            };
            let wait = asked.unwrap_or_else(|| delays.next().unwrap_or(LONGEST_WAIT));
            if begin.elapsed() + wait > self.give_up_after {
                let waited = begin.elapsed().as_secs();
                return Err(anyhow!("{}: {why}; gave up after {waited} s", self.url))
                    .or_exit(Exit::Unavailable);
            }
            waiting(wait, &why);
            tokio::time::sleep(wait).await;
        }
    }

    async fn read(&self, response: Response) -> anyhow::Result<Reading> {
        let status = response.status();
        let refused = |why: String| Err(anyhow!("{}: {why}", self.url)).or_exit(Exit::Unavailable);
        match status {
            StatusCode::PAYLOAD_TOO_LARGE => Ok(Reading::TooLarge),
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                Ok(Reading::Later(format!("it is busy ({status})"), retry_after(&response)))
            }
            StatusCode::REQUEST_TIMEOUT => Ok(Reading::Later(format!("it answers {status}"), None)),
            _ if status.is_server_error() => Ok(Reading::Later(format!("it answers {status}"), None)),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                refused(format!("it refuses us ({status}); give the right token with --token-file"))
            }
            _ => {
                // A connection that breaks within the answer leaves the outcome open, too.
                let text = match response.text().await {
                    Ok(text) => text,
                    Err(error) => return Ok(Reading::Later(unreachable(&error), None)),
                };
                let Ok(answer) = serde_json::from_str::<Answer>(&text) else {
                    let text: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
                    let text: String = text.chars().take(200).collect();
                    return refused(format!("it answers {status} and not as a fenghuo daemon does: {text}"));
                };
                Ok(Reading::Answer(answer.results))
            }
        }
    }
}

enum Reading {
    Answer(Vec<LineResult>),
    TooLarge,
    Later(String, Option<Duration>),
}

// Seconds; the form with a date is not used by our daemon.
fn retry_after(response: &Response) -> Option<Duration> {
    let seconds = response.headers().get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST_WAIT))
}

// The innermost cause is the one that says something ("connection refused").
fn unreachable(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    if error.is_timeout() {
        "it did not answer in time".into()
    } else {
        format!("it cannot be reached: {cause}")
    }
}
