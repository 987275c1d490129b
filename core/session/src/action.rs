use std::net::{IpAddr, SocketAddr};

use duologue_base::{MdnsName, Protocol, SocketId, TransportKey};
use duologue_ice::Security;

/// What a session asks its host to do.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Action {
    /// Bind a socket for a transport and answer with `Session::handle_bound`.
    Bind {
        /// Names the request in the answer.
        bind_id: BindId,
        /// The transport it is for. Two transports may share a socket only if the host can tell
        /// their datagrams apart; a client host makes a socket for each.
        transport: TransportKey,
        /// The local address; any free port.
        ip: IpAddr,
        /// UDP; or TCP, which asks for a socket that listens. What connects to it is told to
        /// `Session::handle_accepted`.
        protocol: Protocol,
    },
    /// Open a byte stream and answer with `Session::handle_connected`, in bounded time. From then
    /// on it is a socket: trains for it are bytes to write, and what it brings goes to
    /// `Session::handle_stream`. DTLS takes the datagrams of a train one by one, and so are those
    /// given that it brings.
    Connect {
        /// Names the request in the answer.
        bind_id: BindId,
        /// The transport it is for.
        transport: TransportKey,
        /// Where it begins: port 0 for any, else the port of a listening socket of this session's,
        /// which it shares (RFC 6544 §5.1, simultaneous open).
        local: SocketAddr,
        /// Where it goes to.
        remote: SocketAddr,
        /// TCP, TLS over it, or DTLS; or a UDP socket, which is used like those of
        /// [`Bind`](Self::Bind).
        security: Security,
    },
    /// List the addresses of this host that may be used, and answer with
    /// `Session::handle_interfaces` or `Session::handle_interfaces_unknown`. A host that has told them
    /// before is not asked.
    ListInterfaces,
    /// Datagrams of STUN whose user name begins like this are for this transport: all that are, those
    /// of before included; none once it has ended. Only a host that called
    /// `Session::share_sockets` hears of them.
    SetUserNames {
        /// The transport.
        transport: TransportKey,
        /// Our user name fragments of its generations (RFC 8445 §5.3).
        ufrags: Vec<String>,
    },
    /// Data of this transport goes there now, or nowhere that is known to be the peer's; and whether the other end, which was heard
    /// before, is `silent`: then others may be at addresses that it had. Only a host that called
    /// `Session::share_sockets` hears of it.
    SetPath {
        /// The transport.
        transport: TransportKey,
        /// By which socket, and where to: the peer answered checks there, or a relay forwards to it. None
        /// of a lite agent's, which sends no checks.
        path: Option<(SocketId, SocketAddr)>,
        /// Consent was not answered for a while (RFC 7675), or ICE failed.
        silent: bool,
    },
    /// Look the addresses of a host name up and answer with `Session::handle_resolved`.
    Resolve {
        /// The name of a STUN or TURN server.
        host: String,
    },
    /// Find the address of a name by multicast DNS and answer with
    /// `Session::handle_name_resolved`. It is never the system's resolver that is asked.
    ResolveName {
        /// The name of a remote mDNS candidate.
        name: MdnsName,
    },
    /// Answer for a name by multicast DNS. It may be asked for again.
    AnnounceName {
        /// The name.
        name: MdnsName,
        /// The one address of the name.
        ip: IpAddr,
    },
    /// Answer for a name no more.
    WithdrawName {
        /// The name.
        name: MdnsName,
    },
    /// Close a socket: a stream once what was written to it has left.
    Unbind {
        /// The socket.
        socket: SocketId,
    },
}

/// Names one request of a session for a socket.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct BindId(pub u32);

impl BindId {
    pub(crate) fn next(counter: &mut u32) -> Self {
        let id = BindId(*counter);
        *counter = counter.wrapping_add(1);
        id
    }
}

/// Why a host could not bind a socket.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum BindError {
    /// The interface is gone, or the address is of another host.
    #[error("the address is not available")]
    AddressNotAvailable,
    /// The host has no free port or file descriptor.
    #[error("no port or file descriptor is free")]
    Exhausted,
    /// The system or a policy of the host forbids it.
    #[error("not permitted")]
    NotPermitted,
}

/// An address of this host that candidates may be made of. The host filters: what it lists is used.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Interface {
    /// The address.
    pub ip: IpAddr,
}
