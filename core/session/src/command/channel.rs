use bytes::Bytes;
use duologue_base::StreamId;
use duologue_datachannel::{ChannelInit, Priority};

/// What a data channel is told. All of it may come before the association is up.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ChannelCommand {
    /// Opens the channel, with a key that was not used before in this connection: with a
    /// DATA_CHANNEL_OPEN message, or none if it is negotiated.
    Open {
        /// The stream of the channel, assigned by the owner.
        stream: StreamId,
        /// What it is made with.
        init: Box<ChannelInit>,
    },
    /// Sends a message. It may come as soon as `Open` was given.
    Send {
        /// The message; empty is legal (RFC 8831 §6.6).
        data: Bytes,
        /// Bytes, not UTF-8 text.
        binary: bool,
    },
    /// Changes the channel's share of the association.
    SetPriority {
        /// The new priority of the channel.
        priority: Priority,
    },
    /// Closes the channel once what was sent on it has left (RFC 8831 §6.7).
    Close,
}
