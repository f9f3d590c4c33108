//! Sets of characters that are asked for every character of a text.

/// A set of characters of the basic plane: one bit for each, so that asking costs one look.
#[derive(Debug, Clone)]
pub struct CharSet([u64; 1024]);

impl CharSet {
    /// The characters of `chars`, all of the basic plane and not NUL.
    ///
    /// # Panics
    /// With another character.
    #[must_use]
    pub const fn new(chars: &str) -> Self {
        let bytes = chars.as_bytes();
        let mut bits = [0; 1024];
        let mut at = 0;
        while at < bytes.len() {
            let (code, len) = any_code_at(bytes, at);
            assert!(0 < code && code < 0x1_0000, "not one of ours");
            let code = code as usize;
            bits[code / 64] |= 1 << (code % 64);
            at += len;
        }
        Self(bits)
    }

    /// Whether it is there.
    #[inline]
    pub const fn has(&self, c: char) -> bool {
        (c as usize) < 0x1_0000 && self.has_code(c as usize)
    }

    /// Byte offset of the first character of `text` at or after `from`, a character border, that is
    /// there.
    #[inline]
    pub fn next(&self, text: &str, from: usize) -> Option<usize> {
        let bytes = text.as_bytes();
        let mut at = from;
        while at < bytes.len() {
            if let Some((row, column)) = wide_at(bytes, at) {
                if self.0[row] >> column & 1 != 0 {
                    return Some(at);
                }
                at += 3;
                continue;
            }
            let (code, len) = code_at(bytes, at);
            if code < 0x1_0000 && self.has_code(code as usize) {
                return Some(at);
            }
            at += len;
        }
        None
    }

    #[inline]
    const fn has_code(&self, code: usize) -> bool {
        self.0[code / 64] >> (code % 64) & 1 != 0
    }
}

/// When the character that begins at `at` is one of three bytes, as nearly all of our texts are: its
/// code, taken apart into which 64 codes it is among and which of these it is. So a table of bits can be
/// asked without putting the code together.
#[inline]
pub(super) fn wide_at(bytes: &[u8], at: usize) -> Option<(usize, u32)> {
    let [a, b, c] = *bytes[at..].first_chunk()?;
    if a >> 4 != 0xE {
        return None;
    }
    Some((usize::from(a & 0xF) << 6 | usize::from(b & 0x3F), u32::from(c & 0x3F)))
}

/// The code of the character that begins at `at` of a text's bytes, and its length.
#[inline]
pub(super) fn code_at(bytes: &[u8], at: usize) -> (u32, usize) {
    if let Some((row, column)) = wide_at(bytes, at) {
        return ((row as u32) << 6 | column, 3);
    }
    match bytes[at] {
        first @ 0..0x80 => (u32::from(first), 1),
        _ => any_code_at(bytes, at),
    }
}

/// As [`code_at`], one byte after the other.
#[cold]
#[inline(never)]
const fn any_code_at(bytes: &[u8], at: usize) -> (u32, usize) {
    let first = bytes[at] as u32;
    match first {
        0..0x80 => (first, 1),
        0x80..0xE0 => ((first & 0x1F) << 6 | low(bytes, at + 1), 2),
        0xE0..0xF0 => ((first & 0xF) << 12 | low(bytes, at + 1) << 6 | low(bytes, at + 2), 3),
        _ => {
            let front = (first & 0x7) << 18 | low(bytes, at + 1) << 12;
            (front | low(bytes, at + 2) << 6 | low(bytes, at + 3), 4)
        }
    }
}

/// What a byte behind the first says of a code.
#[inline]
const fn low(bytes: &[u8], at: usize) -> u32 {
    bytes[at] as u32 & 0x3F
}

#[cfg(test)]
mod tests {
    use super::CharSet;

    #[test]
    fn codes_are_those_of_the_characters() {
        for c in '\0'..=char::MAX {
            for text in [format!("a{c}"), format!("a{c}bcd")] {
                assert_eq!(super::code_at(text.as_bytes(), 1), (u32::from(c), c.len_utf8()));
                let wide = super::wide_at(text.as_bytes(), 1).map(|(row, column)| (row as u32) * 64 + column);
                assert_eq!(wide, (c.len_utf8() == 3).then_some(u32::from(c)));
            }
        }
    }

    #[test]
    fn a_set_knows_its_characters() {
        static SET: CharSet = CharSet::new("a市。·");
        for (c, expected) in
            [('a', true), ('市', true), ('。', true), ('·', true), ('b', false), ('区', false), ('é', false)]
        {
            assert_eq!(SET.has(c), expected, "{c}");
        }
        assert_eq!(SET.next("é𝟏b区市", 0), Some(10));
        assert_eq!(SET.next("é𝟏b区市", 13), None);
        assert_eq!(SET.next("", 0), None);
    }
}
