//! The HTTP handlers that watchers of the process call.

use std::time::Instant;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::health::Health;

/// `/healthz`, `/readyz` and `/metrics`, to be merged into the daemon's router.
pub fn router<S: Clone + Send + Sync + 'static>(health: Health) -> axum::Router<S> {
    axum::Router::new()
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .with_state(health)
}

/// 200 while no part is stuck, else 503: restart the process.
pub async fn healthz(State(health): State<Health>) -> Response {
    let report = health.report(Instant::now());
    (status(report.alive), Json(report)).into_response()
}

/// 200 while complaints are taken and alerts go out, else 503: send nothing here.
pub async fn readyz(State(health): State<Health>) -> Response {
    let report = health.report(Instant::now());
    (status(report.ready), Json(report)).into_response()
}

/// All series in the Prometheus text format.
pub async fn metrics() -> Response {
    match crate::telemetry::render() {
        Ok(text) => {
            ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
        }
        Err(error) => {
            let message = format!("the metrics cannot be written: {error}\n");
            (StatusCode::INTERNAL_SERVER_ERROR, message).into_response()
        }
    }
}

fn status(is_good: bool) -> StatusCode {
    if is_good { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_probes_answer_with_status_and_reasons() {
        let health = Health::new();
        let store = health.register("store");
        store.failed("disk full");
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(axum::serve(listener, router::<()>(health)).into_future());
        let get = async |path: &str| {
            let answer = reqwest::get(format!("http://{address}{path}")).await.unwrap();
            (answer.status().as_u16(), answer.text().await.unwrap())
        };
        let (code, body) = get("/readyz").await;
        assert_eq!(code, 503);
        assert!(body.contains("disk full"), "{body}");
        assert_eq!(get("/healthz").await.0, 200);
        store.ok();
        assert_eq!(get("/readyz").await.0, 200);
        assert_eq!(get("/metrics").await.0, 200);
        server.abort();
    }
}
