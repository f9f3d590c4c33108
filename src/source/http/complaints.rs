//! `POST /v1/complaints`.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, EXPECT};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::body::{self, Fault};
use super::problem::Problem;
use super::tokens::{Shown, Tokens};
use super::{Availability, HttpConfig};
use crate::model::{DeadReason, PartitionKey};
use crate::source::{Intake, IntakeClosed, IntakeFull, Lease, Outcome, Record};
use crate::telemetry::source::HttpAnswered;

/// Memory for bodies is counted in these units, since a semaphore counts in `u32`.
const UNIT: usize = 1 << 10;

/// While a batch's later lines wait for room, how often they try.
const RETRY: Duration = Duration::from_millis(2);

const STOPPED: &str =
    "fenghuo is stopping; send the events again, those that were stored are dropped as repeats";
const LATE: &str =
    "the events were not durable in time; send them again, those that were stored are dropped as repeats";

/// What handling needs; one for all requests.
pub(super) struct Complaints {
    config: HttpConfig,
    tokens: Option<Tokens>,
    availability: Availability,
    partition: PartitionKey,
    source: Arc<str>,
    intake: Intake,
    requests: Arc<Semaphore>,
    memory: Arc<Semaphore>,
    stop: Stop,
}

/// The daemon's end.
pub(super) struct Stop {
    /// Take nothing new.
    pub(super) asked: CancellationToken,
    /// Answer what waits, with "come again".
    pub(super) at_once: CancellationToken,
}

/// The route.
pub(super) fn routes(complaints: Complaints) -> Router {
    Router::new()
        .route("/v1/complaints", post(handle).fallback(refuse_method))
        .with_state(Arc::new(complaints))
}

async fn refuse_method() -> Problem {
    Problem::method()
}

async fn handle(State(complaints): State<Arc<Complaints>>, request: Request) -> Response {
    complaints.answer(request).await.unwrap_or_else(Problem::into_response)
}

/// What a body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Single,
    Batch,
}

/// A request that may go on, with its share of what is bounded.
struct Admitted {
    form: Form,
    _place: OwnedSemaphorePermit,
    _memory: OwnedSemaphorePermit,
}

/// What became of one line of a batch.
#[derive(Debug, Serialize)]
struct LineResult {
    line: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<DeadReason>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

/// What became of a batch.
#[derive(Debug, Default, Serialize)]
struct BatchResult {
    accepted: usize,
    repeated: usize,
    updated: usize,
    dead_letter: usize,
    unavailable: usize,
    results: Vec<LineResult>,
}

#[derive(Serialize)]
struct SingleResult<'a> {
    id: &'a str,
    status: &'static str,
}

impl Complaints {
    pub(super) fn new(
        config: HttpConfig,
        tokens: Option<Tokens>,
        availability: Availability,
        partition: PartitionKey,
        intake: Intake,
        stop: Stop,
    ) -> Self {
        let requests = Arc::new(Semaphore::new(config.max_concurrent_requests));
        let memory = Arc::new(Semaphore::new(config.max_buffered_bytes.div_ceil(UNIT)));
        let source = Arc::from("http");
        Self { config, tokens, availability, partition, source, intake, requests, memory, stop }
    }

    async fn answer(&self, request: Request) -> Result<Response, Problem> {
        let (head, body) = request.into_parts();
        let admitted = match self.admit(&head.headers) {
            Ok(admitted) => admitted,
            Err(problem) => {
                // A client that asked first has not sent its body and will not.
                if !head.headers.contains_key(EXPECT) {
                    body::discard(body).await;
                }
                return Err(problem);
            }
        };
        let bytes = self.read(body).await?;
        let read_at = Instant::now();
        let (response, events) = match admitted.form {
            Form::Single => (self.single(bytes, read_at).await?, 1),
            Form::Batch => self.batch(&bytes, read_at).await?,
        };
        HttpAnswered { events, seconds: read_at.elapsed().as_secs_f64() }.emit();
        Ok(response)
    }

