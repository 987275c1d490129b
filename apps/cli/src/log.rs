//! What happens inside, told to standard error: by `-v`, or by what the environment asks for; and to a collector of
//! traces.

use std::io::{IsTerminal, stderr};

use clap::ArgAction;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, fmt};

use crate::Failure;
use crate::traces::{self, Listener, Traces};

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
    /// From here on. Asked for in no way nothing is logged.
    pub(crate) fn start(self) -> Result<Traces, Failure> {
        let (traces, sending) = traces::start()?;
        let log = self.filter()?.map(|filter| self.to_stderr(filter));
        let listeners: Vec<Listener> = traces.into_iter().chain(log).collect();
        if !listeners.is_empty() {
            tracing_subscriber::registry().with(listeners).init();
        }
        Ok(sending)
    }

    fn filter(self) -> Result<Option<EnvFilter>, Failure> {
        let set = |name: &&&str| std::env::var(**name).is_ok_and(|text| !text.is_empty());
        Ok(match (VARIABLES.iter().find(set), self.verbose) {
            (Some(name), _) => {
                let filter = EnvFilter::try_from_env(name);
                Some(filter.map_err(|error| format!("{name}: {error}"))?)
            }
            (None, 0) => None,
            (None, 1) => Some(EnvFilter::new("duologue=debug")),
            (None, _) => Some(EnvFilter::new("duologue=trace")),
        })
    }

    fn to_stderr(self, filter: EnvFilter) -> Listener {
        let log = fmt::layer()
            .with_ansi(stderr().is_terminal())
            .with_writer(stderr);
        match self.log_json {
            true => log.json().with_filter(filter).boxed(),
            false => log.with_filter(filter).boxed(),
        }
    }
}
