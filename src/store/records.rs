//! What is read from a store and reported by it.

use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use super::StoreError;
use super::sqlite::row::from_json;
use crate::model::{
    Alert, AlertKind, CallerKeys, Complaint, ComplaintId, ComplaintRecord, ContentHash, DeadLetter,
    DeadReason, Decision, GroupId, PartitionKey,
};

/// What the store knows of a complaint when an event with its id comes again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// The hash of the last version.
    pub content: ContentHash,
    /// The hashes of earlier versions, the newest last; of many the newest ones.
    pub earlier: Vec<ContentHash>,
    /// The number of the last version, from 1.
    pub version: u32,
    /// The engine that applied it.
    pub partition: PartitionKey,
    /// Its place in that engine's order.
    pub seq: u64,
    /// That engine's clock then.
    pub clock: Timestamp,
}

/// Where an engine stood at its last commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionState {
    /// The engine's clock (event time); `None` before its first event.
    pub clock: Option<Timestamp>,
    /// The number for its next complaint.
    pub next_seq: u64,
    /// How often it has committed; a commit that builds on another number is refused as lost.
    pub commits: u64,
    /// When it last committed (wall clock).
    pub committed_at: Timestamp,
}

/// A complaint with its present group.
#[derive(Debug, Clone)]
pub struct StoredComplaint {
    /// The engine that applied it.
    pub partition: PartitionKey,
    /// The complaint and what was decided when it was applied.
    pub record: ComplaintRecord,
    /// The group it is in now, after merges; `None` when alone.
    pub group: Option<GroupId>,
}

/// An open complaint as a start needs it.
#[derive(Debug, Clone)]
pub struct OpenComplaint {
    /// Its place in the order in which the engine applied complaints.
    pub seq: u64,
    /// Its id.
    pub id: ComplaintId,
    /// The engine's clock when it was applied.
    pub clock: Timestamp,
    /// Keyed hashes of its caller.
    pub callers: CallerKeys,
    /// The hash of the event as it came.
    pub content: ContentHash,
    /// The group it is in now; `None` when alone.
    pub group: Option<GroupId>,
    /// What is known of its words.
    pub words: Words,
    /// See [`OpenComplaint::decision`].
    pub(super) decision: Option<String>,
}

/// What is known of an open complaint's words.
#[derive(Debug, Clone)]
pub enum Words {
    /// The bytes of its reading.
    Read(Vec<u8>),
    /// The complaint itself, as stored: it has to be read.
    Unread(String),
}

impl OpenComplaint {
    /// What was decided about it; `None` when it is alone and its reading is known, since nothing of it is
    /// needed then.
    ///
    /// # Errors
    /// When what is stored is damaged.
    pub fn decision(&self) -> Result<Option<Decision>, StoreError> {
        let read = |stored: &String| from_json("the decision on complaint", self.id.as_str(), stored);
        self.decision.as_ref().map(read).transpose()
    }

    /// The complaint, when it has to be read; `None` when its reading is known.
    ///
    /// # Errors
    /// When what is stored is damaged.
    pub fn unread(&self) -> Result<Option<Arc<Complaint>>, StoreError> {
        match &self.words {
            Words::Read(_) => Ok(None),
            Words::Unread(stored) => Ok(Some(from_json("complaint", self.id.as_str(), stored)?)),
        }
    }
}

/// An alert revision with its place in the store's order.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredAlert {
    /// Rises with every stored revision; to page with [`AlertFilter::before`].
    pub key: i64,
    /// When it was committed (wall clock).
    pub committed_at: Timestamp,
    /// The revision.
    pub alert: Alert,
}

/// Which alerts to list. The default is all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AlertFilter {
    /// Of this kind only.
    pub kind: Option<AlertKind>,
    /// Of this engine only.
    pub partition: Option<PartitionKey>,
    /// Raised at this event time or later.
    pub since: Option<Timestamp>,
    /// Only those with a lower key: the next page.
    pub before: Option<i64>,
    /// Only the last revision of each alert.
    pub latest_only: bool,
}

