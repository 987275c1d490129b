//! ICE candidates as the application passes and reads them.

use std::fmt;

use duologue_base::{Protocol, Redacted};
use duologue_ice as ice;
use duologue_sdp::Address;
use duologue_sdp::attr::{Candidate, CandidateKind, CandidateTransport, TcpType};

use crate::candidate_text::{candidate_attribute, ice_candidate};
use crate::{
    IceCandidatePairId, IceCandidateType, IceComponent, IceProtocol, IceServerTransportProtocol,
    IceTcpCandidateType,
};

/// What `addIceCandidate` takes (webrtc-pc §4.8.1.1); with the feature `serde` the browser's
/// JSON. The default value says that no more candidates come, for every media description.
#[doc(alias = "RTCIceCandidateInit")]
#[derive(Clone, Default, Eq, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Deserialize, serde::Serialize),
    serde(default, rename_all = "camelCase")
)]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(optional_fields = nullable)
)]
pub struct IceCandidateInit {
    /// The candidate attribute, or empty for "no more candidates".
    pub candidate: String,
    /// The `a=mid` of its media description.
    pub sdp_mid: Option<String>,
    /// The index of its media description.
    pub sdp_m_line_index: Option<u16>,
    /// The ufrag of the ICE generation it belongs to.
    pub username_fragment: Option<String>,
}

/// A candidate (webrtc-pc §4.8.1). What the candidate attribute says is parsed; an attribute
/// that cannot be parsed leaves [`IceCandidate::parts`] empty.
#[doc(alias = "RTCIceCandidate")]
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct IceCandidate {
    /// The attributes that serialise.
    pub init: IceCandidateInit,
    /// The attributes that come from `init.candidate`.
    pub parts: Option<IceCandidateParts>,
    /// How the server of a local relayed candidate is spoken to.
    pub relay_protocol: Option<IceServerTransportProtocol>,
    /// The URL of the server of a local reflexive or relayed candidate.
    pub url: Option<String>,
}

/// The attributes of a candidate that its text says.
#[derive(Clone, Eq, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Deserialize, serde::Serialize),
    serde(rename_all = "camelCase")
)]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(optional_fields = nullable)
)]
pub struct IceCandidateParts {
    /// Equal for candidates of the same origin.
    pub foundation: String,
    /// The candidate's component.
    pub component: IceComponent,
    /// The candidate's priority.
    pub priority: u32,
    /// The candidate's address or host name; none for a remote candidate that the application did not add.
    pub address: Option<String>,
    /// The candidate's transport protocol.
    pub protocol: IceProtocol,
    /// The candidate's port.
    pub port: u16,
    /// The type of the candidate: where it comes from.
    #[cfg_attr(feature = "serde", serde(rename = "type"))]
    #[doc(alias = "type")]
    pub candidate_type: IceCandidateType,
    /// The role of a TCP candidate.
    pub tcp_type: Option<IceTcpCandidateType>,
    /// The address that the candidate was derived from.
    pub related_address: Option<String>,
    /// The port that the candidate was derived from.
    pub related_port: Option<u16>,
}

/// The candidates at both ends of a path (webrtc-pc §5.6.2).
#[doc(alias = "RTCIceCandidatePair")]
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct IceCandidatePair {
    /// Names the pair within its transport.
    pub id: IceCandidatePairId,
    /// The candidate of this end.
    pub local: IceCandidate,
    /// The other end.
    pub remote: IceCandidate,
}

/// ICE credentials of one end (webrtc-pc §5.6.1).
#[doc(alias = "RTCIceParameters")]
#[derive(Clone, Eq, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Deserialize, serde::Serialize),
    serde(rename_all = "camelCase")
)]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(optional_fields = nullable)
)]
pub struct IceParameters {
    /// The user name fragment.
    pub username_fragment: String,
    /// The password.
    pub password: String,
}

impl IceCandidateInit {
    /// The media description's tag. No description has an empty one, but Pion and webrtc-rs write
    /// it where they have an index.
    pub(crate) fn mid(&self) -> Option<&str> {
        let mid = self.sdp_mid.as_deref();
        mid.filter(|mid| !mid.is_empty() || self.sdp_m_line_index.is_none())
    }
}

impl fmt::Debug for IceCandidateInit {
    /// Without the candidate's text, which has an address.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IceCandidateInit")
            .field("candidate", &Redacted(()))
            .field("sdp_mid", &self.sdp_mid)
            .field("sdp_m_line_index", &self.sdp_m_line_index)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for IceCandidateParts {
    /// Without addresses.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IceCandidateParts")
            .field("candidate_type", &self.candidate_type)
            .field("protocol", &self.protocol)
            .field("priority", &self.priority)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for IceParameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IceParameters").finish_non_exhaustive()
    }
}

