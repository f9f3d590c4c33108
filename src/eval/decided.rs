//! Reading what the engine has decided.

use jiff::Timestamp;
use rustc_hash::FxHashMap;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::model::{ComplaintId, GroupId};

use super::EvalError;

/// What was decided about the complaints of a case.
#[derive(Debug, Clone, Default)]
pub struct Decided {
    /// The group of each complaint, `None` for one that is alone.
    pub groups: FxHashMap<ComplaintId, Option<GroupId>>,
    /// Group incidents as they were raised. Without them no figure about incidents is given.
    pub alarms: Option<Vec<Alarm>>,
}

/// A group incident that was raised or raised again.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Alarm {
    /// The group.
    pub group: GroupId,
    /// Event time at which it was raised.
    pub raised_at: Timestamp,
    /// The members known then.
    pub ids: Vec<ComplaintId>,
}

#[derive(Deserialize)]
struct GroupLine {
    id: ComplaintId,
    group: Option<GroupId>,
}

impl Decided {
    /// Reads `groups.ndjson` and `alerts.ndjson` of a replay.
    ///
    /// # Errors
    /// Names the line that cannot be read.
    pub fn read(groups: &[u8], alarms: Option<&[u8]>) -> Result<Self, EvalError> {
        let groups = lines("groups", groups)?.into_iter().map(|GroupLine { id, group }| (id, group));
        Ok(Self {
            groups: groups.collect(),
            alarms: alarms.map(|alarms| lines("alerts", alarms)).transpose()?,
        })
    }

    /// The group of a complaint that is in one.
    pub(super) fn group(&self, id: &ComplaintId) -> Option<&GroupId> {
        self.groups.get(id)?.as_ref()
    }
}

fn lines<T: DeserializeOwned>(what: &'static str, ndjson: &[u8]) -> Result<Vec<T>, EvalError> {
    ndjson
        .split(|byte| *byte == b'\n')
        .zip(1..)
        .filter(|(text, _)| !text.trim_ascii().is_empty())
        .map(|(text, line)| {
            serde_json::from_slice(text).map_err(|source| EvalError::Line { what, line, source })
        })
        .collect()
}
