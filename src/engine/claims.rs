//! Sums and people that complaints name, held against the lines of the law.

use crate::model::{Claim, Claimed, Line, Measure, RiskHit, Span, Standard, Where};
use crate::text::{Normalised, quantities};

/// A complaint's hit keeps at most so many.
const KEPT: usize = 24;

/// From so many yuan or people on.
///
/// Of fundraising the three grades (prosecuted, huge, especially huge) of articles 3 to 5 of the Supreme
/// Court's interpretation on illegal fundraising (法释〔2022〕5号): 1, 5 and 50 million yuan taken, 150, 500
/// and 5,000 people, 0.5, 2.5 and 25 million yuan lost. Of pyramid schemes the 30 people of article 70
/// of the standards for prosecution (最高检、公安部 2022), which asks for three levels besides.
const LINES: [(Standard, Measure, &[u64]); 4] = [
    (Standard::Fundraising, Measure::Money, &[1_000_000, 5_000_000, 50_000_000]),
    (Standard::Fundraising, Measure::People, &[150, 500, 5_000]),
    (Standard::Fundraising, Measure::Loss, &[500_000, 2_500_000, 25_000_000]),
    (Standard::Pyramid, Measure::People, &[30]),
];

/// Notes with each hit what its complaint says of sums and people.
pub(super) fn note(hits: &mut [RiskHit], title: &Normalised, text: &Normalised) {
    if hits.is_empty() {
        return;
    }
    let fields = [(Where::Title, title), (Where::Text, text)];
    let claims = fields.into_iter().flat_map(|(field, normal)| {
        quantities(normal.text()).into_iter().map(move |quantity| {
            let Span { start, end, .. } = normal.span(field, quantity.start, quantity.end);
            Claim {
                measure: quantity.measure,
                least: quantity.least,
                most: quantity.most,
                each: quantity.each,
                span: Span { field, start, end },
            }
        })
    });
    let claims: Vec<Claim> = claims.take(KEPT).collect();
    for hit in hits {
        hit.claims.clone_from(&claims);
    }
}

/// The greatest of what these hits' complaints say, and which lines that reaches. Sums of several
/// complaints are not added: they often speak of the same total.
pub(super) fn claimed<'h>(hits: impl Iterator<Item = &'h RiskHit>) -> Claimed {
    let hits: Vec<&RiskHit> = hits.collect();
    let greatest = |measure: Measure, standard: Option<Standard>| {
        let held = hits.iter().filter(|hit| standard.is_none() || hit.standard == standard);
        let claims = held.flat_map(|hit| &hit.claims);
        claims.filter(|claim| claim.measure == measure && !claim.each).map(|claim| claim.least).max()
    };
    let reached = LINES.iter().filter_map(|&(standard, measure, grades)| {
        let said = greatest(measure, Some(standard));
        // What is lost was paid in before.
        let lost = greatest(Measure::Loss, Some(standard)).filter(|_| measure == Measure::Money);
        let most = said.max(lost)?;
        let from = *grades.iter().rev().find(|grade| most >= **grade)?;
        Some(Line { standard, measure, from })
    });
    Claimed {
        money: greatest(Measure::Money, None),
        loss: greatest(Measure::Loss, None),
        people: greatest(Measure::People, None),
        lines: reached.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::{RulePack, sample};
    use crate::text::normalise;

    fn hits(text: &str) -> Vec<RiskHit> {
        let (title, normal) = (normalise(""), normalise(text));
        let mut hits = RulePack::builtin().hits(&sample("", text), &title, &normal);
        note(&mut hits, &title, &normal);
        hits
    }

    #[test]
    fn claims_point_at_the_complaints_own_words() {
        let text = "Ｐ２Ｐ平台跑路，待收３．０８亿元，５６００多名出借人。";
        let hits = hits(text);
        let claims: Vec<&str> = hits[0]
            .claims
            .iter()
            .map(|claim| &text[claim.span.start as usize..claim.span.end as usize])
            .collect();
        assert_eq!(claims, ["３．０８亿元", "５６００多名出借人"]);
        let claimed = claimed(hits.iter());
        assert_eq!((claimed.loss, claimed.people, claimed.money), (Some(308_000_000), Some(5_600), None));
        let lines: Vec<(Measure, u64)> = claimed.lines.iter().map(|line| (line.measure, line.from)).collect();
        let reached = [(Measure::Money, 50_000_000), (Measure::People, 5_000), (Measure::Loss, 25_000_000)];
        assert_eq!(lines, reached);
    }

    #[test]
    fn shares_are_no_totals_and_each_offence_has_its_own_lines() {
        let share = hits("这家公司非法集资，利息停付，每人交了两百万，三十多个老人。");
        assert_eq!(claimed(share.iter()).lines, []);
        assert_eq!(claimed(share.iter()).money, None);
        let pyramid = hits("这里搞传销，四十几个人天天上课，拉人头。");
        let lines = claimed(pyramid.iter().filter(|hit| hit.rule == "F06")).lines;
        assert_eq!(lines, [Line { standard: Standard::Pyramid, measure: Measure::People, from: 30 }]);
        let card = hits("健身房关门，老板跑了，办的年卡，会员三千多人。");
        assert_eq!(claimed(card.iter()).people, Some(3_000));
        assert_eq!(claimed(card.iter().filter(|hit| hit.rule == "F07")).lines, [], "no crime of its own");
    }
}
