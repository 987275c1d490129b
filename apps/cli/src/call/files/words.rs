//! What the two ends of a transfer say to each other, as JSON on a channel of the sender's; the bytes go between, as
//! binary messages. One file after the other.

use serde::{Deserialize, Serialize};

use super::hash::Sha256;

/// The channel's label, and its protocol.
pub(in crate::call) const LABEL: &str = "files";

/// Of the sender.
#[derive(Debug, Deserialize, Serialize)]
#[serde(tag = "op", rename_all = "lowercase")]
pub(super) enum Sent {
    /// There is a file.
    Offer {
        name: String,
        size: u64,
        sha256: Sha256,
    },
    /// The rest of this file does not come.
    Abort { why: String },
    /// That was all.
    Over,
}

/// Of the receiver.
#[derive(Debug, Deserialize, Serialize)]
#[serde(tag = "op", rename_all = "lowercase")]
pub(super) enum Said {
    /// So much of it is here from another time, and is read.
    Reading { bytes: u64 },
    /// The file may come, from this byte on. Whether this end has files of its own to send.
    Accept { from: u64, sends: bool },
    /// It may not.
    Refuse { why: String, sends: bool },
    /// So much is here.
    Got { bytes: u64 },
    /// It is here, and is what was offered.
    Done,
    /// It is here, and is something else.
    Damaged { sha256: Sha256 },
    /// It could not be kept.
    Failed { why: String },
}
