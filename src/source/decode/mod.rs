//! From the bytes of one event to a complaint.
//!
//! **Does:** reads one JSON event in the hotline's format, tolerant where senders differ in form
//! (times, numbers for ids, a byte order mark, unknown fields), strict where a guess could change
//! the meaning; hashes what it says. **Promises:** never panics and never recurses deeper than
//! [`DecodeConfig::max_depth`], whatever the bytes; an event that cannot be used gets one reason
//! and one sentence that names the field, what was found there and the remedy, with no personal
//! number in it; no I/O, no clock (`now` is a value). **Leaves to others:** keeping dead letters
//! (`store`), telling repeats from updates (`daemon`, by the hash), masking (`engine`).
//!
//! What is done to the values, beyond reading them:
//! - `null`, and an optional text that is empty or blank, count as missing. Of a repeated key the
//!   last one counts.
//! - Ids, phones and short texts lose white space around them; `title` and `text` do not.
//! - NUL and the other C0 control characters except line feed and tab are taken out of texts: they
//!   carry no words, and databases and terminals choke on them. In an id they are an error, since
//!   the id would otherwise become another one.
//! - `id`, `channel` and the caller's numbers may be JSON numbers; their digits become the text.
//! - A coordinate that cannot be one (not a number, out of range) must not cost us the complaint:
//!   it is put aside as `invalid_lon` or `invalid_lat` among the place's unknown fields.
//! - A number in an unknown field that no 64-bit form holds exactly is kept as a string of what
//!   was written.

mod canonical;
mod config;
mod event;
mod fields;
mod json;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
mod time;
mod words;

pub use config::{DecodeConfig, DecodeConfigError};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::model::{Complaint, ContentHash, DeadReason};

/// Decodes events. Immutable, so that one serves all threads.
#[derive(Debug, Clone)]
pub struct Decoder {
    config: DecodeConfig,
    zone: TimeZone,
    earliest: Timestamp,
}

/// A complaint and the hash of what its event said.
#[derive(Debug, Clone, PartialEq)]
pub struct Decoded {
    /// The complaint, nothing masked yet.
    pub complaint: Complaint,
    /// Equal for events that say the same, whatever the order of their keys and their white space.
    pub content: ContentHash,
}

/// Why an event cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct Undecodable {
    /// The stable reason.
    pub reason: DeadReason,
    /// One sentence: which field, what was found, what to do.
    pub detail: String,
}

impl Undecodable {
    fn new(reason: DeadReason, detail: impl Into<String>) -> Self {
        Self { reason, detail: detail.into() }
    }
}

impl Decoder {
    /// A decoder with these settings.
    ///
    /// # Errors
    /// When a setting is out of its range or the time zone is not known.
    pub fn new(config: DecodeConfig) -> Result<Self, DecodeConfigError> {
        let (zone, earliest) = config.check()?;
        Ok(Self { config, zone, earliest })
    }

    /// Decodes one event. `now` is the wall clock, against which times in the future are judged.
    ///
    /// # Errors
    /// The reason for which the event has to be put aside.
    pub fn decode(&self, bytes: &[u8], now: Timestamp) -> Result<Decoded, Undecodable> {
        if bytes.len() > self.config.max_bytes {
            return Err(Undecodable::new(
                DeadReason::TooLarge,
                format!(
                    "the event has {} bytes, more than the limit of {}; send attachments apart, \
                     or raise `decode.max_bytes`",
                    bytes.len(),
                    self.config.max_bytes
                ),
            ));
        }
        let complaint = event::read(self, json::text_of(bytes)?, now)?;
        let content = canonical::hash(&complaint, bytes.len());
        Ok(Decoded { complaint, content })
    }
}
