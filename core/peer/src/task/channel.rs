//! SCTP and data channels (webrtc-pc §6).

use duologue_base::{ChannelKey, StreamId};
use duologue_datachannel as datachannel;
use duologue_session::{ChannelCommand, ChannelReport, Command, SctpError};

use super::{ChannelTask, Task};
use crate::data_channel::{Channel, ChannelTransport};
use crate::{
    DataChannelInit, DataChannelState, Event, Exception, Message, PeerConnection, PriorityType,
    RtcErrorDetail, RtcErrorInit, SctpTransportState,
};

impl PeerConnection {
    /// "Connected procedure". Channels already have their ids and were given to the session, so
    /// each is announced as open by the session, in order with its messages.
    pub(crate) fn run_sctp_connected(&mut self, max_channels: u16) {
        let Some(sctp) = self.slots.running_sctp() else {
            return;
        };
        sctp.connected(max_channels);
        let impossible: Vec<ChannelKey> = self
            .slots
            .channels()
            .iter()
            .filter(|(_, channel)| {
                let attributes = channel.attributes();
                attributes.ready_state() != DataChannelState::Closed
                    && attributes.id().is_none_or(|id| id.0 >= max_channels)
            })
            .map(|(key, _)| key)
            .collect();
        for key in impossible {
            self.queue(Task::Channel(key, ChannelTask::Failed));
        }
        self.fire(Event::SctpStateChange(SctpTransportState::Connected));
    }

    /// The association is gone. Each channel's end is reported by itself.
    pub(crate) fn run_sctp_closed(&mut self, error: Option<SctpError>) {
        if let Some(sctp) = self.slots.running_sctp()
            && sctp.close(error)
        {
            self.fire(Event::SctpStateChange(SctpTransportState::Closed));
        }
    }

    /// The association ended with its DTLS association and is made again over the next one: as
    /// that (§5.5), it is "represented by an existing object, whose state will be updated".
    pub(crate) fn run_sctp_connecting(&mut self) {
        if let Some(sctp) = self.slots.running_sctp()
            && sctp.connect_again()
        {
            self.fire(Event::SctpStateChange(SctpTransportState::Connecting));
        }
    }

    /// An association was stopped. If there is still an object, descriptions changed its ports.
    pub(crate) fn run_sctp_stopped(&mut self) {
        self.slots.note_sctp_stopped();
        self.run_sctp_connecting();
    }

    /// "When the underlying data transport sends data from its queue".
    pub(crate) fn run_buffered_amount(&mut self, key: ChannelKey, sent: usize, messages: usize) {
        let Some(channel) = self.slots.channels_mut().get_mut(key) else {
            return;
        };
        if channel.departed(sent, messages) {
            self.fire(Event::ChannelBufferedAmountLow(key));
        }
    }

    pub(crate) fn run_channel_report(&mut self, report: ChannelReport) {
        match report {
            ChannelReport::Announced {
                channel,
                stream,
                init,
            } => self.announce_instance(channel, stream, init),
            ChannelReport::Opened { channel } => self.run_announce_open(channel),
            ChannelReport::Message {
                channel,
                data,
                binary,
            } => self.receive_message(channel, Message { data, binary }),
            ChannelReport::Closing { channel } => self.remote_closing(channel),
            ChannelReport::Closed { channel, error } => self.run_announce_closed(channel, error),
            _ => {}
        }
    }

    /// "Receiving messages on a data channel".
    fn receive_message(&mut self, key: ChannelKey, message: Message) {
        if self.ready_state(key) == Some(DataChannelState::Open) {
            self.fire(Event::ChannelMessage(key, message));
        }
    }

