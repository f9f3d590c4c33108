//! Showing what was found in an event, in a message for people.

use std::fmt::Write as _;

/// Longest piece of an event that a message shows, in characters.
const SHOWN: usize = 60;

/// A piece of an event as a message may show it: on one line, cut to 60 characters, and with
/// digits masked where they may be a phone, an identity card or a bank card.
pub(super) fn shown(text: &str) -> String {
    let cut: Vec<char> = text.chars().take(SHOWN + 1).collect();
    // A number that the cut goes through must be judged by its whole length, so we look further.
    let ahead: Vec<char> = text.chars().take(SHOWN + 64).collect();
    let masked = mask(&ahead);
    let mut out = String::new();
    for &c in masked.iter().take(SHOWN) {
        if c.is_control() {
            let _ = write!(out, "{}", c.escape_default());
        } else {
            out.push(c);
        }
    }
    if cut.len() > SHOWN {
        out.push('…');
    }
    out
}

fn digit(c: char) -> Option<u32> {
    match c {
        '0'..='9' => Some(u32::from(c) - u32::from('0')),
        '０'..='９' => Some(u32::from(c) - u32::from('０')),
        _ => None,
    }
}

fn mask(text: &[char]) -> Vec<char> {
    let mut out = text.to_vec();
    let mut at = 0;
    while at < text.len() {
        if digit(text[at]).is_none() {
            at += 1;
            continue;
        }
        // Digits, also with single blanks or hyphens between them: 138 0000 0000.
        let start = at;
        let mut digits = Vec::new();
        let mut groups = vec![0];
        while at < text.len() {
            if let Some(value) = digit(text[at]) {
                digits.push(value);
                *groups.last_mut().expect("there is one") += 1;
            } else if matches!(text[at], ' ' | '-') && text.get(at + 1).is_some_and(|&c| digit(c).is_some()) {
                groups.push(0);
            } else {
                break;
            }
            at += 1;
        }
        let is_date = matches!(groups[..], [4, 1 | 2, 1 | 2] | [4, 1 | 2, 1 | 2, 1 | 2]);
        if !is_date && may_be_personal(&digits) {
            for c in &mut out[start..at] {
                if digit(*c).is_some() {
                    *c = '*';
                }
            }
        }
    }
    out
}

// Times are shown, since they are what is wrong most often: digits that begin with a year (but not
// 11, which may be a mobile phone's), and epochs of 10 and 13.
fn may_be_personal(digits: &[u32]) -> bool {
    let is_year = matches!(digits, [1, 9, ..] | [2, 0, ..]);
    match digits.len() {
        0..=6 => false,
        10 | 13 => !is_year && digits[0] != 1,
        7..=9 | 12 | 14 => !is_year,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn personal_numbers_are_not_shown_and_times_are() {
        for personal in [
            "13800000000",
            "138-0000-0000",
            "138 0000 0000",
            "010-68001234",
            "68001234",
            "１３８００００００００",
            "8613800000000",
            "110102199003071234",
            "6222020200000000000",
        ] {
            assert!(!shown(personal).contains(|c| super::digit(c).is_some()), "{}", shown(personal));
        }
        for plain in [
            "2026-02-30 11:25:05",
            "20260230112505",
            "1772249105",
            "1772249105000",
            "2026/2/28 11:25",
            "9999-12-31 11:25",
        ] {
            assert_eq!(shown(plain), plain);
        }
    }

    #[test]
    fn long_and_broken_text_is_cut_and_escaped() {
        let long = format!("{}\n{}", "很".repeat(50), "长".repeat(50));
        assert_eq!(shown(&long), format!("{}\\n{}…", "很".repeat(50), "长".repeat(9)));
        let across = format!("{}13800000000", "x".repeat(55));
        assert_eq!(shown(&across), format!("{}*****…", "x".repeat(55)));
    }
}
