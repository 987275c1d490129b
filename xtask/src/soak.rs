//! `cargo xtask soak [--minutes N]`: hundreds of connections for a long time, and what befalls programs meanwhile
//! (`test/soak`).

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use crate::reliability::{self, Entry};
use crate::run::{self, Outcome, cargo, command, target_dir};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How long, at least; a round of troubles is always finished
    #[arg(long, default_value_t = 5)]
    minutes: u64,
    /// How many connections there are at a time
    #[arg(long, default_value_t = 200)]
    connections: u64,
    /// The run is not added to the ledger
    #[arg(long)]
    unrecorded: bool,
}

/// What a run came to.
#[derive(Debug, PartialEq)]
struct Soaked {
    seconds: u64,
    pairs: u64,
    troubles: u64,
    failed: u64,
    cpu: u64,
}

pub(crate) fn run(args: &Args) -> Outcome {
    let mut build = cargo(["build", "--profile", "swarm", "-p", "duologue-soak"]);
    build.args(["--bin", "soak"]);
    run::run(build)?;
    let program = target_dir().join("swarm/soak");
    let numbers = [
        ("--minutes", args.minutes),
        ("--connections", args.connections),
    ];
    let numbers = numbers.map(|(name, number)| [name.to_owned(), number.to_string()]);
    let mut soak = command(&program.display().to_string(), numbers.as_flattened());
    let child = soak.stdout(Stdio::piped()).spawn();
    let mut child = child.map_err(|error| format!("{}: {error}", program.display()))?;

    let mut soaked = None;
    let out = child.stdout.take().into_iter();
    for line in out.flat_map(|out| BufReader::new(out).lines()) {
        let line = line.map_err(|error| error.to_string())?;
        println!("{line}");
        soaked = soaked.or_else(|| read(&line));
    }
    let status = child.wait().map_err(|error| error.to_string())?;
    let soaked = soaked.ok_or_else(|| format!("the soak ended early: {status}"))?;
    if !args.unrecorded {
        entries(&soaked).iter().try_for_each(reliability::record)?;
    }
    match soaked.failed {
        0 => Ok(()),
        failed => Err(format!("{failed} of what has to hold does not")),
    }
}

/// Its lines of the ledger.
fn entries(soaked: &Soaked) -> [Entry; 3] {
    let entry = |what: &str, count, cpu_seconds, failed| Entry {
        command: "soak".to_owned(),
        what: what.to_owned(),
        count,
        cpu_seconds,
        failed,
    };
    [
        entry("seconds", soaked.seconds, soaked.cpu, soaked.failed),
        entry("pairs of connections", soaked.pairs, 0, 0),
        entry("faults tried", soaked.troubles, 0, 0),
    ]
}

/// The last line of the program.
fn read(line: &str) -> Option<Soaked> {
    let words = line.strip_prefix("soak: ")?;
    let of = |name: &str| {
        let mut words = words.split(' ').filter_map(|word| word.split_once('='));
        words.find(|(it, _)| *it == name)?.1.parse().ok()
    };
    Some(Soaked {
        seconds: of("seconds")?,
        pairs: of("pairs")?,
        troubles: of("troubles")?,
        failed: of("failed")?,
        cpu: of("cpu")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_of_the_program_is_read() {
        let line = "soak: seconds=301 pairs=2400 messages=9 packets=7 troubles=18 failed=1 cpu=99";
        let soaked = Soaked {
            seconds: 301,
            pairs: 2_400,
            troubles: 18,
            failed: 1,
            cpu: 99,
        };
        assert_eq!(read(line), Some(soaked));
        assert_eq!(read("| memory | rule | seen | yes |"), None);
    }
}