    /// "Announcing a data channel instance".
    fn announce_instance(
        &mut self,
        key: ChannelKey,
        stream: StreamId,
        init: datachannel::ChannelInit,
    ) {
        let (max_packet_life_time, max_retransmits) = match init.reliability {
            datachannel::Reliability::Reliable => (None, None),
            datachannel::Reliability::MaxRetransmits(n) => (None, Some(n)),
            datachannel::Reliability::MaxPacketLifeTime(ms) => (Some(ms), None),
        };
        let channel = Channel::announced(
            init.label,
            DataChannelInit {
                ordered: !init.unordered,
                max_packet_life_time,
                max_retransmits,
                protocol: init.protocol,
                negotiated: false,
                id: None,
                priority: match init.priority {
                    datachannel::Priority::VeryLow => PriorityType::VeryLow,
                    datachannel::Priority::Low => PriorityType::Low,
                    datachannel::Priority::Medium => PriorityType::Medium,
                    datachannel::Priority::High => PriorityType::High,
                },
            },
            stream,
        );
        self.slots.channels_mut().announce(key, channel);
        self.fire(Event::DataChannel(key));
        // Queued before the messages that wait already: `open` comes right after `datachannel`.
        self.queue_next(Task::Channel(key, ChannelTask::AnnounceOpen));
    }

    /// "Announce an RTCDataChannel as open".
    pub(crate) fn run_announce_open(&mut self, key: ChannelKey) {
        if self.slots.channels_mut().open(key) {
            self.fire(Event::ChannelOpen(key));
        }
    }

    /// The closing procedure, begun by `close()`: the session sends what is pending first.
    pub(crate) fn run_start_closing(&mut self, key: ChannelKey) {
        let Some(channel) = self.slots.channels_mut().get_mut(key) else {
            return;
        };
        match channel.transport() {
            ChannelTransport::Session => {
                channel.take_from_session();
                self.command(Command::Channel(key, ChannelCommand::Close));
            }
            ChannelTransport::None => self.queue(Task::Channel(key, ChannelTask::AnnounceClosed)),
            ChannelTransport::Closing => {}
        }
    }

    /// The closing procedure, begun by the other end.
    fn remote_closing(&mut self, key: ChannelKey) {
        let channels = self.slots.channels_mut();
        if let Some(channel) = channels.get_mut(key) {
            channel.take_from_session();
        }
        // "Unless the procedure was initiated by channel.close."
        if channels.begin_closing(key) {
            self.fire(Event::ChannelClosing(key));
        }
    }

    /// "Announcing a data channel as closed", or with an error of its own §6.2 "Error on creating
    /// data channels".
    pub(crate) fn run_announce_closed(
        &mut self,
        key: ChannelKey,
        error: Option<datachannel::ChannelError>,
    ) {
        if self.is_channel_closed(key) {
            return;
        }
        self.slots.channels_mut().close(key);
        if let Some(error) = error {
            let detail = match error.is_sctp_failure() {
                true => RtcErrorDetail::SctpFailure,
                false => RtcErrorDetail::DataChannelFailure,
            };
            let init = RtcErrorInit {
                sctp_cause_code: error.sctp_cause_code(),
                ..RtcErrorInit::new(detail)
            };
            // The channel is told that the association ended; why is known of that.
            let why = self.slots.sctp().and_then(|sctp| sctp.ended_by());
            let message = match why.filter(|_| error.is_sctp_failure()) {
                Some(why) => format!("{error}: {why}"),
                None => error.to_string(),
            };
            tracing::debug!("data channel {}: closed: {message}", key.0);
            let error = Exception::rtc(init, message);
            self.fire(Event::ChannelError(key, error));
        }
        self.fire(Event::ChannelClose(key));
    }

    /// "Error on creating data channels".
    pub(crate) fn run_channel_failed(&mut self, key: ChannelKey) {
        let known = self.slots.channels().get(key).map(Channel::transport);
        if known == Some(ChannelTransport::Session) {
            self.command(Command::Channel(key, ChannelCommand::Close));
        }
        self.run_announce_closed(key, Some(datachannel::ChannelError::NoSuchStream));
    }

