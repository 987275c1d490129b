use std::fmt;
use std::net::{IpAddr, SocketAddr};

use duologue_base::{Foundation, MdnsName, Protocol};

/// How a candidate was learnt (RFC 8445 §4, W3C `RTCIceCandidateType`).
#[doc(alias = "RTCIceCandidateType")]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum CandidateKind {
    /// `host`: an address of this machine.
    Host,
    /// `srflx`: what a STUN server saw.
    ServerReflexive,
    /// `prflx`: what the other agent saw, or the unknown source of a check.
    PeerReflexive,
    /// `relay`: an address of a TURN server.
    Relayed,
}

impl CandidateKind {
    /// The name used in SDP and by the W3C.
    pub const fn as_str(self) -> &'static str {
        match self {
            CandidateKind::Host => "host",
            CandidateKind::ServerReflexive => "srflx",
            CandidateKind::PeerReflexive => "prflx",
            CandidateKind::Relayed => "relay",
        }
    }

    /// RFC 8445 §5.1.2.2: the recommended type preferences. RFC 6544 §4.2: where UDP is as good or
    /// better, its candidates are preferred; TCP's stay above relays, as in browsers.
    pub(crate) const fn preference(self, protocol: Protocol) -> u32 {
        match (self, protocol) {
            (CandidateKind::Host, Protocol::Udp) => 126,
            (CandidateKind::PeerReflexive, Protocol::Udp) => 110,
            (CandidateKind::ServerReflexive, Protocol::Udp) => 100,
            (CandidateKind::Host, Protocol::Tcp) => 90,
            (CandidateKind::PeerReflexive, Protocol::Tcp) => 80,
            (CandidateKind::ServerReflexive, Protocol::Tcp) => 70,
            (CandidateKind::Relayed, _) => 0,
        }
    }
}

/// Which end opens the connection of a TCP candidate (RFC 6544 §4.5).
#[doc(alias = "RTCIceTcpCandidateType")]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum TcpType {
    /// A candidate that opens connections.
    Active,
    /// A candidate that accepts connections.
    Passive,
    /// A candidate that does both at once.
    SimultaneousOpen,
}

impl TcpType {
    /// The type that it makes pairs with (RFC 6544 §6.2).
    pub(crate) const fn counterpart(self) -> Self {
        match self {
            TcpType::Active => TcpType::Passive,
            TcpType::Passive => TcpType::Active,
            TcpType::SimultaneousOpen => TcpType::SimultaneousOpen,
        }
    }

    /// RFC 6544 §4.2: the recommended direction preferences of host candidates.
    const fn direction_preference(self) -> u16 {
        match self {
            TcpType::Active => 6,
            TcpType::Passive => 4,
            TcpType::SimultaneousOpen => 2,
        }
    }

    /// RFC 6544 §4.2: those of other candidates. What opens from both sides passes most NATs.
    const fn reflexive_direction_preference(self) -> u16 {
        match self {
            TcpType::SimultaneousOpen => 6,
            TcpType::Active => 4,
            TcpType::Passive => 2,
        }
    }

    /// The name used in SDP and by the W3C.
    pub const fn as_str(self) -> &'static str {
        match self {
            TcpType::Active => "active",
            TcpType::Passive => "passive",
            TcpType::SimultaneousOpen => "so",
        }
    }
}

/// How this agent reaches a server, and so the TURN server of a relayed candidate.
#[doc(alias = "RTCIceServerTransportProtocol")]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum RelayProtocol {
    /// UDP
    Udp,
    /// DTLS over UDP
    Dtls,
    /// TCP
    Tcp,
    /// TLS over TCP
    Tls,
}

impl RelayProtocol {
    /// The server is reached over a connection of its own, and not from the socket of a candidate.
    pub(crate) const fn has_connection(self) -> bool {
        !matches!(self, RelayProtocol::Udp)
    }

    /// The transport below repeats what is lost (RFC 8489 §6.2.2).
    pub(crate) const fn is_reliable(self) -> bool {
        matches!(self, RelayProtocol::Tcp | RelayProtocol::Tls)
    }

