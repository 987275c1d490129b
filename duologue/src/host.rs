//! What a session's task does with what the session reports.

use std::collections::HashMap;
use std::sync::Arc;

use duologue_base::{ChannelKey, TransceiverId};
use duologue_session::{ChannelReport, MediaItem, MediaReport, Report, RtpPacket};
use duologue_tokio::Host;

use crate::Message;
use crate::channel::Channel;
use crate::connection::Connection;

/// Control reports go to the peer, under the connection's lock. What moves with every message
/// does not: messages go straight to their channels, a batch at a time, and so do the bytes that
/// left the send queues.
pub(crate) struct ConnectionHost {
    connection: Arc<Connection>,
    /// Channels seen so far, so that the connection need not be asked for each message.
    channels: HashMap<ChannelKey, Arc<Channel>>,
    /// Messages of one channel that its readers have not been told of.
    batch: Option<Batch>,
    /// An emptied batch's memory.
    spare: Vec<Message>,
    /// Packets that their readers have not been told of, by receiver.
    packets: Vec<(TransceiverId, Vec<RtpPacket>)>,
}

struct Batch {
    key: ChannelKey,
    channel: Arc<Channel>,
    messages: Vec<Message>,
}

impl ConnectionHost {
    pub(crate) fn new(connection: Arc<Connection>) -> Self {
        ConnectionHost {
            connection,
            channels: HashMap::new(),
            batch: None,
            spare: Vec::new(),
            packets: Vec::new(),
        }
    }

    fn channel(&mut self, key: ChannelKey) -> Option<&Arc<Channel>> {
        if !self.channels.contains_key(&key) {
            let channel = self.connection.with(|control| control.channel(key))?;
            self.channels.insert(key, channel);
        }
        self.channels.get(&key)
    }

    fn add_message(&mut self, key: ChannelKey, message: Message) {
        if self.batch.as_ref().is_none_or(|batch| batch.key != key) {
            self.deliver();
            let Some(channel) = self.channel(key).cloned() else {
                return;
            };
            self.batch = Some(Batch {
                key,
                channel,
                messages: std::mem::take(&mut self.spare),
            });
        }
        if let Some(batch) = &mut self.batch {
            self.connection.backlog().add(&message);
            batch.messages.push(message);
        }
    }

    fn deliver(&mut self) {
        if let Some(mut batch) = self.batch.take() {
            batch.channel.deliver(&mut batch.messages);
            self.spare = batch.messages;
        }
    }
}

impl ConnectionHost {
    fn deliver_packets(&mut self) {
        for (receiver, packets) in &mut self.packets {
            if !packets.is_empty() {
                match self.connection.packets().get(*receiver) {
                    Some(queues) => queues.deliver(packets),
                    None => packets.clear(),
                }
            }
        }
        // The memory of a burst is not kept.
        self.packets
            .retain(|(_, packets)| packets.capacity() <= SPARE_PACKETS);
        if self.packets.len() > SPARE_RECEIVERS {
            self.packets = Vec::new();
        }
    }
}

impl Host for ConnectionHost {
    fn handle_report(&mut self, report: Report) {
        match report {
            Report::BufferedAmount {
                channel: key,
                sent,
                messages,
            } => {
                if let Some(channel) = self.channel(key).cloned() {
                    self.connection.bytes_sent(&channel, sent, messages);
                }
            }
            Report::Media(sender, MediaReport::Sent { packets, bytes }) => {
                if let Some(queues) = self.connection.packets().get(sender) {
                    queues.sent(packets, bytes);
                }
            }
            report => self
                .connection
                .with(|control| control.handle_report(report)),
        }
    }

    fn wants_channel_reports(&self) -> bool {
        self.connection.backlog().has_room() && self.connection.events().has_room()
    }

    fn handle_channel_report(&mut self, report: ChannelReport) {
        match report {
            ChannelReport::Message {
                channel,
                data,
                binary,
            } => self.add_message(channel, Message::received(data, binary)),
            report => {
                // What came before it is read before it.
                self.deliver();
                if let ChannelReport::Closed { channel, .. } = &report {
                    self.channels.remove(channel);
                }
                self.connection
                    .with(|control| control.handle_channel_report(report));
            }
        }
    }

    fn handle_media(&mut self, item: MediaItem) {
        let MediaItem::Packet(receiver, packet) = item else {
            return;
        };
        let known = self.packets.iter().position(|(id, _)| *id == receiver);
        let at = known.unwrap_or_else(|| {
            self.packets.push((receiver, Vec::new()));
            self.packets.len() - 1
        });
        self.packets[at].1.push(packet);
    }

    fn end_of_batch(&mut self) {
        self.deliver();
        self.deliver_packets();
        // The memory of a burst is not kept.
        if self.spare.capacity() > SPARE_MESSAGES {
            self.spare = Vec::new();
        }
    }
}

impl Drop for ConnectionHost {
    fn drop(&mut self) {
        // The session's task ended: closed, or its runtime shut down.
        self.connection.end();
    }
}

/// Receivers for whose batches memory is kept.
const SPARE_RECEIVERS: usize = 8;

/// Packets that one of these keeps memory for.
const SPARE_PACKETS: usize = 64;

/// Messages that a batch keeps memory for.
const SPARE_MESSAGES: usize = 64;
