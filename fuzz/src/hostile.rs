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
use duologue_datachannel::ChannelInit;
use duologue_dtls as dtls;
use duologue_ice as ice;
use duologue_identity::{Certificate, KeygenAlgorithm};
use duologue_sctp::{Association, Config, Ppid, Reliability, SendOptions};
use duologue_session::{
    Action, ChannelCommand, Command, Interface, Report, SctpCommand, Session, SessionConfig,
    TransportCommand, TransportReport,
};

use crate::memory;

/// A peer with the right keys that means no good, and an application that may not read.
#[derive(Arbitrary, Debug)]
pub struct HostileScenario {
    operations: Vec<Operation>,
}

#[derive(Arbitrary, Debug)]
enum Operation {
    /// A packet of these chunks, with the right ports, tag and checksum.
    Chunks(Vec<u8>),
    /// Chunks of data that begin and go on and never end, so many of them.
    Pieces {
        stream: u16,
        first: u32,
        step: u8,
        count: u8,
        unordered: bool,
    },
    /// What is no packet of SCTP at all.
    Bytes(Vec<u8>),
    /// A message by the rules, of any kind, on any stream; many of them.
    Message {
        stream: u16,
        kind: u8,
        len: u16,
        count: u8,
    },
    /// An RTP or RTCP packet in the clear.
    Clear(Vec<u8>),
    /// The application begins to read, or stops.
    Read,
    Open(u16),
    Send(u16),
    CloseChannel,
    Wait(u16),
}

/// Whatever a peer sends, nothing panics or loops; what its connection holds stays within what `SECURITY.md` says, also
/// when nobody reads; and the session still does what it is told.
pub fn hostile_peer(scenario: HostileScenario) {
    // 24 MiB for SCTP and the channels; the rest is the peer's own end, and the handshake.
    let _bound = memory::at_most_kib(32 << 10);
    let mut pair = Pair::new();
    pair.exchange(Duration::from_secs(5));
    for operation in scenario.operations.into_iter().take(OPERATIONS) {
        pair.perform(operation);
        pair.exchange(Duration::ZERO);
    }
    pair.exchange(Duration::from_secs(20));
    pair.session.handle_command(pair.now, Command::Close);
    pair.exchange(Duration::from_secs(1));
    assert!(pair.session.is_closed());
}

const OPERATIONS: usize = 200;
const KEY: TransportKey = TransportKey(0);
const BURST_MAX: usize = 50_000;
const HERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)), 4000);
const THERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2)), 5000);

struct Pair {
    now: Instant,
    session: Session,
    reading: bool,
    channels: u32,
    peer: Peer,
}

/// The layers of somebody who has changed the last one.
struct Peer {
    ice: ice::Agent,
    dtls: dtls::Transport,
    sctp: Association,
    /// Ports and tag of its own packets.
    header: [u8; 8],
    /// Datagrams for the session.
    out: VecDeque<Vec<u8>>,
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

impl Pair {
    fn new() -> Self {
        let (context, certificates) = shared();
        let now = Instant::ZERO + Duration::from_secs(1);
        let [local, remote] = [0, 1].map(|end| IceCredentials::generate(&mut Rng::from_u64(end)));
        let config = SessionConfig::new(context.clone());
        let mut session = Session::new(config, Rng::from_u64(7));
        let transport = |command| Command::Transport(KEY, command);
        let commands = [
            transport(TransportCommand::Add {
                generation: Generation(0),
                local: local.clone(),
                role: IceRole::Controlling,
                certificates: certificates[0].clone().into(),
            }),
            transport(TransportCommand::SetRemoteIce {
                generation: Generation(0),
                remote: remote.clone(),
                options: ice::RemoteOptions::default(),
            }),
            transport(TransportCommand::AddRemoteCandidate {
                generation: Generation(0),
                candidate: Box::new(ice::Candidate::host(THERE, duologue_base::Protocol::Udp)),
            }),
            transport(TransportCommand::StartDtls {
                role: DtlsRole::Server,
                fingerprints: certificates[1].fingerprints().to_vec(),
            }),
            Command::Sctp(SctpCommand::Start {
                key: KEY,
                local_port: 5000,
                remote_port: 5000,
                max_message_size: 1 << 18,
                may_move: false,
                inits: None,
            }),
        ];
        for command in commands {
            session.handle_command(now, command);
        }
        session.handle_interfaces(now, &[Interface { ip: HERE.ip() }]);
        Pair {
            now,
            session,
            reading: true,
            channels: 0,
            peer: Peer::new(now, remote, local),
        }
    }

