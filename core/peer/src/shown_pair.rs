//! A candidate pair as the application is shown it (webrtc-pc §5.6, §4.8.1).

use duologue_ice as ice;

use crate::candidate_text::shown_address;
use crate::{IceCandidate, IceCandidateInit, IceCandidatePair, IceTransport};

/// A pair of a transport: of the candidates that the application knows, if it does. `init` has what all
/// candidates of its generation share.
pub(crate) fn shown_pair(
    transport: Option<&IceTransport>,
    init: &IceCandidateInit,
    pair: &ice::CandidatePair,
) -> IceCandidatePair {
    let local = transport.and_then(|ice| known(ice.local_candidates(), &pair.local));
    let remote = transport.and_then(|ice| known(ice.remote_candidates(), &pair.remote));
    IceCandidatePair {
        id: pair.id,
        local: local.unwrap_or_else(|| match is_hidden(&pair.local) {
            true => unexposed(&pair.local, init.clone()),
            false => IceCandidate::from_local(init.clone(), &pair.local),
        }),
        remote: remote.unwrap_or_else(|| unexposed(&pair.remote, init.clone())),
    }
}

fn known(list: &[IceCandidate], candidate: &ice::Candidate) -> Option<IceCandidate> {
    let address = shown_address(candidate).to_string();
    // Generations share sockets: the same address is a candidate of each.
    let of_generation = |known: &&IceCandidate| {
        let fragment = known.init.username_fragment.as_ref();
        let fragments = fragment.zip(candidate.ufrag.as_ref());
        fragments.is_none_or(|(known, ours)| known == ours)
    };
    let is_there = |known: &&IceCandidate| {
        known.parts.as_ref().is_some_and(|parts| {
            parts.port == candidate.addr.port()
                && parts.address.as_ref() == Some(&address)
                && parts.protocol.as_str() == protocol(candidate)
        })
    };
    let mut list = list.iter().filter(of_generation);
    list.find(is_there).cloned()
}

fn protocol(candidate: &ice::Candidate) -> &'static str {
    match candidate.protocol {
        duologue_base::Protocol::Udp => "udp",
        duologue_base::Protocol::Tcp => "tcp",
    }
}

/// The other end saw this address of ours, which may be a private one, and addresses are hidden:
/// draft-ietf-mmusic-mdns-ice-candidates §3.3.1.
fn is_hidden(local: &ice::Candidate) -> bool {
    let concealed = local.related.is_some_and(|base| base.ip().is_unspecified());
    local.kind == ice::CandidateKind::PeerReflexive && concealed
}

/// A remote candidate that the application did not add: "If this RTCIceCandidate represents […] a
/// peer reflexive remote candidate, candidate is an empty string", and its address is not told
/// (§4.8.1).
fn unexposed(candidate: &ice::Candidate, init: IceCandidateInit) -> IceCandidate {
    let told = IceCandidate::from_local(IceCandidateInit::default(), candidate);
    IceCandidate {
        init: IceCandidateInit {
            candidate: String::new(),
            username_fragment: candidate.ufrag.clone(),
            ..init
        },
        parts: told.parts.map(|mut parts| {
            parts.address = None;
            parts
        }),
        relay_protocol: None,
        url: None,
    }
}
