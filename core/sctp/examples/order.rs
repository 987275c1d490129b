//! What a peer's order of small chunks costs the receiver: nanoseconds for each byte that came.
//! `cargo run --release -p duologue-sctp --example order`
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark prints and reads the clock"
)]

use std::time::Instant as Clock;

use bytes::Bytes;
use duologue_base::{Instant, Rng, StreamId};
use duologue_sctp::{Association, AssociationState, Config, Ppid, SendOptions};

const HEADER: usize = 12;
const I_DATA: u8 = 64;
const FIRST: u8 = 2;
const LAST: u8 = 1;
const PAYLOAD: usize = 4;
const CHUNKS_A_PACKET: usize = 40;
const CHUNKS: u32 = 30_000;

/// A chunk of the hostile peer's: which message, which part of it, and its flags.
type Piece = (u32, u32, u8);

/// An association that is set up, its peer's packet header, and the TSN that comes next.
fn victim() -> (Association, Vec<u8>, u32) {
    let now = Instant::ZERO;
    let config = Config::default();
    let mut peers = [1, 2].map(|seed| Association::new(config.clone(), Rng::from_u64(seed)));
    peers[0].connect(now);
    while peers
        .iter()
        .any(|peer| peer.state() != AssociationState::Connected)
    {
        for from in 0..2 {
            let mut packet = Vec::new();
            while peers[from].poll_packet(now, &mut packet) {
                peers[1 - from].handle_packet(now, &packet);
                packet.clear();
            }
        }
    }
    let message = Bytes::from_static(b"last");
    let sent = peers[0].send(now, StreamId(0), Ppid(51), message, SendOptions::default());
    sent.expect("connected");
    let mut packet = Vec::new();
    while peers[0].poll_packet(now, &mut packet) {
        if packet[HEADER] == I_DATA {
            break;
        }
        peers[1].handle_packet(now, &packet);
        packet.clear();
    }
    let tsn = u32::from_be_bytes(packet[16..20].try_into().expect("four bytes"));
    packet.truncate(HEADER);
    let [_, victim] = peers;
    (victim, packet, tsn)
}

/// Nanoseconds a byte for chunks in this order.
fn cost(pieces: &[Piece]) -> f64 {
    let (mut victim, header, first) = victim();
    let mut tsn = first;
    let mut packets = Vec::new();
    for pieces in pieces.chunks(CHUNKS_A_PACKET) {
        // Without a checksum: both agreed on that.
        let mut packet = header.clone();
        packet[8..HEADER].fill(0);
        for &(message, part, flags) in pieces {
            packet.extend([I_DATA, flags, 0, (20 + PAYLOAD) as u8]);
            packet.extend(tsn.to_be_bytes());
            packet.extend([0, 1, 0, 0]);
            packet.extend(message.to_be_bytes());
            let ppid_or_part = if flags & FIRST != 0 { 53 } else { part };
            packet.extend(ppid_or_part.to_be_bytes());
            packet.extend([0x5a; PAYLOAD]);
            tsn = tsn.wrapping_add(1);
        }
        packets.push(packet);
    }
    let bytes: usize = packets.iter().map(Vec::len).sum();
    let begin = Clock::now();
    let mut out = Vec::new();
    for packet in &packets {
        victim.handle_packet(Instant::ZERO, packet);
        while victim.poll_message().is_some() {}
        while victim.poll_packet(Instant::ZERO, &mut out) {
            out.clear();
        }
    }
    let time = begin.elapsed();
    assert_eq!(victim.state(), AssociationState::Connected, "it took them");
    time.as_nanos() as f64 / bytes as f64
}

/// All of them in an order of chance.
fn shuffled(mut pieces: Vec<Piece>) -> Vec<Piece> {
    let mut rng = Rng::from_u64(1);
    for i in (1..pieces.len()).rev() {
        pieces.swap(i, rng.below(i as u32 + 1) as usize);
    }
    pieces
}

fn main() {
    let messages = || (0..CHUNKS).map(|n| (n, 0, FIRST | LAST));
    let parts = |step: usize| {
        let part = |n| (0, n, if n == 0 { FIRST } else { 0 });
        (0..CHUNKS).step_by(step).map(part)
    };
    let orders = [
        ("messages in order", messages().collect::<Vec<_>>()),
        ("messages, the last first", messages().rev().collect()),
        (
            "messages in an order of chance",
            shuffled(messages().collect()),
        ),
        ("fragments in order", parts(1).collect()),
        ("fragments, the last first", parts(1).rev().collect()),
        (
            "every other fragment, in an order of chance",
            shuffled(parts(2).collect()),
        ),
        (
            "fragments in an order of chance",
            shuffled(parts(1).collect()),
        ),
    ];
    for (name, pieces) in orders {
        let best = (0..5).map(|_| cost(&pieces)).fold(f64::MAX, f64::min);
        println!("{best:6.1} ns a byte: {name}");
    }
}
