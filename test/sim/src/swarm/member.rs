//! One end of the swarm: a connection, its session and sockets, and an application that negotiates
//! as webrtc-pc §10.7 shows, with second thoughts.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use duologue_base::{Instant, Rng};
use duologue_peer::{
    Effect, Event, Exception, ExceptionName, IceCandidateInit, IceConnectionState, OperationId,
    PeerConnection, SdpType, SessionDescription, SignalingState,
};

use super::channels::Channels;
use super::media::Media;
use super::watch::Watch;
use crate::machine::Machine;
use crate::network::Network;
use crate::world::End;

/// One end.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) machine: Machine,
    pub(super) pc: PeerConnection,
    pub(super) participant: usize,
    pub(super) polite: bool,
    pub(super) manners: Manners,
    pub(super) channels: Channels,
    pub(super) media: Media,
    /// Whether the application reads its channels.
    pub(super) reads: bool,
    watch: Watch,
    offering: bool,
    ignores_offer: bool,
    /// The number of the offer that was made last, and of the one that an answer is for.
    offers: u32,
    answers: u32,
    /// When an offer that was refused is made again.
    again: Option<Instant>,
    promises: BTreeMap<OperationId, Then>,
    signals: Vec<Signal>,
    rng: Rng,
    next_tag: u32,
    /// What happened last, for whoever reads a failure.
    story: VecDeque<String>,
}

/// What the next exchange will be like.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Manners {
    pub(super) hold_offer: bool,
    pub(super) refuse_offer: bool,
    pub(super) pranswer: bool,
}

/// What signalling carries. Answers and refusals say of which offer they are.
#[derive(Clone, Debug)]
pub(super) enum Signal {
    Offer(u32, SessionDescription),
    Answer(u32, SessionDescription),
    Refusal(u32),
    Candidate(IceCandidateInit),
}

/// What the application does when a promise settles.
#[derive(Clone, Debug)]
pub(super) enum Then {
    SendOffer,
    SendAnswer(SdpType),
    /// The peer's offer is set: an answer is made.
    Offered,
    Answered,
    RolledBack,
    Refuse,
    Candidate,
    /// Nothing. It may fail with one of these.
    Nothing(&'static [ExceptionName]),
}

/// How often an end may be polled before it is said to spin.
const POLLS_MAX: usize = 100_000;

/// Offers of one end. Who makes more negotiates without end.
const OFFERS: u32 = 300;

const STORY: usize = 100;

/// How long after a refusal an offer is made again.
const AGAIN: Duration = Duration::from_millis(300);

impl Member {
    pub(super) fn new(
        machine: Machine,
        pc: PeerConnection,
        participant: usize,
        polite: bool,
        mut rng: Rng,
    ) -> Self {
        Member {
            machine,
            pc,
            participant,
            polite,
            manners: Manners::default(),
            channels: Channels::default(),
            media: Media::default(),
            reads: true,
            watch: Watch::new(),
            offering: false,
            ignores_offer: false,
            offers: 0,
            answers: 0,
            again: None,
            promises: BTreeMap::new(),
            signals: Vec::new(),
            next_tag: rng.u32(),
            rng,
            story: VecDeque::new(),
        }
    }

    /// What happened last, a line each.
    pub(super) fn story(&self) -> impl Iterator<Item = &str> {
        self.story.iter().map(String::as_str)
    }

    pub(super) fn tell(&mut self, now: Instant, what: impl FnOnce() -> String) {
        if self.story.len() == STORY {
            self.story.pop_front();
        }
        let millis = now.since_origin().as_millis();
        self.story.push_back(format!("{millis} {}", what()));
    }

    /// A promise to wait for.
    pub(super) fn expect(&mut self, operation: OperationId, then: Then) {
        let before = self.promises.insert(operation, then);
        assert!(before.is_none(), "{operation:?} was given out twice");
    }

    /// Promises that have not settled.
    pub(super) fn pending(&self) -> Vec<&Then> {
        self.promises.values().collect()
    }

    pub(super) fn offer(&mut self) {
        if self.pc.is_closed() {
            return;
        }
        self.offering = true;
        let operation = self.pc.set_local_description(None);
        self.expect(operation, Then::SendOffer);
    }

