//! What the verbs of a scenario do.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use duologue_base::TransceiverId;
use duologue_peer::{
    DataChannelInit, Exception, ExceptionName, MediaKind, MediaStreamId, PeerConnection,
    StatsSelector, Track, TrackId, TransceiverDirection, TransceiverInit,
};
use duologue_session::{Command, MediaCommand};

use super::Swarm;
use super::member::{Member, Then};
use super::scenario::{Step, Verb};
use crate::host::HostId;
use crate::nat::NatKind;
use crate::network::Burst;

/// Transceivers of one end that are not stopped, at most.
const TRANSCEIVERS: usize = 6;

const CHANNELS: usize = 40;

const DIRECTIONS: [TransceiverDirection; 4] = [
    TransceiverDirection::Sendrecv,
    TransceiverDirection::Sendonly,
    TransceiverDirection::Recvonly,
    TransceiverDirection::Inactive,
];

fn millis(n: u16) -> Duration {
    Duration::from_millis(u64::from(n))
}

fn kind(x: u16) -> MediaKind {
    match x % 2 {
        0 => MediaKind::Audio,
        _ => MediaKind::Video,
    }
}

/// One of those that are not stopped.
fn pick(pc: &PeerConnection, x: u16) -> Option<TransceiverId> {
    let running = |id: &TransceiverId| {
        let direction = pc.transceiver(*id).map(|it| it.direction());
        direction.is_some_and(|it| it != TransceiverDirection::Stopped)
    };
    let ids: Vec<TransceiverId> = pc.transceivers().into_iter().filter(running).collect();
    ids.get(usize::from(x) % ids.len().max(1)).copied()
}

fn has_room(pc: &PeerConnection) -> bool {
    pc.senders().len() < TRANSCEIVERS
}

/// A method that throws may do so because the connection is closed, and only then.
fn check<T>(result: Result<T, Exception>, closed: bool) {
    if let Err(exception) = result {
        let legal = closed && exception.name() == ExceptionName::InvalidStateError;
        assert!(legal, "{exception}");
    }
}

impl Swarm {
    pub(super) fn act(&mut self, step: &Step) {
        let at = usize::from(step.at);
        let id = self.members[at % self.members.len()];
        let Step { verb, x, y, .. } = *step;
        match verb {
            Verb::AddTrack
            | Verb::AddTransceiver
            | Verb::RemoveTrack
            | Verb::SetDirection
            | Verb::Stop
            | Verb::ReplaceTrack
            | Verb::SetParameters
            | Verb::SetStreams
            | Verb::WantKeyFrame => self.media(id, verb, x, y),
            Verb::CreateChannel
            | Verb::CreateNegotiated
            | Verb::CloseChannel
            | Verb::Send
            | Verb::Read => self.channel(id, verb, x, y),
            Verb::Offer
            | Verb::OfferBoth
            | Verb::RestartIce
            | Verb::HoldOffer
            | Verb::RefuseOffer
            | Verb::Pranswer
            | Verb::GetStats
            | Verb::Close => self.negotiation(id, verb),
            Verb::Call => {
                let others = self.participants.len() - 1;
                self.call(0, 1 + at % others);
            }
            Verb::Cut | Verb::Heal | Verb::Move | Verb::Nat | Verb::Rebind | Verb::Block => {
                self.disturb(id, verb, x);
            }
            _ => self.weather(verb, x, y),
        }
    }

    fn label(&mut self) -> String {
        self.labels += 1;
        format!("l{}", self.labels)
    }

    fn track(&mut self, kind: MediaKind) -> Track {
        let id = TrackId::from(self.label());
        Track { id, kind }
    }

