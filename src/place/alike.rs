//! Whether two names are one name, written or heard differently.

use super::endings::{Ending, endings_of};
use crate::text::same_sound;

/// A name taken apart for comparing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name {
    chars: Box<[char]>,
    /// Characters before the name's longest ending: what tells it from others.
    stem: usize,
}

impl Name {
    pub(super) fn new(name: &str) -> Self {
        let ending = endings_of(name).map(|ending| ending.text.chars().count()).max().unwrap_or(0);
        let chars: Box<[char]> = name.chars().collect();
        Self { stem: chars.len() - ending, chars }
    }

    pub(super) fn chars(&self) -> &[char] {
        &self.chars
    }

    /// Whether both begin with the same three characters or more, and differ in what follows by more
    /// than a mark that tells neighbours apart.
    pub(super) fn begins_like(&self, other: &Self) -> bool {
        let head = self.chars.iter().zip(&other.chars).take_while(|(a, b)| a == b).count();
        let marked = |name: &Self| name.chars.get(head).is_some_and(|c| distinguishes(*c));
        head >= 3 && !(marked(self) || marked(other))
    }
}

/// How surely the two names denote one site, 0 to 1; `None` when they do not look like one.
///
/// Equal names 1; one contained in the other .75 to .95; same sound, or one wrong or missing
/// character in a long name .8 to .9. Numbers, directions and sizes are what names differ in on
/// purpose, so a difference there is never a slip.
pub(super) fn alike(a: &Name, b: &Name) -> Option<f32> {
    if a.chars == b.chars {
        return Some(1.0);
    }
    let (short, long) = if a.chars.len() <= b.chars.len() { (a, b) } else { (b, a) };
    let stem = short.stem;
    let (short, long) = (short.chars(), long.chars());
    contained(short, stem, long).or_else(|| misheard(short, long)).or_else(|| one_slip(short, stem, long))
}

/// `辉煌国际` in `辉煌国际城`; a name cut short on the left, or said without its ending.
fn contained(short: &[char], stem: usize, long: &[char]) -> Option<f32> {
    if short.len() < 2 || short.len() == long.len() {
        return None;
    }
    if long.starts_with(short) {
        let rest: String = long[short.len()..].iter().collect();
        let ending = endings_of(&rest).find(|ending| ending.text == rest)?;
        return match (short.len(), ending) {
            // 松风国际城小学 is at 松风国际城, and not the same.
            (3.., Ending { own: true, .. }) => Some(0.75),
            (3.., Ending { weak: true, .. }) => Some(0.9),
            (2.., Ending { own: false, weak: false, .. }) => Some(0.95),
            _ => None,
        };
    }
    // Cut on the left: what is left must still say which one.
    let tells = stem >= 2 && short.len() >= 3;
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
fn one_slip(short: &[char], stem: usize, long: &[char]) -> Option<f32> {
    if stem < 3 || long.len() - short.len() > 1 {
        return None;
    }
    let head = short.iter().zip(long).take_while(|(a, b)| a == b).count();
    let tail = short[head..].iter().rev().zip(long[head..].iter().rev()).take_while(|(a, b)| a == b).count();
    let (left, right) = (&short[head..short.len() - tail], &long[head..long.len() - tail]);
    let slip = match (left, right) {
        ([a, b], [c, d]) => a == d && b == c,
        ([a], [b]) => stem >= 4 && head > 0 && !distinguishes(*a) && !distinguishes(*b),
        ([], [b]) => stem >= 4 && head > 0 && !distinguishes(*b),
        _ => false,
    };
    slip.then_some(0.8)
}

/// Characters that tell neighbours apart: numbers, directions, sizes.
fn distinguishes(c: char) -> bool {
    c.is_ascii_alphanumeric()
        || "一二三四五六七八九十东西南北中新老旧上下前后左右内外大小甲乙丙丁".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (a, b, expected) in [
            ("云栖雅苑", "云栖雅苑", Some(1.0)),
            ("松风国际", "松风国际城", Some(0.9)),
            ("青溪", "青溪花园", Some(0.95)),
            ("云栖雅苑", "星河云栖雅苑", Some(0.85)),
            ("云栖新城", "云栖新城小学", Some(0.75)),
            ("华贸城", "华茂城", Some(0.9)),
            ("青松雅苑", "清松雅院", None),
            ("奥体望京花园", "奥体忘京华园", Some(0.9)),
            ("望京奥体花园", "望京体奥花园", Some(0.8)),
            ("奥体望京大厦", "奥体望军大厦", Some(0.8)),
            ("奥体望京大厦", "奥体望大厦", None),
            // What neighbours differ in.
            ("云栖一村", "云栖二村", None),
            ("东云栖园", "云栖园", None),
            ("石塘小学", "石塘中学", None),
            ("青松家园", "青竹家园", None),
            ("青松家园", "青松新村", None),
            ("碧桂园", "碧桂园山湖城", None),
            ("国际城", "松风国际城", None),
            ("花园", "青溪花园", None),
            ("", "青溪花园", None),
            ("青溪", "溪青", None),
        ] {
            assert_eq!(alike(&Name::new(a), &Name::new(b)), expected, "{a} {b}");
            assert_eq!(alike(&Name::new(b), &Name::new(a)), expected, "{b} {a}");
        }
    }
}
