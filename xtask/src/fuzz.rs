//! `cargo xtask fuzz [TARGET] [--seconds N]`: the fuzz targets, guided by what each input reaches (cargo-fuzz, whose
//! coverage needs no other toolchain than the one that runs this), or without guidance.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use crate::reliability::{self, Entry};
use crate::run::{self, Outcome, cargo, command, output, root, target_dir};
use crate::tools::Tool;

const CARGO_FUZZ: Tool = Tool {
    name: "cargo-fuzz",
    version: "0.13.2",
    with: &[],
};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only this target
    target: Option<String>,
    /// How long each target runs
    #[arg(long, default_value_t = 600)]
    seconds: u32,
    /// Inputs that nothing guides, as in `cargo xtask test fuzz`
    #[arg(long)]
    unguided: bool,
}

/// How long each target runs in `cargo xtask test fuzz`.
const SMOKE_SECONDS: u32 = 3;

/// Builds what runs without guidance.
pub(crate) fn build() -> Command {
    stable("build")
}

fn stable(verb: &str) -> Command {
    let mut stable = cargo([verb, "--manifest-path", "fuzz/Cargo.toml"]);
    stable.args(["--example", "stable"]);
    // Most third-party crates are built there already.
    stable.env("CARGO_TARGET_DIR", target_dir());
    stable
}

/// Runs the targets without guidance, and gives back what the ledger keeps of them.
fn run_unguided(only: Option<&str>, seconds: u32) -> Outcome<Vec<Entry>> {
    let mut program = stable("run");
    program.arg("--").args(only);
    program.args(["--seconds", &seconds.to_string()]);
    run_stable(program)
}

/// Runs the program and shows what it prints: a line for each target.
fn run_stable(mut program: Command) -> Outcome<Vec<Entry>> {
    let mut child = program
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("cannot start cargo: {error}"))?;
    let mut entries = Vec::new();
    for line in child
        .stdout
        .take()
        .into_iter()
        .flat_map(|out| BufReader::new(out).lines())
    {
        let line = line.map_err(|error| error.to_string())?;
        println!("{line}");
        entries.extend(read(&line));
    }
    let status = child.wait().map_err(|error| error.to_string())?;
    match status.success() {
        true => Ok(entries),
        false => Err(format!("a target fails: {status}")),
    }
}

/// `fuzz: sdp   1234 runs, 5 seeds, 60 CPU s, 35 KiB at most`
fn read(line: &str) -> Option<Entry> {
    let words: Vec<&str> = line.strip_prefix("fuzz: ")?.split_whitespace().collect();
    let [target, runs, "runs,", _, "seeds,", cpu, "CPU", "s,", ..] = words.as_slice() else {
        return None;
    };
    Some(Entry {
        command: "fuzz".to_owned(),
        what: (*target).to_owned(),
        count: runs.parse().ok()?,
        cpu_seconds: cpu.parse().ok()?,
        failed: 0,
    })
}

/// Runs the targets by libFuzzer, which keeps the inputs that reach something new, from one run to the next too. Without
/// a sanitizer, which only other toolchains have: the targets are safe Rust.
fn run_guided(only: Option<&str>, seconds: u32) -> Outcome<Vec<Entry>> {
    let program = CARGO_FUZZ.provide()?.display().to_string();
    let folder = target_dir().join("fuzz");
    let cargo_fuzz = |verb: &str| {
        let mut it = command(&program, ["fuzz", verb]);
        it.current_dir(root());
        if verb != "list" {
            it.args(["--sanitizer", "none", "--target-dir"]);
            it.arg(&folder);
        }
        it
    };
    let targets = output(cargo_fuzz("list"))?;
    let mut entries = Vec::new();
    for target in targets.lines().filter(|t| only.is_none_or(|o| o == *t)) {
        let corpus = folder.join("corpus").join(target);
        std::fs::create_dir_all(&corpus).map_err(|e| format!("{}: {e}", corpus.display()))?;
        let mut build = cargo_fuzz("build");
        build.arg(target);
        run::run(build)?;
        let mut fuzz = cargo_fuzz("run");
        fuzz.arg(target).arg(&corpus);
        let seeds = root().join("fuzz/seeds").join(target);
        if seeds.is_dir() {
            fuzz.arg(seeds);
        }
        fuzz.args(["--", "-max_len=4096", "-rss_limit_mb=1024", "-timeout=10"]);
        fuzz.args(["-print_final_stats=1", "-verbosity=0"]);
        fuzz.arg(format!("-max_total_time={seconds}"));
        let before = run::cpu_of_children();
        let count = run_counted(fuzz)?;
        entries.push(Entry {
            command: "fuzz, guided".to_owned(),
            what: target.to_owned(),
            count,
            cpu_seconds: run::cpu_of_children().saturating_sub(before),
            failed: 0,
        });
    }
    Ok(entries)
}

