//! Which runs of digits are somebody's number.

/// One digit of a text, whatever it is written with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Digit {
    /// 0 to 9.
    pub value: u8,
    /// Byte offset.
    pub at: u32,
    /// Whether something (a hyphen, a space) stands between this digit and the one before it.
    pub apart: bool,
}

/// How many digits of a personal number stay readable at its ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    /// Digits that the number spans.
    pub len: usize,
    /// Digits left readable in front.
    pub front: usize,
    /// Digits left readable behind.
    pub back: usize,
}

/// What stands around a run of digits, as far as it decides.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Around {
    /// A word shortly before says that a phone number follows.
    pub phone_word: bool,
    /// The run is followed by a unit of money or quantity.
    pub unit: bool,
    /// The run is followed by X, the check character of an id number.
    pub x: bool,
}

/// The personal number that begins at the first of `digits` (one run, to its end), if any.
///
/// The longest form wins: an id number is not a phone number with something behind it.
pub(super) fn personal(digits: &[Digit], around: Around) -> Option<Shape> {
    let whole = |len: usize| digits.len() >= len && digits.get(len).is_none_or(|next| next.apart);
    // Id numbers and cards: nothing but their own digits, possibly written in groups.
    let strict = (14..=19).rev().find(|&len| {
        whole(len)
            && grouped(&digits[..len], 3)
            && match len {
                18 => is_id(digits, 4) || is_card(&digits[..len]),
                17 => (around.x && digits.len() == len && is_id(digits, 4)) || is_card(&digits[..len]),
                15 => is_id(digits, 2),
                16 | 19 => is_card(&digits[..len]),
                _ => false,
            }
    });
    if let Some(len) = strict {
        return Some(Shape { len, front: 3, back: if len == 17 && around.x { 3 } else { 4 } });
    }
    if around.unit && digits.len() <= 11 {
        return None;
    }
    if let Some(len) = mobile(digits) {
        return Some(Shape { len, front: len - 8, back: 4 });
    }
    landline(digits, around)
}

/// A mobile number, with or without 86 in front. Two numbers run together are two.
fn mobile(digits: &[Digit]) -> Option<usize> {
    let country = match digits {
        [a, b, c, d, ..] if [a.value, b.value, c.value, d.value] == [0, 0, 8, 6] => 4,
        [a, b, ..] if [a.value, b.value] == [8, 6] => 2,
        _ => 0,
    };
    let end = country + 11;
    let number = digits.get(country..end)?;
    let begins = |digits: &[Digit]| digits[0].value == 1 && digits[1].value >= 3;
    // Not the head of a longer unbroken number, unless another mobile number follows.
    let rest = &digits[end..];
    let ends = rest.first().is_none_or(|next| next.apart) || (rest.len() >= 11 && begins(rest));
    (begins(number) && ends && grouped(number, 3)).then_some(end)
}

/// A landline with its area code (0 and two or three more), or without one where words say so.
fn landline(digits: &[Digit], around: Around) -> Option<Shape> {
    let area = match digits {
        [a, b, ..] if a.value == 0 && (b.value == 1 || b.value == 2) => 3,
        [a, b, ..] if a.value == 0 && b.value >= 3 => 4,
        _ if around.phone_word => 0,
        _ => return None,
    };
    // A group that is joined to what follows it, for example an extension, still ends the number.
    let ends = |len: usize| digits.len() >= len && digits.get(len).is_none_or(|next| next.apart);
    let local = [8, 7].into_iter().find(|&local| ends(area + local))?;
    let first = digits[area];
    let plausible = (2..=8).contains(&first.value)
        && grouped(&digits[area..area + local], 3)
        && (area > 0 || !is_date(&digits[..local]));
    plausible.then_some(Shape { len: area + local, front: area, back: 4 })
}

/// Whether hyphens and spaces leave groups of at least `least` digits, as people write numbers.
fn grouped(digits: &[Digit], least: usize) -> bool {
    let starts = digits.iter().enumerate().filter(|(index, digit)| *index == 0 || digit.apart);
    let mut starts: Vec<usize> = starts.map(|(index, _)| index).collect();
    starts.push(digits.len());
    starts.windows(2).all(|group| group[1] - group[0] >= least)
}

fn is_id(digits: &[Digit], year_digits: usize) -> bool {
    const PROVINCES: [u32; 34] = [
        11, 12, 13, 14, 15, 21, 22, 23, 31, 32, 33, 34, 35, 36, 37, 41, 42, 43, 44, 45, 46, 50, 51, 52, 53,
        54, 61, 62, 63, 64, 65, 71, 81, 83,
    ];
    let birth = &digits[6..6 + year_digits + 4];
    let year_ok = year_digits == 2 || (1900..=2099).contains(&number(&birth[..4]));
    let province = number(&digits[..2]);
    let known = PROVINCES.contains(&province) || province == 82 || (digits[0].value == 9 && year_digits == 4);
    known && year_ok && is_day(&birth[year_digits..])
}

/// A bank card: begins as cards do and its check digit fits; cards of the national network (62) also
/// when it does not, because callers misread one digit.
fn is_card(digits: &[Digit]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(index, digit)| match (index % 2, u32::from(digit.value)) {
            (0, value) => value,
            (_, value) => value * 2 / 10 + value * 2 % 10,
        })
        .sum();
    match digits[0].value {
        6 if digits[1].value == 2 => true,
        3..=6 | 9 => sum.is_multiple_of(10),
        _ => false,
    }
}

fn is_date(digits: &[Digit]) -> bool {
    digits.len() == 8 && (1900..=2099).contains(&number(&digits[..4])) && is_day(&digits[4..])
}

/// Month and day, four digits.
fn is_day(digits: &[Digit]) -> bool {
    (1..=12).contains(&number(&digits[..2])) && (1..=31).contains(&number(&digits[2..4]))
}

fn number(digits: &[Digit]) -> u32 {
    digits.iter().fold(0, |number, digit| number * 10 + u32::from(digit.value))
}
