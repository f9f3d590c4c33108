//! Reading times in the forms that hotlines and their exports write.
//!
//! RFC 3339, and local forms without an offset, which are read in the configured zone:
//! `2026-02-28 11:25:05`, `2026/2/28 11:25`, `2026-02-28T11:25:05`, `2026.02.28 11:25`,
//! `2026年2月28日 11:25:05`, `2026年2月28日11时25分05秒`, `20260228112505`, each with a fraction of a
//! second if it likes, and seconds left out if it likes; an offset may follow any of them. A date
//! alone is the beginning of that day. Digits alone are epoch seconds (up to 11) or milliseconds
//! (13), unless they are a compact form (8, 12, 14 or 17 digits). A time that the zone's clocks
//! skip or show twice is read as RFC 5545 does: after a gap, and the first of two.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, civil};

/// Why a text is no time of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TimeFault {
    /// In no form that we know.
    Unreadable,
    /// Well formed, but there is no such day or hour.
    NoSuchTime,
    /// Beyond the last time that can be told.
    TooLate,
}

/// Reads `text`, in `zone` when it has no offset.
pub(super) fn read(text: &str, zone: &TimeZone) -> Result<Timestamp, TimeFault> {
    if text.parse::<f64>().is_ok_and(f64::is_finite) {
        return read_digits(text, zone);
    }
    match read_written(text, zone) {
        // Forms that are rarer still: 20260228T112505Z, [Asia/Shanghai] at the end.
        Err(TimeFault::Unreadable) => text.parse().map_err(|_| TimeFault::Unreadable),
        result => result,
    }
}

fn read_digits(text: &str, zone: &TimeZone) -> Result<Timestamp, TimeFault> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if text.contains(['-', '+', 'e', 'E']) {
        return epoch(text.parse().map_err(|_| TimeFault::Unreadable)?);
    }
    match whole.len() {
        8 | 12 | 14 => {
            let mut civil = Scan::new(whole).compact()?;
            if whole.len() == 14 {
                civil = with_fraction(civil, fraction)?;
            }
            in_zone(civil, zone)
        }
        17 if fraction.is_empty() => {
            let civil = Scan::new(&whole[..14]).compact()?;
            in_zone(with_fraction(civil, &whole[14..])?, zone)
        }
        1..=11 => {
            let second: i64 = whole.parse().map_err(|_| TimeFault::Unreadable)?;
            Timestamp::new(second, nanoseconds(fraction)?).map_err(|_| TimeFault::TooLate)
        }
        13 => {
            let millisecond = whole.parse().map_err(|_| TimeFault::Unreadable)?;
            Timestamp::from_millisecond(millisecond).map_err(|_| TimeFault::TooLate)
        }
        _ => Err(TimeFault::Unreadable),
    }
}

fn epoch(number: f64) -> Result<Timestamp, TimeFault> {
    let seconds = if number.abs() < 1e11 { number } else { number / 1e3 };
    if !seconds.is_finite() || seconds > 253_402_300_799.0 {
        return Err(TimeFault::TooLate);
    }
    // Before year 1 is before every limit, so the clamp loses nothing that counts.
    Timestamp::from_millisecond((seconds.max(-62_135_596_800.0) * 1e3) as i64)
        .map_err(|_| TimeFault::Unreadable)
}

fn read_written(text: &str, zone: &TimeZone) -> Result<Timestamp, TimeFault> {
    let mut scan = Scan::new(text);
    let date = scan.date()?;
    scan.skip_to_time();
    if scan.rest.is_empty() {
        return in_zone(date.at(0, 0, 0, 0), zone);
    }
    let civil = scan.time(date)?;
    scan.rest = scan.rest.trim_start();
    if scan.rest.is_empty() {
        return in_zone(civil, zone);
    }
    let offset = scan.offset()?;
    offset.to_timestamp(civil).map_err(|_| TimeFault::TooLate)
}

fn in_zone(civil: DateTime, zone: &TimeZone) -> Result<Timestamp, TimeFault> {
    zone.to_ambiguous_timestamp(civil).compatible().map_err(|_| TimeFault::TooLate)
}

fn with_fraction(civil: DateTime, fraction: &str) -> Result<DateTime, TimeFault> {
    let time = civil.time();
    let subsecond = nanoseconds(fraction)?;
    let time = Time::new(time.hour(), time.minute(), time.second(), subsecond);
    Ok(civil.date().to_datetime(time.map_err(|_| TimeFault::NoSuchTime)?))
}

