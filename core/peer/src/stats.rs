//! The dictionaries of webrtc-stats. A member that is not known is `None`, and absent in JSON.

use std::fmt;

use duologue_base::TransceiverId;

use crate::{
    DataChannelState, DtlsTransportState, IceCandidatePairState, IceCandidateType, IceProtocol,
    IceRole, IceServerTransportProtocol, IceTcpCandidateType, IceTransportState, TrackId,
};

/// What `getStats()` is asked about (webrtc-pc §8.2).
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum StatsSelector {
    /// The whole connection.
    #[default]
    Connection,
    /// A track that one sender or receiver has.
    Track(TrackId),
    /// The sender of a transceiver.
    Sender(TransceiverId),
    /// Its receiver.
    Receiver(TransceiverId),
}

/// What `getStats()` resolves to (webrtc-pc §8.4): objects that refer to one another by `id`. With
/// the feature `serde` a list of the browser's JSON objects.
#[doc(alias = "RTCStatsReport")]
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(transparent))]
pub struct StatsReport {
    pub(crate) stats: Vec<Stats>,
}

impl StatsReport {
    /// All objects.
    pub fn iter(&self) -> impl Iterator<Item = &Stats> {
        self.stats.iter()
    }

    /// The object of this name, which is the same in every report of a connection.
    pub fn get(&self, id: &str) -> Option<&Stats> {
        self.iter().find(|stats| stats.id() == id)
    }

    /// The transports.
    pub fn transports(&self) -> impl Iterator<Item = &TransportStats> {
        self.iter().filter_map(|stats| match stats {
            Stats::Transport(transport) => Some(transport),
            _ => None,
        })
    }

    /// The pairs.
    pub fn candidate_pairs(&self) -> impl Iterator<Item = &CandidatePairStats> {
        self.iter().filter_map(|stats| match stats {
            Stats::CandidatePair(pair) => Some(pair),
            _ => None,
        })
    }

    /// The data channels.
    pub fn data_channels(&self) -> impl Iterator<Item = &DataChannelStats> {
        self.iter().filter_map(|stats| match stats {
            Stats::DataChannel(channel) => Some(channel),
            _ => None,
        })
    }

    /// The pair that carries the data of the first transport that has one.
    pub fn selected_candidate_pair(&self) -> Option<&CandidatePairStats> {
        let id = self
            .transports()
            .find_map(|t| t.selected_candidate_pair_id.as_ref())?;
        self.candidate_pairs().find(|pair| pair.id == *id)
    }

    /// A candidate of either end.
    pub fn candidate(&self, id: &str) -> Option<&IceCandidateStats> {
        match self.get(id)? {
            Stats::LocalCandidate(candidate) | Stats::RemoteCandidate(candidate) => Some(candidate),
            _ => None,
        }
    }
}

/// One object of a report.
#[doc(alias = "RTCStats")]
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize),
    serde(tag = "type", rename_all = "kebab-case")
)]
#[non_exhaustive]
pub enum Stats {
    /// The connection.
    PeerConnection(PeerConnectionStats),
    /// A data channel.
    DataChannel(DataChannelStats),
    /// A transport.
    Transport(TransportStats),
    /// A pair of candidates.
    CandidatePair(CandidatePairStats),
    /// A candidate of this end.
    LocalCandidate(IceCandidateStats),
    /// A candidate of the other end.
    RemoteCandidate(IceCandidateStats),
    /// A certificate of either end.
    Certificate(CertificateStats),
    /// A track that is sent.
    MediaSource(MediaSourceStats),
}

impl Stats {
    /// Names the object in its report.
    pub fn id(&self) -> &str {
        match self {
            Stats::PeerConnection(stats) => &stats.id,
            Stats::DataChannel(stats) => &stats.id,
            Stats::Transport(stats) => &stats.id,
            Stats::CandidatePair(stats) => &stats.id,
            Stats::LocalCandidate(stats) | Stats::RemoteCandidate(stats) => &stats.id,
            Stats::Certificate(stats) => &stats.id,
            Stats::MediaSource(stats) => &stats.id,
        }
    }
}

/// Declares a dictionary that inherits from `RTCStats`; members that are absent are not in JSON.
macro_rules! dictionary {
    ($(#[$doc:meta])* pub struct $name:ident {
        $($(#[$member_doc:meta])* pub $member:ident: $type:ty,)+
    }) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq)]
        #[cfg_attr(
            feature = "serde",
            derive(serde::Serialize),
            serde(rename_all = "camelCase")
        )]
        #[non_exhaustive]
        pub struct $name {
            /// Names the object in its report.
            pub id: String,
            /// Milliseconds since 1970.
            pub timestamp: f64,
            $($(#[$member_doc])* pub $member: $type,)+
        }

        impl fmt::Debug for $name {
            /// Without addresses.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name))
                    .field("id", &self.id)
                    .finish_non_exhaustive()
            }
        }
    };
}

dictionary! {
    /// About the whole connection.
    #[doc(alias = "RTCPeerConnectionStats")]
    pub struct PeerConnectionStats {
        /// Data channels that were open once.
        pub data_channels_opened: u32,
        /// Those of them that are closed.
        pub data_channels_closed: u32,
    }
}

