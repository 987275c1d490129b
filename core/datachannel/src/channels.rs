use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use duologue_base::{ChannelKey, Instant, StreamId};
use duologue_sctp::{Association, Departed, Event, Inbound, Message, SendError, SendOptions};

use crate::channel::{Channel, Content, Phase};
use crate::dcep::says_no_priority;
use crate::limits::{ANNOUNCED_NAME_BYTES, EARLY_BYTES, EARLY_MESSAGES, PIECE_BYTES};
use crate::message::{DCEP, Payload, to_text, to_wire};
use crate::{ChannelError, ChannelInit, ChannelReport, DcepMessage, Priority};

/// The data channels of one association.
///
/// `open`, `send`, `close` and `set_priority` are the application's; `handle_*` takes what the
/// association says; `poll_report` pulls messages out of the association and tells the application.
/// Nothing here fails: what goes wrong with a channel is the error of its
/// [`ChannelReport::Closed`], noise is in [`Counters`].
#[derive(Debug)]
pub struct Channels {
    /// Whether the numbers that the peer chooses are odd; none when they may be either.
    peer_is_odd: Option<bool>,
    message_size_max: usize,
    /// How many streams the association has, once it is up.
    streams: Option<u16>,
    /// Boxed, since a node of the map has room for eleven.
    channels: BTreeMap<StreamId, Box<Channel>>,
    keys: BTreeMap<ChannelKey, StreamId>,
    reports: VecDeque<ChannelReport>,
    /// How often something was pulled out of the association.
    pulled: u64,
    /// Ends of the association, each behind what came before it.
    ends: VecDeque<AssociationEnd>,
    /// Memory of pieces in the deprecated form.
    piece_bytes: usize,
    early: VecDeque<Message>,
    early_bytes: usize,
    next_announced: ChannelKey,
    announced_bytes: usize,
    /// Of the channels that this end made so far.
    highest_priority: Option<Priority>,
    counters: Counters,
}

/// The association ended, or the peer began it anew.
#[derive(Clone, Copy, Debug)]
struct AssociationEnd {
    /// Due when so much was pulled.
    after: u64,
    error: Option<ChannelError>,
    /// Channels that were made since are on the next one.
    anew: bool,
}

/// What was ignored.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Counters {
    /// DCEP messages that are malformed.
    pub malformed_dcep: u64,
    /// DATA_CHANNEL_OPEN for a stream that is in use or is not the peer's to choose.
    pub refused_opens: u64,
    /// Messages on a stream without a channel, and of an unknown kind.
    pub stray_messages: u64,
    /// Calls about channels that do not exist or are closed.
    pub ignored_calls: u64,
}

impl Channels {
    /// A set without channels. `dtls_client`: we are the client of the DTLS handshake, so that our channels
    /// are even and the peer's odd (RFC 8832 §6). `message_size_max` bounds messages in the
    /// deprecated form of pieces, as the association bounds the others.
    pub fn new(dtls_client: bool, message_size_max: usize) -> Self {
        Channels {
            peer_is_odd: Some(dtls_client),
            message_size_max,
            streams: None,
            channels: BTreeMap::new(),
            keys: BTreeMap::new(),
            reports: VecDeque::new(),
            pulled: 0,
            ends: VecDeque::new(),
            piece_bytes: 0,
            early: VecDeque::new(),
            early_bytes: 0,
            next_announced: ChannelKey(1),
            announced_bytes: 0,
            highest_priority: None,
            counters: Counters::default(),
        }
    }

    /// The association goes on over another transport, whose DTLS roles may be others: the peer opens
    /// channels by those from now on, and what is on its way by the ones before (RFC 8832 §6).
    pub fn take_either_parity(&mut self) {
        self.peer_is_odd = None;
    }

    /// These channels follow others, of an association that ended: keys go on where those stopped.
    #[must_use]
    pub fn after(mut self, last: ChannelKey) -> Self {
        self.next_announced = last;
        self
    }

    /// The key that the next channel of the peer's gets.
    pub fn next_announced(&self) -> ChannelKey {
        self.next_announced
    }