    /// Nothing is negotiated, so that an offer may be made out of the blue.
    pub(super) fn may_offer(&self) -> bool {
        let others = |then: &Then| matches!(then, Then::Candidate | Then::Nothing(_));
        self.pc.signaling_state() == SignalingState::Stable && self.promises.values().all(others)
    }

    /// And nothing is to be.
    pub(super) fn is_at_peace(&self) -> bool {
        self.may_offer() && self.again.is_none()
    }

    fn perform(&mut self, now: Instant, effect: Effect) {
        let closed = self.pc.is_closed();
        match effect {
            Effect::Event(event) => {
                let legal = !closed || matches!(event, Event::TrackEnded(_));
                assert!(legal, "{} after close()", event.name());
                self.tell(now, || format!("{event:?}"));
                self.watch.see(&event, &self.pc);
                self.channels.see(&event, &self.pc);
                self.react(event);
            }
            Effect::Resolve { operation, .. } => self.settled(now, operation, None),
            Effect::Reject {
                operation,
                exception,
            } => self.settled(now, operation, Some(exception)),
            Effect::Ask { what, .. } => panic!("nobody here answers {what:?}"),
        }
    }

    fn react(&mut self, event: Event) {
        match event {
            Event::NegotiationNeeded => self.offer(),
            Event::IceCandidate(Some(candidate)) => {
                self.signals.push(Signal::Candidate(candidate.init));
            }
            Event::KeyFrameRequest { transceiver, .. } => self.media.want_key(transceiver),
            // One of the two does: both would only wait for one another.
            Event::IceConnectionStateChange(IceConnectionState::Failed) if !self.polite => {
                self.pc.restart_ice();
            }
            _ => {}
        }
    }

    fn settled(&mut self, now: Instant, operation: OperationId, failure: Option<Exception>) {
        let Some(then) = self.promises.remove(&operation) else {
            panic!("{operation:?} settles, but is not pending");
        };
        self.tell(now, || format!("{then:?} settles: {failure:?}"));
        if let Some(exception) = failure {
            self.failed(&then, &exception);
            return;
        }
        match then {
            Then::SendOffer => self.offered(),
            Then::SendAnswer(kind) => self.answered(kind),
            Then::Offered => {
                if std::mem::take(&mut self.manners.refuse_offer) {
                    let rollback = SessionDescription::rollback();
                    let operation = self.pc.set_remote_description(rollback);
                    self.expect(operation, Then::Refuse);
                } else {
                    self.answer();
                }
            }
            Then::Refuse => self.signals.push(Signal::Refusal(self.answers)),
            Then::RolledBack => {
                self.offering = false;
                self.again = Some(now + AGAIN);
            }
            Then::Answered | Then::Candidate | Then::Nothing(_) => {}
        }
    }

    /// Promises may only be rejected for a reason.
    fn failed(&mut self, then: &Then, exception: &Exception) {
        let legal = match then {
            Then::Candidate => self.ignores_offer || is_late(exception),
            Then::Nothing(legal) => legal.contains(&exception.name()),
            _ => false,
        };
        assert!(
            legal || self.pc.is_closed(),
            "{then:?} failed in {}: {exception}",
            self.pc.signaling_state()
        );
    }

    fn offered(&mut self) {
        let description = self
            .pc
            .local_description()
            .filter(|it| it.sdp_type == SdpType::Offer);
        let Some(description) = description else {
            // The peer's offer came first, and what was made is the answer to it.
            self.offering = false;
            let kind = match self.pc.signaling_state() {
                SignalingState::HaveLocalPranswer => SdpType::Pranswer,
                _ => SdpType::Answer,
            };
            self.answered(kind);
            return;
        };
        if std::mem::take(&mut self.manners.hold_offer) {
            let rollback = SessionDescription::rollback();
            let operation = self.pc.set_local_description(rollback);
            self.expect(operation, Then::RolledBack);
            return;
        }
        self.offering = false;
        self.offers += 1;
        assert!(self.offers < OFFERS, "it negotiates without end");
        self.signals.push(Signal::Offer(self.offers, description));
    }

