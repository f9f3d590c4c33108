//! Writes the stream and its truth as files.

use std::io::{self, Write};

use jiff::tz::TimeZone;
use serde::Serialize;

use crate::model::{Complaint, PlaceFields};

use super::clock::ZONE;
use super::{Delivery, GenerateConfig, Generated, Generator};

/// What was written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Lines of the stream.
    pub events: u64,
    /// Complaints: lines that are neither a repeat nor an update.
    pub complaints: u64,
    /// Lines that repeat an earlier one.
    pub repeats: u64,
    /// Lines that correct an earlier one.
    pub updates: u64,
    /// Lines that came later than their time.
    pub late: u64,
    /// Matters with at least two complaints, themes included.
    pub matters: u64,
    /// Pairs that must stay apart.
    pub apart: u64,
}

/// Writes a stream as NDJSON, its truth as a JSON list in the form of the gold files, and the pairs
/// that must stay apart as CSV.
///
/// # Errors
/// When the configuration makes no sense, when truth is asked for of an endless stream, or when
/// writing fails.
pub fn write<E: Write, T: Write, A: Write>(
    mut config: GenerateConfig,
    mut out: E,
    truth: Option<T>,
    apart: Option<A>,
) -> io::Result<Summary> {
    config.keep_truth = truth.is_some() || apart.is_some();
    if config.keep_truth && config.events.is_none() {
        return Err(invalid("an endless stream has no last truth; say how many events"));
    }
    let mut generator = Generator::new(config).map_err(|error| invalid(&error.to_string()))?;
    let mut summary = Summary::default();
    let mut line = Vec::with_capacity(2048);
    for event in &mut generator {
        summary.events += 1;
        match event.delivery {
            Delivery::InTime => summary.complaints += 1,
            Delivery::Late => (summary.complaints, summary.late) = (summary.complaints + 1, summary.late + 1),
            Delivery::Repeat => summary.repeats += 1,
            Delivery::Update => summary.updates += 1,
        }
        line.clear();
        event.write_json(&mut line);
        line.push(b'\n');
        out.write_all(&line)?;
    }
    out.flush()?;
    if let Some(mut truth) = truth {
        truth.write_all(b"[")?;
        for matter in generator.truth() {
            truth.write_all(if summary.matters == 0 { b"\n" } else { b",\n" })?;
            serde_json::to_writer(&mut truth, &matter)?;
            summary.matters += 1;
        }
        truth.write_all(b"\n]\n")?;
        truth.flush()?;
    }
    if let Some(apart) = apart {
        let mut table = csv::Writer::from_writer(apart);
        for pair in generator.apart() {
            table.serialize(pair).map_err(io::Error::other)?;
            summary.apart += 1;
        }
        if summary.apart == 0 {
            table.write_record(["a", "b", "why", "body_jaccard"]).map_err(io::Error::other)?;
        }
        table.flush()?;
    }
    Ok(summary)
}

fn invalid(message: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, message)
}

/// The event as a hotline of the district writes it: Beijing time, and the caller's account
/// always there, null when it is not known.
#[derive(Serialize)]
struct Line<'e> {
    id: &'e str,
    received_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    channel: Option<&'e str>,
    caller: Caller<'e>,
    #[serde(skip_serializing_if = "str::is_empty")]
    title: &'e str,
    text: &'e str,
    #[serde(skip_serializing_if = "PlaceFields::is_empty")]
    place: &'e PlaceFields,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    category: &'e [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'e str>,
}

#[derive(Serialize)]
struct Caller<'e> {
    id: Option<&'e str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<&'e str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    also: &'e [String],
}

impl Generated {
    /// Appends the event as one line of JSON, without the line's end.
    ///
    /// # Panics
    /// Never: the event is plain data, which always has a JSON form.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        let Complaint { id, received_at, channel, caller, title, text, place, category, subject, .. } =
            &self.complaint;
        let zone = TimeZone::fixed(ZONE);
        let line = Line {
            id: id.as_str(),
            received_at: received_at.to_zoned(zone).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string(),
            channel: channel.as_deref(),
            caller: Caller { id: caller.id.as_deref(), phone: caller.phone.as_deref(), also: &caller.also },
            title,
            text,
            place,
            category,
            subject: subject.as_deref(),
        };
        serde_json::to_writer(out, &line).expect("plain data always has a JSON form");
    }
}
