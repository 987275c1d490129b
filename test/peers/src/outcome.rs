//! What is tried with a counterpart, and what came of it.

use std::fmt;

/// A column of the table.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum What {
    /// A text and 1 MiB each way, by a data channel
    Data,
    /// Sound each way
    Audio,
    /// Pictures each way
    Video,
    /// One picture in several sizes at a time
    Simulcast,
    /// New ICE credentials, a new pair, and data on it
    Restart,
    /// Sound and pictures added to a connection with data
    Renegotiation,
    /// Channels closed by either end, and then the connection
    Close,
}

impl What {
    /// All of them.
    pub const ALL: [What; 7] = [
        What::Data,
        What::Audio,
        What::Video,
        What::Simulcast,
        What::Restart,
        What::Renegotiation,
        What::Close,
    ];

    /// In the table, and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            What::Data => "data",
            What::Audio => "audio",
            What::Video => "video",
            What::Simulcast => "simulcast",
            What::Restart => "ICE restart",
            What::Renegotiation => "renegotiation",
            What::Close => "close",
        }
    }
}

/// Who makes the first offer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Offerer {
    /// The Rust peer
    We,
    /// The counterpart
    They,
}

impl Offerer {
    /// Both.
    pub const ALL: [Offerer; 2] = [Offerer::We, Offerer::They];

    /// In the table.
    pub fn as_str(self) -> &'static str {
        match self {
            Offerer::We => "we offer",
            Offerer::They => "they offer",
        }
    }
}

/// How a cell that did not fail ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Found {
    /// It works, with what was counted at the far end.
    Works(String),
    /// The counterpart has no such thing, as it says or shows itself.
    Lacks(String),
}

/// How a cell ended; an error says what is known of a failure.
pub type Outcome = Result<Found, String>;

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Found::Works(counted) => write!(f, "{counted}"),
            Found::Lacks(evidence) => write!(f, "lacks it: {evidence}"),
        }
    }
}
