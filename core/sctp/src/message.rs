use std::time::Duration;

use bytes::Bytes;
use duologue_base::StreamId;

/// Payload protocol identifier: what the upper layer says a message is (RFC 8831 §8 has those of
/// data channels).
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct Ppid(pub u32);

/// A message from the peer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Message {
    /// The stream that the message came on.
    pub stream: StreamId,
    /// The payload protocol identifier: what the message is.
    pub ppid: Ppid,
    /// The bytes of the message, at least one.
    pub data: Bytes,
    /// Whether the message was sent out of order (the U bit, RFC 9260 §3.3.1).
    pub unordered: bool,
}

/// What comes from the peer, in order.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Inbound {
    /// A message.
    Message(Message),
    /// The peer reset a stream that it sends on: it was closed there. Messages sent on it before have
    /// come before.
    StreamReset(StreamId),
}

/// How a message is to be delivered.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct SendOptions {
    /// Whether the message may overtake messages sent before it.
    pub unordered: bool,
    /// The reliability of the message: how hard to try.
    pub reliability: Reliability,
}

/// When to give a message up (RFC 3758, RFC 7496). Whoever does not support it gets everything
/// reliably.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Reliability {
    /// The message is never given up.
    #[default]
    Reliable,
    /// The message is given up after this many retransmissions: `maxRetransmits` of the W3C.
    MaxRetransmits(u16),
    /// The message is given up after this time: `maxPacketLifeTime` of the W3C.
    MaxLifetime(Duration),
}
