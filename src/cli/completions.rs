//! `fenghuo completions`

use std::io::Write as _;

use clap::Args;
use clap_complete::Shell;

use super::{Context, Exit};

const EXAMPLES: &str = "Examples:
  fenghuo completions bash > /etc/bash_completion.d/fenghuo
  fenghuo completions zsh > ~/.zfunc/_fenghuo
  fenghuo completions fish > ~/.config/fish/completions/fenghuo.fish";

/// Arguments of `fenghuo completions`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct CompletionsArgs {
    /// The shell to write them for
    #[arg(value_enum)]
    pub shell: Shell,
}

/// Writes a completion script to stdout.
///
/// # Errors
/// When stdout cannot be written to.
pub fn run(args: &CompletionsArgs, context: &Context) -> anyhow::Result<Exit> {
    // Into memory first: the generator panics where it cannot write.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut super::command(), "fenghuo", &mut script);
    let mut out = context.out();
    out.write_all(&script)?;
    out.flush()?;
    Ok(Exit::Ok)
}
