use duologue_base::TransportKey;
use duologue_ice as ice;

use super::candidate::{End, candidate_id};
use super::{Collector, Stats};
use crate::IceCandidatePairState;

dictionary! {
    /// About a pair of candidates.
    #[doc(alias = "RTCIceCandidatePairStats")]
    pub struct CandidatePairStats {
        /// The pair's transport.
        pub transport_id: String,
        /// The pair's candidate of this end.
        pub local_candidate_id: String,
        /// The pair's candidate of the other end.
        pub remote_candidate_id: String,
        /// State of the pair's check.
        pub state: IceCandidatePairState,
        /// Whether the controlling end nominated the pair.
        pub nominated: bool,
        /// Datagrams sent on it, those of ICE left out.
        pub packets_sent: u64,
        /// Datagrams received on it, those of ICE left out.
        pub packets_received: u64,
        /// Bytes in the datagrams sent.
        pub bytes_sent: u64,
        /// Bytes in the datagrams received.
        pub bytes_received: u64,
        /// Seconds, of all answered checks together.
        pub total_round_trip_time: f64,
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
        /// Datagrams that found no room at the UDP socket, or that the system refused, while the pair was in
        /// use; checks among them, what was left out of a stream not.
        pub packets_discarded_on_send: u32,
        /// Bytes in these.
        pub bytes_discarded_on_send: u64,
    } optional {
        /// When the last datagram was sent, in milliseconds since 1970.
        pub last_packet_sent_timestamp: f64,
        /// When the last datagram came, in milliseconds since 1970.
        pub last_packet_received_timestamp: f64,
        /// Seconds, of the last answered check.
        pub current_round_trip_time: f64,
        /// Bits per second that may be sent of all media together, of the pair that carries them, as
        /// feedback tells it; what IP and UDP put around packets with them.
        pub available_outgoing_bitrate: f64,
    }
}

impl Collector {
    pub(super) fn add_pair(
        &mut self,
        key: TransportKey,
        transport_id: &str,
        pair: &ice::PairStats,
        available: Option<u64>,
    ) {
        let counters = &pair.counters;
        self.stats.push(Stats::CandidatePair(CandidatePairStats {
            id: pair_id(key, pair.id),
            timestamp: self.timestamp(),
            transport_id: transport_id.to_owned(),
            local_candidate_id: candidate_id(End::Local, key, pair.generation, pair.local),
            remote_candidate_id: candidate_id(End::Remote, key, pair.generation, pair.remote),
            state: pair.state.into(),
            nominated: pair.nominated,
            packets_sent: counters.sent.packets,
            packets_received: counters.received.packets,
            bytes_sent: counters.sent.bytes,
            bytes_received: counters.received.bytes,
            last_packet_sent_timestamp: counters.sent.last.map(|at| self.wall(at)),
            last_packet_received_timestamp: counters.received.last.map(|at| self.wall(at)),
            total_round_trip_time: counters.total_round_trip_time.as_secs_f64(),
            current_round_trip_time: counters
                .current_round_trip_time
                .map(|time| time.as_secs_f64()),
            available_outgoing_bitrate: available.map(|rate| rate as f64),
            requests_received: counters.requests_received,
            requests_sent: counters.requests_sent,
            responses_received: counters.responses_received,
            responses_sent: counters.responses_sent,
            consent_requests_sent: counters.consent_requests_sent,
            packets_discarded_on_send: counters.discarded.packets as u32,
            bytes_discarded_on_send: counters.discarded.bytes,
        }));
    }
}

pub(super) fn pair_id(TransportKey(key): TransportKey, ice::PairId(pair): ice::PairId) -> String {
    format!("CP{key}-{pair}")
}

impl From<ice::PairState> for IceCandidatePairState {
    fn from(state: ice::PairState) -> Self {
        match state {
            ice::PairState::Frozen => IceCandidatePairState::Frozen,
            ice::PairState::Waiting => IceCandidatePairState::Waiting,
            ice::PairState::InProgress => IceCandidatePairState::InProgress,
            ice::PairState::Failed => IceCandidatePairState::Failed,
            ice::PairState::Succeeded => IceCandidatePairState::Succeeded,
        }
    }
}
