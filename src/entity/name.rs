//! The normal form of a name.

use std::sync::LazyLock;

use rustc_hash::FxHashSet;

use super::forms::{BARE, GENERIC, LEGAL, PLACE_ENDS, REGIONS};
use crate::text::WordIndex;

/// The longest generic word, in characters.
const GENERIC_CHARS: usize = 6;

static GENERIC_WORDS: LazyLock<FxHashSet<&str>> =
    LazyLock::new(|| GENERIC.iter().chain(LEGAL).chain(BARE).copied().collect());

static PLACE_WORDS: LazyLock<WordIndex> = LazyLock::new(|| WordIndex::new(PLACE_ENDS.iter().copied()));

/// Brings a name (in the normal form of texts) into its own normal form: without region in front,
/// without legal form and without a bare 平台 or 机构 behind. `None` when nothing of its own is left
/// (某公司, 物业公司, 这家培训机构).
#[must_use]
pub fn normal_name(raw: &str) -> Option<String> {
    let compact: String = raw.chars().filter(|c| is_name_char(*c)).collect();
    let mut name = strip_region(&compact);
    // 蓝桥健身有限公司西城分公司 is 蓝桥健身.
    if let Some(at) = name.find("有限公司") {
        name = &name[..at];
    }
    loop {
        let shorter = LEGAL.iter().chain(BARE).find_map(|ending| {
            let rest = name.strip_suffix(ending)?;
            // 丽人国际美容中心 keeps what makes it a name; 月子中心 is no name without 中心.
            (rest.chars().count() >= 2 && !is_generic(rest)).then_some(rest)
        });
        match shorter {
            Some(rest) => name = rest,
            None => break,
        }
    }
    let length = name.chars().count();
    ((2..=20).contains(&length) && !is_generic(name) && !is_generic_of_a_region(name))
        .then(|| name.to_owned())
}

/// Characters that names are made of.
pub(super) fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || is_han(c) || c == '·' || c == '&'
}

pub(super) fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{20000}'..='\u{323af}')
}

/// The name without the places in front of it, as long as a name of its own remains.
pub(super) fn strip_region(name: &str) -> &str {
    let mut name = name;
    loop {
        let region =
            REGIONS.iter().find_map(|region| name.strip_prefix(region)).filter(|rest| stands_alone(rest));
        // The last place word of the name: everything before it is an address.
        let mut last = [0; PLACE_ENDS.len()];
        PLACE_WORDS.each(name, |word| last[word.word as usize] = word.start);
        let place = PLACE_ENDS
            .iter()
            .zip(last)
            .filter(|(_, at)| *at > 0)
            .map(|(end, at)| &name[at + end.len()..])
            .filter(|rest| stands_alone(rest))
            .min_by_key(|rest| rest.len());
        match place.or(region) {
            Some(rest) => name = rest,
            None => return name,
        }
    }
}

/// Whether what is left is still a name: two characters of its own at least.
fn stands_alone(rest: &str) -> bool {
    let mut core = rest;
    while let Some(shorter) = LEGAL.iter().chain(BARE).find_map(|ending| core.strip_suffix(ending)) {
        core = shorter;
    }
    core.chars().count() >= 2 && !is_generic(core) && !is_generic(rest)
}

/// Whether it is a generic word with an administrative place before it (A市公交, 西城区培训).
fn is_generic_of_a_region(name: &str) -> bool {
    ["省", "市", "区", "县", "镇"]
        .iter()
        .any(|end| name.rfind(end).is_some_and(|at| at > 0 && is_generic(&name[at + end.len()..])))
}

/// Whether a text is nothing but generic words put together.
pub(super) fn is_generic(text: &str) -> bool {
    // reach[i]: the first i bytes can be cut into generic words.
    let mut reach = vec![false; text.len() + 1];
    reach[0] = true;
    for (at, _) in text.char_indices() {
        if reach[at] {
            for (length, c) in text[at..].char_indices().take(GENERIC_CHARS) {
                let end = at + length + c.len_utf8();
                if GENERIC_WORDS.contains(&text[at..end]) {
                    reach[end] = true;
                }
            }
        }
    }
    reach[text.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_into_one_form() {
        for (raw, name) in [
            ("北京金穗财富投资管理有限公司", Some("金穗财富投资管理")),
            ("北京市西城区蓝桥健身有限公司西城分公司", Some("蓝桥健身")),
            ("展览路12号三层蓝桥健身房", Some("蓝桥健身房")),
            ("聚财网平台", Some("聚财网")),
            ("丝路教育", Some("丝路教育")),
            ("物业公司", None),
            ("某投资公司", None),
            ("西城区培训机构", None),
            ("公司", None),
            ("", None),
        ] {
            assert_eq!(normal_name(raw).as_deref(), name, "{raw}");
        }
    }

    #[test]
    fn no_generic_word_is_longer_than_is_looked_for() {
        assert!(GENERIC_WORDS.iter().all(|word| word.chars().count() <= GENERIC_CHARS));
    }
}
