use std::net::IpAddr;
use std::time::Duration;

use crate::gather::Server;

/// Settings of an [`Agent`](crate::Agent).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Config {
    /// RFC 8445 §2.5: only answers checks. For servers with public addresses.
    pub lite: bool,
    /// Nominate again (draft-thatcher-ice-renomination) when the other agent follows that: a better
    /// pair that is found later, and another one when the nominated one stops to answer. This
    /// agent's description has to say `a=ice-options:renomination`.
    pub renomination: bool,
    /// Checks carry datagrams of those above ICE (draft-hancke-webrtc-sped), unless the other agent
    /// shows that it does not know that. This agent's description has to say
    /// `a=ice-options:sped`.
    pub sped: bool,
    /// Gather candidates of loopback addresses. RFC 8445 §5.1.1.1 forbids it on the open network;
    /// tests and processes of one machine need it.
    pub loopback: bool,
    /// Signal random names in place of the addresses of this host
    /// (draft-ietf-mmusic-mdns-ice-candidates), as browsers do. The owner gives the names
    /// ([`Agent::hide_address`](crate::Agent::hide_address)) and answers for them by multicast DNS.
    pub hide_host_addresses: bool,
    /// Addresses that this host has elsewhere, behind a NAT that translates one to one.
    pub external_addresses: Vec<ExternalAddress>,
    /// Ta, the least time between two new checks (RFC 8445 §14.2).
    ///
    /// The RFC's default of 50 ms makes 30 dead pairs cost 1.5 s; it allows less on networks that
    /// carry it, down to 5 ms. 10 ms of checks is 80 kbit/s. Agents of one ICE session share it
    /// ([`Agent::share_checks`](crate::Agent::share_checks)).
    pub pacing: Duration,
    /// Gather candidates over UDP. Without it servers are asked over TCP and TLS only.
    pub udp: bool,
    /// Which TCP candidates to gather.
    pub tcp: TcpTypes,
    /// Never end gathering: addresses that this host gets later become candidates to signal.
    /// Otherwise they are used for checks of this agent's own, but the other side learns of them
    /// by those checks only: after the end of candidates none may follow (RFC 8838 §13).
    pub gather_continually: bool,
    /// W3C `iceTransportPolicy: "relay"`: only candidates of TURN servers.
    pub relay_only: bool,
    /// Servers to gather candidates from. Changes take effect with the next generation.
    pub servers: Vec<Server>,
    /// RFC 8863: how long an agent with nothing left to check waits for the other side's checks
    /// before it fails, counted from the remote credentials.
    pub patience: Duration,
}

/// What the other agent's description says about it besides its credentials.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct RemoteOptions {
    /// `a=ice-lite`: it only answers checks.
    pub lite: bool,
    /// `a=ice-pacing` (RFC 8839 §5.7): the least time between two checks; the larger one of both ends'
    /// counts. One that does not say means 50 ms by the letter (RFC 8445 §14.2); browsers do not keep
    /// to it and never say, so it counts for nothing here.
    pub pacing: Option<Duration>,
    /// `a=ice-options:renomination`: the pair nominated last is the one that it uses.
    pub renomination: bool,
    /// `a=ice-options:sped`: its checks carry datagrams, and may bring some.
    pub sped: bool,
}

/// An address outside a NAT that keeps ports, as clouds give to their machines. Candidates of it
/// are known without a STUN server.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ExternalAddress {
    /// The address of this host that it belongs to; none: each of its family that is not loopback.
    pub local: Option<IpAddr>,
    /// The address that others see.
    pub external: IpAddr,
    /// Signal it in place of the host's own address, which others cannot reach; else as a
    /// server-reflexive candidate beside it.
    pub replaces: bool,
}

/// Kinds of TCP candidates (RFC 6544 §4.5).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct TcpTypes {
    /// Connections are opened to passive candidates. As browsers do, this is on by default: it
    /// costs nothing before the other agent has such a candidate.
    pub active: bool,
    /// A socket on each address accepts connections.
    pub passive: bool,
    /// Whether candidates are gathered by which both agents open a connection at once, which some NATs let through.
    pub simultaneous_open: bool,
}

impl TcpTypes {
    /// The types of an agent without any TCP candidates. Servers are still asked over TCP where
    /// their URL says so.
    pub const NONE: TcpTypes = TcpTypes {
        active: false,
        passive: false,
        simultaneous_open: false,
    };
    /// All kinds.
    pub const ALL: TcpTypes = TcpTypes {
        active: true,
        passive: true,
        simultaneous_open: true,
    };
}

impl Default for TcpTypes {
    fn default() -> Self {
        TcpTypes {
            active: true,
            ..TcpTypes::NONE
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Config {
            lite: false,
            renomination: false,
            sped: false,
            loopback: false,
            hide_host_addresses: false,
            external_addresses: Vec::new(),
            udp: true,
            tcp: TcpTypes::default(),
            gather_continually: false,
            relay_only: false,
            servers: Vec::new(),
            pacing: Duration::from_millis(10),
            // RFC 8863 §3: the time until a check with default retransmissions fails.
            patience: Duration::from_millis(39_500),
        }
    }
}
