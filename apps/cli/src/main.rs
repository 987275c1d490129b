//! `duologue`, the program.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    duologue_cli::main().await
}