    fn media(&mut self, id: HostId, verb: Verb, x: u16, y: u16) {
        let track = self.track(kind(x));
        self.world.with(id, |member, now| {
            let Member { pc, .. } = member;
            let closed = pc.is_closed();
            if let Verb::AddTrack | Verb::AddTransceiver = verb {
                if !has_room(pc) {
                    return;
                }
                let streams = [MediaStreamId::from(format!("s{}", y % 3))];
                match verb {
                    Verb::AddTrack => check(pc.add_track(track, &streams), closed),
                    _ => {
                        let direction = DIRECTIONS[usize::from(y) % 4];
                        let init = TransceiverInit::with_direction(direction);
                        match x % 4 {
                            0 | 1 => check(pc.add_transceiver(track, init), closed),
                            _ => check(pc.add_transceiver(track.kind, init), closed),
                        }
                    }
                }
                return;
            }
            let Some(transceiver) = pick(pc, x) else {
                return;
            };
            match verb {
                Verb::RemoveTrack => check(pc.remove_track(transceiver), closed),
                Verb::SetDirection => {
                    let direction = DIRECTIONS[usize::from(y) % 4];
                    check(pc.set_direction(transceiver, direction), closed);
                }
                Verb::Stop => check(pc.stop(transceiver), closed),
                Verb::ReplaceTrack => replace_track(member, transceiver, track, y),
                Verb::SetParameters => set_parameters(member, transceiver, y),
                Verb::SetStreams => {
                    let streams = [MediaStreamId::from(format!("s{}", y % 4))];
                    check(pc.set_streams(transceiver, &streams), closed);
                }
                _ => {
                    let command = MediaCommand::RequestKeyFrame { encoding: 0 };
                    let command = Command::Media(transceiver, command);
                    member.machine.session.handle_command(now, command);
                }
            }
        });
    }

    fn channel(&mut self, id: HostId, verb: Verb, x: u16, y: u16) {
        let label = self.label();
        let ends = match verb {
            Verb::CreateNegotiated => self.pair_of(id).to_vec(),
            _ => vec![id],
        };
        let init = match verb {
            // In band both ends count up from 0: they do not come so far.
            Verb::CreateNegotiated => DataChannelInit {
                negotiated: true,
                id: Some(400 + x % 200),
                ..init(y)
            },
            _ => init(y),
        };
        if verb == Verb::CreateNegotiated && !self.both_have_free(&ends, 400 + x % 200) {
            return;
        }
        for end in ends {
            self.world.with(end, |member, _| {
                let Member { pc, channels, .. } = member;
                match verb {
                    Verb::Send => channels.send(pc, x, y),
                    Verb::CloseChannel => channels.close(pc, x),
                    Verb::Read => member.reads = y.is_multiple_of(2),
                    _ if channels.logs().count() < CHANNELS => {
                        channels.create(pc, &label, init.clone());
                    }
                    _ => {}
                }
            });
        }
    }

    /// Both ends are there, and no channel of either has this id.
    fn both_have_free(&self, ends: &[HostId], wanted: u16) -> bool {
        ends.iter().all(|end| {
            let Member { pc, channels, .. } = self.member(*end);
            let used = channels.logs().any(|(key, _)| {
                let channel = pc.data_channel(key);
                channel.is_some_and(|it| it.id().is_some_and(|id| id.0 == wanted))
            });
            !used && !pc.is_closed()
        })
    }

    fn negotiation(&mut self, id: HostId, verb: Verb) {
        let ends = match verb {
            Verb::OfferBoth => self.pair_of(id).to_vec(),
            _ => vec![id],
        };
        for end in ends {
            self.world.with(end, |member, _| match verb {
                Verb::Offer | Verb::OfferBoth if member.may_offer() => member.offer(),
                Verb::Offer | Verb::OfferBoth => {}
                Verb::RestartIce => member.pc.restart_ice(),
                Verb::HoldOffer => member.manners.hold_offer = true,
                Verb::RefuseOffer => member.manners.refuse_offer = true,
                Verb::Pranswer => member.manners.pranswer = true,
                Verb::GetStats => {
                    let all = StatsSelector::Connection;
                    let operation = member.pc.get_stats(all);
                    member.expect(operation, Then::Nothing(&[]));
                }
                _ => member.pc.close(),
            });
        }
    }

    fn weather(&mut self, verb: Verb, x: u16, y: u16) {
        let link = self.link.clone();
        let share = f64::from(x) / 1_000.0;
        self.link = match verb {
            Verb::Signalling => {
                self.world.set_signalling_delay(millis(x));
                link
            }
            Verb::Loss => link.loss(share * 0.3),
            Verb::Burst => link.burst(Burst {
                enter: 0.002 + share * 0.01,
                leave: 0.05 + f64::from(y) / 1_000.0,
            }),
            Verb::Delay => link.delay(millis(x / 4)),
            Verb::Jitter => link.jitter(millis(x / 8)),
            Verb::Duplicate => link.duplicate(share * 0.2),
            Verb::Corrupt => link.corrupt(share * 0.05),
            Verb::Rate => link.rate(15_000 + u64::from(x) * 500, 10_000 + usize::from(y) * 100),
            _ => {
                let most = millis(x * 2);
                self.world.hold_network(most);
                link
            }
        };
        let link = self.link.clone();
        self.world.network().set_default(link);
    }

