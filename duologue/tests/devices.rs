//! What devices give, sent to another peer by the public API, with the codecs of this machine.
#![cfg(feature = "codecs")]
#![allow(
    clippy::unwrap_used,
    reason = "helpers outside #[test] functions are tests too"
)]

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::media::{Call, call, within};
use common::{Peer, negotiate};
use duologue::codec::{AudioData, VideoFrame, pattern, tone};
use duologue::devices::{
    FakeDevices, LocalTrack, MediaDevices, MediaStreamConstraints, MediaTrackConstraintSet,
};
use duologue::{
    DtlsTransportState, Endpoint, Event, IdentityAssertionResult, IdentityProvider,
    IdentityProviderDetails, IdentityProviderOptions, IdentityValidationResult, ProviderFuture,
    Transform, TransformFrame, Transformer, VideoTrackProcessor,
};
use tokio::sync::mpsc;

const AUDIO: usize = 0;
const VIDEO: usize = 1;

fn small() -> MediaStreamConstraints {
    MediaStreamConstraints {
        video: MediaTrackConstraintSet {
            width: Some(320.into()),
            ..Default::default()
        }
        .into(),
        ..MediaStreamConstraints::new(true, false)
    }
}

async fn until(pictures: &mut VideoTrackProcessor, fits: impl Fn(&VideoFrame) -> bool) {
    within(async { while !fits(&pictures.recv().await.expect("it goes on")) {} }).await;
}

