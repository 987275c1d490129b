//! `duologue`: a Rust peer to talk to from a browser, and two of them measured against each other.
#![expect(clippy::print_stdout, reason = "a program of the terminal")]

mod demo;
mod loopback;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// RTCPeerConnection outside the browser.
///
/// Without a command: the demo.
#[derive(Debug, Parser)]
#[command(name = "duologue", version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    demo: demo::Args,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// A page that talks to a Rust peer: open the printed address in a browser
    Demo(demo::Args),
    /// Two peers in this process over real UDP sockets: set-up time, throughput, round trips
    Loopback(loopback::Args),
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = match cli.command {
        None => demo::run(cli.demo).await,
        Some(Command::Demo(args)) => demo::run(args).await,
        Some(Command::Loopback(args)) => loopback::run(args).await,
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("duologue: {error}");
            ExitCode::FAILURE
        }
    }
}

/// What ends a command early; its text is for people.
type Failure = Box<dyn std::error::Error + Send + Sync>;
