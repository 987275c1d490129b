//! WHIP (RFC 9725) and WHEP (draft-ietf-wish-whep): media to a server and from it, with nothing but HTTP for the
//! signalling.

mod client;
mod fragment;
mod limits;
mod link;
mod offer;
mod play;
mod playback;
mod publish;
mod recorder;
mod roam;
pub mod serve;
mod tell;
mod tend;

use std::time::Duration;

use clap::Subcommand;

use crate::Failure;
use crate::tls::CertHash;
use client::{EndpointUrl, Server};
pub use limits::Limits;
pub(crate) use recorder::{Recorder, Target};

/// `duologue whip`
#[derive(Debug, Subcommand)]
pub(crate) enum WhipCommand {
    /// Send a file to a WHIP server
    Publish(publish::Args),
    /// Be a server for publishers, by WHIP, and for viewers of what they send, by WHEP
    Serve(serve::WhipArgs),
}

/// `duologue whep`
#[derive(Debug, Subcommand)]
pub(crate) enum WhepCommand {
    /// Watch what a WHEP server has: counts frames, and writes them to a file
    Play(play::Args),
    /// Be a server that plays a file to each viewer
    Serve(serve::WhepArgs),
}

pub(crate) async fn run_whip(command: WhipCommand) -> Result<(), Failure> {
    match command {
        WhipCommand::Publish(args) => publish::run(args).await,
        WhipCommand::Serve(args) => serve::run_whip(args).await,
    }
}

pub(crate) async fn run_whep(command: WhepCommand) -> Result<(), Failure> {
    match command {
        WhepCommand::Play(args) => play::run(args).await,
        WhepCommand::Serve(args) => serve::run_whep(args).await,
    }
}

/// What a client needs to be let in.
#[derive(Clone, Debug, clap::Args)]
struct Access {
    /// The bearer token that the server wants; better in the environment than on the command line
    #[arg(
        long,
        value_name = "TOKEN",
        env = "DUOLOGUE_TOKEN",
        hide_env_values = true
    )]
    token: Option<String>,
    /// The SHA-256 hash that the server printed for its certificate; without it the certificate must be one that
    /// this platform trusts
    #[arg(long, value_name = "HASH")]
    cert_hash: Option<CertHash>,
    /// How long a server is asked again that is busy, or that nobody publishes to yet, in seconds
    #[arg(long, value_name = "N", default_value_t = 0)]
    wait: u32,
}

impl Access {
    fn server(&self, url: &EndpointUrl) -> Result<Server, Failure> {
        Server::new(url, self.token.as_deref(), self.cert_hash)
    }

    fn patience(&self) -> Duration {
        Duration::from_secs(self.wait.into())
    }
}
