//! The `fenghuo` program; see `fenghuo::cli`.

use std::process::ExitCode;

fn main() -> ExitCode {
    fenghuo::cli::main()
}
