//! Words without which a pattern cannot match. Patterns are far dearer than the automaton, and most
//! texts hold none of their words: a pattern is run only where one of its gate words stands.

use regex_syntax::hir::{Class, Hir, HirKind};

/// A gate has at most this many words.
const MAX_WORDS: usize = 64;

/// A set of words of which every match of the pattern holds at least one; `None` when there is no
/// such small set. The pattern must be valid.
pub(super) fn words(pattern: &str) -> Option<Vec<String>> {
    let hir = regex_syntax::parse(pattern).ok()?;
    let mut words = required(&hir)?;
    words.sort_unstable();
    words.dedup();
    Some(words)
}

fn required(hir: &Hir) -> Option<Vec<String>> {
    match hir.kind() {
        HirKind::Literal(literal) => Some(vec![String::from_utf8(literal.0.to_vec()).ok()?]),
        HirKind::Class(class) => characters(class),
        HirKind::Repetition(repetition) if repetition.min > 0 => required(&repetition.sub),
        HirKind::Capture(capture) => required(&capture.sub),
        // The child whose shortest word is longest says most; of equals the one with fewer words,
        // then the last.
        HirKind::Concat(children) => children
            .iter()
            .filter_map(required)
            .max_by_key(|words| (words.iter().map(String::len).min(), std::cmp::Reverse(words.len()))),
        HirKind::Alternation(children) => {
            let mut words = Vec::new();
            for child in children {
                words.extend(required(child)?);
            }
            (words.len() <= MAX_WORDS).then_some(words)
        }
        HirKind::Empty | HirKind::Look(_) | HirKind::Repetition(_) => None,
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
        let gate = |pattern: &str| words(pattern).map(|words| words.join(" "));
        assert_eq!(gate("(防范|打击).{0,8}(非法集资|诈骗)").as_deref(), Some("诈骗 非法集资"));
        assert_eq!(gate("年化[0-9]+%").as_deref(), Some("年化"));
        assert_eq!(gate("(不|拒绝)?退款(了)?").as_deref(), Some("退款"));
        assert_eq!(gate("车[贷货]").as_deref(), Some("车"));
        assert_eq!(gate("[0-9]{2,}").map(|words| words.len()), Some(19));
        assert_eq!(gate(r"\p{Han}{2}"), None);
        assert_eq!(gate("(跑路)?|失联"), None);
    }
}
