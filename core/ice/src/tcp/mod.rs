//! Byte streams: connections to servers, and to other agents (RFC 6544).
//!
//! A stream is opened by the host, on request, and has a [`SocketId`](duologue_base::SocketId) like
//! any socket. What it carries is cut into messages by a [`Deframer`].

mod frame;
mod peer;

pub use frame::{Deframer, Framing, FramingError};
pub(crate) use peer::PeerStream;

/// Names one connection that an agent asked its owner to open.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ConnectId(pub u32);

/// What protects a stream, or is in the place of one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Security {
    /// Plain TCP.
    Plain,
    /// TLS; the server's certificate must be for this name or address.
    Tls {
        /// The host of the server's URL.
        server_name: String,
    },
    /// A UDP socket of its own, without protection, in the place of a stream: it is another address
    /// of this host to a TURN server.
    Datagrams,
    /// DTLS over UDP, in a socket of its own: a stream that keeps datagrams apart and loses some.
    /// The certificate as with TLS.
    Dtls {
        /// The host of the server's URL.
        server_name: String,
    },
}

/// Why a stream could not be opened.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The address refused the connection: nobody listens there.
    #[error("the connection was refused")]
    Refused,
    /// The address is out of reach: there is no way there.
    #[error("the server is out of reach")]
    Unreachable,
    /// The connection timed out: nobody answered in time.
    #[error("the connection timed out")]
    TimedOut,
    /// The certificate is not trusted, or is another server's.
    #[error("the server's TLS certificate is not trusted")]
    Certificate,
    /// The TLS handshake failed otherwise.
    #[error("the TLS handshake failed")]
    Tls,
    /// The DTLS handshake failed otherwise: mostly the server has no certificate with an ECDSA key.
    #[error("the DTLS handshake failed: it takes DTLS 1.2 and a certificate with an ECDSA key")]
    Dtls,
    /// The connection ended before it was ready.
    #[error("the connection was closed")]
    Closed,
    /// The host cannot open the connection: no port, no file descriptor, or the host does not open streams.
    #[error("the host cannot open the connection")]
    NotPossible,
}
