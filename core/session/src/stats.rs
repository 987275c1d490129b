use duologue_base::{Generation, TransportKey};
use duologue_ice as ice;

use crate::transport::Transport;

/// What a session knows of its transports at one moment, for W3C `getStats()`.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Stats {
    /// Every transport.
    pub transports: Vec<TransportStats>,
}

/// One transport.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TransportStats {
    /// Its key.
    pub key: TransportKey,
    /// Our role.
    pub role: ice::Role,
    /// Its state.
    pub state: ice::TransportState,
    /// How often the selected pair changed.
    pub selected_pair_changes: u32,
    /// Our user name fragment, the candidates of both ends: for each generation, oldest first.
    pub generations: Vec<GenerationStats>,
    /// The candidate pairs of all generations.
    pub pairs: Vec<ice::PairStats>,
}

/// One set of ICE credentials and what was gathered and received for it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct GenerationStats {
    /// Which one.
    pub generation: Generation,
    /// Our user name fragment.
    pub local_ufrag: String,
    /// What [`ice::PairStats::local`] counts in.
    pub local: Vec<ice::Candidate>,
    /// What [`ice::PairStats::remote`] counts in.
    pub remote: Vec<ice::Candidate>,
}

impl TransportStats {
    pub(crate) fn of(transport: &Transport) -> Self {
        let agent = &transport.agent;
        let generation = |generation| GenerationStats {
            generation,
            local_ufrag: agent
                .local_credentials(generation)
                .map_or_else(String::new, |credentials| credentials.ufrag.clone()),
            local: agent.local_candidates(generation).cloned().collect(),
            remote: agent.remote_candidates(generation).cloned().collect(),
        };
        TransportStats {
            key: transport.key,
            role: agent.role(),
            state: agent.state(),
            selected_pair_changes: agent.selected_pair_changes(),
            generations: agent.generations().map(generation).collect(),
            pairs: agent.pairs().collect(),
        }
    }
}