dictionary! {
    /// About a data channel.
    #[doc(alias = "RTCDataChannelStats")]
    pub struct DataChannelStats {
        /// `label`
        pub label: String,
        /// `protocol`
        pub protocol: String,
        /// `id`, once it has one.
        #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
        pub data_channel_identifier: Option<u16>,
        /// `readyState`
        pub state: DataChannelState,
        /// Messages that `send()` took. A closed connection does not know this and the next three.
        #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
        pub messages_sent: Option<u64>,
        /// Their bytes.
        #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
        pub bytes_sent: Option<u64>,
        /// Messages that came.
        #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
        pub messages_received: Option<u64>,
        /// Their bytes.
        #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
        pub bytes_received: Option<u64>,
    }
}

dictionary! {
    /// About an ICE transport and the DTLS transport on it.
    #[doc(alias = "RTCTransportStats")]
    pub struct TransportStats {
        /// Datagrams sent, those of ICE left out.
        pub packets_sent: u64,
        /// Datagrams received, those of ICE left out.
        pub packets_received: u64,
        /// Bytes in the datagrams sent.
        pub bytes_sent: u64,
        /// Bytes in the datagrams received.
        pub bytes_received: u64,
        /// Who nominates.
        pub ice_role: IceRole,
        /// Our user name fragment.
        #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
        pub ice_local_username_fragment: Option<String>,
        /// `RTCDtlsTransport.state`
        pub dtls_state: DtlsTransportState,
        /// `RTCIceTransport.state`
        pub ice_state: IceTransportState,
        /// The pair that carries the data.
        #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
        pub selected_candidate_pair_id: Option<String>,
        /// The certificate that this end shows.
        #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
        pub local_certificate_id: Option<String>,
        /// The certificate that the other end showed.
        #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
        pub remote_certificate_id: Option<String>,
        /// The two bytes of the version agreed on, in hexadecimal.
        #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
        pub tls_version: Option<&'static str>,
        /// The cipher suite's name in IANA's registry.
        #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
        pub dtls_cipher: Option<&'static str>,
        /// `client`, `server` or `unknown`.
        pub dtls_role: &'static str,
        /// The SRTP protection profile's name in IANA's registry.
        #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
        pub srtp_cipher: Option<&'static str>,
        /// How often another pair was selected.
        pub selected_candidate_pair_changes: u32,
    }
}

dictionary! {
    /// About a candidate of either end.
    #[doc(alias = "RTCIceCandidateStats")]
    pub struct IceCandidateStats {
        /// Its transport.
        pub transport_id: String,
        /// Its address; none of a peer-reflexive one that only its checks have told.
        pub address: Option<String>,
        /// Its port.
        pub port: u16,
        /// Its transport protocol.
        pub protocol: IceProtocol,
        /// Where it comes from.
        pub candidate_type: IceCandidateType,
        /// Its priority.
        pub priority: u32,
        /// The server that a local one was gathered from.
        #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
        pub url: Option<String>,
        /// How the server of a local relayed one is spoken to.
        #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
        pub relay_protocol: Option<IceServerTransportProtocol>,
        /// Equal for candidates of the same origin.
        pub foundation: String,
        /// The address it was derived from.
        #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
        pub related_address: Option<String>,
        /// The port it was derived from.
        #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
        pub related_port: Option<u16>,
        /// The user name fragment of its end, once signalling has told it.
        #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
        pub username_fragment: Option<String>,
        /// The role of a TCP candidate.
        #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
        pub tcp_type: Option<IceTcpCandidateType>,
    }
}

dictionary! {
    /// About a pair of candidates.
    #[doc(alias = "RTCIceCandidatePairStats")]
    pub struct CandidatePairStats {
        /// Its transport.
        pub transport_id: String,
        /// Its candidate of this end.
        pub local_candidate_id: String,
        /// Its candidate of the other end.
        pub remote_candidate_id: String,
        /// State of its check.
        pub state: IceCandidatePairState,
        /// The controlling end nominated it.
        pub nominated: bool,
        /// Datagrams sent on it, those of ICE left out.
        pub packets_sent: u64,
        /// Datagrams received on it, those of ICE left out.
        pub packets_received: u64,
        /// Bytes in the datagrams sent.
        pub bytes_sent: u64,
        /// Bytes in the datagrams received.
        pub bytes_received: u64,
        /// When the last datagram was sent, in milliseconds since 1970.
        #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
        pub last_packet_sent_timestamp: Option<f64>,
        /// When the last datagram came, in milliseconds since 1970.
        #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
        pub last_packet_received_timestamp: Option<f64>,
        /// Seconds, of all answered checks together.
        pub total_round_trip_time: f64,
        /// Seconds, of the last answered check.
        #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
        pub current_round_trip_time: Option<f64>,
        /// Checks received.
        pub requests_received: u64,
        /// Checks sent, without those for consent.
        pub requests_sent: u64,
        /// Answers received.
        pub responses_received: u64,
        /// Answers sent.
        pub responses_sent: u64,
        /// Checks for consent sent.
        pub consent_requests_sent: u64,
    }
}

dictionary! {
    /// About a track that one or more senders have.
    #[doc(alias = "RTCMediaSourceStats")]
    pub struct MediaSourceStats {
        /// The track's `id`.
        pub track_identifier: String,
        /// `audio` or `video`.
        pub kind: &'static str,
    }
}

dictionary! {
    /// About a certificate of either end.
    #[doc(alias = "RTCCertificateStats")]
    pub struct CertificateStats {
        /// Hexadecimal, with colons.
        pub fingerprint: String,
        /// The hash function's name.
        pub fingerprint_algorithm: &'static str,
        /// DER, in base64.
        pub base64_certificate: String,
        /// The next certificate of the chain.
        #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
        pub issuer_certificate_id: Option<String>,
    }
}
