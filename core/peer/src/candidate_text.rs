//! Candidates as SDP and the W3C's `candidate` strings have them (RFC 8839 §5.1).

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};

use duologue_base::{MdnsName, Protocol};
use duologue_ice::{Candidate, CandidateKind, TcpType};
use duologue_sdp::{Address, HostName, attr};

/// Why a candidate is of no use to an agent. RFC 8839 §5.1: it is to be ignored.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum UnusableCandidate {
    /// The candidate is not for component 1.
    Component,
    /// Neither UDP nor TCP.
    Transport,
    /// The type is none that RFC 8445 knows.
    Kind,
    /// A name instead of an address, and not that of an mDNS candidate. RFC 8839 §5.1: an agent
    /// "MUST ignore candidate lines that include candidates with FQDN".
    Name,
    /// Neither an address nor a name: one with a zone, for instance.
    Address,
    /// TCP without `tcptype` (RFC 6544 §4.5).
    TcpType,
}

impl fmt::Display for UnusableCandidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            UnusableCandidate::Component => "the candidate is not for component 1",
            UnusableCandidate::Transport => "the candidate's transport is neither udp nor tcp",
            UnusableCandidate::Kind => "the candidate's type is unknown",
            UnusableCandidate::Name => "the candidate has a name instead of an address",
            UnusableCandidate::Address => "the candidate's address is none",
            UnusableCandidate::TcpType => "the TCP candidate has no tcptype",
        })
    }
}

impl std::error::Error for UnusableCandidate {}

/// What an agent makes of a candidate's text.
///
/// # Errors
/// Why an agent has no use for it.
pub fn ice_candidate(text: &attr::Candidate) -> Result<Candidate, UnusableCandidate> {
    if text.component != 1 {
        return Err(UnusableCandidate::Component);
    }
    let protocol = match text.transport {
        attr::CandidateTransport::Udp => Protocol::Udp,
        attr::CandidateTransport::Tcp => Protocol::Tcp,
        attr::CandidateTransport::Other(_) => return Err(UnusableCandidate::Transport),
    };
    let kind = match text.kind {
        attr::CandidateKind::Host => CandidateKind::Host,
        attr::CandidateKind::ServerReflexive => CandidateKind::ServerReflexive,
        attr::CandidateKind::PeerReflexive => CandidateKind::PeerReflexive,
        attr::CandidateKind::Relayed => CandidateKind::Relayed,
        attr::CandidateKind::Other(_) => return Err(UnusableCandidate::Kind),
    };
    let tcp_type = match (protocol, text.tcp_type) {
        (Protocol::Udp, _) => None,
        (Protocol::Tcp, Some(kind)) => Some(tcp_type_of(kind)),
        (Protocol::Tcp, None) => return Err(UnusableCandidate::TcpType),
    };
    let (ip, name) = match &text.address {
        Address::Ip(ip) => (*ip, None),
        Address::Name(name) => (Ipv4Addr::UNSPECIFIED.into(), Some(mdns_name(name)?)),
        Address::Other(_) => return Err(UnusableCandidate::Address),
    };
    let related = match (&text.related_address, text.related_port) {
        (Some(Address::Ip(ip)), Some(port)) => Some(SocketAddr::new(*ip, port)),
        _ => None,
    };
    Ok(Candidate {
        foundation: text.foundation.clone(),
        protocol,
        priority: text.priority,
        addr: SocketAddr::new(ip, text.port),
        name,
        kind,
        tcp_type,
        related,
        url: None,
        relay_protocol: None,
        ufrag: text.ufrag().map(|ufrag| ufrag.to_string()),
    })
}

