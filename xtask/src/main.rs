//! `cargo xtask …`: everything a contributor runs.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program of the terminal"
)]

mod ahead;
mod bench;
mod beside;
mod compare;
mod coverage;
mod damage;
mod debian;
mod fuzz;
mod guide;
mod layers;
mod ledger;
mod licences;
mod lint;
mod load;
mod micro;
mod names;
mod package;
mod pages;
mod peers;
mod relay;
mod reliability;
mod run;
mod semver;
mod setup;
mod shape;
mod sim;
mod soak;
mod tally;
mod test;
mod tools;
mod wpt;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(
    name = "cargo xtask",
    about = "Set-up, tests, benches and checks of duologue"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run all tests, or one part of them
    Test(test::Args),
    /// Run a bench and print its table
    Bench(bench::Args),
    /// Run the web-platform-tests against the npm package
    Wpt(wpt::Args),
    /// Connect to other WebRTC stacks, and print what works as a table
    Peers(peers::Args),
    /// Make the packages that are published, and look into them
    Package(package::Args),
    /// Run the fuzz targets
    Fuzz(fuzz::Args),
    /// Give decoders damaged streams, at length
    Damage(damage::Args),
    /// Build the guide and look whether its links lead somewhere
    Guide,
    /// Look whether the page of names is what the code says
    Names(names::Args),
    /// Look whether each name of the reference pages is there and has its tests
    Coverage(coverage::Args),
    /// Live calls at random in virtual time, and add them to the ledger
    Sim(sim::Args),
    /// Keep hundreds of connections going while everything goes wrong, and add that to the ledger
    Soak(soak::Args),
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Test(args) => test::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::Wpt(args) => wpt::run(&args),
        Command::Peers(args) => peers::run(&args),
        Command::Package(args) => package::run(&args),
        Command::Fuzz(args) => fuzz::run(&args),
        Command::Damage(args) => damage::run(&args),
        Command::Guide => guide::build(),
        Command::Names(args) => names::run(&args),
        Command::Coverage(args) => coverage::run(&args),
        Command::Sim(args) => sim::run(&args),
        Command::Soak(args) => soak::run(&args),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("xtask: {failure}");
            ExitCode::FAILURE
        }
    }
}
