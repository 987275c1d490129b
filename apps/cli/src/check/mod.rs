//! `duologue check`: what this machine can encode, decode and capture, how it reaches others, and what is missing for
//! more.

mod behaviour;
mod machine;
mod network;
mod words;

use std::io::{self, Write};
use std::path::PathBuf;

use serde::Serialize;

use crate::Failure;
use crate::ice_server::IceServerArg;
use crate::plain;
use machine::Machine;
use network::{Network, Options};

/// What of `check`.
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Ask this STUN or TURN server, too (repeatable): stun:HOST[:PORT], turn:USER:PASSWORD@HOST[:PORT][?transport=tcp],
    /// turns:…
    #[arg(long = "ice-server", value_name = "SERVER")]
    ice_servers: Vec<IceServerArg>,
    /// Certificates in PEM form that count for turns: and stuns: servers, instead of the platform's
    #[arg(long, value_name = "FILE")]
    tls_roots: Option<PathBuf>,
    /// Look at loopback addresses, too
    #[arg(long)]
    loopback: bool,
    /// One line of JSON instead of text
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Which codecs, devices and addresses there are:
  duologue check

Why a call does not come to be: what the servers answer, by which ports, and what the NAT does (RFC 5780, where the
STUN server has two addresses). The text is for whoever runs the network:
  duologue check --ice-server stun:stun.example.org --ice-server turn:ann:secret@turn.example.org

It fails when a server that was named does not answer as it should.";

/// What is told.
#[derive(Serialize)]
struct Report {
    #[serde(flatten)]
    machine: Machine,
    network: Network,
}

pub(crate) async fn run(args: Args) -> Result<(), Failure> {
    let roots = match &args.tls_roots {
        Some(file) => {
            let read = std::fs::read(file);
            Some(read.map_err(|error| format!("{}: {error}", file.display()))?)
        }
        None => None,
    };
    let options = Options {
        servers: args.ice_servers.into_iter().map(Into::into).collect(),
        roots,
        loopback: args.loopback,
    };
    let (machine, network) = tokio::join!(
        tokio::task::spawn_blocking(Machine::look),
        Network::look(options),
    );
    let report = Report {
        machine: machine?,
        network: network?,
    };

    let text = match args.json {
        true => serde_json::to_string(&report)? + "\n",
        false => {
            let (machine, network) = (report.machine.text(), words::text(&report.network));
            // Servers say in their own words what is wrong.
            plain::marked("", &format!("{machine}\n{network}"))
        }
    };
    io::stdout().write_all(text.as_bytes())?;
    match report.network.silent() {
        0 => Ok(()),
        1 => Err("a server does not answer as it should".into()),
        several => Err(format!("{several} servers do not answer as they should").into()),
    }
}
