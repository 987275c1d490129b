use duologue_base::{ChannelKey, Generation, TransportKey};
use duologue_dtls as dtls;
use duologue_ice as ice;

use crate::Stats;

/// What a session tells its owner, apart from what happens on data channels.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Report {
    /// A candidate of ours was gathered.
    LocalCandidate {
        /// The transport.
        key: TransportKey,
        /// The generation it belongs to.
        generation: Generation,
        /// The candidate.
        candidate: ice::Candidate,
    },
    /// W3C `RTCIceTransport.gatheringState` changed.
    GatheringState {
        /// The transport.
        key: TransportKey,
        /// The generation that is gathered for.
        generation: Generation,
        /// The new state.
        state: ice::GatheringState,
    },
    /// A server gave no candidate: W3C `icecandidateerror`.
    CandidateError {
        /// The transport.
        key: TransportKey,
        /// What happened.
        error: ice::CandidateError,
    },
    /// W3C `RTCIceTransport.state` changed.
    IceState {
        /// The transport.
        key: TransportKey,
        /// The new state.
        state: ice::TransportState,
    },
    /// A role conflict changed our role (RFC 8445 §7.3.1.1).
    IceRole {
        /// The transport.
        key: TransportKey,
        /// Our new role.
        role: ice::Role,
    },
    /// Another candidate pair carries the data: W3C `selectedcandidatepairchange`.
    SelectedPair {
        /// The transport.
        key: TransportKey,
        /// The pair.
        pair: ice::CandidatePair,
    },
    /// W3C `RTCDtlsTransport.state` changed.
    DtlsState {
        /// The transport.
        key: TransportKey,
        /// The new state and what belongs to it.
        state: DtlsReport,
    },
    /// The association of the data channels is up.
    SctpConnected {
        /// W3C `RTCSctpTransport.maxChannels`.
        max_channels: u16,
    },
    /// The association ended with its DTLS association, whose successor it will have one on.
    SctpConnecting,
    /// What `StopSctp` asked for is done: no report of the association that ended follows.
    SctpStopped,
    /// The association ended; each channel's end is reported by itself.
    SctpClosed {
        /// Why, unless its transport was closed on purpose.
        error: Option<SctpError>,
    },
    /// The answer to [`Command::GetStats`](crate::Command::GetStats).
    Stats {
        /// What it was asked for by.
        request: u64,
        /// The statistics.
        stats: Box<Stats>,
    },
    /// Bytes of messages left a channel's send queue: W3C `bufferedAmount` falls by as much.
    BufferedAmount {
        /// The channel.
        channel: ChannelKey,
        /// Bytes since the last such report.
        sent: usize,
        /// Messages that left entirely, empty ones included.
        messages: usize,
    },
}

/// W3C `RTCDtlsTransportState` with what belongs to each.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum DtlsReport {
    /// The handshake runs.
    Connecting,
    /// The peer is who its description said.
    Connected {
        /// The peer's certificates in DER form: W3C `getRemoteCertificates()`.
        remote_certificates: Vec<Vec<u8>>,
        /// What was agreed on.
        version: dtls::Version,
    },
    /// Ended on purpose, by either end.
    Closed,
    /// Ended by an error.
    Failed {
        /// W3C `RTCDtlsTransport.onerror`.
        error: dtls::DtlsError,
    },
}

/// Why the association of the data channels ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SctpError {
    /// The peer sent an ABORT.
    #[error("the peer aborted the association")]
    Aborted {
        /// Its first error cause (RFC 9260 §3.3.10), W3C `sctpCauseCode`.
        cause: Option<u16>,
    },
    /// The peer shut the association down.
    #[error("the peer shut the association down")]
    Shutdown,
    /// Too many retransmissions without an answer.
    #[error("the peer does not answer")]
    TimedOut,
    /// The transport below failed or closed.
    #[error("the transport below the association ended")]
    TransportEnded,
    /// The peer broke the protocol.
    #[error("the peer broke the protocol")]
    PeerMisbehaved,
}
