//! `fenghuo run`: the daemon.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::mpsc::{Sender, channel};

use clap::{Args, ValueHint};

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::daemon::config::{Config, Flag, Settings, Sources};
use crate::daemon::reload::{Ask, Reload};
use crate::daemon::serve;

use super::{Context, Exit};

const EXAMPLES: &str = "Examples:
  fenghuo run
  fenghuo run --config /etc/fenghuo/fenghuo.toml
  fenghuo run --data-dir ./data --listen 127.0.0.1:9000
  tail -f orders.ndjson | fenghuo run --input -

Stop it with Ctrl-C or SIGTERM; SIGHUP reads the rules and the log level again.";

/// Arguments of `fenghuo run`.
#[derive(Debug, Clone, Args)]
#[command(after_help = EXAMPLES)]
pub struct RunArgs {
    /// Folder for everything the daemon keeps (`store.path`)
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub data_dir: Option<PathBuf>,

    /// Address and port of the HTTP side (`http.listen`)
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<SocketAddr>,

    /// Read complaints from this file, too; `-` is stdin (`file.paths`)
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
            ("--input", "file.paths", self.input.as_ref().map(path)),
        ];
        for (name, setting, value) in given {
            if let Some(value) = value {
                sources.flags.push(Flag { name: name.into(), path: setting.into(), value });
            }
        }
    }
}

/// Runs the daemon until it is told to stop.
///
/// # Errors
/// When it cannot start, or a part has failed for good.
pub fn run(args: &RunArgs, context: &Context) -> anyhow::Result<Exit> {
    let settings = read(args, context)?;
    let log = context.start_logging(&settings.config.log)?;
    let shutdown = CancellationToken::new();
    let (asks, asked) = channel();
    on_signals(shutdown.clone(), Some(asks.clone()))?;
    let (args, context) = (args.clone(), context.clone());
    let read = move || {
        let mut settings = read(&args, &context)?;
        settings.config.log = context.log_config(&settings.config.log);
        Ok(settings)
    };
    serve::run_reloadable(&settings, Reload { asks, asked, read: Box::new(read), log }, &shutdown)?;
    Ok(Exit::Ok)
}

fn read(args: &RunArgs, context: &Context) -> anyhow::Result<Settings> {
    let mut sources = context.sources();
    args.add_to(&mut sources);
    let loaded = Config::load(&sources)?;
    let faults = Settings::faults(&loaded.config);
    if !faults.is_empty() {
        return Err(loaded.errors(faults).into());
    }
    Ok(Settings::new(&loaded)?)
}

/// Cancels the token at the first SIGINT or SIGTERM; a second one ends the process at once.
///
/// # Errors
/// When signals cannot be listened for.
pub fn stop_on_signals(shutdown: CancellationToken) -> anyhow::Result<()> {
    on_signals(shutdown, None)
}

/// [`stop_on_signals`], and tells `hang_up` of each SIGHUP; without it SIGHUP ends the process.
fn on_signals(shutdown: CancellationToken, hang_up: Option<Sender<Ask>>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (mut interrupt, mut terminate, mut hup) = {
        let _inside = runtime.enter();
        let hup = hang_up.as_ref().map(|_| signal(SignalKind::hangup())).transpose()?;
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?, hup)
    };
    let wait = move || {
        runtime.block_on(async {
            loop {
                let next_hup = async {
                    match &mut hup {
                        Some(hup) => hup.recv().await,
                        None => std::future::pending().await,
                    }
                };
                tokio::select! {
                    _ = interrupt.recv() => break,
                    _ = terminate.recv() => break,
                    _ = next_hup => {
                        // When nobody listens, the daemon is ending.
                        hang_up.as_ref().map(|hang_up| hang_up.send(Ask::Everything));
                    }
                }
            }
            tracing::info!("stopping; once more to stop at once");
            shutdown.cancel();
            tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
            // What was committed is safe; the rest is read or sent again.
            std::process::exit(Exit::Interrupted.code().into());
        });
    };
    std::thread::Builder::new().name("signals".into()).spawn(wait)?;
    Ok(())
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
        assert_eq!(loaded.config.file.as_ref().unwrap().paths, [PathBuf::from("-")]);
        assert_eq!(loaded.origin("http.listen"), "flag --listen");
    }
}