    fn perform(&mut self, operation: Operation) {
        let now = self.now;
        match operation {
            Operation::Read => self.reading = !self.reading,
            Operation::Wait(ms) => self.exchange(Duration::from_millis(ms.into())),
            Operation::Open(stream) => {
                self.channels += 1;
                let open = ChannelCommand::Open {
                    stream: StreamId(stream % 1_024),
                    init: Box::new(ChannelInit::default()),
                };
                let channel = ChannelKey(self.channels * 2);
                self.session
                    .handle_command(now, Command::Channel(channel, open));
            }
            Operation::Send(len) => {
                let send = ChannelCommand::Send {
                    data: Bytes::from(vec![7; len.into()]),
                    binary: true,
                };
                let channel = ChannelKey(self.channels * 2);
                self.session
                    .handle_command(now, Command::Channel(channel, send));
            }
            Operation::CloseChannel => {
                let channel = ChannelKey(self.channels * 2);
                let close = Command::Channel(channel, ChannelCommand::Close);
                self.session.handle_command(now, close);
            }
            other => self.peer.attack(now, other),
        }
    }

    /// Everything is carried at once, for so long.
    fn exchange(&mut self, time: Duration) {
        let end = self.now + time;
        for _ in 0..BURST_MAX {
            let mut moved = self.settle();
            moved |= self.peer.settle(self.now);
            while let Some(mut bytes) = self.peer.out.pop_front() {
                moved = true;
                let datagram = datagram(self.now, THERE);
                self.session
                    .handle_datagram(self.now, &datagram, &mut bytes);
            }
            if moved {
                continue;
            }
            let own = self.session.poll_timeout();
            let due = Instant::earliest([own, self.peer.poll_timeout()]);
            match due {
                Some(due) if due <= end => self.now = self.now.max(due),
                _ => {
                    self.now = self.now.max(end);
                    return;
                }
            }
        }
        panic!("two ends that always have something to do");
    }

    /// Whether there was anything to do.
    fn settle(&mut self) -> bool {
        let now = self.now;
        let mut busy = self.session.poll_timeout().is_some_and(|at| at <= now);
        if busy {
            self.session.handle_timeout(now);
        }
        let mut train = Vec::new();
        while let Some(transmit) = self.session.poll_transmit(now, &mut train) {
            busy = true;
            let size = transmit.segment_size.unwrap_or(transmit.len);
            for bytes in train[..transmit.len].chunks(size) {
                self.peer.receive(now, bytes);
            }
        }
        while let Some(action) = self.session.poll_action() {
            busy = true;
            if let Action::Bind { bind_id, .. } = action {
                self.session
                    .handle_bound(now, bind_id, Ok((SocketId(0), HERE)));
            }
        }
        while let Some(report) = self.session.poll_report() {
            busy = true;
            if let Report::Transport(_, TransportReport::LocalCandidate { candidate, .. }) = report
            {
                self.peer
                    .ice
                    .add_remote_candidate(now, Generation(0), *candidate);
            }
        }
        while self.reading && self.session.poll_channel().is_some() {
            busy = true;
        }
        while self.session.poll_media().is_some() {
            busy = true;
        }
        busy
    }
}

fn datagram(now: Instant, remote: SocketAddr) -> Datagram {
    Datagram {
        socket: SocketId(0),
        received: now,
        remote,
        local_ip: None,
        ecn: Ecn::NotEct,
    }
}

impl Peer {
    fn new(now: Instant, local: IceCredentials, remote: IceCredentials) -> Self {
        let (context, certificates) = shared();
        let (config, rng) = (ice::Config::default(), Rng::from_u64(8));
        let mut agent = ice::Agent::new(config, IceRole::Controlled, Generation(0), local, rng);
        agent.set_remote_credentials(now, Generation(0), remote, ice::RemoteOptions::default());
        agent.add_local_address(now, SocketId(0), THERE);
        agent.end_of_local_addresses(now);

        let mut transport = dtls::Transport::new(context.clone(), certificates[1].clone());
        let fingerprints = certificates[0].fingerprints().to_vec();
        transport.start(now, DtlsRole::Client, fingerprints);
        Peer {
            ice: agent,
            dtls: transport,
            sctp: Association::new(Config::default(), Rng::from_u64(9)),
            header: [0x13, 0x88, 0x13, 0x88, 0, 0, 0, 0],
            out: VecDeque::new(),
        }
    }

    fn receive(&mut self, now: Instant, bytes: &[u8]) {
        if duologue_stun::is_stun(bytes) {
            self.ice.handle_datagram(now, &datagram(now, HERE), bytes);
            return;
        }
        let (mut bytes, sctp) = (bytes.to_vec(), &mut self.sctp);
        self.dtls
            .handle_datagram(now, &mut bytes, |packet| sctp.handle_packet(now, packet));
    }

