//! Places as they are named in a complaint.

use serde::{Deserialize, Serialize};

use super::Span;

/// How fine a place is. District > street > community > site; a road runs across them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PlaceKind {
    /// 区
    District,
    /// 街道
    Street,
    /// 社区
    Community,
    /// 路, 街, 胡同, 线路
    Road,
    /// A site: estate, school, shop, market, park, building, village.
    Site,
}

/// Where the knowledge of a place comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PlaceSource {
    /// A structured field of the event.
    Field,
    /// A name of the gazetteer found in the text.
    Gazetteer,
    /// A name recognised in the text by its form (its ending).
    Form,
    /// A name without an ending, taken for one because of where it stands: right behind the district.
    Bare,
}

/// A place that a complaint names.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PlaceMention {
    /// The name in its normal form: two mentions of one place have equal names where we can tell.
    pub name: Box<str>,
    /// How fine it is.
    pub kind: PlaceKind,
    /// How we know.
    pub source: PlaceSource,
    /// Where it stands in the complaint, when it was read from text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span: Option<Span>,
    /// The part of the site, for example 二期 or 3栋, when the text says one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<Box<str>>,
}
