//! A complaint in one line, and the words that speak against somebody.

use crate::model::{Complaint, RiskHit, Span, Where};

use super::prepare::Prepared;

/// A headline is cut to this many characters: what fits a phone's first line.
const HEADLINE_CHARS: usize = 40;
/// How letters begin. A sign or more of the kind follows: 领导办公楼 is not a greeting.
const GREETINGS: [&str; 11] =
    ["尊敬的", "敬爱的", "各位", "贵部门", "贵单位", "领导", "同志", "您好", "你好", "大家好", "请问"];
/// How tickets begin, and letters after their greeting.
const REPORTS: [&str; 13] = [
    "市民来电反映",
    "来电人反映",
    "诉求人反映",
    "诉求人称",
    "来电人称",
    "市民反映",
    "市民来电",
    "居民反映",
    "群众反映",
    "我想反映",
    "我要反映",
    "我要投诉",
    "反映一件事",
];

/// The title, or the first sentence of the text that is more than a greeting, cut to a line.
pub(super) fn headline(complaint: &Complaint) -> String {
    let title = without_opening(&complaint.title);
    let line = if title.is_empty() { without_opening(&complaint.text) } else { title };
    let line = line.split(['。', '！', '？', '\n', '!', '?']).next().unwrap_or(line).trim();
    let mut cut: String = line.chars().take(HEADLINE_CHARS).collect();
    if line.chars().nth(HEADLINE_CHARS).is_some() {
        cut.push('…');
    }
    cut
}

/// What is left when greetings and the signs between them are taken away; everything when nothing
/// would be left.
fn without_opening(text: &str) -> &str {
    let is_sign = |c: char| c.is_whitespace() || c.is_ascii_punctuation() || "，。：；！？、…～·".contains(c);
    let text = text.trim();
    let mut rest = text.trim_start_matches(is_sign);
    let greeting = |rest: &'_ str| GREETINGS.iter().find_map(|word| Some(rest.strip_prefix(word)?.len()));
    let report = |rest: &'_ str| REPORTS.iter().find_map(|word| Some(rest.strip_prefix(word)?.len()));
    loop {
        let left = report(rest).or_else(|| {
            let left = greeting(rest)?;
            let behind = &rest[rest.len() - left..];
            let goes_on = greeting(behind).or_else(|| report(behind)).is_some();
            (behind.is_empty() || behind.starts_with(is_sign) || goes_on).then_some(left)
        });
        let Some(left) = left else { break };
        rest = rest[rest.len() - left..].trim_start_matches(is_sign);
    }
    if rest.is_empty() { text } else { rest }
}

/// The words of a hit as they stand in the complaint, each once.
pub(super) fn grounds(prepared: &Prepared, hit: &RiskHit) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in hit.spans.iter().filter_map(|span| said(&prepared.complaint, *span)) {
        if !words.contains(&word) {
            words.push(word);
        }
    }
    words
}

/// The words of a complaint where a span points.
pub(super) fn said(complaint: &Complaint, span: Span) -> Option<String> {
    let field = match span.field {
        Where::Title => complaint.title.as_str(),
        Where::Text => complaint.text.as_str(),
        Where::Subject => complaint.subject.as_deref().unwrap_or(""),
    };
    field.get(span.start as usize..span.end as usize).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn greetings_are_no_headline() {
        for (text, expected) in [
            ("尊敬的领导：您好！楼下饭店油烟大", "楼下饭店油烟大"),
            ("市民来电反映：云栖雅苑停水", "云栖雅苑停水"),
            ("  您好，请问，公积金怎么提取", "公积金怎么提取"),
            ("领导办公楼漏水", "领导办公楼漏水"),
            ("尊敬的领导您好，停水了", "停水了"),
            ("您好！", "您好！"),
            ("反映停车难", "反映停车难"),
            ("", ""),
        ] {
            assert_eq!(without_opening(text), expected, "{text}");
        }
    }
}
