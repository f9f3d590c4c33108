//! Decoding must survive any bytes; and what it accepts must survive being written and read again.

#![cfg_attr(fuzzing, no_main)]

use std::sync::LazyLock;

use fenghuo::model::Complaint;
use fenghuo::source::decode::{DecodeConfig, Decoder};
use jiff::Timestamp;

static DECODER: LazyLock<Decoder> =
    LazyLock::new(|| Decoder::new(DecodeConfig::default()).expect("the defaults are valid"));

fn decode(bytes: &[u8]) {
    let now = Timestamp::from_second(1_900_000_000).expect("a time");
    match DECODER.decode(bytes, now) {
        Ok(first) => {
            let written = serde_json::to_vec(&first.complaint).expect("a complaint has a JSON form");
            let stored: Complaint = serde_json::from_slice(&written).expect("the store can read it back");
            assert_eq!(stored, first.complaint);
            // Escapes may make the written form longer than a limit that the event just kept.
            if written.len() < 32 << 10 {
                let again = DECODER.decode(&written, now).expect("what was written can be decoded");
                assert_eq!(again, first);
            }
        }
        Err(error) => {
            assert!(!error.detail.is_empty() && !error.detail.contains(['\n', '\0']), "{}", error.detail);
        }
    }
}

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| decode(bytes));

/// Without a fuzzer: runs the files that are given, to look at a finding.
#[cfg(not(fuzzing))]
fn main() {
    for path in std::env::args_os().skip(1) {
        decode(&std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())));
    }
}
