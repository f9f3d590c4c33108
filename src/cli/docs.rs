//! `fenghuo docs`, hidden: writes the pages and example files that are made from the program
//! itself. A test holds the committed ones against what this would write.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;

use crate::daemon::config::catalog::Catalog;
use crate::daemon::config::{Active, Config, example, reference};

use super::{Context, Exit, exit};

/// Arguments of `fenghuo docs`.
#[derive(Debug, Args)]
pub struct DocsArgs {
    /// The root of the source tree
    pub dir: PathBuf,
}

const EMBEDDED: &str = "fenghuo, embedded: one process, one folder, no broker and no server.

Complaints come in over HTTP. Every setting is here with its meaning; those that begin with `#` show their \
default. Relative paths are relative to the folder of this file. Check changes with `fenghuo config check FILE`.";

const EMBEDDED_ACTIVE: [Active<'_>; 2] =
    [("store.path", "\"/var/lib/fenghuo\""), ("http.listen", "\"127.0.0.1:8787\"")];

const KAFKA: &str = "fenghuo behind Kafka.

Complaints come from a topic; the position is kept in the store together with what was made of them. Every \
setting is here with its meaning; those that begin with `#` show their default. Relative paths are relative to \
the folder of this file. Check changes with `fenghuo config check FILE`.";

const KAFKA_ACTIVE: [Active<'_>; 3] = [
    ("store.path", "\"/var/lib/fenghuo\""),
    ("kafka.brokers", "[\"kafka-1:9092\", \"kafka-2:9092\"]"),
    ("kafka.topic", "\"complaints\""),
];

/// Every setting, none switched on.
pub fn bare_example() -> String {
    let introduction =
        "fenghuo. Every setting with its meaning; those that begin with `#` show their default.";
    example(&Catalog::of::<Config>(), introduction, &[])
}

/// What is written: paths below the root of the source tree, and contents.
pub fn pages() -> Vec<(&'static str, String)> {
    let catalog = Catalog::of::<Config>();
    vec![
        ("docs/cli.md", cli_page()),
        ("docs/configuration.md", format!("{CONFIGURATION}{}", reference(&catalog))),
        ("rules/risk/schema.json", super::rules::schema()),
        ("deploy/config/embedded.toml", example(&catalog, EMBEDDED, &EMBEDDED_ACTIVE)),
        ("deploy/config/kafka.toml", example(&catalog, KAFKA, &KAFKA_ACTIVE)),
    ]
}

/// Writes the pages.
///
/// # Errors
/// When they cannot be written.
pub fn run(args: &DocsArgs, _: &Context) -> anyhow::Result<Exit> {
    for (path, text) in pages() {
        let path = args.dir.join(path);
        let folder = path.parent().unwrap_or(&args.dir);
        fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(Exit::Ok)
}

fn cli_page() -> String {
    let mut out = String::from(CLI);
    out.push_str("\n## Exit codes\n\n| code | meaning |\n|---|---|\n");
    for exit in exit::Exit::ALL {
        let _ = writeln!(out, "| {} | {} |", exit.code(), exit.meaning());
    }
    out.push_str("\n## Commands\n");
    let mut root = super::command();
    describe(&mut out, &mut root, "fenghuo");
    out
}

// Global options are told once, at the top.
fn describe(out: &mut String, command: &mut clap::Command, name: &str) {
    let mut shown = command.clone().bin_name(name).term_width(96).disable_help_flag(true);
    if name != "fenghuo" {
        let global: Vec<clap::Id> =
            shown.get_arguments().filter(|arg| arg.is_global_set()).map(|arg| arg.get_id().clone()).collect();
        for id in global {
            shown = shown.mut_arg(id, |arg| arg.hide(true));
        }
    }
    let help = shown.render_long_help().to_string();
    let help: Vec<&str> = help.lines().map(str::trim_end).collect();
    let _ = write!(out, "\n### `{name}`\n\n```text\n{}\n```\n", help.join("\n").trim());
    for inner in command.get_subcommands_mut().filter(|inner| !inner.is_hide_set()) {
        if inner.get_name() != "help" {
            let name = format!("{name} {}", inner.get_name());
            describe(out, inner, &name);
        }
    }
}

const CLI: &str = "# The command line

<!-- Written by `fenghuo docs .`; a test fails when it is not current. -->

`fenghuo` is one program. Data goes to stdout, everything else to stderr; commands whose output is data take \
`--json`. A fault is one line, `fenghuo: what: cause`; of a configuration, one line for each thing wrong. A \
reader that goes away (`fenghuo ... | head`) is no fault. Progress bars appear only when stderr is a terminal.
";

const CONFIGURATION: &str = "# Configuration

<!-- Written by `fenghuo docs .`; a test fails when it is not current. -->

Settings come in four layers, each above the one before:

1. built-in defaults,
2. one TOML file: `--config FILE` or `FENGHUO_CONFIG`,
3. environment variables: `FENGHUO_` and the setting in capitals, with `__` between table and name, so that \
`FENGHUO_STORE__PATH` sets `store.path`. Lists may be written with commas, tables as TOML,
4. flags: `--set store.path=/data/f.db`, and those that a command has of its own.

`fenghuo config check FILE` tells everything that is wrong, with file, line and column (or the variable, or the \
flag) and the nearest known name; the daemon refuses to start with such a configuration. `fenghuo config show` \
tells what is in force and where each value comes from. `fenghuo config schema` writes the JSON Schema, with which \
editors complete and check. [`deploy/config/`](../deploy/config/) has complete commented files.

Relative paths in the file are relative to the file's folder; those in variables and flags to the working folder.

A variable that begins with `FENGHUO_` and is no setting is refused, too, unless a setting names it as the holder of \
a secret (`FENGHUO_CONFIG`, and what Kubernetes makes for a service called `fenghuo`, are left alone).

## Secrets

No setting holds a secret. A setting that ends in `_file` names a file with the secret and nothing else (an end of \
line is ignored); one that ends in `_env` names an environment variable. One that everybody can read is \
refused (`chmod o-rwx FILE`): keys, secrets, tokens and passwords alike. \
Credentials of systemd (`LoadCredential=`) are files of this kind. For secrets mounted by \
Kubernetes set `defaultMode: 0440`.

The *caller key* makes the hashes by which callers are told apart. Without one from `caller.key_file` or \
`caller.key_env`, the first start makes `caller.key` in the folder of the store. Keep a copy of it with your backups: when it is \
lost, or changed, everybody is a new caller from then on, so a person who called before and calls again within a \
window is counted twice.
";
