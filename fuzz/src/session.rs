use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::OnceLock;
use std::time::Duration;

use arbitrary::Arbitrary;
use bytes::Bytes;
use duologue_base::{
    ChannelKey, Datagram, DtlsRole, Ecn, Generation, IceCredentials, IceRole, Instant, Rng,
    SocketId, StreamId, TransportKey, WallClock,
};
use duologue_datachannel::{ChannelInit, ChannelReport, Priority};
use duologue_dtls as dtls;
use duologue_ice as ice;
use duologue_identity::{Certificate, KeygenAlgorithm};
use duologue_session::{
    Action, ChannelCommand, Command, DtlsReport, Interface, Report, SctpCommand, SctpReport,
    Session, SessionConfig, TransportCommand, TransportReport,
};

use crate::End;
use crate::memory;
use crate::wire::{Fate, Packet, Wire};

/// Two sessions that connect, and what happens to their datagrams before and after.
#[derive(Arbitrary, Debug)]
pub struct SessionScenario {
    before: Vec<Operation>,
    after: Vec<Operation>,
}

#[derive(Arbitrary, Debug)]
enum Operation {
    Carry {
        from: End,
        fate: Fate,
    },
    Wait {
        ms: u16,
    },
    Read {
        at: End,
    },
    Junk {
        to: End,
        known_source: bool,
        shape: Shape,
        bytes: Vec<u8>,
    },
    Open {
        at: End,
        channel: u8,
        stream: u8,
    },
    Send {
        at: End,
        channel: u8,
        len: u16,
    },
    Prioritize {
        at: End,
        channel: u8,
    },
    CloseChannel {
        at: End,
        channel: u8,
    },
    Interfaces {
        at: End,
        count: u8,
    },
    Stray {
        at: End,
        command: StrayCommand,
    },
    Remove {
        at: End,
    },
    Close {
        at: End,
    },
}

/// What a datagram from nobody looks like.
#[derive(Arbitrary, Debug)]
enum Shape {
    /// The head of a record on its way, then the bytes.
    Record {
        keep: u8,
    },
    Stun,
    Rtp,
    Raw,
    /// A whole ClientHello of somebody else, without the bytes.
    Hello {
        old: bool,
    },
}

/// Commands that do not fit what there is.
#[derive(Arbitrary, Debug)]
enum StrayCommand {
    UnknownTransport,
    SecondDtls,
    SecondSctp,
    DropGeneration(u8),
    Restart,
    MessageSize(u32),
    RestartDtls,
    StopSctp,
}

/// Whatever arrives, nothing panics, loops or grows. No datagram of a stranger keeps two ends from
/// connecting. Once connected, no datagram without the keys ends a healthy connection, and its
/// messages arrive whole and in order.
pub fn session_datagrams(scenario: SessionScenario) {
    let _bound = memory::at_most_kib(4 << 10);
    let mut pair = Pair::new();
    for operation in scenario.before {
        pair.perform(operation);
        pair.settle();
    }
    // What is not protected yet can be disturbed by who goes on and on in the peer's name.
    let mut healthy = !pair.forged && !pair.changed;
    pair.exchange(Duration::from_secs(10));
    healthy &= pair.now < Instant::ZERO + PATIENCE;
    for side in &pair.sides {
        assert!(!healthy || side.connected, "a good network connects");
    }
    if pair.sides.iter().all(|side| side.connected) && !pair.changed {
        healthy = true;
    }
    for operation in scenario.after {
        pair.perform(operation);
        pair.settle();
    }
    pair.exchange(Duration::from_secs(20));
    if healthy && !pair.changed {
        pair.check();
    }
}

const KEY: TransportKey = TransportKey(0);
/// The channel whose messages are checked.
const CHANNEL: ChannelKey = ChannelKey(0);
const BURST_MAX: usize = 20_000;
/// Handshakes give up after more than this.
const PATIENCE: Duration = Duration::from_secs(15);
/// Consent to be sent to ends soon after so long a silence (RFC 7675 §5.1).
const CONSENT: Duration = Duration::from_secs(20);

