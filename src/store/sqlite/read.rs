//! Look-ups for the pipeline, the console and `explain`.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use rustc_hash::FxHashMap;

use super::super::{AlertFilter, Known, PartitionState, StoreError, StoredAlert, StoredComplaint};
use super::row::{callers_from_bytes, from_json, kind_from, kind_name, moment, nanos, small, unsigned};
use crate::model::{
    Alert, AlertId, ComplaintId, ComplaintRecord, ContentHash, GroupId, IncidentRecord, PartitionKey,
    Position,
};

pub(super) fn position(connection: &Connection, source: &str) -> Result<Option<Position>, StoreError> {
    Ok(connection
        .prepare_cached("SELECT position FROM positions WHERE source = ?1")?
        .query_row(params![source], |row| row.get(0))
        .optional()?
        .map(Position))
}

/// The hashes of earlier versions, as they are written.
fn earlier(id: &ComplaintId, written: &str) -> Result<Vec<ContentHash>, StoreError> {
    let hash = |digits: &[u8]| {
        let digits = std::str::from_utf8(digits).ok()?;
        u64::from_str_radix(digits, 16).ok().map(ContentHash)
    };
    let hashes: Option<Vec<ContentHash>> = written.as_bytes().chunks(16).map(hash).collect();
    hashes.ok_or_else(|| StoreError::Damaged(format!("complaint {id} has unreadable earlier versions")))
}

pub(super) fn known(
    connection: &Connection,
    ids: &[ComplaintId],
) -> Result<FxHashMap<ComplaintId, Known>, StoreError> {
    // One transaction, so that the answers fit together and the file is locked once.
    let transaction = connection.unchecked_transaction()?;
    let mut statement = transaction.prepare_cached(
        "SELECT content, version, name, seq, complaints.clock, earlier
         FROM complaints JOIN partitions ON partitions.key = partition WHERE id = ?1",
    )?;
    let mut found = FxHashMap::default();
    for id in ids {
        let mut rows = statement.query(params![id.as_str()])?;
        let Some(row) = rows.next()? else { continue };
        let known = Known {
            content: ContentHash(row.get::<_, i64>(0)?.cast_unsigned()),
            earlier: earlier(id, row.get_ref(5)?.as_str().map_err(rusqlite::Error::from)?)?,
            version: small(row.get(1)?)?,
            partition: PartitionKey::from(row.get_ref(2)?.as_str().map_err(rusqlite::Error::from)?),
            seq: unsigned(row.get(3)?)?,
            clock: moment(row.get(4)?),
        };
        found.insert(id.clone(), known);
    }
    Ok(found)
}

pub(super) fn partitions(
    connection: &Connection,
    name: Option<&PartitionKey>,
) -> Result<Vec<(PartitionKey, PartitionState)>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT name, clock, next_seq, committed_at, commits FROM partitions
         WHERE ?1 IS NULL OR name = ?1 ORDER BY name",
    )?;
    let mut rows = statement.query(params![name.map(PartitionKey::as_str)])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let state = PartitionState {
            clock: row.get::<_, Option<i64>>(1)?.map(moment),
            next_seq: unsigned(row.get(2)?)?,
            committed_at: moment(row.get(3)?),
            commits: unsigned(row.get(4)?)?,
        };
        found.push((PartitionKey::from(row.get::<_, String>(0)?), state));
    }
    Ok(found)
}

pub(super) const COMPLAINT: &str =
    "SELECT complaints.id, seq, complaints.clock, content, version, callers, body, decision,
        groups.id, partitions.name
    FROM complaints JOIN partitions ON partitions.key = partition
    LEFT JOIN members ON members.complaint = complaints.key LEFT JOIN groups ON groups.key = members.grp";

pub(super) fn stored_complaint(row: &Row<'_>) -> Result<StoredComplaint, StoreError> {
    let text = |column| row.get_ref(column)?.as_str().map_err(rusqlite::Error::from);
    let id = text(0)?;
    let callers = row.get_ref(5)?.as_blob().map_err(rusqlite::Error::from)?;
    let record = ComplaintRecord {
        seq: unsigned(row.get(1)?)?,
        complaint: Arc::new(from_json("complaint", id, text(6)?)?),
        callers: callers_from_bytes(id, callers)?,
        content: ContentHash(row.get::<_, i64>(3)?.cast_unsigned()),
        version: small(row.get(4)?)?,
        clock: moment(row.get(2)?),
        decision: from_json("the decision on complaint", id, text(7)?)?,
        reading: None,
    };
    let group = row.get::<_, Option<String>>(8)?.map(GroupId::from);
    Ok(StoredComplaint { partition: PartitionKey::from(text(9)?), record, group })
}