    /// An answer rejected the m-section of the data channels. Those that were never given to the
    /// session are closed here, as in libwebrtc; the session closes the others with the association.
    /// Another channel may ask for an association again.
    pub(crate) fn give_up_channels(&mut self) {
        self.slots.edit_intent(|intent| intent.data = false);
        let waiting = self.slots.channels().iter().filter(|(_, channel)| {
            channel.transport() == ChannelTransport::None
                && channel.attributes().ready_state() != DataChannelState::Closed
        });
        let waiting: Vec<ChannelKey> = waiting.map(|(key, _)| key).collect();
        for key in waiting {
            self.queue(Task::Channel(key, ChannelTask::Refused));
        }
    }

    /// "Error on creating data channels": there is no association to come.
    pub(crate) fn run_channel_refused(&mut self, key: ChannelKey) {
        let ended = datachannel::ChannelError::AssociationEnded { cause: None };
        self.run_announce_closed(key, Some(ended));
    }

    /// "If description negotiates the DTLS role of the SCTP transport, then for each channel with
    /// a null id give channel a new ID". Returns the channels that none was left for.
    pub(crate) fn assign_channel_ids(&mut self) -> Vec<ChannelKey> {
        if self.sctp_dtls_role().is_none() {
            return Vec::new();
        }
        let mut failed = Vec::new();
        let keys: Vec<ChannelKey> = self.slots.channels().iter().map(|(key, _)| key).collect();
        for key in keys {
            let Some(channel) = self.slots.channels().get(key) else {
                continue;
            };
            if self.is_channel_closed(key) {
                continue;
            }
            if channel.attributes().id().is_none() {
                let Some(id) = self.free_channel_id() else {
                    self.slots.channels_mut().close(key);
                    failed.push(key);
                    continue;
                };
                if let Some(channel) = self.slots.channels_mut().get_mut(key) {
                    channel.set_id(Some(id));
                }
            }
            self.open_channel(key);
        }
        failed
    }

    /// "Create channel's associated underlying data transport", once there is an association to
    /// come and the channel has an id.
    pub(crate) fn open_channel(&mut self, key: ChannelKey) {
        let Some(channel) = self.slots.channels_mut().get_mut(key) else {
            return;
        };
        let attributes = channel.attributes();
        let Some(stream) = attributes.id() else {
            return;
        };

        if channel.transport() != ChannelTransport::None
            || attributes.ready_state() != DataChannelState::Connecting
        {
            return;
        }
        let init = channel.init();
        let reliability = match (init.max_retransmits, init.max_packet_life_time) {
            (Some(n), _) => datachannel::Reliability::MaxRetransmits(n),
            (None, Some(ms)) => datachannel::Reliability::MaxPacketLifeTime(ms),
            (None, None) => datachannel::Reliability::Reliable,
        };

        let init = datachannel::ChannelInit {
            label: attributes.label().to_owned(),
            protocol: init.protocol.clone(),
            unordered: !init.ordered,
            reliability,
            negotiated: init.negotiated,
            priority: match init.priority {
                PriorityType::VeryLow => datachannel::Priority::VeryLow,
                PriorityType::Low => datachannel::Priority::Low,
                PriorityType::Medium => datachannel::Priority::Medium,
                PriorityType::High => datachannel::Priority::High,
            },
        };

        channel.give_to_session();
        self.command(Command::Channel(
            key,
            ChannelCommand::Open {
                stream,
                init: Box::new(init),
            },
        ));
    }

    pub(crate) fn ready_state(&self, key: ChannelKey) -> Option<DataChannelState> {
        let channel = self.slots.channels().get(key)?;
        Some(channel.attributes().ready_state())
    }

    /// It is closed, or there is none.
    fn is_channel_closed(&self, key: ChannelKey) -> bool {
        self.ready_state(key)
            .is_none_or(|state| state == DataChannelState::Closed)
    }
}
