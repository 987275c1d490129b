//! The most memory that a peer can make one association and its channels hold, whatever it sends: the
//! number in `SECURITY.md`. Run with `--nocapture` for the figures.
#![allow(unsafe_code, reason = "counting allocations takes an allocator")]
#![allow(
    clippy::disallowed_types,
    clippy::disallowed_macros,
    reason = "an allocator is called by every thread"
)]
#![allow(
    clippy::print_stdout,
    reason = "the figures are what one runs this for"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicI64, Ordering};

use duologue_base::{Instant, Rng};
use duologue_datachannel::{ChannelInit, Channels, DcepMessage};
use duologue_sctp::{Association, Config};

/// What `SECURITY.md` states.
const MOST: i64 = 24 << 20;
const NOW: Instant = Instant::ZERO;

/// Counts what the victim allocates, as an allocator rounds it.
struct Counting;

static HELD: AtomicI64 = AtomicI64::new(0);

std::thread_local! {
    static IS_VICTIM: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

fn count(layout: Layout, sign: i64) {
    if IS_VICTIM.get() {
        let rounded = (layout.size() + 8).next_multiple_of(16).max(32) as i64;
        HELD.fetch_add(sign * rounded, Ordering::Relaxed);
    }
}

// SAFETY: everything is passed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout, 1);
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(layout, -1);
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// One end with the defaults, and a peer that writes its packets by hand.
struct Attack {
    association: Association,
    channels: Channels,
    /// What packets to the victim begin with.
    header: [u8; 12],
    tsn: u32,
    request: u32,
    /// The victim's last answer.
    answer: Vec<u8>,
    packet: Vec<u8>,
    most: i64,
}

const BEGIN: u8 = 2;
const END: u8 = 1;
const UNORDERED: u8 = 4;

impl Attack {
    fn new() -> Self {
        HELD.store(0, Ordering::Relaxed);
        let mut peer = Association::new(Config::default(), Rng::from_u64(1));
        IS_VICTIM.set(true);
        let association = Association::new(Config::default(), Rng::from_u64(2));
        let channels = Channels::new(true, 1 << 20);
        IS_VICTIM.set(false);
        let mut attack = Attack {
            association,
            channels,
            header: [0; 12],
            tsn: 0,
            request: 0,
            answer: Vec::with_capacity(4_096),
            packet: Vec::with_capacity(4_096),
            most: 0,
        };
        peer.connect(NOW);
        let mut packet = Vec::new();
        for _ in 0..4 {
            while peer.poll_packet(NOW, &mut packet) {
                if packet[12] == 1 {
                    let initial: [u8; 4] = packet[28..32].try_into().expect("four bytes");
                    attack.tsn = u32::from_be_bytes(initial);
                    attack.request = attack.tsn;
                }
                // Without its checksum, which DTLS makes needless.
                attack.header[..8].copy_from_slice(&packet[..8]);
                attack.take(&packet);
                peer.handle_packet(NOW, &attack.answer);
                packet.clear();
            }
        }
        assert!(attack.association.stats().interleaving);
        attack
    }

    /// The victim takes a packet; nobody reads what it brings.
    fn take(&mut self, packet: &[u8]) {
        IS_VICTIM.set(true);
        self.association.handle_packet(NOW, packet);
        while let Some(event) = self.association.poll_event() {
            self.channels.handle_event(&mut self.association, &event);
        }
        self.answer.clear();
        while self.answer.is_empty() && self.association.poll_packet(NOW, &mut self.answer) {}
        IS_VICTIM.set(false);
        self.most = self.most.max(HELD.load(Ordering::Relaxed));
    }

    fn read(&mut self) {
        IS_VICTIM.set(true);
        while self
            .channels
            .poll_report(NOW, &mut self.association)
            .is_some()
        {}
        IS_VICTIM.set(false);
    }

    /// Adds an I-DATA chunk with the next TSN; a full packet goes.
    fn data(&mut self, flags: u8, stream: u16, message: u32, word: u32, payload: &[u8]) {
        self.data_with(0, flags, stream, message, word, payload);
        self.tsn = self.tsn.wrapping_add(1);
    }

    fn data_with(
        &mut self,
        ahead: u32,
        flags: u8,
        stream: u16,
        message: u32,
        word: u32,
        payload: &[u8],
    ) {
        let mut value = Vec::with_capacity(16 + payload.len());
        value.extend_from_slice(&self.tsn.wrapping_add(ahead).to_be_bytes());
        value.extend_from_slice(&stream.to_be_bytes());
        value.extend_from_slice(&[0, 0]);
        value.extend_from_slice(&message.to_be_bytes());
        value.extend_from_slice(&word.to_be_bytes());
        value.extend_from_slice(payload);
        self.chunk(64, flags, &value);
    }

    fn chunk(&mut self, kind: u8, flags: u8, value: &[u8]) {
        if self.packet.len() + value.len() + 8 > 1_188 {
            self.flush();
        }
        if self.packet.is_empty() {
            self.packet.extend_from_slice(&self.header);
        }
        self.packet.extend_from_slice(&[kind, flags]);
        let len = (value.len() + 4) as u16;
        self.packet.extend_from_slice(&len.to_be_bytes());
        self.packet.extend_from_slice(value);
        let padded = self.packet.len().next_multiple_of(4);
        self.packet.resize(padded, 0);
    }

    fn flush(&mut self) {
        let mut packet = std::mem::take(&mut self.packet);
        self.take(&packet);
        packet.clear();
        self.packet = packet;
    }

    /// A request to reset streams (RFC 6525 §4.1).
    fn reset(&mut self, streams: std::ops::Range<u16>) {
        let mut parameter = Vec::new();
        parameter.extend_from_slice(&13_u16.to_be_bytes());
        let len = 16 + 2 * streams.len() as u16;
        parameter.extend_from_slice(&len.to_be_bytes());
        for number in [self.request, 0, self.tsn.wrapping_sub(1)] {
            parameter.extend_from_slice(&number.to_be_bytes());
        }
        for stream in streams {
            parameter.extend_from_slice(&stream.to_be_bytes());
        }
        self.request = self.request.wrapping_add(1);
        self.chunk(130, 0, &parameter);
        self.flush();
    }

    fn finish(&mut self, name: &str) {
        self.flush();
        println!("{name}: {:.1} MiB", self.most as f64 / f64::from(1 << 20));
        assert!(self.most < MOST, "{name}: {}", self.most);
    }
}

/// More than the window of 8 MiB takes of anything.
const MANY: u32 = 300_000;

fn tiny_messages(attack: &mut Attack) {
    for n in 0..MANY {
        attack.data(BEGIN | END | UNORDERED, 1, n, 53, &[7]);
    }
}

fn messages_before_their_turn(attack: &mut Attack) {
    for n in 0..MANY {
        let (stream, message) = ((n % 1_000) as u16, 1 + n / 1_000);
        attack.data(BEGIN | END, stream, message, 53, &[7]);
    }
}

fn fragments_without_an_end(attack: &mut Attack) {
    for n in 0..MANY {
        let (stream, message) = ((n % 1_024) as u16, n / 1_024);
        attack.data(BEGIN | UNORDERED, stream, message, 53, &[7]);
    }
}

fn resets(attack: &mut Attack) {
    for _ in 0..3_000 {
        attack.reset(0..500);
    }
}

/// The last of many TSNs comes first; those before it fill a gap, though the window is closed.
fn what_fills_a_gap(attack: &mut Attack) {
    let flags = BEGIN | END | UNORDERED;
    attack.data_with(30_000, flags, 1, 0, 53, &[7]);
    for n in 1..30_000 {
        attack.data_with(n, flags, 1, n, 53, &[7; 1_150]);
    }
}

/// Names and pieces stay although the application reads.
fn channels_with_pieces(attack: &mut Attack) {
    let init = ChannelInit {
        label: "x".repeat(900),
        ..ChannelInit::default()
    };
    let open = DcepMessage::Open(init).encode();
    for n in 0..512 {
        attack.data(BEGIN | END, 2 * n + 1, 0, 50, &open);
        attack.flush();
        attack.read();
    }
    for round in 0..20 {
        for n in 0..512 {
            attack.data(BEGIN | END, 2 * n + 1, 1 + round, 52, &[7; 1_100]);
        }
        attack.flush();
        attack.read();
    }
}

#[test]
fn a_peer_cannot_make_one_connection_hold_more_than_is_stated() {
    type Step = fn(&mut Attack);
    let ways: [(&str, &[Step]); 7] = [
        ("tiny messages", &[tiny_messages]),
        ("messages before their turn", &[messages_before_their_turn]),
        ("fragments without an end", &[fragments_without_an_end]),
        ("resets", &[resets]),
        ("what fills a gap", &[what_fills_a_gap]),
        ("channels with pieces", &[channels_with_pieces]),
        (
            "all that adds up",
            &[channels_with_pieces, what_fills_a_gap, resets],
        ),
    ];
    for (name, steps) in ways {
        let mut attack = Attack::new();
        for step in steps {
            step(&mut attack);
        }
        attack.finish(name);
        let used = attack.association.stats().receive_window < 1 << 20;
        assert_eq!(
            used,
            name != "channels with pieces",
            "{name}: it does not reach"
        );
    }
    // The other test of this program would count, too.
    let mut attack = Attack::new();
    let open = DcepMessage::Open(ChannelInit::default()).encode();
    for stream in [1_023, 1_025, 65_533] {
        attack.data(BEGIN | END, stream, 0, 50, &open);
    }
    attack.flush();
    attack.read();
    assert_eq!(attack.channels.len(), 1, "1,024 streams have 512 odd ones");
}
