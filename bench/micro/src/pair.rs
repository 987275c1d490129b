use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use duologue_base::{
    ChannelKey, Datagram, DtlsRole, Ecn, Generation, IceCredentials, IceRole, Instant, Rng,
    SocketId, StreamId, TransportKey,
};
use duologue_datachannel::ChannelInit;
use duologue_dtls::Context;
use duologue_ice as ice;
use duologue_identity::{Certificate, Fingerprint, HashFunction};
use duologue_session::{
    Action, ChannelCommand, ChannelReport, Command, Interface, Report, SctpCommand, Session,
    SessionConfig, TransportCommand, TransportReport,
};

/// Two sessions and what is under way between them. Number 0 opens the channels.
#[derive(Debug)]
pub struct Pair {
    /// The time that they are told.
    pub now: Instant,
    /// Both ends.
    pub ends: [End; 2],
}

/// A session and what its owner knows.
#[derive(Debug)]
pub struct End {
    /// The session.
    pub session: Session,
    /// Bytes given to it that have not left yet.
    pub buffered: usize,
    /// Bytes of messages that arrived.
    pub received: usize,
    /// Messages that arrived.
    pub messages: usize,
    /// Channels that opened, by the half of their stream's number.
    channels: BTreeMap<u16, ChannelKey>,
    opened: usize,
    addr: SocketAddr,
    signals: Vec<Report>,
}

/// Datagrams of one size behind one another; the last may be shorter.
#[derive(Clone, Debug, Default)]
pub struct Train {
    /// All of them.
    pub bytes: Vec<u8>,
    /// The size.
    pub segment: usize,
}

const KEY: TransportKey = TransportKey(0);
const GENERATION: Generation = Generation(0);

/// How long two ends may take to connect and to open their channels.
const PATIENCE: Duration = Duration::from_secs(30);

impl Pair {
    /// Two connected sessions with open channels, number `n` on stream `2n`.
    ///
    /// # Panics
    /// They do not connect.
    pub fn connected(
        context: &Context,
        certificates: &[Certificate; 2],
        channels: u16,
        now: Instant,
    ) -> Self {
        let mut rng = Rng::from_u64(1);
        let ends = ["192.0.2.1:1", "192.0.2.2:2"].map(|addr| End::new(context, addr, rng.fork()));
        let mut pair = Pair { now, ends };
        pair.negotiate(certificates, &mut rng);
        for channel in 0..channels {
            let key = ChannelKey(u32::from(channel) * 2);
            pair.ends[0].channels.insert(channel, key);
            let command = Command::Channel(
                key,
                ChannelCommand::Open {
                    stream: StreamId(channel * 2),
                    init: Box::new(ChannelInit::default()),
                },
            );
            pair.ends[0].session.handle_command(now, command);
        }
        let mut train = Train::default();
        while pair
            .ends
            .iter()
            .any(|end| end.opened < usize::from(channels))
        {
            pair.carry(0, &mut train);
            pair.carry(1, &mut train);
            pair.now += Duration::from_millis(1);
            assert!(pair.now - now < PATIENCE, "not connected: {pair:?}");
        }
        pair
    }

    /// What the descriptions and candidates of both ends would say.
    fn negotiate(&mut self, certificates: &[Certificate; 2], rng: &mut Rng) {
        let now = self.now;
        let credentials = [(); 2].map(|()| IceCredentials::generate(rng));
        for at in 0..2 {
            let peer = 1 - at;
            let fingerprint = Fingerprint::of(HashFunction::Sha256, certificates[peer].der());
            let end = &mut self.ends[at];
            for command in [
                Command::Transport(
                    KEY,
                    TransportCommand::Add {
                        generation: GENERATION,
                        local: credentials[at].clone(),
                        role: [IceRole::Controlling, IceRole::Controlled][at],
                        certificates: certificates[at].clone().into(),
                    },
                ),
                Command::Transport(
                    KEY,
                    TransportCommand::SetRemoteIce {
                        generation: GENERATION,
                        remote: credentials[peer].clone(),
                        options: ice::RemoteOptions::default(),
                    },
                ),
                Command::Transport(
                    KEY,
                    TransportCommand::StartDtls {
                        role: [DtlsRole::Client, DtlsRole::Server][at],
                        fingerprints: vec![fingerprint],
                    },
                ),
                Command::Sctp(SctpCommand::Start {
                    key: KEY,
                    local_port: 5000,
                    remote_port: 5000,
                    max_message_size: usize::MAX,
                    may_move: false,
                    inits: None,
                }),
            ] {
                end.session.handle_command(now, command);
            }
            let ip = end.addr.ip();
            end.session.handle_interfaces(now, &[Interface { ip }]);
            end.poll(now);
        }
        for at in 0..2 {
            for report in std::mem::take(&mut self.ends[at].signals) {
                if let Report::Transport(_, TransportReport::LocalCandidate { candidate, .. }) =
                    report
                {
                    let command = Command::Transport(
                        KEY,
                        TransportCommand::AddRemoteCandidate {
                            generation: GENERATION,
                            candidate,
                        },
                    );
                    self.ends[1 - at].session.handle_command(now, command);
                }
            }
        }
    }