impl IceCandidate {
    /// "Create an RTCIceCandidate" from a dictionary. It never fails: an attribute that cannot be
    /// parsed is kept as it is, without parts.
    ///
    /// ```
    /// use duologue_peer::{IceCandidate, IceCandidateInit, IceCandidateType};
    ///
    /// let candidate = IceCandidate::new(IceCandidateInit {
    ///     candidate: "candidate:1 1 udp 2130706431 192.0.2.1 50000 typ host".to_owned(),
    ///     ..IceCandidateInit::default()
    /// });
    /// let parts = candidate.parts.unwrap();
    /// assert_eq!(parts.candidate_type, IceCandidateType::Host);
    /// assert_eq!((parts.address.as_deref(), parts.port), (Some("192.0.2.1"), 50_000));
    /// ```
    pub fn new(init: IceCandidateInit) -> Self {
        let parts = init
            .candidate
            .parse()
            .ok()
            .and_then(|parsed: Candidate| IceCandidateParts::new(&parsed));
        IceCandidate {
            init,
            parts,
            relay_protocol: None,
            url: None,
        }
    }

    /// A candidate that was gathered here, with what only this end knows of it.
    pub(crate) fn from_local(init: IceCandidateInit, gathered: &ice::Candidate) -> Self {
        let init = IceCandidateInit {
            candidate: candidate_attribute(gathered).to_string(),
            ..init
        };
        IceCandidate {
            relay_protocol: gathered.relay_protocol.map(Into::into),
            url: gathered.url.clone(),
            ..IceCandidate::new(init)
        }
    }
}

impl IceCandidateParts {
    /// None if a field has a value that the W3C's enumerations do not know.
    fn new(parsed: &Candidate) -> Option<Self> {
        Some(IceCandidateParts {
            foundation: parsed.foundation.to_string(),
            component: match parsed.component {
                1 => IceComponent::Rtp,
                2 => IceComponent::Rtcp,
                _ => return None,
            },
            priority: parsed.priority,
            address: Some(parsed.address.to_string()),
            protocol: match parsed.transport {
                CandidateTransport::Udp => IceProtocol::Udp,
                CandidateTransport::Tcp => IceProtocol::Tcp,
                CandidateTransport::Other(_) => return None,
            },
            port: parsed.port,
            candidate_type: match parsed.kind {
                CandidateKind::Host => IceCandidateType::Host,
                CandidateKind::ServerReflexive => IceCandidateType::Srflx,
                CandidateKind::PeerReflexive => IceCandidateType::Prflx,
                CandidateKind::Relayed => IceCandidateType::Relay,
                CandidateKind::Other(_) => return None,
            },
            tcp_type: parsed.tcp_type.map(|tcp_type| match tcp_type {
                TcpType::Active => IceTcpCandidateType::Active,
                TcpType::Passive => IceTcpCandidateType::Passive,
                TcpType::SimultaneousOpen => IceTcpCandidateType::So,
            }),
            related_address: parsed.related_address.as_ref().map(Address::to_string),
            related_port: parsed.related_port,
        })
    }
}

impl From<ice::RelayProtocol> for IceServerTransportProtocol {
    fn from(protocol: ice::RelayProtocol) -> Self {
        match protocol {
            // As `as_str` there says.
            ice::RelayProtocol::Udp | ice::RelayProtocol::Dtls => IceServerTransportProtocol::Udp,
            ice::RelayProtocol::Tcp => IceServerTransportProtocol::Tcp,
            ice::RelayProtocol::Tls => IceServerTransportProtocol::Tls,
        }
    }
}

impl From<Protocol> for IceProtocol {
    fn from(protocol: Protocol) -> Self {
        match protocol {
            Protocol::Udp => IceProtocol::Udp,
            Protocol::Tcp => IceProtocol::Tcp,
        }
    }
}

impl From<ice::CandidateKind> for IceCandidateType {
    fn from(kind: ice::CandidateKind) -> Self {
        match kind {
            ice::CandidateKind::Host => IceCandidateType::Host,
            ice::CandidateKind::ServerReflexive => IceCandidateType::Srflx,
            ice::CandidateKind::PeerReflexive => IceCandidateType::Prflx,
            ice::CandidateKind::Relayed => IceCandidateType::Relay,
        }
    }
}

impl From<ice::TcpType> for IceTcpCandidateType {
    fn from(tcp_type: ice::TcpType) -> Self {
        match tcp_type {
            ice::TcpType::Active => IceTcpCandidateType::Active,
            ice::TcpType::Passive => IceTcpCandidateType::Passive,
            ice::TcpType::SimultaneousOpen => IceTcpCandidateType::So,
        }
    }
}

/// The agent's form of a remote candidate. None for one that it cannot or must not check: another
/// component, an unknown transport, a name to resolve, a forbidden port.
pub(crate) fn to_ice(attribute: &Candidate) -> Option<ice::Candidate> {
    if BAD_PORTS.contains(&attribute.port) {
        return None;
    }
    ice_candidate(attribute).ok()
}

/// "The UA MUST prohibit connections to addresses on the block bad port list" (webrtc-pc §4.4.2,
/// the Fetch standard's list). There is no sign of it: it is as if nothing answered there. Port 9
/// is on the list and means "none yet" for active TCP candidates, which are not connected to.
const BAD_PORTS: [u16; 83] = [
    0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101,
    102, 103, 104, 109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427,
    465, 512, 513, 514, 515, 526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990,
    993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667,
    6668, 6669, 6679, 6697, 10080,
];
