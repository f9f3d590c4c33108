//! `fenghuo receiver`: a small reference receiver of alerts.

use std::net::SocketAddr;
use std::path::PathBuf;

use std::io::Write as _;
use std::sync::Arc;

use anyhow::Context as _;
use clap::{Args, ValueHint};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::daemon::secrets;
use crate::deliver::receiver::{self, Event, ReceiverConfig};
use crate::deliver::{SigningSecret, render_alert};

use super::{Context, Exit, OrExit as _};

const EXAMPLES: &str = "Examples:
  fenghuo receiver --secret-file webhook.secret
  fenghuo receiver --listen 127.0.0.1:8790 --secret-env WEBHOOK_SECRET --json >> alerts.ndjson

It takes alerts by POST at any path, verifies their signature (Standard Webhooks), drops repeats by
their id and prints each alert once.";

/// Arguments of `fenghuo receiver`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ReceiverArgs {
    /// Address and port to listen on; port 0 takes a free one, which is told on stderr
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8790")]
    pub listen: SocketAddr,

    /// File with the secret that signs the alerts
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub secret_file: Option<PathBuf>,

    /// Environment variable with the secret, instead of a file
    #[arg(long, value_name = "NAME", conflicts_with = "secret_file")]
    pub secret_env: Option<String>,

    /// Print each alert as one line of JSON, as it came
    #[arg(long)]
    pub json: bool,

    /// File to keep accepted alerts in, so that repeats are known after a restart, too
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub out: Option<PathBuf>,
}

/// Receives alerts until it is told to stop.
///
/// # Errors
/// When the secret cannot be read, the port cannot be opened, or the file cannot be used.
pub fn run(args: &ReceiverArgs, context: &Context) -> anyhow::Result<Exit> {
    context.start_plain_logging()?;
    let secret =
        secrets::secret("the webhook secret", args.secret_file.as_deref(), args.secret_env.as_deref())?
            .context("name the secret that signs the alerts with --secret-file or --secret-env")
            .or_exit(Exit::Usage)?;
    let secret = SigningSecret::parse(&secret).or_exit(Exit::Usage)?;
    let config =
        ReceiverConfig { out: args.out.clone(), ..ReceiverConfig::new(secret, Arc::new(Timestamp::now)) };
    let shutdown = CancellationToken::new();
    super::run::stop_on_signals(shutdown.clone())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(args.listen)
            .await
            .with_context(|| {
                format!("cannot listen on {}; choose another address with --listen", args.listen)
            })
            .or_exit(Exit::Unavailable)?;
        let address = listener.local_addr()?;
        writeln!(std::io::stderr(), "receiving alerts on http://{address}/; Ctrl-C ends it")?;
        let (json, printer, broken) = (args.json, context.clone(), shutdown.clone());
        let print = move |event| {
            if print(&event, json, &printer).is_err() {
                // Nobody reads on; the sender keeps what is not accepted.
                broken.cancel();
            }
        };
        receiver::serve(listener, config, print, shutdown).await?;
        anyhow::Ok(())
    })?;
    Ok(Exit::Ok)
}

fn print(event: &Event, json: bool, context: &Context) -> anyhow::Result<()> {
    match event {
        Event::Accepted { payload, .. } if json => context.print_json(payload),
        Event::Accepted { payload, .. } => {
            let mut out = context.out();
            writeln!(out, "{}\n", render_alert(&payload.alert))?;
            Ok(out.flush()?)
        }
        Event::Repeated { webhook_id } => {
            tracing::info!(webhook_id, "came again; dropped");
            Ok(())
        }
        Event::Refused(reason) => {
            tracing::warn!(%reason, "refused");
            Ok(())
        }
    }
}
