//! Two sessions in one thread, without sockets: what the stack itself costs. Time is real.
//!
//! `cargo run --release -p duologue-sim --example in_memory -- [message bytes] [seconds] [12|13]`
#![expect(clippy::print_stdout, reason = "it is a program")]

use std::net::SocketAddr;
use std::time::{Duration, Instant as Clock};

use bytes::Bytes;
use duologue_base::{
    ChannelKey, Datagram, Ecn, Generation, Instant, Rng, SocketId, StreamId, TransportKey,
    WallClock,
};
use duologue_datachannel::ChannelInit;
use duologue_dtls::{Context, Role, Version, Versions};
use duologue_ice as ice;
use duologue_identity::{Certificate, Fingerprint, HashFunction, KeygenAlgorithm};
use duologue_session::{Action, ChannelReport, Command, Interface, Report, Session, SessionConfig};

const KEY: TransportKey = TransportKey(0);
const CHANNEL: ChannelKey = ChannelKey(0);
const LIMIT: usize = 1 << 20;

struct End {
    session: Session,
    addr: SocketAddr,
    signals: Vec<Report>,
    buffered: usize,
    received: usize,
    messages: usize,
    open: bool,
}

impl End {
    fn new(context: &Context, addr: &str, rng: Rng) -> Self {
        End {
            session: Session::new(SessionConfig::new(context.clone()), rng),
            addr: addr.parse().expect("an address"),
            signals: Vec::new(),
            buffered: 0,
            received: 0,
            messages: 0,
            open: false,
        }
    }

    /// Takes a train, as a host with GRO does.
    fn take(&mut self, now: Instant, from: SocketAddr, train: &mut [u8], segment: usize) {
        let datagram = Datagram {
            socket: SocketId(0),
            remote: from,
            local_ip: None,
            ecn: Ecn::NotEct,
        };
        for bytes in train.chunks_mut(segment) {
            self.session.handle_datagram(now, &datagram, bytes);
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
                ChannelReport::Opened { .. } | ChannelReport::Announced { .. } => self.open = true,
                _ => {}
            }
        }
        if self.session.poll_timeout().is_some_and(|at| at <= now) {
            self.session.handle_timeout(now);
        }
    }
}

/// Moves everything once from one end to the other; whether there was anything.
fn carry(now: Instant, from: &mut End, to: &mut End, train: &mut Vec<u8>) -> bool {
    from.poll(now);
    let mut any = false;
    while let Some(transmit) = from.session.poll_transmit(now, train) {
        any = true;
        let segment = transmit.segment_size.unwrap_or(transmit.len);
        to.take(now, from.addr, train, segment);
    }
    to.poll(now);
    any
}

fn connect(context: &Context, clock: Clock, certificates: &[Certificate; 2]) -> [End; 2] {
    let now = || Instant::from_origin(clock.elapsed());
    let mut rng = Rng::from_u64(1);
    let mut ends = ["192.0.2.1:1", "192.0.2.2:2"].map(|addr| End::new(context, addr, rng.fork()));
    let credentials = [(); 2].map(|()| ice::Credentials::generate(&mut rng));
    let generation = Generation(0);
    for at in 0..2 {
        let peer = 1 - at;
        let ip = ends[at].addr.ip();
        let mut give = |command| ends[at].session.handle_command(now(), command);
        let controlling = at == 0;
        give(Command::AddTransport {
            key: KEY,
            generation,
            local: credentials[at].clone(),
            role: [ice::Role::Controlled, ice::Role::Controlling][usize::from(controlling)],
            certificate: certificates[at].clone(),
        });
        give(Command::SetRemoteIce {
            key: KEY,
            generation,
            remote: credentials[peer].clone(),
            lite: false,
        });
        let der = certificates[peer].der();
        give(Command::StartDtls {
            key: KEY,
            role: [Role::Client, Role::Server][at],
            fingerprints: vec![Fingerprint::of(HashFunction::Sha256, der)],
        });
        give(Command::StartSctp {
            key: KEY,
            local_port: 5000,
            remote_port: 5000,
            max_message_size: usize::MAX,
        });
        ends[at]
            .session
            .handle_interfaces(now(), &[Interface { ip }]);
        ends[at].poll(now());
    }
    for at in 0..2 {
        for report in std::mem::take(&mut ends[at].signals) {
            if let Report::LocalCandidate {
                key,
                generation,
                candidate,
            } = report
            {
                let command = Command::AddRemoteCandidate {
                    key,
                    generation,
                    candidate,
                };
                ends[1 - at].session.handle_command(now(), command);
            }
        }
    }
    let command = Command::OpenChannel {
        channel: CHANNEL,
        stream: StreamId(0),
        init: ChannelInit::default(),
    };
    ends[0].session.handle_command(now(), command);
    let mut train = Vec::new();
    while !ends.iter().all(|end| end.open) {
        let [a, b] = &mut ends;
        carry(now(), a, b, &mut train);
        carry(now(), b, a, &mut train);
    }
    ends
}

