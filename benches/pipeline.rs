//! The whole way of an event, from its bytes to the decision, against the floor that nobody can go
//! below: reading its JSON and segmenting its words. One core, the same events for both.
//!
//! `cargo bench --bench pipeline` prints both; their ratio is what `docs/performance.md` reports.
//! With `EVENTS=FILE` the events are those of an NDJSON file of your own.

use std::ffi::OsStr;
use std::hint::black_box;
use std::sync::Arc;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use fenghuo::daemon::core;
use fenghuo::engine::{Arrival, Effects, Engine, EngineConfig, Preparer};
use fenghuo::generate::{GenerateConfig, Generator};
use fenghuo::model::PartitionKey;
use fenghuo::source::decode::{DecodeConfig, Decoded, Decoder};
use jiff::Timestamp;

// As the program has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Events of the stream that are timed, after as many that fill the window.
const EVENTS: usize = 2000;
/// Events that are decided upon before their effects are committed.
const BATCH: usize = 250;

fn stream(events: usize) -> Vec<Vec<u8>> {
    let config = GenerateConfig { keep_truth: false, ..GenerateConfig::spread(events as u64, 7) };
    let events = Generator::new(config).expect("valid settings");
    let bytes = |event: fenghuo::generate::Generated| {
        let mut line = Vec::new();
        event.write_json(&mut line);
        line
    };
    events.map(bytes).collect()
}

fn read(file: &OsStr) -> Vec<Vec<u8>> {
    let bytes = std::fs::read(file).expect("EVENTS names a file");
    bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(<[u8]>::to_vec).collect()
}

struct Core {
    decoder: Decoder,
    preparer: Preparer,
    config: Arc<EngineConfig>,
}

impl Core {
    fn new() -> Self {
        let config = EngineConfig::default();
        let knowledge = core::knowledge(&core::RulesConfig::default(), &config).expect("built in");
        let preparer =
            core::preparer(knowledge, &"a key of sixteen bytes".to_owned().into()).expect("long enough");
        let decoder = Decoder::new(DecodeConfig::default()).expect("valid settings");
        Self { decoder, preparer, config: Arc::new(config) }
    }

    fn decode(&self, bytes: &[u8]) -> Decoded {
        self.decoder.decode(bytes, Timestamp::now()).expect("generated events are good")
    }

    fn engine(&self) -> Engine {
        let knowledge = self.preparer.knowledge().clone();
        Engine::new(PartitionKey::from("main"), Arc::clone(&self.config), knowledge).expect("valid settings")
    }

    fn fold(&self, engine: &mut Engine, events: &[Vec<u8>]) {
        for batch in events.chunks(BATCH) {
            let mut effects = Effects::default();
            for bytes in batch {
                let decoded = self.decode(bytes);
                let prepared = self.preparer.prepare(decoded.complaint, decoded.content);
                engine.apply(
                    Arrival { reached: prepared.complaint.received_at, prepared, version: 1 },
                    &mut effects,
                );
            }
            // Once committed they are dropped, which costs as well.
            black_box(effects);
        }
    }
}

fn pipeline(criterion: &mut Criterion) {
    let core = Core::new();
    let events = std::env::var_os("EVENTS").map_or_else(|| stream(2 * EVENTS), |file| read(&file));
    let (before, timed) = events.split_at(events.len() / 2);
    let mut group = criterion.benchmark_group("event");
    group.throughput(Throughput::Elements(timed.len() as u64)).sample_size(10);
    group.bench_function("floor: serde_json and jieba", |bencher| {
        bencher.iter(|| {
            for bytes in timed {
                let event: serde_json::Value = serde_json::from_slice(bytes).expect("JSON");
                for field in ["title", "text"] {
                    if let Some(text) = event[field].as_str() {
                        black_box(core.preparer.knowledge().segmenter.cut(text));
                    }
                }
            }
        });
    });
    group.bench_function("of it: decode", |bencher| {
        bencher.iter(|| {
            for bytes in timed {
                black_box(core.decode(bytes));
            }
        });
    });
    group.bench_function("of it: prepare", |bencher| {
        let decode = || timed.iter().map(|bytes| core.decode(bytes)).collect::<Vec<_>>();
        let prepare = |decoded: Vec<Decoded>| {
            for decoded in decoded {
                black_box(core.preparer.prepare(decoded.complaint, decoded.content));
            }
        };
        bencher.iter_batched(decode, prepare, BatchSize::PerIteration);
    });
    group.bench_function("pipeline: bytes to decision", |bencher| {
        let filled = || {
            let mut engine = core.engine();
            core.fold(&mut engine, before);
            engine
        };
        // The engine is handed back: a daemon never drops the one that it works with.
        let fold = |mut engine: Engine| {
            core.fold(&mut engine, timed);
            engine
        };
        bencher.iter_batched(filled, fold, BatchSize::PerIteration);
    });
    group.finish();
}

criterion_group!(benches, pipeline);
criterion_main!(benches);
