//! `duologue`, the program.

use std::process::ExitCode;

fn main() -> ExitCode {
    duologue_cli::main()
}
