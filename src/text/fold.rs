//! The per-character part of the normal form: what each character becomes when it stands alone.

use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::{canonical_combining_class, decompose_compatible};
use unicode_normalization::{IsNormalized, is_nfc_quick};

use super::chars::code_at;

/// What the normaliser has to do with a character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// Stays as it is.
    Stable,
    /// Becomes this one character.
    Simple(char),
    /// White space other than the plain space, which is `Stable` here and collapsed by the caller.
    White,
    /// Dropped: control and zero-width characters.
    Ignorable,
    /// May combine with the character before it.
    Joining,
    /// Becomes several characters, or lies outside the basic plane.
    Complex,
}

impl Class {
    /// Whether a character of this class may change the one before it, or what follows it may.
    #[inline]
    pub(super) fn joins(self) -> bool {
        matches!(self, Self::Joining | Self::Ignorable)
    }
}

/// `table[c]` for the basic plane: 0 stable, a code point for a simple change, or one of the marks
/// below. The marks are surrogate code points, which no character has.
static TABLE: LazyLock<Box<[u16]>> = LazyLock::new(|| {
    let mut table = vec![0_u16; 0x1_0000].into_boxed_slice();
    for (code, slot) in (0_u32..).zip(table.iter_mut()) {
        let Some(c) = char::from_u32(code) else { continue };
        *slot = match classify(c) {
            Class::Stable if c == ' ' || depends_on_word(c) => HEEDED,
            Class::Stable => 0,
            Class::Simple(to) => u16::try_from(u32::from(to)).unwrap_or(COMPLEX),
            Class::White => WHITE,
            Class::Ignorable => IGNORABLE,
            Class::Joining => JOINING,
            Class::Complex => COMPLEX,
        };
    }
    table
});
const WHITE: u16 = 0xD800;
const IGNORABLE: u16 = 0xD801;
const JOINING: u16 = 0xD802;
const COMPLEX: u16 = 0xD803;
/// Stable, but the normaliser has to know of it: the plain space, and what [`depends_on_word`].
const HEEDED: u16 = 0xD804;

/// The table, fetched once a text so that the loop does not ask the lock for every character.
#[derive(Clone, Copy)]
pub(super) struct Table(&'static [u16]);

impl Table {
    pub(super) fn get() -> Self {
        Self(&TABLE)
    }

    #[inline]
    pub(super) fn class(self, c: char) -> Class {
        match self.0.get(c as usize) {
            Some(&(0 | HEEDED)) => Class::Stable,
            Some(&WHITE) => Class::White,
            Some(&IGNORABLE) => Class::Ignorable,
            Some(&JOINING) => Class::Joining,
            Some(&COMPLEX) => Class::Complex,
            Some(&to) => char::from_u32(u32::from(to)).map_or(Class::Complex, Class::Simple),
            None => classify(c),
        }
    }
}

/// A stretch of characters that stay whatever stands around them, unless something joins the last.
pub(super) struct Run {
    /// Where its last character begins.
    pub last: usize,
    /// Its end; where it began when it is empty.
    pub end: usize,
}

impl Table {
    /// The stretch of stable characters at `start`, a character border of `text`.
    #[inline]
    pub(super) fn run(self, text: &str, start: usize) -> Run {
        let bytes = text.as_bytes();
        let mut run = Run { last: start, end: start };
        while run.end < bytes.len() {
            let (code, len) = code_at(bytes, run.end);
            if self.0.get(code as usize) != Some(&0) {
                break;
            }
            run = Run { last: run.end, end: run.end + len };
        }
        run
    }

    /// The character at `start`, what it becomes and where it ends, when it becomes one other
    /// character and nothing joins it: the signs and capitals of usual texts.
    #[inline]
    pub(super) fn lone(self, text: &str, start: usize) -> Option<(char, char, usize)> {
        let bytes = text.as_bytes();
        if start == bytes.len() {
            return None;
        }
        let (code, len) = code_at(bytes, start);
        let to = *self.0.get(code as usize).filter(|to| **to != 0)?;
        let joined = match bytes.get(start + len) {
            Some(_) => matches!(self.0.get(code_at(bytes, start + len).0 as usize)?, &(JOINING | IGNORABLE)),
            None => false,
        };
        // The marks in the table are no characters.
        let to = char::from_u32(u32::from(to)).filter(|_| !joined)?;
        Some((char::from_u32(code)?, to, start + len))
    }
}

fn classify(c: char) -> Class {
    if is_ignorable(c) {
        return Class::Ignorable;
    }
    if c.is_whitespace() {
        return if c == ' ' { Class::Stable } else { Class::White };
    }
    if joins_backwards(c) {
        return Class::Joining;
    }
    let mut alone = compose(std::iter::once(c));
    match (alone.next(), alone.next()) {
        (Some(to), None) if to == c => Class::Stable,
        (Some(to), None) if !is_ignorable(to) && !to.is_whitespace() => Class::Simple(to),
        _ => Class::Complex,
    }
}

/// The characters of one chunk (a character and what may combine with it) in normal form. White
/// space is not collapsed here.
///
/// Case and script are folded between taking apart and putting together, so that folding can never
/// make a new pair that would combine only the next time.
pub(super) fn compose(chunk: impl Iterator<Item = char>) -> impl Iterator<Item = char> {
    chunk.nfkd().filter(|&c| !is_ignorable(c)).map(fold_char).nfc()
}

fn fold_char(c: char) -> char {
    if c.is_ascii() { c.to_ascii_lowercase() } else { simplified(negative_circled_digit(c).unwrap_or(c)) }
}

/// White-on-black circled digits have no decomposition in Unicode; used to hide numbers.
fn negative_circled_digit(c: char) -> Option<char> {
    let value = match c {
        '\u{24FF}' => 0,
        '\u{2776}'..='\u{277E}' => u32::from(c) - 0x2776 + 1,
        '\u{2780}'..='\u{2788}' => u32::from(c) - 0x2780 + 1,
        '\u{278A}'..='\u{2792}' => u32::from(c) - 0x278A + 1,
        _ => return None,
    };
    char::from_digit(value, 10)
}

/// Simplified form of a character by itself. `fast2s` also rewrites some characters that simplified
/// Chinese uses (呵 to 嗬, 捍 to 扞); those stay. Characters whose form depends on the word they
/// stand in are left to [`settle_context`].
fn simplified(c: char) -> char {
    const KEPT: &str = "磐仝祗黏阪矽薰吒甯捍彷煅酰呵呱疋";
    // The same bounds fast2s has, checked first: most characters are below or above it.
    if !('\u{3400}'..='\u{9FFF}').contains(&c) || KEPT.contains(c) || DEPENDS_ON_WORD.contains(c) {
        return c;
    }
    let mut buffer = [0; 4];
    fast2s::convert(c.encode_utf8(&mut buffer)).chars().next().unwrap_or(c)
}

/// Traditional characters whose simplified form depends on the word, besides 畫.
const DEPENDS_ON_WORD: &str = "乾瞭藉著覆";

/// Whether this original character asks for [`settle_context`] after the whole text is folded: one of
/// those characters, or a compatibility form that folds to one.
#[inline]
pub(super) fn depends_on_word(c: char) -> bool {
    let depends = |c: char| matches!(c, '乾' | '瞭' | '藉' | '著' | '覆' | '畫');
    depends(c) || matches!(c, '\u{F900}'..='\u{FAFF}' | '\u{2F800}'..='\u{2FA1F}') && c.nfkd().any(depends)
}

/// Gives the characters that depend on their word their simplified form. Every change is from one
/// three-byte character to another, so offsets hold; the neighbours looked at are none of the
/// characters that change, so a second pass finds nothing to do.
pub(super) fn settle_context(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut before = '\0';
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let after = chars.peek().copied().unwrap_or('\0');
        out.push(match c {
            '乾' if !"隆坤卦县陵".contains(after) => '干',
            '瞭' if after != '望' => '了',
            '藉' if after == '口' || before == '凭' => '借',
            '著' if !"名作述称书者".contains(after) && !"显原名土编卓昭专论巨遗".contains(before) => {
                '着'
            }
            '覆' if "答回批反".contains(before) => '复',
            '画' if "计企".contains(before) => '划',
            kept => kept,
        });
        before = c;
    }
    out
}

