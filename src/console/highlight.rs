//! Words of a complaint with the reasons marked in them.

use maud::{Markup, html};

use crate::model::{Span, Where};

/// Why a stretch of text is marked, from weakest to strongest; where two overlap, the stronger
/// shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Mark {
    /// A place.
    Place,
    /// Looked like a rule's term and was not counted.
    Masked,
    /// A term that members share, or that a rule looks for.
    Term,
    /// A company or scheme.
    Entity,
}

impl Mark {
    fn class(self) -> &'static str {
        match self {
            Self::Place => "m-place",
            Self::Masked => "m-masked",
            Self::Term => "m-term",
            Self::Entity => "m-entity",
        }
    }

    fn chinese(self) -> &'static str {
        match self {
            Self::Place => "地点",
            Self::Masked => "已排除，不计分",
            Self::Term => "依据",
            Self::Entity => "主体",
        }
    }
}

/// `text`, which is the field `field`, with `marks` in it. Spans that do not fit the text (of an
/// earlier version of the complaint) are left out.
pub(super) fn highlight(text: &str, field: Where, marks: &[(Span, Mark)]) -> Markup {
    let fits = |span: &Span| {
        span.field == field
            && span.start < span.end
            && text.get(span.start as usize..span.end as usize).is_some()
    };
    let marks: Vec<(usize, usize, Mark)> = marks
        .iter()
        .filter(|(span, _)| fits(span))
        .map(|&(span, mark)| (span.start as usize, span.end as usize, mark))
        .collect();
    // Between two neighbouring edges the set of marks is the same, so each stretch has one class.
    let mut edges: Vec<usize> = marks.iter().flat_map(|&(start, end, _)| [start, end]).collect();
    edges.extend([0, text.len()]);
    edges.sort_unstable();
    edges.dedup();
    let mut stretches: Vec<(usize, usize, Option<Mark>)> = Vec::new();
    for pair in edges.windows(2) {
        let (start, end) = (pair[0], pair[1]);
        let covering = marks.iter().filter(|&&(from, to, _)| from <= start && end <= to);
        let mark = covering.map(|&(.., mark)| mark).max();
        match stretches.last_mut() {
            Some(last) if last.2 == mark => last.1 = end,
            _ => stretches.push((start, end, mark)),
        }
    }
    html! {
        @for (start, end, mark) in stretches {
            @match mark {
                Some(mark) => mark class=(mark.class()) title=(mark.chinese()) { (text[start..end]) },
                None => (text[start..end]),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(start: u32, end: u32) -> Span {
        Span { field: Where::Text, start, end }
    }

    #[test]
    fn overlapping_marks_show_the_stronger_and_the_rest_is_escaped() {
        let marks = [(at(0, 6), Mark::Place), (at(3, 9), Mark::Term), (at(1, 2), Mark::Term)];
        let title = Span { field: Where::Title, start: 0, end: 3 };
        let marks = [&marks[..], &[(title, Mark::Entity), (at(0, 900), Mark::Entity)]].concat();
        insta::assert_snapshot!(highlight("甲乙丙<b>", Where::Text, &marks).into_string(), @r#"<mark class="m-place" title="地点">甲</mark><mark class="m-term" title="依据">乙丙</mark>&lt;b&gt;"#);
    }

    proptest! {
        #[test]
        fn nothing_of_the_text_is_lost_or_added(
            text in "[a-c甲乙é]{0,20}",
            spans in prop::collection::vec((0_u32..40, 0_u32..40, 0_usize..4), 0..12),
        ) {
            let kinds = [Mark::Place, Mark::Masked, Mark::Term, Mark::Entity];
            let marks: Vec<_> = spans.iter().map(|&(start, end, kind)| (at(start, end), kinds[kind])).collect();
            let shown = highlight(&text, Where::Text, &marks).into_string();
            let tags = regex::Regex::new("<[^>]*>").unwrap();
            prop_assert_eq!(tags.replace_all(&shown, ""), text);
        }
    }
}
