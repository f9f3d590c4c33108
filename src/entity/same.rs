//! Whether two names mean one company.

use serde::Serialize;

use crate::text::{normalise, same_sound};

use super::forms::INDUSTRY;
use super::name::normal_name;

/// A name in normal form, taken apart for being compared with many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spelling {
    name: Box<str>,
    /// Bytes of its brand, which it begins with.
    brand: usize,
    /// The characters of its brand.
    chars: Box<[char]>,
    /// Whether the brand holds letters or digits: it is what it says then, 66车贷 is not 67车贷.
    spelled: bool,
}

impl Spelling {
    /// Takes a name in normal form apart.
    pub fn new(name: &str) -> Self {
        let brand = brand(name);
        let chars: Box<[char]> = brand.chars().collect();
        let spelled = chars.iter().any(char::is_ascii_alphanumeric);
        Self { name: name.into(), brand: brand.len(), chars, spelled }
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The characters of the name without its trade words ([`brand`]).
    pub fn chars(&self) -> &[char] {
        &self.chars
    }

    fn brand(&self) -> &str {
        &self.name[..self.brand]
    }

    fn trade(&self) -> &str {
        &self.name[self.brand..]
    }

    /// Whether the two mean one company: equal; one the other with trade words added (鼎盛四海 /
    /// 鼎盛四海商务信息服务); or of one length with two neighbours swapped, one character that only
    /// sounds the same, or, in brands of four characters and more, one wrong, missing or added
    /// character. Names whose brands share less stay two.
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        self.likeness(other).is_some()
    }

    /// Why the two mean one company, the surest reason; `None` when they are two.
    #[must_use]
    pub fn likeness(&self, other: &Self) -> Option<Likeness> {
        if self.name == other.name {
            return Some(Likeness::Equal);
        }
        let (left, right) = (&*self.chars, &*other.chars);
        if left == right {
            return compatible(self.trade(), other.trade(), left.len()).then_some(Likeness::Trade);
        }
        let (shorter, longer) = (left.len().min(right.len()), left.len().max(right.len()));
        if shorter < 2 {
            return None;
        }
        // 城南立德会计 / 立德会计: a place or an owner in front, at least three characters shared.
        let (long, short) = if left.len() > right.len() { (left, right) } else { (right, left) };
        if shorter >= 3 && (long.ends_with(short) || long.starts_with(short)) {
            return Some(Likeness::Contained);
        }
        if left.len() == right.len() && (left.len() >= 3 || self.trade() == other.trade()) {
            let mut differ = (0..left.len()).filter(|&at| left[at] != right[at]);
            let swapped = matches!(
                (differ.next(), differ.next(), differ.next()),
                (Some(i), Some(j), None) if j == i + 1 && left[i] == right[j] && left[j] == right[i]
            );
            if swapped {
                return Some(Likeness::Swapped);
            }
            if left.iter().zip(right).all(|(a, b)| same_sound(*a, *b)) {
                return Some(Likeness::Misheard);
            }
        }
        let slip = shorter >= 4
            && longer - shorter <= 1
            && !self.spelled
            && !other.spelled
            && strsim::damerau_levenshtein(self.brand(), other.brand()) <= 1;
        slip.then_some(Likeness::Slip)
    }
}

/// Why two names mean one company.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Likeness {
    /// They are equal in normal form.
    Equal,
    /// One has trade words behind it that the other has not.
    Trade,
    /// One begins or ends with the other.
    Contained,
    /// Two neighbouring characters are swapped.
    Swapped,
    /// Characters differ that sound alike.
    Misheard,
    /// One character is wrong, missing or added.
    Slip,
    /// They were joined under an earlier way to compare, or by a name between them.
    Other,
}

impl Likeness {
    /// In Chinese for people.
    #[must_use]
    pub fn chinese(self) -> &'static str {
        match self {
            Self::Equal => "同名",
            Self::Trade => "行业用词不同",
            Self::Contained => "一名包含另一名",
            Self::Swapped => "相邻两字颠倒",
            Self::Misheard => "同音",
            Self::Slip => "差一字",
            Self::Other => "经其他写法并入",
        }
    }
}

/// [`Spelling::same`] for two names that are compared once.
#[must_use]
pub fn same(a: &str, b: &str) -> bool {
    a == b || Spelling::new(a).same(&Spelling::new(b))
}

/// Whether a name that somebody typed means the company of this name in normal form.
#[must_use]
pub fn is_named(company: &str, typed: &str) -> bool {
    normal_name(normalise(typed).text()).is_some_and(|typed| same(company, &typed))
}

/// The name without the trade words behind it, as long as two characters remain.
pub fn brand(name: &str) -> &str {
    let mut name = name;
    loop {
        let rest = INDUSTRY
            .iter()
            .filter_map(|word| name.strip_suffix(word))
            .filter(|rest| rest.chars().count() >= 2)
            .min_by_key(|rest| rest.len());
        match rest {
            Some(rest) => name = rest,
            None => return name,
        }
    }
}

/// Brands of two characters are common words (金穗投资, 金穗英语): what stands behind them must agree,
/// unless one name has nothing there.
fn compatible(a: &str, b: &str, brand_chars: usize) -> bool {
    brand_chars >= 3 || a.starts_with(b) || b.starts_with(a)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_one_company_are_the_same() {
        for (a, b) in [
            ("蓝桥健身", "蓝桥健身"),
            ("鼎盛四海", "鼎盛四海商务信息服务"),
            ("汇众人普惠", "众汇人普惠投资"),
            ("博启英语", "搏启英语"),
            ("橙心早教", "诚心早教"),
            ("云途快印", "途云快印"),
            ("城南安居会计", "安居会计培训"),
            ("盈丰网", "丰盈网"),
            ("金穗财富", "金穗"),
        ] {
            assert!(same(a, b) && same(b, a), "{a} / {b}");
        }
    }

    #[test]
    fn names_of_two_companies_stay_two() {
        for (a, b) in [
            ("蓝桥健身", "青桥健身"),
            ("66车贷", "67车贷"),
            ("金穗投资", "金穗英语"),
            ("华鑫投资", "华星教育"),
            ("安窝租房", "优窝租房"),
            ("中信", "中兴通讯设备"),
        ] {
            assert!(!same(a, b) && !same(b, a), "{a} / {b}");
        }
    }

    #[test]
    fn each_way_a_name_goes_wrong_is_told_apart() {
        for (a, b, likeness) in [
            ("蓝桥健身", "蓝桥健身", Likeness::Equal),
            ("鼎盛四海", "鼎盛四海商务信息服务", Likeness::Trade),
            ("城南安居会计", "安居会计", Likeness::Contained),
            ("惠聚民", "聚惠民", Likeness::Swapped),
            ("橙心早教", "诚心早教", Likeness::Misheard),
            ("云帆金海投资", "云帆金河投资", Likeness::Slip),
        ] {
            assert_eq!(Spelling::new(a).likeness(&Spelling::new(b)), Some(likeness), "{a} / {b}");
        }
    }

    proptest::proptest! {
        #[test]
        fn same_is_symmetric_and_never_panics(a in "[金穗投资a5网利聚]{0,6}", b in "[金穗投资a5网利聚]{0,6}") {
            proptest::prop_assert_eq!(same(&a, &b), same(&b, &a));
            proptest::prop_assert!(same(&a, &a));
        }
    }
}
