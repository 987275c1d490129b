//! One stream of video packets by the packet API: as fast as they are taken, or so many a second.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use duologue::{
    Bitrate, BitrateBounds, Bytes, MediaKind, RtpPacketInit, RtpPacketWriter, RtpPackets,
    RtpTransceiver, TransceiverDirection, TransceiverInit,
};

use crate::args::Args;
use crate::pair::{Pairs, Peer};
use crate::{Outcome, Received, report, seconds};

/// Bytes of a packet's payload, as with every peer of the comparison.
const PAYLOAD: usize = 1_200;
/// Packets that a paced sender hands over at once, as every peer of the comparison does at most.
const BURST: u64 = 32;
/// Packets that are handed over, and taken, at once.
const BATCH: usize = 256;
/// Megabits per second that as fast as packets are taken begins with, and is not slower than.
const START_MBPS: u64 = 6_000;
const LEAST_MBPS: u64 = 2_000;
/// A packet's share of a video clock of 90 kHz, as with every peer of the comparison.
const TICKS: u32 = 90;

pub(crate) async fn run(args: &Args) -> Outcome<String> {
    let pairs = Pairs::within(bounds(args), args)?;
    let (mut alice, mut bob) = pairs.peers()?;
    let init = TransceiverInit {
        direction: TransceiverDirection::Sendonly,
        ..Default::default()
    };
    let from = alice.connection.add_transceiver(MediaKind::Video, init)?;
    pairs.negotiate(&mut alice, &mut bob).await?;
    let (sent, received) = (Arc::<AtomicU64>::default(), Arc::<Received>::default());
    tokio::spawn(take(
        receiving(&bob)?.receiver().packets(),
        received.clone(),
    ));
    let writer = from.sender().packets();
    match args.get("pps", 0.0) {
        pps if pps > 0.0 => tokio::spawn(send_by_the_clock(writer, pps, sent.clone())),
        _ => tokio::spawn(send_all(writer, sent.clone())),
    };

    tokio::time::sleep(seconds(args.get("warm", 1.0))).await;
    let (cpu, begin) = (report::cpu(), Instant::now());
    let (sent_before, before) = (sent.load(Ordering::Relaxed), received.read());
    tokio::time::sleep(seconds(args.get("secs", 10.0))).await;
    let (sent, received) = (sent.load(Ordering::Relaxed) - sent_before, received.read());
    let (cpu, window) = (report::cpu() - cpu, begin.elapsed());

    let arrived = (received.0 - before.0, received.1 - before.1);
    Ok(report::rtp(sent as f64, arrived, window, cpu))
}

/// What a packet costs is measured, and not how soon congestion control finds out what loopback carries:
/// it begins fast, and stays so where the scheduler holds packets up.
fn bounds(args: &Args) -> BitrateBounds {
    let mbps = |name, default| Bitrate::from_kbps(1_000 * args.get(name, default));
    BitrateBounds {
        min: mbps("least", LEAST_MBPS),
        start: mbps("start", START_MBPS),
        ..BitrateBounds::default()
    }
}

fn receiving(peer: &Peer) -> Outcome<RtpTransceiver> {
    let first = peer.connection.transceivers().into_iter().next();
    first.ok_or_else(|| "no transceiver".into())
}

async fn take(mut packets: RtpPackets, received: Arc<Received>) {
    let mut batch = Vec::with_capacity(BATCH);
    while packets.recv_many(&mut batch, BATCH).await > 0 {
        let bytes: usize = batch.iter().map(|packet| packet.payload.len()).sum();
        received.add(bytes as u64, batch.len() as u64);
        batch.clear();
    }
}

async fn send_all(writer: RtpPacketWriter, sent: Arc<AtomicU64>) {
    let payload = payload();
    for number in (0..).step_by(BATCH) {
        let mut batch = packets(number, BATCH as u64, &payload);
        if writer.send_all(&mut batch).await.is_err() {
            return;
        }
        sent.fetch_add(BATCH as u64, Ordering::Relaxed);
    }
}

async fn send_by_the_clock(writer: RtpPacketWriter, pps: f64, sent: Arc<AtomicU64>) {
    let (payload, begin) = (payload(), Instant::now());
    let mut number = 0;
    loop {
        let due = (begin.elapsed().as_secs_f64() * pps) as u64;
        let count = due.saturating_sub(number).min(BURST);
        if count == 0 {
            tokio::time::sleep(Duration::from_micros(500)).await;
            continue;
        }
        let mut batch = packets(number, count, &payload);
        if writer.send_all(&mut batch).await.is_err() {
            return;
        }
        number += count;
        sent.fetch_add(count, Ordering::Relaxed);
    }
}

/// A key frame of VP8 in one packet: its descriptor and its header (RFC 7741 §4.2, RFC 6386 §9.1).
fn payload() -> Bytes {
    let mut payload = vec![0x11; PAYLOAD];
    payload[..10].copy_from_slice(&[0x10, 2, 0, 0x9d, 1, 0x2a, 64, 1, 180, 0]);
    payload.into()
}

fn packets(first: u64, count: u64, payload: &Bytes) -> Vec<RtpPacketInit> {
    let packet = |number: u64| RtpPacketInit {
        timestamp: (number as u32).wrapping_mul(TICKS),
        marker: true,
        payload: payload.clone(),
        ..Default::default()
    };
    (first..first + count).map(packet).collect()
}
