//! One work order (工单) as the hotline sent it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::ComplaintId;

/// A complaint after decoding. `id`, `received_at` and one of `title` and `text` are present;
/// everything else may be missing. Fields we do not know are in `extra` and are passed on.
///
/// After `engine::Preparer` has seen it, personal numbers are masked in every field but `id`, which is
/// a key; in `title`, `text` and `subject` with the same byte length, so positions hold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Complaint {
    /// The hotline's number of the work order.
    pub id: ComplaintId,
    /// When the hotline received the call: the event time that all windows use.
    pub received_at: Timestamp,
    /// Where it came in, for example `12345`, `web`, `wechat`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// Who called, as the event says it.
    #[serde(default, skip_serializing_if = "ReportedCaller::is_empty")]
    pub caller: ReportedCaller,
    /// One line that sums the complaint up; empty when the event has none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// What the caller said; empty when the event has only a title.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// Where it is, as structured fields.
    #[serde(default, skip_serializing_if = "PlaceFields::is_empty")]
    pub place: PlaceFields,
    /// The hotline's own classification, from coarse to fine.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub category: Vec<String>,
    /// Whom the complaint is about (被反映单位).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Labels the hotline or an earlier system gave.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Numbers of earlier work orders of the same person about the same matter (旧工单, 催办单号).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<String>,
    /// Fields of the event that we do not know, as they came.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// The caller as the event names it. All parts may be missing.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ReportedCaller {
    /// The hotline's account or customer number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The phone number called from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// Further phones or accounts that the event says belong to the same person.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<String>,
    /// Fields of the caller that we do not know, as they came.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl ReportedCaller {
    /// Whether the event says nothing about its caller.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Place as structured fields: district (区) > street (街道) > community (社区) > address.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PlaceFields {
    /// District, for example 西城区.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub district: Option<String>,
    /// Street office, for example 展览路街道.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub street: Option<String>,
    /// Community, for example 百万庄社区.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub community: Option<String>,
    /// Address or site in free words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Longitude in degrees, -180 to 180.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lon: Option<f64>,
    /// Latitude in degrees, -90 to 90.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lat: Option<f64>,
    /// Fields of the place that we do not know, as they came.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl PlaceFields {
    /// Whether the event says nothing about the place.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A 64-bit hash of everything an event says (SHA-256 of its canonical form, first 8 bytes): equal
/// for a repeat of the same event, different for an update.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ContentHash(pub u64);
