//! Frames changed on their way, over real sockets on loopback.
#![allow(
    clippy::unwrap_used,
    reason = "helpers outside #[test] functions are tests too"
)]

mod common;

use std::sync::mpsc;

use common::media::{Call, call, within};
use duologue::{
    EncodedFrameInit, EncodedFrames, Event, ExceptionName, FrameMetadata, FrameSize, RtpSender,
    SFrameCipherSuite, SFrameDecryptError, SFrameFailure, SFrameTransform, Transform,
    TransformFrame, Transformer,
};

const AUDIO: usize = 0;
const VIDEO: usize = 1;

/// A transform of a function.
struct By<F>(F);

impl<F: FnMut(TransformFrame, &mut Transformer<'_>) + Send + 'static> Transform for By<F> {
    fn transform(&mut self, frame: TransformFrame, transformer: &mut Transformer<'_>) {
        (self.0)(frame, transformer);
    }
}

fn by<F>(transform: F) -> Option<By<F>>
where
    F: FnMut(TransformFrame, &mut Transformer<'_>) + Send + 'static,
{
    Some(By(transform))
}

/// VP8, as far as anybody looks (RFC 6386 §9.1): a key frame of 640x480 when its number is even.
fn picture(number: u8) -> EncodedFrameInit {
    let header: &[u8] = match number.is_multiple_of(2) {
        true => &[0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0xe0, 0x01],
        false => &[0x11, 0, 0],
    };
    EncodedFrameInit {
        timestamp: u32::from(number) * 3_000,
        data: [header, &[number; 3_000]].concat().into(),
        ..Default::default()
    }
}

async fn send(sender: &RtpSender, frames: impl IntoIterator<Item = EncodedFrameInit>) {
    let mut frames = frames.into_iter().collect();
    within(sender.frames().send_all(&mut frames)).await.unwrap();
}

/// The last bytes of so many frames.
async fn last_bytes(frames: &mut EncodedFrames, count: usize) -> Vec<u8> {
    let mut last = Vec::new();
    for _ in 0..count {
        let frame = within(frames.recv()).await.expect("it is open");
        last.push(*frame.data.last().unwrap());
    }
    last
}

fn of_video(call: &Call) -> (RtpSender, EncodedFrames) {
    let receiver = call.of_bob[VIDEO].receiver();
    (call.of_alice[VIDEO].sender(), receiver.frames())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_enqueued_goes_on_in_its_order_and_the_rest_is_left_out() {
    let call = call().await;
    let (sender, mut frames) = of_video(&call);
    let mut held = None;
    sender.set_transform(by(move |frame, to| {
        match frame.data.last().unwrap() % 4 {
            // One later than another, one twice, one not at all.
            0 => held = Some(frame),
            1 => {
                to.enqueue(frame);
                to.enqueue(held.take().unwrap());
            }
            2 => {
                to.enqueue(frame.clone());
                to.enqueue(frame);
            }
            _ => {}
        }
    }));
    // Frames that need none before them, so that nothing else leaves any out.
    let of = |number: u8| EncodedFrameInit {
        data: [&picture(0).data[..10], &[number; 3_000]].concat().into(),
        timestamp: u32::from(number) * 3_000,
        ..Default::default()
    };
    send(&sender, (0..8).map(of)).await;
    let came = last_bytes(&mut frames, 8).await;
    assert_eq!(came, [1, 0, 2, 2, 5, 4, 6, 6]);
}

#[tokio::test(flavor = "multi_thread")]
async fn both_ends_change_frames_and_none_is_changed_without_a_transform() {
    let call = call().await;
    let (sender, mut frames) = of_video(&call);
    let receiver = call.of_bob[VIDEO].receiver();
    let add = |more: u8| {
        by(move |mut frame, to: &mut Transformer<'_>| {
            let mut data = frame.data.to_vec();
            data.push(more);
            frame.data = data.into();
            to.enqueue(frame);
        })
    };
    sender.set_transform(add(50));
    receiver.set_transform(add(60));
    send(&sender, [picture(0)]).await;
    let both = within(frames.recv()).await.unwrap().data;
    assert_eq!(both[..], [&picture(0).data[..], &[50, 60]].concat());

    sender.set_transform(None::<By<fn(TransformFrame, &mut Transformer<'_>)>>);
    receiver.set_transform(add(70));
    send(&sender, [picture(1), picture(2)]).await;
    // Both ways of reading pass it.
    let mut read = Vec::new();
    while read.len() < 2 {
        within(frames.recv_many(&mut read, 2)).await;
    }
    for (frame, number) in read.iter().zip([1, 2]) {
        assert_eq!(frame.data[..], [&picture(number).data[..], &[70]].concat());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_ends_are_told_of_the_same_frame() {
    let call = call().await;
    let (sender, mut frames) = of_video(&call);
    let receiver = call.of_bob[VIDEO].receiver();
    let (told, seen) = mpsc::channel::<FrameMetadata>();
    let tell = || {
        let told = told.clone();
        by(move |frame: TransformFrame, to: &mut Transformer<'_>| {
            told.send(frame.metadata().clone()).unwrap();
            to.enqueue(frame);
        })
    };
    sender.set_transform(tell());
    receiver.set_transform(tell());
    send(&sender, [picture(0), picture(1)]).await;
    last_bytes(&mut frames, 2).await;
    let mut seen = seen.try_iter();
    let seen: [FrameMetadata; 4] = std::array::from_fn(|_| seen.next().unwrap());
    let [sent, _, received, delta] = &seen;
    let size = Some(FrameSize {
        width: 640,
        height: 480,
    });
    for told in [sent, received] {
        assert_eq!(told.mime_type.as_deref(), Some("video/VP8"));
        assert_eq!((told.key, told.size), (true, size));
        assert_eq!(told.ssrc, sent.ssrc);
        assert_eq!(told.payload_type, sent.payload_type);
        assert_eq!(told.timestamp, 0);
    }
    assert!(sent.ssrc.is_some() && received.sequence_number.is_some());
    assert!(!delta.key && delta.timestamp == 3_000);

    let sender = call.of_alice[AUDIO].sender();
    let mut frames = call.of_bob[AUDIO].receiver().frames();
    let (told, seen) = mpsc::channel();
    sender.set_transform(by(move |frame, to| {
        let metadata = frame.metadata();
        let asked = to.generate_key_frame(None).unwrap_err().name();
        told.send((metadata.mime_type.clone(), metadata.key, asked))
            .unwrap();
        to.enqueue(frame);
    }));
    let data = [0x78; 100].to_vec().into();
    let sound = EncodedFrameInit {
        data,
        ..Default::default()
    };
    send(&sender, [sound]).await;
    last_bytes(&mut frames, 1).await;
    let opus = Some("audio/opus".to_owned());
    let told = (opus, true, ExceptionName::InvalidStateError);
    assert_eq!(seen.try_recv(), Ok(told));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transform_asks_for_key_frames_of_whom_its_frames_come_from() {
    let mut call = call().await;
    let (sender, mut frames) = of_video(&call);
    let receiver = call.of_bob[VIDEO].receiver();
    let wants = |event| matches!(event, Event::KeyFrameRequest { encoding: 0, .. }).then_some(());
    // The application encodes.
    sender.set_transform(by(|frame, to| {
        to.generate_key_frame(None).unwrap();
        let unknown = to.generate_key_frame(Some("h")).unwrap_err();
        assert_eq!(unknown.name(), ExceptionName::NotFoundError);
        let refused = to.send_key_frame_request().unwrap_err();
        assert_eq!(refused.name(), ExceptionName::InvalidStateError);
        to.enqueue(frame);
    }));
    send(&sender, [picture(0)]).await;
    within(call.alice.wait(wants)).await;

    // The peer encodes.
    sender.set_transform(by(|frame, to| to.enqueue(frame)));
    last_bytes(&mut frames, 1).await;
    receiver.set_transform(by(|frame, to| {
        to.send_key_frame_request().unwrap();
        let refused = to.generate_key_frame(None).unwrap_err();
        assert_eq!(refused.name(), ExceptionName::InvalidStateError);
        to.enqueue(frame);
    }));
    send(&sender, [picture(1)]).await;
    last_bytes(&mut frames, 1).await;
    within(call.alice.wait(wants)).await;
}

fn sframe(key: &[u8], id: u64) -> SFrameTransform {
    let transform = SFrameTransform::new(SFrameCipherSuite::Aes128CtrHmacSha256_80);
    transform.set_encryption_key(key, id).unwrap();
    transform
}

#[tokio::test(flavor = "multi_thread")]
async fn sframe_encrypts_sound_and_pictures_from_end_to_end() {
    let call = call().await;
    let sound = EncodedFrameInit {
        data: vec![0x5a; 200].into(),
        ..Default::default()
    };
    for (at, frame) in [(AUDIO, sound), (VIDEO, picture(0))] {
        let (sender, receiver) = (call.of_alice[at].sender(), call.of_bob[at].receiver());
        sender.set_transform(Some(sframe(b"secret", at as u64)));
        receiver.set_transform(Some(sframe(b"secret", at as u64)));
        let (mut frames, mut packets) = (receiver.frames(), receiver.packets());
        send(&sender, [frame.clone()]).await;
        let arrived = within(frames.recv()).await.expect("it is open");
        assert_eq!(arrived.data, frame.data);

        let mut wire = Vec::new();
        while let Some(packet) = packets.try_recv() {
            wire.extend_from_slice(&packet.payload);
        }
        assert!(wire.len() > frame.data.len());
        let plain = &frame.data[frame.data.len() - 32..];
        assert!(wire.windows(plain.len()).all(|part| part != plain));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sframe_leaves_out_what_it_has_no_key_for_and_says_so() {
    let call = call().await;
    let (sender, mut frames) = of_video(&call);
    let receiver = call.of_bob[VIDEO].receiver();
    let without = SFrameTransform::new(SFrameCipherSuite::Aes128CtrHmacSha256_80);
    let theirs = sframe(b"another secret", 7);
    sender.set_transform(Some(without.clone()));
    receiver.set_transform(Some(theirs.clone()));
    send(&sender, [picture(0)]).await;
    assert_eq!(without.take_failure(), Some(SFrameFailure::NoKey));

    // By a key that the other end has not, by one that it has under this id, and by the right one.
    without.set_encryption_key(b"secret", 8).unwrap();
    send(&sender, [picture(2)]).await;
    without.set_encryption_key(b"secret", 7).unwrap();
    send(&sender, [picture(4)]).await;
    without.set_encryption_key(b"another secret", 7).unwrap();
    send(&sender, [picture(6)]).await;
    assert_eq!(last_bytes(&mut frames, 1).await, [6]);
    let failures = [
        theirs.take_failure(),
        theirs.take_failure(),
        theirs.take_failure(),
    ];
    let unknown = SFrameDecryptError::UnknownKey { key: 8 };
    let forged = SFrameDecryptError::NotAuthentic { key: 7 };
    let wanted = [unknown, forged].map(|error| Some(SFrameFailure::Decrypt(error)));
    assert_eq!(failures[..2], wanted);
    assert_eq!(failures[2], None);
    assert_eq!(without.take_failure(), None);
}
