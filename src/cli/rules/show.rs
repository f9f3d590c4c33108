//! What a rule makes of a complaint, for a terminal.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthChar as _;

use crate::model::{Complaint, Span, Suppressed, Where};
use crate::rules::{Lack, Lowered, Reading, TermList};

/// Columns of the complaint in one row.
const COLUMNS: usize = 76;
/// Of the terms that were not found so many are named.
const NAMED: usize = 12;

/// The verdict, the complaint with the words underlined, the parts of the score, what was hidden and
/// what is lacking.
pub(in crate::cli) fn reading(reading: &Reading, complaint: &Complaint) -> String {
    let Reading { rule, title, status, verdict, score, watch, alert, .. } = reading;
    let mut out = format!(
        "{rule} {title} ({}): {verdict}; score {score}, kept from {watch}, alerts from {alert}\n",
        status.as_str()
    );
    let marks = Marks {
        counted: reading.spans.clone(),
        masks: reading.masked.iter().map(|masked| masked.mask.span).collect(),
        lowering: reading.lowered.iter().flat_map(|entry| &entry.words).map(|word| word.span).collect(),
    };
    let fields = [
        (Where::Title, complaint.title.as_str()),
        (Where::Text, complaint.text.as_str()),
        (Where::Subject, complaint.subject.as_deref().unwrap_or_default()),
    ];
    for (field, text) in fields {
        out.push_str(&underlined(field, text, &marks));
    }
    // Writing to a string cannot fail, here and below.
    for part in &reading.parts {
        let _ = writeln!(out, "  {:+4} {}", part.score, part.what);
    }
    for masked in &reading.masked {
        let whose = if masked.of_pack { "a mask of the pack" } else { "a mask of the rule" };
        let _ = writeln!(out, "  hidden: {} in {} ({whose})", masked.hidden.words, masked.mask.words);
    }
    for Lowered { what, words, .. } in reading.lowered.iter().filter(|entry| !entry.words.is_empty()) {
        let words: Vec<&str> = words.iter().map(|word| word.words.as_str()).collect();
        let _ = writeln!(out, "  {what} because of {}", words.join(", "));
    }
    if let Some(Suppressed { exception, owner, reason, until }) = &reading.suppressed {
        let _ = writeln!(out, "  exception {exception} until {until} ({owner}): {reason}");
    }
    for change in &reading.overlay {
        let _ = writeln!(out, "  overlay: {change}");
    }
    let mut contexts = Vec::new();
    for lack in &reading.lacks {
        match lack {
            Lack::Context { group, title, points } => contexts.push(format!("{group} {points:+} ({title})")),
            lack => {
                let _ = writeln!(out, "  lacks: {lack}");
            }
        }
    }
    if !contexts.is_empty() {
        let _ = writeln!(out, "  lacks: context {}", contexts.join(", "));
    }
    out
}

/// What was found of each list of the rule, and what was not.
pub(super) fn lists(reading: &Reading) -> String {
    let mut out = String::new();
    for TermList { kind, uses, found, missing } in &reading.lists {
        let _ = writeln!(out, "  {kind}: {}", uses.join("; "));
        let mut words: Vec<&str> = found.iter().map(|word| word.words.as_str()).collect();
        words.dedup();
        let words = if words.is_empty() { "nothing".to_owned() } else { words.join(", ") };
        let _ = writeln!(out, "    found: {words}");
        if !missing.is_empty() {
            let more = missing.len().saturating_sub(NAMED);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            // Patterns are long and say less.
            let mut named: Vec<&str> = missing.iter().map(String::as_str).collect();
            named.sort_by_key(|term| term.starts_with("re:"));
            named.truncate(NAMED);
            let _ = writeln!(out, "    not found: {}{more}", named.join(", "));
        }
    }
    out
}

/// What is underlined.
#[derive(Default)]
struct Marks {
    counted: Vec<Span>,
    masks: Vec<Span>,
    lowering: Vec<Span>,
}

impl Marks {
    fn sign(&self, field: Where, at: usize) -> &'static str {
        let within = |spans: &[Span]| {
            let mut own = spans.iter().filter(|span| span.field == field);
            own.any(|span| (span.start as usize..span.end as usize).contains(&at))
        };
        match () {
            () if within(&self.counted) => "^",
            () if within(&self.masks) => "~",
            () if within(&self.lowering) => "-",
            () => " ",
        }
    }

    fn of(&self, field: Where) -> bool {
        [&self.counted, &self.masks, &self.lowering].into_iter().flatten().any(|span| span.field == field)
    }
}

/// The rows of a field, under each the signs of what stands there: `^` counts, `~` is a mask, `-`
/// lowers. A field of which nothing is marked is left out.
fn underlined(field: Where, text: &str, marks: &Marks) -> String {
    if text.is_empty() || !marks.of(field) {
        return String::new();
    }
    let (mut out, mut row, mut signs) = (String::new(), String::new(), String::new());
    let mut columns = 0;
    let mut end_row = |row: &mut String, signs: &mut String| {
        let _ = writeln!(out, "  | {row}");
        if !signs.trim_end().is_empty() {
            let _ = writeln!(out, "  | {}", signs.trim_end());
        }
        row.clear();
        signs.clear();
    };
    for (at, character) in text.char_indices() {
        let width = character.width().unwrap_or(0);
        if character == '\n' || columns + width > COLUMNS {
            end_row(&mut row, &mut signs);
            columns = 0;
        }
        // What has no width is no sign to show: controls would move the cursor.
        if width == 0 {
            continue;
        }
        row.push(character);
        signs.push_str(&marks.sign(field, at).repeat(width));
        columns += width;
    }
    if !row.is_empty() {
        end_row(&mut row, &mut signs);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(text: &str, word: &str) -> Span {
        let start = text.find(word).unwrap();
        Span { field: Where::Text, start: start as u32, end: (start + word.len()) as u32 }
    }

    #[test]
    fn wide_characters_are_underlined_by_two_columns() {
        let text = "APP里的年卡\n公交卡退不了，谢谢\u{1b}";
        let [counted, masks, lowering] = ["年卡", "公交卡", "谢谢"].map(|word| vec![span(text, word)]);
        let rows = underlined(Where::Text, text, &Marks { counted, masks, lowering });
        insta::assert_snapshot!(rows, @"
| APP里的年卡
|        ^^^^
| 公交卡退不了，谢谢
| ~~~~~~        ----
");
    }

    #[test]
    fn long_texts_go_on_in_the_next_row_and_lose_nothing() {
        let text = "健身房跑路".repeat(20);
        let marks = Marks { counted: vec![span(&text, "跑路")], ..Marks::default() };
        let rows = underlined(Where::Text, &text, &marks);
        let rows: Vec<&str> = rows.lines().filter(|row| !row.contains('^')).collect();
        assert!(rows.len() > 2 && rows.iter().all(|row| row.chars().count() <= 4 + COLUMNS / 2));
        assert_eq!(rows.concat().replace("  | ", ""), text);
        assert_eq!(underlined(Where::Title, &text, &marks), "");
    }
}
