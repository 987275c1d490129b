//! Encoded frames through the public API, over real sockets on loopback.
#![allow(
    clippy::unwrap_used,
    reason = "helpers outside #[test] functions are tests too"
)]

mod common;

use common::media::{Call, call, negotiate_again, within};
use duologue::limits::{FRAME_BACKLOG, SEND_ITEMS};
use duologue::{
    Bytes, EncodedFrame, EncodedFrameInit, EncodedFrameWriter, EncodedFrames, Event, ExceptionName,
    PayloadType, RtpSender, TransceiverDirection,
};

const AUDIO: usize = 0;
const VIDEO: usize = 1;

/// What a codec's frames look like to RTP, as far as it looks.
#[derive(Clone, Copy, Debug)]
enum Codec {
    Vp8,
    H264,
    Opus,
}

impl Codec {
    fn mime_type(self) -> &'static str {
        match self {
            Codec::Vp8 => "video/VP8",
            Codec::H264 => "video/H264",
            Codec::Opus => "audio/opus",
        }
    }

    /// Which of the transceivers of a call it is for.
    fn at(self) -> usize {
        match self {
            Codec::Opus => AUDIO,
            Codec::Vp8 | Codec::H264 => VIDEO,
        }
    }

    fn is_key(self, number: u32) -> bool {
        matches!(self, Codec::Opus) || number.is_multiple_of(30)
    }

    /// A frame that ends with its number, and with no zero: units of H.264 do not.
    fn frame(self, number: u32, len: usize) -> Bytes {
        let key = self.is_key(number);
        let mut frame = match (self, key) {
            // RFC 6386 §9.1: bit 0 is clear in key frames, which have a start code and their size.
            (Codec::Vp8, true) => vec![0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0xe0, 0x01],
            (Codec::Vp8, false) => vec![0x11, 0, 0],
            // ITU-T H.264 annex B: parameter sets and a slice of an IDR picture, or another slice.
            (Codec::H264, true) => {
                vec![
                    0, 0, 0, 1, 0x67, 0x42, 0xe0, 0x1f, 0, 0, 0, 1, 0x68, 0xce, 0, 0, 0, 1, 0x65,
                ]
            }
            (Codec::H264, false) => vec![0, 0, 0, 1, 0x41],
            // RFC 6716 §3.1: one frame of 20 ms.
            (Codec::Opus, _) => vec![0x78],
        };
        frame.resize(frame.len() + len, 0x77);
        frame.extend(
            [0x80; 4]
                .iter()
                .zip(number.to_be_bytes())
                .flat_map(|(mark, byte)| [byte, *mark]),
        );
        frame.into()
    }

    fn init(self, sender: &RtpSender, number: u32, len: usize) -> EncodedFrameInit {
        let codecs = sender.parameters().unwrap().codecs;
        let mut codecs = codecs.into_iter();
        let codec = codecs.find(|it| it.codec.mime_type == self.mime_type());
        EncodedFrameInit {
            payload_type: PayloadType::new(codec.expect("it is agreed on").payload_type),
            timestamp: number * 3_000,
            data: self.frame(number, len),
            ..Default::default()
        }
    }
}

fn number(frame: &EncodedFrame) -> u32 {
    let end = &frame.data[frame.data.len() - 8..];
    u32::from_be_bytes([end[0], end[2], end[4], end[6]])
}

async fn send(call: &Call, codec: Codec, numbers: std::ops::Range<u32>, len: usize) {
    let sender = call.of_alice[codec.at()].sender();
    let frames = numbers.map(|number| codec.init(&sender, number, len));
    let sent = sender.frames();
    let sent = within(sent.send_all(&mut frames.collect())).await;
    sent.expect("it is open");
}

/// So many frames, as they come.
async fn received(frames: &mut EncodedFrames, count: usize) -> Vec<EncodedFrame> {
    let mut received = Vec::new();
    while received.len() < count {
        let limit = count - received.len();
        let come = frames.recv_many(&mut received, limit);
        assert!(within(come).await > 0, "it ended");
    }
    received
}

