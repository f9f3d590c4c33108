//! The event as a whole: which fields there are, and which must be.

use std::borrow::Cow;

use jiff::Timestamp;
use serde_json::Map;
use serde_json::value::RawValue;

use super::fields::Fields;
use super::json::{self, Json};
use super::time::{self, TimeFault};
use super::words::shown;
use super::{Decoder, Undecodable};
use crate::model::{Complaint, ComplaintId, DeadReason, PlaceFields, ReportedCaller};

/// Reads the event `text`.
pub(super) fn read(decoder: &Decoder, text: &str, now: Timestamp) -> Result<Complaint, Undecodable> {
    let [mut title, mut body, mut subject] = [None, None, None];
    let mut known = [None; 8];
    let mut unknown = Vec::new();
    json::event(
        text,
        |key| matches!(key, "title" | "text" | "subject"),
        |key, prose| match &*key {
            "title" => title = Some(prose),
            "text" => body = Some(prose),
            _ => subject = Some(prose),
        },
        |key, value| match slot(&key) {
            Some(slot) => known[slot] = Some(value),
            None => unknown.push((key, value)),
        },
    )?;
    let [id, received_at, channel, caller, place, category, tags, earlier] = known;

    let mut fields = Fields::new(&decoder.config);
    let id = match id {
        Some(raw) => Fields::id(raw)?,
        None => None,
    };
    let id = id.ok_or_else(|| missing("`id` is missing; every event needs its work order's number"))?;
    let received_at = received(decoder, received_at, now)?;
    let title = fields.prose(title, "title")?;
    let body = fields.prose(body, "text")?;
    if title.trim().is_empty() && body.trim().is_empty() {
        return Err(missing("`title` and `text` are both missing or empty; an event needs one of them"));
    }
    let mut complaint = Complaint {
        id: ComplaintId::from(&*id),
        received_at,
        channel: fields.label(channel, "channel")?,
        caller: read_caller(&mut fields, caller)?,
        title,
        text: body,
        place: read_place(&mut fields, place)?,
        category: fields.texts(category, "category")?,
        subject: fields.short(subject, "subject")?,
        tags: fields.texts(tags, "tags")?,
        earlier: fields.labels(earlier, "earlier")?,
        extra: Map::new(),
    };
    for (key, value) in unknown {
        fields.keep(key, value, 1, &mut complaint.extra)?;
    }
    Ok(complaint)
}

fn missing(detail: &str) -> Undecodable {
    Undecodable::new(DeadReason::MissingField, detail)
}

/// Where a known field is kept until it is read.
fn slot(key: &str) -> Option<usize> {
    Some(match key {
        "id" => 0,
        "received_at" => 1,
        "channel" => 2,
        "caller" => 3,
        "place" => 4,
        "category" => 5,
        "tags" => 6,
        "earlier" => 7,
        _ => return None,
    })
}

fn read_caller(fields: &mut Fields<'_>, raw: Option<&RawValue>) -> Result<ReportedCaller, Undecodable> {
    let mut known = [None; 3];
    let mut unknown = Vec::new();
    let remedy = "give it as an object with `id` or `phone`, or leave it out";
    let Some(object) = Fields::object(raw, "caller", remedy)? else { return Ok(ReportedCaller::default()) };
    json::members(object, |key, value| match &*key {
        "id" => known[0] = Some(value),
        "phone" => known[1] = Some(value),
        "also" => known[2] = Some(value),
        _ => unknown.push((key, value)),
    })
    .map_err(|error| Fields::unreadable("caller", &error))?;
    let [id, phone, also] = known;
    let mut caller = ReportedCaller {
        id: fields.label(id, "caller.id")?,
        phone: fields.label(phone, "caller.phone")?,
        also: fields.labels(also, "caller.also")?,
        extra: Map::new(),
    };
    for (key, value) in unknown {
        fields.keep(key, value, 2, &mut caller.extra)?;
    }
    Ok(caller)
}

