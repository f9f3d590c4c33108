//! The hash of what an event says.
//!
//! SHA-256, first 8 bytes, over the complaint's values in a fixed order. Every value is preceded by
//! a tag and its length, so that no two complaints have the same bytes: JSON would do, but escaping
//! would cost as much again as reading the event. Unknown fields are taken in the order of their
//! keys. The form is versioned, because stored hashes are compared with new ones.

use sha2::{Digest as _, Sha256};

use serde_json::{Map, Value};

use crate::model::{Complaint, ContentHash};

/// Changed whenever the bytes below change.
const VERSION: &[u8] = b"fenghuo.content.1\0";

/// The hash of `complaint`; `size` is about how many bytes its event had.
pub(super) fn hash(complaint: &Complaint, size: usize) -> ContentHash {
    // All parts named, so that a new field cannot be forgotten here.
    let Complaint {
        id,
        received_at,
        channel,
        caller,
        title,
        text,
        place,
        category,
        subject,
        tags,
        earlier,
        extra,
    } = complaint;
    let mut out = Canonical(Vec::with_capacity(size + 256));
    out.0.extend_from_slice(VERSION);
    out.text(b'i', id.as_str());
    out.bytes(b'r', &received_at.as_nanosecond().to_le_bytes());
    out.optional(b'c', channel.as_deref());
    out.text(b't', title);
    out.text(b'b', text);
    out.list(b'k', category);
    out.optional(b's', subject.as_deref());
    out.list(b'g', tags);
    // Came later than version 1 of this form: events without it keep their hash.
    if !earlier.is_empty() {
        out.list(b'e', earlier);
    }
    out.optional(b'C', caller.id.as_deref());
    out.optional(b'P', caller.phone.as_deref());
    out.list(b'A', &caller.also);
    out.map(b'X', &caller.extra);
    out.optional(b'1', place.district.as_deref());
    out.optional(b'2', place.street.as_deref());
    out.optional(b'3', place.community.as_deref());
    out.optional(b'4', place.address.as_deref());
    for (tag, degrees) in [(b'5', place.lon), (b'6', place.lat)] {
        if let Some(degrees) = degrees {
            out.bytes(tag, &degrees.to_le_bytes());
        }
    }
    out.map(b'Y', &place.extra);
    out.map(b'Z', extra);
    let digest = Sha256::digest(&out.0);
    let first: [u8; 8] = digest[..8].try_into().expect("SHA-256 gives 32 bytes");
    ContentHash(u64::from_be_bytes(first))
}

struct Canonical(Vec<u8>);

impl Canonical {
    fn bytes(&mut self, tag: u8, bytes: &[u8]) {
        self.0.push(tag);
        self.0.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
        self.0.extend_from_slice(bytes);
    }

    fn text(&mut self, tag: u8, text: &str) {
        self.bytes(tag, text.as_bytes());
    }

    fn optional(&mut self, tag: u8, text: Option<&str>) {
        if let Some(text) = text {
            self.text(tag, text);
        }
    }

    fn list(&mut self, tag: u8, list: &[String]) {
        for text in list {
            self.text(tag, text);
        }
    }

    fn map(&mut self, tag: u8, map: &Map<String, Value>) {
        self.0.push(tag);
        self.0.extend_from_slice(&(map.len() as u64).to_le_bytes());
        let mut members: Vec<_> = map.iter().collect();
        members.sort_unstable_by_key(|(key, _)| *key);
        for (key, value) in members {
            self.text(b'"', key);
            self.value(value);
        }
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::Null => self.0.push(b'n'),
            Value::Bool(yes) => self.0.push(if *yes { b'+' } else { b'-' }),
            Value::Number(number) => self.text(b'#', &number.to_string()),
            Value::String(text) => self.text(b'"', text),
            Value::Array(values) => {
                self.0.push(b'[');
                self.0.extend_from_slice(&(values.len() as u64).to_le_bytes());
                for value in values {
                    self.value(value);
                }
            }
            Value::Object(map) => self.map(b'{', map),
        }
    }
}
