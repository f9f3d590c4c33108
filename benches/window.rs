//! What a large open window costs: memory for each open complaint, and time for each event, at
//! 1,000,000 open complaints against 10,000. A generated stream of seven days, one core, no store.
//!
//! `cargo bench --bench window` runs both sizes, each in a process of its own; `-- 50000` runs one.

#![expect(clippy::print_stdout, reason = "prints what it measured")]

use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fenghuo::daemon::core;
use fenghuo::engine::{Arrival, Effects, Engine, EngineConfig};
use fenghuo::generate::{GenerateConfig, Generator};
use fenghuo::model::PartitionKey;
use fenghuo::source::decode::{DecodeConfig, Decoder};
use jiff::Timestamp;

// As the program has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The last events of the stream, which meet the full window, are timed.
const TIMED: u64 = 5000;

fn main() {
    let sizes: Vec<u64> = std::env::args().skip(1).filter_map(|size| size.parse().ok()).collect();
    if let [size] = sizes[..] {
        return run(size);
    }
    let program = std::env::current_exe().expect("this program has a path");
    for size in ["10000", "1000000"] {
        let ended = Command::new(&program).arg(size).status().expect("it starts again");
        assert!(ended.success(), "the run with {size} events failed");
    }
}

fn run(events: u64) {
    let config = EngineConfig::default();
    let knowledge = core::knowledge(&core::RulesConfig::default(), &config).expect("built in");
    let preparer =
        core::preparer(knowledge.clone(), &"a key of sixteen bytes".to_owned().into()).expect("long enough");
    let decoder = Decoder::new(DecodeConfig::default()).expect("valid settings");
    let mut engine =
        Engine::new(PartitionKey::from("main"), Arc::new(config), knowledge).expect("valid settings");
    let stream =
        GenerateConfig { keep_truth: false, repeats: 0.0, updates: 0.0, ..GenerateConfig::spread(events, 7) };
    let stream = Generator::new(stream).expect("valid settings");

    let before = resident();
    let (mut first, mut last) = (Duration::ZERO, Duration::ZERO);
    let mut bytes = Vec::new();
    for (index, event) in (0_u64..).zip(stream) {
        bytes.clear();
        event.write_json(&mut bytes);
        let started = Instant::now();
        let decoded = decoder.decode(&bytes, Timestamp::now()).expect("generated events are good");
        let prepared = preparer.prepare(decoded.complaint, decoded.content);
        // Dropped each time: what goes to the store does not stay in memory.
        let mut effects = Effects::default();
        engine.apply(Arrival { reached: prepared.complaint.received_at, prepared, version: 1 }, &mut effects);
        let took = started.elapsed();
        if index < TIMED {
            first += took;
        }
        if index + TIMED >= events {
            last += took;
        }
    }
    let status = engine.status();
    let open = u64::from(status.open_complaints);
    println!(
        "{events:>8} events: {open} open complaints with {} terms, {} open groups, {} open incidents",
        status.open_terms, status.open_groups, status.open_incidents
    );
    println!(
        "         {:.0} bytes of memory for each open complaint; {:.1} µs for each of the last {TIMED} \
         events, {:.1} µs for each of the first",
        (resident() - before) as f64 / open as f64,
        last.as_secs_f64() * 1e6 / TIMED as f64,
        first.as_secs_f64() * 1e6 / TIMED as f64
    );
}

/// Resident memory of this process, in bytes.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux tells a process about itself");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("VmRSS is there");
    let kib: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number of KiB");
    kib * 1024
}
