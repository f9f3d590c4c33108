//! Whether two names are one name, written or heard differently.

use super::endings::ENDINGS;
use crate::text::same_sound;

/// How surely the two names denote one site, 0 to 1; `None` when they do not look like one.
///
/// Equal names 1; one contained in the other .75 to .95; same sound, or one wrong or missing
/// character in a long name .8 to .9. Numbers, directions and sizes are what names differ in on
/// purpose, so a difference there is never a slip.
pub(super) fn alike(a: &[char], b: &[char]) -> Option<f32> {
    if a == b {
        return Some(1.0);
    }
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    contained(short, long).or_else(|| misheard(short, long)).or_else(|| one_slip(short, long))
}

/// `辉煌国际` in `辉煌国际城`; a name cut short on the left, or said without its ending.
fn contained(short: &[char], long: &[char]) -> Option<f32> {
    if short.len() < 2 || short.len() == long.len() {
        return None;
    }
    if long.starts_with(short) {
        let rest: String = long[short.len()..].iter().collect();
        let ending = rest == "小区" || ENDINGS.iter().any(|ending| ending.text == rest);
        let own = ENDINGS.iter().any(|ending| ending.text == rest && (ending.own || ending.weak));
        return match (short.len(), ending, own) {
            (2.., true, false) => Some(0.95),
            (3.., true, true) => Some(0.75),
            _ => None,
        };
    }
    // Cut on the left: what is left must still say which one.
    let tells = stem_len(short) >= 2 && short.len() >= 3;
    // 东云栖园 is not 云栖园; of a longer head nothing can be said but that one text has more of it.
    let other = long.len() - short.len() == 1 && distinguishes(long[0]);
    (long.ends_with(short) && tells && !other).then_some(0.85)
}

/// Same length, and every character that differs sounds the same.
fn misheard(a: &[char], b: &[char]) -> Option<f32> {
    if a.len() != b.len() || a.len() < 3 {
        return None;
    }
    let mut differ = 0;
    for (&a, &b) in a.iter().zip(b) {
        if a != b {
            differ += 1;
            if differ > 2 || distinguishes(a) || distinguishes(b) || !same_sound(a, b) {
                return None;
            }
        }
    }
    (differ * 2 < a.len()).then_some(0.9)
}

/// One character wrong, missing or too many, or two swapped, in a name whose telling part is long.
fn one_slip(short: &[char], long: &[char]) -> Option<f32> {
    if stem_len(short) < 3 || long.len() - short.len() > 1 {
        return None;
    }
    let head = short.iter().zip(long).take_while(|(a, b)| a == b).count();
    let tail = short[head..].iter().rev().zip(long[head..].iter().rev()).take_while(|(a, b)| a == b).count();
    let (left, right) = (&short[head..short.len() - tail], &long[head..long.len() - tail]);
    let slip = match (left, right) {
        ([a, b], [c, d]) => a == d && b == c,
        ([a], [b]) => stem_len(short) >= 4 && head > 0 && !distinguishes(*a) && !distinguishes(*b),
        ([], [b]) => stem_len(short) >= 4 && head > 0 && !distinguishes(*b),
        _ => false,
    };
    slip.then_some(0.8)
}

/// Characters before the longest ending of the name.
fn stem_len(name: &[char]) -> usize {
    let text: String = name.iter().collect();
    let ending = ENDINGS
        .iter()
        .filter(|ending| text.ends_with(ending.text))
        .map(|ending| ending.text.chars().count())
        .max();
    name.len() - ending.unwrap_or(0)
}

/// Characters that tell neighbours apart: numbers, directions, sizes.
fn distinguishes(c: char) -> bool {
    c.is_ascii_alphanumeric()
        || "一二三四五六七八九十东西南北中新老旧上下前后左右内外大小甲乙丙丁".contains(c)
}
