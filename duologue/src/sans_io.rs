//! The two machines of a connection, for hosts that bring their own input and output.
//!
//! [`Peer`] is the control plane: the W3C's `RTCPeerConnection`, with offers, answers, objects and
//! events. [`Session`] is the data plane: ICE, DTLS, SCTP and data channels, RTP over SRTP. A peer
//! gives [`Command`]s for its session, a session [`Report`]s and [`ChannelReport`]s for its peer, and
//! [`MediaItem`]s for the application; all are plain values. Neither knows a socket, a clock or a thread, so that a program may run
//! thousands of them on one thread, simulate a network, or go through a bad minute again from a
//! seed. A media server can drive a session by commands alone, without any description: what they hold is
//! in [`ice`], [`dtls`], [`sctp`], [`datachannel`], [`media`] and [`rtp`].
//!
//! `examples/sans_io.rs` connects two of each in one thread, in memory; `examples/commands.rs` is a server
//! that forwards video between sessions without peers.

pub use duologue_base::{
    Datagram, DtlsRole, Ecn, Generation, IceCredentials, IceRole, Instant, Protocol, Rng, SocketId,
    Transmit, WallClock,
};
pub use duologue_dtls::Context;
pub use duologue_jsep::Capabilities;
/// Forwarding of one publisher's packets to many receivers.
pub use duologue_media::forward;
pub use duologue_peer::{Answer, Effect, Event, OperationId, Question, QuestionId, Target, Value};
pub use duologue_peer::{Env, PeerConnection as Peer};
pub use duologue_session::{
    Action, BindError, BindId, CapturedPacket, CapturedProtocol, ChannelCommand, ChannelReport,
    CheckLeave, Command, ConnectError, DtlsReport, Interface, MediaCommand, MediaItem, MediaReport,
    Outlet, PacketDirection, Report, SctpCommand, SctpError, SctpReport, Security, SendEncoding,
    Session, SessionConfig, Stats as SessionStats, TransportCommand, TransportReport,
};
#[doc(no_inline)]
pub use {
    duologue_datachannel as datachannel, duologue_dtls as dtls, duologue_ice as ice,
    duologue_media as media, duologue_rtp as rtp, duologue_sctp as sctp,
};
