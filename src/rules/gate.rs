//! Words without which a pattern cannot match. Patterns are far dearer than words, and most
//! texts hold none of their words: a pattern is run only where a word of each of its gates stands.

use regex_syntax::hir::{Class, Hir, HirKind};

/// A gate has at most this many words.
const MAX_WORDS: usize = 64;
/// A pattern has at most this many gates: more let through hardly less and cost the search for words more.
pub(super) const MAX_GATES: usize = 2;

/// Sets of words of each of which every match of the pattern holds at least one; none when there are
/// no such small sets. The pattern must be valid.
pub(super) fn gates(pattern: &str) -> Vec<Vec<String>> {
    let Ok(hir) = regex_syntax::parse(pattern) else { return Vec::new() };
    let mut gates = required(&hir);
    for words in &mut gates {
        words.sort_unstable();
        words.dedup();
    }
    // What says most first: the longest words, of equals the fewest, then the last.
    gates.reverse();
    gates.sort_by_key(|words| std::cmp::Reverse(says(words)));
    gates.dedup();
    // Digits and letters stand in nearly every text.
    let vague = |words: &Vec<String>| words.iter().any(|word| word.len() == 1);
    if gates.first().is_some_and(|first| !vague(first)) {
        gates.retain(|words| !vague(words));
    }
    // So do single characters like 不, but where a pattern is run about its first gate's words only they
    // would spare nothing.
    let single = |words: &Vec<String>| words.iter().any(|word| word.chars().nth(1).is_none());
    if gates.first().is_some_and(|first| !single(first)) && longest_match(pattern).is_some() {
        gates.retain(|words| !single(words));
    }
    gates.truncate(MAX_GATES);
    gates
}

/// The most bytes that a match of the pattern has, when whether it matches them does not depend on what
/// stands around: then it need be looked for only about the words of a gate.
pub(super) fn longest_match(pattern: &str) -> Option<usize> {
    let hir = regex_syntax::parse(pattern).ok()?;
    let properties = hir.properties();
    properties.maximum_len().filter(|_| properties.look_set().is_empty())
}

fn says(words: &[String]) -> (Option<usize>, std::cmp::Reverse<usize>) {
    (words.iter().map(String::len).min(), std::cmp::Reverse(words.len()))
}

fn required(hir: &Hir) -> Vec<Vec<String>> {
    match hir.kind() {
        HirKind::Literal(literal) => {
            String::from_utf8(literal.0.to_vec()).into_iter().map(|word| vec![word]).collect()
        }
        HirKind::Class(class) => characters(class).into_iter().collect(),
        HirKind::Repetition(repetition) if repetition.min > 0 => required(&repetition.sub),
        HirKind::Capture(capture) => required(&capture.sub),
        HirKind::Concat(children) => children.iter().flat_map(required).collect(),
        HirKind::Alternation(children) => {
            let mut words = Vec::new();
            for child in children {
                match required(child).into_iter().max_by_key(|words| says(words)) {
                    Some(best) => words.extend(best),
                    None => return Vec::new(),
                }
            }
            if words.len() <= MAX_WORDS { vec![words] } else { Vec::new() }
        }
        HirKind::Empty | HirKind::Look(_) | HirKind::Repetition(_) => Vec::new(),
    }
}

fn characters(class: &Class) -> Option<Vec<String>> {
    let Class::Unicode(class) = class else { return None };
    let count: usize = class.ranges().iter().map(regex_syntax::hir::ClassUnicodeRange::len).sum();
    (count <= MAX_WORDS).then(|| {
        class.ranges().iter().flat_map(|range| range.start()..=range.end()).map(String::from).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_match_holds_a_gate_word() {
        let gate = |pattern: &str| {
            gates(pattern).iter().map(|words| words.join(" ")).collect::<Vec<String>>().join(" + ")
        };
        assert_eq!(gate("(防范|打击).{0,8}(非法集资|诈骗)"), "诈骗 非法集资 + 打击 防范");
        assert_eq!(gate("年化[0-9]+%"), "年化");
        assert_eq!(gate("(不|拒绝)?退款(了)?"), "退款");
        assert_eq!(gate("车[贷货]"), "车 + 货 贷");
        assert_eq!(gate("[0-9]{2,}%"), "% + 0 1 2 3 4 5 6 7 8 9");
        assert_eq!(gate("甲.乙.丙.丁.戊"), "戊 + 丁");
        assert_eq!(gate("(退款|退费).{0,8}(不|没有)"), "退款 退费");
        assert_eq!(gate("(退款|退费).*(不|没有)"), "退款 退费 + 不 没有");
        assert_eq!(gate("甲.甲"), "甲");
        assert_eq!(gate(r"\p{Han}{2}"), "");
        assert_eq!(gate("(跑路)?|失联"), "");
    }

    #[test]
    fn a_match_has_a_length_unless_it_may_go_on_or_look_around() {
        assert_eq!(longest_match("(防范|打击).{0,8}(非法集资|诈骗)"), Some(6 + 4 * 8 + 12));
        for pattern in ["年化[0-9]+%", "^退款", r"退\bapp"] {
            assert_eq!(longest_match(pattern), None, "{pattern}");
        }
    }
}
