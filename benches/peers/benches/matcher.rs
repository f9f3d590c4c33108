//! Overlapping search for all terms of the rule pack: aho-corasick against daachorse.

use std::hint::black_box;
use std::path::Path;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use daachorse::{CharwiseDoubleArrayAhoCorasick, DoubleArrayAhoCorasick};

fn matcher(c: &mut Criterion) {
    let (shipped, texts) = fenghuo_peers::terms_and_texts(Path::new("../../rules/risk"));
    let complaints = fenghuo_peers::complaints(&texts, 200);
    let bytes: usize = complaints.iter().map(String::len).sum();
    // The shipped pack, and one ten times as large: the terms with each of ten characters behind.
    let grown: Vec<String> = shipped
        .iter()
        .flat_map(|term| "款钱卡店人家户公司的".chars().map(move |c| format!("{term}{c}")))
        .collect();

    for (name, terms) in [("shipped", &shipped), ("tenfold", &grown)] {
        let build = |kind| {
            AhoCorasick::builder()
                .match_kind(MatchKind::Standard)
                .kind(Some(kind))
                .build(terms)
                .expect("the terms compile")
        };
        let noncontiguous = build(AhoCorasickKind::NoncontiguousNFA);
        let contiguous = build(AhoCorasickKind::ContiguousNFA);
        let dfa = build(AhoCorasickKind::DFA);
        let bytewise = DoubleArrayAhoCorasick::<u32>::new(terms).expect("the terms compile");
        let charwise = CharwiseDoubleArrayAhoCorasick::<u32>::new(terms).expect("the terms compile");

        let count = |automaton: &AhoCorasick| {
            complaints.iter().map(|text| automaton.find_overlapping_iter(text).count()).sum::<usize>()
        };
        let count_bytewise =
            || complaints.iter().map(|text| bytewise.find_overlapping_iter(text).count()).sum::<usize>();
        let count_charwise =
            || complaints.iter().map(|text| charwise.find_overlapping_iter(text).count()).sum::<usize>();
        let expected = count(&contiguous);
        assert!(expected > 0 && expected == count_charwise() && expected == count_bytewise());
        println!(
            "{name}: {} terms, {expected} matches in {bytes} bytes; heap: nfa {} cnfa {} dfa {} bytewise {} charwise {}",
            terms.len(),
            noncontiguous.memory_usage(),
            contiguous.memory_usage(),
            dfa.memory_usage(),
            bytewise.heap_bytes(),
            charwise.heap_bytes(),
        );

        let mut group = c.benchmark_group(format!("matcher/{name}"));
        group.throughput(Throughput::Bytes(bytes as u64));
        group.bench_function("aho-corasick nfa", |b| b.iter(|| black_box(count(&noncontiguous))));
        group.bench_function("aho-corasick contiguous", |b| b.iter(|| black_box(count(&contiguous))));
        group.bench_function("aho-corasick dfa", |b| b.iter(|| black_box(count(&dfa))));
        group.bench_function("daachorse bytewise", |b| b.iter(|| black_box(count_bytewise())));
        group.bench_function("daachorse charwise", |b| b.iter(|| black_box(count_charwise())));
        group.finish();
    }
}

criterion_group!(benches, matcher);
criterion_main!(benches);
