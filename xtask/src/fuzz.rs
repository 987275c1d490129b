//! `cargo xtask fuzz [TARGET] [--seconds N]`: the fuzz targets, on the nightly toolchain.

use crate::run::{self, Outcome, command, has, output, root};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only this target
    target: Option<String>,
    /// How long each target runs
    #[arg(long, default_value_t = 600)]
    seconds: u32,
}

/// How long each target runs in `cargo xtask test fuzz`.
const SMOKE_SECONDS: u32 = 8;

fn run_all(only: Option<&str>, seconds: u32) -> Outcome {
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

/// A short run of every target; a machine without cargo-fuzz or a nightly toolchain says so.
pub(crate) fn smoke() -> Outcome {
    if !has("cargo-fuzz") || output(command("cargo", ["+nightly", "--version"])).is_err() {
        eprintln!("fuzz: skipped, needs `cargo install cargo-fuzz` and a nightly toolchain");
        return Ok(());
    }
    run_all(None, SMOKE_SECONDS)
}
