//! `cargo xtask bench path`: how the estimates of the Rust peer and of Chromium follow a path that falls from 20
//! Mbit/s to 500 kbit/s and is 20 Mbit/s again, with Chromium as the receiver of both, in turns. Linux, as root; an
//! argument says how many rounds.
#![expect(clippy::print_stdout, reason = "the table is what it is for")]

#[path = "table/mod.rs"]
mod table;

use std::process::{Command, ExitCode};

use duologue_browsers::{Browser, CHANGING_PATH, Suite, run};
use serde_json::Value;

/// Set inside of the namespace.
const INSIDE: &str = "DUOLOGUE_CHANGING_PATH";

fn main() -> ExitCode {
    let rounds = std::env::args().nth(1);
    let rounds = rounds.and_then(|it| it.parse().ok()).unwrap_or(3);
    let done = match std::env::var_os(INSIDE) {
        Some(_) => measure(rounds),
        None => enter(rounds),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs this program once more, in a namespace.
fn enter(rounds: usize) -> Result<(), String> {
    let itself = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut inside = Command::new("unshare");
    inside
        .args(["--net", "sh", "-e", "-c", CHANGING_PATH, "sh"])
        .arg(itself)
        .arg(rounds.to_string())
        .env(INSIDE, "1");
    let done = inside.status().map_err(|error| error.to_string())?;
    match done.success() {
        true => Ok(()),
        false => Err(format!("in the namespace: {done}")),
    }
}

fn measure(rounds: usize) -> Result<(), String> {
    let runtime = tokio::runtime::Runtime::new().map_err(|error| error.to_string())?;
    let mut all: Vec<(String, Value)> = Vec::new();
    for round in 1..=rounds {
        let outcomes = runtime.block_on(run(Browser::Chromium, Suite::Path, ""))?;
        all.extend(table::read(round, outcomes)?);
    }
    table::print(&all);
    Ok(())
}
