use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::OnceLock;
use std::time::Duration;

use arbitrary::Arbitrary;
use duologue_base::{DtlsRole, Instant, Rng, WallClock};
use duologue_dtls::{Context, Event, State, Transport, Version, Versions};
use duologue_identity::{Certificate, KeygenAlgorithm};

use crate::End;
use crate::memory;
use crate::wire::{Fate, Packet, Wire};

/// A client and a server, and what happens to their datagrams.
#[derive(Arbitrary, Debug)]
pub struct DtlsScenario {
    versions: [u8; 2],
    post_quantum: bool,
    cookies: bool,
    /// What strangers send while an end does not know its role yet.
    early: Vec<(End, Forged)>,
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
    Send {
        at: End,
        len: u8,
    },
    Close {
        at: End,
    },
    /// Of somebody who knows both addresses and no keys.
    Forge {
        to: End,
        forged: Forged,
    },
}

#[derive(Arbitrary, Debug)]
enum Forged {
    Bytes(Vec<u8>),
    /// A record of this kind in this epoch.
    Record {
        content: u8,
        epoch: u8,
        number: u16,
        body: Vec<u8>,
    },
    /// A handshake message, or a piece of one, in plaintext.
    Message {
        kind: u8,
        number: u8,
        longer: u16,
        offset: u16,
        body: Vec<u8>,
    },
    /// What is on the way, with other bytes at one place.
    Changed {
        from: End,
        at: u16,
        with: [u8; 4],
    },
    Alert {
        level: u8,
        description: u8,
    },
}

/// What one end sealed is given out at the other end at most once, and nothing else ever is. Nobody
/// without the keys ends what is connected. Where nothing was forged or damaged, both ends connect.
pub fn dtls(scenario: DtlsScenario) {
    let _bound = memory::at_most_kib(512);
    let mut pair = Pair::new(&scenario);
    for (to, forged) in scenario.early {
        pair.perform(Operation::Forge { to, forged });
    }
    pair.start();
    for operation in scenario.before {
        pair.perform(operation);
    }
    if !pair.tampered {
        pair.settle();
        pair.check_connected();
    }
    for operation in scenario.after {
        pair.perform(operation);
    }
}

/// The same, of DTLS 1.2 alone.
pub fn dtls_12(mut scenario: DtlsScenario) {
    scenario.versions = [ONLY_12; 2];
    dtls(scenario);
}

/// The same, of DTLS 1.3 alone.
pub fn dtls_13(mut scenario: DtlsScenario) {
    scenario.versions = [ONLY_13; 2];
    dtls(scenario);
}

/// The same, once both ends are connected: the record layer.
pub fn dtls_record(mut scenario: DtlsScenario) {
    scenario.early.clear();
    scenario.before.clear();
    dtls(scenario);
}

/// Numbers of [`versions`].
const ONLY_12: u8 = 1;
const ONLY_13: u8 = 2;

struct Pair {
    now: Instant,
    ends: [Transport; 2],
    wire: Wire,
    /// Something was not as an end sent it, or an end was closed.
    tampered: bool,
    closed: bool,
    common: bool,
    sent: u64,
    /// Who sealed it, and its number.
    sealed: [BTreeSet<u64>; 2],
    opened: [BTreeSet<u64>; 2],
}

fn certificates() -> &'static [Certificate; 2] {
    static MADE: OnceLock<[Certificate; 2]> = OnceLock::new();
    MADE.get_or_init(|| {
        [1, 2].map(|seed| {
            let day = Duration::from_secs(86_400);
            let (now, mut rng) = (WallClock::default(), Rng::from_u64(seed));
            Certificate::generate(KeygenAlgorithm::EcdsaP256, now, day, &mut rng).expect("a key")
        })
    })
}

fn versions(number: u8) -> Versions {
    match number % 3 {
        0 => Versions::Both,
        ONLY_12 => Versions::Only(Version::V12),
        _ => Versions::Only(Version::V13),
    }
}

impl Pair {
    fn new(scenario: &DtlsScenario) -> Self {
        let certificates = certificates();
        let chosen = scenario.versions.map(versions);
        let make = |at: usize| {
            let context = Context::for_simulation(at as u64).expect("the library works");
            let context = context
                .with_versions(chosen[at])
                .with_post_quantum(scenario.post_quantum)
                .with_cookies(scenario.cookies);
            Transport::new(context, certificates[at].clone())
        };
        let common = chosen[0] == chosen[1] || chosen.contains(&Versions::Both);
        Pair {
            now: Instant::ZERO,
            ends: [make(0), make(1)],
            wire: Wire::default(),
            tampered: false,
            closed: false,
            common,
            sent: 0,
            sealed: Default::default(),
            opened: Default::default(),
        }
    }

    fn start(&mut self) {
        for (at, role) in [DtlsRole::Client, DtlsRole::Server].into_iter().enumerate() {
            let peer = certificates()[1 - at].fingerprints().to_vec();
            self.ends[at].start(self.now, role, peer);
        }
        self.flush();
    }

