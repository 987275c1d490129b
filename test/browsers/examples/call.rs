//! `cargo xtask bench call`: from glass to glass between Chromium and the Rust peer, in all four ways, and how both play
//! the same sound whose packets are late and lost. An argument says how many rounds.
#![expect(clippy::print_stdout, reason = "the tables are what it is for")]

#[path = "table/mod.rs"]
mod table;

use std::process::ExitCode;

use duologue_browsers::{Browser, Suite, run};

fn main() -> ExitCode {
    let rounds = std::env::args().nth(1);
    let rounds = rounds.and_then(|it| it.parse().ok()).unwrap_or(5);
    match measure(rounds) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(rounds: usize) -> Result<(), String> {
    let runtime = tokio::runtime::Runtime::new().map_err(|error| error.to_string())?;
    for suite in [Suite::Glass, Suite::Hearing] {
        let mut all = Vec::new();
        for round in 1..=rounds {
            let outcomes = runtime.block_on(run(Browser::Chromium, suite, ""))?;
            all.extend(table::read(round, outcomes)?);
        }
        table::print(&all);
    }
    Ok(())
}
