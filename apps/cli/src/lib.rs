//! What the program `duologue` does: a Rust peer to talk to from a browser, and two of them
//! measured against each other. A library, so that tests can open the demo in browsers.
#![forbid(unsafe_code)]
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program of the terminal"
)]

mod bucket;
mod call;
mod check;
mod control;
pub mod demo;
mod http;
mod ice_server;
mod kept;
mod log;
mod loopback;
mod manual;
mod media;
mod meter;
mod plain;
mod quantile;
mod record;
mod rooms;
mod tls;
mod traces;
pub mod whip;

use std::pin::Pin;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use tokio::runtime::Runtime;

/// RTCPeerConnection outside the browser. Without a command: the demo
#[derive(Debug, Parser)]
#[command(name = "duologue", version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    demo: demo::Args,
    #[command(flatten)]
    log: log::LogArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// A page that talks to a Rust peer: open the printed address in a browser
    Demo(demo::Args),
    /// Connect to another `duologue call`, or to a demo: see, hear, chat or measure
    Call(call::Args),
    /// Bring callers together who name the same room: the signalling server of `call --room`
    Rooms(rooms::Args),
    /// Two peers in this process over real UDP sockets: set-up time, throughput, round trips; picture and sound
    Loopback(loopback::Args),
    /// Send a file to a WHIP server, or be one
    #[command(subcommand)]
    Whip(whip::WhipCommand),
    /// Watch what a WHEP server has, or be one
    #[command(subcommand)]
    Whep(whip::WhepCommand),
    /// Publishers by WHIP, many viewers of each by WHEP, on one UDP port
    Relay(whip::serve::relay::Args),
    /// What a running duologue does, as numbers: one that was started with --control
    Stats(control::StatsArgs),
    /// What this machine can encode, decode and capture, and what is missing for more
    Check(check::Args),
    /// What completes this program's commands and options in a shell: `source <(duologue completions bash)`
    Completions(manual::CompletionsArgs),
    /// Write the pages of the manual, for `man`
    Manual(manual::ManualArgs),
}

/// Does what the command line says.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    // It goes after the runtime, whose tasks end their spans with it.
    let _traces = match cli.log.start() {
        Ok(traces) => traces,
        Err(error) => {
            eprintln!("duologue: {error}");
            return ExitCode::FAILURE;
        }
    };
    let runtime = match Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("duologue: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(run(cli)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // It may have words of a server's or a peer's.
            eprintln!("{}", plain::marked("duologue: ", &error.to_string()));
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: Cli) -> Result<(), Failure> {
    match cli.command {
        None => demo::run(cli.demo).await,
        Some(Command::Demo(args)) => demo::run(args).await,
        Some(Command::Call(args)) => call::run(args).await,
        Some(Command::Rooms(args)) => rooms::run(args).await,
        Some(Command::Loopback(args)) => loopback::run(args).await,
        Some(Command::Whip(command)) => whip::run_whip(command).await,
        Some(Command::Whep(command)) => whip::run_whep(command).await,
        Some(Command::Relay(args)) => whip::serve::relay::run(args).await,
        Some(Command::Stats(args)) => control::run(args).await,
        Some(Command::Check(args)) => check::run(args).await,
        Some(Command::Completions(args)) => manual::completions(args),
        Some(Command::Manual(args)) => manual::manual(&args),
    }
}

/// What ends a command early; its text is for people.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Ctrl-C, and what a supervisor or a container says before it ends a program by force (`SIGTERM`).
async fn interrupted() {
    let asked = async {
        if tokio::signal::ctrl_c().await.is_err() {
            // There is no such signal here; the program then runs on.
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        () = asked => {}
        () = terminated() => {}
    }
}

#[cfg(unix)]
async fn terminated() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut signal) => drop(signal.recv().await),
        Err(_) => std::future::pending().await,
    }
}

#[cfg(not(unix))]
async fn terminated() {
    std::future::pending().await
}

/// [`interrupted`] for who looks at it in several places: what comes between two of them counts, too.
struct Interrupt(Option<Pin<Box<dyn Future<Output = ()> + Send>>>);

impl Interrupt {
    fn new() -> Self {
        Interrupt(Some(Box::pin(interrupted())))
    }

    /// Until it came; at once if it did.
    async fn came(&mut self) {
        if let Some(signal) = &mut self.0 {
            signal.as_mut().await;
            self.0 = None;
        }
    }
}

/// How long to measure, as `--seconds` has it.
fn seconds(text: &str) -> Result<Duration, &'static str> {
    let seconds: f64 = text.parse().map_err(|_| "not a number")?;
    match (0.1..=86_400.0).contains(&seconds) {
        true => Ok(Duration::from_secs_f64(seconds)),
        false => Err("it may be 0.1 to 86400"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_to_measure_is_a_number_of_seconds_within_reason() {
        assert_eq!(seconds("1.5"), Ok(Duration::from_millis(1500)));
        for wrong in ["", "a", "0", "-1", "NaN", "inf", "1e30"] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }
}
