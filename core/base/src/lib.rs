//! What every crate of duologue shares: time and chance as inputs, ids, serial-number
//! arithmetic, addresses, what signalling agrees on for a transport, and the wrapper that keeps
//! secrets out of logs.
//!
//! Nothing here reads a clock or a random device. A host passes [`Instant`]s, [`WallClock`]s and
//! a seeded [`Rng`] in; the same inputs give the same outputs on every machine ([`float`]), so a failing simulation is a
//! seed.
#![forbid(unsafe_code)]

pub mod float;
mod id;
mod mdns_name;
mod net;
mod redact;
mod rng;
mod seq;
mod srtp;
mod text;
mod time;
mod transport;

pub use id::{
    ChannelKey, Foundation, FoundationError, Generation, Mid, MidError, SocketId, StreamId,
    TransceiverId, TransportKey,
};
pub use mdns_name::{MdnsName, MdnsNameError};
pub use net::{Datagram, Dscp, Ecn, Protocol, Transmit};
pub use redact::{Redacted, Wipe};
pub use rng::Rng;
pub use seq::{Seq16, Seq32};
pub use srtp::{SrtpKeying, SrtpProfile};
pub use text::cut;
pub use time::{Instant, WallClock};
pub use transport::{DtlsRole, IceCredentials, IceCredentialsError, IceRole};