pub(super) fn complaint(
    connection: &Connection,
    id: &ComplaintId,
) -> Result<Option<StoredComplaint>, StoreError> {
    let mut statement = connection.prepare_cached(&format!("{COMPLAINT} WHERE complaints.id = ?1"))?;
    let mut rows = statement.query(params![id.as_str()])?;
    rows.next()?.map(stored_complaint).transpose()
}

const INCIDENT: &str = "SELECT id, kind, grp, entity, open, revision, changed_at, state FROM incidents";

fn incident_record(row: &Row<'_>) -> Result<IncidentRecord, StoreError> {
    let id: String = row.get(0)?;
    Ok(IncidentRecord {
        kind: kind_from(&row.get::<_, String>(1)?)?,
        group: row.get::<_, Option<String>>(2)?.map(GroupId::from),
        entity: row.get(3)?,
        open: row.get(4)?,
        revision: small(row.get(5)?)?,
        changed_at: moment(row.get(6)?),
        state: row.get(7)?,
        id: AlertId::from(id),
    })
}

pub(super) fn incident(connection: &Connection, id: &AlertId) -> Result<Option<IncidentRecord>, StoreError> {
    let mut statement = connection.prepare_cached(&format!("{INCIDENT} WHERE id = ?1"))?;
    let mut rows = statement.query(params![id.as_str()])?;
    rows.next()?.map(incident_record).transpose()
}

pub(super) fn incidents(
    connection: &Connection,
    partition: &PartitionKey,
) -> Result<Vec<IncidentRecord>, StoreError> {
    let mut statement = connection.prepare_cached(&format!(
        "{INCIDENT} WHERE partition = (SELECT key FROM partitions WHERE name = ?1) ORDER BY id"
    ))?;
    let mut rows = statement.query(params![partition.as_str()])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(incident_record(row)?);
    }
    Ok(found)
}

/// An alert from its JSON.
pub(super) fn alert_from(id: &str, json: &str) -> Result<Alert, StoreError> {
    from_json("alert", id, json)
}

pub(super) fn alert(connection: &Connection, id: &AlertId) -> Result<Vec<Alert>, StoreError> {
    let mut statement =
        connection.prepare_cached("SELECT body FROM alerts WHERE id = ?1 ORDER BY revision")?;
    let mut rows = statement.query(params![id.as_str()])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(alert_from(id.as_str(), row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?)?);
    }
    Ok(found)
}

pub(super) fn alerts(
    connection: &Connection,
    filter: &AlertFilter,
    limit: u32,
) -> Result<Vec<StoredAlert>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT key, id, kept_at, body FROM alerts AS a
         WHERE (?1 IS NULL OR kind = ?1)
           AND (?2 IS NULL OR partition = (SELECT key FROM partitions WHERE name = ?2))
           AND (?3 IS NULL OR raised_at >= ?3)
           AND key < ?4
           AND (NOT ?5 OR NOT EXISTS
                   (SELECT 1 FROM alerts AS b WHERE b.id = a.id AND b.revision > a.revision))
         ORDER BY key DESC LIMIT ?6",
    )?;
    let mut rows = statement.query(params![
        filter.kind.map(kind_name),
        filter.partition.as_ref().map(PartitionKey::as_str),
        filter.since.map(nanos).transpose()?,
        filter.before.unwrap_or(i64::MAX),
        filter.latest_only,
        limit,
    ])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let id: String = row.get(1)?;
        found.push(StoredAlert {
            key: row.get(0)?,
            committed_at: moment(row.get(2)?),
            alert: alert_from(&id, row.get_ref(3)?.as_str().map_err(rusqlite::Error::from)?)?,
        });
    }
    Ok(found)
}

pub(super) fn resolve_group(connection: &Connection, id: &GroupId) -> Result<Option<GroupId>, StoreError> {
    Ok(group_key(connection, id)?.map(|(_, id)| id))
}

fn group_key(connection: &Connection, id: &GroupId) -> Result<Option<(i64, GroupId)>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT key, id FROM groups WHERE id = ?1
         UNION ALL
         SELECT groups.key, groups.id FROM aliases JOIN groups ON groups.key = grp WHERE old = ?1
         LIMIT 1",
    )?;
    Ok(statement
        .query_row(params![id.as_str()], |row| Ok((row.get(0)?, GroupId::from(row.get::<_, String>(1)?))))
        .optional()?)
}

pub(super) fn group_members(connection: &Connection, id: &GroupId) -> Result<Vec<ComplaintId>, StoreError> {
    let transaction = connection.unchecked_transaction()?;
    let Some((key, _)) = group_key(&transaction, id)? else { return Ok(Vec::new()) };
    let mut statement = transaction.prepare_cached(
        "SELECT id FROM members JOIN complaints ON complaints.key = complaint
         WHERE grp = ?1 ORDER BY partition, seq",
    )?;
    let members = statement.query_map(params![key], |row| row.get::<_, String>(0).map(ComplaintId::from))?;
    Ok(members.collect::<Result<_, _>>()?)
}
