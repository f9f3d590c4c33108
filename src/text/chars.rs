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

/// The code of the character that begins at `at` of a text's bytes, and its length.
#[inline]
pub(super) fn code_at(bytes: &[u8], at: usize) -> (u32, usize) {
    let first = u32::from(bytes[at]);
    if first < 0x80 {
        return (first, 1);
    }
    // Nearly all other characters of our texts are of three bytes.
    if first & 0xF0 == 0xE0
        && let Some(wide) = bytes.get(at..at + 3)
    {
        return ((first & 0xF) << 12 | u32::from(wide[1] & 0x3F) << 6 | u32::from(wide[2] & 0x3F), 3);
    }
    any_code_at(bytes, at)
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
