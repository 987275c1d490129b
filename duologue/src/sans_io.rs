//! The two machines of a connection, for hosts that bring their own input and output.
//!
//! [`Peer`] is the control plane: the W3C's `RTCPeerConnection`, with offers, answers, objects and
//! events. [`Session`] is the data plane: ICE, DTLS, SCTP and data channels, RTP over SRTP. A peer
//! gives [`Command`]s for its session, a session [`Report`]s and [`ChannelReport`]s for its peer, and
//! [`MediaItem`]s for the application; all are plain values. Neither knows a socket, a clock or a thread, so that a program may run
//! thousands of them on one thread, simulate a network, or go through a bad minute again from a
//! seed. A media server can drive a session by commands alone, without any description.
//!
//! `examples/sans_io.rs` connects two of each in one thread, in memory.

pub use duologue_base::{
    Datagram, Ecn, Generation, Instant, Protocol, Rng, SocketId, Transmit, WallClock,
};
pub use duologue_dtls::Context;
/// One publisher's packets to many receivers.
pub use duologue_media::forward;
pub use duologue_peer::{Effect, Event, OperationId, Target, Value};
pub use duologue_peer::{Env, PeerConnection as Peer};
pub use duologue_session::{
    Action, BindError, BindId, ChannelCommand, ChannelReport, Command, ConnectError, DtlsReport,
    Interface, MediaCommand, MediaItem, MediaReport, Outlet, Report, SctpCommand, SctpError,
    SctpReport, Security, SendEncoding, Session, SessionConfig, Stats as SessionStats,
    TransportCommand, TransportReport,
};
