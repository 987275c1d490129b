use std::time::Duration;

use duologue_base::{Generation, Instant};

/// Names a pair within its agent. Never reused.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct PairId(pub u32);

/// State of a pair's check (RFC 8445 §6.1.2.6).
#[doc(alias = "RTCStatsIceCandidatePairState")]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum PairState {
    /// Waits for another pair of its foundation.
    Frozen,
    /// Will be checked.
    Waiting,
    /// A check is under way.
    InProgress,
    /// A check failed.
    Failed,
    /// A check succeeded.
    Succeeded,
}

impl PairState {
    /// The name that webrtc-stats uses.
    pub const fn as_str(self) -> &'static str {
        match self {
            PairState::Frozen => "frozen",
            PairState::Waiting => "waiting",
            PairState::InProgress => "in-progress",
            PairState::Failed => "failed",
            PairState::Succeeded => "succeeded",
        }
    }
}

/// What webrtc-stats asks about a pair (`RTCIceCandidatePairStats`).
#[doc(alias = "RTCIceCandidatePairStats")]
#[derive(Clone, Debug, PartialEq)]
pub struct PairStats {
    /// The pair.
    pub id: PairId,
    /// The generation that the pair belongs to.
    pub generation: Generation,
    /// Index into the local candidates of the pair's generation.
    pub local: usize,
    /// Index into the remote candidates of the pair's generation.
    pub remote: usize,
    /// State of the pair's check.
    pub state: PairState,
    /// Whether the controlling agent nominated the pair.
    pub nominated: bool,
    /// Whether data is sent on the pair.
    pub selected: bool,
    /// Counters.
    pub counters: PairCounters,
}

/// Counters of one pair.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct PairCounters {
    /// `requestsReceived`: checks received, retransmissions included.
    pub requests_received: u64,
    /// `requestsSent`: checks sent, without retransmissions and consent checks.
    pub requests_sent: u64,
    /// `responsesReceived`, consent checks' included.
    pub responses_received: u64,
    /// `responsesSent`
    pub responses_sent: u64,
    /// `consentRequestsSent`
    pub consent_requests_sent: u64,
    /// `totalRoundTripTime`
    pub total_round_trip_time: Duration,
    /// `currentRoundTripTime`
    pub current_round_trip_time: Option<Duration>,
    /// What the pair carried, as [`Agent::count_sent`](crate::Agent::count_sent) and
    /// [`Agent::handle_data`](crate::Agent::handle_data) were told.
    pub sent: PathTraffic,
    /// The other direction.
    pub received: PathTraffic,
    /// What was to leave and found no room at its UDP socket, or was refused, as
    /// [`Agent::count_discarded`](crate::Agent::count_discarded) was told while the pair was in use. Unlike
    /// `sent`, it has what ICE itself had to say that way, and what went by way of a TURN server in its frames;
    /// what a full stream (TCP, TLS) left out is not counted.
    pub discarded: PathTraffic,
}

/// Datagrams that a path carried in one direction, those of ICE itself left out.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct PathTraffic {
    /// `packetsSent` or `packetsReceived`
    pub packets: u64,
    /// `bytesSent` or `bytesReceived`: what is in the datagrams.
    pub bytes: u64,
    /// `lastPacketSentTimestamp` or `lastPacketReceivedTimestamp`
    pub last: Option<Instant>,
}

impl PathTraffic {
    /// Counts so many datagrams more.
    pub fn count(&mut self, now: Instant, packets: u64, bytes: u64) {
        self.packets += packets;
        self.bytes += bytes;
        self.last = Some(now);
    }
}

/// Messages that an agent received and did not act on.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Counters {
    /// Messages that are not STUN, or malformed, or with a wrong fingerprint.
    pub malformed: u64,
    /// Requests without a username or integrity attribute (answered 400, a few, while no pair is
    /// nominated).
    pub unauthenticated: u64,
    /// Requests with the username of nobody here, or a wrong integrity attribute (answered 401,
    /// just as few).
    pub unauthorized: u64,
    /// Messages with unknown comprehension-required attributes. Requests are answered 420; a
    /// response fails its request (RFC 8489 §6.3).
    pub unknown_attributes: u64,
    /// Responses to nothing, from the wrong address, or with wrong integrity.
    pub stray_responses: u64,
    /// Checks on pairs that the owner removed.
    pub shut: u64,
    /// Role conflicts met.
    pub role_conflicts: u64,
    /// Messages, candidates or pairs above a limit of this agent.
    pub over_limit: u64,
}
