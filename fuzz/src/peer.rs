use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::time::Duration;

use arbitrary::Arbitrary;
use bytes::Bytes;
use duologue_base::{ChannelKey, Instant, Rng, TransceiverId, WallClock};
use duologue_identity::{Certificate, KeygenAlgorithm};
use duologue_peer::{
    Capabilities, Configuration, DataChannelInit, Effect, Env, Event, IceCandidateInit, MediaKind,
    Message, OfferOptions, OperationId, PeerConnection, SdpType, SessionDescription,
    SignalingState, StatsSelector, Track, TrackId, TransceiverDirection, TransceiverInit,
};
use duologue_session::{DtlsReport, Report, SctpReport, TransportReport};

use crate::End;
use crate::memory;

/// Calls of the whole API at two connections that hear what the other one said, or something like it.
#[derive(Arbitrary, Debug)]
pub struct PeerScenario {
    operations: Vec<(End, Operation)>,
}

#[derive(Arbitrary, Debug)]
enum Operation {
    AddTrack {
        video: bool,
    },
    AddTransceiver {
        video: bool,
        direction: u8,
    },
    RemoveTrack(u8),
    SetDirection(u8, u8),
    Stop(u8),
    ReplaceTrack(u8, bool),
    SetParameters(u8, bool),
    CreateChannel(ChannelOptions),
    Send(u8, u16),
    CloseChannel(u8),
    CreateOffer {
        ice_restart: bool,
    },
    CreateAnswer,
    SetLocal(u8),
    /// What the other end has set, after some changes.
    Hear(u8, Vec<(u16, Change)>),
    Rollback {
        remote: bool,
    },
    Candidate(Candidate),
    RestartIce,
    GetStats,
    Report(u8),
    Turn(u8),
    Close,
}

#[derive(Arbitrary, Debug)]
struct ChannelOptions {
    label: String,
    negotiated: bool,
    id: Option<u16>,
    max_retransmits: Option<u16>,
    max_packet_life_time: Option<u16>,
}

/// Of one line.
#[derive(Arbitrary, Debug)]
enum Change {
    Left,
    Twice,
    Down,
    Byte(u8, u8),
    Other(String),
}

#[derive(Arbitrary, Debug)]
struct Candidate {
    text: String,
    mid: Option<u8>,
    index: Option<u8>,
}

/// No promise settles twice or is left once everything ran; what is rejected changed nothing; the events
/// tell each state; a closed connection is silent; and what is kept has a bound.
pub fn peer(scenario: PeerScenario) {
    let _bound = memory::at_most_kib(2 << 10);
    let mut ends = [Side::new(0), Side::new(1)];
    for (end, operation) in scenario.operations.into_iter().take(OPERATIONS) {
        let other = &ends[1 - end.index()].pc;
        let heard = [other.local_description(), other.current_local_description()];
        ends[end.index()].perform(operation, heard);
    }
    ends.iter_mut().for_each(Side::finish);
}

const OPERATIONS: usize = 200;

struct Side {
    pc: PeerConnection,
    pending: BTreeMap<OperationId, SignalingState>,
    told: SignalingState,
    channels: Vec<ChannelKey>,
    tracks: u32,
}

fn certificate() -> Certificate {
    static MADE: OnceLock<Certificate> = OnceLock::new();
    let make = || {
        let (now, mut rng) = (WallClock::default(), Rng::from_u64(1));
        let day = Duration::from_secs(86_400);
        Certificate::generate(KeygenAlgorithm::EcdsaP256, now, day, &mut rng).expect("a key")
    };
    MADE.get_or_init(make).clone()
}

fn kind(video: bool) -> MediaKind {
    match video {
        true => MediaKind::Video,
        false => MediaKind::Audio,
    }
}

fn direction(number: u8) -> TransceiverDirection {
    use TransceiverDirection::{Inactive, Recvonly, Sendonly, Sendrecv, Stopped};
    [Sendrecv, Sendonly, Recvonly, Inactive, Stopped][usize::from(number % 5)]
}

impl Side {
    fn new(seed: u64) -> Self {
        let configuration = Configuration {
            certificates: vec![certificate()],
            ..Configuration::default()
        };
        let env = Env {
            now: WallClock::default(),
            epoch: Duration::ZERO,
            rng: Rng::from_u64(seed),
            capabilities: Capabilities::shared_default(),
            sctp_init: None,
        };
        Side {
            pc: PeerConnection::new(configuration, env).expect("it is valid"),
            pending: BTreeMap::new(),
            told: SignalingState::Stable,
            channels: Vec::new(),
            tracks: 0,
        }
    }