    /// The W3C's name. It has none for DTLS, over which a client "is using UDP as transport to the
    /// TURN server"; the URL says the rest.
    pub const fn as_str(self) -> &'static str {
        match self {
            RelayProtocol::Udp | RelayProtocol::Dtls => "udp",
            RelayProtocol::Tcp => "tcp",
            RelayProtocol::Tls => "tls",
        }
    }
}

/// A transport address that an agent may be reached at (RFC 8445 §5.1). There is one component.
///
/// Its `Debug` shows no address.
#[doc(alias = "RTCIceCandidate")]
#[derive(Clone, Eq, PartialEq)]
pub struct Candidate {
    /// Equal for candidates of one kind, base address, server and protocol (RFC 8445 §5.1.1.3).
    pub foundation: Foundation,
    /// Transport protocol.
    pub protocol: Protocol,
    /// Preference among the candidates of its agent (RFC 8445 §5.1.2).
    pub priority: u32,
    /// The address to reach the candidate at.
    pub addr: SocketAddr,
    /// The name that is signalled in place of the IP address
    /// (draft-ietf-mmusic-mdns-ice-candidates). A remote candidate that comes with one has the
    /// address 0.0.0.0 until the name is resolved.
    pub name: Option<MdnsName>,
    /// The kind of the candidate: how it was learnt.
    pub kind: CandidateKind,
    /// The kind of a TCP candidate.
    pub tcp_type: Option<TcpType>,
    /// The base of a reflexive candidate, the mapped address of a relayed one.
    pub related: Option<SocketAddr>,
    /// The `iceServers` URL that a local candidate was gathered from.
    pub url: Option<String>,
    /// How the server of a relayed local candidate is spoken to.
    pub relay_protocol: Option<RelayProtocol>,
    /// The username fragment that the candidate is tagged with (RFC 8838 §4), which names its generation.
    pub ufrag: Option<String>,
}

impl Candidate {
    /// A host candidate as the other agent would describe it: for tests and for servers that know
    /// their address. `foundation` is 1.
    pub fn host(addr: SocketAddr, protocol: Protocol) -> Self {
        Candidate {
            foundation: foundation("", 1),
            protocol,
            priority: priority(
                CandidateKind::Host,
                protocol,
                local_preference(addr.ip(), 0),
            ),
            addr,
            name: None,
            kind: CandidateKind::Host,
            tcp_type: None,
            related: None,
            url: None,
            relay_protocol: None,
            ufrag: None,
        }
    }
}

impl fmt::Debug for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let family = if self.addr.is_ipv4() { "ipv4" } else { "ipv6" };
        f.debug_struct("Candidate")
            .field("kind", &self.kind)
            .field("protocol", &self.protocol)
            .field("family", &family)
            .field("foundation", &self.foundation)
            .field("priority", &self.priority)
            .finish_non_exhaustive()
    }
}

/// The foundation of this name and number, which must be short.
pub(crate) fn foundation(name: &str, number: usize) -> Foundation {
    format!("{name}{number}")
        .parse()
        .expect("letters and digits are ice-chars")
}

/// RFC 8445 §5.1.2.1: the priority of a candidate of component 1.
pub(crate) const fn priority(
    kind: CandidateKind,
    protocol: Protocol,
    local_preference: u16,
) -> u32 {
    (kind.preference(protocol) << 24) + ((local_preference as u32) << 8) + 255
}

/// RFC 8421 §4: families take turns, IPv6 first, so that a broken family costs one check and not
/// all of them. `index` counts the addresses of one family in the host's order. Loopback comes
/// after everything that can leave the machine, link-local before it.
pub(crate) fn local_preference(ip: IpAddr, index: u16) -> u16 {
    ranked(ip, index, [0x3fff, 0x7fff, 0xffff])
}

/// RFC 6544 §4.2: `2^13 * direction-pref + other-pref`.
pub(crate) fn tcp_preference(kind: TcpType, ip: IpAddr, index: u16) -> u16 {
    (kind.direction_preference() << 13) + ranked(ip, index, [0x7ff, 0xfff, 0x1fff])
}

/// The preference of a server-reflexive candidate whose base has this one.
pub(crate) fn reflexive_preference(base: u16, tcp: Option<TcpType>) -> u16 {
    match tcp {
        Some(kind) => (kind.reflexive_direction_preference() << 13) + (base & 0x1fff),
        None => base,
    }
}