struct Pair {
    now: Instant,
    sides: [Side; 2],
    wire: Wire,
    forged: bool,
    /// Somebody changed what was agreed.
    changed: bool,
    sent: u32,
    /// How long nobody has carried the datagrams for sure.
    waited: Duration,
}

struct Side {
    session: Session,
    sockets: Vec<SocketAddr>,
    candidates: VecDeque<ice::Candidate>,
    connected: bool,
    ended: Option<String>,
    reading: bool,
    received: Vec<u32>,
}

/// Keys are dear: made once.
fn shared() -> &'static (dtls::Context, [Certificate; 2]) {
    static SHARED: OnceLock<(dtls::Context, [Certificate; 2])> = OnceLock::new();
    SHARED.get_or_init(|| {
        let day = Duration::from_secs(86_400);
        let now = WallClock::from_unix_millis(1_700_000_000_000);
        let mut rng = Rng::from_u64(3);
        let mut certificate = || {
            Certificate::generate(KeygenAlgorithm::EcdsaP256, now, day, &mut rng).expect("a key")
        };
        let context = dtls::Context::for_simulation(5).expect("a DTLS library");
        (context, [certificate(), certificate()])
    })
}

/// What begins a handshake that nobody goes on with.
fn client_hello(old: bool) -> Vec<u8> {
    static HELLOS: OnceLock<[Vec<u8>; 2]> = OnceLock::new();
    let hellos = HELLOS.get_or_init(|| {
        [dtls::Version::V13, dtls::Version::V12].map(|version| {
            let (_, certificates) = shared();
            let context = dtls::Context::for_simulation(6).expect("a DTLS library");
            let context = context.with_versions(dtls::Versions::Only(version));
            let mut client = dtls::Transport::new(context, certificates[0].clone());
            client.start(Instant::ZERO, DtlsRole::Client, Vec::new());
            let mut hello = Vec::new();
            assert!(client.poll_datagram(&mut hello), "a client begins");
            hello
        })
    });
    hellos[usize::from(old)].clone()
}

impl Pair {
    fn new() -> Self {
        let (context, certificates) = shared();
        let now = Instant::ZERO + Duration::from_secs(1);
        let credentials = [0, 1].map(|end| IceCredentials::generate(&mut Rng::from_u64(end)));
        let mut pair = Pair {
            now,
            sides: [0, 1].map(|end| Side::new(context, end)),
            wire: Wire::default(),
            forged: false,
            changed: false,
            sent: 0,
            waited: Duration::ZERO,
        };
        for (end, side) in pair.sides.iter_mut().enumerate() {
            let other = 1 - end;
            let roles = [
                (IceRole::Controlling, DtlsRole::Server),
                (IceRole::Controlled, DtlsRole::Client),
            ];
            side.commands(
                now,
                [
                    Command::Transport(
                        KEY,
                        TransportCommand::Add {
                            generation: Generation(0),
                            local: credentials[end].clone(),
                            role: roles[end].0,
                            certificates: certificates[end].clone().into(),
                        },
                    ),
                    Command::Transport(
                        KEY,
                        TransportCommand::SetRemoteIce {
                            generation: Generation(0),
                            remote: credentials[other].clone(),
                            options: ice::RemoteOptions::default(),
                        },
                    ),
                    Command::Transport(
                        KEY,
                        TransportCommand::StartDtls {
                            role: roles[end].1,
                            fingerprints: certificates[other].fingerprints().to_vec(),
                        },
                    ),
                    Command::Sctp(SctpCommand::Start {
                        key: KEY,
                        local_port: 5000,
                        remote_port: 5000,
                        max_message_size: 1 << 18,
                        may_move: false,
                        inits: None,
                    }),
                ],
            );
            side.session.handle_interfaces(now, &interfaces(end, 1));
        }
        pair.sides[0].commands(
            now,
            [Command::Channel(
                CHANNEL,
                ChannelCommand::Open {
                    stream: StreamId(1),
                    init: Box::new(ChannelInit {
                        label: "checked".into(),
                        ..ChannelInit::default()
                    }),
                },
            )],
        );
        pair.settle();
        pair
    }

