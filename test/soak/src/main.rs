//! `soak --minutes N`: hundreds of connections over real sockets on loopback, with data and media that come and
//! go, while everything goes wrong that can: see [`trouble`]. What grows, hangs or is not said is a failure.
//!
//! `cargo xtask soak` builds and runs it, and adds what came of it to `docs/reliability.csv`.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program of the terminal"
)]

mod abroad;
mod asleep;
mod crowd;
mod gauge;
mod life;
mod limits;
mod log;
mod narrow;
mod peer;
mod report;
mod rule;
mod soak;
mod tally;
mod trouble;

use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use duologue_allocations::Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting::new();

/// Why something did not do what it has to.
type Outcome<T = ()> = Result<T, String>;

#[derive(Debug, Parser)]
#[command(
    name = "soak",
    about = "Connections for a long time, and what befalls them"
)]
struct Args {
    /// How long, at least; a round of troubles is always finished
    #[arg(long, value_name = "N", default_value_t = 5)]
    minutes: u64,
    /// How many connections there are at a time; two make a pair
    #[arg(long, value_name = "N", default_value_t = 200)]
    connections: usize,
    /// Be a part of somebody else's soak, who says what to do
    #[arg(long, hide = true)]
    part: Option<Part>,
}

/// What another process is started for.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Part {
    /// The other end of connections.
    Abroad,
    /// One that has few descriptors.
    Narrow,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let outcome = match args.part {
        None => {
            let minutes = Duration::from_secs(60 * args.minutes);
            runtime.block_on(soak::run(minutes, args.connections.div_ceil(2)))
        }
        Some(Part::Abroad) => runtime.block_on(abroad::answer()),
        Some(Part::Narrow) => runtime.block_on(narrow::exhaust()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("soak: {why}");
            ExitCode::FAILURE
        }
    }
}
