//! The association: one procedure per file, and here what joins them.

mod connect;
mod cookie;
mod forward_tsn;
mod heartbeat;
mod receive;
mod retry;
mod sack;
mod shutdown;
mod state;
mod stream_reset;
mod transmit;

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use duologue_base::{Instant, Rng, StreamId};

use self::retry::Retry;
pub(crate) use self::state::Identity;
use self::state::{Calling, Open, Phase, State, Unconfirmed, log_change};
use crate::limits::{LARGEST_PACKET, MAX_PENDING_REPLIES, SEND_OVERHEAD};
use crate::packet::Cause;
use crate::receive::Inbox;
use crate::send::{Expiry, OutMessage, SendQueue};
use crate::{
    AssociationState, CloseReason, Config, Departed, Event, Inbound, Message, Ppid, Reliability,
    SendError, SendOptions, Stats,
};

/// How long after the last acknowledgement rings give memory back.
const RELEASE_AFTER: Duration = Duration::from_secs(1);

/// One SCTP association.
///
/// Inputs are `handle_*`, outputs are `poll_*`; `connect`, `send`, `reset_streams`,
/// `set_priority`, `shutdown` and `abort` are the application's; everything else reads.
#[derive(Debug)]
pub struct Association {
    config: Config,
    rng: Rng,
    local: Identity,
    cookie_secret: [u8; 32],
    state: State,
    queue: SendQueue,
    inbox: Inbox,
    events: VecDeque<Event>,
    /// Packets that belong to no state: the tag they carry, and their chunk.
    replies: VecDeque<(u32, Vec<u8>)>,
    /// When rings that emptied give their memory back.
    release_at: Option<Instant>,
    /// See [`expect_restart`](Self::expect_restart).
    restart_until: Option<Instant>,
    counters: Counters,
}

#[derive(Debug, Default)]
struct Counters {
    packets_sent: u64,
    packets_received: u64,
    bytes_sent: u64,
    bytes_received: u64,
    messages_sent: u64,
    messages_received: u64,
    packets_dropped: u64,
    chunks_dropped: u64,
}

impl Association {
    /// An association that answers the peer, and calls it once [`connect`](Self::connect) is
    /// called.
    pub fn new(config: Config, mut rng: Rng) -> Self {
        let config = config.normalized();
        let local = Identity::draw(&mut rng);
        let mut cookie_secret = [0; 32];
        rng.fill(&mut cookie_secret);
        Association {
            queue: SendQueue::new(config.scheduler),
            config,
            rng,
            local,
            cookie_secret,
            state: State::Idle,
            inbox: Inbox::default(),
            events: VecDeque::new(),
            replies: VecDeque::new(),
            release_at: None,
            restart_until: None,
            counters: Counters::default(),
        }
    }

    /// Starts to set up the association. In WebRTC both sides do, as soon as DTLS is connected.
    pub fn connect(&mut self, _now: Instant) {
        if let State::Idle = self.state {
            log_change(self.state.name(), "COOKIE-WAIT");
            self.state = State::CookieWait(Calling::new(None));
        }
    }

