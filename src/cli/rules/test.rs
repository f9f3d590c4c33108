//! `fenghuo rules test`

use std::io::Write as _;

use clap::Args;

use crate::rules::TestFailure;

use super::super::{Context, Exit};
use super::{RulesIn, counted};

/// Arguments of `fenghuo rules test`.
#[derive(Debug, Args)]
pub struct TestArgs {
    #[command(flatten)]
    rules: RulesIn,

    /// Write the answer as JSON
    #[arg(long)]
    pub json: bool,
}

pub(super) fn run(args: &TestArgs, context: &Context) -> anyhow::Result<Exit> {
    let origin = args.rules.origin(context)?;
    let report = origin.pack()?.run_tests();
    if args.json {
        context.print_json(&report)?;
    } else {
        let mut out = context.out();
        for failure in &report.failures {
            let TestFailure { rule, expected, got, file, line, text } = failure;
            writeln!(out, "{}:{line}: rule {rule} {expected}", origin.path(file))?;
            writeln!(out, "    {text}\n    {got}")?;
        }
        for TestFailure { rule, got, file, line, text, .. } in &report.known_misses {
            writeln!(out, "{}:{line}: known miss of rule {rule}\n    {text}\n    {got}", origin.path(file))?;
        }
        write!(out, "{}: {}, {} failed", origin.told(), counted(report.run, "text"), report.failures.len())?;
        match report.known_misses.len() {
            0 => writeln!(out)?,
            1 => writeln!(out, ", 1 known miss")?,
            several => writeln!(out, ", {several} known misses")?,
        }
        out.flush()?;
    }
    Ok(if report.failures.is_empty() { Exit::Ok } else { Exit::Problems })
}
