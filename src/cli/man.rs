//! `fenghuo man`

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, ValueHint};
use clap_mangen::Man;

use super::{Context, Exit};

const EXAMPLES: &str = "Examples:
  fenghuo man | man -l -
  fenghuo man --dir /usr/local/share/man/man1";

/// Arguments of `fenghuo man`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ManArgs {
    /// Write one page for each command into this folder instead of the main page to stdout
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub dir: Option<PathBuf>,
}

/// Writes the man page.
///
/// # Errors
/// When it cannot be written.
pub fn run(args: &ManArgs, context: &Context) -> anyhow::Result<Exit> {
    let command = super::command();
    if let Some(dir) = &args.dir {
        fs::create_dir_all(dir).with_context(|| format!("cannot make the folder {}", dir.display()))?;
        clap_mangen::generate_to(command, dir)
            .with_context(|| format!("cannot write into {}", dir.display()))?;
    } else {
        let mut out = context.out();
        Man::new(command).render(&mut out)?;
        out.flush()?;
    }
    Ok(Exit::Ok)
}
