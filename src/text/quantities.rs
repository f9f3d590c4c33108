//! Sums of money, losses and counts of people in a text.
//!
//! Crates for Chinese numerals turn a whole well-formed numeral into a number. Here numbers stand anywhere
//! in a text, half of them in digits, with words left out (三万五), ranges (三五万) and openings (两百多),
//! and most of them count something else: so finding and telling apart is the work, and it is done here.

use super::numerals::{self, Number};
use crate::model::Measure;

/// So many are read of one text; of more the first.
const MOST: usize = 48;
/// What says whether a number is a sum, a loss or one person's share stands at most so many characters
/// before it, in the same clause,
const BEFORE: usize = 10;
/// and so many behind.
const BEHIND: usize = 6;

/// A number of yuan or people with the place where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quantity {
    /// What it counts.
    pub measure: Measure,
    /// The least it may be: 200 for 两百多, 30000 for 三五万.
    pub least: u64,
    /// The most it may be; `None` when the text leaves that open.
    pub most: Option<u64>,
    /// It is one person's, one household's or one month's share (每人三千), and no total.
    pub each: bool,
    /// First byte in the text.
    pub start: usize,
    /// One past the last byte, its unit included.
    pub end: usize,
}

const LOSS_BEFORE: [&str; 17] = [
    "损失",
    "被骗",
    "骗走",
    "骗取",
    "骗了",
    "骗去",
    "亏了",
    "亏损",
    "亏掉",
    "诈骗",
    "未兑付",
    "无法兑付",
    "卷走",
    "卷款",
    "待收",
    "未归还",
    "没还",
];
const LOSS_BEHIND: [&str; 8] = ["未兑付", "没兑付", "没还", "未还", "损失", "追不回", "打了水漂", "被骗"];
const EACH: [&str; 7] = ["每", "人均", "平均", "各", "一人", "单价", "月供"];
/// Sums that say nothing of what the complaint is about.
const OTHER_SUMS: [&str; 10] =
    ["注册资", "罚款", "罚金", "工资", "月薪", "底薪", "拨款", "退休金", "房价", "均价"];
/// With one of these before it, a large number without a unit is money.
const MONEY_BEFORE: [&str; 42] = [
    "每人",
    "每户",
    "投",
    "存",
    "借",
    "交",
    "付",
    "骗",
    "损失",
    "款",
    "钱",
    "金额",
    "本金",
    "资金",
    "花",
    "收",
    "亏",
    "共",
    "费",
    "充",
    "买",
    "押金",
    "返",
    "给",
    "欠",
    "贷",
    "入金",
    "集资",
    "吸",
    "涉案",
    "积蓄",
    "价",
    "值",
    "赔",
    "卷",
    "转",
    "汇",
    "退",
    "待收",
    "成交额",
    "募集",
    "元",
];
const MONEY_BEHIND: [&str; 8] = ["本金", "血汗钱", "的钱", "资金", "存款", "积蓄", "未兑付", "债"];
/// Right before it, even a small number without a unit is money.
const PAID: [&str; 13] =
    ["交了", "充了", "投了", "存了", "花了", "付了", "收了", "借了", "亏了", "欠了", "骗了", "收费", "缴费"];
const PEOPLE: [&str; 19] = [
    "受害人",
    "受害者",
    "投资人",
    "投资者",
    "出借人",
    "会员",
    "家长",
    "老人",
    "群众",
    "业主",
    "学员",
    "学生",
    "客户",
    "租客",
    "顾客",
    "消费者",
    "家庭",
    "用户",
    "参与人",
];
/// People who are counted for other reasons.
const OTHER_PEOPLE: [&str; 17] = [
    "员工",
    "职工",
    "工人",
    "民警",
    "警察",
    "老师",
    "教师",
    "工作人员",
    "保安",
    "干部",
    "领导",
    "律师",
    "犯罪",
    "嫌疑",
    "被告",
    "业务员",
    "教练",
];
/// Counters after which a large number is no money.
const COUNTERS: &str =
    "平亩吨公里米次辆字股册斤台套张年天月日号度%倍只头条件种步票粉栋层楼盒箱瓶片人名位户家个";

