//! Numbers as people write them: 3.08亿, 三万五, 两百多, 三五万, 10-20万, 上百, 几十.

/// Fractions are kept to four digits, so that 3.08亿 is a whole number.
const SCALE: u128 = 10_000;
/// More is no number that anybody means.
const MOST: u128 = 1_000_000_000_000_000 * SCALE;

/// A number, or a range of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Number {
    /// The least it may be, rounded down to a whole one.
    pub least: u64,
    /// The most it may be; `None` when the text leaves that open (多, 余, 上, 超过).
    pub most: Option<u64>,
    /// Whether 万 or 亿 is a part of it.
    pub is_large: bool,
}

/// What is known of a number on the way: everything twice, for ranges.
#[derive(Debug, Clone, Copy, Default)]
struct Pair {
    low: u128,
    high: u128,
}

impl Pair {
    fn of(value: u128) -> Self {
        Self { low: value, high: value }
    }

    fn times(self, unit: u128) -> Self {
        Self { low: self.low.saturating_mul(unit), high: self.high.saturating_mul(unit) }
    }

    fn plus(self, other: Self) -> Self {
        Self { low: self.low.saturating_add(other.low), high: self.high.saturating_add(other.high) }
    }
}

fn digit(c: char) -> Option<u128> {
    Some(match c {
        '一' | '壹' => 1,
        '二' | '两' | '贰' => 2,
        '三' | '叁' => 3,
        '四' | '肆' => 4,
        '五' | '伍' => 5,
        '六' | '陆' => 6,
        '七' | '柒' => 7,
        '八' | '捌' => 8,
        '九' | '玖' => 9,
        _ => return None,
    })
}

fn unit(c: char) -> Option<u128> {
    Some(match c {
        '十' | '拾' => 10,
        '百' | '佰' => 100,
        '千' | '仟' => 1_000,
        '万' => 10_000,
        '亿' => 100_000_000,
        _ => return None,
    })
}

/// Whether a number can begin with this character.
pub(super) fn begins(c: char) -> bool {
    c.is_ascii_digit() || digit(c).is_some() || matches!(c, '几' | '数' | '十' | '百' | '千' | '拾')
}

fn is_more(c: char) -> bool {
    matches!(c, '多' | '余' | '几' | '来')
}

/// The number that begins at `at`, and the place behind it. Chinese digits in a row that are no range,
/// as in a year, are none.
pub(super) fn number(text: &[char], at: usize) -> Option<(Number, usize)> {
    let (first, end) = Reader::read(text, at)?;
    let joins = text.get(end).is_some_and(|c| matches!(c, '-' | '~' | '至' | '到' | '—'));
    if !joins || first.is_open {
        return Some((first.number()?, end));
    }
    let Some((second, second_end)) = Reader::read(text, end + 1) else {
        return Some((first.number()?, end));
    };
    // 10-20万: what stands behind the second holds for the first, too.
    let shared = if first.large == 1 { second.large } else { 1 };
    let low = first.value().times(shared).low;
    if low < second.value().low {
        let joined = Number {
            least: whole(low)?,
            most: (!second.is_open).then(|| whole(second.value().high)).flatten(),
            is_large: second.large > 1,
        };
        return Some((joined, second_end));
    }
    Some((first.number()?, end))
}

fn whole(scaled: u128) -> Option<u64> {
    (scaled <= MOST).then(|| u64::try_from(scaled / SCALE).ok()).flatten()
}

/// Reads one number from left to right.
#[derive(Debug, Default)]
struct Reader {
    total: Pair,
    section: Pair,
    /// The digits that wait for their unit.
    waiting: Option<Pair>,
    /// The unit before `waiting`, for 三万五.
    last_unit: u128,
    /// The largest of 万 and 亿 that was read, or 1.
    large: u128,
    is_open: bool,
}