    fn perform(&mut self, operation: Operation) {
        let now = self.now;
        match operation {
            Operation::Carry { from, fate } => {
                self.forged |= matches!(fate, Fate::Damaged { .. });
                let packet = self.wire.meet(from, &fate);
                self.deliver(from.index(), packet);
            }
            Operation::Wait { ms } => {
                let time = Duration::from_millis(ms.into());
                self.now = now + time;
                self.waited += time;
                self.changed |= self.waited > CONSENT;
            }
            Operation::Read { at } => {
                let side = &mut self.sides[at.index()];
                side.reading = !side.reading;
            }
            Operation::Junk {
                to,
                known_source,
                shape,
                bytes,
            } => {
                self.junk(to.index(), known_source, shape, bytes);
            }
            Operation::Open {
                at,
                channel,
                stream,
            } => {
                let command = Command::Channel(
                    key(channel),
                    ChannelCommand::Open {
                        stream: StreamId(u16::from(stream) + 2),
                        init: Box::new(ChannelInit::default()),
                    },
                );
                self.sides[at.index()].commands(now, [command]);
            }
            Operation::Send {
                at: End::A,
                channel: 0,
                len,
            } => {
                let data = content(self.sent, len.into());
                self.sent += 1;
                let command =
                    Command::Channel(CHANNEL, ChannelCommand::Send { data, binary: true });
                self.sides[0].commands(now, [command]);
            }
            Operation::Send { at, channel, len } => {
                let data = Bytes::from(vec![7; len.into()]);
                let command = Command::Channel(
                    key(channel),
                    ChannelCommand::Send {
                        data,
                        binary: false,
                    },
                );
                self.sides[at.index()].commands(now, [command]);
            }
            Operation::Prioritize { at, channel } => {
                let channel = ChannelKey(u32::from(channel));
                let command = Command::Channel(
                    channel,
                    ChannelCommand::SetPriority {
                        priority: Priority::High,
                    },
                );
                self.sides[at.index()].commands(now, [command]);
            }
            Operation::CloseChannel { at, channel } => {
                let command = Command::Channel(key(channel), ChannelCommand::Close);
                self.sides[at.index()].commands(now, [command]);
            }
            Operation::Interfaces { at, count } => {
                self.changed = true;
                let list = interfaces(at.index(), count % 4);
                self.sides[at.index()].session.handle_interfaces(now, &list);
            }
            Operation::Stray { at, command } => self.stray(at.index(), command),
            Operation::Remove { at } => {
                self.changed = true;
                self.sides[at.index()]
                    .commands(now, [Command::Transport(KEY, TransportCommand::Remove)]);
            }
            Operation::Close { at } => {
                self.changed = true;
                self.sides[at.index()].commands(now, [Command::Close]);
            }
        }
    }

