//! Commands, datagrams and polls in any order: nothing panics, nothing spins, nothing grows without
//! bound. Two sessions are told things at random; much of it makes no sense.

use std::cell::Cell;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use duologue_base::{
    ChannelKey, Datagram, DtlsRole, Ecn, Generation, IceCredentials, IceRole, Instant, Rng,
    SocketId, StreamId, TransportKey, WallClock,
};
use duologue_datachannel::{ChannelInit, Priority, Reliability};
use duologue_dtls::Context;
use duologue_ice as ice;
use duologue_identity::{Certificate, Fingerprint, HashFunction, KeygenAlgorithm};
use duologue_session::{
    Action, BindError, ChannelCommand, Command, Interface, Report, SctpCommand, Session,
    SessionConfig, TransportCommand, TransportReport,
};
use duologue_sim::for_seeds;

const OPERATIONS: usize = 1500;

/// One session and what it knows of its host.
struct End {
    session: Session,
    certificate: Certificate,
    sockets: Vec<(SocketId, SocketAddr)>,
    ip: IpAddr,
    candidates: Vec<(TransportKey, Generation, ice::Candidate)>,
}

struct Chaos {
    rng: Rng,
    now: Instant,
    ends: [End; 2],
    /// Credentials by end and generation: sometimes the two ends know the right ones.
    credentials: [Vec<IceCredentials>; 2],
    flying: Vec<(SocketAddr, SocketAddr, Vec<u8>)>,
}

impl Chaos {
    fn new(seed: u64) -> Self {
        let mut rng = Rng::from_u64(seed);
        let context = Context::for_simulation(seed).expect("the library works");
        let wall = WallClock::from_unix_millis(1_795_000_000_000);
        let day = Duration::from_secs(24 * 60 * 60);
        let ends = [1, 2].map(|last| End {
            session: Session::new(SessionConfig::new(context.clone()), rng.fork()),
            certificate: Certificate::generate(KeygenAlgorithm::EcdsaP256, wall, day, &mut rng)
                .expect("a certificate"),
            sockets: Vec::new(),
            ip: IpAddr::from([192, 0, 2, last]),
            candidates: Vec::new(),
        });
        let credentials =
            [(); 2].map(|()| (0..3).map(|_| IceCredentials::generate(&mut rng)).collect());
        Chaos {
            rng,
            now: Instant::ZERO,
            ends,
            credentials,
            flying: Vec::new(),
        }
    }

    fn below(&mut self, bound: u32) -> u32 {
        self.rng.below(bound)
    }

    fn key(&mut self) -> TransportKey {
        TransportKey(u32::from(self.below(8) == 0))
    }

    fn command(&mut self, at: usize) -> Command {
        let key = self.key();
        let number = self.below(3);
        let generation = Generation(number);
        let local = self.credentials[at][number as usize].clone();
        let remote = self.credentials[1 - at][number as usize].clone();
        let role = [IceRole::Controlled, IceRole::Controlling][usize::from(at == 0)];
        match self.below(11) {
            0 => Command::Transport(
                key,
                TransportCommand::Add {
                    generation: Generation(0),
                    local: self.credentials[at][0].clone(),
                    role,
                    certificates: self.ends[at].certificate.clone().into(),
                },
            ),
            1 => Command::Transport(key, TransportCommand::SetIceRole { role }),
            2 => Command::Transport(key, TransportCommand::RestartIce { generation, local }),
            3 => Command::Transport(key, TransportCommand::DropGeneration { generation }),
            4 | 5 => Command::Transport(
                key,
                TransportCommand::SetRemoteIce {
                    generation,
                    remote,
                    options: ice::RemoteOptions::default(),
                },
            ),
            6 => Command::Transport(key, TransportCommand::EndOfRemoteCandidates { generation }),
            7 | 8 => Command::Transport(
                key,
                TransportCommand::StartDtls {
                    role: [DtlsRole::Client, DtlsRole::Server][at],
                    fingerprints: vec![Fingerprint::of(
                        HashFunction::Sha256,
                        self.ends[1 - at].certificate.der(),
                    )],
                },
            ),
            9 => Command::Sctp(SctpCommand::Start {
                key,
                local_port: 5000,
                remote_port: 5000,
                max_message_size: usize::MAX,
                may_move: false,
                inits: None,
            }),
            _ if self.below(40) == 0 => Command::Transport(key, TransportCommand::Remove),
            _ if self.below(40) == 0 => Command::Sctp(SctpCommand::Stop),
            _ if self.below(40) == 0 => Command::Transport(
                key,
                TransportCommand::RestartDtls {
                    role: [DtlsRole::Client, DtlsRole::Server][at],
                    fingerprints: vec![Fingerprint::of(
                        HashFunction::Sha256,
                        self.ends[1 - at].certificate.der(),
                    )],
                    certificates: self.ends[at].certificate.clone().into(),
                },
            ),
            _ => Command::Sctp(SctpCommand::SetMaxMessageSize {
                max_message_size: 1 << self.below(20),
            }),
        }
    }

    fn channel_command(&mut self) -> Command {
        let channel = ChannelKey(self.below(12));
        match self.below(6) {
            0 | 1 => Command::Channel(
                channel,
                ChannelCommand::Open {
                    stream: StreamId(self.below(12) as u16),
                    init: Box::new(ChannelInit {
                        label: "x".repeat(self.below(100) as usize),
                        unordered: self.below(2) == 0,
                        negotiated: self.below(4) == 0,
                        reliability: Reliability::MaxRetransmits(self.below(3) as u16),
                        ..ChannelInit::default()
                    }),
                },
            ),
            2 | 3 => Command::Channel(
                channel,
                ChannelCommand::Send {
                    data: Bytes::from(vec![1; self.below(5000) as usize]),
                    binary: self.below(2) == 0,
                },
            ),
            4 => Command::Channel(
                channel,
                ChannelCommand::SetPriority {
                    priority: Priority::High,
                },
            ),
            _ => Command::Channel(channel, ChannelCommand::Close),
        }
    }