    /// Opens a channel, or, with `negotiated`, begins to use a stream that the peer knows of. It is
    /// open as soon as the association is up: RFC 8832 §6 lets messages follow the
    /// DATA_CHANNEL_OPEN without waiting.
    pub fn open(
        &mut self,
        now: Instant,
        association: &mut Association,
        key: ChannelKey,
        stream: StreamId,
        init: &ChannelInit,
    ) {
        if self.keys.contains_key(&key) {
            self.counters.ignored_calls += 1;
            return;
        }
        // RFC 8832 §5: 65535 would need 65536 streams, which SCTP cannot count.
        let exists = stream.0 < self.streams.unwrap_or(u16::MAX);
        // A stream whose channel was refused is being reset: the peer would never hear of another one.
        let in_use = self.channels.contains_key(&stream) || association.is_resetting(stream);
        if !exists || in_use {
            let error = if exists {
                ChannelError::StreamInUse
            } else {
                ChannelError::NoSuchStream
            };
            self.report_closed(key, Some(error));
            return;
        }
        let phase = if self.streams.is_some() {
            self.reports
                .push_back(ChannelReport::Opened { channel: key });
            Phase::Open
        } else {
            Phase::Connecting
        };
        self.insert(stream, Channel::new(key, init, phase));
        self.note_priority(init.priority);
        association.set_priority(stream, init.priority.weight());
        if !init.negotiated {
            let open = DcepMessage::Open(init.clone());
            self.send_dcep(now, association, stream, &open);
        }
        self.replay_early(now, association, stream);
    }

    /// Sends a message.
    pub fn send(
        &mut self,
        now: Instant,
        association: &mut Association,
        key: ChannelKey,
        data: Bytes,
        binary: bool,
    ) {
        let Some((stream, channel)) = self.find(key) else {
            self.counters.ignored_calls += 1;
            return;
        };
        if !channel.is_usable() {
            self.counters.ignored_calls += 1;
            return;
        }
        let content = if data.is_empty() {
            Content::Empty
        } else {
            Content::Bytes
        };
        let options = channel.send_options();
        let (ppid, data) = to_wire(data, binary);
        let bytes = data.len();
        match association.send(now, stream, ppid, data, options) {
            Ok(()) => self.queued(association, stream, bytes, content),
            Err(error) => self.refused(association, stream, error),
        }
    }

    /// Changes a channel's share of the association.
    pub fn set_priority(
        &mut self,
        association: &mut Association,
        key: ChannelKey,
        priority: Priority,
    ) {
        match self.keys.get(&key) {
            Some(&stream) => {
                self.note_priority(priority);
                association.set_priority(stream, priority.weight());
            }
            None => self.counters.ignored_calls += 1,
        }
    }

    fn note_priority(&mut self, priority: Priority) {
        self.highest_priority = self.highest_priority.max(Some(priority));
    }

    /// The highest priority that this end gave to a channel; none before it gave one. What a peer says of its
    /// channels is no part of it: how this end's packets are marked is not the peer's to decide.
    pub fn highest_priority(&self) -> Option<Priority> {
        self.highest_priority
    }

    /// Closes a channel. What was sent on it is still delivered (RFC 8831 §6.7).
    pub fn close(&mut self, association: &mut Association, key: ChannelKey) {
        match self.keys.get(&key) {
            Some(&stream) => self.begin_closing(association, stream, false, None),
            None => self.counters.ignored_calls += 1,
        }
    }

    /// Takes an event of the association.
    pub fn handle_event(&mut self, association: &mut Association, event: &Event) {
        match *event {
            Event::Connected {
                outbound_streams,
                inbound_streams,
            } => self.association_up(outbound_streams.min(inbound_streams)),
            Event::StreamReset { stream } | Event::StreamResetRefused { stream } => {
                self.our_stream_reset(stream);
            }
            Event::Restarted => {
                // What was sent on channels that are no more is not for those that follow on their streams.
                association.drop_unsent();
                self.end_behind_unread(association, ended(None), true);
            }
            Event::Closed(ref reason) => {
                let cause = match reason {
                    duologue_sctp::CloseReason::AbortedByPeer { cause_code } => *cause_code,
                    _ => None,
                };
                self.end(association, ended(cause));
            }
            _ => {}
        }
    }

    /// The association ended, or the transport below it: every channel closes, after the messages
    /// that came before. Without `error` it ended on purpose.
    pub fn end(&mut self, association: &Association, error: Option<ChannelError>) {
        self.end_behind_unread(association, error, false);
    }

    fn end_behind_unread(
        &mut self,
        association: &Association,
        error: Option<ChannelError>,
        anew: bool,
    ) {
        for channel in self.channels.values_mut() {
            channel.ended = true;
        }
        let after = self.pulled + association.unread() as u64;
        // Another one with nothing in between says nothing new, unless nothing follows any more.
        match self.ends.back_mut().filter(|end| end.after == after) {
            Some(end) => end.anew &= anew,
            None => self.ends.push_back(AssociationEnd { after, error, anew }),
        }
    }

