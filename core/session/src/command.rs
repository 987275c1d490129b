use bytes::Bytes;
use duologue_base::{ChannelKey, Generation, StreamId, TransportKey};
use duologue_datachannel::{ChannelInit, Priority};
use duologue_dtls as dtls;
use duologue_ice as ice;
use duologue_identity::{Certificate, Fingerprint};

/// What the owner of a session tells it. A command has been validated by whoever sends it: one
/// that does not fit (an unknown key, a second `StartSctp`) is ignored and counted, never an error.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Command {
    /// Makes a transport and starts to gather candidates for its first generation.
    AddTransport {
        /// Its key, not used before in this connection.
        key: TransportKey,
        /// The first set of credentials.
        generation: Generation,
        /// Our ICE user name fragment and password.
        local: ice::Credentials,
        /// Whether we nominate.
        role: ice::Role,
        /// What the DTLS handshake shows to the peer.
        certificate: Certificate,
    },
    /// Gathers ahead for a transport that may be added later (RFC 9429 §3.5.4); nothing is
    /// reported of it before.
    PrepareTransport {
        /// The key that it will be added with.
        key: TransportKey,
        /// What the DTLS handshake will show to the peer.
        certificate: Certificate,
    },
    /// The servers to gather from, for transports and generations that begin after it.
    SetIceServers {
        /// The servers.
        servers: Vec<ice::Server>,
        /// W3C `iceTransportPolicy: "relay"`.
        relay_only: bool,
    },
    /// Changes who nominates (RFC 8445 §6.1.1).
    SetIceRole {
        /// The transport.
        key: TransportKey,
        /// Our new role.
        role: ice::Role,
    },
    /// Starts to gather for a new set of credentials; the selected pair keeps carrying data until
    /// a pair of the new generation is nominated (RFC 8445 §9).
    RestartIce {
        /// The transport.
        key: TransportKey,
        /// The new generation.
        generation: Generation,
        /// Our new credentials.
        local: ice::Credentials,
    },
    /// Gives up a generation: the older ones after a restart was agreed, the newest one when it
    /// was rolled back.
    DropGeneration {
        /// The transport.
        key: TransportKey,
        /// What is given up.
        generation: Generation,
    },
    /// The peer's credentials of a generation: checks begin.
    SetRemoteIce {
        /// The transport.
        key: TransportKey,
        /// Which of ours these belong to.
        generation: Generation,
        /// The peer's user name fragment and password.
        remote: ice::Credentials,
        /// What else the peer's description says about its agent.
        options: ice::RemoteOptions,
    },
    /// A candidate of the peer.
    AddRemoteCandidate {
        /// The transport.
        key: TransportKey,
        /// Which generation it belongs to.
        generation: Generation,
        /// The candidate.
        candidate: ice::Candidate,
    },
    /// No more candidates of the peer follow in this generation (RFC 8838 §13).
    EndOfRemoteCandidates {
        /// The transport.
        key: TransportKey,
        /// The generation.
        generation: Generation,
    },
    /// The DTLS roles and the peer's fingerprints are known: the handshake may begin. What the peer
    /// sent before is kept until this comes.
    StartDtls {
        /// The transport.
        key: TransportKey,
        /// Our role.
        role: dtls::Role,
        /// What the peer's certificate must match.
        fingerprints: Vec<Fingerprint>,
    },
    /// The peer is another one, or has another certificate or role: a new DTLS association takes the
    /// place of the one on this transport (RFC 8842 §5), on a path of the newest generation.
    /// An SCTP association over it ends and is made anew (RFC 8261 §6.1), with new channels.
    RestartDtls {
        /// The transport.
        key: TransportKey,
        /// Our role.
        role: dtls::Role,
        /// What the peer's certificate must match.
        fingerprints: Vec<Fingerprint>,
        /// What the handshake shows to the peer.
        certificate: Certificate,
    },
    /// Ends a transport and all that runs over it.
    RemoveTransport {
        /// The transport.
        key: TransportKey,
    },
    /// Makes the association of the data channels. There is one at a time in a connection.
    StartSctp {
        /// The transport it runs over.
        key: TransportKey,
        /// Our `a=sctp-port`.
        local_port: u16,
        /// The peer's `a=sctp-port`.
        remote_port: u16,
        /// The largest message the peer takes; `usize::MAX` when it sets no limit.
        max_message_size: usize,
        /// The transport is that of a BUNDLE group which another section stands for. Browsers
        /// make another transport when that section is stopped, and abort what runs on the old one
        /// before their description comes: once a transport was added the association waits for
        /// [`Command::MoveSctp`] then.
        may_move: bool,
    },
    /// The association ends because the descriptions say so (RFC 8841 §10.4): its channels close
    /// without an error. The peer, which knows too, is told nothing more.
    StopSctp,
    /// The association goes on over another transport (RFC 9143: its m-section was bundled with
    /// others, or is not any more, or its group got another transport).
    MoveSctp {
        /// The transport it runs over from now on.
        key: TransportKey,
        /// As in [`Command::StartSctp`].
        may_move: bool,
    },
    /// The peer announced another `a=max-message-size`.
    SetMaxMessageSize {
        /// The largest message the peer takes; `usize::MAX` when it sets no limit.
        max_message_size: usize,
    },
    /// Opens a data channel: with a DATA_CHANNEL_OPEN message, or none if it is negotiated. It may
    /// come before the association is up.
    OpenChannel {
        /// Its key, not used before in this connection.
        channel: ChannelKey,
        /// Its stream, assigned by the owner.
        stream: StreamId,
        /// What it is made with.
        init: ChannelInit,
    },
    /// Sends a message. It may come as soon as `OpenChannel` was given.
    Send {
        /// The channel.
        channel: ChannelKey,
        /// The message; empty is legal (RFC 8831 §6.6).
        data: Bytes,
        /// Bytes, not UTF-8 text.
        binary: bool,
    },
    /// Changes a channel's share of the association.
    SetChannelPriority {
        /// The channel.
        channel: ChannelKey,
        /// Its new priority.
        priority: Priority,
    },
    /// Closes a channel once what was sent on it has left (RFC 8831 §6.7).
    CloseChannel {
        /// The channel.
        channel: ChannelKey,
    },
    /// Asks for [`Report::Stats`](crate::Report::Stats).
    GetStats {
        /// What the report is to be known by.
        request: u64,
    },
    /// Ends everything at once: SCTP ABORT, DTLS close_notify, sockets unbound. No report follows.
    Close,
}
