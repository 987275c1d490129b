//! What a session's task does with what the session reports.

use std::collections::HashMap;
use std::sync::Arc;

use duologue_base::{ChannelKey, TransceiverId};
use duologue_session::{ChannelReport, EncodedFrame, MediaItem, MediaReport, Report, RtpPacket};
use duologue_tokio::Host;

use crate::Message;
use crate::channel::Channel;
use crate::connection::Connection;
use crate::flow::{Incoming, MediaQueues};

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
    packets: MediaBatches<RtpPacket>,
    frames: MediaBatches<EncodedFrame>,
}

/// What came and its readers have not been told of, by receiver.
struct MediaBatches<T>(Vec<(TransceiverId, Vec<T>)>);

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
            packets: MediaBatches(Vec::new()),
            frames: MediaBatches(Vec::new()),
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

impl<T: Incoming> MediaBatches<T> {
    fn add(&mut self, receiver: TransceiverId, item: T) {
        let known = self.0.iter().position(|(id, _)| *id == receiver);
        let at = known.unwrap_or_else(|| {
            self.0.push((receiver, Vec::new()));
            self.0.len() - 1
        });
        self.0[at].1.push(item);
    }

    fn deliver(&mut self, queues: &MediaQueues) {
        for (receiver, items) in &mut self.0 {
            if !items.is_empty() {
                match queues.get(*receiver) {
                    Some(queues) => queues.deliver(items),
                    None => items.clear(),
                }
            }
        }
        // The memory of a burst is not kept.
        self.0.retain(|(_, items)| items.capacity() <= SPARE_ITEMS);
        if self.0.len() > SPARE_RECEIVERS {
            self.0 = Vec::new();
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
            Report::Media(sender, MediaReport::Sent { items, bytes }) => {
                if let Some(queues) = self.connection.media_queues().get(sender) {
                    queues.sent(items, bytes);
                }
            }
            Report::Media(receiver, MediaReport::Sources(sources)) => {
                self.connection
                    .media_queues()
                    .set_sources(receiver, sources);
            }
            #[cfg(feature = "codecs")]
            Report::Stats { request, mut stats } => {
                self.connection.raw().add_to(&mut stats);
                let report = Report::Stats { request, stats };
                self.connection
                    .with(|control| control.handle_report(report));
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
        match item {
            MediaItem::Packet(receiver, packet) => self.packets.add(receiver, packet),
            MediaItem::Frame(receiver, frame) => self.frames.add(receiver, frame),
            _ => {}
        }
    }

    fn end_of_batch(&mut self) {
        self.deliver();
        let queues = self.connection.media_queues();
        self.packets.deliver(queues);
        self.frames.deliver(queues);
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

/// Packets or frames that one of these keeps memory for.
const SPARE_ITEMS: usize = 64;

/// Messages that a batch keeps memory for.
const SPARE_MESSAGES: usize = 64;
