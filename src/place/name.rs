//! The normal form of names, and what follows them: the part of a site.

/// A name without what does not tell it from others: the general ending 小区 behind a name that has
/// enough without it, words for a spot at the site.
pub(super) fn tidy(name: &str) -> &str {
    let mut name = name;
    for tail in ["居民楼", "居民区", "住宅区", "安置小区", "小区", "家属区", "楼盘"] {
        if let Some(stem) = name.strip_suffix(tail)
            && stem.chars().count() >= 2
        {
            name = stem;
        }
    }
    name
}

/// A part of a site read at the beginning of `text`: its normal form and its length in bytes.
///
/// `二期`, `2期` and `第二期` are one; of several parts (`二期3栋5单元`) the first that can be read
/// stands for all, since matters are shared across it.
pub(super) fn part(text: &str) -> Option<(String, usize)> {
    let mut rest = text.strip_prefix(['(', '-', '·']).unwrap_or(text);
    rest = rest.strip_prefix('第').unwrap_or(rest);
    let counted = rest.find(|c| !is_ordinal(c)).unwrap_or(rest.len());
    let (ordinal, behind) = rest.split_at(counted);
    let count = ordinal.chars().count();
    if count == 0 || count > 5 {
        return None;
    }
    let unit = ["号楼", "号院", "号线", "单元", "期", "栋", "幢", "座", "组", "区", "号", "楼", "#", "苑"]
        .into_iter()
        .find(|unit| behind.starts_with(unit))?;
    if matches!(unit, "号线" | "号院") {
        return None;
    }
    let unit_form = match unit {
        "幢" | "号楼" | "座" | "#" => "栋",
        "楼" if count == 1 => return None,
        other => other,
    };
    let len = text.len() - behind.len() + unit.len();
    let tail = &text[len..];
    // 一期间, 三区别, 二号文件: the unit begins another word.
    if unit.chars().count() == 1
        && tail.starts_with(['间', '望', '待', '别', '域', '召', '码', '织', '长', '文'])
    {
        return None;
    }
    Some((format!("{}{unit_form}", arabic(ordinal)), len))
}

fn is_ordinal(c: char) -> bool {
    matches!(
        c,
        'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '一' | '二' | '三' | '四' | '五' | '六' | '七' | '八' | '九' | '十'
            | '东' | '西' | '南' | '北'
    )
}

/// Chinese ordinals up to 99 in digits; anything else as it is.
fn arabic(ordinal: &str) -> String {
    let value = |c: char| "一二三四五六七八九".chars().position(|digit| digit == c).map(|at| at + 1);
    let chars: Vec<char> = ordinal.chars().collect();
    let number = match chars[..] {
        ['十'] => Some(10),
        ['十', ones] => value(ones).map(|ones| 10 + ones),
        [tens, '十'] => value(tens).map(|tens| tens * 10),
        [tens, '十', ones] => value(tens).zip(value(ones)).map(|(tens, ones)| tens * 10 + ones),
        [one] => value(one),
        _ => None,
    };
    number.map_or_else(|| ordinal.to_owned(), |number| number.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_tidied() {
        for (name, expected) in [
            ("云栖小区", "云栖"),
            ("云栖雅苑小区", "云栖雅苑"),
            ("云栖安置小区", "云栖"),
            ("大小区", "大小区"),
            ("小区", "小区"),
            ("云栖公园", "云栖公园"),
        ] {
            assert_eq!(tidy(name), expected);
        }
    }

    #[test]
    fn parts() {
        for (text, expected) in [
            ("二期楼下", Some("2期")),
            ("2期", Some("2期")),
            ("(十二期)", Some("12期")),
            ("第三区", Some("3区")),
            ("3栋5单元", Some("3栋")),
            ("a3栋", Some("a3栋")),
            ("5号楼", Some("5栋")),
            ("12#楼", Some("12栋")),
            ("89号", Some("89号")),
            ("东区", Some("东区")),
            ("二十三号楼", Some("23栋")),
            ("一期间", None),
            ("3号线", None),
            ("一楼", None),
            ("期", None),
            ("楼下", None),
            ("", None),
        ] {
            assert_eq!(part(text).map(|(part, _)| part).as_deref(), expected, "{text}");
        }
    }
}