    fn junk(&mut self, to: usize, known_source: bool, shape: Shape, mut bytes: Vec<u8>) {
        self.forged |= known_source;
        let real = self
            .wire
            .iter(1 - to)
            .find(|p| matches!(p.bytes[0], 20..=63));
        let head = match shape {
            Shape::Record { keep } => {
                let record = real.map_or(&[22, 254, 253][..], |packet| &packet.bytes);
                record[..record.len().min(keep.into())].to_vec()
            }
            Shape::Stun => vec![0, 1, 0, bytes.len() as u8, 0x21, 0x12, 0xa4, 0x42],
            Shape::Rtp => vec![0x80, 111],
            Shape::Raw => Vec::new(),
            Shape::Hello { old } => {
                bytes.clear();
                client_hello(old)
            }
        };
        bytes.splice(0..0, head);
        let first = |side: &Side| side.sockets.first().copied();
        let (Some(target), Some(source)) = (first(&self.sides[to]), first(&self.sides[1 - to]))
        else {
            return;
        };
        let stranger = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 9);
        let from = if known_source { source } else { stranger };
        self.deliver(
            1 - to,
            Some(Packet {
                from,
                to: target,
                bytes,
            }),
        );
    }

    fn stray(&mut self, at: usize, command: StrayCommand) {
        let now = self.now;
        let mut rng = Rng::from_u64(9);
        let unknown = TransportKey(77);
        let command = match command {
            StrayCommand::UnknownTransport => Command::Transport(unknown, TransportCommand::Remove),
            StrayCommand::SecondDtls => Command::Transport(
                KEY,
                TransportCommand::StartDtls {
                    role: DtlsRole::Client,
                    fingerprints: Vec::new(),
                },
            ),
            StrayCommand::SecondSctp => Command::Sctp(SctpCommand::Start {
                key: unknown,
                local_port: 1,
                remote_port: 2,
                max_message_size: 3,
                may_move: false,
                inits: None,
            }),
            StrayCommand::DropGeneration(number) => {
                self.changed = true;
                Command::Transport(
                    KEY,
                    TransportCommand::DropGeneration {
                        generation: Generation(number.into()),
                    },
                )
            }
            StrayCommand::Restart => {
                self.changed = true;
                let local = IceCredentials::generate(&mut rng);
                Command::Transport(
                    KEY,
                    TransportCommand::RestartIce {
                        generation: Generation(1),
                        local,
                    },
                )
            }
            StrayCommand::RestartDtls => {
                self.changed = true;
                let (_, certificates) = shared();
                Command::Transport(
                    KEY,
                    TransportCommand::RestartDtls {
                        role: DtlsRole::Server,
                        fingerprints: Vec::new(),
                        certificates: certificates[at].clone().into(),
                    },
                )
            }
            StrayCommand::StopSctp => {
                self.changed = true;
                Command::Sctp(SctpCommand::Stop)
            }
            StrayCommand::MessageSize(size) => {
                self.changed = true;
                Command::Sctp(SctpCommand::SetMaxMessageSize {
                    max_message_size: size as usize,
                })
            }
        };
        self.sides[at].commands(now, [command]);
    }

    fn deliver(&mut self, from: usize, packet: Option<Packet>) {
        let Some(mut packet) = packet else {
            return;
        };
        let side = &mut self.sides[1 - from];
        let Some(socket) = side.sockets.iter().position(|addr| *addr == packet.to) else {
            return;
        };
        let datagram = Datagram {
            socket: SocketId(socket as u32),
            received: self.now,
            remote: packet.from,
            local_ip: None,
            ecn: Ecn::NotEct,
        };
        side.session
            .handle_datagram(self.now, &datagram, &mut packet.bytes);
    }

    fn settle(&mut self) {
        for end in 0..2 {
            self.sides[end].settle(self.now, end, &mut self.wire);
            while let Some(candidate) = self.sides[end].candidates.pop_front() {
                self.sides[1 - end].commands(
                    self.now,
                    [Command::Transport(
                        KEY,
                        TransportCommand::AddRemoteCandidate {
                            generation: Generation(0),
                            candidate: Box::new(candidate),
                        },
                    )],
                );
            }
        }
    }

    fn exchange(&mut self, time: Duration) {
        let end = self.now + time;
        for _ in 0..200_000 {
            for side in &mut self.sides {
                side.reading = true;
            }
            self.settle();
            let mut moved = false;
            for from in 0..2 {
                for packet in self.wire.take(from) {
                    moved = true;
                    self.deliver(from, Some(packet));
                }
            }
            if moved {
                self.now += Duration::from_millis(1);
                continue;
            }
            match self
                .sides
                .iter_mut()
                .filter_map(|side| side.session.poll_timeout())
                .min()
            {
                Some(next) if next <= end => self.now = self.now.max(next),
                _ => break,
            }
        }
        self.now = self.now.max(end);
        self.waited = Duration::ZERO;
    }

    /// Nothing ended, and every message arrived in its order.
    fn check(&self) {
        for side in &self.sides {
            assert_eq!(side.ended, None, "a healthy connection was ended");
        }
        let numbers: Vec<u32> = (0..self.sent).collect();
        assert_eq!(self.sides[1].received, numbers);
    }
}

