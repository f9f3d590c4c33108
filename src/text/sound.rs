//! How a name sounds, to meet homophones that speech recognition and typing leave behind.

use pinyin::ToPinyin;

/// Reading of `text` without tones, syllables joined by a space; characters without one stand for
/// themselves. Sounds that speakers and recognisers confuse are one: zh/z, ch/c, sh/s, ing/in,
/// eng/en. Of several readings the common one is taken, for every text alike.
pub fn sound(text: &str) -> String {
    let mut key = String::with_capacity(text.len() * 2);
    for c in text.chars() {
        if !key.is_empty() {
            key.push(' ');
        }
        match c.to_pinyin() {
            Some(reading) => push_syllable(&mut key, reading.plain()),
            None => key.push(c),
        }
    }
    key
}

/// Whether two characters sound the same in the sense of [`sound`].
pub fn same_sound(a: char, b: char) -> bool {
    if a == b {
        return true;
    }
    match (a.to_pinyin(), b.to_pinyin()) {
        (Some(a), Some(b)) => parts(a.plain()) == parts(b.plain()),
        _ => false,
    }
}

fn push_syllable(key: &mut String, syllable: &str) {
    let (initial, rest) = parts(syllable);
    key.push(initial);
    key.push_str(rest);
}

/// First letter and the rest, confusable sounds folded: neither the h of zh nor the g of ing counts.
fn parts(syllable: &str) -> (char, &str) {
    let mut letters = syllable.chars();
    let initial = letters.next().unwrap_or(' ');
    let rest = letters.as_str();
    let rest = if matches!(initial, 'z' | 'c' | 's') { rest.strip_prefix('h').unwrap_or(rest) } else { rest };
    let rest = if rest.ends_with("ing") || rest.ends_with("eng") { &rest[..rest.len() - 1] } else { rest };
    (initial, rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sounds() {
        assert_eq!(sound("青山"), "qin san");
        assert_eq!(sound("新A座"), "xin A zuo");
        assert_eq!(sound(""), "");
        for (a, b) in [('贸', '茂'), ('青', '清'), ('城', '陈'), ('佳', '家'), ('知', '资')] {
            assert!(same_sound(a, b), "{a} {b}");
            assert_eq!(sound(&a.to_string()), sound(&b.to_string()));
        }
        for (a, b) in [('东', '西'), ('山', '上'), ('1', '一'), ('路', '楼')] {
            assert!(!same_sound(a, b), "{a} {b}");
        }
    }
}
