//! The `fenghuo` program; see `fenghuo::cli`.

use std::process::ExitCode;

// Many small pieces come and go for each complaint; this allocator is made for that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    fenghuo::cli::main()
}
