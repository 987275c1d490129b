//! Random calls on two connections that hear of each other now and then. Whatever the order:
//! nothing panics, every promise settles, states agree with the events that told them, and both
//! ends can still agree afterwards.
#![allow(
    clippy::unwrap_used,
    reason = "helpers outside #[test] functions are tests too"
)]

mod common;

use common::{Host, audio, negotiate, video};
use duologue_base::{ChannelKey, Rng, TransceiverId};
use duologue_ice as ice;
use duologue_peer::{
    DataChannelInit, Event, IceCandidateInit, MediaKind, OfferOptions, OperationId, SdpType,
    SessionDescription, SignalingState, TransceiverDirection, TransceiverInit,
};
use duologue_session::{ChannelReport, DtlsReport, Report, SctpReport, TransportReport};

struct Ends {
    hosts: [Host; 2],
    /// Descriptions that were said and not heard yet.
    said: [Vec<SessionDescription>; 2],
    pending: [Vec<OperationId>; 2],
    rng: Rng,
    tracks: u32,
}

impl Ends {
    fn new(seed: u64) -> Self {
        Ends {
            hosts: [Host::new(seed), Host::new(seed + 1000)],
            said: [Vec::new(), Vec::new()],
            pending: [Vec::new(), Vec::new()],
            rng: Rng::from_u64(seed),
            tracks: 0,
        }
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> Option<T> {
        let index = self.rng.below(u32::try_from(from.len()).unwrap());
        from.get(index as usize).cloned()
    }

    fn step(&mut self) {
        let at = (self.rng.u32() & 1) as usize;
        match self.rng.below(6) {
            0 => self.media(at),
            1 => self.transceiver(at),
            2 => self.negotiation(at),
            3 => self.hear(at),
            4 => self.report(at),
            _ => {
                self.hosts[at].turn();
            }
        }
        self.check(at);
    }

    fn media(&mut self, at: usize) {
        self.tracks += 1;
        let id = format!("t{}", self.tracks);
        let kinds = [MediaKind::Audio, MediaKind::Video];
        let kind = self.pick(&kinds).unwrap();
        let pc = &mut self.hosts[at].pc;
        if pc.transceivers().len() > 6 {
            return;
        }
        match self.rng.below(4) {
            0 => drop(pc.add_track(audio(&id), &["s".into()])),
            1 => drop(pc.add_track(video(&id), &[])),
            2 => drop(pc.add_transceiver(kind, TransceiverInit::default())),
            _ => drop(pc.create_data_channel(id, DataChannelInit::default())),
        }
    }

    fn transceiver(&mut self, at: usize) {
        let ids: Vec<TransceiverId> = self.hosts[at].pc.transceivers();
        let Some(id) = self.pick(&ids) else {
            return;
        };
        let directions = [
            TransceiverDirection::Sendrecv,
            TransceiverDirection::Recvonly,
            TransceiverDirection::Inactive,
        ];
        let direction = self.pick(&directions).unwrap();
        let choice = self.rng.below(6);
        let pc = &mut self.hosts[at].pc;
        match choice {
            0 => drop(pc.set_direction(id, direction)),
            1 => drop(pc.stop(id)),
            2 => drop(pc.remove_track(id)),
            3 => {
                let operation = pc.replace_track(id, None);
                self.pending[at].push(operation);
            }
            4 => {
                let parameters = pc.parameters(id).unwrap();
                let operation = pc.set_parameters(id, parameters);
                self.pending[at].push(operation);
            }
            _ => drop(pc.set_streams(id, &["s2".into()])),
        }
    }

    fn negotiation(&mut self, at: usize) {
        let choice = self.rng.below(8);
        let host = &mut self.hosts[at];
        let operation = match choice {
            0 => host.pc.create_offer(OfferOptions {
                ice_restart: true,
                ..OfferOptions::default()
            }),
            1 => host.pc.create_answer(),
            2 => host
                .pc
                .set_local_description(SessionDescription::rollback()),
            3 => host
                .pc
                .set_remote_description(SessionDescription::rollback()),
            4 => {
                host.pc.restart_ice();
                return;
            }
            5 => host.pc.add_ice_candidate(IceCandidateInit::default()),
            _ => {
                let operation = host.pc.set_local_description(None);
                if host.settle(operation).is_ok() {
                    self.said[1 - at].extend(self.hosts[at].pc.local_description());
                }
                return;
            }
        };
        self.pending[at].push(operation);
    }

    /// Takes what the other end said, sometimes too late, sometimes as a provisional answer.
    fn hear(&mut self, at: usize) {
        if self.said[at].is_empty() {
            return;
        }
        let mut description = self.said[at].remove(0);
        if description.sdp_type == SdpType::Answer && self.rng.below(4) == 0 {
            self.said[at].insert(0, description.clone());
            description.sdp_type = SdpType::Pranswer;
        }
        let operation = self.hosts[at].pc.set_remote_description(description);
        self.pending[at].push(operation);
    }

    fn report(&mut self, at: usize) {
        let transports = self.hosts[at].transports();
        let Some((key, generation)) = self.pick(&transports) else {
            return;
        };
        let states = [
            ice::TransportState::Checking,
            ice::TransportState::Connected,
            ice::TransportState::Failed,
        ];
        let state = self.pick(&states).unwrap();
        let choice = self.rng.below(6);
        let pc = &mut self.hosts[at].pc;
        match choice {
            0 => pc.handle_report(Report::Transport(
                key,
                TransportReport::IceState {
                    state,
                    failure: None,
                },
            )),
            1 => pc.handle_report(Report::Transport(
                key,
                TransportReport::LocalCandidate {
                    generation,
                    candidate: Box::new(common::host_candidate(4000)),
                },
            )),
            2 => pc.handle_report(Report::Transport(
                key,
                TransportReport::GatheringState {
                    generation,
                    state: ice::GatheringState::Complete,
                },
            )),
            3 => pc.handle_report(Report::Transport(
                key,
                TransportReport::DtlsState {
                    state: DtlsReport::Connecting,
                },
            )),
            4 => pc.handle_report(Report::Sctp(SctpReport::Connected { max_channels: 16 })),
            _ => pc.handle_channel_report(ChannelReport::Opened {
                channel: ChannelKey(0),
            }),
        }
    }

    /// The last event of each kind tells the state.
    fn check(&mut self, at: usize) {
        let host = &mut self.hosts[at];
        host.microtasks();
        let mut told = (SignalingState::Stable, host.pc.connection_state());
        for event in &host.events {
            match event {
                Event::SignalingStateChange(state) => told.0 = *state,
                Event::ConnectionStateChange(state) => told.1 = *state,
                _ => {}
            }
        }
        let states = (host.pc.signaling_state(), host.pc.connection_state());
        assert_eq!(told, states);
        for id in host.pc.transceivers() {
            assert!(host.pc.transceiver(id).is_some());
        }
    }

    /// Lets both finish, roll back what is open, and agree.
    fn make_peace(&mut self) {
        for at in 0..2 {
            let host = &mut self.hosts[at];
            host.run();
            for operation in self.pending[at].drain(..) {
                assert!(host.settled.contains_key(&operation), "{operation:?}");
            }
            let rollback = SessionDescription::rollback();
            // One of the two fits, or neither is needed.
            let _ = host.set_local_to(rollback.clone());
            let _ = host.set_remote(rollback);
            host.run();
        }
    }
}

#[test]
fn whatever_is_called_promises_settle_and_states_are_told() {
    for seed in 0..40 {
        let mut ends = Ends::new(seed);
        for _ in 0..80 {
            ends.step();
        }
        ends.make_peace();
    }
}

#[test]
fn two_ends_that_only_rolled_back_can_still_agree() {
    for seed in 0..20 {
        let mut ends = Ends::new(seed);
        for _ in 0..40 {
            let at = (ends.rng.u32() & 1) as usize;
            match ends.rng.below(4) {
                0 => ends.media(at),
                1 => {
                    ends.hosts[at].set_local();
                    let offer = ends.hosts[at].pc.local_description().unwrap();
                    ends.hosts[1 - at].set_remote(offer).unwrap();
                }
                2 => {
                    ends.hosts[at].turn();
                }
                _ => {}
            }
            ends.make_peace();
        }
        let [a, b] = &mut ends.hosts;
        negotiate(a, b);
        negotiate(b, a);
        for host in [a, b] {
            assert_eq!(host.pc.signaling_state(), SignalingState::Stable);
            for id in host.pc.transceivers() {
                assert!(host.mid(id).is_some(), "seed {seed}: all are negotiated");
            }
        }
    }
}
