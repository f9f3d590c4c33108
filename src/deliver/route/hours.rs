//! Times of day and days of the week, as a duty roster has them.

use jiff::civil::{Time, Weekday};
use jiff::{Span, Zoned};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Day {
    /// 周一
    Mon,
    /// 周二
    Tue,
    /// 周三
    Wed,
    /// 周四
    Thu,
    /// 周五
    Fri,
    /// 周六
    Sat,
    /// 周日
    Sun,
}

impl Day {
    fn of(weekday: Weekday) -> Self {
        match weekday {
            Weekday::Monday => Self::Mon,
            Weekday::Tuesday => Self::Tue,
            Weekday::Wednesday => Self::Wed,
            Weekday::Thursday => Self::Thu,
            Weekday::Friday => Self::Fri,
            Weekday::Saturday => Self::Sat,
            Weekday::Sunday => Self::Sun,
        }
    }
}

/// A time of each day from `from` until before `to`; over midnight when `to` is the earlier one. Of
/// such a night the day is the one on which it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hours {
    from: Time,
    to: Time,
}

impl Hours {
    /// Reads `22:00-07:30`.
    ///
    /// # Errors
    /// What is wrong, and the form.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("has \"{text}\", which is no time of day; write it like \"22:00-07:30\"");
        let (from, to) = text.split_once('-').ok_or_else(wrong)?;
        let time = |text: &str| Time::strptime("%H:%M", text.trim()).map_err(|_| wrong());
        let (from, to) = (time(from)?, time(to)?);
        if from == to {
            return Err(format!("has \"{text}\", which has no length; leave it out for all day"));
        }
        Ok(Self { from, to })
    }
}

/// Whether `at` lies in these hours on one of these days; without hours all day, without days every day.
pub(super) fn within(hours: Option<Hours>, days: &[Day], at: &Zoned) -> bool {
    let is_day = |at: &Zoned| days.is_empty() || days.contains(&Day::of(at.weekday()));
    let Some(Hours { from, to }) = hours else { return is_day(at) };
    let time = at.time();
    if from < to {
        return from <= time && time < to && is_day(at);
    }
    let began_yesterday = time < to;
    if began_yesterday {
        return at.checked_sub(Span::new().days(1)).is_ok_and(|before| is_day(&before));
    }
    from <= time && is_day(at)
}

/// When such a time that `at` lies in is over, to the minute; at most eight days ahead.
pub(super) fn end(hours: Option<Hours>, days: &[Day], at: &Zoned) -> Zoned {
    let mut end = at.clone();
    // Edges are at midnight and at the hours, so looking at those is enough.
    for day in 0..=8 {
        let mut edges = vec![Time::midnight()];
        edges.extend(hours.map(|hours| hours.to));
        edges.sort_unstable();
        for edge in edges {
            let date = at.date().saturating_add(Span::new().days(day));
            let Ok(moment) = date.to_datetime(edge).to_zoned(at.time_zone().clone()) else { continue };
            if moment > *at {
                end = moment;
                if !within(hours, days, &end) {
                    return end;
                }
            }
        }
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Zoned {
        format!("{text}:00[Asia/Shanghai]").parse().unwrap()
    }

    #[test]
    fn a_night_belongs_to_the_day_on_which_it_begins() {
        let night = Some(Hours::parse("22:00-07:30").unwrap());
        let friday = [Day::Fri];
        // 2026-03-06 is a Friday.
        for (text, is_in) in [
            ("2026-03-06T21:59", false),
            ("2026-03-06T22:00", true),
            ("2026-03-07T07:29", true),
            ("2026-03-07T07:30", false),
            ("2026-03-07T23:00", false),
            ("2026-03-06T03:00", false),
        ] {
            assert_eq!(within(night, &friday, &at(text)), is_in, "{text}");
            assert!(within(night, &[], &at("2026-03-06T03:00")));
        }
        assert!(within(None, &friday, &at("2026-03-06T12:00")) && within(None, &[], &at("2026-03-06T12:00")));
    }

    #[test]
    fn the_end_is_the_first_moment_outside() {
        let night = Some(Hours::parse("22:00-07:30").unwrap());
        assert_eq!(end(night, &[], &at("2026-03-06T23:10")), at("2026-03-07T07:30"));
        assert_eq!(end(night, &[], &at("2026-03-06T03:10")), at("2026-03-06T07:30"));
        assert_eq!(end(None, &[Day::Sat, Day::Sun], &at("2026-03-07T10:00")), at("2026-03-09T00:00"));
        let noon = Some(Hours::parse("12:00-13:00").unwrap());
        assert_eq!(end(noon, &[], &at("2026-03-06T12:30")), at("2026-03-06T13:00"));
    }

    #[test]
    fn what_is_no_time_of_day_is_refused() {
        for text in ["", "22:00", "25:00-07:00", "8-9", "08:00-08:00"] {
            assert!(Hours::parse(text).is_err(), "{text}");
        }
    }
}