    fn track(&mut self, kind: MediaKind) -> Track {
        self.tracks += 1;
        let id = TrackId::from(format!("t{}", self.tracks));
        Track { id, kind }
    }

    fn transceiver(&self, number: u8) -> TransceiverId {
        let ids = self.pc.transceivers();
        let at = usize::from(number) % ids.len().max(1);
        // Now and then one that is not there.
        ids.get(at).copied().unwrap_or(TransceiverId(1_000))
    }

    fn channel(&self, number: u8) -> ChannelKey {
        let at = usize::from(number) % self.channels.len().max(1);
        self.channels.get(at).copied().unwrap_or(ChannelKey(1_000))
    }

    fn expect(&mut self, operation: OperationId) {
        let state = self.pc.signaling_state();
        let before = self.pending.insert(operation, state);
        assert!(before.is_none(), "an operation's number is used twice");
    }

    fn perform(&mut self, operation: Operation, heard: [Option<SessionDescription>; 2]) {
        match operation {
            Operation::CreateOffer { ice_restart } => {
                let options = OfferOptions {
                    ice_restart,
                    ..OfferOptions::default()
                };
                let operation = self.pc.create_offer(options);
                self.expect(operation);
            }
            Operation::CreateAnswer => {
                let operation = self.pc.create_answer();
                self.expect(operation);
            }
            Operation::SetLocal(number) => self.set_local(number),
            Operation::Hear(number, changes) => {
                let [latest, current] = heard;
                if let Some(description) = latest.or(current) {
                    self.hear(description, number, &changes);
                }
            }
            Operation::Rollback { remote } => {
                let rollback = SessionDescription::rollback();
                let operation = match remote {
                    true => self.pc.set_remote_description(rollback),
                    false => self.pc.set_local_description(rollback),
                };
                self.expect(operation);
            }
            Operation::Candidate(candidate) => {
                let operation = self.pc.add_ice_candidate(IceCandidateInit {
                    candidate: candidate.text,
                    sdp_mid: candidate.mid.map(|mid| mid.to_string()),
                    sdp_m_line_index: candidate.index.map(u16::from),
                    username_fragment: None,
                });
                self.expect(operation);
            }
            Operation::RestartIce => self.pc.restart_ice(),
            Operation::GetStats => {
                let all = StatsSelector::Connection;
                // The session answers it, and there is none.
                let _ = self.pc.get_stats(all);
            }
            Operation::Report(number) => self.report(number),
            Operation::Turn(count) => {
                for _ in 0..=count % 8 {
                    self.pc.run_task(Instant::ZERO);
                    self.effects();
                }
            }
            Operation::Close => self.pc.close(),
            other => self.change(other),
        }
        self.effects();
    }

    /// What the methods of transceivers and channels do; misuse is refused.
    fn change(&mut self, operation: Operation) {
        match operation {
            Operation::AddTrack { video } => {
                let track = self.track(kind(video));
                let _ = self.pc.add_track(track, &[]);
            }
            Operation::AddTransceiver {
                video,
                direction: number,
            } => {
                let init = TransceiverInit::with_direction(direction(number));
                let _ = self.pc.add_transceiver(kind(video), init);
            }
            Operation::RemoveTrack(number) => {
                let _ = self.pc.remove_track(self.transceiver(number));
            }
            Operation::SetDirection(number, wanted) => {
                let id = self.transceiver(number);
                let _ = self.pc.set_direction(id, direction(wanted));
            }
            Operation::Stop(number) => {
                let _ = self.pc.stop(self.transceiver(number));
            }
            Operation::ReplaceTrack(number, video) => {
                let track = self.track(kind(video));
                let id = self.transceiver(number);
                let operation = self.pc.replace_track(id, Some(track));
                self.expect(operation);
            }
            Operation::SetParameters(number, active) => {
                let id = self.transceiver(number);
                if let Some(mut parameters) = self.pc.parameters(id) {
                    parameters
                        .encodings
                        .iter_mut()
                        .for_each(|it| it.active = active);
                    let operation = self.pc.set_parameters(id, parameters);
                    self.expect(operation);
                }
            }
            Operation::CreateChannel(options) => {
                let init = DataChannelInit {
                    negotiated: options.negotiated,
                    id: options.id,
                    max_retransmits: options.max_retransmits,
                    max_packet_life_time: options.max_packet_life_time,
                    ..DataChannelInit::default()
                };
                let made = self.pc.create_data_channel(options.label, init);
                self.channels.extend(made);
            }
            Operation::Send(number, len) => {
                let message = Message {
                    data: Bytes::from(vec![0; usize::from(len)]),
                    binary: true,
                };
                let _ = self.pc.send(self.channel(number), message);
            }
            Operation::CloseChannel(number) => self.pc.close_channel(self.channel(number)),
            other => unreachable!("performed elsewhere: {other:?}"),
        }
    }

