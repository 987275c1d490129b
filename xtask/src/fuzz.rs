//! `cargo xtask fuzz [TARGET] [--seconds N]`: the fuzz targets, with cargo-fuzz where it and a
//! nightly toolchain are installed, else without guidance on the toolchain that runs this.

use crate::run::{self, Outcome, cargo, command, has, output, root, target_dir};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only this target
    target: Option<String>,
    /// How long each target runs
    #[arg(long, default_value_t = 600)]
    seconds: u32,
}

/// How long each target runs in `cargo xtask test fuzz`.
const SMOKE_SECONDS: u32 = 3;

fn run_all(only: Option<&str>, seconds: u32) -> Outcome {
    if has("cargo-fuzz") && output(command("cargo", ["+nightly", "--version"])).is_ok() {
        return run_guided(only, seconds);
    }
    eprintln!(
        "fuzz: without guidance; `cargo install cargo-fuzz` and a nightly toolchain find more"
    );
    let mut stable = cargo(["run", "--manifest-path", "fuzz/Cargo.toml"]);
    stable.args(["--example", "stable", "--"]).args(only);
    stable.args(["--seconds", &seconds.to_string()]);
    // Most third-party crates are built there already.
    stable.env("CARGO_TARGET_DIR", target_dir());
    run::run(stable)
}

fn run_guided(only: Option<&str>, seconds: u32) -> Outcome {
    let mut list = command("cargo", ["+nightly", "fuzz", "list"]);
    list.current_dir(root());
    let targets = output(list)?;
    for target in targets.lines().filter(|t| only.is_none_or(|o| o == *t)) {
        let corpus = root().join("fuzz/corpus").join(target);
        std::fs::create_dir_all(&corpus).map_err(|e| format!("{}: {e}", corpus.display()))?;
        let mut fuzz = command("cargo", ["+nightly", "fuzz", "run", target]);
        fuzz.arg(&corpus);
        let seeds = root().join("fuzz/seeds").join(target);
        if seeds.is_dir() {
            fuzz.arg(seeds);
        }
        fuzz.args(["--", "-max_len=4096", "-rss_limit_mb=1024", "-timeout=10"]);
        fuzz.arg(format!("-max_total_time={seconds}"));
        run::run(fuzz)?;
    }
    Ok(())
}

pub(crate) fn run(args: &Args) -> Outcome {
    run_all(args.target.as_deref(), args.seconds)
}

/// A short run of every target.
pub(crate) fn smoke() -> Outcome {
    run_all(None, SMOKE_SECONDS)
}
