//! `cargo xtask sim [--seeds N] [--from S]`: lives of the swarm (`test/sim`), optimised and on all cores.

use std::process::{Child, Command, Stdio};

use crate::reliability::{self, Entry};
use crate::run::{self, Outcome, cargo, command, target_dir};

/// Seeds of every test run, from 0 on.
const SMOKE: u64 = 2_000;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How many seeds
    #[arg(long, default_value_t = 2_000)]
    seeds: u64,
    /// The first one; that after the last of the ledger when left out
    #[arg(long)]
    from: Option<u64>,
    /// Failing seeds are named and not shrunk
    #[arg(long)]
    as_they_are: bool,
    /// The run is not added to the ledger
    #[arg(long)]
    unrecorded: bool,
}

/// Every test run lives the same seeds.
pub(crate) fn smoke() -> Outcome {
    tell(0, SMOKE, &live(0, SMOKE, true)?)
}

pub(crate) fn run(args: &Args) -> Outcome {
    let from = match args.from {
        Some(from) => from,
        None => reliability::next_seed()?,
    };
    let lived = live(from, args.seeds, args.as_they_are)?;
    let outcome = tell(from, args.seeds, &lived);
    if !args.unrecorded {
        reliability::record(&Entry {
            command: "sim".to_owned(),
            what: format!("seeds {from} to {}", from + args.seeds),
            count: lived.lives,
            cpu_seconds: lived.cpu.round() as u64,
            failed: lived.failed,
        })?;
    }
    outcome
}

fn tell(from: u64, seeds: u64, lived: &Lived) -> Outcome {
    let Lived { lives, failed, cpu } = lived;
    println!("sim: {lives} seeds from {from}, {failed} failed, {cpu:.0} CPU s");
    match *failed {
        0 if *lives == seeds => Ok(()),
        0 => Err(format!("{lives} of {seeds} seeds were lived")),
        failed => Err(format!("{failed} of {seeds} seeds failed")),
    }
}

/// What the lives of one or several processes came to.
#[derive(Debug, Default, PartialEq)]
struct Lived {
    lives: u64,
    failed: u64,
    cpu: f64,
}

/// Builds the program that lives them.
pub(crate) fn build() -> Command {
    let profile = ["--profile", "swarm", "-p", "duologue-sim"];
    let mut build = cargo(["build", "--example", "swarm"]);
    build.args(profile);
    build
}

fn live(from: u64, seeds: u64, as_they_are: bool) -> Outcome<Lived> {
    run::run(build())?;
    let jobs = std::thread::available_parallelism().map_or(1, |n| n.get() as u64);
    let children: Vec<Child> = (0..jobs.min(seeds))
        .map(|job| start(from + job, seeds - job, jobs, as_they_are))
        .collect::<Outcome<_>>()?;
    let mut all = Lived::default();
    for child in children {
        let out = child.wait_with_output().map_err(|e| e.to_string())?;
        let text = String::from_utf8_lossy(&out.stdout);
        let lived = text.lines().find_map(read);
        let lived = lived.ok_or_else(|| format!("the swarm ended early: {}", out.status))?;
        all.lives += lived.lives;
        all.failed += lived.failed;
        all.cpu += lived.cpu;
    }
    Ok(all)
}

fn start(from: u64, seeds: u64, step: u64, as_they_are: bool) -> Outcome<Child> {
    let program = target_dir().join("swarm/examples/swarm");
    let numbers = [("--from", from), ("--seeds", seeds), ("--step", step)];
    let args = numbers.map(|(name, number)| [name.to_owned(), number.to_string()]);
    let mut swarm = command(&program.display().to_string(), args.as_flattened());
    swarm.args(as_they_are.then_some("--as-they-are"));
    // Why a seed fails is said once.
    swarm.env("RUST_BACKTRACE", "0").stdout(Stdio::piped());
    swarm
        .spawn()
        .map_err(|error| format!("{}: {error}", program.display()))
}

/// The last line of a process.
fn read(line: &str) -> Option<Lived> {
    let words = line.strip_prefix("swarm: lives=")?;
    let mut words = words.split(' ');
    let lives = words.next()?.parse().ok()?;
    let failed = words.next()?.strip_prefix("failed=")?.parse().ok()?;
    let cpu = words.next()?.strip_prefix("cpu=")?.parse().ok()?;
    Some(Lived { lives, failed, cpu })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_of_a_process_is_read() {
        let line = "swarm: lives=3 failed=1 cpu=0.5 ends=6 connected=2";
        let lived = Lived {
            lives: 3,
            failed: 1,
            cpu: 0.5,
        };
        assert_eq!(read(line), Some(lived));
        assert_eq!(read("swarm: seed 7 fails: why"), None);
    }
}