async fn send(call: &Call, at: usize, track: &LocalTrack) {
    let sender = call.of_alice[at].sender();
    sender.replace_local_track(track).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_camera_is_seen_muted_constrained_and_replaced_at_the_other_end() {
    let devices = MediaDevices::fake();
    let stream = devices.get_user_media(&small()).await.unwrap();
    let camera = stream.video_track().unwrap();
    let call = call().await;
    send(&call, VIDEO, camera).await;
    let mut pictures = call.of_bob[VIDEO].receiver().video().unwrap();
    until(&mut pictures, |it| {
        it.width() == 320 && pattern::number(it).is_some()
    })
    .await;

    camera.set_enabled(false);
    until(&mut pictures, |it| pattern::number(it).is_none()).await;
    camera.set_enabled(true);
    let larger = MediaTrackConstraintSet {
        width: Some(640.into()),
        ..Default::default()
    };
    camera.apply_constraints(larger.into()).unwrap();
    until(&mut pictures, |it| {
        it.width() == 640 && pattern::number(it).is_some()
    })
    .await;

    // Another track; what the first one gives is no longer sent.
    let clone = camera.clone_track();
    let smallest = MediaTrackConstraintSet {
        width: Some(160.into()),
        ..Default::default()
    };
    clone.apply_constraints(smallest.into()).unwrap();
    send(&call, VIDEO, &clone).await;
    until(&mut pictures, |it| it.width() == 160).await;
    camera.stop();
    until(&mut pictures, |it| it.width() == 160).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_track_that_takes_its_own_place_is_encoded_once() {
    let stream = MediaDevices::fake().get_user_media(&small()).await;
    let stream = stream.unwrap();
    let camera = stream.video_track().unwrap();
    let call = call().await;
    // Nothing was captured between them.
    for track in [camera, camera, &camera.clone_track(), camera] {
        send(&call, VIDEO, track).await;
    }
    let mut pictures = call.of_bob[VIDEO].receiver().video().unwrap();
    until(&mut pictures, |it| pattern::number(it).is_some()).await;

    let mut captured = camera.video().unwrap();
    let before = sent(&call.alice).await;
    for _ in 0..12 {
        within(captured.recv()).await.unwrap();
    }
    let left = u64::from(sent(&call.alice).await - before);
    let mut meanwhile = 0;
    while tokio::time::timeout(Duration::ZERO, captured.recv())
        .await
        .is_ok()
    {
        meanwhile += 1;
    }
    // Some may have waited for the encoder.
    let most = 12 + 4 + meanwhile + captured.dropped();
    assert!(left <= most, "{left} of {most}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_drops_a_connection_that_sends_a_camera_closes_both() {
    let stream = MediaDevices::fake().get_user_media(&small()).await;
    let camera = stream.unwrap().video_track().unwrap().clone();
    let mut of_camera = camera.events();
    let call = call().await;
    send(&call, VIDEO, &camera).await;
    drop(camera);
    let mut pictures = call.of_bob[VIDEO].receiver().video().unwrap();
    until(&mut pictures, |it| pattern::number(it).is_some()).await;

    let (mut events, mut bob) = (call.alice.events, call.bob);
    drop((call.alice.connection, call.of_alice));
    within(async { while events.recv().await.is_some() {} }).await;
    within(async { while of_camera.recv().await.is_some() {} }).await;
    let closed = |event| match event {
        Event::DtlsStateChange(_, DtlsTransportState::Closed) => Some(()),
        _ => None,
    };
    within(bob.wait(closed)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_microphone_is_heard_at_its_pitch() {
    let devices = MediaDevices::fake();
    let asked = MediaStreamConstraints::new(true, false);
    let stream = devices.get_user_media(&asked).await.unwrap();
    let call = call().await;
    send(&call, AUDIO, stream.audio_track().unwrap()).await;
    let mut sound = call.of_bob[AUDIO].receiver().audio().unwrap();
    let heard = within(async {
        loop {
            let mut samples = Vec::new();
            for _ in 0..30 {
                let data = sound.recv().await.expect("it goes on");
                let channels = usize::from(data.channels());
                let first = data.samples().chunks_exact(channels).map(|it| it[0]);
                samples.extend(first);
            }
            let whole = AudioData::new(samples.into(), 48_000, 1).unwrap();
            match tone::frequency(&whole) {
                Some(hertz) if (hertz - FakeDevices::HERTZ).abs() < 3.0 => return hertz,
                // It begins with silence, and the first packets were lost to the handshake.
                _ => {}
            }
        }
    });
    heard.await;
}

/// Says of everybody that it is Bob.
struct Gullible;

impl IdentityProvider for Gullible {
    fn generate_assertion<'a>(
        &'a self,
        contents: &'a str,
        _origin: &'a str,
        _options: &'a IdentityProviderOptions,
    ) -> ProviderFuture<'a, IdentityAssertionResult> {
        Box::pin(async move {
            Ok(IdentityAssertionResult {
                idp: IdentityProviderDetails::new("idp.example"),
                assertion: contents.to_owned(),
            })
        })
    }

    fn validate_assertion<'a>(
        &'a self,
        assertion: &'a str,
        _origin: &'a str,
    ) -> ProviderFuture<'a, IdentityValidationResult> {
        Box::pin(async move {
            Ok(IdentityValidationResult {
                identity: "bob@idp.example".to_owned(),
                contents: assertion.to_owned(),
            })
        })
    }
}

/// Reads what passes, as far as it tells how large it is.
struct Reads(mpsc::UnboundedSender<usize>);

impl Transform for Reads {
    fn transform(&mut self, frame: TransformFrame, transformer: &mut Transformer<'_>) {
        let _ = self.0.send(frame.data.len());
        transformer.enqueue(frame);
    }
}

/// Every frame of the camera of 320x240 is larger, and of black pictures all but the first are smaller. Bytes.
const BLACK: usize = 100;
/// The first is smaller than this, and no key frame of the camera is.
const BLACK_KEY: usize = 500;

/// How many pictures have left.
async fn sent(of: &Peer) -> u32 {
    let report = of.connection.get_stats().await.unwrap();
    let sent = report.outbound_rtp().find_map(|it| it.frames_sent);
    sent.unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_for_one_peer_alone_is_seen_by_no_transform() {
    let provider = IdentityProviderDetails::new("idp.example");
    let endpoint = Endpoint::builder().loopback(true).ipv6(false);
    let endpoint = endpoint.identity_provider(provider, Arc::new(Gullible));
    let endpoint = endpoint.build().unwrap();
    let [mut alice, mut bob] = [Peer::new(&endpoint), Peer::new(&endpoint)];
    bob.connection
        .set_identity_provider("idp.example", IdentityProviderOptions::default())
        .unwrap();
    let asked = MediaStreamConstraints {
        peer_identity: Some("bob@idp.example".to_owned()),
        ..small()
    };
    let stream = MediaDevices::fake().get_user_media(&asked).await.unwrap();
    let camera = stream.video_track().unwrap();
    let sender = alice.connection.add_local_track(camera, &[]).unwrap();
    negotiate(&mut alice, &mut bob).await;

    alice.connection.peer_identity().await.unwrap();
    let isolated = |event| matches!(event, Event::TrackIsolationChange(_)).then_some(());
    within(alice.wait(isolated)).await;
    assert!(sender.may_transmit());
    // Each time what was captured before is still in the encoder, or may be.
    for round in 0..10 {
        let before = sent(&alice).await;
        while sent(&alice).await < before + 2 {
            tokio::task::yield_now().await;
        }
        let (reads, mut sizes) = mpsc::unbounded_channel();
        sender.set_transform(Some(Reads(reads)));
        let mut limit = BLACK_KEY;
        for _ in 0..3 {
            let size = within(sizes.recv()).await.unwrap();
            assert!(size < limit, "{size} bytes in round {round}");
            limit = BLACK;
        }
        sender.set_transform(None::<Reads>);
    }
}