/// The sums and counts in `text`, a normal form, in the order of the text. Linear in its length.
#[must_use]
pub fn quantities(text: &str) -> Vec<Quantity> {
    let (starts, chars): (Vec<usize>, Vec<char>) = text.char_indices().unzip();
    let byte = |at: usize| starts.get(at).copied().unwrap_or(text.len());
    let mut found = Vec::new();
    let mut at = 0;
    while at < chars.len() && found.len() < MOST {
        // A number is read from its beginning: digits of a longer word or of a name are none.
        let inside =
            at > 0 && (chars[at - 1].is_ascii_alphanumeric() || matches!(chars[at - 1], '第' | '.' | '*'));
        if !numerals::begins(chars[at]) || inside {
            at += 1;
            continue;
        }
        let Some((number, end)) = numerals::number(&chars, at) else {
            // Whatever it is, it is not another number from its second character on.
            at += chars[at..].iter().take_while(|c| numerals::begins(**c)).count().max(1);
            continue;
        };
        let around = Around::new(&chars, at, end);
        if let Some((measure, unit)) = around.measure(number) {
            let most = number.most.filter(|_| !around.opens());
            let each = around.before_has(&EACH);
            let (start, end) = (byte(at), byte(end + unit));
            found.push(Quantity { measure, least: number.least, most, each, start, end });
            at = end_of(&starts, end);
        } else {
            at = end;
        }
    }
    found
}

/// The character that begins at a byte, or one past the last.
fn end_of(starts: &[usize], byte: usize) -> usize {
    starts.partition_point(|&start| start < byte)
}

/// What stands around a number in its clause.
struct Around {
    before: String,
    behind: String,
}

impl Around {
    fn new(chars: &[char], start: usize, end: usize) -> Self {
        let is_end =
            |c: &&char| matches!(**c, '。' | '，' | ',' | '!' | '?' | ';' | ':' | '\n' | '、' | '(' | ')');
        let before: Vec<char> =
            chars[..start].iter().rev().take(BEFORE).take_while(|c| !is_end(c)).copied().collect();
        let behind = chars[end..].iter().take(BEHIND).take_while(|c| !is_end(c)).collect();
        Self { before: before.into_iter().rev().collect(), behind }
    }

