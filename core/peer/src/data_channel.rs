//! Data channels: the dictionary that makes one, and the attributes to read.

use std::fmt;

use bytes::Bytes;
use duologue_base::StreamId;

use crate::{DataChannelState, PriorityType, SendQueue};

/// Options of `createDataChannel` (webrtc-pc §6.2, webrtc-priority).
#[doc(alias = "RTCDataChannelInit")]
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Deserialize, serde::Serialize),
    serde(default, rename_all = "camelCase")
)]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(optional_fields = nullable)
)]
pub struct DataChannelInit {
    /// Messages arrive in the order they were sent.
    pub ordered: bool,
    /// Milliseconds for which a message is retransmitted, at most.
    pub max_packet_life_time: Option<u16>,
    /// How often a message is retransmitted, at most.
    pub max_retransmits: Option<u16>,
    /// Name of the protocol spoken on it.
    pub protocol: String,
    /// The application makes the channel at both ends, with the same `id`.
    pub negotiated: bool,
    /// Its id, when `negotiated`.
    pub id: Option<u16>,
    /// Its priority among the channels of the connection.
    pub priority: PriorityType,
}

impl Default for DataChannelInit {
    fn default() -> Self {
        DataChannelInit {
            ordered: true,
            max_packet_life_time: None,
            max_retransmits: None,
            protocol: String::new(),
            negotiated: false,
            id: None,
            priority: PriorityType::Low,
        }
    }
}

/// A data channel's attributes (webrtc-pc §6.2).
#[doc(alias = "RTCDataChannel")]
#[derive(Clone, Debug)]
pub struct DataChannel {
    pub(crate) label: String,
    pub(crate) init: DataChannelInit,
    pub(crate) id: Option<StreamId>,
    pub(crate) ready_state: DataChannelState,
    pub(crate) send_queue: SendQueue,
}

impl DataChannel {
    /// `label`
    pub fn label(&self) -> &str {
        &self.label
    }

    /// `ordered`
    pub fn ordered(&self) -> bool {
        self.init.ordered
    }

    /// `maxPacketLifeTime`
    pub fn max_packet_life_time(&self) -> Option<u16> {
        self.init.max_packet_life_time
    }

    /// `maxRetransmits`
    pub fn max_retransmits(&self) -> Option<u16> {
        self.init.max_retransmits
    }

    /// `protocol`
    pub fn protocol(&self) -> &str {
        &self.init.protocol
    }

    /// `negotiated`
    pub fn negotiated(&self) -> bool {
        self.init.negotiated
    }

    /// `priority`
    pub fn priority(&self) -> PriorityType {
        self.init.priority
    }

    /// `id`: none until the application or the DTLS role gives it one.
    pub fn id(&self) -> Option<StreamId> {
        self.id
    }

    /// `readyState`
    pub fn ready_state(&self) -> DataChannelState {
        self.ready_state
    }

    /// `bufferedAmount`, in bytes. It grows inside `send` and shrinks only in a task.
    pub fn buffered_amount(&self) -> u64 {
        self.send_queue.buffered_amount()
    }

    /// What waits to be sent counts, in bytes: each message
    /// [`SEND_OVERHEAD`](crate::limits::SEND_OVERHEAD) more than it has. `send` refuses what would be
    /// above [`SEND_BUFFER_BYTES`](crate::limits::SEND_BUFFER_BYTES) with it.
    pub fn send_queue_cost(&self) -> u64 {
        self.send_queue.cost()
    }

    /// `bufferedAmountLowThreshold`, in bytes.
    pub fn buffered_amount_low_threshold(&self) -> u64 {
        self.send_queue.low_threshold()
    }
}

/// A data channel's slots.
#[derive(Debug)]
pub(crate) struct Channel {
    pub(crate) attributes: DataChannel,
    /// How far its underlying data transport is.
    pub(crate) transport: ChannelTransport,
    /// It was open once.
    pub(crate) opened: bool,
}

/// The underlying data transport of a channel.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum ChannelTransport {
    /// The session does not know the channel yet.
    None,
    /// The session opens it or has opened it.
    Session,
    /// The session was told to close it, or closed it.
    Closing,
}

impl Channel {
    /// "Create an RTCDataChannel".
    pub(crate) fn new(label: String, init: DataChannelInit) -> Self {
        Channel {
            attributes: DataChannel {
                label,
                id: None,
                init,
                ready_state: DataChannelState::Connecting,
                send_queue: SendQueue::default(),
            },
            transport: ChannelTransport::None,
            opened: false,
        }
    }
}

/// A message of a data channel.
#[derive(Clone, Eq, PartialEq)]
pub struct Message {
    /// Its bytes; of a text its UTF-8, whose ill-formed parts the host replaces as it decodes.
    pub data: Bytes,
    /// It is binary, not text.
    pub binary: bool,
}

impl fmt::Debug for Message {
    /// Its size and kind: what is said is nobody's business.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("len", &self.data.len())
            .field("binary", &self.binary)
            .finish()
    }
}
