//! Hiding personal numbers.

use std::borrow::Cow;

use super::CharSet;
use super::fold::is_ignorable;
use super::numbers::{Around, Digit, personal};

/// Hides the numbers that lead to a person: mobile and landline phones, id numbers of 18 and 15
/// digits, bank cards, the local part of e-mail addresses. Digits may be ASCII, full-width, circled
/// or Chinese (一三八…), in groups with spaces or hyphens between them.
///
/// The result has the same byte length and the same character borders outside of what is hidden, so
/// offsets hold: an ASCII digit becomes `*`, a wider one `＊`. The first digits (area code, or three)
/// and the last four stay, so that two mentions of one number can still be told to be alike. Work
/// order numbers, dates, amounts and house numbers are left alone. Masking twice changes nothing
/// more.
pub fn mask_personal(text: &str) -> Cow<'_, str> {
    match mask_once(text) {
        Cow::Borrowed(text) => Cow::Borrowed(text),
        // What is left beside a hidden number may now stand alone and have the form of another.
        Cow::Owned(mut masked) => {
            while let Cow::Owned(more) = mask_once(&masked) {
                masked = more;
            }
            Cow::Owned(masked)
        }
    }
}

fn mask_once(text: &str) -> Cow<'_, str> {
    let mut hidden = Vec::new();
    if find_numbers(text, &mut hidden) {
        find_mail(text, &mut hidden);
    }
    if hidden.is_empty() {
        return Cow::Borrowed(text);
    }
    hidden.sort_unstable();
    let mut out = String::with_capacity(text.len());
    let mut copied = 0;
    for at in hidden {
        let at = at as usize;
        if at < copied {
            continue;
        }
        out.push_str(&text[copied..at]);
        let wide = text[at..].chars().next().map_or(1, char::len_utf8);
        out.push_str(if wide == 3 { "＊" } else { "*" });
        copied = at + wide;
    }
    out.push_str(&text[copied..]);
    Cow::Owned(out)
}

/// A phone number to show to people: `138****0000`, `010-****2345`. Anything that is not a digit or
/// a separator is hidden too, since a phone field may hold a name.
pub fn mask_phone(phone: &str) -> String {
    let is_digit = |c: char| matches!(c, '0'..='9' | '０'..='９');
    let count = phone.chars().filter(|&c| is_digit(c)).count();
    let (front, back) = match count {
        11..=15 => (count - 8, 4),
        16.. => (3, 4),
        7..=10 => (0, 4),
        _ => (0, 0),
    };
    let mut seen = 0;
    let show = |c: char| {
        if is_digit(c) {
            seen += 1;
            if seen <= front || seen > count - back { c } else { '*' }
        } else if matches!(c, ' ' | '-' | '+' | '(' | ')') {
            c
        } else {
            '*'
        }
    };
    phone.chars().map(show).collect()
}

/// The characters that [`digit`] knows, and those of mail addresses.
static NOTED: CharSet =
    CharSet::new("@＠0123456789０１２３４５６７８９①②③④⑤⑥⑦⑧⑨⓪⓿零〇一幺二两三四五六七八九壹贰叁肆伍陆柒捌玖");

/// Value of a digit that is written in one or three bytes, so that a star of its width exists.
fn digit(c: char) -> Option<u8> {
    let value = match c {
        '0'..='9' => u32::from(c) - u32::from('0'),
        '０'..='９' => u32::from(c) - u32::from('０'),
        '①'..='⑨' => u32::from(c) - u32::from('①') + 1,
        '零' | '〇' | '⓪' | '⓿' => 0,
        '一' | '幺' | '壹' => 1,
        '二' | '两' | '贰' => 2,
        '三' | '叁' => 3,
        '四' | '肆' => 4,
        '五' | '伍' => 5,
        '六' | '陆' => 6,
        '七' | '柒' => 7,
        '八' | '捌' => 8,
        '九' | '玖' => 9,
        _ => return None,
    };
    u8::try_from(value).ok()
}

/// Characters that people put between the digits of one number.
fn joins(c: char) -> bool {
    matches!(c, ' ' | '-' | '－' | '—' | '–' | '\u{3000}' | '(' | ')' | '（' | '）') || is_ignorable(c)
}

