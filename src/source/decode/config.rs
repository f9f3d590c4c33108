//! The settings of decoding.

use jiff::Timestamp;
use jiff::civil;
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What an event may be. An event beyond a limit goes to the dead letters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DecodeConfig {
    /// Largest event, in bytes. 1024 to 1073741824.
    pub max_bytes: usize,
    /// Deepest nesting of lists and objects; the event itself is level 1. 2 to 64.
    pub max_depth: usize,
    /// Longest text in any one known field, in bytes of UTF-8. 256 to 1073741824.
    pub max_text_bytes: usize,
    /// All unknown fields of an event together, in bytes of JSON. 0 allows none.
    pub max_extra_bytes: usize,
    /// The zone of times that come without an offset, as an IANA name.
    pub time_zone: String,
    /// How far `received_at` may lie ahead of our clock, in seconds. Above it the sender's clock
    /// or zone is wrong, and one such event would push the engine's clock into the future.
    pub max_ahead_seconds: u32,
    /// Events received before this year are taken for faults of the sender. 1900 to 9998.
    pub earliest_year: i16,
}

impl Default for DecodeConfig {
    fn default() -> Self {
        Self {
            max_bytes: 1 << 20,
            max_depth: 16,
            max_text_bytes: 256 << 10,
            max_extra_bytes: 64 << 10,
            time_zone: "Asia/Shanghai".into(),
            max_ahead_seconds: 3600,
            earliest_year: 2000,
        }
    }
}

/// A setting of decoding that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeConfigError {
    /// The zone is not in the time zone database.
    #[error("`time_zone` is \"{0}\", which is no time zone; give an IANA name like \"Asia/Shanghai\"")]
    UnknownZone(String),
    /// A number is out of its range.
    #[error("`{field}` is {found}; it must be from {least} to {most}")]
    OutOfRange {
        /// The setting.
        field: &'static str,
        /// What it is set to.
        found: usize,
        /// The least allowed.
        least: usize,
        /// The most allowed.
        most: usize,
    },
}

impl DecodeConfig {
    /// The zone and the earliest moment, when all settings are in their ranges.
    pub(super) fn check(&self) -> Result<(TimeZone, Timestamp), DecodeConfigError> {
        let year = usize::try_from(self.earliest_year).unwrap_or(0);
        for (field, found, least, most) in [
            ("max_bytes", self.max_bytes, 1 << 10, 1 << 30),
            ("max_depth", self.max_depth, 2, 64),
            ("max_text_bytes", self.max_text_bytes, 256, 1 << 30),
            ("earliest_year", year, 1900, 9998),
        ] {
            if !(least..=most).contains(&found) {
                return Err(DecodeConfigError::OutOfRange { field, found, least, most });
            }
        }
        let unknown = || DecodeConfigError::UnknownZone(self.time_zone.clone());
        let zone = TimeZone::get(&self.time_zone).map_err(|_| unknown())?;
        let first = civil::date(self.earliest_year, 1, 1).at(0, 0, 0, 0);
        let earliest = zone.to_ambiguous_timestamp(first).compatible().map_err(|_| unknown())?;
        Ok((zone, earliest))
    }
}

#[cfg(test)]
mod tests {
    use super::super::Decoder;
    use super::*;

    fn refused(change: impl FnOnce(&mut DecodeConfig)) -> String {
        let mut config = DecodeConfig::default();
        change(&mut config);
        Decoder::new(config).unwrap_err().to_string()
    }

    #[test]
    fn settings_out_of_range_are_named() {
        insta::assert_snapshot!(refused(|c| c.max_depth = 1), @"`max_depth` is 1; it must be from 2 to 64");
        insta::assert_snapshot!(
            refused(|c| c.time_zone = "Beijing".into()),
            @r#"`time_zone` is "Beijing", which is no time zone; give an IANA name like "Asia/Shanghai""#
        );
        insta::assert_snapshot!(
            refused(|c| c.earliest_year = -1),
            @"`earliest_year` is 0; it must be from 1900 to 9998"
        );
    }
}
