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
        /// Where, as seen from the likeliest visitor.
        url: String,
        /// Everywhere.
        urls: Vec<String>,
        /// SHA-256 of its certificate, if it has one.
        #[serde(skip_serializing_if = "Option::is_none")]
        certificate: Option<String>,
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
            Happening::Listening {
                url,
                urls,
                certificate,
            } => {
                let others = urls.iter().skip(1);
                let others: String = others.map(|url| format!("  or    {url}\n")).collect();
                writeln!(
                    f,
                    "duologue demo\n\n  open  {url}  in a browser; Ctrl-C ends it\n{others}"
                )?;
                if let Some(hash) = certificate {
                    let (first, second) = hash.split_at(hash.len() / 2 + 1);
                    writeln!(
                        f,
                        "  SHA-256 of its certificate, for the warning of a browser that does not know it:\n  {first}\n  {second}\n"
                    )?;
                }
                Ok(())
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
