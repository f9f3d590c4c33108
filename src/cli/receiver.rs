//! `fenghuo receiver`: a small reference receiver of alerts.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, ValueHint};

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
}