/// Whether `c` may combine with, or be ordered among, the characters before it.
fn joins_backwards(c: char) -> bool {
    let mut first = None;
    decompose_compatible(c, |d| {
        first.get_or_insert(d);
    });
    let first = first.unwrap_or(c);
    canonical_combining_class(first) != 0 || is_nfc_quick(std::iter::once(first)) != IsNormalized::Yes
}

/// Characters a reader does not see: controls that are not white space, and what Unicode calls
/// default ignorable.
pub(super) fn is_ignorable(c: char) -> bool {
    match c {
        '\u{20}'..='\u{7E}' => false,
        '\u{AD}'
        | '\u{34F}'
        | '\u{61C}'
        | '\u{FEFF}'
        | '\u{3164}'
        | '\u{FFA0}'
        | '\u{115F}'..='\u{1160}'
        | '\u{17B4}'..='\u{17B5}'
        | '\u{180B}'..='\u{180F}'
        | '\u{200B}'..='\u{200F}'
        | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}'
        | '\u{FE00}'..='\u{FE0F}'
        | '\u{FFF0}'..='\u{FFFB}'
        | '\u{1BCA0}'..='\u{1BCA3}'
        | '\u{1D173}'..='\u{1D17A}'
        | '\u{E0000}'..='\u{E0FFF}' => true,
        _ => c.is_control() && !c.is_whitespace(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_of_simplified_chinese_stay() {
        for c in "磐呵捍煅呱薰黏著只后里面范沈余于咤".chars() {
            assert_eq!(Table::get().class(c), Class::Stable, "{c}");
        }
    }

    #[test]
    fn the_table_agrees_with_the_rule() {
        for c in "國Ａａ①⓿，。é".chars() {
            assert_eq!(Table::get().class(c), classify(c), "{c}");
        }
        assert_eq!(Table::get().class('國'), Class::Simple('国'));
        assert_eq!(Table::get().class('❼'), Class::Simple('7'));
        assert_eq!(Table::get().class('…'), Class::Complex);
        assert_eq!(Table::get().class('\u{301}'), Class::Joining);
        for c in " 乾瞭藉著覆".chars() {
            assert_eq!(Table::get().class(c), Class::Stable, "{c}");
            assert_eq!(Table::get().run(&format!("国a{c}"), 0).end, 4, "{c}");
        }
    }
}
