use std::collections::{BTreeSet, VecDeque};

use arbitrary::Arbitrary;
use duologue_base::{DtlsRole, SrtpKeying, SrtpProfile};
use duologue_rtp::Ssrc;
use duologue_srtp::{
    ACTIVE_STREAMS, Cryptex, MasterKey, OpenError, QUIET_STREAMS, REPLAY_WINDOW, Receiver, Sender,
};

use crate::memory;
use crate::wire::Fate;

/// A sender and a receiver with the same keys, and what happens to the packets between them.
#[derive(Arbitrary, Debug)]
pub struct SrtpScenario {
    profile: u8,
    cryptex: bool,
    required: bool,
    operations: Vec<Operation>,
}

#[derive(Arbitrary, Debug)]
enum Operation {
    /// These bytes with the header of a packet of this stream, so many numbers after its last.
    Send {
        ssrc: u8,
        skip: u16,
        bytes: Vec<u8>,
    },
    Report {
        ssrc: u8,
        bytes: Vec<u8>,
    },
    Meet(Fate),
    /// From somebody without the keys.
    Forge(Vec<u8>),
}

/// What was not damaged opens as it was sent, once; nothing else ever does, and nothing else leaves
/// a trace.
pub fn srtp(scenario: SrtpScenario) {
    let _bound = memory::at_most_kib(512);
    let mut pair = Pair::new(&scenario);
    for operation in scenario.operations {
        pair.perform(operation);
        let (streams, reporters) = pair.receiver.streams();
        assert!(streams.max(reporters) <= ACTIVE_STREAMS + QUIET_STREAMS);
        assert!(streams + reporters <= pair.opened.len());
    }
}

struct Pair {
    sender: Sender,
    receiver: Receiver,
    cryptex: bool,
    required: bool,
    wire: VecDeque<Packet>,
    /// RTP or RTCP, whose, which number.
    opened: BTreeSet<(bool, u32, u64)>,
    reports: u64,
}

#[derive(Clone)]
struct Packet {
    is_rtp: bool,
    ssrc: u32,
    index: u64,
    /// What it was before it was protected; as the receiver sees it.
    plain: Vec<u8>,
    sent: Vec<u8>,
    bytes: Vec<u8>,
}

impl Pair {
    fn new(scenario: &SrtpScenario) -> Self {
        let (profile, lengths) = match scenario.profile % 4 {
            0 => (SrtpProfile::Aes128CmSha1_80, 16 + 14),
            1 => (SrtpProfile::Aes128CmSha1_32, 16 + 14),
            2 => (SrtpProfile::AeadAes128Gcm, 16 + 12),
            _ => (SrtpProfile::AeadAes256Gcm, 32 + 12),
        };
        let keying = SrtpKeying {
            profile,
            material: (0..2 * lengths).collect::<Vec<u8>>().into(),
        };
        let [ours, _] = MasterKey::of_handshake(&keying, DtlsRole::Client).expect("keys");
        let [_, theirs] = MasterKey::of_handshake(&keying, DtlsRole::Server).expect("keys");
        let mut sender = Sender::new(&ours).expect("a context");
        let mut receiver = Receiver::new(&theirs).expect("a context");
        sender.set_cryptex(scenario.cryptex);
        receiver.set_cryptex(match (scenario.cryptex, scenario.required) {
            (_, true) => Cryptex::Required,
            (true, false) => Cryptex::Accepted,
            (false, false) => Cryptex::Off,
        });
        Pair {
            sender,
            receiver,
            cryptex: scenario.cryptex,
            required: scenario.required,
            wire: VecDeque::new(),
            opened: BTreeSet::new(),
            reports: 0,
        }
    }

    fn perform(&mut self, operation: Operation) {
        match operation {
            Operation::Send { ssrc, skip, bytes } => self.send(ssrc.into(), skip, bytes),
            Operation::Report { ssrc, bytes } => self.report(ssrc.into(), bytes),
            Operation::Meet(fate) => self.meet(&fate),
            Operation::Forge(bytes) => self.forge(&bytes),
        }
    }

    fn send(&mut self, ssrc: u32, skip: u16, mut bytes: Vec<u8>) {
        let last = self
            .sender
            .newest(Ssrc(ssrc))
            .map_or(0, |newest| newest + 1);
        let index = last + u64::from(skip % 0x7fff);
        bytes.resize(bytes.len().max(12), 0);
        bytes[0] = bytes[0] & 0x3f | 0x80;
        bytes[2..4].copy_from_slice(&(index as u16).to_be_bytes());
        bytes[8..12].copy_from_slice(&ssrc.to_be_bytes());
        let Some(plain) = self.as_received(&bytes) else {
            return;
        };
        let before = bytes.clone();
        let protected = self.sender.protect_rtp(&mut bytes, 0);
        if protected.is_err() {
            assert_eq!(bytes, before);
            return;
        }
        assert_eq!(protected, Ok(index));
        self.wire.push_back(Packet {
            is_rtp: true,
            ssrc,
            index,
            plain,
            sent: bytes.clone(),
            bytes,
        });
    }

