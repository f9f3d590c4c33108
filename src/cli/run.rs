//! `fenghuo run`: the daemon.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, ValueHint};

use crate::daemon::config::{Flag, Sources};

const EXAMPLES: &str = "Examples:
  fenghuo run
  fenghuo run --config /etc/fenghuo/fenghuo.toml
  fenghuo run --data-dir ./data --listen 127.0.0.1:9000
  tail -f orders.ndjson | fenghuo run --input -

Stop it with Ctrl-C or SIGTERM; SIGHUP reads the configuration and the rules again.";

/// Arguments of `fenghuo run`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct RunArgs {
    /// Folder for everything the daemon keeps (`store.path`)
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub data_dir: Option<PathBuf>,

    /// Address and port of the HTTP side (`http.listen`)
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<SocketAddr>,

    /// Read complaints from this file, too; `-` is stdin (`file.path`)
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub input: Option<PathBuf>,
}

impl RunArgs {
    /// Adds these flags above all other layers of the configuration.
    pub fn add_to(&self, sources: &mut Sources) {
        let path = |path: &PathBuf| path.display().to_string();
        let given = [
            ("--data-dir", "store.path", self.data_dir.as_ref().map(path)),
            ("--listen", "http.listen", self.listen.map(|address| address.to_string())),
            ("--input", "file.path", self.input.as_ref().map(path)),
        ];
        for (name, setting, value) in given {
            if let Some(value) = value {
                sources.flags.push(Flag { name: name.into(), path: setting.into(), value });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::daemon::config::Config;

    #[test]
    fn flags_set_the_settings_that_their_help_names() {
        let args = RunArgs {
            data_dir: Some("d".into()),
            listen: Some(SocketAddr::from(([127, 0, 0, 1], 9))),
            input: Some("-".into()),
        };
        let mut sources = Sources::default();
        args.add_to(&mut sources);
        let loaded = Config::load(&sources).unwrap();
        assert_eq!(loaded.config.store.path, PathBuf::from("d"));
        assert_eq!(loaded.config.http.listen, "127.0.0.1:9");
        assert_eq!(loaded.config.file.as_ref().unwrap().path, PathBuf::from("-"));
        assert_eq!(loaded.origin("http.listen"), "flag --listen");
    }
}