/// Runs libFuzzer and shows what it prints. How many inputs it executed.
fn run_counted(mut fuzz: Command) -> Outcome<u64> {
    let mut child = fuzz
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("cannot start cargo: {error}"))?;
    let mut count = 0;
    for line in child
        .stderr
        .take()
        .into_iter()
        .flat_map(|out| BufReader::new(out).lines())
    {
        let line = line.map_err(|error| error.to_string())?;
        eprintln!("{line}");
        count = executed(&line).unwrap_or(count);
    }
    let status = child.wait().map_err(|error| error.to_string())?;
    match status.success() {
        true => Ok(count),
        false => Err(format!("a target fails: {status}")),
    }
}

/// `stat::number_of_executed_units: 1234`
fn executed(line: &str) -> Option<u64> {
    let rest = line.strip_prefix("stat::number_of_executed_units:")?;
    rest.trim().parse().ok()
}

/// Targets that are whole servers, asked by tests of the program: part `unit` runs each for a second.
const SERVERS: [(&str, &str); 2] = [
    (
        "whip_http",
        "fuzz::a_whip_server_answers_whatever_it_is_asked",
    ),
    ("demo_http", "fuzz::a_demo_answers_whatever_it_is_asked"),
];

pub(crate) fn run(args: &Args) -> Outcome {
    let only = args.target.as_deref();
    let server = |name| SERVERS.iter().any(|(known, _)| *known == name);
    if !only.is_some_and(server) {
        let entries = match args.unguided {
            true => run_unguided(only, args.seconds)?,
            false => run_guided(only, args.seconds)?,
        };
        for entry in entries {
            reliability::record(&entry)?;
        }
    }
    for (name, test) in SERVERS {
        if only.is_none_or(|only| only == name) {
            reliability::record(&run_server(name, test, args.seconds)?)?;
        }
    }
    Ok(())
}

fn run_server(name: &str, test: &str, seconds: u32) -> Outcome<Entry> {
    let tests = ["test", "--quiet", "-p", "duologue-cli", "--test", "whip"];
    let mut build = cargo(tests);
    build.arg("--no-run");
    run::run(build)?;
    let before = run::cpu_of_children();
    let mut test_alone = cargo(tests);
    test_alone.args(["--", "--exact", test, "--nocapture"]);
    test_alone.env("DUOLOGUE_FUZZ_SECONDS", seconds.to_string());
    let said = output(test_alone)?;
    let line = said.lines().find(|line| line.contains("fuzz: "));
    let line = line.ok_or_else(|| format!("{name} says nothing of its runs"))?;
    println!("{line}");
    let count = runs(line).ok_or_else(|| format!("no number of runs: {line}"))?;
    Ok(Entry {
        command: "fuzz".to_owned(),
        what: name.to_owned(),
        count,
        cpu_seconds: run::cpu_of_children().saturating_sub(before),
        failed: 0,
    })
}

/// `fuzz: whip_http   1234 runs, 5 seeds`
fn runs(line: &str) -> Option<u64> {
    let mut words = line.split_whitespace();
    words.find(|word| *word == "fuzz:")?;
    words.nth(1)?.parse().ok()
}

/// A short run of every target.
pub(crate) fn smoke() -> Outcome {
    run_unguided(None, SMOKE_SECONDS).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_of_a_target_is_read() {
        let line = "fuzz: sdp                    1234 runs, 5 seeds, 60 CPU s, 35 KiB at most";
        let entry = read(line).expect("a target");
        assert_eq!((entry.count, entry.cpu_seconds), (1234, 60));
        assert_eq!(entry.what, "sdp");
        assert_eq!(read("fuzz: --seed 7"), None);
    }

    #[test]
    fn the_line_of_a_server_is_read() {
        let line = "fuzz: whip_http                  1234 runs, 3 seeds";
        assert_eq!(runs(line), Some(1234));
        assert_eq!(runs("ok"), None);
    }

    #[test]
    fn how_many_inputs_libfuzzer_executed_is_read() {
        assert_eq!(
            executed("stat::number_of_executed_units: 73012"),
            Some(73_012)
        );
        assert_eq!(executed("stat::peak_rss_mb:             412"), None);
    }
}