    fn answer(&mut self) {
        let kind = match std::mem::take(&mut self.manners.pranswer) {
            true => SdpType::Pranswer,
            false => SdpType::Answer,
        };
        let description = duologue_peer::LocalSessionDescription {
            sdp_type: Some(kind),
            sdp: String::new(),
        };
        let operation = self.pc.set_local_description(description);
        self.expect(operation, Then::SendAnswer(kind));
    }

    fn answered(&mut self, kind: SdpType) {
        if let Some(description) = self.pc.local_description() {
            self.signals.push(Signal::Answer(self.answers, description));
        }
        if kind == SdpType::Pranswer {
            self.answer();
        }
    }

    fn hear_offer(&mut self, number: u32, description: SessionDescription) {
        let ready = !self.offering && self.pc.signaling_state() == SignalingState::Stable;
        self.ignores_offer = !self.polite && !ready;
        if self.ignores_offer {
            return;
        }
        self.answers = number;
        let operation = self.pc.set_remote_description(description);
        self.expect(operation, Then::Offered);
    }

    /// An answer to an offer that was rolled back means nothing any more.
    fn is_awaited(&self, number: u32) -> bool {
        number == self.offers
            && matches!(
                self.pc.signaling_state(),
                SignalingState::HaveLocalOffer | SignalingState::HaveRemotePranswer
            )
    }
}

/// A candidate of a description that was rolled back, or was refused and will never be set.
fn is_late(exception: &Exception) -> bool {
    matches!(
        exception.name(),
        ExceptionName::OperationError | ExceptionName::InvalidStateError
    )
}

impl End for Member {
    type Signal = Signal;

    fn machine(&mut self) -> &mut Machine {
        &mut self.machine
    }

    fn flush(&mut self, now: Instant, network: &mut Network) {
        for _ in 0..POLLS_MAX {
            let mut busy = self.machine.work(now, network);
            while let Some(effect) = self.pc.poll_effect() {
                busy = true;
                self.perform(now, effect);
            }
            while let Some(command) = self.pc.poll_command() {
                busy = true;
                self.machine.session.handle_command(now, command);
            }
            while let Some(report) = self.machine.session.poll_report() {
                busy = true;
                self.pc.handle_report(report);
            }
            while let Some(item) = self.machine.session.poll_media() {
                self.media.take(&item);
            }
            while self.reads
                && let Some(report) = self.machine.session.poll_channel()
            {
                busy = true;
                self.pc.handle_channel_report(report);
            }
            busy |= self.pc.run_task(now);
            if !busy {
                self.media
                    .follow(now, &self.pc, &mut self.machine, &mut self.next_tag);
                self.watch.check(&self.pc);
                return;
            }
        }
        panic!("an end always has something to do");
    }

    fn take_signals(&mut self) -> Vec<Signal> {
        std::mem::take(&mut self.signals)
    }

    fn hear(&mut self, now: Instant, signal: Signal) {
        self.tell(now, || format!("hears {signal:?}"));
        if self.pc.is_closed() {
            return;
        }
        match signal {
            Signal::Offer(number, description) => self.hear_offer(number, description),
            Signal::Answer(number, description) if self.is_awaited(number) => {
                let operation = self.pc.set_remote_description(description);
                self.expect(operation, Then::Answered);
            }
            Signal::Refusal(number) if self.is_awaited(number) => {
                self.offering = true;
                let rollback = SessionDescription::rollback();
                let operation = self.pc.set_local_description(rollback);
                self.expect(operation, Then::RolledBack);
            }
            Signal::Answer(..) | Signal::Refusal(_) => {}
            Signal::Candidate(candidate) => {
                let operation = self.pc.add_ice_candidate(candidate);
                self.expect(operation, Then::Candidate);
            }
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let timers = [self.pc.poll_timeout(), self.media.next(), self.again];
        timers.into_iter().flatten().min()
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.pc.handle_timeout(now);
        self.media.encode(now, &mut self.machine, &mut self.rng);
        if self.again.is_some_and(|at| at <= now) {
            let may = self.may_offer();
            self.again = (!may).then_some(now + AGAIN);
            if may {
                self.offer();
            }
        }
    }
}
