use duologue_base::Generation;

use crate::{Candidate, GatheringState, PairId, Role, TransportState};

/// The pair that data is sent on (W3C `RTCIceCandidatePair`).
#[doc(alias = "RTCIceCandidatePair")]
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CandidatePair {
    /// Names the pair in [`PairStats`](crate::PairStats).
    pub id: PairId,
    /// The generation it belongs to.
    pub generation: Generation,
    /// This agent's candidate.
    pub local: Candidate,
    /// The other agent's candidate.
    pub remote: Candidate,
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
    State(TransportState),
    /// The role changed because of a role conflict (RFC 8445 §7.3.1.1) or a lite remote agent.
    Role(Role),
    /// Data is sent on another pair from now on.
    SelectedPair(CandidatePair),
}
