//! What one batch changes: everything that goes into the store in one transaction.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    Alert, AlertId, AlertKind, CallerKeys, Complaint, ContentHash, DeadLetter, Decision, GroupId,
    PartitionKey, PositionDelta,
};

/// The result of one batch of one engine. The store applies all of it or nothing.
#[derive(Debug, Clone)]
pub struct Commit {
    /// The engine whose batch this is.
    pub partition: PartitionKey,
    /// The number of commits of this engine that this one builds on. The store refuses it when there
    /// were more.
    pub after: u64,
    /// How far each source partition was read.
    pub positions: Vec<PositionDelta>,
    /// The engine's clock after the batch (`None` before the first event).
    pub clock: Option<Timestamp>,
    /// Wall-clock time of the commit, for ages and retention.
    pub committed_at: Timestamp,
    /// New and updated complaints, in the order they were applied.
    pub complaints: Vec<ComplaintRecord>,
    /// Group changes after a complaint was applied, in this batch or an earlier one: a first member
    /// that was alone until now. They come on top of what the decisions in `complaints` say.
    pub regrouped: Vec<(super::ComplaintId, Option<GroupId>)>,
    /// Groups that went into another, in the order in which they did: (old, into). All members go with
    /// them, and the old id stays known as an alias.
    pub aliases: Vec<(GroupId, GroupId)>,
    /// New and changed incidents and risk cases.
    pub incidents: Vec<IncidentRecord>,
    /// What changed in engines from which complaints have come over to this one, because their new
    /// version was sent on another way.
    pub left: BTreeMap<PartitionKey, Vec<IncidentRecord>>,
    /// New alert revisions, each for every sink, in the order they were raised.
    pub alerts: Vec<Alert>,
    /// Events that could not be used.
    pub dead_letters: Vec<DeadLetter>,
}

impl Commit {
    /// One that changes nothing yet.
    #[must_use]
    pub fn new(partition: PartitionKey, after: u64, committed_at: Timestamp) -> Self {
        Self {
            partition,
            after,
            positions: Vec::new(),
            clock: None,
            committed_at,
            complaints: Vec::new(),
            regrouped: Vec::new(),
            aliases: Vec::new(),
            incidents: Vec::new(),
            left: BTreeMap::new(),
            alerts: Vec::new(),
            dead_letters: Vec::new(),
        }
    }
}

/// From which engine's clock on complaints are open; see [`ComplaintRecord::clock`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenSince {
    /// Members of groups.
    pub grouped: Timestamp,
    /// Those that are alone; not before `grouped`.
    pub alone: Timestamp,
}

impl OpenSince {
    /// The same moment for all.
    #[must_use]
    pub fn all(since: Timestamp) -> Self {
        Self { grouped: since, alone: since }
    }
}

/// A complaint as the store keeps it.
#[derive(Debug, Clone)]
pub struct ComplaintRecord {
    /// Its place in the order in which the engine applied complaints; unique per partition. An
    /// update moves the complaint to the update's own number.
    pub seq: u64,
    /// The complaint, personal numbers masked.
    pub complaint: Arc<Complaint>,
    /// Keyed hashes of its caller.
    pub callers: CallerKeys,
    /// The hash of the event as it came.
    pub content: ContentHash,
    /// 1 for the first version, one more for each update.
    pub version: u32,
    /// The engine's clock when it was applied; monotone in `seq`. The open window is a suffix in
    /// this order.
    pub clock: Timestamp,
    /// What was decided about it and why.
    pub decision: Decision,
    /// What was read in it, so that a start need not read it again; `None` when that is not kept.
    pub reading: Option<KeptReading>,
}

/// What grouping read in a complaint, as it is written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptReading {
    /// By what it was read: of another program, dictionary or gazetteer it is of no use.
    pub version: u64,
    /// The reading, in a form that only grouping knows.
    pub bytes: Box<[u8]>,
}

/// An incident or risk case as the store keeps it: a few columns to look things up by, and the
/// engine's own state to continue from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IncidentRecord {
    /// Its id.
    pub id: AlertId,
    /// What it is about.
    pub kind: AlertKind,
    /// The group, for a group incident.
    pub group: Option<GroupId>,
    /// The company or scheme, for a risk case that names one.
    pub entity: Option<String>,
    /// Whether it is raised and not resolved.
    pub open: bool,
    /// The last revision told; 0 when nothing was told yet (a risk case below its threshold).
    pub revision: u32,
    /// Event time of its last change.
    pub changed_at: Timestamp,
    /// The engine's state as JSON, opaque to the store.
    pub state: String,
}
