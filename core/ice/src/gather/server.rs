use std::fmt;
use std::net::{IpAddr, SocketAddr};

use duologue_base::{Instant, Redacted, Rng};
use duologue_stun::TransactionId;

use crate::candidate::RelayProtocol;
use crate::config::Config;
use crate::limits;
use crate::tcp::Security;

/// A STUN or TURN server to gather candidates from: one URL of the W3C's `iceServers`, taken apart.
#[doc(alias = "RTCIceServer")]
#[derive(Clone, Eq, PartialEq)]
pub struct Server {
    /// The URL, as candidates and errors name it.
    pub url: String,
    /// A host name or an IP address.
    pub host: String,
    /// The port.
    pub port: u16,
    /// How the server is reached.
    pub transport: RelayProtocol,
    /// What the server is asked for.
    pub kind: ServerKind,
}

/// What a server is asked for.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ServerKind {
    /// `stun:`, `stuns:`: which address it sees of a socket. Over a stream that begins elsewhere
    /// than at a listening socket's port it makes no candidate, since connections of other agents
    /// would not get there: it only shows that the server answers.
    Stun,
    /// `turn:`, `turns:`: to forward.
    Turn {
        /// The user name.
        username: Redacted<String>,
        /// The password.
        password: Redacted<String>,
    },
    /// `turn:`, `turns:`: to forward, with what an authorization server gave (RFC 7635).
    TurnToken(TokenCredential),
}

/// What an authorization server gives for a TURN server (RFC 7635).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TokenCredential {
    /// The key id: by what the server knows the key that the token is encrypted with.
    pub kid: Redacted<String>,
    /// What messages are protected with.
    pub mac_key: Redacted<Vec<u8>>,
    /// What only the server can read.
    pub access_token: Redacted<Vec<u8>>,
}

/// How an allocation is asked for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Login {
    Password {
        username: Redacted<String>,
        password: Redacted<String>,
    },
    Token(TokenCredential),
}

impl ServerKind {
    /// None of servers that allocate nothing.
    pub(crate) fn login(&self) -> Option<Login> {
        match self.clone() {
            ServerKind::Stun => None,
            ServerKind::Turn { username, password } => Some(Login::Password { username, password }),
            ServerKind::TurnToken(token) => Some(Login::Token(token)),
        }
    }
}

impl Server {
    /// How a stream to it is protected; none when it is asked with datagrams.
    pub(crate) fn security(&self) -> Option<Security> {
        let server_name = self.host.clone();
        match self.transport {
            RelayProtocol::Udp => None,
            RelayProtocol::Dtls => Some(Security::Dtls { server_name }),
            RelayProtocol::Tcp => Some(Security::Plain),
            RelayProtocol::Tls => Some(Security::Tls { server_name }),
        }
    }

    /// The same for a stream that begins at the port of a listening socket; none when the server
    /// is not asked so.
    pub(crate) fn reflexive_security(&self) -> Option<Security> {
        match (&self.kind, self.transport) {
            // RFC 7064 §3.2: a `stun:` URL says nothing about the transport.
            (ServerKind::Stun, RelayProtocol::Udp) => Some(Security::Plain),
            (_, RelayProtocol::Tcp | RelayProtocol::Tls) => self.security(),
            (_, RelayProtocol::Udp | RelayProtocol::Dtls) => None,
        }
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("url", &Redacted(()))
            .field("kind", &self.kind)
            .finish()
    }
}

/// A server and what is known about its address.
#[derive(Debug)]
pub(crate) struct ServerState {
    pub(crate) server: Server,
    pub(crate) addresses: Addresses,
    /// In this gathering it answered, or its 701 was reported: "this error is only fired once per
    /// server URL".
    pub(crate) reported: bool,
}

#[derive(Debug)]
pub(crate) enum Addresses {
    /// The host was asked for them and has this long.
    Asked { until: Option<Instant> },
    /// None: the name does not resolve.
    Known(Vec<IpAddr>),
}

impl ServerState {
    pub(crate) fn new(server: Server) -> Self {
        let addresses = match server.host.parse() {
            Ok(ip) => Addresses::Known(vec![ip]),
            Err(_) => Addresses::Asked { until: None },
        };
        ServerState {
            server,
            addresses,
            reported: false,
        }
    }

    /// The address to ask from a socket at this address: the first one that it can reach. A server
    /// on loopback is asked from loopback where that is gathered from, else from the other
    /// addresses of this host, which reach it as well.
    pub(crate) fn address_for(&self, from: IpAddr, config: &Config) -> Option<SocketAddr> {
        let Addresses::Known(known) = &self.addresses else {
            return None;
        };
        let reachable = |ip: &&IpAddr| {
            let same = ip.is_loopback() == from.is_loopback();
            ip.is_ipv4() == from.is_ipv4() && (same || ip.is_loopback() && !config.loopback)
        };
        let ip = known.iter().find(reachable)?;
        Some(SocketAddr::new(*ip, self.server.port))
    }
}

/// One request to a server: sent again with growing pauses, then given up. Servers are asked in
/// parallel and gathering should end soon, so it takes 9.5 s and not the 39.5 s of RFC 8489.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Attempt {
    pub(crate) id: TransactionId,
    sends: u32,
    /// When it is sent next, or given up.
    pub(crate) at: Instant,
}

impl Attempt {
    pub(crate) fn new(rng: &mut Rng, now: Instant) -> Self {
        let mut id = [0; 12];
        rng.fill(&mut id);
        Attempt {
            id: TransactionId(id),
            sends: 0,
            at: now,
        }
    }

    /// It is to be sent now.
    pub(crate) fn is_due(&self, now: Instant) -> bool {
        self.sends < limits::SERVER_SENDS_MAX && self.at <= now
    }

    /// Nobody answers.
    pub(crate) fn is_over(&self, now: Instant) -> bool {
        self.sends >= limits::SERVER_SENDS_MAX && self.at <= now
    }

    /// It was not sent yet.
    pub(crate) fn is_new(&self) -> bool {
        self.sends == 0
    }

    /// RFC 8489 §6.2.2: over a reliable transport it is sent once and waited for as long.
    pub(crate) fn sent(&mut self, now: Instant, reliable: bool) {
        if reliable {
            self.sends = limits::SERVER_SENDS_MAX;
            self.at = now + limits::SERVER_WAIT;
            return;
        }
        self.sends += 1;
        let pause = match self.sends {
            limits::SERVER_SENDS_MAX => limits::SERVER_LAST_WAIT,
            // RFC 8489 §6.2.1: the pauses double.
            sends => limits::RTO_MIN * (1 << (sends - 1)),
        };
        self.at = now + pause;
    }
}