/// A candidate of an agent as it is signalled: with its name in place of its address, if it has one.
pub fn candidate_attribute(candidate: &Candidate) -> attr::Candidate {
    let mut text = attr::Candidate {
        foundation: candidate.foundation.clone(),
        component: 1,
        transport: match candidate.protocol {
            Protocol::Udp => attr::CandidateTransport::Udp,
            Protocol::Tcp => attr::CandidateTransport::Tcp,
        },
        priority: candidate.priority,
        address: shown_address(candidate),
        port: candidate.addr.port(),
        kind: match candidate.kind {
            CandidateKind::Host => attr::CandidateKind::Host,
            CandidateKind::ServerReflexive => attr::CandidateKind::ServerReflexive,
            CandidateKind::PeerReflexive => attr::CandidateKind::PeerReflexive,
            CandidateKind::Relayed => attr::CandidateKind::Relayed,
        },
        related_address: candidate.related.map(|related| Address::Ip(related.ip())),
        related_port: candidate.related.map(|related| related.port()),
        tcp_type: candidate.tcp_type.map(tcp_type_text),
        extensions: Vec::new(),
    };
    if let Some(Ok(ufrag)) = candidate.ufrag.as_ref().map(|ufrag| ufrag.parse()) {
        text.set_ufrag(&ufrag);
    }
    text
}

/// What is signalled as a candidate's address: its name, if it has one.
pub(crate) fn shown_address(candidate: &Candidate) -> Address {
    let name = candidate
        .name
        .and_then(|name| name.to_string().parse().ok());
    match name {
        Some(name) => Address::Name(name),
        None => Address::Ip(candidate.addr.ip()),
    }
}

/// draft-ietf-mmusic-mdns-ice-candidates §3.2.2: "ICE agents SHOULD NOT resolve mDNS names if they
/// are not in the format defined by Section 3.1."
fn mdns_name(name: &HostName) -> Result<MdnsName, UnusableCandidate> {
    name.as_str().parse().map_err(|_| UnusableCandidate::Name)
}

fn tcp_type_of(kind: attr::TcpType) -> TcpType {
    match kind {
        attr::TcpType::Active => TcpType::Active,
        attr::TcpType::Passive => TcpType::Passive,
        attr::TcpType::SimultaneousOpen => TcpType::SimultaneousOpen,
    }
}

fn tcp_type_text(kind: TcpType) -> attr::TcpType {
    match kind {
        TcpType::Active => attr::TcpType::Active,
        TcpType::Passive => attr::TcpType::Passive,
        TcpType::SimultaneousOpen => attr::TcpType::SimultaneousOpen,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Candidate, UnusableCandidate> {
        ice_candidate(&text.parse::<attr::Candidate>().unwrap())
    }

    #[test]
    fn candidates_survive_the_way_through_sdp() {
        for text in [
            "candidate:1 1 udp 2130706431 192.0.2.1 5000 typ host ufrag aBcD",
            "candidate:2 1 udp 1694498815 203.0.113.1 6000 typ srflx raddr 192.0.2.1 rport 5000",
            "candidate:3 1 tcp 1518280447 2001:db8::1 9 typ host tcptype active",
            "candidate:4 1 udp 16777215 203.0.113.9 7000 typ relay raddr 203.0.113.1 rport 6000",
            "candidate:5 1 udp 1 1f4712db-ea17-4bcf-a596-105139dfd8bf.local 5000 typ host",
        ] {
            let candidate = read(text).unwrap();
            assert_eq!(candidate_attribute(&candidate).to_string(), text);
        }
    }

    #[test]
    fn a_name_is_signalled_in_place_of_the_address() {
        let candidate = Candidate {
            name: "1f4712db-ea17-4bcf-a596-105139dfd8bf.local".parse().ok(),
            ..Candidate::host("192.0.2.1:5000".parse().unwrap(), Protocol::Udp)
        };
        let text = candidate_attribute(&candidate).to_string();
        assert!(text.contains(" 1f4712db-ea17-4bcf-a596-105139dfd8bf.local 5000 "));
        assert!(!text.contains("192.0.2.1"), "{text}");
    }

    #[test]
    fn candidates_that_are_to_be_ignored_say_why() {
        for (text, why) in [
            (
                "1 2 udp 1 192.0.2.1 1 typ host",
                UnusableCandidate::Component,
            ),
            (
                "1 1 sctp 1 192.0.2.1 1 typ host",
                UnusableCandidate::Transport,
            ),
            ("1 1 udp 1 192.0.2.1 1 typ moon", UnusableCandidate::Kind),
            ("1 1 udp 1 a-b.local 1 typ host", UnusableCandidate::Name),
            ("1 1 tcp 1 192.0.2.1 1 typ host", UnusableCandidate::TcpType),
        ] {
            assert_eq!(read(text), Err(why), "{text}");
        }
    }
}
