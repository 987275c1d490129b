use duologue_base::{Generation, TransportKey};
use duologue_ice as ice;
use duologue_session as session;

use super::{Collector, Stats};
use crate::candidate_text::candidate_attribute;
use crate::transports::Transport;
use crate::{
    IceCandidate, IceCandidateInit, IceCandidateType, IceProtocol, IceServerTransportProtocol,
    IceTcpCandidateType,
};

dictionary! {
    /// About a candidate of either end.
    #[doc(alias = "RTCIceCandidateStats")]
    pub struct IceCandidateStats {
        /// The candidate's transport.
        pub transport_id: String,
        /// The candidate's address; none of a peer-reflexive one that only its checks have told.
        pub address: Option<String>,
        /// The candidate's port.
        pub port: u16,
        /// The candidate's transport protocol.
        pub protocol: IceProtocol,
        /// The type of the candidate: where it comes from.
        pub candidate_type: IceCandidateType,
        /// The candidate's priority.
        pub priority: u32,
        /// Equal for candidates of the same origin.
        pub foundation: String,
    } optional {
        /// The server that a local one was gathered from.
        pub url: String,
        /// How the server of a local relayed one is spoken to.
        pub relay_protocol: IceServerTransportProtocol,
        /// The address that the candidate was derived from.
        pub related_address: String,
        /// The port that the candidate was derived from.
        pub related_port: u16,
        /// The user name fragment of its end, once signalling has told it.
        pub username_fragment: String,
        /// The role of a TCP candidate.
        pub tcp_type: IceTcpCandidateType,
    }
}

impl Collector {
    pub(super) fn add_candidates(
        &mut self,
        counted: &session::TransportStats,
        transport_id: &str,
        transport: &Transport,
        generation: &session::GenerationStats,
    ) {
        let timestamp = self.timestamp();
        let stats = |end, at, shown: &IceCandidate, ufrag: &Option<String>| {
            let parts = shown.parts.clone()?;
            Some(IceCandidateStats {
                id: candidate_id(end, counted.key, generation.generation, at),
                timestamp,
                transport_id: transport_id.to_owned(),
                address: parts.address,
                port: parts.port,
                protocol: parts.protocol,
                candidate_type: parts.candidate_type,
                priority: parts.priority,
                url: shown.url.clone(),
                relay_protocol: shown.relay_protocol,
                foundation: parts.foundation,
                related_address: parts.related_address,
                related_port: parts.related_port,
                username_fragment: ufrag.clone(),
                tcp_type: parts.tcp_type,
            })
        };

        let local_ufrag = Some(generation.local_ufrag.clone());
        let local = generation.local.iter().enumerate();
        self.stats.extend(local.filter_map(|(at, candidate)| {
            let shown = IceCandidate::from_local(IceCandidateInit::default(), candidate);
            stats(End::Local, at, &shown, &local_ufrag).map(Stats::LocalCandidate)
        }));

        let remote = generation.remote.iter().enumerate();
        self.stats.extend(remote.filter_map(|(at, candidate)| {
            let shown = shown_remote(transport, candidate);
            stats(End::Remote, at, &shown, &generation.remote_ufrag).map(Stats::RemoteCandidate)
        }));
    }
}

#[derive(Clone, Copy)]
pub(super) enum End {
    Local,
    Remote,
}

pub(super) fn candidate_id(
    end: End,
    TransportKey(key): TransportKey,
    Generation(generation): Generation,
    at: usize,
) -> String {
    let end = match end {
        End::Local => "L",
        End::Remote => "R",
    };
    format!("C{end}{key}-{generation}-{at}")
}

/// A remote candidate as the application knows it: under the name that it was signalled with.
/// webrtc-stats `address`: one that only its checks have told "MUST be null".
fn shown_remote(transport: &Transport, candidate: &ice::Candidate) -> IceCandidate {
    let attribute = candidate_attribute(candidate);
    let mut shown = IceCandidate::new(IceCandidateInit {
        candidate: attribute.to_string(),
        ..IceCandidateInit::default()
    });
    let Some(parts) = &mut shown.parts else {
        return shown;
    };
    // Of a generation that is over only the pair in use is left. One that was not signalled before
    // it was selected has no text there.
    let selected = transport.ice.last_selected_pair();
    let selected = selected.map(|pair| &pair.remote);
    let selected = selected.filter(|remote| !remote.init.candidate.is_empty());
    let mut known = transport.ice.remote_candidates().iter().chain(selected);
    let signalled = known.find(|known| {
        known.parts.as_ref().is_some_and(|known| {
            known.port == parts.port
                && known.protocol == parts.protocol
                && known.foundation == parts.foundation
                && known.priority == parts.priority
        })
    });
    if let Some(known) = signalled {
        return known.clone();
    }
    if parts.candidate_type == IceCandidateType::Prflx {
        parts.address = None;
    }
    shown
}
