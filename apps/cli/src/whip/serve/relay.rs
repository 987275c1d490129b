//! `duologue relay`: publishers by WHIP, many viewers of each by WHEP.

use super::cluster::{ClusterOptions, node_name, node_url};
use super::gate::{Tokens, Viewers};
use super::{ServeArgs, Source, serve};
use crate::Failure;
use crate::whip::limits::Limits;

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    /// Another token, with which one may only watch
    #[arg(
        long,
        value_name = "TOKEN",
        env = "DUOLOGUE_VIEWER_TOKEN",
        hide_env_values = true,
        requires = "token"
    )]
    viewer_token: Option<String>,
    /// Everybody may watch, without a token
    #[arg(long, requires = "token", conflicts_with = "viewer_token")]
    public: bool,
    /// How many may publish at once
    #[arg(long, value_name = "N", default_value_t = Limits::default().publishers)]
    max_publishers: usize,
    /// How many may watch at once
    #[arg(long, value_name = "N", default_value_t = Limits::default().viewers)]
    max_viewers: usize,
    /// How many requests a second may ask for sessions, or change them
    #[arg(long, value_name = "N", default_value_t = Limits::default().requests)]
    max_requests: u32,
    /// NATS, with JetStream, where other relays are found that act as one with this one: nats://HOST:4222, more with
    /// a comma between; one that wants a password is better in the environment than on the command line
    #[arg(
        long,
        value_name = "URL",
        env = "DUOLOGUE_NATS",
        hide_env_values = true
    )]
    nats: Option<String>,
    /// Where the other relays, and their viewers, find this one: https://HOST[:PORT]/; the address that it listens
    /// at, when left out
    #[arg(long, value_name = "URL", value_parser = node_url, requires = "nats")]
    url: Option<reqwest::Url>,
    /// What the others call this one; any name, when left out
    #[arg(long, value_name = "NAME", value_parser = node_name, requires = "nats")]
    name: Option<String>,
    #[command(flatten)]
    serve: ServeArgs,
}

pub(crate) async fn run(args: Args) -> Result<(), Failure> {
    let mut options = args.serve.options(Source::Publishers { record: None });
    options.overview = true;
    options.cluster = args.nats.map(|nats| ClusterOptions {
        nats,
        name: args.name,
        url: args.url,
    });
    options.tokens = Tokens {
        viewers: match args.viewer_token {
            Some(token) => Viewers::Token(token),
            None if args.public => Viewers::Public,
            None => Viewers::LikeAll,
        },
        ..options.tokens
    };
    options.limits = Limits {
        publishers: args.max_publishers,
        viewers: args.max_viewers,
        requests: args.max_requests,
        ..options.limits
    };
    serve(&args.serve, options).await
}