    /// With the empty extension that encrypted CSRCs need. None for a packet that claims to be
    /// encrypted already: a receiver believes it.
    fn as_received(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let header = 12 + 4 * usize::from(bytes[0] & 0x0f);
        let mut plain = bytes.to_vec();
        if bytes[0] & 0x10 != 0 {
            let kind = bytes.get(header..header + 2)?;
            return (kind != [0xc0, 0xde] && kind != [0xc2, 0xde]).then_some(plain);
        }
        if self.cryptex && header > 12 && bytes.len() >= header {
            plain[0] |= 0x10;
            plain.splice(header..header, [0xbe, 0xde, 0, 0]);
        }
        Some(plain)
    }

    fn report(&mut self, ssrc: u32, mut bytes: Vec<u8>) {
        bytes.resize(bytes.len().max(8), 0);
        bytes[0] = bytes[0] & 0x3f | 0x80;
        bytes[4..8].copy_from_slice(&ssrc.to_be_bytes());
        let plain = bytes.clone();
        self.sender
            .protect_rtcp(&mut bytes, 0)
            .expect("it is a packet");
        self.wire.push_back(Packet {
            is_rtp: false,
            ssrc,
            index: self.reports,
            plain,
            sent: bytes.clone(),
            bytes,
        });
        self.reports += 1;
    }

    fn meet(&mut self, fate: &Fate) {
        let packet = match fate {
            Fate::Delivered => self.wire.pop_front(),
            Fate::Overtaking => self.wire.pop_back(),
            Fate::Duplicated => self.wire.front().cloned(),
            Fate::Lost => {
                self.wire.pop_front();
                None
            }
            Fate::Damaged { at, xor } => {
                if let Some(packet) = self.wire.front_mut() {
                    let at = usize::from(*at) % packet.bytes.len();
                    packet.bytes[at] ^= xor;
                }
                None
            }
        };
        if let Some(packet) = packet {
            self.deliver(packet);
        }
    }

    fn deliver(&mut self, packet: Packet) {
        let expected = self.expected(&packet);
        let mut bytes = packet.bytes;
        let opened = if packet.is_rtp {
            let opened = self.receiver.open_rtp(&mut bytes);
            opened.map(|opened| {
                assert_eq!(opened.sequence, packet.index);
                opened.length
            })
        } else {
            self.receiver.open_rtcp(&mut bytes)
        };
        match (opened, expected) {
            (Ok(length), Expected::Opened | Expected::Either) => {
                assert_eq!(bytes[..length], packet.plain);
                let key = (packet.is_rtp, packet.ssrc, packet.index);
                assert!(self.opened.insert(key), "opened twice");
            }
            (Err(_), Expected::Refused | Expected::Either) => {}
            (Err(error), Expected::RefusedWith(expected)) => assert_eq!(error, expected),
            (opened, expected) => panic!("{opened:?} instead of {expected:?}"),
        }
    }

    fn expected(&self, packet: &Packet) -> Expected {
        if packet.bytes != packet.sent {
            return Expected::Refused;
        }
        let shows = packet.is_rtp && packet.plain[0] & 0x1f != 0;
        if self.required && !self.cryptex && shows {
            return Expected::RefusedWith(OpenError::PlainHeader);
        }
        self.expected_of_number(packet)
    }

    /// What the packet's number alone lets expect.
    fn expected_of_number(&self, packet: &Packet) -> Expected {
        let of_stream = |index| (packet.is_rtp, packet.ssrc, index);
        let stream = of_stream(0)..=of_stream(u64::MAX);
        let Some((_, _, newest)) = self.opened.range(stream).next_back() else {
            return match packet.is_rtp && packet.index > 0xffff {
                true => Expected::Refused,
                false => Expected::Opened,
            };
        };
        if packet.is_rtp && newest.abs_diff(packet.index) >= 0x8000 {
            return Expected::Either;
        }
        if *newest >= packet.index + REPLAY_WINDOW {
            Expected::RefusedWith(OpenError::TooOld)
        } else if self.opened.contains(&of_stream(packet.index)) {
            Expected::RefusedWith(OpenError::Replayed)
        } else {
            Expected::Opened
        }
    }

    fn forge(&mut self, bytes: &[u8]) {
        if self.wire.iter().any(|packet| packet.bytes == bytes) {
            return;
        }
        let before = self.receiver.streams();
        assert!(self.receiver.open_rtp(&mut bytes.to_vec()).is_err());
        assert!(self.receiver.open_rtcp(&mut bytes.to_vec()).is_err());
        assert_eq!(self.receiver.streams(), before);
    }
}

#[derive(Debug)]
enum Expected {
    Opened,
    Refused,
    RefusedWith(OpenError),
    /// The receiver may take its number for another (RFC 3711 §3.3.1).
    Either,
}
