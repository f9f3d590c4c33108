//! Which days of the history count.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::engine::EngineConfig;

/// Days of the calendar, both ends included.
#[derive(Debug, Clone)]
pub struct Period {
    from: Timestamp,
    end: Timestamp,
    zone: TimeZone,
}

/// Days that are none.
#[derive(Debug, thiserror::Error)]
pub enum BadPeriod {
    /// The end stands before the beginning.
    #[error("the last day, {to}, is before the first, {from}")]
    Reversed {
        /// The first day.
        from: Date,
        /// The last.
        to: Date,
    },
    /// A day that no calendar has.
    #[error("{day} is too far away")]
    Far {
        /// The day.
        day: Date,
    },
}

impl Period {
    /// From the beginning of `from` to the end of `to`, as the clocks of `zone` show it. Without one of
    /// them there is no bound on that side.
    ///
    /// # Errors
    /// When there is no such period.
    pub fn new(from: Option<Date>, to: Option<Date>, zone: TimeZone) -> Result<Self, BadPeriod> {
        if let (Some(from), Some(to)) = (from, to)
            && to < from
        {
            return Err(BadPeriod::Reversed { from, to });
        }
        let beginning = |day: Date| {
            let zoned = day.to_zoned(zone.clone()).map_err(|_| BadPeriod::Far { day })?;
            Ok(zoned.timestamp())
        };
        let after = |day: Date| day.tomorrow().map_err(|_| BadPeriod::Far { day }).and_then(beginning);
        let from = from.map_or(Ok(Timestamp::MIN), beginning)?;
        let end = to.map_or(Ok(Timestamp::MAX), after)?;
        Ok(Self { from, end, zone })
    }

    /// Whether a moment lies in it.
    #[must_use]
    pub fn contains(&self, at: Timestamp) -> bool {
        self.from <= at && at < self.end
    }

    /// The day of a moment.
    #[must_use]
    pub fn day(&self, at: Timestamp) -> Date {
        self.zone.to_datetime(at).date()
    }

    /// Whether it has no beginning.
    #[must_use]
    pub fn is_from_the_first(&self) -> bool {
        self.from == Timestamp::MIN
    }

    /// What has to be read: what came shortly before may be of the same case or group.
    pub(super) fn lead(&self, config: &EngineConfig) -> Lead {
        let days = config.group.match_days.max(config.risk.window_days);
        let span = SignedDuration::from_hours(24 * i64::from(days));
        Lead {
            from: self.from.saturating_sub(span).unwrap_or(Timestamp::MIN),
            end: self.end,
            last: self.end.saturating_add(span).unwrap_or(Timestamp::MAX),
        }
    }
}

/// The part of the history that is read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lead {
    /// From here on.
    pub(super) from: Timestamp,
    /// Complaints of this time or later are left out.
    pub(super) end: Timestamp,
    /// When the engine's clock stood here, none of before `end` can come any more: a source that is
    /// so far behind has been left behind by the engine, too.
    pub(super) last: Timestamp,
}

impl Lead {
    pub(super) fn contains(&self, at: Timestamp) -> bool {
        self.from <= at && at < self.end
    }
}