    /// Translates what left the association into a channel's `bufferedAmount`: by how many bytes it
    /// falls, and how many messages of the application left, if any.
    pub fn handle_departed(&mut self, departed: Departed) -> Option<(ChannelKey, usize, usize)> {
        let channel = self.channels.get_mut(&departed.stream)?;
        let Departed {
            bytes, messages, ..
        } = departed;
        let (bytes, messages) = channel.departures.depart(bytes, messages);
        (bytes > 0 || messages > 0).then_some((channel.key, bytes, messages))
    }

    /// The next thing to tell the application. Pulls messages out of the association; when nobody
    /// calls this the association's window closes and the peer stops sending.
    pub fn poll_report(
        &mut self,
        now: Instant,
        association: &mut Association,
    ) -> Option<ChannelReport> {
        loop {
            if let Some(report) = self.reports.pop_front() {
                return Some(report);
            }
            let pulled = self.pulled;
            let due = self.ends.front().is_some_and(|end| end.after <= pulled);
            if let Some(end) = due.then(|| self.ends.pop_front()).flatten() {
                self.close_ended(end);
                continue;
            }
            let inbound = association.poll_inbound()?;
            self.pulled += 1;
            match inbound {
                Inbound::Message(message) => self.handle_message(now, association, message),
                Inbound::StreamReset(stream) => self.peers_stream_ended(association, stream),
            }
        }
    }

    /// What was ignored.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// How many channels there are.
    pub fn len(&self) -> usize {
        self.channels.len()
    }

    /// Whether there is no channel.
    pub fn is_empty(&self) -> bool {
        self.channels.is_empty()
    }

    fn find(&mut self, key: ChannelKey) -> Option<(StreamId, &mut Channel)> {
        let stream = *self.keys.get(&key)?;
        Some((stream, self.channels.get_mut(&stream)?))
    }

    fn insert(&mut self, stream: StreamId, channel: Channel) {
        self.keys.insert(channel.key, stream);
        self.channels.insert(stream, Box::new(channel));
    }

    fn remove(&mut self, stream: StreamId, error: Option<ChannelError>) {
        if let Some(channel) = self.channels.remove(&stream) {
            self.keys.remove(&channel.key);
            self.announced_bytes -= channel.announced_bytes;
            self.piece_bytes -= channel.piece_bytes();
            self.report_closed(channel.key, error);
        }
    }

    fn report_closed(&mut self, channel: ChannelKey, error: Option<ChannelError>) {
        self.reports
            .push_back(ChannelReport::Closed { channel, error });
    }

    fn handle_message(&mut self, now: Instant, association: &mut Association, message: Message) {
        let payload = Payload::of(message.ppid);
        if payload == Payload::Dcep {
            return self.handle_dcep(now, association, &message);
        }
        let Some(channel) = self.channels.get_mut(&message.stream) else {
            return self.keep_early(message);
        };
        if channel.is_closing() {
            return;
        }
        // RFC 8832 §6: any message from the peer shows that it knows the channel.
        channel.answered = true;
        let key = channel.key;
        let whole = match payload {
            Payload::Whole { binary } => self.complete(message.stream, message.data, binary),
            Payload::Empty { binary } => self.complete(message.stream, Bytes::new(), binary),
            Payload::Partial { binary } => {
                if self.keep_piece(message.stream, &message.data, binary) {
                    return;
                }
                None
            }
            Payload::Unknown | Payload::Dcep => {
                self.counters.stray_messages += 1;
                return;
            }
        };
        let Some((data, binary)) = whole else {
            let error = Some(ChannelError::PeerMisbehaved);
            return self.begin_closing(association, message.stream, false, error);
        };
        let data = if binary { data } else { to_text(data) };
        self.reports.push_back(ChannelReport::Message {
            channel: key,
            data,
            binary,
        });
    }

    /// Keeps a piece in the deprecated form; `false` when its message becomes too large, or all
    /// such messages together.
    fn keep_piece(&mut self, stream: StreamId, data: &[u8], binary: bool) -> bool {
        let Some(channel) = self.channels.get_mut(&stream) else {
            return false;
        };
        let before = channel.piece_bytes();
        let fits = channel.add_piece(data, binary, self.message_size_max);
        self.piece_bytes = self.piece_bytes + channel.piece_bytes() - before;
        fits && self.piece_bytes <= PIECE_BYTES.max(2 * self.message_size_max)
    }

