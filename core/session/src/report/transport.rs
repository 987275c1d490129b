use duologue_base::{Generation, IceRole};
use duologue_dtls as dtls;
use duologue_ice as ice;
use duologue_identity::Certificate;

/// What happened to a transport.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum TransportReport {
    /// A candidate of ours was gathered.
    LocalCandidate {
        /// The generation it belongs to.
        generation: Generation,
        /// The candidate.
        candidate: Box<ice::Candidate>,
    },
    /// W3C `RTCIceTransport.gatheringState` changed.
    GatheringState {
        /// The generation that is gathered for.
        generation: Generation,
        /// The new state.
        state: ice::GatheringState,
    },
    /// A server gave no candidate: W3C `icecandidateerror`.
    CandidateError {
        /// What happened.
        error: ice::CandidateError,
    },
    /// W3C `RTCIceTransport.state` changed.
    IceState {
        /// The new state.
        state: ice::TransportState,
        /// Why, if the state is `failed`.
        failure: Option<ice::Failure>,
    },
    /// A role conflict changed our role (RFC 8445 §7.3.1.1).
    IceRole {
        /// Our new role.
        role: IceRole,
    },
    /// Another candidate pair carries the data: W3C `selectedcandidatepairchange`.
    SelectedPair {
        /// The pair.
        pair: Box<ice::CandidatePair>,
    },
    /// What the application learns and is asked that has a say in candidate pairs.
    Pair {
        /// What it is.
        event: ice::PairEvent,
    },
    /// The other end is silent: nothing comes of its part in the DTLS handshake, in which it is the
    /// client. This end goes on waiting, for which W3C has no state.
    DtlsSilent,
    /// W3C `RTCDtlsTransport.state` changed.
    DtlsState {
        /// The new state and what belongs to it.
        state: DtlsReport,
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
        /// The certificate of ours that was shown to the peer.
        local_certificate: Option<Certificate>,
        /// What was agreed on.
        version: dtls::Version,
        /// Both ends promised to keep the media from applications (RFC 8833).
        confidential: bool,
    },
    /// Ended on purpose, by either end.
    Closed,
    /// Ended by an error.
    Failed {
        /// W3C `RTCDtlsTransport.onerror`.
        error: dtls::DtlsError,
    },
}
