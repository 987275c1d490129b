//! What the demo tells its terminal.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;

/// Something that happened at the Rust end; with `--json` one line each.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "lowercase")]
#[non_exhaustive]
pub enum Happening {
    /// The web server can be visited.
    Listening {
        /// Where.
        url: String,
    },
    /// W3C `connectionstatechange` of a call's Rust end.
    ConnectionStateChange {
        /// The call.
        call: u64,
        /// The new `connectionState`.
        state: &'static str,
    },
    /// A whole file arrived.
    File {
        /// The call.
        call: u64,
        /// Its length.
        bytes: usize,
        /// What was computed from the bytes that arrived, in hexadecimal.
        sha256: String,
    },
    /// A call ended, and everything of it was freed.
    Closed {
        /// The call.
        call: u64,
    },
}

impl fmt::Display for Happening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Happening::Listening { url } => {
                write!(
                    f,
                    "duologue demo\n\n  open  {url}  in a browser; Ctrl-C ends it\n"
                )
            }
            Happening::ConnectionStateChange { call, state } => write!(f, "  call {call}: {state}"),
            Happening::File {
                call,
                bytes,
                sha256,
            } => {
                let mb = *bytes as f64 / 1e6;
                write!(f, "  call {call}: a file of {mb:.1} MB, SHA-256 {sha256}")
            }
            Happening::Closed { call } => write!(f, "  call {call}: ended"),
        }
    }
}

/// Who is told what happens. It must not block.
pub type Tell = Arc<dyn Fn(Happening) + Send + Sync>;
