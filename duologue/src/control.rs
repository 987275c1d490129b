//! The control plane of a connection, as its handles and its session's task see it under the
//! connection's lock.

use std::collections::HashMap;
use std::sync::Arc;

use duologue_base::{ChannelKey, Instant};
use duologue_peer as peer;
use duologue_peer::TransceiverDirection::Stopped;
use duologue_peer::{
    DataChannelInit, DataChannelState, Effect, Exception, OperationId, PeerConnectionState, Value,
};
use duologue_session::{ChannelReport, Report};
use duologue_tokio::StateCount;
use tokio::sync::oneshot;
use tokio::task::AbortHandle;

use crate::channel::{Channel, DataChannel};
use crate::connection::{Connection, ConnectionHandle};
use crate::event::Event;
use crate::logged::{log_event, log_rejection};

/// How the promise of an operation settles.
pub(crate) type Settled = Result<Value, Exception>;

/// The peer and what waits for it.
pub(crate) struct Control {
    peer: peer::PeerConnection,
    operations: HashMap<OperationId, oneshot::Sender<Settled>>,
    /// Who waits for the promise `peerIdentity`.
    awaiting_identity: Vec<oneshot::Sender<Settled>>,
    /// The tasks that ask identity providers.
    questions: Vec<AbortHandle>,
    channels: HashMap<ChannelKey, Arc<Channel>>,
    /// When the peer's timer was last asked to wake it.
    timer: Option<Instant>,
    closed: bool,
    /// As the metrics of the endpoint count it.
    counted: StateCount,
    #[cfg(feature = "legacy")]
    announced: crate::legacy::Announced,
}

impl Control {
    pub(crate) fn new(peer: peer::PeerConnection, counted: StateCount) -> Self {
        Control {
            counted,
            peer,
            operations: HashMap::new(),
            awaiting_identity: Vec::new(),
            questions: Vec::new(),
            channels: HashMap::new(),
            timer: None,
            closed: false,
            #[cfg(feature = "legacy")]
            announced: Default::default(),
        }
    }

    pub(crate) fn peer(&self) -> &peer::PeerConnection {
        &self.peer
    }

    pub(crate) fn peer_mut(&mut self) -> &mut peer::PeerConnection {
        &mut self.peer
    }

    pub(crate) fn channel(&self, key: ChannelKey) -> Option<Arc<Channel>> {
        self.channels.get(&key).cloned()
    }

    pub(crate) fn handle_report(&mut self, report: Report) {
        self.peer.handle_report(report);
    }

    pub(crate) fn handle_channel_report(&mut self, report: ChannelReport) {
        self.peer.handle_channel_report(report);
    }

