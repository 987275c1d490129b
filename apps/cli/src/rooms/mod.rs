//! `duologue rooms`: two programs that name the same room find each other, and carry on without this one.

mod http;
mod room;

use std::net::SocketAddr;
use std::sync::Arc;

use serde::Serialize;

use crate::demo::guard::Names;
use crate::demo::server::Server;
use crate::demo::{self, Encryption, SiteArgs};
use crate::{Failure, interrupted};
use room::Rooms;
pub(crate) use room::{NAME_BYTES, is_name};

#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct Args {
    #[command(flatten)]
    site: SiteArgs,
    /// Print what happens as lines of JSON
    #[arg(long)]
    json: bool,
}

const EXAMPLE: &str = "\
On a machine that both reach:
  duologue rooms --listen 0.0.0.0:8080
then at both ends, with a name that nobody else guesses:
  duologue call --server https://HOST:8080/ --cert-hash HASH --room NAME

Who runs the server could put himself between the two: take one that you trust.";

/// Serves until Ctrl-C or `SIGTERM`.
pub(crate) async fn run(args: Args) -> Result<(), Failure> {
    let json = args.json;
    let tell = move |happening: &Happening| match json {
        true => println!("{}", serde_json::to_string(happening).unwrap_or_default()),
        false => println!("{}", happening.text()),
    };
    let (listen, encryption) = (args.site.listen, args.site.encryption());
    let (server, listening) = bind(listen, &encryption, args.site.names).await?;
    tell(&listening);
    server.serve(interrupted()).await;
    Ok(())
}

async fn bind(
    listen: SocketAddr,
    encryption: &Encryption,
    names: Vec<String>,
) -> Result<(Server, Happening), Failure> {
    let site = demo::Site::bind(listen, encryption, &names).await?;
    let listening = Happening {
        event: "listening",
        urls: site.urls.clone(),
        certificate: site.certificate.clone(),
    };
    let limits = demo::Limits {
        // Each that waits has two.
        connections: 2 * room::ROOMS,
        ..demo::Limits::default()
    };
    let names = Names::from(names);
    let router = http::router(Arc::new(Rooms::default()), names.clone(), limits.body);
    Ok((site.server(router, names, limits), listening))
}

/// That the server is there.
#[derive(Debug, Serialize)]
struct Happening {
    event: &'static str,
    urls: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate: Option<String>,
}

impl Happening {
    fn text(&self) -> String {
        let hash = match &self.certificate {
            Some(hash) => format!(" --cert-hash {hash}"),
            None => String::new(),
        };
        let calls = self.urls.iter();
        let calls = calls.map(|url| format!("  duologue call --server {url}{hash} --room NAME"));
        let calls: Vec<String> = calls.collect();
        format!(
            "two programs that name the same room are connected:\n{}",
            calls.join("\n")
        )
    }
}
