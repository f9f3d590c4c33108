//! The console: what was raised and why, as pages for people and as JSON for programs.
//!
//! **Does:** lists alerts (`/`), explains one with all its revisions and members (`/alerts/ID`) and
//! any complaint, also one that raised nothing (`/complaints/ID`); answers the same as JSON
//! (`/v1/alerts`, `/v1/alerts/ID`, `/v1/complaints/ID`). **Promises:** only reads; pages are made
//! here, without scripts and without anything from elsewhere, so they work in a closed network;
//! everything that came from outside is escaped, and the content security policy forbids the rest;
//! of a caller nothing is shown but a masked phone. **Leaves to others:** who may see it (the daemon
//! serves it on loopback addresses only), what is decided (`engine`), what is kept (`store`).

mod api;
mod highlight;
mod pages;
mod parts;
mod read;
mod shown;

pub use read::ReadModel;

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::get;

/// So many alerts stand on a page, and in a JSON answer that asks for no other number.
const PAGE: u32 = 50;

/// The most that a JSON answer holds.
const MOST: u32 = 500;

/// The routes of the console and its JSON interface.
pub fn router(model: Arc<dyn ReadModel>) -> Router {
    Router::new()
        .route("/", get(pages::list))
        .route("/alerts/{id}", get(pages::alert))
        .route("/complaints/{id}", get(pages::complaint))
        .route("/v1/alerts", get(api::alerts))
        .route("/v1/alerts/{id}", get(api::alert))
        .route("/v1/complaints/{id}", get(api::complaint))
        .layer(middleware::from_fn(with_headers))
        .with_state(model)
}

/// Nothing may run, load, frame or be kept: pages show words that strangers wrote.
async fn with_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let fixed: [(HeaderName, HeaderValue); 4] = [
        (CONTENT_SECURITY_POLICY, parts::policy()),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    response.headers_mut().extend(fixed);
    response
}