impl Reader {
    fn read(text: &[char], start: usize) -> Option<(Self, usize)> {
        let mut reader = Self { large: 1, ..Self::default() };
        let mut at = start;
        let mut after_zero = false;
        let get = |at: usize| text.get(at).copied();
        while let Some(c) = get(at) {
            if c.is_ascii_digit() && reader.waiting.is_none() {
                let (value, end) = arabic(text, at)?;
                reader.waiting = Some(Pair::of(value));
                at = end;
            } else if let Some(low) = digit(c).filter(|_| reader.waiting.is_none()) {
                // 三五万: two digits, the second greater, are a range; more in a row are a year or a name.
                let mut value = Pair::of(low * SCALE);
                at += 1;
                if matches!(get(at), Some('零' | '〇')) {
                    return None;
                }
                if let Some(high) = get(at).and_then(digit) {
                    if high <= low || get(at + 1).is_some_and(|c| digit(c).is_some() || c == '零') {
                        return None;
                    }
                    value.high = high * SCALE;
                    at += 1;
                }
                reader.waiting = Some(value);
            } else if matches!(c, '几' | '数') && reader.waiting.is_none() && reader.last_unit == 0 {
                let counts = get(at + 1).is_some_and(|next| unit(next).is_some() || is_counter(next));
                if !counts {
                    return None;
                }
                reader.waiting = Some(Pair { low: 2 * SCALE, high: 9 * SCALE });
                at += 1;
            } else if let Some(unit) = unit(c).or_else(|| (c == 'w' && is_end(get(at + 1))).then_some(10_000))
            {
                if !reader.unit(unit) {
                    break;
                }
                at += 1;
            } else if c == '个' && get(at + 1) == Some('亿') && reader.waiting.is_some() {
                at += 1;
            } else if c == '零' && reader.last_unit > 0 && reader.waiting.is_none() {
                after_zero = true;
                at += 1;
            } else if is_more(c) && at > start && !(c == '来' && get(at + 1).is_none_or(|c| !is_counter(c)))
            {
                reader.is_open = true;
                at += 1;
            } else {
                break;
            }
        }
        // 三万五 is 35000, 一百零五 is 105.
        if let Some(rest) = reader.waiting.take() {
            let short = reader.last_unit >= 100 && !after_zero && rest.low < 10 * SCALE;
            reader.section = reader.section.plus(rest.times(if short { reader.last_unit / 10 } else { 1 }));
        }
        (at > start && reader.value().low > 0).then_some((reader, at))
    }

    /// Takes a unit; false when it cannot stand there.
    fn unit(&mut self, unit: u128) -> bool {
        if unit >= 10_000 {
            let counted = self.section.plus(self.waiting.take().unwrap_or_default());
            if counted.low == 0 {
                return false;
            }
            // 一千万亿 and the like: what was read so far counts in the new unit.
            self.total = if unit > self.large {
                self.total.plus(counted).times(unit)
            } else {
                self.total.plus(counted.times(unit))
            };
            self.section = Pair::default();
            self.large = self.large.max(unit);
        } else {
            // 上百, 十几: a unit alone counts once.
            let counted = self.waiting.take().unwrap_or_else(|| Pair::of(SCALE));
            self.section = self.section.plus(counted.times(unit));
        }
        self.last_unit = unit;
        true
    }

    fn value(&self) -> Pair {
        self.total.plus(self.section)
    }

    fn number(&self) -> Option<Number> {
        let Pair { low, high } = self.value();
        let most = (!self.is_open).then(|| whole(high)).flatten();
        Some(Number { least: whole(low)?, most, is_large: self.large > 1 })
    }
}

fn is_end(next: Option<char>) -> bool {
    next.is_none_or(|c| !c.is_ascii_alphanumeric())
}

fn is_counter(c: char) -> bool {
    matches!(c, '名' | '位' | '户' | '个' | '人' | '家' | '块' | '元')
}

/// Digits with groups of three and a fraction, scaled.
fn arabic(text: &[char], start: usize) -> Option<(u128, usize)> {
    let digits = |from: usize| text[from..].iter().take_while(|c| c.is_ascii_digit()).count();
    let mut end = start + digits(start);
    let mut value = figures(&text[start..end])?;
    while end - start <= 24 && text.get(end) == Some(&',') && digits(end + 1) == 3 {
        value = value.checked_mul(1_000)?.checked_add(figures(&text[end + 1..end + 4])?)?;
        end += 4;
    }
    let mut scaled = value.checked_mul(SCALE)?;
    if text.get(end) == Some(&'.') && digits(end + 1) > 0 {
        let count = digits(end + 1);
        let kept = count.min(4);
        let fraction = figures(&text[end + 1..end + 1 + kept])?;
        scaled = scaled.checked_add(fraction * 10_u128.pow(4 - kept as u32))?;
        end += 1 + count;
    }
    (scaled <= MOST).then_some((scaled, end))
}

