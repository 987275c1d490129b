//! Statistics (webrtc-stats): those of ICE and DTLS. The rest of the W3C's dictionaries, and the
//! members that count bytes, are not there yet.

use std::fmt;
use std::time::Duration;

use duologue_base::{Generation, TransportKey, WallClock};
use duologue_ice as ice;
use duologue_session as session;

use crate::slots::Slots;
use crate::{
    DtlsTransportState, IceCandidatePairState, IceCandidateType, IceProtocol, IceRole,
    IceServerTransportProtocol, IceTcpCandidateType, IceTransportState,
};

/// What `getStats()` resolves to: objects that refer to one another by `id`. With the feature
/// `serde` a list of the browser's JSON objects.
#[doc(alias = "RTCStatsReport")]
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(transparent))]
pub struct StatsReport {
    stats: Vec<Stats>,
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
    /// A transport.
    Transport(TransportStats),
    /// A pair of candidates.
    CandidatePair(CandidatePairStats),
    /// A candidate of this end.
    LocalCandidate(IceCandidateStats),
    /// A candidate of the other end.
    RemoteCandidate(IceCandidateStats),
}

/// ICE and DTLS of one transport (webrtc-stats §8.8).
#[doc(alias = "RTCTransportStats")]
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize),
    serde(rename_all = "camelCase")
)]
#[non_exhaustive]
pub struct TransportStats {
    /// Names the object in its report.
    pub id: String,
    /// Milliseconds since 1970.
    pub timestamp: f64,
    /// Who nominates.
    pub ice_role: IceRole,
    /// Our user name fragment.
    pub ice_local_username_fragment: String,
    /// The state of its ICE.
    pub ice_state: IceTransportState,
    /// The state of its DTLS.
    pub dtls_state: DtlsTransportState,
    /// The pair that carries the data.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub selected_candidate_pair_id: Option<String>,
    /// How often that changed, the first time included.
    pub selected_candidate_pair_changes: u32,
}

/// A pair of candidates (webrtc-stats §8.10).
#[doc(alias = "RTCIceCandidatePairStats")]
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize),
    serde(rename_all = "camelCase")
)]
#[non_exhaustive]
pub struct CandidatePairStats {
    /// Names the object in its report.
    pub id: String,
    /// Milliseconds since 1970.
    pub timestamp: f64,
    /// Its transport.
    pub transport_id: String,
    /// This end's candidate.
    pub local_candidate_id: String,
    /// The other end's.
    pub remote_candidate_id: String,
    /// Where its check stands.
    pub state: IceCandidatePairState,
    /// The controlling end nominated it.
    pub nominated: bool,
    /// Checks received, retransmissions included.
    pub requests_received: u64,
    /// Checks sent, without retransmissions and consent checks.
    pub requests_sent: u64,
    /// Responses received, to consent checks too.
    pub responses_received: u64,
    /// Responses sent.
    pub responses_sent: u64,
    /// Consent checks sent.
    pub consent_requests_sent: u64,
    /// The sum of all round trips, in seconds.
    pub total_round_trip_time: f64,
    /// The latest round trip, in seconds; none before the first.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub current_round_trip_time: Option<f64>,
}

/// A candidate (webrtc-stats §8.9).
#[doc(alias = "RTCIceCandidateStats")]
#[derive(Clone, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize),
    serde(rename_all = "camelCase")
)]
#[non_exhaustive]
pub struct IceCandidateStats {
    /// Names the object in its report.
    pub id: String,
    /// Milliseconds since 1970.
    pub timestamp: f64,
    /// Its transport.
    pub transport_id: String,
    /// Its address; `None` for one of the other end's that the application did not add.
    pub address: Option<String>,
    /// Its port.
    pub port: u16,
    /// Its transport protocol.
    pub protocol: IceProtocol,
    /// Where it comes from.
    pub candidate_type: IceCandidateType,
    /// Its priority.
    pub priority: u32,
    /// Equal for candidates of the same origin.
    pub foundation: String,
    /// The user name fragment that it belongs to.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub username_fragment: Option<String>,
    /// The address it was derived from.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub related_address: Option<String>,
    /// The port it was derived from.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub related_port: Option<u16>,
    /// The role of a TCP candidate.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub tcp_type: Option<IceTcpCandidateType>,
    /// For a relayed candidate of this end: how its server is spoken to.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub relay_protocol: Option<IceServerTransportProtocol>,
    /// For a reflexive or relayed candidate of this end: the URL of its server.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub url: Option<String>,
}

impl StatsReport {
    pub(crate) fn of(at: WallClock, session: &session::Stats, slots: &Slots) -> Self {
        let mut stats = Vec::new();
        for transport in &session.transports {
            let dtls = slots.transports.get(&transport.key).map(|t| t.dtls.state);
            let gatherer = Gatherer {
                timestamp: at.unix_millis() as f64,
                transport,
            };
            gatherer.gather(dtls.unwrap_or(DtlsTransportState::New), &mut stats);
        }
        StatsReport { stats }
    }

    /// All objects.
    pub fn iter(&self) -> impl Iterator<Item = &Stats> {
        self.stats.iter()
    }

    /// The object of this name.
    pub fn get(&self, id: &str) -> Option<&Stats> {
        self.stats.iter().find(|stats| stats.id() == id)
    }

