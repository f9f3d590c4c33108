//! The HTTP handlers with which people and programs steer a running daemon. Who may call them is asked
//! before they are reached (`source::http`).

use std::sync::mpsc::Sender;
use std::time::Duration;

use axum::Json;
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::json;
use tokio::sync::oneshot;

use super::reload::Ask;
use super::standing::Board;

/// How long an answer is waited for: reading takes about a second, and the pipeline takes over between
/// two batches.
const PATIENCE: Duration = Duration::from_mins(1);

#[derive(Clone)]
struct Steering {
    board: Board,
    asks: Option<Sender<Ask>>,
}

/// `GET /v1/rules` and `POST /v1/rules/reload`; without `asks` nothing can be reloaded.
pub(super) fn router(board: Board, asks: Option<Sender<Ask>>) -> Router {
    Router::new()
        .route("/v1/rules", get(rules))
        .route("/v1/rules/reload", post(reload))
        .with_state(Steering { board, asks })
}

/// What rules are in use, and what was wrong with the last ones read.
async fn rules(State(Steering { board, .. }): State<Steering>) -> Response {
    Json(board.read()).into_response()
}

/// Reads the rules again, and says what came of it when they are in use.
async fn reload(State(Steering { board, asks }): State<Steering>) -> Response {
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

fn problem(status: StatusCode, detail: &str) -> Response {
    let headers = [(header::CONTENT_TYPE, "application/problem+json")];
    let problem = json!({
        "type": "urn:fenghuo:problem:unavailable", "title": "Not available",
        "status": status.as_u16(), "detail": detail,
    });
    (status, headers, problem.to_string()).into_response()
}
