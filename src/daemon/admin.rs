//! The HTTP handlers with which people and programs steer a running daemon. Who may call them is asked
//! before they are reached (`source::http`).

use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Duration;

use axum::Json;
use axum::Router;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;
use tokio::sync::oneshot;

use crate::model::{AlertId, Judgement, Truth};
use crate::store::Store;
use crate::text::mask_personal;

use super::reload::Ask;
use super::standing::Board;

/// How long an answer is waited for: reading takes about a second, and the pipeline takes over between
/// two batches.
const PATIENCE: Duration = Duration::from_mins(1);

#[derive(Clone)]
struct Steering {
    board: Board,
    asks: Option<Sender<Ask>>,
    store: Arc<dyn Store>,
}

/// `GET /v1/rules`, `POST /v1/rules/reload` and `POST /v1/alerts/ID/verdict`; without `asks` nothing can be
/// reloaded.
pub(super) fn router(board: Board, asks: Option<Sender<Ask>>, store: Arc<dyn Store>) -> Router {
    Router::new()
        .route("/v1/rules", get(rules))
        .route("/v1/rules/reload", post(reload))
        .route("/v1/alerts/{id}/verdict", post(verdict))
        .with_state(Steering { board, asks, store })
}

/// What rules are in use, and what was wrong with the last ones read.
async fn rules(State(Steering { board, .. }): State<Steering>) -> Response {
    Json(board.read()).into_response()
}

/// Reads the rules again, and says what came of it when they are in use.
async fn reload(State(Steering { board, asks, .. }): State<Steering>) -> Response {
    let (reply, answer) = oneshot::channel();
    let is_asked = asks.is_some_and(|asks| asks.send(Ask::Rules(Some(reply))).is_ok());
    if !is_asked {
        return problem(StatusCode::SERVICE_UNAVAILABLE, "this daemon takes over no rules while it runs");
    }
    match tokio::time::timeout(PATIENCE, answer).await {
        Ok(Ok(Ok(()))) => Json(board.read()).into_response(),
        Ok(Ok(Err(refusal))) => {
            let problem = json!({
                "type": "urn:fenghuo:problem:rules-refused", "title": "Rules refused",
                "status": 422, "detail": refusal.error, "problems": refusal.problems,
            });
            let headers = [(header::CONTENT_TYPE, "application/problem+json")];
            (StatusCode::UNPROCESSABLE_ENTITY, headers, problem.to_string()).into_response()
        }
        Ok(Err(_)) => problem(StatusCode::SERVICE_UNAVAILABLE, "the daemon is stopping"),
        Err(_) => problem(
            StatusCode::SERVICE_UNAVAILABLE,
            "not yet taken over: the daemon starts, or its store stalls",
        ),
    }
}

/// What a person says of an alert.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    verdict: Truth,
    by: String,
    #[serde(default)]
    reason: String,
}

/// Keeps a person's verdict on an alert.
async fn verdict(
    State(Steering { store, .. }): State<Steering>,
    Path(id): Path<String>,
    said: Result<Json<Said>, JsonRejection>,
) -> Response {
    let Said { verdict, by, reason } = match said {
        Ok(Json(said)) => said,
        Err(refused) => return problem(refused.status(), &refused.body_text()),
    };
    if let Err(missing) = Judgement::check(verdict, &reason, &by) {
        return problem(StatusCode::UNPROCESSABLE_ENTITY, &missing);
    }
    // As everything that people write into the store.
    let reason = mask_personal(&reason).into_owned();
    let judge = move || store.judge(&AlertId::from(id), (verdict, &reason, &by), Timestamp::now());
    match tokio::task::spawn_blocking(judge).await {
        Ok(Ok(Some(judgement))) => (StatusCode::CREATED, Json(judgement)).into_response(),
        Ok(Ok(None)) => problem(StatusCode::NOT_FOUND, "there is no alert of this id"),
        Ok(Err(error)) => problem(StatusCode::SERVICE_UNAVAILABLE, &error.to_string()),
        Err(error) => problem(StatusCode::SERVICE_UNAVAILABLE, &error.to_string()),
    }
}

fn problem(status: StatusCode, detail: &str) -> Response {
    let headers = [(header::CONTENT_TYPE, "application/problem+json")];
    let (kind, title) = match status {
        StatusCode::NOT_FOUND => ("not-found", "Not found"),
        StatusCode::SERVICE_UNAVAILABLE => ("unavailable", "Not available"),
        _ => ("not-understood", "Not understood"),
    };
    let problem = json!({
        "type": format!("urn:fenghuo:problem:{kind}"), "title": title,
        "status": status.as_u16(), "detail": detail,
    });
    (status, headers, problem.to_string()).into_response()
}