async fn numbers(frames: &mut EncodedFrames, count: usize) -> Vec<u32> {
    received(frames, count).await.iter().map(number).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_of_vp8_h264_and_opus_go_both_ways_whole_and_in_order() {
    let call = call().await;
    let ends = [
        (&call.of_alice, &call.of_bob),
        (&call.of_bob, &call.of_alice),
    ];
    for (from, to) in ends {
        for (codec, len) in [
            (Codec::Opus, 160),
            (Codec::Vp8, 5_000),
            (Codec::H264, 9_000),
        ] {
            let at = codec.at();
            let sender = from[at].sender();
            let mut frames = to[at].receiver().frames();
            let writer = sender.frames();
            let mut batch = (0..100).map(|n| codec.init(&sender, n, len)).collect();
            within(writer.send_all(&mut batch)).await.unwrap();
            let came = received(&mut frames, 100).await;
            for (n, frame) in (0..).zip(&came) {
                let sent = codec.init(&sender, n, len);
                assert!(frame.data == sent.data, "{codec:?} {n}");
                assert_eq!(Some(frame.payload_type), sent.payload_type);
                assert_eq!(
                    (frame.timestamp, frame.key),
                    (sent.timestamp, codec.is_key(n))
                );
            }
            let first = came[0].size.map(|size| (size.width, size.height));
            assert_eq!(first, matches!(codec, Codec::Vp8).then_some((640, 480)));
            assert_eq!(frames.dropped(), 0);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn packets_and_frames_of_one_receiver_are_read_side_by_side() {
    let call = call().await;
    let receiver = call.of_bob[VIDEO].receiver();
    let (mut frames, mut packets) = (receiver.frames(), receiver.packets());
    send(&call, Codec::Vp8, 0..10, 5_000).await;
    assert_eq!(numbers(&mut frames, 10).await, Vec::from_iter(0..10));
    let mut of_frames = 0;
    while of_frames < 10 {
        let packet = within(packets.recv()).await.expect("it goes on");
        of_frames += usize::from(packet.marker);
    }

    // One of them goes, and the other one goes on.
    drop(packets);
    send(&call, Codec::Vp8, 10..20, 5_000).await;
    assert_eq!(numbers(&mut frames, 10).await, Vec::from_iter(10..20));
    drop(frames);
    let mut packets = receiver.packets();
    send(&call, Codec::Vp8, 20..30, 5_000).await;
    assert!(within(packets.recv()).await.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_does_not_read_loses_the_oldest_frames_and_holds_up_nobody() {
    let call = call().await;
    let mut slow = call.of_bob[AUDIO].receiver().frames();
    let mut quick = call.of_bob[VIDEO].receiver().frames();
    let count = 2 * FRAME_BACKLOG as u32;
    for first in (0..count).step_by(16) {
        send(&call, Codec::Opus, first..first + 16, 100).await;
        send(&call, Codec::Vp8, first..first + 16, 500).await;
        let came = numbers(&mut quick, 16).await;
        assert_eq!(came, Vec::from_iter(first..first + 16));
    }
    assert_eq!(quick.dropped(), 0);

    // The last ones of the slow one's may still be on their way.
    send(&call, Codec::Opus, count..count + 1, 100).await;
    let mut came = Vec::new();
    while came.last() != Some(&count) {
        came.extend(numbers(&mut slow, 1).await);
    }
    assert!(came.is_sorted() && came.len() <= FRAME_BACKLOG + 1);
    let all = came.len() as u64 + slow.dropped();
    assert_eq!(all, u64::from(count) + 1);
    assert!(slow.dropped() >= FRAME_BACKLOG as u64 - 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_begins_to_read_a_stream_that_runs_gets_a_key_frame_first() {
    let mut call = call().await;
    let receiver = call.of_bob[VIDEO].receiver();
    send(&call, Codec::Vp8, 0..5, 2_000).await;
    within(async {
        while receiver.track().unwrap().muted() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let mut frames = receiver.frames();
    let wanted = async {
        let wanted = call.alice.wait(|event| match event {
            Event::KeyFrameRequest { sender, .. } => Some(sender),
            _ => None,
        });
        within(wanted).await
    };
    let sender = call.of_alice[VIDEO].sender();
    let writer = sender.frames();
    let mut number = 5;
    let deltas = async {
        loop {
            let mut frame = vec![Codec::Vp8.init(&sender, number, 2_000)];
            number += 1;
            writer.send_all(&mut frame).await.unwrap();
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    tokio::select! {
        of = wanted => assert_eq!(of, sender),
        () = deltas => {}
    }
    send(&call, Codec::Vp8, 30..33, 2_000).await;
    let came = received(&mut frames, 3).await;
    assert!(came[0].key);
    assert_eq!(
        came.iter().map(self::number).collect::<Vec<_>>(),
        [30, 31, 32]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_waits_for_what_it_sent_to_leave() {
    let call = call().await;
    let sender = call.of_alice[VIDEO].sender();
    let writer = sender.frames();
    let all_left = |writer: EncodedFrameWriter| async move {
        while writer.queued() > 0 {
            tokio::task::yield_now().await;
        }
    };
    let mut frames: Vec<_> = (0..4_000)
        .map(|n| Codec::Vp8.init(&sender, n, 3_000))
        .collect();
    let mut batches = 0;
    while !frames.is_empty() {
        let taken = writer.send(&mut frames).unwrap();
        assert!(taken <= SEND_ITEMS && writer.queued() <= SEND_ITEMS);
        batches += usize::from(taken > 0);
        within(writer.ready()).await.unwrap();
    }
    assert!(batches >= 4, "{batches}");
    within(all_left(writer.clone())).await;

    // What is no frame, what is of no codec that is agreed on, and what may not be sent do not wait.
    let nothing = EncodedFrameInit::default();
    let other = EncodedFrameInit {
        payload_type: PayloadType::new(1),
        ..Codec::Vp8.init(&sender, 0, 100)
    };
    assert_eq!(writer.send(&mut vec![nothing, other]), Ok(2));
    within(all_left(writer.clone())).await;
    call.of_alice[VIDEO]
        .set_direction(TransceiverDirection::Recvonly)
        .unwrap();
    let frame = Codec::Vp8.init(&sender, 0, 3_000);
    negotiate_again(&call).await;
    assert_eq!(writer.send(&mut vec![frame]), Ok(1));
    within(all_left(writer)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_transceiver_and_a_closed_connection_end_readers_and_writers() {
    let call = call().await;
    let mut frames = call.of_bob.clone().map(|it| it.receiver().frames());
    let writers = call.of_bob.clone().map(|it| it.sender().frames());
    call.of_bob[AUDIO].stop().unwrap();
    assert!(within(frames[AUDIO].recv()).await.is_none());
    let refused = |writer: &EncodedFrameWriter| {
        let refused = writer.send(&mut vec![EncodedFrameInit::default()]);
        refused.is_err_and(|error| error.name() == ExceptionName::InvalidStateError)
    };
    assert!(refused(&writers[AUDIO]) && !refused(&writers[VIDEO]));
    call.bob.connection.close();
    assert!(within(frames[VIDEO].recv()).await.is_none());
    assert!(refused(&writers[VIDEO]));
    assert!(within(writers[VIDEO].ready()).await.is_err());
}
