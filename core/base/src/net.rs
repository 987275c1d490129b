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
    /// Not-ECT: a transport that is not ECN-capable
    #[default]
    NotEct,
    /// ECT(1), as L4S senders mark (RFC 9331)
    Ect1,
    /// ECT(0)
    Ect0,
    /// Congestion experienced
    Ce,
}

/// The six bits of the IP header by which networks tell urgent packets from others (RFC 2474 §3).
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct Dscp(u8);

impl Dscp {
    /// Default forwarding: no mark.
    pub const DEFAULT: Dscp = Dscp(0);
    /// Lower effort (RFC 8622): what may wait behind all else.
    pub const LOWER_EFFORT: Dscp = Dscp(1);
    /// Expedited forwarding (RFC 3246).
    pub const EXPEDITED: Dscp = Dscp(46);

    /// Assured forwarding (RFC 2597 §6): class 1 to 4, and 1 to 3 for how readily it is dropped.
    pub const fn assured(class: u8, drop: u8) -> Self {
        Dscp((class << 3 | drop << 1) & 0x3f)
    }

    /// The six bits, as they stand in the upper part of an octet whose lower two bits are ECN's.
    pub const fn bits(self) -> u8 {
        self.0
    }
}

/// Where a received datagram came from and how. The bytes travel beside it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Datagram {
    /// The socket that the datagram arrived at.
    pub socket: SocketId,
    /// When the datagram arrived: by the system's own stamp where it gives one, else when it was
    /// taken from the socket. Never later than the `now` it is handed over with.
    pub received: Instant,
    /// The address of the datagram's sender.
    pub remote: SocketAddr,
    /// The address that the datagram was sent to, when the socket is bound to a wildcard and the system says.
    pub local_ip: Option<IpAddr>,
    /// The ECN mark that the datagram carries.
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
    /// How urgent the datagrams are to networks. Hosts that cannot mark single datagrams send them all
    /// the same.
    pub dscp: Dscp,
    /// Bytes of the buffer that this uses, from its start.
    pub len: usize,
    /// Set when the bytes are several datagrams: each has this size but the last, which may be
    /// shorter (what UDP GSO sends with one system call).
    pub segment_size: Option<usize>,
}
