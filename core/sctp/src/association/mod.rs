use std::collections::VecDeque;

use bytes::Bytes;
use duologue_base::{Instant, Rng, StreamId};

use crate::{
    AssociationState, CloseReason, Config, Departed, Event, Message, Ppid, SendError, SendOptions,
    Stats,
};

/// One SCTP association.
///
/// Inputs are `handle_*`, outputs are `poll_*`; `connect`, `send`, `reset_streams`,
/// `set_priority`, `shutdown` and `abort` are the application's; everything else reads.
#[derive(Debug)]
pub struct Association {
    config: Config,
    _rng: Rng,
    state: AssociationState,
    events: VecDeque<Event>,
    stats: Stats,
}

impl Association {
    /// An association that answers the peer, and calls it once [`connect`](Self::connect) is
    /// called.
    pub fn new(config: Config, rng: Rng) -> Self {
        Association {
            config,
            _rng: rng,
            state: AssociationState::Idle,
            events: VecDeque::new(),
            stats: Stats::default(),
        }
    }

    /// Starts to set up the association. In WebRTC both sides do, as soon as DTLS is connected.
    pub fn connect(&mut self, _now: Instant) {
        if self.state == AssociationState::Idle {
            self.state = AssociationState::Connecting;
        }
    }

    /// Takes one SCTP packet from the peer.
    pub fn handle_packet(&mut self, _now: Instant, _packet: &[u8]) {
        self.stats.packets_dropped += 1;
    }

    /// Does what is due at `now`. Early and late calls are harmless.
    pub fn handle_timeout(&mut self, _now: Instant) {}

    /// Queues a message. Before the association is set up messages wait.
    pub fn send(
        &mut self,
        _now: Instant,
        stream: StreamId,
        _ppid: Ppid,
        data: Bytes,
        _options: SendOptions,
    ) -> Result<(), SendError> {
        if data.is_empty() {
            return Err(SendError::Empty);
        }
        if stream.0 >= self.config.streams {
            return Err(SendError::UnknownStream(stream));
        }
        Err(SendError::Closed)
    }

    /// Resets outgoing streams (RFC 6525): what is queued on them is still sent, then the peer is
    /// told. [`Event::StreamReset`] says when it is done. This is how a data channel closes.
    pub fn reset_streams(&mut self, _streams: &[StreamId]) {}

    /// Sets a stream's weight against the others: its share with [`Scheduler::WeightedFair`]. The
    /// values of RFC 8831 §6.4 are 128, 256 (the default), 512 and 1024.
    ///
    /// [`Scheduler::WeightedFair`]: crate::Scheduler::WeightedFair
    pub fn set_priority(&mut self, _stream: StreamId, _priority: u16) {}

    /// Ends gracefully: what was sent is still delivered.
    pub fn shutdown(&mut self, _now: Instant) {}

    /// Ends at once and tells the peer: poll the packet.
    pub fn abort(&mut self) {
        if self.state != AssociationState::Closed {
            self.state = AssociationState::Closed;
            self.events.push_back(Event::Closed(CloseReason::Aborted));
        }
    }

    /// Appends the next packet to send to `out`, at most [`Config::mtu`] bytes, and returns true;
    /// or returns false and leaves `out` alone.
    pub fn poll_packet(&mut self, _now: Instant, _out: &mut Vec<u8>) -> bool {
        false
    }

    /// When to call [`handle_timeout`](Self::handle_timeout) and poll packets again.
    pub fn poll_timeout(&self) -> Option<Instant> {
        None
    }

    /// The next thing that happened.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// The next message from the peer.
    pub fn poll_message(&mut self) -> Option<Message> {
        None
    }

    /// How many bytes left the send queue, one stream at a time: what `bufferedAmount` falls by.
    pub fn poll_departed(&mut self) -> Option<Departed> {
        None
    }

    /// Where the association is in its life.
    pub fn state(&self) -> AssociationState {
        self.state
    }

    /// Bytes accepted by [`send`](Self::send) on this stream that were not sent yet.
    pub fn buffered_amount(&self, _stream: StreamId) -> usize {
        0
    }

    /// Counters and gauges.
    pub fn stats(&self) -> Stats {
        self.stats.clone()
    }
}
