use std::net::{IpAddr, SocketAddr};

use crate::{Instant, SocketId};

/// Transport protocol of a socket or candidate.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Protocol {
    /// UDP
    Udp,
    /// TCP, framed by RFC 4571
    Tcp,
}

/// The two ECN bits of the IP header (RFC 3168 §5).
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Ecn {
    /// Not ECN-capable
    #[default]
    NotEct,
    /// ECT(1), as L4S senders mark (RFC 9331)
    Ect1,
    /// ECT(0)
    Ect0,
    /// Congestion experienced
    Ce,
}

/// Where a received datagram came from and how. The bytes travel beside it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Datagram {
    /// The socket it arrived at.
    pub socket: SocketId,
    /// When it arrived: by the system's own stamp where it gives one, else when it was taken from
    /// the socket. Never later than the `now` it is handed over with.
    pub received: Instant,
    /// The sender's address.
    pub remote: SocketAddr,
    /// The address it was sent to, when the socket is bound to a wildcard and the system says.
    pub local_ip: Option<IpAddr>,
    /// The ECN mark that it carries, or is to carry.
    pub ecn: Ecn,
}

/// One or more datagrams to send to one address; their bytes are in the buffer that the caller
/// passed to the `poll_transmit` that returned this.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Transmit {
    /// The socket to send from.
    pub socket: SocketId,
    /// The address to send to.
    pub remote: SocketAddr,
    /// The source address to ask for, when the socket is bound to a wildcard.
    pub local_ip: Option<IpAddr>,
    /// The ECN mark to set.
    pub ecn: Ecn,
    /// Bytes of the buffer that this uses, from its start.
    pub len: usize,
    /// Set when the bytes are several datagrams: each has this size but the last, which may be
    /// shorter (what UDP GSO sends with one system call).
    pub segment_size: Option<usize>,
}