    fn disturb(&mut self, id: HostId, verb: Verb, x: u16) {
        let host = self.member(id).participant;
        match verb {
            Verb::Cut => self.cut(self.pair_of(id)),
            Verb::Heal => self.world.network().heal(),
            Verb::Move => {
                let address = self.fresh_address();
                self.relocate(host, address, None);
            }
            Verb::Nat => self.hide(host, x),
            Verb::Rebind => {
                if let Some(public) = self.participants[host].public {
                    self.world.network().rebind(public);
                }
            }
            _ => self.world.with(id, |member, now| {
                member.machine.set_blocked(now, x.is_multiple_of(2));
            }),
        }
    }

    fn cut(&mut self, pair: [HostId; 2]) {
        let seen = pair.map(|id| {
            let participant = &self.participants[self.member(id).participant];
            participant.public.unwrap_or(participant.address)
        });
        self.world.network().cut(seen[0], seen[1]);
    }

    /// A symmetric translator is only passed by an end whose own one does not filter.
    fn hide(&mut self, host: usize, x: u16) {
        let alone = self.participants.iter().all(|it| it.public.is_none());
        let kind = match x % 3 {
            0 => NatKind::EndpointIndependent,
            1 if alone => NatKind::Symmetric,
            _ => NatKind::PortRestricted,
        };
        let symmetric = self.world.network().has_symmetric_nat();
        if self.addresses > 200 || symmetric {
            return;
        }
        self.addresses += 1;
        let private = Ipv4Addr::new(10, 0, self.addresses, 2).into();
        let public = Ipv4Addr::new(203, 0, 113, self.addresses).into();
        self.world.network().add_nat(kind, public, &[private]);
        self.relocate(host, private, Some(public));
    }

    fn relocate(&mut self, host: usize, address: IpAddr, public: Option<IpAddr>) {
        self.participants[host] = super::Participant { address, public };
        for id in self.members.clone() {
            if self.member(id).participant == host {
                self.world.set_addresses(id, &[address]);
            }
        }
    }

    pub(super) fn pair_of(&self, id: HostId) -> [HostId; 2] {
        let pair = self.pairs.iter().find(|pair| pair.contains(&id));
        *pair.expect("every end has another one")
    }
}

fn init(y: u16) -> DataChannelInit {
    let default = DataChannelInit::default();
    match y % 6 {
        0..3 => default,
        3 => DataChannelInit {
            ordered: false,
            ..default
        },
        4 => DataChannelInit {
            max_retransmits: Some(y % 3),
            ordered: y % 4 < 2,
            ..default
        },
        _ => DataChannelInit {
            max_packet_life_time: Some(y),
            ..default
        },
    }
}

fn replace_track(member: &mut Member, transceiver: TransceiverId, track: Track, y: u16) {
    let kind = member.pc.transceiver(transceiver).map(|it| it.kind());
    let track = kind.map(|kind| Track { kind, ..track });
    let operation = member
        .pc
        .replace_track(transceiver, track.filter(|_| !y.is_multiple_of(3)));
    member.media.replace(transceiver);
    let stopped = &[ExceptionName::InvalidStateError];
    member.expect(operation, Then::Nothing(stopped));
}

fn set_parameters(member: &mut Member, transceiver: TransceiverId, y: u16) {
    let Some(mut parameters) = member.pc.parameters(transceiver) else {
        return;
    };
    for encoding in &mut parameters.encodings {
        encoding.active = !y.is_multiple_of(3);
        encoding.max_bitrate = (y.is_multiple_of(2)).then_some(100_000 + u32::from(y) * 1_000);
    }
    let operation = member.pc.set_parameters(transceiver, parameters);
    let stopped = &[ExceptionName::InvalidStateError];
    member.expect(operation, Then::Nothing(stopped));
}
