use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use duologue_base::{ChannelKey, Instant, Rng, WallClock};
use duologue_peer::{
    Capabilities, Configuration, DataChannelState, Effect, Env, Event, Exception, IceCandidateInit,
    OperationId, PeerConnection, SdpType, SessionDescription, SignalingState,
};
use duologue_session::{MediaItem, SessionConfig};

use crate::host::HostId;
use crate::machine::Machine;
use crate::network::Network;
use crate::world::{End, World, address};

/// One whole end: a peer connection over its session, and an application that negotiates as
/// webrtc-pc §10.7 shows ("perfect negotiation").
#[derive(Debug)]
pub struct Peer {
    machine: Machine,
    pc: PeerConnection,
    polite: bool,
    making_offer: bool,
    ignores_offer: bool,
    answer_pending: bool,
    waiting: BTreeMap<OperationId, Then>,
    signals: Vec<Signal>,
    events: Vec<Event>,
    messages: BTreeMap<ChannelKey, Vec<Bytes>>,
    media: Vec<MediaItem>,
    ignored_offers: usize,
}

/// What perfect negotiation sends.
#[derive(Clone, Debug)]
pub enum Signal {
    /// `{description}`
    Description(SessionDescription),
    /// `{candidate}`
    Candidate(IceCandidateInit),
}

/// What the application does when a promise settles.
#[derive(Debug)]
enum Then {
    /// `makingOffer` ends, and the description is sent.
    SendOffer,
    SendAnswer,
    /// The peer's description is set.
    Answer(SdpType),
    /// Nothing. A candidate of an offer that was ignored may fail.
    Candidate,
}

/// How often a peer may be polled before it is said to spin.
const POLLS_MAX: usize = 100_000;

/// What a peer does so that a connection is there earlier.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Speed {
    /// It offers the DTLS handshake inside of checks (draft-hancke-webrtc-sped).
    pub sped: bool,
    /// It offers to set SCTP up by the descriptions (draft-hancke-tsvwg-snap).
    pub snap: bool,
    /// It answers who offers the latter.
    pub answers: bool,
    /// It only answers checks (RFC 8445 §2.5), as a server with a public address may.
    pub lite: bool,
}

impl Default for Speed {
    fn default() -> Self {
        Speed {
            sped: false,
            snap: false,
            answers: true,
            lite: false,
        }
    }
}

impl Peer {
    fn new(config: SessionConfig, ip: IpAddr, polite: bool, speed: Speed, mut rng: Rng) -> Self {
        let sctp_init = config.sctp_init(&mut rng);
        let machine = Machine::new(config, &[ip], rng.fork());
        let env = Env {
            now: WallClock::from_unix_millis(1_795_000_000_000),
            epoch: std::time::Duration::from_secs(1_795_000_000),
            rng,
            capabilities: Arc::new(Capabilities {
                sctp_snap: speed.snap,
                sped: speed.sped,
                ice_lite: speed.lite,
                ..Capabilities::default()
            }),
            sctp_init: speed.answers.then_some(sctp_init),
        };
        let pc = PeerConnection::new(Configuration::default(), env);
        Peer {
            machine,
            pc: pc.expect("the default configuration is valid"),
            polite,
            making_offer: false,
            ignores_offer: false,
            answer_pending: false,
            waiting: BTreeMap::new(),
            signals: Vec::new(),
            events: Vec::new(),
            messages: BTreeMap::new(),
            media: Vec::new(),
            ignored_offers: 0,
        }
    }

    /// Its connection, to read attributes.
    pub fn pc(&self) -> &PeerConnection {
        &self.pc
    }

    /// All events so far, in order.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// The channels with this label that are open.
    pub fn open_channel(&self, label: &str) -> Option<ChannelKey> {
        let keys = self.events.iter().filter_map(|event| match event {
            Event::ChannelOpen(key) => Some(*key),
            _ => None,
        });
        keys.rev().find(|key| {
            self.pc.data_channel(*key).is_some_and(|channel| {
                channel.label() == label && channel.ready_state() == DataChannelState::Open
            })
        })
    }

    /// The messages that arrived on a channel.
    pub fn messages(&self, key: ChannelKey) -> &[Bytes] {
        self.messages.get(&key).map_or(&[], Vec::as_slice)
    }

    /// All that receivers got so far.
    pub fn media(&self) -> &[MediaItem] {
        &self.media
    }

    /// How many offers of the other end it ignored.
    pub fn ignored_offers(&self) -> usize {
        self.ignored_offers
    }

    /// Sockets that are bound.
    pub fn socket_count(&self) -> usize {
        self.machine.socket_count()
    }

    fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Event(event) => {
                self.react(&event);
                self.events.push(event);
            }
            Effect::Resolve { operation, .. } => self.settled(operation, None),
            Effect::Reject {
                operation,
                exception,
            } => self.settled(operation, Some(exception)),
            Effect::Ask { what, .. } => panic!("nobody here answers {what:?}"),
        }
    }

    fn react(&mut self, event: &Event) {
        match event {
            Event::NegotiationNeeded => self.offer(),
            Event::IceCandidate(Some(candidate)) => {
                self.signals.push(Signal::Candidate(candidate.init.clone()));
            }
            Event::ChannelMessage(key, message) => {
                let messages = self.messages.entry(*key).or_default();
                messages.push(message.data.clone());
            }
            _ => {}
        }
    }

    fn offer(&mut self) {
        self.making_offer = true;
        let operation = self.pc.set_local_description(None);
        self.waiting.insert(operation, Then::SendOffer);
    }

    fn settled(&mut self, operation: OperationId, failure: Option<Exception>) {
        let Some(then) = self.waiting.remove(&operation) else {
            return;
        };
        match (then, failure) {
            (Then::Candidate, None) => {}
            (Then::Candidate, Some(_)) if self.ignores_offer => {}
            (then, Some(exception)) => panic!("{then:?} failed: {exception}"),
            (Then::SendOffer, None) => {
                self.making_offer = false;
                self.send_description();
            }
            (Then::SendAnswer, None) => self.send_description(),
            (Then::Answer(kind), None) => {
                self.answer_pending = false;
                if kind == SdpType::Offer {
                    let operation = self.pc.set_local_description(None);
                    self.waiting.insert(operation, Then::SendAnswer);
                }
            }
        }
    }

    fn send_description(&mut self) {
        if let Some(description) = self.pc.local_description() {
            self.signals.push(Signal::Description(description));
        }
    }

    fn hear_description(&mut self, description: SessionDescription) {
        let kind = description.sdp_type;
        let ready = !self.making_offer
            && (self.pc.signaling_state() == SignalingState::Stable || self.answer_pending);
        let collision = kind == SdpType::Offer && !ready;
        self.ignores_offer = !self.polite && collision;
        if self.ignores_offer {
            self.ignored_offers += 1;
            return;
        }
        self.answer_pending = kind == SdpType::Answer;
        let operation = self.pc.set_remote_description(description);
        self.waiting.insert(operation, Then::Answer(kind));
    }

    fn check(&self) {
        let closed = self.pc.is_closed();
        assert!(!closed || self.pc.signaling_state() == SignalingState::Closed);
    }
}

impl End for Peer {
    type Signal = Signal;

    fn machine(&mut self) -> &mut Machine {
        &mut self.machine
    }

    fn flush(&mut self, now: Instant, network: &mut Network) {
        for _ in 0..POLLS_MAX {
            let mut busy = self.machine.work(now, network);
            while let Some(effect) = self.pc.poll_effect() {
                busy = true;
                self.perform(effect);
            }
            while let Some(command) = self.pc.poll_command() {
                busy = true;
                self.machine.session.handle_command(now, command);
            }
            while let Some(report) = self.machine.session.poll_report() {
                self.pc.handle_report(report);
            }
            while let Some(item) = self.machine.session.poll_media() {
                self.media.push(item);
            }
            while let Some(report) = self.machine.session.poll_channel() {
                busy = true;
                self.pc.handle_channel_report(report);
            }
            busy |= self.pc.run_task(now);
            self.check();
            if !busy {
                return;
            }
        }
        panic!("a peer always has something to do");
    }

    fn take_signals(&mut self) -> Vec<Signal> {
        std::mem::take(&mut self.signals)
    }

    fn hear(&mut self, _now: Instant, signal: Signal) {
        if self.pc.is_closed() {
            return;
        }
        match signal {
            Signal::Description(description) => self.hear_description(description),
            Signal::Candidate(candidate) => {
                let operation = self.pc.add_ice_candidate(candidate);
                self.waiting.insert(operation, Then::Candidate);
            }
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.pc.poll_timeout()
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.pc.handle_timeout(now);
    }
}

impl World<Peer> {
    /// Two peers that can signal to one another; the first is polite.
    pub fn peers(&mut self) -> [HostId; 2] {
        self.speedy_peers([Speed::default(); 2])
    }

    /// The same, each with what makes setting up faster.
    pub fn speedy_peers(&mut self, speed: [Speed; 2]) -> [HostId; 2] {
        let pair = [(1, true), (2, false)];
        let pair = [0, 1].map(|at| self.peer(pair[at].0, pair[at].1, speed[at]));
        self.introduce(pair[0], pair[1]);
        pair
    }

    /// Another peer, whom `host` signals to from now on instead of its partner.
    pub fn successor(&mut self, host: HostId) -> HostId {
        let successor = self.peer(3, false, Speed::default());
        self.part(host);
        self.introduce(host, successor);
        successor
    }

    /// Sends an offer, needed or not.
    pub fn offer(&mut self, host: HostId) {
        self.with(host, |peer, _| peer.offer());
    }

    fn peer(&mut self, last: u8, polite: bool, speed: Speed) -> HostId {
        let (mut config, rng) = (self.config(), self.rng().fork());
        config.ice.sped = speed.sped;
        config.ice.lite = speed.lite;
        self.push(Peer::new(config, address(last), polite, speed, rng))
    }

    /// Calls methods of a connection.
    pub fn call<T>(&mut self, host: HostId, call: impl FnOnce(&mut PeerConnection) -> T) -> T {
        self.with(host, |peer, _| call(&mut peer.pc))
    }
}