    /// Everything that can be said before the body is read.
    fn admit(&self, headers: &HeaderMap) -> Result<Admitted, Problem> {
        match self.tokens.as_ref().map(|tokens| tokens.check(headers)) {
            None | Some(Shown::Right) => {}
            Some(Shown::Wrong) => return Err(Problem::unauthorized(true)),
            Some(Shown::Nothing) => return Err(Problem::unauthorized(false)),
        }
        let form = form(headers)?;
        let most = self.config.max_body_bytes;
        let length = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
        let expected = length.unwrap_or(most);
        if expected > most {
            return Err(self.body_too_large());
        }
        if self.stop.asked.is_cancelled() {
            return Err(Problem::unavailable(STOPPED));
        }
        (self.availability)().map_err(Problem::unavailable)?;
        let busy = |_| Problem::full("too many requests at once; send this one again in a moment");
        let place = Arc::clone(&self.requests).try_acquire_owned().map_err(busy)?;
        let units = u32::try_from(expected.div_ceil(UNIT)).unwrap_or(u32::MAX);
        let memory = Arc::clone(&self.memory).try_acquire_many_owned(units).map_err(busy)?;
        Ok(Admitted { form, _place: place, _memory: memory })
    }

    async fn read(&self, body: Body) -> Result<Vec<u8>, Problem> {
        let reading = body::read(body, self.config.max_body_bytes, self.config.body_timeout());
        let read = tokio::select! {
            read = reading => read,
            () = self.stop.at_once.cancelled() => return Err(Problem::unavailable(STOPPED)),
        };
        read.map_err(|fault| match fault {
            Fault::TooLarge => self.body_too_large(),
            Fault::Slow => Problem::slow_body(self.config.body_timeout_seconds),
            Fault::Broken => Problem::broken_body(),
        })
    }

    fn body_too_large(&self) -> Problem {
        Problem::too_large(format!(
            "the body has more than {} bytes; send smaller batches, or raise http.max_body_bytes",
            self.config.max_body_bytes
        ))
    }

    async fn single(&self, bytes: Vec<u8>, read_at: Instant) -> Result<Response, Problem> {
        if bytes.trim_ascii().is_empty() {
            return Err(Problem::empty());
        }
        let (record, outcome) = self.record(bytes, "request".into());
        match self.intake.try_send(record) {
            Ok(Ok(())) => {}
            Ok(Err(IntakeFull(_))) => return Err(intake_full()),
            Err(IntakeClosed) => return Err(Problem::unavailable(STOPPED)),
        }
        let outcome = self.wait(outcome, read_at + self.config.ack_timeout()).await;
        let (status, word, id) = match outcome.ok_or_else(|| Problem::unavailable(LATE))? {
            Outcome::Accepted(id) => (StatusCode::CREATED, "accepted", id),
            Outcome::Repeated(id) => (StatusCode::OK, "repeated", id),
            Outcome::Updated(id) => (StatusCode::OK, "updated", id),
            Outcome::DeadLetter(reason, detail) => return Err(Problem::dead_letter(reason, detail)),
        };
        Ok((status, Json(SingleResult { id: id.as_str(), status: word })).into_response())
    }

    async fn batch(&self, bytes: &[u8], read_at: Instant) -> Result<(Response, usize), Problem> {
        let lines = self.lines(bytes)?;
        let deadline = read_at + self.config.ack_timeout();
        let mut waiting = Vec::with_capacity(lines.len());
        for (line, text) in lines {
            let (record, outcome) = self.record(text.to_vec(), format!("line {line}").into());
            let handed_over = self.hand_over(record, waiting.is_empty(), deadline).await?;
            waiting.push((line, handed_over.then_some(outcome)));
        }
        let mut result = BatchResult::default();
        for (line, outcome) in waiting {
            let outcome = match outcome {
                Some(outcome) => self.wait(outcome, deadline).await,
                None => None,
            };
            result.add(line, outcome);
        }
        let events = result.results.len();
        if result.unavailable == events {
            return Err(Problem::unavailable(LATE));
        }
        Ok((Json(result).into_response(), events))
    }

