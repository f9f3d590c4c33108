//! Between our types and SQLite's columns.

use jiff::Timestamp;
use rusqlite::ffi::ErrorCode;
use rusqlite::{Connection, OptionalExtension as _, Transaction, TransactionBehavior, ffi, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::super::{CommitError, StoreError};
use super::schema;
use crate::model::{AlertKind, AlertState, CallerKey, CallerKeys};

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        let detail = error.to_string();
        let rusqlite::Error::SqliteFailure(failure, _) = &error else {
            return match error {
                // A value of another type than the schema's: the file was changed behind our back.
                rusqlite::Error::FromSqlConversionFailure(..)
                | rusqlite::Error::IntegralValueOutOfRange(..)
                | rusqlite::Error::InvalidColumnType(..) => Self::Damaged(detail),
                _ => Self::Other(detail),
            };
        };
        match failure.code {
            ErrorCode::DiskFull => Self::Full(detail),
            // A quota or file-size limit comes as a failed write and cannot be told from a failing
            // disk; to wait and raise an alarm is right for all of them.
            ErrorCode::SystemIoFailure
                if matches!(
                    failure.extended_code,
                    ffi::SQLITE_IOERR_WRITE | ffi::SQLITE_IOERR_SHMSIZE | ffi::SQLITE_IOERR_TRUNCATE
                ) =>
            {
                Self::Full(detail)
            }
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::FileLockingProtocolFailed => {
                Self::Busy(detail)
            }
            ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen => {
                Self::ReadOnly(detail)
            }
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => Self::Damaged(detail),
            _ => Self::Other(detail),
        }
    }
}

impl From<rusqlite::Error> for CommitError {
    fn from(error: rusqlite::Error) -> Self {
        StoreError::from(error).into()
    }
}

/// Begins to write, at once holding the one write lock, so that what is read inside cannot change
/// before it is written. Refuses when another version has upgraded the file in the meantime.
pub(super) fn begin(connection: &mut Connection) -> Result<Transaction<'_>, StoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found = transaction.prepare_cached("PRAGMA user_version")?.query_row([], |row| row.get(0))?;
    if found == schema::VERSION { Ok(transaction) } else { Err(StoreError::Superseded(found)) }
}

/// A moment as the schema keeps it: nanoseconds, so that the engine gets back exactly what it gave.
pub(super) fn nanos(at: Timestamp) -> Result<i64, StoreError> {
    i64::try_from(at.as_nanosecond())
        .map_err(|_| StoreError::Other(format!("the time {at} is outside 1677 to 2262 and cannot be kept")))
}

/// A moment from the schema.
pub(super) fn moment(nanos: i64) -> Timestamp {
    Timestamp::from_nanosecond(i128::from(nanos)).expect("64 bits of nanoseconds are within range")
}

/// An unsigned number as the schema keeps it.
pub(super) fn int(number: u64) -> Result<i64, StoreError> {
    i64::try_from(number).map_err(|_| StoreError::Other(format!("the number {number} cannot be kept")))
}

/// A count or number from the schema, where it is never negative.
pub(super) fn unsigned(number: i64) -> Result<u64, StoreError> {
    u64::try_from(number).map_err(|_| StoreError::Damaged(format!("{number} where a count should stand")))
}

/// A small count from the schema.
pub(super) fn small(number: i64) -> Result<u32, StoreError> {
    u32::try_from(number).map_err(|_| StoreError::Damaged(format!("{number} where a count should stand")))
}

/// A record as JSON.
pub(super) fn to_json<T: Serialize>(what: &str, value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value)
        .map_err(|error| StoreError::Other(format!("{what} has no JSON form: {error}")))
}

/// A record from JSON; `what` names it when it cannot be read.
pub(in crate::store) fn from_json<T: DeserializeOwned>(
    what: &str,
    id: &str,
    json: &str,
) -> Result<T, StoreError> {
    serde_json::from_str(json)
        .map_err(|error| StoreError::Damaged(format!("{what} {id} cannot be read: {error}")))
}

/// Caller keys, eight bytes each.
pub(super) fn callers_to_bytes(callers: &CallerKeys) -> Vec<u8> {
    callers.iter().flat_map(|key| key.0.to_be_bytes()).collect()
}

/// Caller keys from their bytes.
pub(super) fn callers_from_bytes(id: &str, bytes: &[u8]) -> Result<CallerKeys, StoreError> {
    let (keys, rest) = bytes.as_chunks::<8>();
    if rest.is_empty() {
        Ok(keys.iter().map(|key| CallerKey(u64::from_be_bytes(*key))).collect())
    } else {
        Err(StoreError::Damaged(format!("complaint {id} has caller keys of {} bytes", bytes.len())))
    }
}

/// The stable name of an alert's kind.
pub(super) fn kind_name(kind: AlertKind) -> &'static str {
    match kind {
        AlertKind::GroupIncident => "group_incident",
        AlertKind::FinancialRisk => "financial_risk",
    }
}

/// An alert's kind from its name.
pub(super) fn kind_from(name: &str) -> Result<AlertKind, StoreError> {
    [AlertKind::GroupIncident, AlertKind::FinancialRisk]
        .into_iter()
        .find(|&kind| kind_name(kind) == name)
        .ok_or_else(|| StoreError::Damaged(format!("an alert of the unknown kind {name:?}")))
}

/// The stable name of what an alert says.
pub(super) fn state_name(state: AlertState) -> &'static str {
    match state {
        AlertState::Raised => "raised",
        AlertState::Updated => "updated",
        AlertState::Resolved => "resolved",
        AlertState::Reopened => "reopened",
    }
}

/// A number of an engine, if it ever committed.
pub(super) fn partition_key(connection: &Connection, name: &str) -> Result<Option<i64>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT key FROM partitions WHERE name = ?1")?;
    Ok(statement.query_row(params![name], |row| row.get(0)).optional()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_come_back_exactly_and_impossible_ones_are_refused() {
        let at: Timestamp = "2026-02-28T11:25:05.123456789+08:00".parse().unwrap();
        assert_eq!(moment(nanos(at).unwrap()), at);
        let far: Timestamp = "9999-01-01T00:00:00Z".parse().unwrap();
        assert!(nanos(far).unwrap_err().to_string().contains("1677 to 2262"));
    }

    #[test]
    fn caller_keys_come_back_and_torn_ones_are_damage() {
        let keys: CallerKeys = [CallerKey(1), CallerKey(u64::MAX)].into_iter().collect();
        let bytes = callers_to_bytes(&keys);
        assert_eq!(callers_from_bytes("a", &bytes).unwrap(), keys);
        assert!(matches!(callers_from_bytes("a", &bytes[1..]), Err(StoreError::Damaged(_))));
    }
}
