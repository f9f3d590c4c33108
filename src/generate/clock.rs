//! When events come: the district's day and week.

use jiff::Timestamp;
use jiff::tz::Offset;

/// Beijing time, which is what the people live by: UTC+8 all year round.
pub(super) const ZONE: Offset = Offset::constant(8);
/// The same in seconds.
const ZONE_SECONDS: i64 = 8 * 3600;

/// Lines in each hour of a day, on the scale of a hotline: quiet nights, a peak in the morning, a
/// second one in the afternoon, and evenings when people are at home with the noise.
const HOURS: [f64; 24] = [
    8.0, 5.0, 4.0, 3.0, 3.0, 5.0, 14.0, 32.0, 66.0, 92.0, 90.0, 74.0, 48.0, 56.0, 82.0, 86.0, 78.0, 62.0,
    50.0, 48.0, 46.0, 42.0, 30.0, 16.0,
];
/// Weight of each day of the week, from Monday.
const WEEKDAYS: [f64; 7] = [1.18, 1.10, 1.06, 1.04, 1.02, 0.84, 0.76];

/// Gives rising times so that an average day holds as many as it should.
#[derive(Debug, Clone)]
pub(super) struct Clock {
    per_event: f64,
    // The hour being filled: its start (seconds since the epoch), and the mean days used up to it.
    hour: i64,
    used: f64,
}

impl Clock {
    pub(super) fn new(start: Timestamp, events_per_day: u32) -> Self {
        Self { per_event: 1.0 / f64::from(events_per_day), hour: start.as_second(), used: 0.0 }
    }

    /// The time of event `number`; `jitter` in 0..1 spreads events inside their slot. To be asked
    /// for with rising numbers.
    pub(super) fn at(&mut self, number: u64, jitter: f64) -> i64 {
        let wanted = (number as f64 + jitter) * self.per_event;
        loop {
            let weight = weight(self.hour);
            let next = (self.hour + 3600).div_euclid(3600) * 3600;
            let share = (next - self.hour) as f64 / 3600.0 * weight;
            if wanted < self.used + share {
                let inside = (wanted - self.used) / weight * 3600.0;
                return self.hour + (inside as i64).clamp(0, next - self.hour - 1);
            }
            self.used += share;
            self.hour = next;
        }
    }
}

/// The share of a mean day that the hour of `second` holds.
fn weight(second: i64) -> f64 {
    let local = second + ZONE_SECONDS;
    let hour = usize::try_from(local.rem_euclid(86_400) / 3600).unwrap_or(0);
    // 1970-01-01 was a Thursday.
    let weekday = usize::try_from((local.div_euclid(86_400) + 3).rem_euclid(7)).unwrap_or(0);
    let all: f64 = HOURS.iter().sum();
    let week: f64 = WEEKDAYS.iter().sum::<f64>() / 7.0;
    HOURS[hour] / all * WEEKDAYS[weekday] / week
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_week_holds_seven_mean_days_and_times_rise() {
        let start = Timestamp::from_second(1_772_294_400).unwrap();
        let mut clock = Clock::new(start, 1000);
        let times: Vec<i64> = (0..7000).map(|number| clock.at(number, 0.5)).collect();
        assert!(times.is_sorted());
        let last = times[6999] - start.as_second();
        assert!((7 * 86_400 - 3600..7 * 86_400).contains(&last), "{last}");
        let night = times.iter().filter(|&&time| (time + ZONE_SECONDS).rem_euclid(86_400) < 5 * 3600).count();
        assert!(night < 350, "{night} of 7000 at night");
    }
}
