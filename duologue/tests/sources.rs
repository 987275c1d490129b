//! Whose media a receiver receives, over real sockets on loopback.

mod common;

use common::media::{call, within};
use duologue::{AudioLevel, Contributor, EncodedFrameInit, RtpPacketInit, Ssrc};

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_tells_whose_media_it_receives_and_who_contributed() {
    let call = call().await;
    let [near, _] = &call.of_alice;
    let receiver = call.of_bob[0].receiver();
    assert!(receiver.synchronization_sources().is_empty());
    let mut frames = receiver.frames();
    let contributor = |ssrc| Contributor {
        ssrc: Ssrc(ssrc),
        audio_level: None,
    };
    let frame = EncodedFrameInit {
        timestamp: 960,
        audio_level: Some(AudioLevel::new(true, 20)),
        contributing_sources: vec![contributor(7), contributor(8)],
        data: vec![0x78; 100].into(),
        ..Default::default()
    };
    let writer = near.sender().frames();
    within(writer.send_all(&mut vec![frame])).await.unwrap();
    let received = within(frames.recv()).await.unwrap();
    assert_eq!(received.contributing_sources.len(), 2);

    let [stream] = &receiver.synchronization_sources()[..] else {
        panic!("one stream");
    };
    assert_eq!(
        (stream.source, stream.rtp_timestamp),
        (received.ssrc.0, 960)
    );
    assert_eq!(stream.audio_level, Some(0.1));
    assert_eq!(stream.capture_timestamp, None);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let age = now.unwrap().as_secs_f64() * 1e3 - stream.timestamp;
    assert!((0.0..20_000.0).contains(&age), "{age}");
    let contributing = receiver.contributing_sources();
    let mut contributing: Vec<u32> = contributing.iter().map(|it| it.source).collect();
    contributing.sort_unstable();
    assert_eq!(contributing, [7, 8]);

    let mut packets = receiver.packets();
    let packet = RtpPacketInit {
        contributing_sources: vec![contributor(9)],
        payload: vec![1; 10].into(),
        ..Default::default()
    };
    let writer = near.sender().packets();
    within(writer.send_all(&mut vec![packet])).await.unwrap();
    let received = within(packets.recv()).await.unwrap();
    assert_eq!(received.contributing_sources, [contributor(9)]);
}
