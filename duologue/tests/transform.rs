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
    Transform, TransformFrame, Transformer,
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