    /// The timer that [`settle`](Self::settle) asked for has run off.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        self.timer = None;
        self.peer.handle_timeout(now);
    }

    /// Starts an operation; the receiver gets what its promise settles to.
    pub(crate) fn start(
        &mut self,
        operation: impl FnOnce(&mut peer::PeerConnection) -> OperationId,
    ) -> oneshot::Receiver<Settled> {
        let (sender, receiver) = oneshot::channel();
        let id = operation(&mut self.peer);
        self.operations.insert(id, sender);
        receiver
    }

    pub(crate) fn create_data_channel(
        &mut self,
        connection: &Connection,
        label: &str,
        init: DataChannelInit,
    ) -> Result<Arc<Channel>, Exception> {
        let key = self.peer.create_data_channel(label, init)?;
        let channel = self.channel_of(connection, key);
        channel.ok_or_else(|| Exception::unknown("the data channel is gone"))
    }

    pub(crate) fn close_channel(&mut self, key: ChannelKey) {
        self.peer.close_channel(key);
        // 6.2, close(): no event tells the one who closes.
        self.show_channel_state(key, || {});
    }

    pub(crate) fn close(&mut self) {
        self.peer.close();
        self.closed = true;
    }

    /// Runs the peer's tasks and performs their effects, each before the next, then hands the
    /// session what the peer has for it. `handle` is missing while the last one is dropped: nobody
    /// is left to see events then.
    pub(crate) fn settle(
        &mut self,
        connection: &Connection,
        handle: Option<&Arc<ConnectionHandle>>,
    ) {
        loop {
            // Before the effects: who sends at a channel's `open` event needs it.
            connection.set_max_message_size(&self.peer);
            while let Some(effect) = self.peer.poll_effect() {
                self.perform(connection, handle, effect);
            }
            if !self.peer.run_task(connection.endpoint().now()) {
                break;
            }
        }
        let commands = std::iter::from_fn(|| self.peer.poll_command());
        connection.session().commands(commands);
        if let Some(at) = self.peer.poll_timeout()
            && self.timer.is_none_or(|timer| at < timer)
        {
            self.timer = Some(at);
            connection.wake_at(at);
        }
        let peer = &self.peer;
        let over = |id| {
            peer.transceiver(id)
                .is_none_or(|view| view.direction() == Stopped)
        };
        connection.media_queues().end_those(over);
        if self.closed {
            self.finish(connection);
        }
    }

    /// The session's task is gone, so that nothing can happen any more.
    pub(crate) fn end(&mut self) {
        if !self.closed {
            self.close();
        }
    }

    fn finish(&mut self, connection: &Connection) {
        // Promises that are pending at close() never settle in a browser; a future that never
        // completes would be a trap here, so those who wait learn of it by an error.
        self.operations.clear();
        self.counted.set(PeerConnectionState::Closed.as_str());
        self.awaiting_identity.clear();
        for question in self.questions.drain(..) {
            question.abort();
        }
        for (_, channel) in self.channels.drain() {
            channel.set_state(DataChannelState::Closed, || {});
        }
        connection.media_queues().end_those(|_| true);
        connection.events().close();
    }

    fn perform(
        &mut self,
        connection: &Connection,
        handle: Option<&Arc<ConnectionHandle>>,
        effect: Effect,
    ) {
        #[cfg(feature = "legacy")]
        if let Some(event) = crate::legacy::of_effect(&effect) {
            connection.events().push(event);
        }

        match effect {
            Effect::Event(event) => self.dispatch(connection, handle, event),
            Effect::Resolve { operation, value } => self.resolve(operation, Ok(value)),
            Effect::Reject {
                operation,
                exception,
            } => {
                log_rejection(connection.session(), &exception);
                self.resolve(operation, Err(exception));
            }
            Effect::Ask { question, what } => {
                self.questions.retain(|question| !question.is_finished());
                self.questions.extend(connection.ask(question, what));
            }
        }
    }

    fn resolve(&mut self, operation: OperationId, settled: Settled) {
        // Who dropped the future does not want to know.
        if let Some(sender) = self.operations.remove(&operation) {
            let _ = sender.send(settled);
        } else {
            // No method returned it: it is an attribute.
            for sender in self.awaiting_identity.drain(..) {
                let _ = sender.send(settled.clone());
            }
        }
    }

    /// `peerIdentity`: what it settled to, or will.
    pub(crate) fn peer_identity(&mut self) -> oneshot::Receiver<Settled> {
        let (sender, receiver) = oneshot::channel();
        match self.peer.peer_identity_result() {
            Some(settled) => {
                let _ = sender.send(settled.clone().map(Value::Identity));
            }
            None if self.closed => {}
            None => {
                self.awaiting_identity.retain(|sender| !sender.is_closed());
                self.awaiting_identity.push(sender);
            }
        }
        receiver
    }

    fn dispatch(
        &mut self,
        connection: &Connection,
        handle: Option<&Arc<ConnectionHandle>>,
        event: peer::Event,
    ) {
        log_event(connection.session(), &event);
        if let peer::Event::ConnectionStateChange(state) = &event {
            self.counted.set(state.as_str());
        }

        // Before the event: who reads it may use the channel at once.
        if let peer::Event::DataChannel(key) = &event {
            self.channel_of(connection, *key);
        }
        if let peer::Event::ChannelError(key, error) = &event
            && let Some(channel) = self.channels.get(key)
        {
            channel.set_error(error.clone());
        }

        #[cfg(feature = "codecs")]
        if let peer::Event::KeyFrameRequest {
            transceiver,
            encoding,
            ..
        } = &event
            && let Some(queues) = connection.media_queues().get(*transceiver)
        {
            queues.want_key_frame(*encoding);
        }

        let channel = channel_key(&event);
        let event = handle.and_then(|handle| self.event_with_handles(handle, event));
        #[cfg(feature = "legacy")]
        let further = event
            .as_ref()
            .and_then(|event| self.announced.tell(event, &self.peer, connection.events()));

        let announce = || {
            if let Some(event) = event {
                connection.events().push(event);
            }
        };

        match channel {
            Some(key) => self.show_channel_state(key, announce),
            None => announce(),
        }

        #[cfg(feature = "legacy")]
        if let Some(event) = further {
            connection.events().push(event);
        }
    }

    /// Makes the getters of a channel show what the peer's slots say, in one step with the event
    /// that `announce` puts into the stream.
    fn show_channel_state(&mut self, key: ChannelKey, announce: impl FnOnce()) {
        let Some(channel) = self.channels.get(&key) else {
            return;
        };
        let state = self
            .peer
            .data_channel(key)
            .map(peer::DataChannel::ready_state);
        let state = state.unwrap_or(DataChannelState::Closed);
        channel.set_state(state, announce);
        if state == DataChannelState::Closed {
            self.channels.remove(&key);
        }
    }

    fn channel_of(&mut self, connection: &Connection, key: ChannelKey) -> Option<Arc<Channel>> {
        let slots = self.peer.data_channel(key)?;
        let backlog = connection.backlog();
        let channel = self.channels.entry(key);
        let channel =
            channel.or_insert_with(|| Arc::new(Channel::new(key, slots, backlog.clone())));
        Some(channel.clone())
    }

    fn event_with_handles(
        &self,
        connection: &Arc<ConnectionHandle>,
        event: peer::Event,
    ) -> Option<Event> {
        let channel = |key| {
            let channel = self.channels.get(&key)?.clone();
            Some(DataChannel::new(channel, connection.clone()))
        };
        Some(match event {
            peer::Event::NegotiationNeeded => Event::NegotiationNeeded,
            peer::Event::SignalingStateChange(state) => Event::SignalingStateChange(state),
            peer::Event::IceGatheringStateChange(state) => Event::IceGatheringStateChange(state),
            peer::Event::IceConnectionStateChange(state) => Event::IceConnectionStateChange(state),
            peer::Event::ConnectionStateChange(state) => Event::ConnectionStateChange(state),
            peer::Event::IceCandidate(candidate) => Event::IceCandidate(candidate),
            peer::Event::IceCandidateError(error) => Event::IceCandidateError(error),
            peer::Event::DataChannel(key) => Event::DataChannel(channel(key)?),
            peer::Event::ChannelOpen(key) => Event::ChannelOpen(channel(key)?),
            peer::Event::ChannelError(key, error) => Event::ChannelError(channel(key)?, error),
            peer::Event::ChannelClosing(key) => Event::ChannelClosing(channel(key)?),
            peer::Event::ChannelClose(key) => Event::ChannelClose(channel(key)?),
            event => return crate::media::event_with_handles(connection, event),
        })
    }
}

fn channel_key(event: &peer::Event) -> Option<ChannelKey> {
    match event {
        peer::Event::DataChannel(key)
        | peer::Event::ChannelOpen(key)
        | peer::Event::ChannelClosing(key)
        | peer::Event::ChannelClose(key) => Some(*key),
        _ => None,
    }
}