    /// The lines that are not blank, with their numbers from 1.
    fn lines<'a>(&self, bytes: &'a [u8]) -> Result<Vec<(usize, &'a [u8])>, Problem> {
        let lines: Vec<_> = bytes
            .split(|&b| b == b'\n')
            .enumerate()
            .map(|(index, line)| (index + 1, line.strip_suffix(b"\r").unwrap_or(line)))
            .filter(|(_, line)| !line.trim_ascii().is_empty())
            .take(self.config.max_lines + 1)
            .collect();
        if lines.is_empty() {
            return Err(Problem::empty());
        }
        if lines.len() > self.config.max_lines {
            return Err(Problem::too_large(format!(
                "the batch has more than {} lines; send smaller batches, or raise http.max_lines",
                self.config.max_lines
            )));
        }
        Ok(lines)
    }

    fn record(&self, raw: Vec<u8>, at: Box<str>) -> (Record, oneshot::Receiver<Outcome>) {
        let (reply, outcome) = oneshot::channel();
        let record = Record {
            partition: self.partition.clone(),
            source: Arc::clone(&self.source),
            next: None,
            at,
            raw,
            event: Ok(None),
            reply: Some(reply),
            lease: Lease::default(),
        };
        (record, outcome)
    }

    /// Hands a line over, waiting for room; the first line does not wait, since as long as nothing
    /// was handed over the whole request can be refused. `Ok(false)` when there was no room in time.
    async fn hand_over(&self, mut record: Record, first: bool, deadline: Instant) -> Result<bool, Problem> {
        loop {
            match self.intake.try_send(record) {
                Ok(Ok(())) => return Ok(true),
                Ok(Err(IntakeFull(_))) if first => return Err(intake_full()),
                Ok(Err(IntakeFull(back))) => record = *back,
                Err(IntakeClosed) if first => return Err(Problem::unavailable(STOPPED)),
                Err(IntakeClosed) => return Ok(false),
            }
            if Instant::now() >= deadline || self.stop.at_once.is_cancelled() {
                return Ok(false);
            }
            tokio::time::sleep(RETRY).await;
        }
    }

    /// Waits until the event is durable; `None` when that did not come in time.
    async fn wait(&self, outcome: oneshot::Receiver<Outcome>, deadline: Instant) -> Option<Outcome> {
        tokio::select! {
            biased;
            outcome = outcome => outcome.ok(),
            () = tokio::time::sleep_until(deadline) => None,
            () = self.stop.at_once.cancelled() => None,
        }
    }
}

impl BatchResult {
    fn add(&mut self, line: usize, outcome: Option<Outcome>) {
        let (status, count, id) = match &outcome {
            Some(Outcome::Accepted(id)) => ("accepted", &mut self.accepted, Some(id)),
            Some(Outcome::Repeated(id)) => ("repeated", &mut self.repeated, Some(id)),
            Some(Outcome::Updated(id)) => ("updated", &mut self.updated, Some(id)),
            Some(Outcome::DeadLetter(..)) => ("dead_letter", &mut self.dead_letter, None),
            None => ("unavailable", &mut self.unavailable, None),
        };
        *count += 1;
        let id = id.map(ToString::to_string);
        let (reason, detail) = match outcome {
            Some(Outcome::DeadLetter(reason, detail)) => (Some(reason), Some(detail.into_owned())),
            None => (None, Some("not durable in time; send this line again".to_owned())),
            Some(_) => (None, None),
        };
        self.results.push(LineResult { line, id, status, reason, detail });
    }
}

fn intake_full() -> Problem {
    Problem::full("the pipeline is behind and its intake is full; send the events again in a moment")
}

/// What the headers say the body is.
fn form(headers: &HeaderMap) -> Result<Form, Problem> {
    const REMEDY: &str = "send application/json for one event, or application/x-ndjson for one event a line";
    let is_coded = headers.get(CONTENT_ENCODING).is_some_and(|coding| coding != "identity");
    if is_coded {
        return Err(Problem::media_type("the body is compressed; send it without Content-Encoding"));
    }
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let value = value.ok_or_else(|| Problem::media_type(format!("no Content-Type is given; {REMEDY}")))?;
    let mut parts = value.split(';').map(|part| part.trim().to_ascii_lowercase());
    let form = match parts.next().as_deref() {
        Some("application/json") => Form::Single,
        Some(
            "application/x-ndjson" | "application/ndjson" | "application/jsonl" | "application/x-jsonlines",
        ) => Form::Batch,
        _ => return Err(Problem::media_type(format!("this Content-Type is not taken; {REMEDY}"))),
    };
    for parameter in parts {
        let charset = parameter.strip_prefix("charset=").map(|charset| charset.trim_matches('"').to_owned());
        if charset.is_some_and(|charset| charset != "utf-8" && charset != "utf8") {
            return Err(Problem::media_type("the body is not in UTF-8 by its charset; send UTF-8"));
        }
    }
    Ok(form)
}
