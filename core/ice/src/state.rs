/// How far gathering of a generation's local candidates is.
#[doc(alias = "RTCIceGathererState")]
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum GatheringState {
    /// Gathering has not begun.
    #[default]
    New,
    /// More candidates may come.
    Gathering,
    /// No more candidates come.
    Complete,
}

/// State of an ICE transport, as webrtc-pc §5.6.4 words it.
#[doc(alias = "RTCIceTransportState")]
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum TransportState {
    /// Gathering, or waiting for remote candidates; nothing has been checked.
    #[default]
    New,
    /// Pairs are being checked and none works yet (or none works any more).
    Checking,
    /// A pair works; others are still being checked or may still come.
    Connected,
    /// A pair works and nothing is left to check.
    Completed,
    /// The working pair has gone silent, or every pair so far failed but more may come.
    Disconnected,
    /// The transport failed: no pair works and nothing is left to try. Only a restart leaves this state.
    Failed,
    /// The transport was closed.
    Closed,
}

impl TransportState {
    /// The W3C's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            TransportState::New => "new",
            TransportState::Checking => "checking",
            TransportState::Connected => "connected",
            TransportState::Completed => "completed",
            TransportState::Disconnected => "disconnected",
            TransportState::Failed => "failed",
            TransportState::Closed => "closed",
        }
    }
}

impl GatheringState {
    /// The W3C's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            GatheringState::New => "new",
            GatheringState::Gathering => "gathering",
            GatheringState::Complete => "complete",
        }
    }
}
