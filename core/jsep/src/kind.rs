use std::fmt;

use duologue_rtp::MediaKind;

/// What a media description is about.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum SectionKind {
    /// `m=audio` or `m=video` over RTP.
    Rtp(MediaKind),
    /// `m=application` with an SCTP protocol that this crate knows: data channels.
    Data,
    /// A media description of another kind (`m=text`, a protocol that is not understood): answered
    /// by a rejection (RFC 9429 §5.3.1).
    Unknown,
}

/// Type of a session description.
#[doc(alias = "RTCSdpType")]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum SdpType {
    /// `"offer"`
    Offer,
    /// `"pranswer"`: an answer that another answer may follow.
    Pranswer,
    /// `"answer"`
    Answer,
    /// `"rollback"`: back to the last stable state.
    Rollback,
}

impl SdpType {
    /// The W3C enumeration value.
    pub const fn as_str(self) -> &'static str {
        match self {
            SdpType::Offer => "offer",
            SdpType::Pranswer => "pranswer",
            SdpType::Answer => "answer",
            SdpType::Rollback => "rollback",
        }
    }
}

impl fmt::Display for SdpType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Signaling state of a connection that is not closed (`"closed"` is the peer's).
#[doc(alias = "RTCSignalingState")]
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum SignalingState {
    /// `"stable"`: no exchange is under way.
    #[default]
    Stable,
    /// `"have-local-offer"`
    HaveLocalOffer,
    /// `"have-remote-offer"`
    HaveRemoteOffer,
    /// `"have-local-pranswer"`
    HaveLocalPranswer,
    /// `"have-remote-pranswer"`
    HaveRemotePranswer,
}

impl SignalingState {
    /// The W3C enumeration value.
    pub const fn as_str(self) -> &'static str {
        match self {
            SignalingState::Stable => "stable",
            SignalingState::HaveLocalOffer => "have-local-offer",
            SignalingState::HaveRemoteOffer => "have-remote-offer",
            SignalingState::HaveLocalPranswer => "have-local-pranswer",
            SignalingState::HaveRemotePranswer => "have-remote-pranswer",
        }
    }
}

impl fmt::Display for SignalingState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Which end a description comes from.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Side {
    /// The description is of this end: `setLocalDescription`.
    Local,
    /// The other end: `setRemoteDescription`.
    Remote,
}
