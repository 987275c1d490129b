//! `cargo run --release -p duologue-bench-micro --example media`: nanoseconds that a packet takes from
//! the application at one end to the application at the other, SRTP and the network left out, by the
//! number of streams on the transport.

#![allow(clippy::print_stdout, reason = "it is a program")]

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use duologue_base::{Instant, Rng, TransceiverId, WallClock};
use duologue_media::{MediaItem, MediaTransport, Outlet, RtpPacketInit};
use duologue_rtp::ext::uri;
use duologue_rtp::{
    Codec, CodecParameters, ExtensionId, HeaderExtensionParameters, MediaKind, PayloadType,
    ReceivePlan, RtcpFeedback, RtpParameters, SendPlan, SendStream, SourceParameters, Ssrc,
};

/// The fastest counts: a busy machine only ever makes one slower.
const ROUNDS: usize = 10;
/// Packets of a round.
const PACKETS: u32 = 50_000;
/// Time between two packets.
const STEP: Duration = Duration::from_micros(100);

fn main() {
    println!("| streams | packets | frames |");
    println!("|---:|---:|---:|");
    for streams in [1, 10, 100] {
        let [packets, frames] = [Outlet::Packets, Outlet::Frames].map(|it| measure(streams, it));
        println!("| {streams} | {packets:.0} ns | {frames:.0} ns |");
    }
}

fn measure(streams: u32, outlet: Outlet) -> f64 {
    let mut ends = Ends::new(streams, outlet);
    let round = |_| {
        let begin = std::time::Instant::now();
        (0..PACKETS).for_each(|packet| ends.step(packet % streams));
        begin.elapsed().as_nanos() as f64 / f64::from(PACKETS)
    };
    let fastest = (0..ROUNDS).map(round).fold(f64::INFINITY, f64::min);
    // What the pacer held back at first.
    (0..PACKETS).for_each(|_| ends.pass());
    assert_eq!(ends.received, ROUNDS * PACKETS as usize);
    fastest
}

/// Two ends without a network between them.
struct Ends {
    now: Instant,
    sender: MediaTransport,
    receiver: MediaTransport,
    /// The last sequence number of each stream, extended; those of repetitions behind the others.
    numbers: Vec<u64>,
    payload: Bytes,
    datagram: Vec<u8>,
    received: usize,
}

impl Ends {
    fn new(streams: u32, outlet: Outlet) -> Self {
        let origin = WallClock::from_unix_millis(1_795_000_000_000).into();
        let mut rng = Rng::from_u64(1);
        let mut sender = MediaTransport::new(origin, rng.fork());
        let mut receiver = MediaTransport::new(origin, rng.fork());
        let now = Instant::ZERO;
        for n in 0..streams {
            let id = TransceiverId(n);
            sender.set_send(now, id, Arc::new(send_plan(n)));
            receiver.set_receive(now, id, Arc::new(receive_plan(n)), outlet);
        }
        Ends {
            now,
            sender,
            receiver,
            numbers: vec![0; 2_000],
            // A key frame of VP8 with its descriptor (RFC 7741 §4.2, RFC 6386 §9.1).
            payload: Bytes::from(
                [&[0x10, 2, 0, 0x9d, 1, 0x2a, 64, 1, 180, 0][..], &[7; 1_000]].concat(),
            ),
            datagram: Vec::with_capacity(1_500),
            received: 0,
        }
    }

    /// One packet goes over, and what else is due.
    fn step(&mut self, stream: u32) {
        let now = self.now + STEP;
        let packet = RtpPacketInit {
            timestamp: (now.since_origin().as_micros() * 9 / 100) as u32,
            marker: true,
            payload: self.payload.clone(),
            ..Default::default()
        };
        self.sender.send(now, TransceiverId(stream), vec![packet]);
        self.pass();
    }

    /// Time passes, and what is due goes over.
    fn pass(&mut self) {
        self.now += STEP;
        let (now, out) = (self.now, &mut self.datagram);
        while self.sender.wants_to_send(now) && self.sender.poll_rtp(now, 1_200, out).is_some() {
            let number = u16::from_be_bytes([out[2], out[3]]);
            let ssrc = u32::from_be_bytes([out[8], out[9], out[10], out[11]]);
            // Repetitions have numbers of their own.
            let (stream, again) = ((ssrc % 1_000) as usize, ssrc >= 5_000);
            let last = &mut self.numbers[usize::from(again) * 1_000 + stream];
            *last += u64::from(number.wrapping_sub(*last as u16));
            self.receiver.handle_rtp(now, now, *last, out);
            out.clear();
        }
        while self.sender.poll_rtcp(now, out) {
            self.receiver.handle_rtcp(now, out);
            out.clear();
        }
        while self.receiver.poll_rtcp(now, out) {
            self.sender.handle_rtcp(now, out);
            out.clear();
        }
        if self.receiver.poll_timeout().is_some_and(|due| due <= now) {
            self.receiver.handle_timeout(now);
        }
        while let Some(item) = self.receiver.poll_item() {
            let whole = matches!(item, MediaItem::Packet(..) | MediaItem::Frame(..));
            self.received += usize::from(whole);
        }
        while self.receiver.poll_report().is_some() || self.sender.poll_report().is_some() {}
    }
}

fn source(n: u32) -> SourceParameters {
    SourceParameters {
        ssrc: Ssrc(1_000 + n),
        rtx: Some(Ssrc(5_000 + n)),
        fec: None,
    }
}

fn send_plan(n: u32) -> SendPlan {
    let ReceivePlan {
        mid,
        kind,
        parameters,
        ..
    } = receive_plan(n);
    SendPlan {
        mid,
        kind,
        parameters,
        streams: vec![SendStream {
            rid: None,
            source: source(n),
        }],
    }
}

fn receive_plan(n: u32) -> ReceivePlan {
    ReceivePlan {
        mid: format!("m{n}").parse().expect("a mid"),
        kind: MediaKind::Video,
        parameters: video(),
        rids: Vec::new(),
        sources: Vec::new(),
        sent_formats: Vec::new(),
    }
}

fn video() -> RtpParameters {
    let payload_type = |number| PayloadType::new(number).expect("below 128");
    let vp8 = Codec {
        kind: MediaKind::Video,
        name: "VP8".to_owned(),
        clock_rate: 90_000,
        channels: None,
        sdp_fmtp_line: None,
    };
    let extension = |id, uri: &str| HeaderExtensionParameters {
        uri: uri.to_owned(),
        id: ExtensionId::new(id).expect("not 0"),
        encrypted: false,
    };
    RtpParameters {
        codecs: vec![
            CodecParameters {
                payload_type: payload_type(96),
                codec: vp8,
                feedback: vec![
                    RtcpFeedback::Nack,
                    RtcpFeedback::Pli,
                    RtcpFeedback::TransportCc,
                ],
            },
            CodecParameters {
                payload_type: payload_type(97),
                codec: Codec::rtx(MediaKind::Video, 90_000, Some(payload_type(96))),
                feedback: Vec::new(),
            },
        ],
        header_extensions: vec![
            extension(1, uri::MID),
            extension(3, uri::TRANSPORT_SEQUENCE),
        ],
        cname: Some("somebody".to_owned()),
        reduced_size: true,
        extmap_allow_mixed: false,
        cryptex: duologue_rtp::Cryptex::Off,
    }
}