    fn set_local(&mut self, number: u8) {
        let kinds = [SdpType::Offer, SdpType::Pranswer, SdpType::Answer];
        let description = duologue_peer::LocalSessionDescription {
            sdp_type: kinds.get(usize::from(number % 4)).copied(),
            sdp: String::new(),
        };
        let operation = self.pc.set_local_description(description);
        self.expect(operation);
    }

    fn hear(&mut self, description: SessionDescription, number: u8, changes: &[(u16, Change)]) {
        let mut lines: Vec<String> = description.sdp.lines().map(str::to_owned).collect();
        for (at, change) in changes.iter().take(8) {
            let at = usize::from(*at) % lines.len().max(1);
            change.apply(&mut lines, at);
        }
        let sdp_type = match (number % 8, description.sdp_type) {
            (0, SdpType::Answer) => SdpType::Pranswer,
            (1, _) => SdpType::Offer,
            (2, _) => SdpType::Answer,
            (_, own) => own,
        };
        let sdp = lines.iter().map(|line| format!("{line}\r\n")).collect();
        let operation = self
            .pc
            .set_remote_description(SessionDescription { sdp_type, sdp });
        self.expect(operation);
    }

    /// What a session could say of the first transport.
    fn report(&mut self, number: u8) {
        use duologue_base::TransportKey;
        use duologue_ice::TransportState::{Checking, Connected, Disconnected, Failed};
        let key = TransportKey(u32::from(number >> 4) % 3);
        let ice = |state| {
            let failure = None;
            Report::Transport(key, TransportReport::IceState { state, failure })
        };
        let dtls = |state| Report::Transport(key, TransportReport::DtlsState { state });
        let report = match number % 8 {
            0 => ice(Checking),
            1 => ice(Connected),
            2 => ice(Disconnected),
            3 => ice(Failed),
            4 => dtls(DtlsReport::Connecting),
            5 => dtls(DtlsReport::Closed),
            6 => Report::Sctp(SctpReport::Connected { max_channels: 16 }),
            _ => Report::Sctp(SctpReport::Closed { error: None }),
        };
        self.pc.handle_report(report);
    }

    fn effects(&mut self) {
        while let Some(effect) = self.pc.poll_effect() {
            let closed = self.pc.is_closed();
            match effect {
                Effect::Event(Event::SignalingStateChange(state)) => {
                    assert!(!closed && state != self.told);
                    assert_eq!(state, self.pc.signaling_state());
                    self.told = state;
                }
                Effect::Event(event) => {
                    assert!(!closed || matches!(event, Event::TrackEnded(_)));
                    if let Event::DataChannel(key) = event {
                        self.channels.push(key);
                    }
                }
                Effect::Resolve { operation, .. } | Effect::Reject { operation, .. } => {
                    self.pending.remove(&operation);
                }
                // No provider is set here.
                Effect::Ask { .. } => {}
            }
        }
        while self.pc.poll_command().is_some() {}
        let state = self.pc.signaling_state();
        assert!(state == self.told || state == SignalingState::Closed);
    }

    /// Everything that waits runs.
    fn finish(&mut self) {
        for _ in 0..TASKS {
            self.effects();
            if !self.pc.run_task(Instant::ZERO) {
                break;
            }
        }
        self.effects();
        assert!(!self.pc.has_task(), "a task makes tasks without end");
        let closed = self.pc.is_closed();
        assert!(closed || self.pending.is_empty(), "{:?}", self.pending);
        for id in self.pc.transceivers() {
            assert!(self.pc.transceiver(id).is_some());
        }
        self.pc.close();
        self.effects();
    }
}

/// More than all operations make.
const TASKS: usize = 20_000;

impl Change {
    fn apply(&self, lines: &mut Vec<String>, at: usize) {
        if at >= lines.len() {
            return;
        }
        match self {
            Change::Left => drop(lines.remove(at)),
            Change::Twice => lines.insert(at, lines[at].clone()),
            Change::Down => {
                let line = lines.remove(at);
                lines.insert((at + 1).min(lines.len()), line);
            }
            Change::Byte(place, with) => {
                let mut bytes = lines[at].clone().into_bytes();
                let place = usize::from(*place) % bytes.len().max(1);
                if let Some(byte) = bytes.get_mut(place) {
                    *byte = *with & 0x7f;
                }
                lines[at] = String::from_utf8(bytes).unwrap_or_default();
            }
            Change::Other(text) => lines[at].clone_from(text),
        }
    }
}
