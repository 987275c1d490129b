//! `createDataChannel` and the methods of `RTCDataChannel` (webrtc-pc §6.1, §6.2).

use bytes::Bytes;
use duologue_base::{ChannelKey, StreamId};
use duologue_session::{ChannelCommand, Command};

use crate::data_channel::{Channel, DataChannel};
use crate::limits::MAX_LABEL_BYTES;
use crate::task::{ChannelTask, Task};
use crate::{DataChannelInit, Exception, Message, PeerConnection, SctpTransportState};

impl PeerConnection {
    /// `createDataChannel(label, init)`.
    ///
    /// # Errors
    /// `InvalidStateError` on a closed connection; `TypeError` for a label or protocol over 65535
    /// bytes, a negotiated channel without an id or with 65535, and for both limits at once;
    /// `OperationError` when the id is in use, not allowed by the association, or none is left.
    pub fn create_data_channel(
        &mut self,
        label: impl Into<String>,
        init: DataChannelInit,
    ) -> Result<ChannelKey, Exception> {
        if self.slots.is_closed() {
            return Err(Exception::invalid_state("the connection is closed"));
        }
        let label = label.into();
        let id = self.check_data_channel(&label, &init)?;
        let mut channel = Channel::new(label, init);
        channel.set_id(id);
        let key = self.slots.channels_mut().create(channel);
        if self.sctp_dtls_role().is_some() {
            self.open_channel(key);
        }
        // "If channel is the first RTCDataChannel created on connection", or the first one after an
        // answer rejected those before: libwebrtc and Firefox ask again.
        if self.slots.channels().created() == 1 || !self.slots.intent().data {
            if !self.slots.intent().data {
                self.slots.edit_intent(|intent| intent.data = true);
            }
            self.update_negotiation_needed();
        }
        Ok(key)
    }

    /// The checks of `createDataChannel`, and the id that the channel gets now.
    fn check_data_channel(
        &self,
        label: &str,
        init: &DataChannelInit,
    ) -> Result<Option<StreamId>, Exception> {
        if label.len() > MAX_LABEL_BYTES {
            return Err(Exception::type_error(
                "the label is longer than 65535 bytes",
            ));
        }
        if init.protocol.len() > MAX_LABEL_BYTES {
            return Err(Exception::type_error(
                "the protocol is longer than 65535 bytes",
            ));
        }

        // "The id member will be ignored if the data channel is negotiated in-band."
        let id = init.id.filter(|_| init.negotiated);
        if init.negotiated && id.is_none() {
            return Err(Exception::type_error("a negotiated channel needs an id"));
        }
        if init.max_packet_life_time.is_some() && init.max_retransmits.is_some() {
            return Err(Exception::type_error(
                "maxPacketLifeTime and maxRetransmits exclude each other",
            ));
        }

        if id == Some(u16::MAX) {
            return Err(Exception::type_error("the largest id is 65534"));
        }
        let id = match id.map(StreamId) {
            Some(id) if self.is_channel_id_used(id) => {
                return Err(Exception::operation("another channel has this id"));
            }
            Some(id) => Some(id),
            None if self.sctp_dtls_role().is_some() => Some(
                self.free_channel_id()
                    .ok_or_else(|| Exception::operation("no id is left"))?,
            ),
            None => None,
        };

        if let (Some(id), Some(sctp)) = (id, self.slots.sctp())
            && sctp.state() == SctpTransportState::Connected
            && sctp.max_channels().is_some_and(|max| id.0 >= max)
        {
            return Err(Exception::operation(
                "the association has fewer channels than that",
            ));
        }
        Ok(id)
    }

    /// The attributes of a channel. A closed one can still be read for a while:
    /// [`crate::limits::MAX_CLOSED_CHANNELS`].
    pub fn data_channel(&self, channel: ChannelKey) -> Option<&DataChannel> {
        Some(self.slots.channels().get(channel)?.attributes())
    }

    /// `send(data)`: text is UTF-8.
    ///
    /// # Errors
    /// `InvalidStateError` unless the channel is open, `TypeError` for a message larger than
    /// `maxMessageSize`, `OperationError` when more than
    /// [`crate::limits::SEND_BUFFER_BYTES`] would wait.
    pub fn send(&mut self, channel: ChannelKey, message: Message) -> Result<(), Exception> {
        let Message { data, binary } = message;
        let max_message = self.slots.sctp();
        let max_message = max_message.and_then(|sctp| sctp.max_message_size());
        let Some(slots) = self.slots.channels_mut().get_mut(channel) else {
            return Err(Exception::invalid_state("there is no such channel"));
        };
        slots.push(data.len() as u64, max_message)?;
        self.command(Command::Channel(
            channel,
            ChannelCommand::Send { data, binary },
        ));
        Ok(())
    }

    /// `send(string)`
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn send_text(
        &mut self,
        channel: ChannelKey,
        text: impl Into<String>,
    ) -> Result<(), Exception> {
        let data = Bytes::from(text.into());
        self.send(
            channel,
            Message {
                data,
                binary: false,
            },
        )
    }

    /// `close()` of a channel: what was sent still goes out.
    pub fn close_channel(&mut self, channel: ChannelKey) {
        if self.slots.channels_mut().begin_closing(channel) {
            self.queue(Task::Channel(channel, ChannelTask::StartClosing));
        }
    }

    /// Sets `bufferedAmountLowThreshold`, in bytes.
    pub fn set_buffered_amount_low_threshold(&mut self, channel: ChannelKey, bytes: u64) {
        if let Some(slots) = self.slots.channels_mut().get_mut(channel) {
            slots.set_low_threshold(bytes);
        }
    }
}