// Digits after the point, beyond nanoseconds cut off.
fn nanoseconds(digits: &str) -> Result<i32, TimeFault> {
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(TimeFault::Unreadable);
    }
    let places = digits.bytes().chain(std::iter::repeat(b'0')).take(9);
    Ok(places.fold(0, |sum, digit| sum * 10 + i32::from(digit - b'0')))
}

struct Scan<'a> {
    rest: &'a str,
}

impl<'a> Scan<'a> {
    fn new(rest: &'a str) -> Self {
        Self { rest }
    }

    /// Takes one of `marks` if it is next.
    fn take(&mut self, marks: &[char]) -> bool {
        match self.rest.strip_prefix(marks) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// Takes a number of `least` to `most` digits.
    fn number(&mut self, least: usize, most: usize) -> Result<i16, TimeFault> {
        let digits = self.rest.bytes().take(most).take_while(u8::is_ascii_digit).count();
        if digits < least {
            return Err(TimeFault::Unreadable);
        }
        let (number, rest) = self.rest.split_at(digits);
        self.rest = rest;
        number.parse().map_err(|_| TimeFault::Unreadable)
    }

    fn small(&mut self, least: usize, most: usize) -> Result<i8, TimeFault> {
        i8::try_from(self.number(least, most)?).map_err(|_| TimeFault::NoSuchTime)
    }

    fn date(&mut self) -> Result<Date, TimeFault> {
        let year = self.number(4, 4)?;
        let marks = match self.rest.chars().next() {
            Some(mark @ ('-' | '/' | '.')) => [mark, mark],
            Some('年') => ['年', '月'],
            _ => return Err(TimeFault::Unreadable),
        };
        if !self.take(&marks[..1]) {
            return Err(TimeFault::Unreadable);
        }
        let month = self.small(1, 2)?;
        if !self.take(&marks[1..]) {
            return Err(TimeFault::Unreadable);
        }
        let day = self.small(1, 2)?;
        if marks[0] == '年' && !self.take(&['日', '号']) {
            return Err(TimeFault::Unreadable);
        }
        Date::new(year, month, day).map_err(|_| TimeFault::NoSuchTime)
    }

    fn skip_to_time(&mut self) {
        let trimmed = self.rest.trim_start();
        self.rest = trimmed.strip_prefix(['T', 't']).unwrap_or(trimmed);
    }

    fn time(&mut self, date: Date) -> Result<DateTime, TimeFault> {
        let hour = self.small(1, 2)?;
        if !self.take(&[':', '：', '时', '点']) {
            return Err(TimeFault::Unreadable);
        }
        let minute = self.small(1, 2)?;
        let mut second = 0;
        let mut fraction = "";
        if self.take(&[':', '：', '分']) && self.rest.starts_with(|c: char| c.is_ascii_digit()) {
            second = self.small(1, 2)?;
            if self.take(&['.', ',']) {
                let digits = self.rest.bytes().take_while(u8::is_ascii_digit).count();
                if digits == 0 {
                    return Err(TimeFault::Unreadable);
                }
                (fraction, self.rest) = self.rest.split_at(digits);
            }
            self.take(&['秒']);
        }
        // A leap second, which our count of seconds does not have.
        let second = if second == 60 { 59 } else { second };
        let time = Time::new(hour, minute, second, nanoseconds(fraction)?);
        Ok(date.to_datetime(time.map_err(|_| TimeFault::NoSuchTime)?))
    }

    fn offset(&mut self) -> Result<Offset, TimeFault> {
        if self.take(&['Z', 'z']) {
            return if self.rest.is_empty() { Ok(Offset::UTC) } else { Err(TimeFault::Unreadable) };
        }
        let sign = if self.take(&['+']) {
            1
        } else if self.take(&['-', '−']) {
            -1
        } else {
            return Err(TimeFault::Unreadable);
        };
        let hours = i32::from(self.number(2, 2)?);
        self.take(&[':']);
        let minutes = if self.rest.is_empty() { 0 } else { i32::from(self.number(2, 2)?) };
        if !self.rest.is_empty() {
            return Err(TimeFault::Unreadable);
        }
        if hours > 18 || minutes > 59 {
            return Err(TimeFault::NoSuchTime);
        }
        Offset::from_seconds(sign * (hours * 3600 + minutes * 60)).map_err(|_| TimeFault::NoSuchTime)
    }

    /// 8, 12 or 14 digits.
    fn compact(&mut self) -> Result<DateTime, TimeFault> {
        let (year, month, day) = (self.number(4, 4)?, self.small(2, 2)?, self.small(2, 2)?);
        let mut clock = [0; 3];
        for part in &mut clock {
            if !self.rest.is_empty() {
                *part = self.small(2, 2)?;
            }
        }
        let [hour, minute, second] = clock;
        let second = if second == 60 { 59 } else { second };
        civil::DateTime::new(year, month, day, hour, minute, second, 0).map_err(|_| TimeFault::NoSuchTime)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Result<String, TimeFault> {
        let zone = TimeZone::get("Asia/Shanghai").unwrap();
        read(text, &zone).map(|at| at.to_string())
    }

    #[test]
    fn every_form_of_one_moment() {
        for text in [
            "2026-02-28T11:25:05+08:00",
            "2026-02-28t03:25:05z",
            "2026-02-28 11:25:05 +0800",
            "2026-02-27T22:25:05-05",
            "2026-02-28T11:25:05+08:00[Asia/Shanghai]",
            "20260228T032505Z",
            "2026-02-28 11:25:05",
            "2026-02-28T11:25:05",
            "2026-2-28  11:25:05",
            "2026/2/28 11:25:05",
            "2026.02.28 11:25:05",
            "2026年2月28日 11:25:05",
            "2026年02月28日11时25分05秒",
            "2026年2月28号11点25分5秒",
            "2026/02/28 11：25：05",
            "20260228112505",
            "1772249105",
            "1772249105000",
            "1.772249105e9",
            "1.772249105E+12",
        ] {
            assert_eq!(at(text).as_deref(), Ok("2026-02-28T03:25:05Z"), "{text}");
        }
        for text in ["2026/2/28 11:25", "2026年2月28日11时25分", "202602281125"] {
            assert_eq!(at(text).as_deref(), Ok("2026-02-28T03:25:00Z"), "{text}");
        }
        for text in ["2026-02-28", "2026/2/28", "2026年2月28日", "20260228"] {
            assert_eq!(at(text).as_deref(), Ok("2026-02-27T16:00:00Z"), "{text}");
        }
        for text in [
            "2026-02-28T11:25:05.123+08:00",
            "2026-02-28 11:25:05.1230",
            "20260228112505123",
            "20260228112505.123",
            "1772249105.123",
            "1772249105123",
        ] {
            assert_eq!(at(text).as_deref(), Ok("2026-02-28T03:25:05.123Z"), "{text}");
        }
        assert_eq!(at("2016-12-31T23:59:60Z").as_deref(), Ok("2016-12-31T23:59:59Z"), "a leap second");
        assert_eq!(at("-5").as_deref(), Ok("1969-12-31T23:59:55Z"));
    }

    #[test]
    fn what_is_no_time() {
        for text in [
            "soon",
            "11:25",
            "2026-02",
            "2026-02/28",
            "2026-02-28 11",
            "2026-02-28 11:25:05 PM",
            "2026-02-28T11:25:05+8",
            "123456789012345",
            "12026-01-01 00:00",
            "2026年2月28",
            "-",
            "+",
            ".",
            "e",
            "1e",
            "",
            "NaN",
            "inf",
        ] {
            assert_eq!(at(text), Err(TimeFault::Unreadable), "{text}");
        }
        for text in [
            "2026-02-30 11:25:05",
            "2026-13-01",
            "2026-01-01 24:00",
            "20260228112561",
            "2026-01-01T00:00:00+19:00",
        ] {
            assert_eq!(at(text), Err(TimeFault::NoSuchTime), "{text}");
        }
        for text in ["9999-12-31T23:59:59-18:00", "99999999999999e9", "1e300"] {
            assert_eq!(at(text), Err(TimeFault::TooLate), "{text}");
        }
    }

    #[test]
    fn skipped_and_repeated_hours_of_a_zone() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let read = |text| read(text, &zone).unwrap().to_string();
        assert_eq!(read("2026-03-29 02:30:00"), "2026-03-29T01:30:00Z", "skipped: as if not yet put on");
        assert_eq!(read("2026-10-25 02:30:00"), "2026-10-25T00:30:00Z", "twice: the first");
    }
}
