//! ICE candidates as the application passes and reads them.

use crate::{
    IceCandidateType, IceComponent, IceProtocol, IceServerTransportProtocol, IceTcpCandidateType,
};

/// What `addIceCandidate` takes (webrtc-pc §4.8.1.1); with the feature `serde` the browser's
/// JSON. The default value says that no more candidates come, for every media description.
#[doc(alias = "RTCIceCandidateInit")]
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Deserialize, serde::Serialize),
    serde(default, rename_all = "camelCase")
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
    /// For a local relayed candidate: how its server is spoken to.
    pub relay_protocol: Option<IceServerTransportProtocol>,
    /// For a local reflexive or relayed candidate: the URL of its server.
    pub url: Option<String>,
}

/// The attributes of a candidate that its text says.
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Deserialize, serde::Serialize),
    serde(rename_all = "camelCase")
)]
pub struct IceCandidateParts {
    /// Equal for candidates of the same origin.
    pub foundation: String,
    /// Its component.
    pub component: IceComponent,
    /// Its priority.
    pub priority: u32,
    /// Its address or host name.
    pub address: String,
    /// Its transport protocol.
    pub protocol: IceProtocol,
    /// Its port.
    pub port: u16,
    /// Where it comes from.
    #[cfg_attr(feature = "serde", serde(rename = "type"))]
    pub candidate_type: IceCandidateType,
    /// The role of a TCP candidate.
    pub tcp_type: Option<IceTcpCandidateType>,
    /// The address it was derived from.
    pub related_address: Option<String>,
    /// The port it was derived from.
    pub related_port: Option<u16>,
}

/// Both ends of a path (webrtc-pc §5.6.2).
#[doc(alias = "RTCIceCandidatePair")]
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct IceCandidatePair {
    /// This end.
    pub local: IceCandidate,
    /// The other end.
    pub remote: IceCandidate,
}

/// ICE credentials of one end (webrtc-pc §5.6.1).
#[doc(alias = "RTCIceParameters")]
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Deserialize, serde::Serialize),
    serde(rename_all = "camelCase")
)]
pub struct IceParameters {
    /// The user name fragment.
    pub username_fragment: String,
    /// The password.
    pub password: String,
}
