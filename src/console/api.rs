//! The same as the pages, for programs.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::read::{ReadModel, ask};
use super::shown::Shown;
use super::{MOST, PAGE};
use crate::model::{Alert, AlertId, ComplaintId};
use crate::store::AlertFilter;

/// What `/v1/alerts` can be asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Asked {
    /// How many, 1 to 500.
    limit: Option<u32>,
    /// Those before this key: the next page.
    before: Option<i64>,
    /// `all` also gives the revisions that later ones have replaced.
    revisions: Revisions,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Revisions {
    #[default]
    Latest,
    All,
}

#[derive(Debug, Serialize)]
struct Entry {
    key: i64,
    committed_at: jiff::Timestamp,
    alert: Alert,
}

type Model = State<Arc<dyn ReadModel>>;
type Question = Result<Query<Asked>, axum::extract::rejection::QueryRejection>;

/// The newest alerts, and the key of the next page when there may be one.
pub(super) async fn alerts(State(model): Model, asked: Question) -> Response {
    let asked = match asked {
        Ok(Query(asked)) => asked,
        Err(error) => return problem(StatusCode::BAD_REQUEST, &error.body_text()),
    };
    let limit = asked.limit.unwrap_or(PAGE);
    if !(1..=MOST).contains(&limit) {
        return problem(StatusCode::BAD_REQUEST, &format!("limit is {limit}; use 1 to {MOST}"));
    }
    let filter = AlertFilter {
        before: asked.before,
        latest_only: asked.revisions == Revisions::Latest,
        ..AlertFilter::default()
    };
    match ask(model, move |model| model.alerts(&filter, limit)).await {
        Ok(found) => {
            let next = if found.len() == limit as usize { found.last().map(|last| last.key) } else { None };
            let entries: Vec<Entry> = found
                .into_iter()
                .map(|one| Entry { key: one.key, committed_at: one.committed_at, alert: one.alert })
                .collect();
            Json(json!({ "alerts": entries, "next": next })).into_response()
        }
        Err(error) => problem(StatusCode::SERVICE_UNAVAILABLE, &error.to_string()),
    }
}

/// All revisions of one alert, oldest first, what became of each at each receiver, and what people say of it.
pub(super) async fn alert(State(model): Model, Path(id): Path<String>) -> Response {
    let wanted = AlertId::from(id.as_str());
    let found = move |model: &dyn ReadModel| {
        Ok((model.alert(&wanted)?, model.deliveries(&wanted)?, model.judgements(&wanted)?))
    };
    match ask(model, found).await {
        Ok((revisions, ..)) if revisions.is_empty() => {
            problem(StatusCode::NOT_FOUND, "there is no alert of this id")
        }
        Ok((revisions, deliveries, verdicts)) => {
            let answer =
                json!({ "id": id, "revisions": revisions, "deliveries": deliveries, "verdicts": verdicts });
            Json(answer).into_response()
        }
        Err(error) => problem(StatusCode::SERVICE_UNAVAILABLE, &error.to_string()),
    }
}

/// One complaint with what was decided about it.
pub(super) async fn complaint(State(model): Model, Path(id): Path<String>) -> Response {
    let wanted = ComplaintId::from(id.as_str());
    match ask(model, move |model| model.complaint(&wanted)).await {
        Ok(None) => problem(StatusCode::NOT_FOUND, "there is no complaint of this id"),
        Ok(Some(stored)) => Json(Shown::from(stored)).into_response(),
        Err(error) => problem(StatusCode::SERVICE_UNAVAILABLE, &error.to_string()),
    }
}

fn problem(status: StatusCode, detail: &str) -> Response {
    (status, Json(json!({ "status": status.as_u16(), "detail": detail }))).into_response()
}
