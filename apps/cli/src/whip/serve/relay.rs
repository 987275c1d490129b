//! `duologue relay`: publishers by WHIP, many viewers of each by WHEP.

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
    #[command(flatten)]
    serve: ServeArgs,
}

pub(crate) async fn run(args: Args) -> Result<(), Failure> {
    let mut options = args.serve.options(Source::Publishers { record: None });
    options.overview = true;
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
    serve(args.serve.listen, options, args.serve.json).await
}