    /// Does what is due at `now`. Early and late calls are harmless.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.release_at.is_some_and(|at| at <= now) {
            self.release_memory();
        }
        match &mut self.state {
            State::Idle | State::Closed => {}
            State::CookieWait(Calling { retry, .. }) => {
                retry.handle_timeout(now);
                if retry.is_exhausted(self.config.max_init_retransmissions) {
                    self.close(CloseReason::Unanswered);
                }
            }
            State::Open(open) => {
                open.acknowledge.handle_timeout(now);
                match open.unconfirmed {
                    Some(unconfirmed) if unconfirmed.until() > now => return,
                    Some(Unconfirmed::Aborted {
                        cause: cause_code, ..
                    }) => return self.close(CloseReason::AbortedByPeer { cause_code }),
                    Some(Unconfirmed::OnNewPath(_)) => open.unconfirmed = None,
                    None => {}
                }
                open.reset.handle_timeout(now);
                open.heartbeat_timeout(now, &mut self.rng);
                open.sender.handle_timeout(now, &mut self.queue);
                self.handle_phase_timeout(now);
            }
        }
    }

    fn handle_phase_timeout(&mut self, now: Instant) {
        let State::Open(open) = &mut self.state else {
            return;
        };
        let max = match open.phase {
            Phase::CookieEchoed { .. } => self.config.max_init_retransmissions,
            _ => self.config.max_retransmissions,
        };
        let mut exhausted = false;
        if let Some(retry) = open.phase.retry_mut() {
            retry.handle_timeout(now);
            exhausted = retry.is_exhausted(max);
        }
        let unanswered = open.sender.unanswered() + open.heartbeat.unanswered;
        exhausted |= self
            .config
            .max_retransmissions
            .is_some_and(|max| unanswered > max);
        if exhausted {
            self.close(CloseReason::Unanswered);
        }
    }

    /// When to call [`handle_timeout`](Self::handle_timeout) and poll packets again.
    pub fn poll_timeout(&self) -> Option<Instant> {
        match &self.state {
            State::Idle | State::Closed => self.release_at,
            State::CookieWait(calling) => calling.retry.deadline(),
            State::Open(open) if open.unconfirmed.is_some() => Instant::earliest([
                open.unconfirmed.map(Unconfirmed::until),
                open.acknowledge.deadline(),
            ]),
            State::Open(open) => Instant::earliest([
                open.sender.deadline(),
                open.acknowledge.deadline(),
                open.reset.deadline(),
                open.heartbeat.deadline(),
                open.phase.retry().and_then(Retry::deadline),
                self.release_at,
            ]),
        }
    }

    /// The peer may start over soon, and abort what there is: browsers do both when they make another
    /// transport for a BUNDLE group. Until `until` its ABORT does not end the association.
    pub fn expect_restart(&mut self, until: Instant) {
        self.restart_until = Some(until);
    }

    /// The packets go another way from now on, to a peer that may or may not have kept its state.
    /// Data waits until the peer answers a HEARTBEAT or calls again ([`Event::Restarted`]), for a
    /// moment at most.
    pub fn change_path(&mut self, now: Instant) {
        if let State::Open(open) = &mut self.state {
            open.sender.forget_packet_size(self.config.largest_packet);
            open.confirm_peer(now, &mut self.rng);
        }
    }

    /// The packets take another path to the same peer from now on. How large they may be there is
    /// found out anew, up to so many bytes ([`Config::largest_packet`]).
    pub fn handle_new_path(&mut self, largest_packet: usize) {
        self.config.largest_packet = largest_packet.min(LARGEST_PACKET);
        if let State::Open(open) = &mut self.state {
            open.sender.forget_packet_size(self.config.largest_packet);
        }
    }

    /// Networks treat the packets in another way from now on, because they are marked so: what is known of
    /// the path's capacity is forgotten (RFC 8837 §5).
    pub fn handle_new_marks(&mut self, now: Instant) {
        if let State::Open(open) = &mut self.state {
            open.sender
                .restart_congestion_control(&self.config, now, self.rng.u32());
        }
    }

    /// Queues a message. Before the association is set up messages wait.
    ///
    /// # Errors
    /// The association is closed or closing; the stream does not exist or is being reset; the message is
    /// empty; the send buffer is full. Nothing is queued then.
    pub fn send(
        &mut self,
        now: Instant,
        stream: StreamId,
        ppid: Ppid,
        data: Bytes,
        options: SendOptions,
    ) -> Result<(), SendError> {
        let streams = match &self.state {
            State::Idle | State::CookieWait(_) => self.config.streams,
            State::Open(open) if open.phase.accepts_messages() => open.outbound_streams,
            State::Open(_) | State::Closed => return Err(SendError::Closed),
        };
        if data.is_empty() {
            return Err(SendError::Empty);
        }
        if stream.0 >= streams {
            return Err(SendError::UnknownStream(stream));
        }
        // A message that is larger than the buffer goes when it is alone (and fits 32 bits).
        let room = self.config.send_buffer.saturating_sub(self.queue.cost());
        let alone = self.queue.is_empty() && u32::try_from(data.len()).is_ok();
        if data.len() + SEND_OVERHEAD > room && !alone {
            return Err(SendError::BufferFull);
        }

        self.queue.push(OutMessage {
            data,
            stream,
            ppid,
            unordered: options.unordered,
            sequence: 0,
            sent: 0,
            fragments: 0,
            chunks: 0,
            first_tsn: None,
            expiry: match options.reliability {
                Reliability::Reliable => Expiry::Never,
                Reliability::MaxRetransmits(max) => Expiry::Retransmissions(max),
                Reliability::MaxLifetime(lifetime) => Expiry::At(now + lifetime),
            },
            abandoned: false,
        })?;
        self.counters.messages_sent += 1;
        Ok(())
    }

    /// Resets outgoing streams (RFC 6525): what is queued on them is still sent, then the peer is
    /// told. [`Event::StreamReset`] says when it is done. This is how a data channel closes. A peer
    /// that cannot reset streams is told nothing: [`Event::StreamResetRefused`] says when it has what was
    /// sent, and its side of the stream ends with ours.
    pub fn reset_streams(&mut self, streams: &[StreamId]) {
        if let State::Closed = self.state {
            return;
        }
        for &stream in streams {
            self.queue.begin_reset(stream);
        }
    }

    /// Whether nothing is accepted on a stream, because it is being reset: [`send`](Self::send) would say
    /// [`SendError::Resetting`].
    pub fn is_resetting(&self, stream: StreamId) -> bool {
        self.queue.is_resetting(stream)
    }

    /// Drops the messages of which nothing was sent yet, and takes back the resets of streams that the peer was not asked
    /// for. Who takes [`Event::Restarted`] for the end of what was begin before calls it before the next
    /// [`poll_packet`](Self::poll_packet). What is dropped is no departure, and streams keep their weights.
    pub fn drop_unsent(&mut self) {
        self.queue.drop_unsent();
    }

    /// Sets a stream's weight against the others: its share with [`Scheduler::WeightedFair`]. The
    /// values of RFC 8831 §6.4 are 128, 256 (the default), 512 and 1024.
    ///
    /// [`Scheduler::WeightedFair`]: crate::Scheduler::WeightedFair
    pub fn set_priority(&mut self, stream: StreamId, priority: u16) {
        self.queue.set_priority(stream, priority);
    }

    /// Data leaves no faster than at so many bytes per second from now on, or again as fast as the
    /// congestion control allows: others use the path, too, and this is its share.
    pub fn set_rate_cap(&mut self, cap: Option<u64>) {
        if let State::Open(open) = &mut self.state {
            open.sender.set_rate_cap(cap);
        }
    }

    /// Whether there is data that could leave if there were room on the path.
    pub fn has_backlog(&mut self) -> bool {
        match &mut self.state {
            State::Open(open) => open.sender.has_backlog(&self.queue),
            _ => false,
        }
    }

    /// The next thing that happened.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.end_resets_unasked();
        self.events.pop_front()
    }

    /// The next message from the peer, or end of one of its streams.
    pub fn poll_inbound(&mut self) -> Option<Inbound> {
        let inbound = self.inbox.pop()?;
        self.counters.messages_received += u64::from(matches!(inbound, Inbound::Message(_)));
        if let State::Open(open) = &mut self.state {
            if open.reset.is_deferred() {
                open.perform_deferred_reset(&self.config, &mut self.inbox);
            }
            open.update_window(&self.config, &self.inbox);
        }
        Some(inbound)
    }

    /// The next message, for hosts to which the ends of streams mean nothing.
    pub fn poll_message(&mut self) -> Option<Message> {
        loop {
            if let Inbound::Message(message) = self.poll_inbound()? {
                return Some(message);
            }
        }
    }

    /// How often [`poll_inbound`](Self::poll_inbound) would give something now.
    pub fn unread(&self) -> usize {
        self.inbox.len()
    }

    /// How many bytes left the send queue, one stream at a time: what `bufferedAmount` falls by.
    pub fn poll_departed(&mut self) -> Option<Departed> {
        self.queue.poll_departed()
    }

    /// Where the association is in its life.
    pub fn state(&self) -> AssociationState {
        self.state.summary()
    }

    /// Bytes accepted by [`send`](Self::send) on this stream that were not sent yet.
    pub fn buffered_amount(&self, stream: StreamId) -> usize {
        self.queue.buffered_amount(stream)
    }

    /// Counters and gauges.
    pub fn stats(&self) -> Stats {
        let counters = &self.counters;
        let mut stats = Stats {
            packets_sent: counters.packets_sent,
            packets_received: counters.packets_received,
            bytes_sent: counters.bytes_sent,
            bytes_received: counters.bytes_received,
            messages_sent: counters.messages_sent,
            messages_received: counters.messages_received,
            packets_dropped: counters.packets_dropped,
            chunks_dropped: counters.chunks_dropped,
            messages_abandoned: self.queue.abandoned(),
            buffered_bytes: self.queue.buffered_bytes(),
            mtu: self.config.mtu,
            ..Stats::default()
        };
        if let State::Open(open) = &self.state {
            let sent = open.sender.counters();
            stats.chunks_retransmitted = sent.chunks_retransmitted;
            stats.spurious_retransmissions = sent.spurious_retransmissions;
            stats.timeouts = sent.timeouts;
            stats.smoothed_rtt = open.sender.smoothed_rtt();
            stats.min_rtt = open.sender.min_rtt();
            stats.congestion_window = open.sender.window();
            stats.pacing_rate = open.sender.pacing_rate();
            stats.peer_receive_window = open.sender.peer_window();
            stats.receive_window = open.receive_window(&self.config, &self.inbox);
            (stats.unacknowledged_bytes, stats.unacknowledged_chunks) =
                open.sender.unacknowledged();
            stats.mtu = open.sender.packet_size();
            stats.interleaving = open.sender.interleaved();
            stats.zero_checksum = open.zero_checksum;
        }
        stats
    }

    /// Ends the association. Whatever is still to be said to the peer is in `replies`.
    fn close(&mut self, reason: CloseReason) {
        if let State::Closed = self.state {
            return;
        }
        tracing::debug!("SCTP: {} -> CLOSED: {reason}", self.state.name());
        self.state = State::Closed;
        self.queue.close();
        self.events.push_back(Event::Closed(reason));
    }

    /// Ends the association and tells the peer why.
    fn close_with_abort(&mut self, reason: CloseReason, cause: &Cause) {
        if let State::Open(open) = &self.state {
            let tag = open.peer_tag;
            self.reply(tag, |out| crate::packet::write_abort(out, 0, Some(cause)));
        }
        self.close(reason);
    }

    /// Queues a packet of one chunk that does not depend on a state.
    fn reply(&mut self, tag: u32, write: impl FnOnce(&mut Vec<u8>)) {
        if self.replies.len() < MAX_PENDING_REPLIES {
            let mut chunk = Vec::new();
            write(&mut chunk);
            self.replies.push_back((tag, chunk));
        }
    }

    fn release_memory(&mut self) {
        self.release_at = None;
        self.queue.release_memory();
        self.inbox.release_memory();
        if let State::Open(open) = &mut self.state {
            open.sender.release_memory();
            open.in_streams.release_memory();
        }
    }
}
