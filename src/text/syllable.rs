//! Characters as the syllables that are heard: what stays of a word when it is misheard or mistyped.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use pinyin::ToPinyin as _;

use super::chars::code_at;

/// The letters and digits, which stand for themselves, in front of the syllables.
const PLAIN: u16 = 36;
/// The unified ideographs.
const FIRST: u32 = 0x4e00;
const LAST: u32 = 0x9fff;
/// No syllable.
const SILENT: u16 = u16::MAX;

/// One syllable by its number, below [`Syllable::count`]. Sounds that ears and accents confuse are one:
/// zh/z, ch/c, sh/s, n/l at the beginning, and n/ng at the end; tones do not count. Coarser than
/// [`super::same_sound`], because here no single syllable decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Syllable(u16);

struct Table {
    numbers: Box<[u16]>,
    names: Vec<String>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let heard = |code: u32| char::from_u32(code)?.to_pinyin().map(|reading| folded(reading.plain()));
    let mut known: BTreeMap<String, u16> = (FIRST..=LAST).filter_map(heard).map(|name| (name, 0)).collect();
    let numbers = (PLAIN..).take(known.len());
    known.values_mut().zip(numbers).for_each(|(value, number)| *value = number);
    let number = |code| heard(code).map_or(SILENT, |name| known[&name]);
    let plain = ('a'..='z').chain('0'..='9').map(String::from);
    Table {
        numbers: (FIRST..=LAST).map(number).collect(),
        names: plain.chain(known.keys().cloned()).collect(),
    }
});

impl Syllable {
    /// What is heard of a character in normal form; `None` where nothing is, as with marks.
    #[inline]
    pub fn of(c: char) -> Option<Self> {
        heard(&TABLE.numbers, u32::from(c))
    }

    /// What is heard of each character of a text in normal form, with where it begins and ends.
    #[inline]
    pub fn each(text: &str) -> impl Iterator<Item = (usize, usize, Option<Self>)> {
        let (bytes, numbers) = (text.as_bytes(), &*TABLE.numbers);
        let mut at = 0;
        std::iter::from_fn(move || {
            let start = at;
            let (code, len) = (start < bytes.len()).then(|| code_at(bytes, start))?;
            at += len;
            Some((start, at, heard(numbers, code)))
        })
    }

    /// How many there are.
    pub fn count() -> usize {
        TABLE.names.len()
    }

    /// How they are written, for example `lan` for 男, by their numbers.
    pub fn names() -> impl Iterator<Item = &'static str> {
        TABLE.names.iter().map(String::as_str)
    }

    /// Its number, from 0.
    #[inline]
    pub fn number(self) -> u16 {
        self.0
    }
}

/// What is heard of the character with this code; `numbers` are those of the ideographs.
#[inline]
fn heard(numbers: &[u16], code: u32) -> Option<Syllable> {
    if let Some(number) = code.checked_sub(FIRST).and_then(|at| numbers.get(at as usize)) {
        return (*number != SILENT).then_some(Syllable(*number));
    }
    match u8::try_from(code).ok()? {
        letter @ b'a'..=b'z' => Some(Syllable(u16::from(letter - b'a'))),
        digit @ b'0'..=b'9' => Some(Syllable(26 + u16::from(digit - b'0'))),
        _ => None,
    }
}

fn folded(sound: &str) -> String {
    let mut letters = sound.chars();
    let (initial, rest) = (letters.next().unwrap_or(' '), letters.as_str());
    let (initial, rest) = match initial {
        'z' | 'c' | 's' => (initial, rest.strip_prefix('h').unwrap_or(rest)),
        'n' => ('l', rest),
        _ => (initial, rest),
    };
    format!("{initial}{}", rest.strip_suffix('g').unwrap_or(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_character_is_heard_as_it_is_alone() {
        let text = "烟道a1,é𝟏。㐀龥\u{9fff}";
        let alone = text.char_indices().map(|(at, c)| (at, at + c.len_utf8(), Syllable::of(c)));
        assert_eq!(Syllable::each(text).collect::<Vec<_>>(), alone.collect::<Vec<_>>());
    }

    #[test]
    fn what_is_confused_is_one_and_the_rest_is_not() {
        let one = |a, b| Syllable::of(a) == Syllable::of(b);
        for (a, b) in [('贸', '茂'), ('城', '陈'), ('知', '资'), ('男', '兰'), ('方', '翻'), ('青', '亲')]
        {
            assert!(one(a, b), "{a} {b}");
        }
        for (a, b) in [('东', '西'), ('山', '水'), ('1', '一'), ('路', '楼'), ('a', '阿')] {
            assert!(!one(a, b), "{a} {b}");
        }
        assert_eq!(Syllable::of('，'), None);
        let man = Syllable::of('男').map(|man| usize::from(man.number()));
        assert_eq!(man.and_then(|man| Syllable::names().nth(man)), Some("lan"));
        assert_eq!(Syllable::of('9').map(Syllable::number), Some(35));
        let ids: Vec<usize> = "az09男".chars().filter_map(Syllable::of).map(|s| s.number().into()).collect();
        assert!(ids.iter().all(|&id| id < Syllable::count()), "{ids:?}");
    }
}
