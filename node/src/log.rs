//! `DUOLOGUE_LOG`: what happens inside, told to standard error.

use std::io::stderr;
use std::sync::Once;

use tracing_subscriber::EnvFilter;

/// A filter like those of `RUST_LOG`. Without it nothing is logged.
const VARIABLE: &str = "DUOLOGUE_LOG";

/// Begins, once a process, if the variable is set. A filter that cannot be read is named, and what of it
/// can be read counts.
pub(crate) fn start() {
    static STARTED: Once = Once::new();
    STARTED.call_once(|| {
        let Some(filter) = std::env::var(VARIABLE).ok().filter(|text| !text.is_empty()) else {
            return;
        };
        // Someone else of this process may log already.
        let _ = tracing_subscriber::fmt()
            .with_env_filter(EnvFilter::new(filter))
            .with_ansi(false)
            .with_writer(stderr)
            .try_init();
    });
}