    fn before_has(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.before.contains(word))
    }

    fn behind_has(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.behind.contains(word))
    }

    /// 上百, 超过三百, 逾千: the number is only the least.
    fn opens(&self) -> bool {
        ["上", "超", "超过", "逾", "至少", "不少于", "高达"].iter().any(|word| self.before.ends_with(word))
    }

    /// What the number counts, and how many characters its unit has.
    fn measure(&self, number: Number) -> Option<(Measure, usize)> {
        if let Some(unit) = self.people(number) {
            return Some((Measure::People, unit));
        }
        let unit = self.money(number)?;
        if self.before_has(&OTHER_SUMS) {
            return None;
        }
        let is_loss = self.before_has(&LOSS_BEFORE) || self.behind_has(&LOSS_BEHIND);
        Some((if is_loss { Measure::Loss } else { Measure::Money }, unit))
    }

    /// The length of a unit of people: 名投资人, 户, 个家庭, 人.
    fn people(&self, number: Number) -> Option<usize> {
        let behind = self.behind.strip_prefix("余").unwrap_or(&self.behind);
        let skipped = self.behind.chars().count() - behind.chars().count();
        let counter = ["名", "位", "户", "个"].iter().find(|counter| behind.starts_with(**counter));
        let rest = counter.map_or(behind, |counter| &behind[counter.len()..]);
        let noun = PEOPLE.iter().find(|noun| rest.starts_with(**noun));
        let person =
            rest.starts_with('人') && !["人民币", "人次", "人均"].iter().any(|word| rest.starts_with(word));
        let units = usize::from(counter.is_some());
        let is_other = OTHER_PEOPLE.iter().any(|word| rest.contains(word)) || self.before_has(&OTHER_PEOPLE);
        let found = match (counter.copied(), noun) {
            _ if is_other => None,
            (_, Some(noun)) => Some(units + noun.chars().count()),
            (Some("个") | None, None) => person.then_some(units + 1),
            (Some("名"), None)
                if ["名额", "名单", "名字", "名次"].iter().any(|word| behind.starts_with(word)) =>
            {
                None
            }
            (Some(_), None) => Some(units + usize::from(person)),
        };
        // One or two people are those who tell of it.
        found.filter(|_| number.least >= 3).map(|length| skipped + length)
    }

    /// The length of a unit of money, 0 when the number has none and is money all the same.
    fn money(&self, number: Number) -> Option<usize> {
        let starts = |word: &str| self.behind.starts_with(word);
        let foreign = ["美元", "美金", "欧元", "港元", "港币", "日元", "元旦", "元月"];
        if foreign.iter().any(|word| starts(word)) {
            return None;
        }
        if let Some(unit) = ["元人民币", "块钱", "元", "圆"].iter().find(|unit| starts(unit)) {
            return Some(unit.chars().count());
        }
        if starts("块") {
            let thing = ["块地", "块田", "块砖", "块牌", "块玻", "块布", "块石"];
            return (!thing.iter().any(|word| starts(word))).then_some(1);
        }
        if self.behind.chars().next().is_some_and(|c| COUNTERS.contains(c) || c.is_ascii_alphanumeric()) {
            return None;
        }
        let is_paid = number.least >= 100 && PAID.iter().any(|word| self.before.ends_with(word));
        let is_money = number.is_large && (self.before_has(&MONEY_BEFORE) || self.behind_has(&MONEY_BEHIND));
        (is_paid || is_money).then_some(0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::text::normalise;

    /// What is read of a text, one line each: kind, range, words.
    fn read(text: &str) -> String {
        let normal = normalise(text);
        let lines = quantities(normal.text()).into_iter().map(|quantity| {
            let Quantity { measure, least, most, each, start, end } = quantity;
            let (start, end) = normal.original(start, end);
            let words = &text[start as usize..end as usize];
            let most = most.map_or_else(|| "..".to_owned(), |most| most.to_string());
            let each = if each { " each" } else { "" };
            format!("{measure:?} {least} {most}{each} [{words}]")
        });
        lines.collect::<Vec<String>>().join("\n")
    }

    #[test]
    fn sums_losses_and_people_of_a_complaint() {
        insta::assert_snapshot!(read("平台待收３．０８亿元，出借人约5600人，200多位受害者聚集，每人少则三五万，我投了36万元，损失12万多。"), @"
        Loss 308000000 308000000 [３．０８亿元]
        People 5600 5600 [5600人]
        People 200 .. [200多位受害者]
        Money 30000 50000 each [三五万]
        Money 360000 360000 [36万元]
        Loss 120000 .. [12万多]
        ");
        insta::assert_snapshot!(read("健身房办卡交了三千六，会员上百人，涉及一百多个家庭、50余户业主，卡里还剩两千八百块钱"), @"
        Money 3600 3600 [三千六]
        People 100 .. [百人]
        People 100 .. [一百多个家庭]
        People 50 .. [50余户业主]
        Money 2800 2800 [两千八百块钱]
        ");
        insta::assert_snapshot!(read("向三百余名社会公众吸收资金8600余万元，造成损失4000余万元；加盟费10-20万不等，亏了10w"), @"
        People 300 .. [三百余名]
        Money 86000000 .. [8600余万元]
        Loss 40000000 .. [4000余万元]
        Money 100000 200000 [10-20万]
        Loss 100000 100000 [10w]
        ");
    }

    #[test]
    fn numbers_that_count_something_else_are_left_out() {
        for text in [
            "2018年7月15日第3栋1202室，面积120平方米，阅读量十五万次",
            "公司注册资本5000万元，50多名员工，抓获犯罪嫌疑人12名",
            "每月工资四千五百元，三万平方米的楼盘，两块地",
            "一直没有一个人管，我们两个人，投资3万美元",
            "二〇一九年，二零一八年，电话12345，1040工程",
            "限额300名额，3人次",
        ] {
            assert_eq!(read(text), "", "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_gives_spans_in_order_on_character_borders(
            text in "([0-9]{1,4}|[一二三两十百千万亿多余几每共投了损失]|元|块|名|人|户|家长|，|。|。健身房|w|\\.){0,40}",
        ) {
            let found = quantities(&text);
            let mut done = 0;
            for quantity in &found {
                prop_assert!(quantity.start >= done && quantity.start < quantity.end);
                prop_assert!(text.get(quantity.start..quantity.end).is_some());
                prop_assert!(quantity.most.is_none_or(|most| most >= quantity.least));
                done = quantity.end;
            }
            prop_assert!(found.len() <= MOST);
        }

        #[test]
        fn words_around_that_say_nothing_change_nothing(before in "[的了和在是]{0,5}。", behind in "。[的了和在是]{0,5}") {
            let inner = "我投了三十五万元，一百多人受骗";
            let alone = quantities(inner);
            let whole = format!("{before}{inner}{behind}");
            let moved: Vec<Quantity> = quantities(&whole)
                .into_iter()
                .map(|q| Quantity { start: q.start - before.len(), end: q.end - before.len(), ..q })
                .collect();
            prop_assert_eq!(moved, alone);
        }
    }
}
