//! What decoding costs, against plain `serde_json` parsing of the same bytes into a struct (which
//! checks no limit, reads no time, keeps no number's digits and hashes nothing).

#![allow(missing_docs, reason = "criterion's macros make undocumented items")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use fenghuo::source::decode::{DecodeConfig, Decoder};
use jiff::Timestamp;
use serde::Deserialize;

/// The least that a reader of these events would do.
#[derive(Deserialize)]
#[expect(dead_code, reason = "parsing is what is measured")]
struct Plain {
    id: String,
    received_at: String,
    channel: Option<String>,
    #[serde(default)]
    caller: PlainCaller,
    #[serde(default)]
    title: String,
    #[serde(default)]
    text: String,
    #[serde(default)]
    place: PlainPlace,
    #[serde(default)]
    category: Vec<String>,
    subject: Option<String>,
    #[serde(default)]
    tags: Vec<String>,
}

#[derive(Default, Deserialize)]
#[expect(dead_code, reason = "parsing is what is measured")]
struct PlainCaller {
    id: Option<String>,
    phone: Option<String>,
}

#[derive(Default, Deserialize)]
#[expect(dead_code, reason = "parsing is what is measured")]
struct PlainPlace {
    district: Option<String>,
    street: Option<String>,
    community: Option<String>,
    address: Option<String>,
    lon: Option<f64>,
    lat: Option<f64>,
}

/// An event with a text of about `sentences` * 75 bytes.
fn event(sentences: usize) -> Vec<u8> {
    let text = "三号楼电梯已经停了五天，老人上下楼很不方便，物业一直说在等配件。".repeat(sentences);
    format!(
        r#"{{"id":"20260228-001234","received_at":"2026-02-28T11:25:05+08:00","channel":"12345","caller":{{"id":"A000102948","phone":"13800000000"}},"title":"电梯停运多日无人维修","text":"{text}","place":{{"district":"西城区","street":"展览路街道","community":"百万庄社区","address":"百万庄大街甲1号","lon":116.33,"lat":39.93}},"category":["城乡建设","安全生产","安全隐患"],"subject":"某物业公司","tags":["老人"]}}"#
    )
    .into_bytes()
}

fn decoding(criterion: &mut Criterion) {
    let decoder = Decoder::new(DecodeConfig::default()).expect("defaults are valid");
    let now: Timestamp = "2026-03-01T00:00:00Z".parse().expect("a time");
    for (name, sentences) in [("short", 1), ("usual", 5), ("long", 40)] {
        let bytes = event(sentences);
        let mut group = criterion.benchmark_group(format!("decode/{name}"));
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        group.bench_function("decoder", |bencher| {
            bencher.iter(|| decoder.decode(black_box(&bytes), now).expect("valid"));
        });
        group.bench_function("plain serde_json", |bencher| {
            bencher.iter(|| serde_json::from_slice::<Plain>(black_box(&bytes)).expect("valid"));
        });
        group.finish();
    }
}

criterion_group!(benches, decoding);
criterion_main!(benches);
