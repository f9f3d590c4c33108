//! Texts that are cut to a receiver's limit, and words from outside that must not become markup.

/// Stands where a text was cut.
pub(super) const ELLIPSIS: &str = "…";

/// The text in at most `most` bytes, cut on the border of a character, with `…` where it was cut.
pub(super) fn cut(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(most.saturating_sub(ELLIPSIS.len()));
    let mark = if most < ELLIPSIS.len() { "" } else { ELLIPSIS };
    format!("{}{mark}", &text[..end])
}

/// Words from complaints must not become markup: no link that leads elsewhere, no mention of
/// everybody, no line of their own. Full-width forms read the same.
pub(super) fn clean(text: &str, is_markdown: bool) -> String {
    let plain = text.chars().map(|c| match c {
        c if c.is_control() => ' ',
        '<' if is_markdown => '＜',
        '>' if is_markdown => '＞',
        '[' if is_markdown => '［',
        ']' if is_markdown => '］',
        '*' if is_markdown => '＊',
        '`' if is_markdown => '｀',
        '@' if is_markdown => '＠',
        c => c,
    });
    plain.collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_cut_text_keeps_to_its_bytes_and_is_a_begin(text in "\\PC{0,60}", most in 0..80_usize) {
            let short = cut(&text, most);
            prop_assert!(short.len() <= most);
            let begin = short.strip_suffix(ELLIPSIS).unwrap_or(&short);
            prop_assert!(text.starts_with(begin) || short == text);
            prop_assert!(text.len() > most || short == text);
        }
    }
}