    /// The transports.
    pub fn transports(&self) -> impl Iterator<Item = &TransportStats> {
        self.stats.iter().filter_map(|stats| match stats {
            Stats::Transport(transport) => Some(transport),
            _ => None,
        })
    }

    /// The pairs.
    pub fn candidate_pairs(&self) -> impl Iterator<Item = &CandidatePairStats> {
        self.stats.iter().filter_map(|stats| match stats {
            Stats::CandidatePair(pair) => Some(pair),
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

impl Stats {
    /// Names the object in its report.
    pub fn id(&self) -> &str {
        match self {
            Stats::Transport(stats) => &stats.id,
            Stats::CandidatePair(stats) => &stats.id,
            Stats::LocalCandidate(stats) | Stats::RemoteCandidate(stats) => &stats.id,
        }
    }
}

impl fmt::Debug for IceCandidateStats {
    /// Without addresses.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IceCandidateStats")
            .field("id", &self.id)
            .field("candidate_type", &self.candidate_type)
            .field("protocol", &self.protocol)
            .finish_non_exhaustive()
    }
}

/// Makes the objects of one transport.
struct Gatherer<'a> {
    timestamp: f64,
    transport: &'a session::TransportStats,
}

impl Gatherer<'_> {
    fn gather(&self, dtls_state: DtlsTransportState, stats: &mut Vec<Stats>) {
        let transport = self.transport;
        let selected = transport.pairs.iter().find(|pair| pair.selected);
        let newest = transport.generations.last();
        stats.push(Stats::Transport(TransportStats {
            id: transport_id(transport.key),
            timestamp: self.timestamp,
            ice_role: transport.role.into(),
            ice_local_username_fragment: newest.map_or_else(String::new, |g| g.local_ufrag.clone()),
            ice_state: transport.state.into(),
            dtls_state,
            selected_candidate_pair_id: selected.map(|pair| self.pair_id(pair)),
            selected_candidate_pair_changes: transport.selected_pair_changes,
        }));
        stats.extend(transport.pairs.iter().map(|pair| self.pair(pair)));
        for generation in &transport.generations {
            let of = generation.generation;
            for (at, candidate) in generation.local.iter().enumerate() {
                let id = self.candidate_id(Side::Local, of, at);
                let address = Some(candidate.addr.ip().to_string());
                stats.push(Stats::LocalCandidate(
                    self.candidate(id, candidate, address),
                ));
            }
            for (at, candidate) in generation.remote.iter().enumerate() {
                let id = self.candidate_id(Side::Remote, of, at);
                // webrtc-stats §8.9: only addresses that the application knows already.
                let known = candidate.kind != ice::CandidateKind::PeerReflexive;
                let address = known.then(|| candidate.addr.ip().to_string());
                stats.push(Stats::RemoteCandidate(
                    self.candidate(id, candidate, address),
                ));
            }
        }
    }

    fn pair(&self, pair: &ice::PairStats) -> Stats {
        let counters = &pair.counters;
        Stats::CandidatePair(CandidatePairStats {
            id: self.pair_id(pair),
            timestamp: self.timestamp,
            transport_id: transport_id(self.transport.key),
            local_candidate_id: self.candidate_id(Side::Local, pair.generation, pair.local),
            remote_candidate_id: self.candidate_id(Side::Remote, pair.generation, pair.remote),
            state: pair.state.into(),
            nominated: pair.nominated,
            requests_received: counters.requests_received,
            requests_sent: counters.requests_sent,
            responses_received: counters.responses_received,
            responses_sent: counters.responses_sent,
            consent_requests_sent: counters.consent_requests_sent,
            total_round_trip_time: counters.total_round_trip_time.as_secs_f64(),
            current_round_trip_time: counters
                .current_round_trip_time
                .as_ref()
                .map(Duration::as_secs_f64),
        })
    }

    fn candidate(
        &self,
        id: String,
        candidate: &ice::Candidate,
        address: Option<String>,
    ) -> IceCandidateStats {
        IceCandidateStats {
            id,
            timestamp: self.timestamp,
            transport_id: transport_id(self.transport.key),
            address,
            port: candidate.addr.port(),
            protocol: candidate.protocol.into(),
            candidate_type: candidate.kind.into(),
            priority: candidate.priority,
            foundation: candidate.foundation.to_string(),
            username_fragment: candidate.ufrag.clone(),
            related_address: candidate.related.map(|related| related.ip().to_string()),
            related_port: candidate.related.map(|related| related.port()),
            tcp_type: candidate.tcp_type.map(Into::into),
            relay_protocol: candidate.relay_protocol.map(Into::into),
            url: candidate.url.clone(),
        }
    }

    fn pair_id(&self, pair: &ice::PairStats) -> String {
        format!("CP{}-{}", self.transport.key.0, pair.id.0)
    }

    fn candidate_id(&self, side: Side, generation: Generation, at: usize) -> String {
        let side = match side {
            Side::Local => 'L',
            Side::Remote => 'R',
        };
        format!("I{side}{}-{}-{at}", self.transport.key.0, generation.0)
    }
}

#[derive(Clone, Copy)]
enum Side {
    Local,
    Remote,
}

fn transport_id(key: TransportKey) -> String {
    format!("T{}", key.0)
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