    fn perform(&mut self, operation: Operation) {
        let before = self.states();
        match operation {
            Operation::Carry { from, fate } => {
                self.tampered |= matches!(fate, Fate::Damaged { .. });
                if let Some(packet) = self.wire.meet(from, &fate) {
                    self.deliver(1 - from.index(), packet.bytes);
                }
            }
            Operation::Wait { ms } => self.wait(Duration::from_millis(u64::from(ms % 4096))),
            Operation::Send { at, len } => self.send(at.index(), len.into()),
            Operation::Close { at } => {
                self.ends[at.index()].close();
                self.tampered = true;
                self.closed = true;
            }
            Operation::Forge { to, forged } => {
                self.tampered = true;
                let datagram = self.forge(forged);
                self.deliver(to.index(), datagram);
            }
        }
        self.flush();
        if !self.closed {
            // Who is connected fails only because of the other end.
            let now = self.states();
            for (at, before) in before.into_iter().enumerate() {
                let ended = before == State::Connected && now[at] != before;
                assert!(!ended || now[1 - at] == State::Failed, "by a stranger");
            }
        }
    }

    fn states(&self) -> [State; 2] {
        [self.ends[0].state(), self.ends[1].state()]
    }

    fn forge(&self, forged: Forged) -> Vec<u8> {
        match forged {
            Forged::Bytes(bytes) => bytes,
            Forged::Record {
                content,
                epoch,
                number,
                body,
            } => record(content, epoch, number, &body),
            Forged::Message {
                kind,
                number,
                longer,
                offset,
                body,
            } => {
                let length = (body.len() as u32 + u32::from(longer)).to_be_bytes();
                let mut message = vec![kind, length[1], length[2], length[3], 0, number];
                message.extend([0, (offset >> 8) as u8, offset as u8]);
                message.extend(&(body.len() as u32).to_be_bytes()[1..]);
                message.extend(&body);
                record(22, 0, number.into(), &message)
            }
            Forged::Changed { from, at, with } => {
                let oldest = self.wire.oldest(from.index());
                let mut bytes = oldest
                    .map(|packet| packet.bytes.clone())
                    .unwrap_or_default();
                let at = usize::from(at) % bytes.len().max(1);
                for (byte, with) in bytes[at..].iter_mut().zip(with) {
                    *byte = with;
                }
                bytes
            }
            Forged::Alert { level, description } => record(21, 0, 0, &[level, description]),
        }
    }

    fn deliver(&mut self, to: usize, mut datagram: Vec<u8>) {
        let (sealed, opened) = (&self.sealed[1 - to], &mut self.opened[to]);
        self.ends[to].handle_datagram(self.now, &mut datagram, |packet| {
            let number = u64::from_be_bytes(packet[..8].try_into().expect("its number"));
            assert!(sealed.contains(&number), "nobody said that");
            assert!(opened.insert(number), "it came twice");
        });
    }

    fn send(&mut self, at: usize, len: usize) {
        let mut packet = self.sent.to_be_bytes().to_vec();
        packet.resize(8 + len, 7);
        let mut bytes = Vec::new();
        if self.ends[at].seal(self.now, &packet, &mut bytes) {
            self.sealed[at].insert(self.sent);
            self.put(at, bytes);
        }
        self.sent += 1;
    }

    fn put(&mut self, from: usize, bytes: Vec<u8>) {
        let address = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 1);
        let (from_address, to) = (address, address);
        let packet = Packet {
            from: from_address,
            to,
            bytes,
        };
        self.wire.send(from, packet);
    }

    fn flush(&mut self) {
        for at in 0..2 {
            let mut datagram = Vec::new();
            while self.ends[at].poll_datagram(&mut datagram) {
                assert!(datagram.len() <= 1232);
                self.put(at, std::mem::take(&mut datagram));
            }
            while let Some(event) = self.ends[at].poll_event() {
                if let Event::Connected {
                    remote_certificate, ..
                } = event
                {
                    assert_eq!(remote_certificate, certificates()[1 - at].der());
                }
            }
        }
    }

    fn wait(&mut self, time: Duration) {
        let end = self.now + time;
        for _ in 0..1000 {
            let due = Instant::earliest([0, 1].map(|at| self.ends[at].poll_timeout()));
            let Some(due) = due.filter(|due| *due <= end) else {
                break;
            };
            self.now = self.now.max(due);
            for end in &mut self.ends {
                if end.poll_timeout().is_some_and(|at| at <= self.now) {
                    end.handle_timeout(self.now);
                }
            }
            self.flush();
        }
        self.now = end;
    }

    /// Everything arrives for a while.
    fn settle(&mut self) {
        for _ in 0..200 {
            for from in [End::A, End::B] {
                while let Some(packet) = self.wire.meet(from, &Fate::Delivered) {
                    self.deliver(1 - from.index(), packet.bytes);
                    self.flush();
                }
            }
            self.wait(Duration::from_millis(10));
        }
    }

    fn check_connected(&self) {
        // Time may have run out before.
        let early = self.now < Instant::ZERO + Duration::from_secs(25);
        if self.common && early {
            assert_eq!(self.states(), [State::Connected; 2]);
        }
    }
}

fn record(content: u8, epoch: u8, number: u16, body: &[u8]) -> Vec<u8> {
    let number = number.to_be_bytes();
    let mut record = vec![content, 0xfe, 0xfd, 0, epoch, 0, 0, 0, 0];
    record.extend(number);
    record.extend((body.len() as u16).to_be_bytes());
    record.extend(body);
    record
}
