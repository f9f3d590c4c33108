//! Whether what somebody sends on purpose makes the engine slow: the time for each of the first and of the
//! last complaints of streams that are made to hurt. One core, no store.
//!
//! `cargo bench --bench hostile` prints it; `-- 10000` takes so many of each kind.

#![expect(clippy::print_stdout, reason = "prints what it measured")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use fenghuo::daemon::core;
use fenghuo::engine::{Arrival, Effects, Engine, EngineConfig};
use fenghuo::model::PartitionKey;
use fenghuo::source::decode::{DecodeConfig, Decoder};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

// As the program has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// So many at the beginning and at the end are timed.
const TIMED: u32 = 1000;

type Made = fn(u32) -> (&'static str, String);

/// One text about one place, from as many people as there are complaints.
fn one_text(_: u32) -> (&'static str, String) {
    let text =
        "云栖雅苑小区楼下的饭店烟道直排，油烟熏得居民不敢开窗，多次向物业反映没有结果，请城管部门查处。";
    ("云栖雅苑底商油烟扰民", text.to_owned())
}

/// Nothing but what all letters say.
fn boilerplate(_: u32) -> (&'static str, String) {
    ("请问", "您好，请问什么时候能解决？希望有关部门尽快核实处理，给居民一个满意的答复，谢谢。".to_owned())
}

/// Sites, and nothing but sites.
fn sites(number: u32) -> (&'static str, String) {
    let site = |at: u32| {
        let character = |salt: u32| char::from_u32(0x4e00 + (at * salt + number) % 6000).unwrap_or('云');
        format!("{}{}花园小区", character(7), character(13))
    };
    ("反映以下小区的问题", (0..10_000).map(site).collect::<Vec<_>>().join("，"))
}

/// The same rare words in another order each time: everybody is a candidate for everybody.
fn shuffled(number: u32) -> (&'static str, String) {
    let words = ["烟道", "搅拌站", "恶臭", "井盖", "垃圾", "噪音", "渗水", "停电", "断头路", "黑车"];
    let count = words.len() as u32;
    let word = |at: u32| words[((number / (at + 1) + at * 7) % count) as usize];
    ("", (0..40).map(word).collect())
}

fn main() {
    let most = std::env::args().skip(1).find_map(|count| count.parse().ok()).unwrap_or(100_000);
    let kinds: [(&str, Made, u32); 4] = [
        ("one text", one_text, most),
        ("boilerplate", boilerplate, most),
        ("rare words shuffled", shuffled, most),
        // A hundredth, since each is as long as hundreds.
        ("10,000 sites in a text", sites, most / 100),
    ];
    for (name, made, count) in kinds {
        run(name, made, count.max(2 * TIMED.min(count / 2)));
    }
}

fn run(name: &str, made: Made, count: u32) {
    let config = EngineConfig::default();
    let knowledge = core::knowledge(&core::RulesConfig::default(), &config).expect("built in");
    let preparer =
        core::preparer(knowledge.clone(), &"a key of sixteen bytes".to_owned().into()).expect("long enough");
    let decoder = Decoder::new(DecodeConfig::default()).expect("valid settings");
    let mut engine =
        Engine::new(PartitionKey::from("main"), Arc::new(config), knowledge).expect("valid settings");
    let begin: Timestamp = "2026-03-01T00:00:00Z".parse().expect("a time");
    let timed = TIMED.min(count / 2);
    let (mut first, mut last) = (Duration::ZERO, Duration::ZERO);
    for number in 0..count {
        let (title, text) = made(number);
        let at = begin + SignedDuration::from_secs(i64::from(number) * 6);
        let event: Value = json!({
            "id": number, "received_at": at.to_string(), "title": title, "text": text,
            "caller": { "phone": format!("139{number:08}") },
        });
        let bytes = event.to_string();
        let started = Instant::now();
        let decoded = decoder.decode(bytes.as_bytes(), Timestamp::MAX).expect("a good event");
        let prepared = preparer.prepare(decoded.complaint, decoded.content);
        let mut effects = Effects::default();
        engine.apply(Arrival { reached: prepared.complaint.received_at, prepared, version: 1 }, &mut effects);
        let took = started.elapsed();
        if number < timed {
            first += took;
        }
        if number + timed >= count {
            last += took;
        }
    }
    let each = |sum: Duration| sum.as_secs_f64() * 1e6 / f64::from(timed);
    println!(
        "{name}, {count} times: {:.1} µs for each of the first {timed}, {:.1} µs for each of the last ({:.2} times)",
        each(first),
        each(last),
        each(last) / each(first)
    );
}
