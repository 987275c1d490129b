//! Data channels: the dictionary that makes one, and the attributes to read.

use std::fmt;

use bytes::Bytes;
use duologue_base::StreamId;

use crate::{DataChannelState, Exception, PriorityType, SendQueue};

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
    /// The channel's id, when `negotiated`.
    pub id: Option<u16>,
    /// The channel's priority among the channels of the connection.
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
    label: String,
    init: DataChannelInit,
    id: Option<StreamId>,
    ready_state: DataChannelState,
    send_queue: SendQueue,
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
    attributes: DataChannel,
    /// How far its underlying data transport is.
    transport: ChannelTransport,
    /// It was open once.
    opened: bool,
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

    /// One that the other end made: it is open already.
    pub(crate) fn announced(label: String, init: DataChannelInit, stream: StreamId) -> Self {
        let mut channel = Channel::new(label, init);
        channel.attributes.id = Some(stream);
        channel.attributes.ready_state = DataChannelState::Open;
        channel.opened = true;
        channel.transport = ChannelTransport::Session;
        channel
    }

    pub(crate) fn attributes(&self) -> &DataChannel {
        &self.attributes
    }

    /// How it is made.
    pub(crate) fn init(&self) -> &DataChannelInit {
        &self.attributes.init
    }

    pub(crate) fn transport(&self) -> ChannelTransport {
        self.transport
    }

    /// It was open once.
    pub(crate) fn was_open(&self) -> bool {
        self.opened
    }

    pub(crate) fn is_open(&self) -> bool {
        self.attributes.ready_state == DataChannelState::Open
    }

    pub(crate) fn set_id(&mut self, id: Option<StreamId>) {
        self.attributes.id = id;
    }

    /// The session is told to open it.
    pub(crate) fn give_to_session(&mut self) {
        self.transport = ChannelTransport::Session;
    }

    /// "Announce an RTCDataChannel as open", unless it is closing. Returns whether it is open.
    pub(crate) fn open(&mut self) -> bool {
        let state = &mut self.attributes.ready_state;
        let opens = matches!(state, DataChannelState::Connecting | DataChannelState::Open);
        if opens {
            *state = DataChannelState::Open;
            self.opened = true;
        }
        opens
    }

    /// `close()`, or what the other end did of that kind. Returns whether it is news.
    pub(crate) fn begin_closing(&mut self) -> bool {
        let state = &mut self.attributes.ready_state;
        let news = matches!(state, DataChannelState::Connecting | DataChannelState::Open);
        if news {
            *state = DataChannelState::Closing;
        }
        news
    }

    /// The session is told to close it, or has closed it.
    pub(crate) fn take_from_session(&mut self) {
        self.transport = ChannelTransport::Closing;
    }

    pub(crate) fn close(&mut self) {
        self.attributes.ready_state = DataChannelState::Closed;
        self.transport = ChannelTransport::Closing;
    }

    /// A message of so many bytes waits, if the largest one and the room allow it.
    pub(crate) fn push(&mut self, bytes: u64, max_message: Option<u64>) -> Result<(), Exception> {
        let state = self.attributes.ready_state;
        self.attributes.send_queue.push(state, bytes, max_message)
    }

    /// What waited has left. Returns whether `bufferedamountlow` is to be fired.
    pub(crate) fn departed(&mut self, bytes: usize, messages: usize) -> bool {
        self.attributes.send_queue.departed(bytes, messages)
    }

    pub(crate) fn set_low_threshold(&mut self, bytes: u64) {
        self.attributes.send_queue.set_low_threshold(bytes);
    }
}

/// A message of a data channel.
#[derive(Clone, Eq, PartialEq)]
pub struct Message {
    /// The message's bytes; of a text its UTF-8, whose ill-formed parts the host replaces as it decodes.
    pub data: Bytes,
    /// Whether the message is binary, not text.
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
