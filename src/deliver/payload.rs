//! What a receiver gets.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::{Alert, DeadLetter, DeadReason};
use crate::store::OutboxRow;

/// The version of the payload's form. Fields may be added within a version; a receiver ignores
/// those it does not know. Removing or changing one makes a new version.
pub const SCHEMA_VERSION: u32 = 1;

/// The body of a webhook request: the alert and the version of its form.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Payload {
    /// See [`SCHEMA_VERSION`].
    pub schema: u32,
    /// The alert revision; its personal numbers were masked before the engine saw them.
    #[serde(flatten)]
    pub alert: Alert,
}

impl Payload {
    /// Wraps an alert in the present version.
    #[must_use]
    pub fn new(alert: Alert) -> Self {
        Self { schema: SCHEMA_VERSION, alert }
    }

    /// The body's bytes: one line of JSON, the same for every attempt.
    ///
    /// # Errors
    /// When a number in the alert is not finite, which would be a defect of the engine's.
    pub fn to_bytes(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(self)
    }
}

/// The `webhook-id` of an alert revision: the same for every attempt, never used for another. The
/// engine makes alert ids, and none has a full stop in it, so nobody can make two revisions share
/// a signed text (Standard Webhooks, "Signature scheme").
#[must_use]
pub fn webhook_id(alert: &Alert) -> String {
    format!("{}.{}", alert.id, alert.revision)
}

/// What is put aside when a sink has refused an alert.
pub(super) fn letter(row: &OutboxRow, detail: String, now: Timestamp) -> DeadLetter {
    DeadLetter {
        reason: DeadReason::Rejected,
        detail,
        source: row.sink.clone(),
        at: webhook_id(&row.alert),
        seen_at: now,
        // An alert that cannot be written is refused for just that, with the reason in `detail`.
        bytes: Payload::new(row.alert.clone()).to_bytes().unwrap_or_default(),
        is_event: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deliver::samples as examples;

    #[test]
    fn the_body_is_one_line_that_reads_back() {
        for alert in [examples::group(), examples::risk()] {
            let payload = Payload::new(alert);
            let bytes = payload.to_bytes().unwrap();
            assert!(!bytes.contains(&b'\n'));
            assert!(bytes.starts_with(br#"{"schema":1,"id":""#));
            assert_eq!(serde_json::from_slice::<Payload>(&bytes).unwrap(), payload);
        }
    }
}