/// Returns whether there is a sign of a mail address.
fn find_numbers(text: &str, hidden: &mut Vec<u32>) -> bool {
    let mut run: Vec<Digit> = Vec::new();
    let mut from = 0;
    let mut mail = false;
    while let Some(first) = NOTED.next(text, from) {
        if text[first..].starts_with(['@', '＠']) {
            mail = true;
            from = first + text[first..].chars().next().map_or(1, char::len_utf8);
            continue;
        }
        run.clear();
        let mut run_end = first;
        let mut between = 0;
        from = text.len();
        for (at, c) in text[first..].char_indices() {
            let at = first + at;
            if let Some(value) = digit(c) {
                let apart = between > 0 || run.is_empty();
                run.push(Digit { value, at: at as u32, apart });
                run_end = at + c.len_utf8();
                between = 0;
            } else if joins(c) && between < 2 {
                between += 1;
            } else {
                from = at;
                break;
            }
        }
        hide_run(text, &run, run_end, hidden);
    }
    mail
}

fn hide_run(text: &str, run: &[Digit], end: usize, hidden: &mut Vec<u32>) {
    if run.len() < 7 {
        return;
    }
    let before = text[..run[0].at as usize].chars().next_back();
    let after = &text[end..];
    let around = Around {
        phone_word: phone_word_before(text, run[0].at as usize),
        unit: ["元", "万", "亿", "块", "平", "吨", "kg"].iter().any(|unit| after.starts_with(unit))
            && !after.starts_with("元旦")
            && !after.starts_with("元宵"),
        x: after.starts_with(['X', 'x', 'Ｘ', 'ｘ']),
    };
    let mut at = 0;
    while at < run.len() {
        // A number begins where a group begins, or where the number before it ended.
        match personal(&run[at..], Around { phone_word: around.phone_word && at == 0, ..around }) {
            // `GD13800000000`: a code of letters and digits, unless words or the form say phone.
            Some(shape) if at > 0 || !part_of_code(before, after, run.len(), shape.len, around) => {
                let last = at + shape.len - shape.back;
                hidden.extend(run[at + shape.front..last].iter().map(|digit| digit.at));
                at += shape.len;
            }
            _ => at += run[at + 1..].iter().take_while(|next| !next.apart).count() + 1,
        }
    }
}

/// Whether the run is stuck to letters as in a hexadecimal or mixed code. A mobile number stuck to
/// letters in front only (`tel138…`, `wx138…`) is none.
fn part_of_code(before: Option<char>, after: &str, run: usize, number: usize, around: Around) -> bool {
    let letter = |c: char| c.is_ascii_alphabetic();
    let behind = after.starts_with(letter) && run == number && !around.x;
    let front = before.is_some_and(letter) && number != 11 && !around.phone_word;
    behind || front
}

/// Whether one of the last characters before `at` name a phone.
fn phone_word_before(text: &str, at: usize) -> bool {
    let from = text[..at].char_indices().rev().nth(7).map_or(0, |(from, _)| from);
    let near = text[from..at].to_ascii_lowercase();
    ["电话", "電話", "座机", "手机", "手機", "联系", "拨打", "致电", "来电", "号码", "tel", "phone", "固话"]
        .iter()
        .any(|word| near.contains(word))
}

