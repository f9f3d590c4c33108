//! A complaint's words where a rule has met them.

use crate::model::{Complaint, Span, Where};

/// Characters shown on both sides of a stretch.
const AROUND: usize = 8;
/// Stretches shown of one field.
const STRETCHES: usize = 6;

fn fields(complaint: &Complaint) -> [(Where, &str); 3] {
    let subject = complaint.subject.as_deref().unwrap_or_default();
    [(Where::Title, &complaint.title), (Where::Text, &complaint.text), (Where::Subject, subject)]
}

/// The words at `spans`, each once.
pub(super) fn words(complaint: &Complaint, spans: &[Span]) -> Vec<String> {
    let fields = fields(complaint);
    let mut words: Vec<String> = Vec::new();
    for span in spans {
        let text = fields.iter().find(|(field, _)| *field == span.field).map_or("", |(_, text)| text);
        if let Some(word) = text.get(span.start as usize..span.end as usize)
            && !words.iter().any(|known| known == word)
        {
            words.push(word.to_owned());
        }
    }
    words
}

/// One line with the words at `spans` in brackets, and what stands beside them.
pub(super) fn excerpt(complaint: &Complaint, spans: &[Span]) -> String {
    let mut line = String::new();
    for (field, text) in fields(complaint) {
        let stretches = stretches(text, spans.iter().filter(|span| span.field == field));
        if stretches.is_empty() {
            continue;
        }
        if !line.is_empty() {
            line.push_str(" | ");
        }
        let mut shown = 0;
        for (place, &(start, end)) in stretches.iter().enumerate().take(STRETCHES) {
            let from = back(text, start).max(shown);
            if from > shown {
                line.push('…');
            }
            let next = stretches.get(place + 1).map_or(text.len(), |next| next.0);
            let to = forward(text, end).min(next);
            line.push_str(&text[from..start]);
            line.push('[');
            line.push_str(&text[start..end]);
            line.push(']');
            line.push_str(&text[end..to]);
            shown = to;
        }
        if shown < text.len() {
            line.push('…');
        }
    }
    // Of a terminal's own signs none may come from a complaint, and a line is one line.
    line.chars().map(|c| if c.is_control() || c.is_whitespace() { ' ' } else { c }).collect()
}

/// The stretches of `text` under `spans`, in order; those that touch are one.
fn stretches<'s>(text: &str, spans: impl Iterator<Item = &'s Span>) -> Vec<(usize, usize)> {
    let fits = |(start, end): &(usize, usize)| start < end && text.get(*start..*end).is_some();
    let mut all: Vec<(usize, usize)> =
        spans.map(|span| (span.start as usize, span.end as usize)).filter(fits).collect();
    all.sort_unstable();
    let mut merged: Vec<(usize, usize)> = Vec::new();
    for (start, end) in all {
        match merged.last_mut() {
            Some(last) if start <= last.1 => last.1 = last.1.max(end),
            _ => merged.push((start, end)),
        }
    }
    merged
}

fn back(text: &str, from: usize) -> usize {
    text[..from].char_indices().rev().nth(AROUND - 1).map_or(0, |(at, _)| at)
}

fn forward(text: &str, from: usize) -> usize {
    text[from..].char_indices().nth(AROUND).map_or(text.len(), |(at, _)| from + at)
}
