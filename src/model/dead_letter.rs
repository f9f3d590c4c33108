//! Events that could not be used, kept with the reason.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Why an event was put aside. The names are stable: metrics, the store and the command line use
/// the same ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeadReason {
    /// Larger than the configured limit.
    TooLarge,
    /// Nested deeper than the configured limit.
    TooDeep,
    /// Not UTF-8 (and in no encoding the source was told to expect).
    InvalidEncoding,
    /// Not JSON, or cut short.
    InvalidJson,
    /// JSON, but not an object, or a field has another type than the format says.
    InvalidField,
    /// `id`, `received_at`, or both of `title` and `text` are missing or empty.
    MissingField,
    /// A time that cannot be read.
    InvalidTime,
    /// A time that cannot be: before 2000, or further in the future than clocks may differ.
    TimeOutOfRange,
    /// A row of a table that does not fit its header.
    InvalidRow,
    /// The program failed on it, which is a fault of the program.
    ProgramFault,
    /// A receiver refused the alert in a way that trying again cannot change.
    Rejected,
}

impl DeadReason {
    /// All reasons, in the order of their declaration.
    pub const ALL: [Self; 11] = [
        Self::TooLarge,
        Self::TooDeep,
        Self::InvalidEncoding,
        Self::InvalidJson,
        Self::InvalidField,
        Self::MissingField,
        Self::InvalidTime,
        Self::TimeOutOfRange,
        Self::InvalidRow,
        Self::ProgramFault,
        Self::Rejected,
    ];

    /// The stable name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TooLarge => "too_large",
            Self::TooDeep => "too_deep",
            Self::InvalidEncoding => "invalid_encoding",
            Self::InvalidJson => "invalid_json",
            Self::InvalidField => "invalid_field",
            Self::MissingField => "missing_field",
            Self::InvalidTime => "invalid_time",
            Self::TimeOutOfRange => "time_out_of_range",
            Self::InvalidRow => "invalid_row",
            Self::ProgramFault => "program_fault",
            Self::Rejected => "rejected",
        }
    }
}

impl fmt::Display for DeadReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for DeadReason {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|reason| reason.as_str() == name)
            .ok_or_else(|| format!("no such dead-letter reason: {name}"))
    }
}

/// An event (or an alert a receiver refused) that was put aside, whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// Why.
    pub reason: DeadReason,
    /// One sentence for the person who looks at it: which field, what was found, what to do.
    pub detail: String,
    /// The source partition it came from (or the sink that refused it).
    pub source: String,
    /// Where in the source it stood, for example an offset or a line number, in words.
    pub at: String,
    /// When it was put aside (wall clock).
    pub seen_at: Timestamp,
    /// The original bytes; cut only when the source itself had to cut (reason `too_large`).
    pub bytes: Vec<u8>,
    /// Whether `bytes` are the event, so that it can be fed in again as it is. Not so for a row of a
    /// table, for what the source had to cut, and for an alert.
    pub is_event: bool,
}
