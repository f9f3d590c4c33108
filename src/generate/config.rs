//! What the stream is to be like.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Settings of the synthetic stream.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct GenerateConfig {
    /// Where all chance comes from: the same settings with the same seed give the same bytes.
    pub seed: u64,
    /// How many lines to make, repeats and updates included; endless when missing.
    pub events: Option<u64>,
    /// The time of the first event, RFC 3339.
    #[schemars(with = "String")]
    pub start: Timestamp,
    /// How many lines an average day has, 1 to 10,000,000. With `events` this says how long the
    /// stream lasts.
    pub events_per_day: u32,
    /// The share of Chinese characters that come out wrong (misheard, dropped, doubled), 0 to 0.3.
    /// Names of places and schemes are misspelt by the name only when it is above 0.
    pub noise: f64,
    /// The share of complaints that belong to matters planned with several complaints, 0 to 0.9.
    pub groups: f64,
    /// The share of complaints about policy questions bound to no place (`theme` in the truth), 0 to 0.5.
    pub themes: f64,
    /// How many estates the district has, 20 to 24,000; other sites in proportion. Chosen after
    /// `events` when missing.
    pub estates: Option<u32>,
    /// The share of events that come later than their time, 0 to 0.5.
    pub late: f64,
    /// The share of lines that repeat an earlier event unchanged, 0 to 0.5.
    pub repeats: f64,
    /// The share of lines that correct an earlier event under its id, 0 to 0.5.
    pub updates: f64,
    /// Keep the truth. Without it memory does not grow at all.
    pub keep_truth: bool,
}

impl Default for GenerateConfig {
    fn default() -> Self {
        Self {
            seed: 1,
            events: Some(10_000),
            start: Timestamp::from_second(1_772_294_400).expect("2026-03-01T00:00:00+08:00 is a time"),
            events_per_day: 1_500,
            noise: 0.02,
            groups: 0.35,
            themes: 0.04,
            estates: None,
            late: 0.01,
            repeats: 0.003,
            updates: 0.003,
            keep_truth: true,
        }
    }
}

/// A setting of the generator that makes no sense.
#[derive(Debug, thiserror::Error)]
#[error("generate.{field} is {found}; use {expected}")]
pub struct GenerateError {
    field: &'static str,
    found: String,
    expected: &'static str,
}

impl GenerateConfig {
    /// Settings for `events` lines over `days` days, other settings as by default.
    #[must_use]
    pub fn spread(events: u64, days: u32) -> Self {
        let per_day = events.div_ceil(u64::from(days.max(1))).max(1);
        Self {
            events: Some(events),
            events_per_day: u32::try_from(per_day).unwrap_or(u32::MAX),
            ..Self::default()
        }
    }

    /// Looks at every setting's range.
    ///
    /// # Errors
    /// The first setting that is out of its range.
    pub fn check(&self) -> Result<(), GenerateError> {
        let share = |field, value: f64, most: f64, expected| {
            if (0.0..=most).contains(&value) {
                Ok(())
            } else {
                Err(GenerateError { field, found: value.to_string(), expected })
            }
        };
        share("noise", self.noise, 0.3, "0 to 0.3")?;
        share("groups", self.groups, 0.9, "0 to 0.9")?;
        share("themes", self.themes, 0.5, "0 to 0.5")?;
        share("late", self.late, 0.5, "0 to 0.5")?;
        share("repeats", self.repeats, 0.5, "0 to 0.5")?;
        share("updates", self.updates, 0.5, "0 to 0.5")?;
        if self.repeats + self.updates > 0.5 {
            return Err(GenerateError {
                field: "repeats + generate.updates",
                found: (self.repeats + self.updates).to_string(),
                expected: "0 to 0.5 together",
            });
        }
        let whole = |field, value: u64, from: u64, to: u64, expected| {
            if (from..=to).contains(&value) {
                Ok(())
            } else {
                Err(GenerateError { field, found: value.to_string(), expected })
            }
        };
        whole("events_per_day", self.events_per_day.into(), 1, 10_000_000, "1 to 10000000")?;
        whole("estates", self.estates().into(), 20, 24_000, "20 to 24000")?;
        whole("events", self.events.unwrap_or(1), 0, u64::from(u32::MAX), "at most 4294967295")?;
        // Room for the days after it: the stream must stay within four-digit years.
        let year = self.start.to_zoned(jiff::tz::TimeZone::UTC).year();
        whole("start", u64::try_from(year).unwrap_or(0), 2000, 2999, "a time in the years 2000 to 2999")?;
        let days = self.events.unwrap_or(0) / u64::from(self.events_per_day);
        whole("events", days, 0, 36_600, "fewer, or more events_per_day: the stream may last 100 years")
    }

    /// How many estates there are, chosen after the size of the stream when not set.
    pub(super) fn estates(&self) -> u32 {
        self.estates.unwrap_or_else(|| {
            let events = self.events.unwrap_or_else(|| u64::from(self.events_per_day) * 30);
            u32::try_from((events / 8).clamp(240, 24_000)).unwrap_or(24_000)
        })
    }
}
