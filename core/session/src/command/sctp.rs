use duologue_base::TransportKey;

/// What the association of the data channels is told. There is one at a time in a connection.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum SctpCommand {
    /// Makes the association.
    Start {
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
        /// [`SctpCommand::Move`] then.
        may_move: bool,
        /// The descriptions set it up (draft-hancke-tsvwg-snap): the INIT chunks of both ends. It is
        /// set up as without them if they are none.
        inits: Option<Box<SctpInits>>,
    },
    /// The association ends because the descriptions say so (RFC 8841 §10.4): its channels close
    /// without an error. The peer, which knows too, is told nothing more.
    Stop,
    /// The association goes on over another transport (RFC 9143: its m-section was bundled with
    /// others, or is not any more, or its group got another transport).
    Move {
        /// The transport it runs over from now on.
        key: TransportKey,
        /// As in [`SctpCommand::Start`].
        may_move: bool,
    },
    /// The peer announced another `a=max-message-size`.
    SetMaxMessageSize {
        /// The largest message the peer takes; `usize::MAX` when it sets no limit.
        max_message_size: usize,
    },
}

/// The INIT chunks that descriptions carried: see [`SessionConfig::sctp_init`](crate::SessionConfig::sctp_init).
#[derive(Clone, Debug)]
pub struct SctpInits {
    /// Ours.
    pub local: Vec<u8>,
    /// The peer's.
    pub remote: Vec<u8>,
}
