//! The enumerations of webrtc-pc, each value with the string a browser shows for it.

/// Declares a W3C enumeration, as the W3C calls it: variants, their strings, `as_str`, `Display`,
/// `FromStr`, serde.
macro_rules! string_enum {
    ($(#[$doc:meta])* pub enum $name:ident as $w3c:literal {
        $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)+
    }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        #[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
        #[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
        #[allow(clippy::exhaustive_enums, reason = "the W3C's list is closed")]
        pub enum $name {
            $($(#[$variant_doc])* #[cfg_attr(feature = "serde", serde(rename = $text))] $variant,)+
        }

        impl $name {
            /// The string of the W3C's enumeration.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $($name::$variant => $text,)+
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::Exception;

            /// A string outside the enumeration is a `TypeError`, as WebIDL says.
            fn from_str(text: &str) -> Result<Self, $crate::Exception> {
                match text {
                    $($text => Ok($name::$variant),)+
                    _ => Err($crate::Exception::type_error(format!(
                        concat!("{:?} is not a value of ", $w3c), text,
                    ))),
                }
            }
        }
    };
}
pub(crate) use string_enum;

string_enum! {
    /// Where the offer/answer exchange stands (webrtc-pc §4.3.1).
    #[doc(alias = "RTCSignalingState")]
    pub enum SignalingState as "RTCSignalingState" {
        /// No exchange of descriptions is in progress.
        Stable = "stable",
        /// A local offer is applied.
        HaveLocalOffer = "have-local-offer",
        /// A remote offer is applied.
        HaveRemoteOffer = "have-remote-offer",
        /// A remote offer and a local provisional answer are applied.
        HaveLocalPranswer = "have-local-pranswer",
        /// A local offer and a remote provisional answer are applied.
        HaveRemotePranswer = "have-remote-pranswer",
        /// The connection was closed.
        Closed = "closed",
    }
}

string_enum! {
    /// Gathering of all transports together (webrtc-pc §4.3.2).
    #[doc(alias = "RTCIceGatheringState")]
    pub enum IceGatheringState as "RTCIceGatheringState" {
        /// No transport gathers and one at least is new, or there is none.
        New = "new",
        /// At least one transport gathers.
        Gathering = "gathering",
        /// Every transport has finished.
        Complete = "complete",
    }
}

string_enum! {
    /// ICE and DTLS of all transports together (webrtc-pc §4.3.3).
    #[doc(alias = "RTCPeerConnectionState")]
    pub enum PeerConnectionState as "RTCPeerConnectionState" {
        /// The connection was closed.
        Closed = "closed",
        /// ICE or a DTLS transport failed.
        Failed = "failed",
        /// ICE is disconnected.
        Disconnected = "disconnected",
        /// Nothing has begun, or there is no transport.
        New = "new",
        /// A transport is being connected.
        Connecting = "connecting",
        /// Every transport in use is connected.
        Connected = "connected",
    }
}

string_enum! {
    /// ICE of all transports together (webrtc-pc §4.3.4).
    #[doc(alias = "RTCIceConnectionState")]
    pub enum IceConnectionState as "RTCIceConnectionState" {
        /// The connection was closed.
        Closed = "closed",
        /// A transport failed.
        Failed = "failed",
        /// A transport is disconnected.
        Disconnected = "disconnected",
        /// Every transport is new or closed, or there is none.
        New = "new",
        /// A transport is new or checking.
        Checking = "checking",
        /// Every transport is completed or closed.
        Completed = "completed",
        /// Every transport is connected, completed or closed.
        Connected = "connected",
    }
}

string_enum! {
    /// The type of a session description (webrtc-pc §4.6.1).
    #[doc(alias = "RTCSdpType")]
    pub enum SdpType as "RTCSdpType" {
        /// An offer.
        Offer = "offer",
        /// A provisional answer.
        Pranswer = "pranswer",
        /// A final answer.
        Answer = "answer",
        /// Back to the last stable state.
        Rollback = "rollback",
    }
}

string_enum! {
    /// Which candidates may be used (webrtc-pc §4.2.3).
    #[doc(alias = "RTCIceTransportPolicy")]
    pub enum IceTransportPolicy as "RTCIceTransportPolicy" {
        /// Candidates of TURN relays only.
        Relay = "relay",
        /// All candidates.
        All = "all",
    }
}

string_enum! {
    /// How many transports are prepared for a peer that may not bundle (webrtc-pc §4.2.4).
    #[doc(alias = "RTCBundlePolicy")]
    pub enum BundlePolicy as "RTCBundlePolicy" {
        /// One transport per kind: audio, video, data.
        Balanced = "balanced",
        /// One transport per media description.
        MaxCompat = "max-compat",
        /// One transport in all.
        MaxBundle = "max-bundle",
    }
}

string_enum! {
    /// Whether RTP and RTCP share a port (webrtc-pc §4.2.5): always.
    #[doc(alias = "RTCRtcpMuxPolicy")]
    pub enum RtcpMuxPolicy as "RTCRtcpMuxPolicy" {
        /// RTP and RTCP must share a port.
        Require = "require",
    }
}

string_enum! {
    /// Whether the header extensions and CSRCs of RTP are encrypted (webrtc-extensions §13, RFC 9335).
    #[doc(alias = "RTCRtpHeaderEncryptionPolicy")]
    pub enum RtpHeaderEncryptionPolicy as "RTCRtpHeaderEncryptionPolicy" {
        /// Headers are not encrypted, and descriptions do not speak of it; of earlier drafts.
        Disable = "disable",
        /// Headers are encrypted where the other end takes that.
        Negotiate = "negotiate",
        /// Headers are encrypted: descriptions of an end that does not take it are refused with
        /// `InvalidAccessError`, and its packets are dropped if they show them.
        Require = "require",
    }
}

string_enum! {
    /// What a transceiver sends and receives (webrtc-pc §5.4).
    #[doc(alias = "RTCRtpTransceiverDirection")]
    pub enum TransceiverDirection as "RTCRtpTransceiverDirection" {
        /// The transceiver sends and receives.
        Sendrecv = "sendrecv",
        /// The transceiver sends.
        Sendonly = "sendonly",
        /// The transceiver receives.
        Recvonly = "recvonly",
        /// The transceiver neither sends nor receives.
        Inactive = "inactive",
        /// The transceiver neither sends nor receives, never again.
        Stopped = "stopped",
    }
}

impl TransceiverDirection {
    /// The direction includes sending.
    pub const fn sends(self) -> bool {
        matches!(self, Self::Sendrecv | Self::Sendonly)
    }

    /// The direction includes receiving.
    pub const fn receives(self) -> bool {
        matches!(self, Self::Sendrecv | Self::Recvonly)
    }

    /// The direction with these two parts.
    pub const fn from_parts(sends: bool, receives: bool) -> Self {
        match (sends, receives) {
            (true, true) => Self::Sendrecv,
            (true, false) => Self::Sendonly,
            (false, true) => Self::Recvonly,
            (false, false) => Self::Inactive,
        }
    }
}

string_enum! {
    /// Whether a track can still produce media (mediacapture-streams §4.3.3).
    pub enum MediaStreamTrackState as "MediaStreamTrackState" {
        /// Media can come of the track.
        Live = "live",
        /// Media never comes of the track again.
        Ended = "ended",
    }
}

string_enum! {
    /// State of one DTLS transport (webrtc-pc §5.5.1).
    #[doc(alias = "RTCDtlsTransportState")]
    pub enum DtlsTransportState as "RTCDtlsTransportState" {
        /// The handshake has not begun.
        New = "new",
        /// Negotiating and checking the fingerprint.
        Connecting = "connecting",
        /// Secure, with the fingerprint of the description.
        Connected = "connected",
        /// Closed by either end.
        Closed = "closed",
        /// Failed for good.
        Failed = "failed",
    }
}

string_enum! {
    /// Gathering of one ICE transport (webrtc-pc §5.6.3).
    #[doc(alias = "RTCIceGathererState")]
    pub enum IceGathererState as "RTCIceGathererState" {
        /// Gathering has not begun.
        New = "new",
        /// Gathering is under way.
        Gathering = "gathering",
        /// Gathering is done, until an ICE restart.
        Complete = "complete",
    }
}

string_enum! {
    /// State of one ICE transport (webrtc-pc §5.6.4).
    #[doc(alias = "RTCIceTransportState")]
    pub enum IceTransportState as "RTCIceTransportState" {
        /// Shut down.
        Closed = "closed",
        /// Every pair failed and no more candidates can come.
        Failed = "failed",
        /// Connectivity is lost for now.
        Disconnected = "disconnected",
        /// No pair has been checked yet.
        New = "new",
        /// Checking pairs.
        Checking = "checking",
        /// Connected and done with checking.
        Completed = "completed",
        /// A usable pair is found.
        Connected = "connected",
    }
}

string_enum! {
    /// Who nominates pairs (webrtc-pc §5.6.5).
    #[doc(alias = "RTCIceRole")]
    pub enum IceRole as "RTCIceRole" {
        /// The role is not decided yet.
        Unknown = "unknown",
        /// This end controls: it nominates.
        Controlling = "controlling",
        /// The other end controls: it nominates.
        Controlled = "controlled",
    }
}

string_enum! {
    /// Component of a candidate (webrtc-pc §5.6.6).
    #[doc(alias = "RTCIceComponent")]
    pub enum IceComponent as "RTCIceComponent" {
        /// RTP, or RTP and RTCP together.
        Rtp = "rtp",
        /// RTCP.
        Rtcp = "rtcp",
    }
}

string_enum! {
    /// Transport protocol of a candidate (webrtc-pc §4.8.1.3).
    #[doc(alias = "RTCIceProtocol")]
    pub enum IceProtocol as "RTCIceProtocol" {
        /// UDP.
        Udp = "udp",
        /// TCP.
        Tcp = "tcp",
    }
}

string_enum! {
    /// Role of a TCP candidate (webrtc-pc §4.8.1.4).
    #[doc(alias = "RTCIceTcpCandidateType")]
    pub enum IceTcpCandidateType as "RTCIceTcpCandidateType" {
        /// The candidate opens connections.
        Active = "active",
        /// The candidate accepts connections.
        Passive = "passive",
        /// Both ends open at once.
        So = "so",
    }
}

string_enum! {
    /// Where a candidate comes from (webrtc-pc §4.8.1.5).
    #[doc(alias = "RTCIceCandidateType")]
    pub enum IceCandidateType as "RTCIceCandidateType" {
        /// A local interface.
        Host = "host",
        /// A STUN server's view.
        Srflx = "srflx",
        /// The peer's view.
        Prflx = "prflx",
        /// A TURN server.
        Relay = "relay",
    }
}

string_enum! {
    /// Where the check of a candidate pair stands (webrtc-stats §8.10.1).
    #[doc(alias = "RTCStatsIceCandidatePairState")]
    pub enum IceCandidatePairState as "RTCStatsIceCandidatePairState" {
        /// The pair waits for another one of its foundation.
        Frozen = "frozen",
        /// The pair will be checked.
        Waiting = "waiting",
        /// A check is under way.
        InProgress = "in-progress",
        /// A check failed.
        Failed = "failed",
        /// A check succeeded.
        Succeeded = "succeeded",
    }
}

string_enum! {
    /// How a TURN server is spoken to (webrtc-pc §4.8.1.6).
    #[doc(alias = "RTCIceServerTransportProtocol")]
    pub enum IceServerTransportProtocol as "RTCIceServerTransportProtocol" {
        /// UDP.
        Udp = "udp",
        /// TCP.
        Tcp = "tcp",
        /// TLS.
        Tls = "tls",
    }
}

string_enum! {
    /// State of the SCTP transport (webrtc-pc §6.1.2).
    #[doc(alias = "RTCSctpTransportState")]
    pub enum SctpTransportState as "RTCSctpTransportState" {
        /// The association is being set up.
        Connecting = "connecting",
        /// The association is up.
        Connected = "connected",
        /// The association is gone.
        Closed = "closed",
    }
}

string_enum! {
    /// State of a data channel (webrtc-pc §6.2).
    #[doc(alias = "RTCDataChannelState")]
    pub enum DataChannelState as "RTCDataChannelState" {
        /// The channel's transport is being set up.
        Connecting = "connecting",
        /// Messages can flow.
        Open = "open",
        /// Closing has begun.
        Closing = "closing",
        /// Closed, or never opened.
        Closed = "closed",
    }
}

string_enum! {
    /// Relative priority of a channel or encoding (webrtc-priority §3).
    #[doc(alias = "RTCPriorityType")]
    pub enum PriorityType as "RTCPriorityType" {
        /// Priority below best effort.
        VeryLow = "very-low",
        /// Priority of best effort.
        Low = "low",
        /// Priority above best effort.
        Medium = "medium",
        /// The highest priority.
        High = "high",
    }
}

string_enum! {
    /// What an encoder gives up first (mst-content-hint §4).
    #[doc(alias = "RTCDegradationPreference")]
    pub enum DegradationPreference as "RTCDegradationPreference" {
        /// The encoder gives up resolution first.
        MaintainFramerate = "maintain-framerate",
        /// The encoder gives up frame rate first.
        MaintainResolution = "maintain-resolution",
        /// The encoder gives up some of both resolution and frame rate.
        Balanced = "balanced",
        /// The encoder gives up neither resolution nor frame rate.
        MaintainFramerateAndResolution = "maintain-framerate-and-resolution",
    }
}

#[cfg(test)]
mod tests {
    use super::{IceRole, TransceiverDirection};

    #[test]
    fn a_string_outside_an_enumeration_is_refused_by_the_w3cs_name() {
        assert_eq!("controlled".parse(), Ok(IceRole::Controlled));
        let error = "both".parse::<TransceiverDirection>().unwrap_err();
        assert_eq!(
            error.to_string(),
            r#"TypeError: "both" is not a value of RTCRtpTransceiverDirection"#
        );
    }
}