fn interfaces(end: usize, count: u8) -> Vec<Interface> {
    let ip = |host| IpAddr::V4(Ipv4Addr::new(10, end as u8, 0, host));
    (1..=count).map(|host| Interface { ip: ip(host) }).collect()
}

/// Any channel but the one that is checked.
fn key(number: u8) -> ChannelKey {
    ChannelKey(2 + u32::from(number) % 8 * 2)
}

fn content(number: u32, len: usize) -> Bytes {
    let mut bytes = number.to_be_bytes().to_vec();
    bytes.extend((0..len).map(|i| i as u8 ^ number as u8));
    bytes.into()
}

impl Side {
    fn new(context: &dtls::Context, end: u64) -> Self {
        let config = SessionConfig::new(context.clone());
        Side {
            session: Session::new(config, Rng::from_u64(end)),
            sockets: Vec::new(),
            candidates: VecDeque::new(),
            connected: false,
            ended: None,
            reading: true,
            received: Vec::new(),
        }
    }

    fn commands(&mut self, now: Instant, commands: impl IntoIterator<Item = Command>) {
        for command in commands {
            self.session.handle_command(now, command);
        }
    }

    fn settle(&mut self, now: Instant, end: usize, wire: &mut Wire) {
        let mut out = Vec::new();
        for round in 0.. {
            assert!(round < BURST_MAX, "always something to do");
            let due = self.session.poll_timeout().is_some_and(|at| at <= now);
            if due {
                self.session.handle_timeout(now);
            }
            let mut busy = due;
            while let Some(transmit) = self.session.poll_transmit(now, &mut out) {
                busy = true;
                let from = self.sockets[transmit.socket.0 as usize];
                let size = transmit.segment_size.unwrap_or(transmit.len);
                for bytes in out[..transmit.len].chunks(size) {
                    wire.send(
                        end,
                        Packet {
                            from,
                            to: transmit.remote,
                            bytes: bytes.to_vec(),
                        },
                    );
                }
            }
            busy |= self.act(now, end);
            busy |= self.listen();
            if !busy {
                return;
            }
        }
    }

    fn act(&mut self, now: Instant, end: usize) -> bool {
        let mut busy = false;
        while let Some(action) = self.session.poll_action() {
            busy = true;
            if let Action::Bind { bind_id, ip, .. } = action {
                let socket = self.sockets.len();
                let addr = SocketAddr::new(ip, 4000 + (end * 1000 + socket) as u16);
                self.sockets.push(addr);
                let bound = Ok((SocketId(socket as u32), addr));
                self.session.handle_bound(now, bind_id, bound);
            }
        }
        busy
    }

    fn listen(&mut self) -> bool {
        let mut busy = false;
        for count in 0.. {
            assert!(count < BURST_MAX, "reports without end");
            let Some(report) = self.session.poll_report() else {
                break;
            };
            busy = true;
            match report {
                Report::Transport(_, TransportReport::LocalCandidate { candidate, .. }) => {
                    self.candidates.push_back(*candidate)
                }
                Report::Transport(
                    _,
                    TransportReport::DtlsState {
                        state: DtlsReport::Connected { .. },
                        ..
                    },
                ) => {
                    self.connected = true;
                }
                Report::Transport(
                    _,
                    TransportReport::DtlsState {
                        state: DtlsReport::Connecting,
                        ..
                    },
                ) => {}
                Report::Transport(_, TransportReport::DtlsState { state, .. }) => {
                    self.ended = Some(format!("{state:?}"))
                }
                Report::Sctp(SctpReport::Closed { error }) => {
                    self.ended = Some(format!("{error:?}"))
                }
                _ => {}
            }
        }
        while self.reading {
            let Some(report) = self.session.poll_channel() else {
                break;
            };
            busy = true;
            if let ChannelReport::Message {
                data, binary: true, ..
            } = report
            {
                let (number, _) = data.split_first_chunk().expect("content has a number");
                let number = u32::from_be_bytes(*number);
                assert_eq!(
                    data,
                    content(number, data.len() - 4),
                    "a message is as it was sent"
                );
                self.received.push(number);
            }
        }
        busy
    }
}