    fn operate(&mut self) {
        let at = self.below(2) as usize;
        match self.below(12) {
            0 | 1 => {
                let command = self.command(at);
                self.ends[at].session.handle_command(self.now, command);
            }
            2 | 3 => {
                let command = self.channel_command();
                self.ends[at].session.handle_command(self.now, command);
            }
            4 => {
                let there = self.below(20) > 0;
                let ip = self.ends[at].ip;
                let interfaces = [Interface { ip }];
                let interfaces = if there { &interfaces[..] } else { &[] };
                self.ends[at]
                    .session
                    .handle_interfaces(self.now, interfaces);
            }
            5 => self.trickle(at),
            6 => self.forge(at),
            7 => self.now += Duration::from_millis(u64::from(self.rng.below(300))),
            8 => self.ends[at].session.handle_timeout(self.now),
            _ => self.deliver(),
        }
        self.poll(at);
    }

    fn trickle(&mut self, from: usize) {
        let count = self.ends[from].candidates.len() as u32;
        let index = self.below(count) as usize;
        if let Some((key, generation, candidate)) = self.ends[from].candidates.get(index).cloned() {
            let command = Command::Transport(
                key,
                TransportCommand::AddRemoteCandidate {
                    generation,
                    candidate: Box::new(candidate),
                },
            );
            self.ends[1 - from]
                .session
                .handle_command(self.now, command);
        }
    }

    fn forge(&mut self, at: usize) {
        let mut bytes = vec![0; self.below(200) as usize];
        self.rng.fill(&mut bytes);
        let datagram = Datagram {
            socket: SocketId(self.below(3)),
            received: self.now,
            remote: SocketAddr::new(self.ends[1 - at].ip, 1000 + self.below(4) as u16),
            local_ip: None,
            ecn: Ecn::NotEct,
        };
        let session = &mut self.ends[at].session;
        session.handle_datagram(self.now, &datagram, &mut bytes);
    }

    fn deliver(&mut self) {
        let count = self.flying.len() as u32;
        if count == 0 {
            return;
        }
        let index = self.below(count) as usize;
        let (from, to, mut bytes) = self.flying.swap_remove(index);
        for end in &mut self.ends {
            let Some(&(socket, _)) = end.sockets.iter().find(|(_, addr)| *addr == to) else {
                continue;
            };
            let datagram = Datagram {
                socket,
                received: self.now,
                remote: from,
                local_ip: None,
                ecn: Ecn::NotEct,
            };
            end.session.handle_datagram(self.now, &datagram, &mut bytes);
        }
    }

    fn poll(&mut self, at: usize) {
        let refuses = self.rng.below(10) == 0;
        let reads = self.rng.below(3) > 0;
        let end = &mut self.ends[at];
        let mut train = Vec::new();
        let mut polls = 0;
        while let Some(transmit) = end.session.poll_transmit(self.now, &mut train) {
            polls += 1;
            assert!(polls < 10_000, "a session sends without end");
            let sender = end.sockets.iter().find(|(id, _)| *id == transmit.socket);
            let segment = transmit.segment_size.unwrap_or(transmit.len);
            if let Some(&(_, from)) = sender {
                let datagrams = train.chunks(segment);
                self.flying
                    .extend(datagrams.map(|bytes| (from, transmit.remote, bytes.to_vec())));
            }
        }
        while let Some(action) = end.session.poll_action() {
            match action {
                Action::Bind { bind_id, ip, .. } => {
                    let socket = SocketId(end.sockets.len() as u32);
                    let addr = SocketAddr::new(ip, 1000 + socket.0 as u16);
                    let bound = if refuses {
                        Err(BindError::Exhausted)
                    } else {
                        end.sockets.push((socket, addr));
                        Ok((socket, addr))
                    };
                    end.session.handle_bound(self.now, bind_id, bound);
                }
                Action::Unbind { socket } => {
                    let known = end.sockets.iter().any(|(id, _)| *id == socket);
                    assert!(known, "a socket that nobody bound");
                }
                _ => {}
            }
        }
        while let Some(report) = end.session.poll_report() {
            if let Report::Transport(
                key,
                TransportReport::LocalCandidate {
                    generation,
                    candidate,
                },
            ) = report
            {
                end.candidates.push((key, generation, *candidate));
            }
        }
        while reads && end.session.poll_channel().is_some() {}
        self.flying.truncate(500);
    }
}

#[test]
fn a_session_survives_any_order_of_input() {
    let connected = Cell::new(0);
    let seeds = Cell::new(0);
    for_seeds(60, |seed| {
        let mut chaos = Chaos::new(seed);
        for _ in 0..OPERATIONS {
            chaos.operate();
        }
        let up = |end: &End| {
            end.session
                .sctp_stats()
                .is_some_and(|s| s.packets_received > 3)
        };
        connected.set(connected.get() + usize::from(chaos.ends.iter().all(up)));
        seeds.set(seeds.get() + 1);
        for end in &mut chaos.ends {
            end.session.handle_command(chaos.now, Command::Close);
            assert_eq!(end.session.poll_timeout(), None);
            assert_eq!(end.session.poll_report(), None);
            assert_eq!(end.session.poll_channel(), None);
        }
    });
    // Otherwise this would show little: by chance some connect.
    let (connected, seeds) = (connected.get(), seeds.get());
    assert!(
        seeds == 1 || connected * 6 > seeds,
        "{connected} of {seeds} connected"
    );
}
