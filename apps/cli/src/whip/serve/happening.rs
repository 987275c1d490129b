//! What a server tells of itself.

use std::fmt;
use std::path::PathBuf;

use serde::Serialize;

use crate::whip::recorder::Arrived;

/// What a server tells of itself.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub enum Happening {
    /// It can be asked.
    Listening {
        /// Where publishers and viewers of the stream `live` go.
        urls: Vec<String>,
        /// The SHA-256 hash of a certificate made at the start.
        certificate: Option<String>,
    },
    /// A publisher or a viewer came.
    Began {
        /// What it publishes or sees.
        stream: String,
        /// `publisher` or `viewer`.
        role: &'static str,
    },
    /// It is gone.
    Ended {
        /// What it published or saw.
        stream: String,
        /// `publisher` or `viewer`.
        role: &'static str,
        /// Why, for people.
        reason: String,
    },
    /// A recording is complete.
    Recorded {
        /// The file.
        path: PathBuf,
        /// What is in it.
        tracks: Vec<Arrived>,
        /// Why it ended early.
        error: Option<String>,
    },
}

impl fmt::Display for Happening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Happening::Listening { urls, certificate } => {
                f.write_str(&urls.join("\n"))?;
                match certificate {
                    Some(hash) => write!(f, "\nthe certificate's SHA-256 hash is {hash}"),
                    None => Ok(()),
                }
            }
            Happening::Began { stream, role } => write!(f, "{stream}: a {role} came"),
            Happening::Ended {
                stream,
                role,
                reason,
            } => write!(f, "{stream}: a {role} is gone: {reason}"),
            Happening::Recorded {
                path,
                tracks,
                error,
            } => {
                let frames: u64 = tracks.iter().map(|track| track.frames).sum();
                write!(f, "{}: {frames} frames", path.display())?;
                match error {
                    Some(error) => write!(f, ", then {error}"),
                    None => Ok(()),
                }
            }
        }
    }
}