/// What the system says that this process holds; 0 where it does not say.
fn resident_bytes() -> usize {
    let status = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = status
        .split(' ')
        .nth(1)
        .and_then(|text| text.parse::<usize>().ok());
    pages.unwrap_or(0) * 4096
}

fn main() {
    let arguments: Vec<u64> = std::env::args()
        .skip(1)
        .filter_map(|a| a.parse().ok())
        .collect();
    let argument = |at: usize, default| arguments.get(at).copied().unwrap_or(default);
    let bytes = argument(0, 16_384) as usize;
    let time = Duration::from_secs(argument(1, 3));
    let versions = match argument(2, 0) {
        12 => Versions::Only(Version::V12),
        13 => Versions::Only(Version::V13),
        _ => Versions::Both,
    };
    let clock = Clock::now();
    let context = Context::new().expect("the library works");
    println!("context: {:?}", clock.elapsed());
    let context = context.with_versions(versions);
    let day = Duration::from_secs(24 * 60 * 60);
    let certificates = [(); 2].map(|()| {
        let now = WallClock::from_unix_millis(1_795_000_000_000);
        Certificate::generate(KeygenAlgorithm::EcdsaP256, now, day, &mut Rng::from_u64(1))
            .expect("a certificate")
    });
    let pairs = 200;
    let begin = Clock::now();
    for _ in 0..pairs {
        connect(&context, clock, &certificates);
    }
    println!(
        "set-up: {:?} per pair to an open channel",
        begin.elapsed() / pairs
    );

    let before = resident_bytes();
    let idle: Vec<[End; 2]> = (0..1000)
        .map(|_| connect(&context, clock, &certificates))
        .collect();
    let per_end = (resident_bytes() - before) / (2 * idle.len());
    println!("memory: {} KiB per idle connection", per_end / 1024);
    drop(idle);

    let [mut a, mut b] = connect(&context, clock, &certificates);
    let now = || Instant::from_origin(clock.elapsed());
    let message = Bytes::from(vec![7; bytes]);
    let mut train = Vec::new();
    let begin = Clock::now();
    let mut idle = 0u64;
    while begin.elapsed() < time {
        while a.buffered < LIMIT {
            a.buffered += bytes;
            let command = Command::Send {
                channel: CHANNEL,
                data: message.clone(),
                binary: true,
            };
            a.session.handle_command(now(), command);
        }
        let sent = carry(now(), &mut a, &mut b, &mut train);
        carry(now(), &mut b, &mut a, &mut train);
        idle += u64::from(!sent);
    }
    let seconds = begin.elapsed().as_secs_f64();
    let megabytes = b.received as f64 / 1e6;
    println!(
        "{bytes} B: {:.0} MB/s, {:.0} messages/s, {:.2} CPU s/GB for both ends, {idle} idle turns",
        megabytes / seconds,
        b.messages as f64 / seconds,
        seconds / megabytes * 1000.0,
    );
}