    /// Gives an end a message for a channel.
    pub fn send(&mut self, from: usize, channel: u16, data: Bytes) {
        let end = &mut self.ends[from];
        end.buffered += data.len();
        let command = Command::Channel(
            end.channels[&channel],
            ChannelCommand::Send { data, binary: true },
        );
        end.session.handle_command(self.now, command);
    }

    /// The next train of an end.
    pub fn transmit(&mut self, from: usize, train: &mut Train) -> bool {
        let session = &mut self.ends[from].session;
        let Some(transmit) = session.poll_transmit(self.now, &mut train.bytes) else {
            return false;
        };
        train.segment = transmit.segment_size.unwrap_or(transmit.len);
        true
    }

    /// Gives an end a train, as a host with GRO does.
    pub fn deliver(&mut self, to: usize, train: &mut Train) {
        let datagram = self.datagram_to(to);
        let session = &mut self.ends[to].session;
        for bytes in train.bytes.chunks_mut(train.segment) {
            session.handle_datagram(self.now, &datagram, bytes);
        }
    }

    /// What a host says of a datagram to this end.
    pub fn datagram_to(&self, to: usize) -> Datagram {
        Datagram {
            socket: SocketId(0),
            received: self.now,
            remote: self.ends[1 - to].addr,
            local_ip: None,
            ecn: Ecn::NotEct,
        }
    }

    /// Takes all that an end has to say.
    pub fn poll(&mut self, at: usize) {
        self.ends[at].poll(self.now);
    }

    /// Moves everything once from one end to the other; whether there was anything.
    pub fn carry(&mut self, from: usize, train: &mut Train) -> bool {
        self.poll(from);
        let mut any = false;
        while self.transmit(from, train) {
            any = true;
            self.deliver(1 - from, train);
        }
        self.poll(1 - from);
        any
    }
}

impl End {
    fn new(context: &Context, addr: &str, rng: Rng) -> Self {
        // As many channels as the piece asks for.
        let mut config = SessionConfig::new(context.clone());
        config.sctp.streams = u16::MAX;
        End {
            session: Session::new(config, rng),
            buffered: 0,
            received: 0,
            messages: 0,
            channels: BTreeMap::new(),
            opened: 0,
            addr: addr.parse().expect("an address"),
            signals: Vec::new(),
        }
    }

    fn poll(&mut self, now: Instant) {
        while let Some(action) = self.session.poll_action() {
            if let Action::Bind { bind_id, .. } = action {
                let bound = Ok((SocketId(0), self.addr));
                self.session.handle_bound(now, bind_id, bound);
            }
        }
        while let Some(report) = self.session.poll_report() {
            match report {
                Report::BufferedAmount { sent, .. } => self.buffered -= sent,
                report => self.signals.push(report),
            }
        }
        while let Some(report) = self.session.poll_channel() {
            match report {
                ChannelReport::Message { data, .. } => {
                    self.received += data.len();
                    self.messages += 1;
                }
                ChannelReport::Opened { .. } => self.opened += 1,
                ChannelReport::Announced {
                    channel, stream, ..
                } => {
                    self.channels.insert(stream.0 / 2, channel);
                    self.opened += 1;
                }
                _ => {}
            }
        }
        if self.session.poll_timeout().is_some_and(|at| at <= now) {
            self.session.handle_timeout(now);
        }
    }
}
