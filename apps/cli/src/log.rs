//! What happens inside, told to standard error: by `-v`, or by what the environment asks for.

use std::io::{IsTerminal, stderr};

use clap::ArgAction;
use tracing_subscriber::EnvFilter;

use crate::Failure;

/// Where filters as those of `RUST_LOG` are looked for, the first one that is set first.
const VARIABLES: [&str; 2] = ["DUOLOGUE_LOG", "RUST_LOG"];

#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct LogArgs {
    /// Log every change of a state to standard error; -vv logs more. DUOLOGUE_LOG, or RUST_LOG, says it in
    /// detail (such as duologue_ice=debug) and goes first
    #[arg(short, long, action = ArgAction::Count, global = true)]
    verbose: u8,
    /// Log as lines of JSON
    #[arg(long, global = true)]
    log_json: bool,
}

impl LogArgs {
    /// From here on. Asked for neither way nothing is logged.
    pub(crate) fn start(self) -> Result<(), Failure> {
        let set = |name: &&&str| std::env::var(**name).is_ok_and(|text| !text.is_empty());
        let filter = match (VARIABLES.iter().find(set), self.verbose) {
            (Some(name), _) => {
                EnvFilter::try_from_env(name).map_err(|error| format!("{name}: {error}"))?
            }
            (None, 0) => return Ok(()),
            (None, 1) => EnvFilter::new("duologue=debug"),
            (None, _) => EnvFilter::new("duologue=trace"),
        };
        let log = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_ansi(stderr().is_terminal())
            .with_writer(stderr);
        match self.log_json {
            true => log.json().init(),
            false => log.init(),
        }
        Ok(())
    }
}
