//! Sets of characters that are asked for every character of a text.

/// A set of characters of the basic plane: one bit for each, so that asking costs one look.
#[derive(Debug, Clone)]
pub struct CharSet([u64; 1024]);

impl CharSet {
    /// The characters of `chars`, which are all of one or three bytes and not NUL.
    ///
    /// # Panics
    /// With another character.
    #[must_use]
    pub const fn new(chars: &str) -> Self {
        let bytes = chars.as_bytes();
        let mut bits = [0; 1024];
        let mut at = 0;
        while at < bytes.len() {
            let (code, len) = match bytes[at] {
                first @ 1..0x80 => (first as usize, 1),
                first @ 0xE0..0xF0 => (wide(first, bytes[at + 1], bytes[at + 2]), 3),
                _ => panic!("not one of ours"),
            };
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
    /// there. Characters of two and four bytes are passed over.
    #[inline]
    pub fn next(&self, text: &str, from: usize) -> Option<usize> {
        let bytes = text.as_bytes();
        let mut at = from;
        while let Some(&first) = bytes.get(at) {
            let (code, len) = match first {
                0..0x80 => (usize::from(first), 1),
                0xE0..0xF0 => (wide(first, bytes[at + 1], bytes[at + 2]), 3),
                0x80..0xE0 => (0, 2),
                _ => (0, 4),
            };
            if self.has_code(code) {
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

/// The code of a character of three bytes.
#[inline]
const fn wide(first: u8, second: u8, third: u8) -> usize {
    (first as usize & 0xF) << 12 | (second as usize & 0x3F) << 6 | third as usize & 0x3F
}

#[cfg(test)]
mod tests {
    use super::CharSet;

    #[test]
    fn a_set_knows_its_characters() {
        static SET: CharSet = CharSet::new("a市。");
        for (c, expected) in [('a', true), ('市', true), ('。', true), ('b', false), ('区', false), ('é', false)] {
            assert_eq!(SET.has(c), expected, "{c}");
        }
        assert_eq!(SET.next("é𝟏b区市", 0), Some(10));
        assert_eq!(SET.next("é𝟏b区市", 13), None);
        assert_eq!(SET.next("", 0), None);
    }
}