/// At most 18 digits: longer ones are no amount.
fn figures(digits: &[char]) -> Option<u128> {
    if digits.len() > 18 {
        return None;
    }
    digits.iter().try_fold(0, |value: u128, c| Some(value * 10 + u128::from(c.to_digit(10)?)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Option<(u64, Option<u64>, usize)> {
        let text: Vec<char> = text.chars().collect();
        number(&text, 0).map(|(number, end)| (number.least, number.most, end))
    }

    #[test]
    fn numbers_as_people_write_them() {
        for (text, least, most) in [
            ("3600", 3_600, Some(3_600)),
            ("3,000", 3_000, Some(3_000)),
            ("三万五", 35_000, Some(35_000)),
            ("一万二", 12_000, Some(12_000)),
            ("两千八", 2_800, Some(2_800)),
            ("一百五", 150, Some(150)),
            ("一千零五", 1_005, Some(1_005)),
            ("十二万", 120_000, Some(120_000)),
            ("二十三万四千五百", 234_500, Some(234_500)),
            ("3.08亿", 308_000_000, Some(308_000_000)),
            ("1个亿", 100_000_000, Some(100_000_000)),
            ("一亿两千万", 120_000_000, Some(120_000_000)),
            ("3千万", 30_000_000, Some(30_000_000)),
            ("10w", 100_000, Some(100_000)),
            ("两百多万", 2_000_000, None),
            ("3万多", 30_000, None),
            ("20余万", 200_000, None),
            ("十几万", 100_000, None),
            ("四十几", 40, None),
            ("三五万", 30_000, Some(50_000)),
            ("一两百", 100, Some(200)),
            ("二三十", 20, Some(30)),
            ("几十万", 200_000, Some(900_000)),
            ("数百", 200, Some(900)),
            ("百", 100, Some(100)),
            ("10-20万", 100_000, Some(200_000)),
            ("10万到20万", 100_000, Some(200_000)),
            ("三到五万", 30_000, Some(50_000)),
            ("1万至3万多", 10_000, None),
            ("贰万捌仟陆佰", 28_600, Some(28_600)),
        ] {
            let end = text.chars().count();
            assert_eq!(read(text), Some((least, most, end)), "{text}");
        }
    }

    #[test]
    fn what_is_no_number_is_none_and_what_follows_one_is_left_alone() {
        assert_eq!(read("二零一八年"), None);
        assert_eq!(read("九八七"), None);
        assert_eq!(read("几乎"), None);
        assert_eq!(read("数字"), None);
        assert_eq!(read("2018-07"), Some((2018, Some(2018), 4)));
        assert_eq!(read("5万元"), Some((50_000, Some(50_000), 2)));
        assert_eq!(read("一直"), Some((1, Some(1), 1)));
        assert_eq!(read("12345678901234567890123万"), None);
    }

    /// A number in Chinese, as one learns it at school.
    fn chinese(value: u64) -> String {
        const DIGITS: [&str; 10] = ["零", "一", "二", "三", "四", "五", "六", "七", "八", "九"];
        fn section(value: u64) -> String {
            let mut said = String::new();
            let mut has_gap = false;
            for (unit, name) in [(1_000, "千"), (100, "百"), (10, "十"), (1, "")] {
                let figure = value / unit % 10;
                if figure == 0 {
                    has_gap |= !said.is_empty();
                    continue;
                }
                if has_gap {
                    said.push('零');
                    has_gap = false;
                }
                said.push_str(DIGITS[figure as usize]);
                said.push_str(name);
            }
            said
        }
        let mut said = String::new();
        for (unit, name) in [(100_000_000, "亿"), (10_000, "万"), (1, "")] {
            let part = value / unit % 10_000;
            if part > 0 {
                if !said.is_empty() && part < 1_000 {
                    said.push('零');
                }
                said.push_str(&section(part));
                said.push_str(name);
            }
        }
        said
    }

    proptest! {
        #[test]
        fn what_is_written_out_in_full_is_read_back(value in 1..1_000_000_000_000_u64) {
            let said = chinese(value);
            prop_assert_eq!(read(&said), Some((value, Some(value), said.chars().count())), "{}", said);
        }

        #[test]
        fn digits_mean_what_they_say(value in 1..1_000_000_000_u64) {
            prop_assert_eq!(read(&value.to_string()).map(|(least, ..)| least), Some(value));
            prop_assert_eq!(read(&format!("{value}万")).map(|(least, ..)| least), Some(value * 10_000));
        }

        #[test]
        fn any_text_gives_ordered_ranges_within_it(text in "[0-9一二三五九十百千万亿多余几数零个到.,w-]{0,24}") {
            let chars: Vec<char> = text.chars().collect();
            if let Some((number, end)) = number(&chars, 0) {
                prop_assert!(number.most.is_none_or(|most| most >= number.least));
                prop_assert!(number.least > 0 || chars.contains(&'.'));
                prop_assert!(end > 0 && end <= chars.len());
            }
        }
    }
}