/// Of relays, those that data reaches without TCP's waiting for what was lost come first, then
/// those without a second encryption. The preference of the base stays what decides otherwise.
pub(crate) fn relay_preference(base: u16, protocol: RelayProtocol) -> u16 {
    let steps = match protocol {
        RelayProtocol::Udp => 0,
        RelayProtocol::Dtls => 1,
        RelayProtocol::Tcp => 2,
        RelayProtocol::Tls => 3,
    };
    base.saturating_sub(steps * 0x1000)
}

/// `tops` are the highest preferences of loopback, link-local and other addresses.
fn ranked(ip: IpAddr, index: u16, tops: [u16; 3]) -> u16 {
    let reach = match ip {
        _ if ip.is_loopback() => 0,
        _ if is_link_local(ip) => 1,
        _ => 2,
    };
    let family = u16::from(ip.is_ipv4());
    tops[reach] - (index.min(0x1ff) * 2 + family)
}

pub(crate) fn is_link_local(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    }
}

/// RFC 8445 §6.1.2.3: the priority of a pair, equal at both agents.
pub(crate) fn pair_priority(controlling: u32, controlled: u32) -> u64 {
    let (g, d) = (u64::from(controlling), u64::from(controlled));
    (g.min(d) << 32) + 2 * g.max(d) + u64::from(g > d)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_take_turns_and_loopback_comes_last() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let order = [
            local_preference(ip("2001:db8::1"), 0),
            local_preference(ip("192.0.2.1"), 0),
            local_preference(ip("2001:db8::2"), 1),
            local_preference(ip("192.0.2.2"), 1),
            local_preference(ip("fe80::1"), 0),
            local_preference(ip("::1"), 0),
            local_preference(ip("127.0.0.1"), 0),
        ];
        assert!(order.is_sorted_by(|a, b| a > b), "{order:?}");
    }

    #[test]
    fn a_host_candidate_of_one_address_has_the_priority_of_rfc_8445() {
        let udp = priority(CandidateKind::Host, Protocol::Udp, 65535);
        assert_eq!(udp, 2_130_706_431);
        assert_eq!(pair_priority(2, 1), (1 << 32) + 4 + 1);
        assert_eq!(pair_priority(1, 2), (1 << 32) + 4);
    }

    #[test]
    fn tcp_comes_after_udp_and_active_before_passive() {
        let ip = "2001:db8::1".parse().unwrap();
        let tcp = |kind| {
            priority(
                CandidateKind::Host,
                Protocol::Tcp,
                tcp_preference(kind, ip, 0),
            )
        };
        let reflexive = |kind| {
            let preference = reflexive_preference(tcp_preference(kind, ip, 0), Some(kind));
            priority(CandidateKind::ServerReflexive, Protocol::Tcp, preference)
        };
        // RFC 6544 §4.2 with a type preference of 90.
        assert_eq!(
            tcp(TcpType::Active),
            (90 << 24) + (((6 << 13) + 8191) << 8) + 255
        );
        let relayed = |protocol| {
            let preference = relay_preference(local_preference(ip, 3), protocol);
            priority(CandidateKind::Relayed, Protocol::Udp, preference)
        };
        let order = [
            priority(CandidateKind::ServerReflexive, Protocol::Udp, 0),
            tcp(TcpType::Active),
            tcp(TcpType::Passive),
            tcp(TcpType::SimultaneousOpen),
            reflexive(TcpType::SimultaneousOpen),
            reflexive(TcpType::Passive),
            relayed(RelayProtocol::Udp),
            relayed(RelayProtocol::Dtls),
            relayed(RelayProtocol::Tcp),
            relayed(RelayProtocol::Tls),
            priority(
                CandidateKind::Relayed,
                Protocol::Udp,
                local_preference("fe80::1".parse().unwrap(), 0),
            ),
        ];
        assert!(order.is_sorted_by(|a, b| a > b), "{order:?}");
    }

    #[test]
    fn debug_output_shows_no_address() {
        let candidate = Candidate::host("192.0.2.77:4242".parse().unwrap(), Protocol::Udp);
        let text = format!("{candidate:?}");
        assert!(
            !text.contains("192.0.2.77") && !text.contains("4242"),
            "{text}"
        );
    }
}
