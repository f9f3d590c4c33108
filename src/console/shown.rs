//! What of a complaint may be shown.

use jiff::Timestamp;
use serde::Serialize;

use crate::model::{Complaint, ComplaintId, Decision, GroupId};
use crate::store::StoredComplaint;
use crate::text::mask_phone;

/// A complaint as the console shows it: the fields we know, without who called. Fields we do not
/// know stay out, since nobody knows what is in them.
#[derive(Debug, Serialize)]
pub(super) struct Shown {
    pub(super) id: ComplaintId,
    pub(super) received_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) channel: Option<String>,
    /// Masked, whatever the store has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) phone: Option<String>,
    /// Whether the event named a caller at all; otherwise it is not counted as a person.
    pub(super) has_caller: bool,
    pub(super) title: String,
    pub(super) text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) district: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) street: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) community: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) address: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) category: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) subject: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) tags: Vec<String>,
    pub(super) version: u32,
    /// The group it is in now.
    pub(super) group: Option<GroupId>,
    pub(super) decision: Decision,
}

impl From<StoredComplaint> for Shown {
    fn from(stored: StoredComplaint) -> Self {
        let record = stored.record;
        let complaint: Complaint = (*record.complaint).clone();
        let place = complaint.place;
        Self {
            id: complaint.id,
            received_at: complaint.received_at,
            channel: complaint.channel,
            phone: complaint.caller.phone.as_deref().map(mask_phone),
            has_caller: !record.callers.is_empty(),
            title: complaint.title,
            text: complaint.text,
            district: place.district,
            street: place.street,
            community: place.community,
            address: place.address,
            category: complaint.category,
            subject: complaint.subject,
            tags: complaint.tags,
            version: record.version,
            group: stored.group,
            decision: record.decision,
        }
    }
}
