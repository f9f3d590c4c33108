//! What people say of alerts.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};
use serde_json::json;

use super::super::StoreError;
use super::dead;
use super::row::{begin, moment, nanos, small};
use crate::model::{AlertId, Judgement, Truth};

/// Keeps a verdict on the last revision of an alert and notes it in the audit trail; `None` when there is
/// no such alert.
pub(super) fn judge(
    connection: &mut Connection,
    alert: &AlertId,
    (verdict, reason, by): (Truth, &str, &str),
    now: Timestamp,
) -> Result<Option<Judgement>, StoreError> {
    let transaction = begin(connection)?;
    let revision: Option<i64> = transaction
        .prepare_cached("SELECT max(revision) FROM alerts WHERE id = ?1")?
        .query_row(params![alert.as_str()], |row| row.get(0))
        .optional()?
        .flatten();
    let Some(revision) = revision else { return Ok(None) };
    transaction
        .prepare_cached(
            "INSERT INTO verdicts (alert, revision, verdict, reason, judge, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![alert.as_str(), revision, verdict.as_str(), reason, by, nanos(now)?])?;
    let detail = json!({ "revision": revision, "verdict": verdict, "reason": reason, "by": by });
    dead::audit(&transaction, now, "verdict", alert.as_str(), &detail)?;
    transaction.commit()?;
    let (alert, reason, by) = (alert.clone(), reason.to_owned(), by.to_owned());
    Ok(Some(Judgement { alert, revision: small(revision)?, verdict, reason, by, at: now }))
}

/// All verdicts on one alert, or on all, oldest first.
pub(super) fn list(connection: &Connection, alert: Option<&AlertId>) -> Result<Vec<Judgement>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT alert, revision, verdict, reason, judge, at FROM verdicts
         WHERE ?1 IS NULL OR alert = ?1 ORDER BY id",
    )?;
    let mut rows = statement.query(params![alert.map(AlertId::as_str)])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let verdict: String = row.get(2)?;
        found.push(Judgement {
            alert: AlertId::from(row.get::<_, String>(0)?),
            revision: small(row.get(1)?)?,
            verdict: verdict.parse().map_err(StoreError::Damaged)?,
            reason: row.get(3)?,
            by: row.get(4)?,
            at: moment(row.get(5)?),
        });
    }
    Ok(found)
}
