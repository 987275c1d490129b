//! `cargo xtask peers`: tries every counterpart and prints the table.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program of the terminal"
)]
#![forbid(unsafe_code)]

use std::process::ExitCode;
use std::time::Instant;

use duologue_peers::{Row, Selection, print};

/// Its argument: `NAME[/CELL]`, parts of names.
#[tokio::main]
async fn main() -> ExitCode {
    let only = std::env::args().nth(1).unwrap_or_default();
    let begun = Instant::now();
    let rows = Selection::new(true, &only)
        .run(|row| eprintln!("{row}"))
        .await;
    println!("{}", print(&rows));
    let failures: Vec<String> = rows.iter().flat_map(Row::failures).collect();
    let took = begun.elapsed().as_secs();
    eprintln!(
        "{}\n{} failures, {took} s",
        failures.join("\n\n"),
        failures.len()
    );
    match failures.is_empty() && !rows.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}
