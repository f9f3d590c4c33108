//! From bytes to characters.

use std::borrow::Cow;

use encoding_rs::GB18030;

use super::Encoding;

const MARK: &[u8] = b"\xEF\xBB\xBF";

/// How the characters of one file are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Characters {
    /// UTF-8.
    Utf8,
    /// GB18030.
    Gb18030,
    /// Nothing in the beginning of the file tells: each line is read as UTF-8 if it can be, else as
    /// GB18030.
    Either,
}

/// A line that is in no encoding we may read it in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unreadable(Characters);

impl Unreadable {
    /// What was expected and what to do.
    pub(super) fn advice(self) -> &'static str {
        match self.0 {
            Characters::Utf8 => "is not UTF-8; if the file is GB18030, set file.encoding = \"gb18030\"",
            Characters::Gb18030 => "is not GB18030; if the file is UTF-8, set file.encoding = \"utf-8\"",
            Characters::Either => "is neither UTF-8 nor GB18030; save the file as UTF-8",
        }
    }
}

/// A file that begins like UTF-16.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is written in UTF-16; save it as UTF-8 (in Excel: \"CSV UTF-8\") and try again")]
pub(super) struct Utf16;

impl Characters {
    /// How a file that begins with `head` is written, as far as the setting leaves it open.
    pub(super) fn of(encoding: Encoding, head: &[u8]) -> Result<Self, Utf16> {
        if head.starts_with(b"\xFF\xFE") || head.starts_with(b"\xFE\xFF") {
            return Err(Utf16);
        }
        match encoding {
            Encoding::Utf8 => return Ok(Self::Utf8),
            Encoding::Gb18030 => return Ok(Self::Gb18030),
            Encoding::Auto if head.starts_with(MARK) => return Ok(Self::Utf8),
            Encoding::Auto => {}
        }
        // The head may end in the middle of a character; whole lines do not.
        let whole = head.iter().rposition(|&byte| byte == b'\n').map_or(head, |at| &head[..at]);
        let lines = whole.split(|&byte| byte == b'\n').filter(|line| !line.is_ascii());
        let (mut utf8, mut gb18030) = (0, 0);
        for characters in lines.filter_map(of_line) {
            *(if characters == Self::Utf8 { &mut utf8 } else { &mut gb18030 }) += 1;
        }
        // One broken line of a UTF-8 file looks like GB18030; it costs itself and not the others.
        Ok(match (utf8, gb18030) {
            (0, 0) => Self::Either,
            _ if utf8 >= gb18030 => Self::Utf8,
            _ => Self::Gb18030,
        })
    }

    /// The characters of a line.
    pub(super) fn read(self, line: &[u8]) -> Result<Cow<'_, str>, Unreadable> {
        let utf8 = || std::str::from_utf8(line).ok().map(Cow::Borrowed);
        let gb18030 = || GB18030.decode_without_bom_handling_and_without_replacement(line);
        let read = match self {
            Self::Utf8 => utf8(),
            Self::Gb18030 => gb18030(),
            Self::Either if line.is_ascii() => utf8(),
            Self::Either => match of_line(line) {
                Some(Self::Utf8) => utf8(),
                _ => gb18030().or_else(utf8),
            },
        };
        read.ok_or(Unreadable(self))
    }
}

/// What a line tells, when it is not ASCII. Chinese text in UTF-8 has characters of three bytes.
/// Without any it may still be UTF-8 by accident: 停水 in GB18030 is also two Latin letters.
fn of_line(line: &[u8]) -> Option<Characters> {
    match std::str::from_utf8(line) {
        Ok(text) if text.chars().any(|character| character >= '\u{800}') => Some(Characters::Utf8),
        Err(_) if GB18030.decode_without_bom_handling_and_without_replacement(line).is_some() => {
            Some(Characters::Gb18030)
        }
        _ => None,
    }
}

/// The line without a byte order mark; only the first line of a file can have one.
pub(super) fn without_mark(line: &[u8]) -> &[u8] {
    line.strip_prefix(MARK).unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_tells_the_encoding() {
        let of = |head: &[u8]| Characters::of(Encoding::Auto, head);
        let (gb18030, ..) = GB18030.encode("id,text\n1,停水\n2,居民反映\n");
        assert_eq!(of("工单编号\n".as_bytes()), Ok(Characters::Utf8));
        assert_eq!(of(&gb18030), Ok(Characters::Gb18030));
        assert_eq!(of(b"id,text\n"), Ok(Characters::Either));
        let broken = [b"\"\xCE\xD2\"\n".as_slice(), "工单\n".as_bytes()].concat();
        assert_eq!(of(&broken), Ok(Characters::Utf8), "one broken line says little");
        assert_eq!(of(b"\xEF\xBB\xBFid\n"), Ok(Characters::Utf8));
        assert_eq!(of(b"\xFF\xFEi\0"), Err(Utf16));
        // Cut in the middle of a character.
        let head = "工单\n停水".as_bytes();
        assert_eq!(of(&head[..head.len() - 1]), Ok(Characters::Utf8));
        assert_eq!(Characters::of(Encoding::Gb18030, "工单\n".as_bytes()), Ok(Characters::Gb18030));
    }

    #[test]
    fn a_line_that_cannot_be_read_says_what_to_set() {
        let advice = |characters: Characters| characters.read(b"\xFF\xFF").unwrap_err().advice();
        assert!(advice(Characters::Utf8).contains("gb18030"));
        assert!(advice(Characters::Gb18030).contains("utf-8"));
        assert_eq!(Characters::Either.read(&GB18030.encode("停水").0).unwrap(), "停水");
    }
}