fn read_place(fields: &mut Fields<'_>, raw: Option<&RawValue>) -> Result<PlaceFields, Undecodable> {
    let remedy = "give it as an object (free words go into `place.address`), or leave it out";
    let Some(object) = Fields::object(raw, "place", remedy)? else { return Ok(PlaceFields::default()) };
    let [mut district, mut street, mut community, mut address] = [None, None, None, None];
    let [mut lon, mut lat] = [None; 2];
    let mut unknown = Vec::new();
    json::members_and_prose(
        object,
        |key| matches!(key, "district" | "street" | "community" | "address"),
        |key, prose| match &*key {
            "district" => district = Some(prose),
            "street" => street = Some(prose),
            "community" => community = Some(prose),
            _ => address = Some(prose),
        },
        |key, value| match &*key {
            "lon" => lon = Some(value),
            "lat" => lat = Some(value),
            _ => unknown.push((key, value)),
        },
    )
    .map_err(|error| Fields::unreadable("place", &error))?;
    let mut extra = Map::new();
    for (key, value) in unknown {
        fields.keep(key, value, 2, &mut extra)?;
    }
    Ok(PlaceFields {
        district: fields.short(district, "place.district")?,
        street: fields.short(street, "place.street")?,
        community: fields.short(community, "place.community")?,
        address: fields.short(address, "place.address")?,
        lon: fields.degrees(lon, "lon", 180.0, &mut extra)?,
        lat: fields.degrees(lat, "lat", 90.0, &mut extra)?,
        extra,
    })
}

fn received(decoder: &Decoder, raw: Option<&RawValue>, now: Timestamp) -> Result<Timestamp, Undecodable> {
    const FORMS: &str = "give a time like 2026-02-28T11:25:05+08:00";
    let absent =
        || missing("`received_at` is missing; every event needs the time at which the hotline took it");
    let raw = raw.ok_or_else(absent)?;
    let written = match json::open(raw, "received_at")? {
        Json::Null => return Err(absent()),
        Json::Text { text, .. } => text,
        Json::Number(written) => Cow::Borrowed(written),
        _ => {
            let detail = format!("`received_at` is {}; {FORMS}", json::kind_of(raw.get()));
            return Err(Undecodable::new(DeadReason::InvalidField, detail));
        }
    };
    let written = written.trim();
    if written.is_empty() {
        return Err(absent());
    }
    let out_of_range = |found: &str, remedy: String| {
        let detail = format!("`received_at` is \"{}\", {found}; {remedy}", shown(written));
        Undecodable::new(DeadReason::TimeOutOfRange, detail)
    };
    let config = &decoder.config;
    let ahead = || {
        out_of_range(
            "a time in the future",
            format!(
                "check the sender's clock, and its zone (without an offset, a time is read as {})",
                config.time_zone
            ),
        )
    };
    let at = match time::read(written, &decoder.zone) {
        Ok(at) => at,
        Err(TimeFault::TooLate) => return Err(ahead()),
        Err(TimeFault::Unreadable) => {
            let detail =
                format!("`received_at` is \"{}\", no time that we can read; {FORMS}", shown(written));
            return Err(Undecodable::new(DeadReason::InvalidTime, detail));
        }
        Err(TimeFault::NoSuchTime) => {
            let detail = format!(
                "`received_at` is \"{}\", a time that the calendar does not have; {FORMS}",
                shown(written)
            );
            return Err(Undecodable::new(DeadReason::InvalidTime, detail));
        }
    };
    if at < decoder.earliest {
        let found = format!("before the year {}", config.earliest_year);
        return Err(out_of_range(&found, "check the sender, or lower `decode.earliest_year`".into()));
    }
    // In seconds, so that no sum can leave the range of times.
    if at.as_second().saturating_sub(now.as_second()) > i64::from(config.max_ahead_seconds) {
        return Err(ahead());
    }
    Ok(at)
}
