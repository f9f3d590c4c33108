//! The shipped pack against its own texts.

use super::*;

#[test]
fn the_shipped_pack_passes_its_own_tests() {
    let report = RulePack::builtin().run_tests();
    let failures: Vec<String> = report.failures.iter().map(ToString::to_string).collect();
    assert!(failures.is_empty(), "{} of {} texts:\n{}", failures.len(), report.run, failures.join("\n"));
}