/// An alert revision on its way to one sink, leased to whoever got it from
/// [`due`](super::Store::due).
#[derive(Debug, Clone, PartialEq)]
pub struct OutboxRow {
    /// Its number in the outbox.
    pub seq: i64,
    /// The sink's name in the configuration.
    pub sink: String,
    /// What to send.
    pub alert: Alert,
    /// How often sending has failed.
    pub attempts: u32,
    /// The last failure.
    pub last_error: Option<String>,
    /// When it was committed (wall clock).
    pub created_at: Timestamp,
    /// Who holds the lease.
    pub lease_owner: String,
    /// When the lease ends: not delivered by then, somebody else may take it.
    pub lease_until: Timestamp,
}

/// What became of one alert revision at one sink.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Delivery {
    /// The revision.
    pub revision: u32,
    /// The sink.
    pub sink: String,
    /// How it stands.
    pub state: DeliveryState,
    /// When it got there; of what waits, when it is tried next, when that is known (wall clock).
    pub at: Option<Timestamp>,
    /// What the receiver said last, or why it was kept back; without secrets.
    pub said: Option<String>,
    /// How often sending has failed.
    pub attempts: u32,
}

/// How the delivery of an alert revision to a sink stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// Not yet there.
    Waiting,
    /// The receiver has it.
    Delivered,
    /// Kept back by a route, a higher alert or a silence.
    Suppressed,
    /// The receiver will not take it; it is a dead letter.
    Refused,
}

impl DeliveryState {
    /// The Chinese name that people see.
    #[must_use]
    pub fn chinese(self) -> &'static str {
        match self {
            Self::Waiting => "待发",
            Self::Delivered => "已送达",
            Self::Suppressed => "未发",
            Self::Refused => "被拒收",
        }
    }
}

/// A dead letter without its bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeadLetterEntry {
    /// Its number.
    pub id: i64,
    /// Why it was put aside.
    pub reason: DeadReason,
    /// One sentence for people.
    pub detail: String,
    /// The source, or the sink that refused it.
    pub source: String,
    /// Where in the source.
    pub at: String,
    /// When it was put aside (wall clock).
    pub seen_at: Timestamp,
    /// When it was last fed in again.
    pub redriven_at: Option<Timestamp>,
    /// Whether its bytes are an event, see [`DeadLetter::is_event`].
    pub is_event: bool,
    /// The length of the original bytes.
    pub bytes: u64,
}

/// A dead letter with its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredDeadLetter {
    /// Its number.
    pub id: i64,
    /// The letter.
    pub letter: DeadLetter,
    /// When it was last fed in again.
    pub redriven_at: Option<Timestamp>,
}

/// Which dead letters are meant. The default is all that were not fed in again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeadLetterFilter {
    /// These numbers only; empty means any.
    pub ids: Vec<i64>,
    /// For this reason only.
    pub reason: Option<DeadReason>,
    /// From this source (or refused by this sink) only.
    pub source: Option<String>,
    /// Only those with a lower number: the next page.
    pub before: Option<i64>,
    /// Also those that were fed in again already.
    pub include_redriven: bool,
}

/// One line of the audit trail.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AuditEntry {
    /// When (wall clock).
    pub at: Timestamp,
    /// What happened, a stable name: `alert`, `refused`, `redriven`, `requeued`, `swept`, `verdict`, or what
    /// [`note`](super::Store::note) was given.
    pub kind: String,
    /// To what, for example an alert id.
    pub subject: String,
    /// The particulars.
    pub detail: serde_json::Value,
}

/// What a check found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct CheckReport {
    /// One line for each fault, at most 100; empty when the store is sound.
    pub faults: Vec<String>,
    /// Pages of the file.
    pub pages: u64,
}

impl CheckReport {
    /// Whether nothing was found.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.faults.is_empty()
    }
}

/// How far a backup is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackupProgress {
    /// Pages written.
    pub done: u64,
    /// Pages in all.
    pub total: u64,
}

/// What vacuuming gained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct VacuumReport {
    /// Bytes of the file before.
    pub before_bytes: u64,
    /// Bytes of the file after.
    pub after_bytes: u64,
}