    fn settle(&mut self, now: Instant) -> bool {
        let mut busy = self.poll_timeout().is_some_and(|at| at <= now);
        if busy {
            self.ice.handle_timeout(now);
            self.dtls.handle_timeout(now);
            self.sctp.handle_timeout(now);
        }
        let mut bytes = Vec::new();
        while let Some(transmit) = self.ice.poll_transmit(now, &mut bytes) {
            bytes.truncate(transmit.len);
            self.out.push_back(std::mem::take(&mut bytes));
        }
        // The peer's handshake waits for a path, as everybody's does.
        while self.ice.route().is_some() && self.dtls.poll_datagram(&mut bytes) {
            self.out.push_back(std::mem::take(&mut bytes));
        }
        while let Some(event) = self.dtls.poll_event() {
            busy = true;
            if matches!(event, dtls::Event::Connected { .. }) {
                self.sctp.connect(now);
            }
        }
        let mut packet = Vec::new();
        while self.sctp.poll_packet(now, &mut packet) {
            if let Some((header, _)) = packet.split_first_chunk() {
                self.header = *header;
            }
            let packet = std::mem::take(&mut packet);
            self.seal(now, &packet);
        }
        while self.ice.poll_event().is_some() {}
        while self.sctp.poll_event().is_some() {}
        while self.sctp.poll_message().is_some() {}
        while self.sctp.poll_departed().is_some() {}
        busy | !self.out.is_empty()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let due = [
            self.ice.poll_timeout(),
            self.dtls.poll_timeout(),
            self.sctp.poll_timeout(),
        ];
        Instant::earliest(due)
    }

    fn seal(&mut self, now: Instant, packet: &[u8]) {
        let mut sealed = Vec::new();
        if self.dtls.seal(now, packet, &mut sealed) {
            self.out.push_back(sealed);
        }
    }

    fn attack(&mut self, now: Instant, operation: Operation) {
        match operation {
            Operation::Chunks(chunks) => self.forge(now, &chunks),
            Operation::Bytes(bytes) => self.seal(now, &bytes[..bytes.len().min(1_200)]),
            Operation::Clear(bytes) => self.out.push_back(bytes),
            Operation::Pieces {
                stream,
                first,
                step,
                count,
                unordered,
            } => {
                for number in 0..u32::from(count) {
                    let tsn = first.wrapping_add(number * u32::from(step));
                    let chunk = piece(tsn, stream, number == 0, unordered);
                    self.forge(now, &chunk);
                }
            }
            Operation::Message {
                stream,
                kind,
                len,
                count,
            } => {
                let kinds = [50, 51, 52, 53, 54, 56, 57, u32::from(kind)];
                let options = SendOptions {
                    unordered: kind & 64 != 0,
                    reliability: Reliability::Reliable,
                };
                for number in 0..u16::from(count) {
                    let stream = StreamId(stream.wrapping_add(number) % 1_024);
                    let ppid = Ppid(kinds[usize::from(kind % 8)]);
                    let data = message(ppid, len);
                    // A full buffer is the peer's own affair.
                    let _ = self.sctp.send(now, stream, ppid, data, options);
                }
            }
            other => unreachable!("performed elsewhere: {other:?}"),
        }
    }

    /// As its association would send it: ports, tag and CRC32C (RFC 9260 §3.1, appendix A).
    fn forge(&mut self, now: Instant, chunks: &[u8]) {
        let mut packet = self.header.to_vec();
        packet.extend([0; 4]);
        packet.extend(&chunks[..chunks.len().min(1_200)]);
        let checksum = crc32c::crc32c(&packet).to_le_bytes();
        packet[8..12].copy_from_slice(&checksum);
        self.seal(now, &packet);
    }
}

/// A DATA chunk of a message that goes on (RFC 9260 §3.3.1).
fn piece(tsn: u32, stream: u16, begins: bool, unordered: bool) -> Vec<u8> {
    const LEN: usize = 1_100;
    let flags = u8::from(begins) << 1 | u8::from(unordered) << 2;
    let mut chunk = vec![0, flags];
    chunk.extend((LEN as u16 + 16).to_be_bytes());
    chunk.extend(tsn.to_be_bytes());
    chunk.extend(stream.to_be_bytes());
    chunk.extend([0, 0, 0, 0, 0, 53]);
    chunk.resize(LEN + 16, 7);
    chunk
}

/// A DATA_CHANNEL_OPEN with long names (RFC 8832 §5.1), or anything of this length.
fn message(ppid: Ppid, len: u16) -> Bytes {
    if ppid != Ppid(50) {
        return vec![7; usize::from(len).max(1)].into();
    }
    let label = usize::from(len % 8_192);
    let mut open = vec![3, 0, 1, 0, 0, 0, 0, 0];
    open.extend((label as u16).to_be_bytes());
    open.extend([0, 0]);
    open.resize(12 + label, b'x');
    open.into()
}
