use std::fmt;
use std::net::SocketAddr;

use duologue_base::{Generation, IceRole, MdnsName, SocketId};

use crate::{Candidate, ConnectId, Failure, GatheringState, PairId, Security, TransportState};

/// The pair that data is sent on (W3C `RTCIceCandidatePair`).
#[doc(alias = "RTCIceCandidatePair")]
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CandidatePair {
    /// Names the pair in [`PairStats`](crate::PairStats).
    pub id: PairId,
    /// The generation that the pair belongs to.
    pub generation: Generation,
    /// The candidate of this agent.
    pub local: Candidate,
    /// The other agent's candidate.
    pub remote: Candidate,
}

/// Why a server gave no candidate (W3C `RTCPeerConnectionIceErrorEvent`).
#[doc(alias = "RTCPeerConnectionIceErrorEvent")]
#[derive(Clone, Eq, PartialEq)]
pub struct CandidateError {
    /// The server's URL.
    pub url: String,
    /// The local address that was used to talk to the server; none when it cannot be reached, or
    /// when it is hidden.
    pub local: Option<SocketAddr>,
    /// The STUN error code, or 701: the server cannot be reached.
    pub code: u16,
    /// The server's reason phrase, or what happened.
    pub text: String,
}

impl fmt::Debug for CandidateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CandidateError")
            .field("code", &self.code)
            .finish_non_exhaustive()
    }
}

/// What an agent tells its owner.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A local candidate to signal to the other agent.
    LocalCandidate {
        /// The credentials it goes with.
        generation: Generation,
        /// The candidate.
        candidate: Candidate,
    },
    /// The gathering state of a generation changed. After `Complete` the end of candidates is to
    /// be signalled.
    Gathering {
        /// Whose gathering.
        generation: Generation,
        /// The new state.
        state: GatheringState,
    },
    /// The transport's state changed.
    State {
        /// The new state.
        state: TransportState,
        /// Why, if the state is [`Failed`](TransportState::Failed).
        failure: Option<Failure>,
    },
    /// The role changed because of a role conflict (RFC 8445 §7.3.1.1) or a lite remote agent.
    Role(IceRole),
    /// The addresses of a server's host name are wanted: answer with
    /// [`Agent::handle_resolved`](crate::Agent::handle_resolved).
    Resolve {
        /// The name.
        host: String,
    },
    /// The address behind the name of an mDNS candidate is wanted: answer with
    /// [`Agent::handle_name_resolved`](crate::Agent::handle_name_resolved).
    ResolveName {
        /// The name.
        name: MdnsName,
    },
    /// A stream is wanted: answer with [`Agent::handle_connected`](crate::Agent::handle_connected).
    Connect {
        /// Names the request in the answer.
        id: ConnectId,
        /// Where it begins; port 0 for any.
        local: SocketAddr,
        /// Where it goes to.
        remote: SocketAddr,
        /// TCP, TLS over it, or DTLS; or a UDP socket.
        security: Security,
    },
    /// A stream is of no use any more: close it. [`Agent::handle_stream_closed`] need not follow.
    ///
    /// [`Agent::handle_stream_closed`]: crate::Agent::handle_stream_closed
    Disconnect {
        /// The stream.
        socket: SocketId,
    },
    /// Gathering from a server failed.
    CandidateError(CandidateError),
    /// Data is sent on another pair from now on.
    SelectedPair(CandidatePair),
    /// What an owner learns and is asked that has a say in pairs.
    Pair(PairEvent),
}

/// What an owner learns that has a [say](crate::PairCommand) in pairs (webrtc-extensions,
/// "RTCIceTransport extensions").
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum PairEvent {
    /// A new pair: W3C `icecandidatepairadd`.
    Added(Box<CandidatePair>),
    /// A pair is gone: the owner removed it or agreed to that, or the agent had to.
    Removed(PairId),
    /// A pair is to be nominated: W3C `icecandidatepairnominate`. Answer with
    /// [`PairCommand::AnswerNomination`](crate::PairCommand::AnswerNomination).
    Nomination(PairId),
    /// A pair is no longer needed by anything: W3C `icecandidatepairremove`. Answer with
    /// [`PairCommand::AnswerRemoval`](crate::PairCommand::AnswerRemoval).
    Removal(PairId),
    /// What [`PairCommand::Select`](crate::PairCommand::Select) came to.
    Selection {
        /// The pair.
        pair: PairId,
        /// Data goes by it; if not, it does not work, is gone, or another one was selected since.
        used: bool,
    },
}