fn find_mail(text: &str, hidden: &mut Vec<u32>) {
    for (at, sign) in text.match_indices(['@', '＠']) {
        let local = |c: char| c.is_ascii_alphanumeric() || "._%+-*".contains(c);
        let from = text[..at]
            .rfind(|c| !local(c))
            .map_or(0, |index| index + text[index..].chars().next().map_or(0, char::len_utf8));
        let domain = &text[at + sign.len()..];
        let domain =
            &domain[..domain.find(|c: char| !c.is_ascii_alphanumeric() && c != '-').unwrap_or(domain.len())];
        let dotted = text[at + sign.len() + domain.len()..].starts_with(['.', '．']);
        if !domain.is_empty() && dotted {
            let keep = usize::from(at - from > 1);
            let open = (from + keep..at).filter(|&at| text.as_bytes()[at] != b'*');
            hidden.extend(open.map(|at| at as u32));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn personal_numbers_are_hidden() {
        for (text, expected) in [
            ("电话13812345678。", "电话138****5678。"),
            ("138 1234 5678", "138 **** 5678"),
            ("138-1234-5678", "138-****-5678"),
            ("１３８１２３４５６７８", "１３８＊＊＊＊５６７８"),
            ("一三八一二三四五六七八", "一三八＊＊＊＊五六七八"),
            ("幺三八零零零零一二三四", "幺三八＊＊＊＊一二三四"),
            ("①③⑧①②③④⑤⑥⑦⑧", "①③⑧＊＊＊＊⑤⑥⑦⑧"),
            ("+8613812345678", "+86138****5678"),
            ("0086-13812345678", "0086-138****5678"),
            ("13812345678,13912345678", "138****5678,139****5678"),
            ("1381234567813912345678", "138****5678139****5678"),
            ("13812345678 13912345678", "138****5678 139****5678"),
            ("138\u{200b}12345678", "138\u{200b}****5678"),
            ("tel13812345678", "tel138****5678"),
            ("住3号楼 13812345678", "住3号楼 138****5678"),
            ("2单元 5 13812345678", "2单元 5 138****5678"),
            ("010-66012345", "010-****2345"),
            ("(010)66012345", "(010)****2345"),
            ("01066012345转801", "010****2345转801"),
            ("0731-8601234", "0731-***1234"),
            ("联系电话66012345", "联系电话****2345"),
            ("座机：6601-2345", "座机：****-2345"),
            ("身份证110102199003071234", "身份证110***********1234"),
            ("110102 19900307 123X", "110*** ******** 123X"),
            ("11010219900307123x", "110***********123x"),
            ("110102900307123", "110********7123"),
            ("卡号6222021234567890123", "卡号622************0123"),
            ("6222 0212 3456 7890 123", "622* **** **** ***0 123"),
            ("4111111111111111", "411*********1111"),
            ("写信到zhangsan@example.com", "写信到z*******@example.com"),
            ("a@b.cn或x.y-z＠example.org", "*@b.cn或x****＠example.org"),
            ("13812345678@139.com", "1**********@139.com"),
        ] {
            let masked = mask_personal(text);
            assert_eq!(masked, expected, "{text}");
            assert_eq!(masked.len(), text.len());
            assert_eq!(mask_personal(&masked), masked);
        }
    }

    #[test]
    fn other_numbers_stay() {
        for text in [
            "工单20260228-001234",
            "工单号202602280012345678",
            "2026022800123456",
            "202602280012345",
            "GD2026022800123",
            "合同编号HT13812345678A",
            "2026-02-28 11:25:05",
            "2026年2月28日",
            "欠款13800000000元",
            "共66012345元",
            "涉及资金12345678.50",
            "3号楼2单元1201室",
            "400-810-1234",
            "拨打12345和96105",
            "京A12345",
            "一九九八年二零二六年",
            "面积1234567平方米",
            "0x13812345678abcd",
            "d41d8cd98f00b204e9800998ecf8427e",
            "91110102MA01ABCD12",
            "编号1234567890123",
            "user@host",
            "电话20260228",
            "10000000000000000000000",
        ] {
            assert_eq!(mask_personal(text), text);
        }
    }

    #[test]
    fn the_quick_look_misses_no_digit() {
        let known: Vec<char> = ('\0'..='\u{FFFF}').filter(|&c| digit(c).is_some()).collect();
        assert_eq!(known.len(), 10 + 10 + 9 + 24);
        for c in '\0'..='\u{FFFF}' {
            let sign = matches!(c, '@' | '＠');
            assert_eq!(NOTED.has(c), sign || known.contains(&c), "{c}");
        }
    }

    #[test]
    fn a_very_long_run_costs_no_more_than_its_length() {
        let text = "13812345678".repeat(20_000);
        assert_eq!(mask_personal(&text), "138****5678".repeat(20_000));
        let text = "1".repeat(200_000);
        assert_eq!(mask_personal(&text), text);
    }

    #[test]
    fn phones_for_people() {
        for (phone, expected) in [
            ("13812345678", "138****5678"),
            ("+86 138 1234 5678", "+86 138 **** 5678"),
            ("66012345", "****2345"),
            ("12345", "*****"),
            ("张三13812345678", "**138****5678"),
            ("", ""),
        ] {
            assert_eq!(mask_phone(phone), expected);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1_000))]

        #[test]
        fn length_and_borders_hold(text in "([0-9]{1,20}|[０-９一二三四五六七八九〇]{1,12}|[ \\-—a-zX@.年电话号]{1,3}|\\PC){0,12}") {
            let masked = mask_personal(&text);
            prop_assert_eq!(masked.len(), text.len());
            prop_assert_eq!(mask_personal(&masked), masked.as_ref());
            for ((at, c), (there, shown)) in text.char_indices().zip(masked.char_indices()) {
                prop_assert_eq!(at, there);
                prop_assert!(c == shown || shown == '*' || shown == '＊');
            }
        }

        #[test]
        fn no_mobile_number_gets_through(
            number in "1[3-9][0-9]{9}", before in "[号码是，：\n]{0,3}", after in "[，。谢谢\n]{0,3}",
        ) {
            let text = format!("{before}{number}{after}");
            let masked = mask_personal(&text);
            let hidden = format!("{before}{}****{}{after}", &number[..3], &number[7..]);
            prop_assert_eq!(masked, hidden);
        }
    }
}
