//! Refusals, as RFC 9457 problem details.

use axum::Json;
use axum::http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::model::DeadReason;
use crate::telemetry::source::HttpRefused;

/// Why a request was not done.
#[derive(Debug, Serialize)]
pub(super) struct Problem {
    /// A stable name for programs.
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'static str,
    status: u16,
    /// One sentence for people.
    detail: String,
    /// Why the event was put aside, when it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<DeadReason>,
    #[serde(skip)]
    header: Option<Box<(HeaderName, HeaderValue)>>,
}

impl Problem {
    fn new(kind: &'static str, title: &'static str, status: StatusCode, detail: impl Into<String>) -> Self {
        Self { kind, title, status: status.as_u16(), detail: detail.into(), reason: None, header: None }
    }

    pub(super) fn unauthorized(wrong: bool) -> Self {
        let (detail, challenge) = if wrong {
            (
                "this bearer token is not known here; ask the operator for one",
                "Bearer realm=\"fenghuo\", error=\"invalid_token\"",
            )
        } else {
            (
                "this needs a bearer token; send the header Authorization: Bearer TOKEN",
                "Bearer realm=\"fenghuo\"",
            )
        };
        let header = Some(Box::new((WWW_AUTHENTICATE, HeaderValue::from_static(challenge))));
        let kind = "urn:fenghuo:problem:unauthorized";
        Self { header, ..Self::new(kind, "No right to send", StatusCode::UNAUTHORIZED, detail) }
    }

    /// Nobody has said who may do this.
    pub(super) fn closed() -> Self {
        let kind = "urn:fenghuo:problem:forbidden";
        let detail = "other machines reach this address and no tokens are set; set http.tokens_file";
        Self::new(kind, "Not allowed", StatusCode::FORBIDDEN, detail)
    }

    pub(super) fn another_page() -> Self {
        let kind = "urn:fenghuo:problem:forbidden";
        let detail = "a page of another site has sent this; send it from a program, or set http.tokens_file";
        Self::new(kind, "Not allowed", StatusCode::FORBIDDEN, detail)
    }

    pub(super) fn method() -> Self {
        let kind = "urn:fenghuo:problem:method-not-allowed";
        let detail = "complaints are sent here with POST; read them in the console";
        let header = Some(Box::new((ALLOW, HeaderValue::from_static("POST"))));
        Self { header, ..Self::new(kind, "Method not allowed", StatusCode::METHOD_NOT_ALLOWED, detail) }
    }

    pub(super) fn media_type(detail: impl Into<String>) -> Self {
        let kind = "urn:fenghuo:problem:unsupported-media-type";
        Self::new(kind, "Content type not taken", StatusCode::UNSUPPORTED_MEDIA_TYPE, detail)
    }

    pub(super) fn too_large(detail: impl Into<String>) -> Self {
        let kind = "urn:fenghuo:problem:too-large";
        Self::new(kind, "Too large", StatusCode::PAYLOAD_TOO_LARGE, detail)
    }

    pub(super) fn slow_body(seconds: u64) -> Self {
        let detail =
            format!("the body did not arrive within {seconds} seconds; nothing was taken, send it again");
        let kind = "urn:fenghuo:problem:slow-body";
        Self::new(kind, "Body too slow", StatusCode::REQUEST_TIMEOUT, detail)
    }

    pub(super) fn broken_body() -> Self {
        let detail = "the body broke off before its end; nothing was taken, send it again";
        Self::new("urn:fenghuo:problem:broken-body", "Body broken off", StatusCode::BAD_REQUEST, detail)
    }

    pub(super) fn empty() -> Self {
        let detail = "the body has no event; send one JSON object, or one a line as application/x-ndjson";
        let kind = "urn:fenghuo:problem:no-event";
        Self::new(kind, "No event", StatusCode::UNPROCESSABLE_ENTITY, detail)
    }

    /// The event was put aside; it is kept, so sending it again unchanged helps nobody.
    pub(super) fn dead_letter(reason: DeadReason, detail: impl Into<String>) -> Self {
        let kind = "urn:fenghuo:problem:dead-letter";
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        Self { reason: Some(reason), ..Self::new(kind, "Event put aside", status, detail) }
    }

    pub(super) fn full(detail: &str) -> Self {
        let kind = "urn:fenghuo:problem:full";
        Self::new(kind, "Full for the moment", StatusCode::TOO_MANY_REQUESTS, detail).retry_after(1)
    }

    pub(super) fn unavailable(detail: impl Into<String>) -> Self {
        let kind = "urn:fenghuo:problem:unavailable";
        Self::new(kind, "Not available", StatusCode::SERVICE_UNAVAILABLE, detail).retry_after(5)
    }

    fn retry_after(mut self, seconds: u16) -> Self {
        self.header = Some(Box::new((RETRY_AFTER, HeaderValue::from(seconds))));
        self
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        // A dead letter is an answer about a durable event; it is counted as such by the pipeline.
        if self.reason.is_none() {
            HttpRefused { status: self.status, detail: &self.detail }.emit();
        }
        let status = StatusCode::from_u16(self.status).expect("it was made from one");
        let mut this = self;
        let header = this.header.take();
        let mut response = (status, Json(this)).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.extend(header.map(|header| *header));
        response
    }
}