    /// The whole message that `data` ends, if it fits the pieces before.
    fn complete(&mut self, stream: StreamId, data: Bytes, binary: bool) -> Option<(Bytes, bool)> {
        let max = self.message_size_max;
        let channel = self.channels.get_mut(&stream)?;
        let before = channel.piece_bytes();
        let whole = channel.complete(data, binary, max);
        self.piece_bytes = self.piece_bytes + channel.piece_bytes() - before;
        Some((whole?, binary))
    }

    fn handle_dcep(&mut self, now: Instant, association: &mut Association, message: &Message) {
        match DcepMessage::parse(&message.data) {
            Ok(DcepMessage::Ack) => match self.channels.get_mut(&message.stream) {
                Some(channel) => channel.answered = true,
                None => self.counters.stray_messages += 1,
            },
            Ok(DcepMessage::Open(init)) => {
                let share = match says_no_priority(&message.data) {
                    true => Priority::default(),
                    false => init.priority,
                };
                self.opened_by_peer(now, association, message.stream, (init, share));
            }
            Err(error) => {
                tracing::debug!(%error, "malformed DCEP message");
                self.counters.malformed_dcep += 1;
            }
        }
    }

    fn opened_by_peer(
        &mut self,
        now: Instant,
        association: &mut Association,
        stream: StreamId,
        (init, share): (ChannelInit, Priority),
    ) {
        // What is read before the end of an association is of that one: nothing about it is said on the next.
        let ended = !self.ends.is_empty();
        if !ended {
            self.finish_for_next(association, stream);
        }
        if self.channels.contains_key(&stream) {
            // Both ends' applications may have negotiated this stream; the channel stays.
            self.counters.refused_opens += 1;
            return;
        }

        let name_bytes = init.label.len() + init.protocol.len();
        let is_odd = stream.0 % 2 == 1;
        let is_peers = self.peer_is_odd.is_none_or(|peer| peer == is_odd);
        if !is_peers || self.announced_bytes + name_bytes > ANNOUNCED_NAME_BYTES {
            // RFC 8832 §6: no ACK, and the stream is reset.
            self.counters.refused_opens += 1;
            if !ended {
                association.reset_streams(&[stream]);
            }
            return;
        }

        let key = self.next_announced;
        self.next_announced = ChannelKey(key.0.wrapping_add(2));
        let mut channel = Channel::new(key, &init, Phase::Open);
        channel.answered = true;
        channel.ended = ended;
        channel.announced_bytes = name_bytes;
        self.announced_bytes += name_bytes;
        self.insert(stream, channel);
        if !ended {
            association.set_priority(stream, share.weight());
            self.send_dcep(now, association, stream, &DcepMessage::Ack);
        }
        self.reports.push_back(ChannelReport::Announced {
            channel: key,
            stream,
            init,
        });
        self.replay_early(now, association, stream);
    }

    /// RFC 8832 §6: DCEP messages are reliable and ordered, whatever the channel is.
    fn send_dcep(
        &mut self,
        now: Instant,
        association: &mut Association,
        stream: StreamId,
        message: &DcepMessage,
    ) {
        let data = message.encode();
        let bytes = data.len();
        match association.send(now, stream, DCEP, data, SendOptions::default()) {
            Ok(()) => self.queued(association, stream, bytes, Content::Dcep),
            Err(error) => self.refused(association, stream, error),
        }
    }

    fn queued(
        &mut self,
        association: &mut Association,
        stream: StreamId,
        bytes: usize,
        content: Content,
    ) {
        let bounded = self
            .channels
            .get_mut(&stream)
            .is_none_or(|channel| channel.departures.queue(bytes, content));
        if !bounded {
            self.begin_closing(
                association,
                stream,
                false,
                Some(ChannelError::SendBufferFull),
            );
        }
    }

    fn refused(&mut self, association: &mut Association, stream: StreamId, error: SendError) {
        let error = match error {
            SendError::UnknownStream(_) => ChannelError::NoSuchStream,
            SendError::BufferFull => ChannelError::SendBufferFull,
            // Its stream ends before the peer knows of the channel.
            SendError::Resetting(_) => ChannelError::PeerMisbehaved,
            // The end of the association is reported by itself.
            _ => {
                self.counters.ignored_calls += 1;
                return;
            }
        };
        if error == ChannelError::NoSuchStream {
            self.remove(stream, Some(error));
        } else {
            self.begin_closing(association, stream, false, Some(error));
        }
    }

