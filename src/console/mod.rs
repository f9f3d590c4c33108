//! The console: what was raised and why, as pages for people and as JSON for programs.
//!
//! **Does:** lists alerts (`/`), explains one with all its revisions and members (`/alerts/ID`) and
//! any complaint, also one that raised nothing (`/complaints/ID`); answers the same as JSON
//! (`/v1/alerts`, `/v1/alerts/ID`, `/v1/complaints/ID`). **Promises:** only reads; pages are made
//! here, without scripts and without anything from elsewhere, so they work in a closed network;
//! everything that came from outside is escaped, and the content security policy forbids the rest;
//! of a caller nothing is shown but a masked phone. **Leaves to others:** who may see it (the daemon
//! serves it on loopback addresses only; here, requests under foreign names are turned away), what is decided (`engine`), what is kept (`store`).

mod api;
mod highlight;
mod pages;
mod parts;
mod read;
mod shown;

pub use read::ReadModel;

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::Request;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Extension, Router};
use jiff::Timestamp;

/// So many alerts stand on a page, and in a JSON answer that asks for no other number.
const PAGE: u32 = 50;

/// The most that a JSON answer holds.
const MOST: u32 = 500;

/// What the console says of the rules in use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RulesShown {
    /// The hash of the rule pack.
    pub pack: String,
    /// How many rules it has.
    pub rules: usize,
    /// Since when it is in use (wall clock).
    pub since: Timestamp,
    /// Why the last rules read were not taken over.
    pub refused: Option<String>,
}

/// Tells which rules are in use at this moment.
pub type ShowRules = Arc<dyn Fn() -> RulesShown + Send + Sync>;

/// The routes of the console and its JSON interface.
pub fn router(model: Arc<dyn ReadModel>, rules: ShowRules) -> Router {
    Router::new()
        .route("/", get(pages::list))
        .route("/alerts/{id}", get(pages::alert))
        .route("/complaints/{id}", get(pages::complaint))
        .route("/v1/alerts", get(api::alerts))
        .route("/v1/alerts/{id}", get(api::alert))
        .route("/v1/complaints/{id}", get(api::complaint))
        .layer(Extension(rules))
        .layer(middleware::from_fn(asked_by_its_own_name))
        .layer(middleware::from_fn(with_headers))
        .with_state(model)
}

/// A page on the internet can have its own name point to this machine and read, in a visitor's
/// browser, what is served here (DNS rebinding). Browsers say by which name they ask: only those of
/// this machine are answered.
async fn asked_by_its_own_name(request: Request, next: Next) -> Response {
    let host = request.headers().get(HOST).map(|host| host.to_str().unwrap_or("?"));
    if host.is_none_or(is_this_machine) {
        return next.run(request).await;
    }
    let told = "the console is served under the names of this machine only: localhost, 127.0.0.1, [::1]\n";
    (StatusCode::MISDIRECTED_REQUEST, told).into_response()
}

fn is_this_machine(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost") || bare.parse().is_ok_and(|address: IpAddr| address.is_loopback())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_names_of_this_machine_are_answered() {
        for own in ["localhost", "LOCALHOST:8787", "127.0.0.1:8787", "127.0.0.2", "[::1]:8787", "[::1]"] {
            assert!(is_this_machine(own), "{own}");
        }
        for foreign in ["example.com", "example.com:8787", "localhost.example.com", "10.0.0.5:8787", "?", ""]
        {
            assert!(!is_this_machine(foreign), "{foreign}");
        }
    }
}