    fn keep_early(&mut self, message: Message) {
        let fits = self.early.len() < EARLY_MESSAGES
            && self.early_bytes + message.data.len() <= EARLY_BYTES;
        if fits {
            self.early_bytes += message.data.len();
            self.early.push_back(message);
        } else {
            self.counters.stray_messages += 1;
        }
    }

    /// Hands over what came before the channel was made: a negotiated channel is made at the two
    /// ends at different times.
    fn replay_early(&mut self, now: Instant, association: &mut Association, stream: StreamId) {
        if !self.early.iter().any(|message| message.stream == stream) {
            return;
        }
        let early = std::mem::take(&mut self.early);
        let (ours, others) = early.into_iter().partition(|m| m.stream == stream);
        self.early = others;
        for message in <VecDeque<Message>>::into_iter(ours) {
            self.early_bytes -= message.data.len();
            self.handle_message(now, association, message);
        }
    }

    fn association_up(&mut self, streams: u16) {
        self.streams = Some(streams);
        let beyond: Vec<StreamId> = self
            .channels
            .range(StreamId(streams)..)
            .map(|(&stream, _)| stream)
            .collect();
        for stream in beyond {
            // webrtc-pc §6.1.1.3: a channel whose id the association cannot carry fails.
            self.remove(stream, Some(ChannelError::NoSuchStream));
        }
        for channel in self.channels.values_mut() {
            if channel.phase == Phase::Connecting {
                channel.phase = Phase::Open;
                let channel = channel.key;
                self.reports.push_back(ChannelReport::Opened { channel });
            }
        }
    }

    fn begin_closing(
        &mut self,
        association: &mut Association,
        stream: StreamId,
        peers_reset: bool,
        error: Option<ChannelError>,
    ) {
        let Some(channel) = self.channels.get_mut(&stream) else {
            return;
        };
        if !channel.is_usable() {
            return;
        }
        channel.phase = Phase::Closing {
            ours_reset: false,
            peers_reset,
            error,
        };
        self.piece_bytes -= channel.piece_bytes();
        channel.drop_pieces();
        association.reset_streams(&[stream]);
    }

    fn our_stream_reset(&mut self, stream: StreamId) {
        if let Some(channel) = self.channels.get_mut(&stream)
            && let Phase::Closing { ours_reset, .. } = &mut channel.phase
        {
            *ours_reset = true;
        }
        self.finish_closing(stream);
    }

    /// RFC 8831 §6.7: "when the peer resets its stream, the other end resets its own".
    fn peers_stream_ended(&mut self, association: &mut Association, stream: StreamId) {
        self.early.retain(|message| message.stream != stream);
        self.early_bytes = self.early.iter().map(|message| message.data.len()).sum();
        let Some(channel) = self.channels.get_mut(&stream) else {
            return;
        };
        if let Phase::Closing { peers_reset, .. } = &mut channel.phase {
            *peers_reset = true;
        } else if channel.is_usable() {
            let channel = channel.key;
            self.reports.push_back(ChannelReport::Closing { channel });
            self.begin_closing(association, stream, true, None);
        }
        self.finish_closing(stream);
    }

    /// RFC 8831 §6.7: the peer takes a stream for another channel once both directions are reset. That
    /// it does so answers our request, if the answer proper is late.
    fn finish_for_next(&mut self, association: &mut Association, stream: StreamId) {
        if let Some(channel) = self.channels.get(&stream)
            && let Phase::Closing {
                ours_reset: false,
                peers_reset: true,
                ..
            } = channel.phase
            && association.note_stream_reset(stream)
        {
            self.our_stream_reset(stream);
        }
    }

    fn finish_closing(&mut self, stream: StreamId) {
        if let Some(channel) = self.channels.get(&stream)
            && let Phase::Closing {
                ours_reset: true,
                peers_reset: true,
                error,
            } = channel.phase
        {
            self.remove(stream, error);
        }
    }

    /// Nothing is left of the association that ended: its channels close, and where none follows those that were made
    /// since.
    fn close_ended(&mut self, end: AssociationEnd) {
        self.early.clear();
        self.early_bytes = 0;
        let channels = self.channels.iter();
        let ended = channels.filter(|(_, channel)| !end.anew || channel.ended);
        let ended: Vec<StreamId> = ended.map(|(&stream, _)| stream).collect();
        for stream in ended {
            self.remove(stream, end.error);
        }
    }
}

fn ended(cause: Option<u16>) -> Option<ChannelError> {
    Some(ChannelError::AssociationEnded { cause })
}

#[cfg(test)]
mod tests;
