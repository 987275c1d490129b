//! Raw pictures and sound through the public API, over real sockets on loopback, with the codecs of
//! this machine.
#![cfg(feature = "codecs")]
#![allow(
    clippy::unwrap_used,
    reason = "helpers outside #[test] functions are tests too"
)]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use common::media::{Call, call, call_on, negotiate_again, within};
use common::{Peer, negotiate};
use duologue::codec::{
    AudioCodec, AudioData, AudioEncoderConfig, CodecError, CodecSet, EncodedVideoChunk, VideoCodec,
    VideoDecode, VideoEncode, VideoEncoderConfig, VideoFrame, pattern,
};
use duologue::limits::RAW_PICTURES;
use duologue::{
    AudioTrackGenerator, Choice, Endpoint, ExceptionName, Forwarder, MediaKind,
    RtpEncodingParameters, RtpPacketInit, RtpReceiver, RtpTransceiver, Stats, TransceiverDirection,
    TransceiverInit, VideoTrackGenerator, VideoTrackProcessor,
};

const AUDIO: usize = 0;
const VIDEO: usize = 1;

/// Sends pictures with rising numbers, as fast as a camera or faster, until the future is dropped.
async fn play(video: &VideoTrackGenerator) {
    let mut clock = tokio::time::interval(Duration::from_millis(20));
    for number in 0..u16::MAX {
        clock.tick().await;
        let picture = pattern::draw(number, 320, 180).unwrap();
        let at = Duration::from_millis(20) * u32::from(number);
        video.write(picture.at(at)).unwrap();
    }
}

/// The numbers of so many pictures that come, each of which has to be one.
async fn numbers(video: &mut VideoTrackProcessor, count: usize) -> Vec<u16> {
    let mut numbers = Vec::new();
    while numbers.len() < count {
        let picture = video.recv().await.expect("it goes on");
        assert_eq!((picture.width(), picture.height()), (320, 180));
        numbers.push(pattern::number(&picture).expect("a number"));
    }
    numbers
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_is_shown_when_it_is_due_and_not_with_the_next_one() {
    let call = call().await;
    let to = call.of_alice[VIDEO].sender().video().unwrap();
    let mut from = call.of_bob[VIDEO].receiver().video().unwrap();
    let mut seen = 0;
    for number in 0..40 {
        let picture = pattern::draw(number, 320, 180).unwrap();
        let at = Duration::from_millis(500) * u32::from(number);
        to.write(picture.at(at)).unwrap();
        // One that comes while nobody takes frames yet, or is left out by the encoder, is not waited for.
        let comes = async {
            while pattern::number(&from.recv().await.expect("it goes on")) != Some(number) {}
        };
        let comes = tokio::time::timeout(Duration::from_millis(500), comes);
        seen += u32::from(comes.await.is_ok());
        if seen == 5 {
            return;
        }
    }
    panic!("{seen} pictures were seen");
}

async fn prefer(call: &Call, at: usize, mime_type: &str) {
    let kind = if at == VIDEO {
        MediaKind::Video
    } else {
        MediaKind::Audio
    };
    let codecs = RtpReceiver::capabilities(kind).codecs;
    let mut codecs: Vec<_> = codecs.into_iter().collect();
    codecs.sort_by_key(|codec| codec.mime_type != mime_type);
    assert_eq!(codecs[0].mime_type, mime_type);
    let ends: [&RtpTransceiver; 2] = [&call.of_alice[at], &call.of_bob[at]];
    for end in ends {
        end.set_codec_preferences(codecs.clone()).unwrap();
    }
    negotiate_again(call).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn numbered_pictures_go_both_ways_with_each_codec() {
    let call = call().await;
    for mime_type in ["video/VP8", "video/VP9", "video/H264", "video/AV1"] {
        prefer(&call, VIDEO, mime_type).await;
        let ends = [
            (&call.of_alice, &call.of_bob),
            (&call.of_bob, &call.of_alice),
        ];
        for (from, to) in ends {
            let video = from[VIDEO].sender().video().unwrap();
            let mut pictures = to[VIDEO].receiver().video().unwrap();
            let come = within(async {
                tokio::select! {
                    come = numbers(&mut pictures, 20) => come,
                    () = play(&video) => unreachable!("it has many pictures"),
                }
            });
            let come = come.await;
            assert!(come.is_sorted_by(|a, b| a < b), "{mime_type}: {come:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_begins_to_read_late_gets_a_key_frame() {
    let call = call().await;
    let video = call.of_alice[VIDEO].sender().video().unwrap();
    let late = async {
        let receiver = call.of_bob[VIDEO].receiver();
        while receiver.track().unwrap().muted() {
            tokio::task::yield_now().await;
        }
        let mut first = receiver.video().unwrap();
        numbers(&mut first, 5).await;
        drop(first);
        let mut second = receiver.video().unwrap();
        numbers(&mut second, 5).await
    };
    within(async {
        tokio::select! {
            _ = late => {}
            () = play(&video) => unreachable!("it has many pictures"),
        }
    })
    .await;
}

/// A codec that looks like VP8 to RTP, and of which some frames are damaged: from the sixth on, and the first
/// three key frames that are made because of that. How many key frames were decoded, or not.
#[derive(Clone, Default)]
struct Fragile(Arc<AtomicU32>);

impl VideoEncode for Fragile {
    fn configure(&mut self, _: &VideoEncoderConfig) -> Result<(), CodecError> {
        Ok(())
    }

    fn encode(
        &mut self,
        frame: &VideoFrame,
        key: bool,
        out: &mut Vec<EncodedVideoChunk>,
    ) -> Result<(), CodecError> {
        // RFC 6386 §9.1: bit 0 is clear in key frames, which have a start code and their size.
        let data = match key {
            true => vec![0x10, 0, 0, 0x9d, 0x01, 0x2a, 64, 0, 48, 0, 7, 7],
            false => vec![0x11, 0, 0, 7],
        };
        out.push(EncodedVideoChunk {
            data: data.into(),
            key,
            timestamp: frame.timestamp,
            ..Default::default()
        });
        Ok(())
    }
}

impl VideoDecode for Fragile {
    fn decode(
        &mut self,
        data: &[u8],
        at: Duration,
        out: &mut Vec<VideoFrame>,
    ) -> Result<(), CodecError> {
        let key = u32::from(data[0] & 1 == 0);
        let keys = self.0.fetch_add(key, Ordering::Relaxed) + key;
        if (2..=4).contains(&keys) || keys == 1 && at > Duration::from_millis(100) {
            return Err(CodecError::Damaged("the test", 0));
        }
        out.push(VideoFrame::black(64, 48)?.at(at));
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn key_frames_are_asked_for_until_one_can_be_decoded() {
    let fragile = Fragile::default();
    let mut codecs = CodecSet::new();
    let (encoder, decoder) = (fragile.clone(), fragile.clone());
    codecs.add_video_encoder(VideoCodec::Vp8, "the test", move |_| {
        Ok(Box::new(encoder.clone()))
    });
    codecs.add_video_decoder(VideoCodec::Vp8, "the test", move |_| {
        Ok(Box::new(decoder.clone()))
    });
    let builder = Endpoint::builder().loopback(true).ipv6(false);
    let call = call_on(&builder.codecs(codecs).build().unwrap()).await;
    prefer(&call, VIDEO, "video/VP8").await;

    let video = call.of_alice[VIDEO].sender().video().unwrap();
    let mut pictures = call.of_bob[VIDEO].receiver().video().unwrap();
    let seen = async {
        while fragile.0.load(Ordering::Relaxed) < 5 {
            pictures.recv().await.expect("it goes on");
        }
    };
    within(async {
        tokio::select! {
            () = seen => {}
            () = play(&video) => unreachable!("it has many pictures"),
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_reader_gets_the_newest_pictures() {
    let call = call().await;
    let video = call.of_alice[VIDEO].sender().video().unwrap();
    let mut pictures = call.of_bob[VIDEO].receiver().video().unwrap();
    let slow = async {
        let first = numbers(&mut pictures, 1).await;
        while pictures.dropped() < 10 {
            tokio::task::yield_now().await;
        }
        let rest = numbers(&mut pictures, RAW_PICTURES).await;
        assert!(rest[0] >= first[0] + 10, "{first:?} {rest:?}");
    };
    within(async {
        tokio::select! {
            () = slow => {}
            () = play(&video) => unreachable!("it has many pictures"),
        }
    })
    .await;
}

/// A tone at half of the amplitude, in pieces of 10 ms.
async fn hum(audio: &AudioTrackGenerator, hertz: f32) {
    let mut clock = tokio::time::interval(Duration::from_millis(10));
    for piece in 0..u32::MAX {
        clock.tick().await;
        let at =
            |n: u32| ((piece * 480 + n) as f32 * hertz * std::f32::consts::TAU / 48_000.0).sin();
        let samples: Vec<f32> = (0..480).map(|n| at(n) / 2.0).collect();
        let sound = AudioData::new(samples.into(), 48_000, 1).unwrap();
        audio
            .write(sound.at(Duration::from_millis(10) * piece))
            .unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tone_is_heard_at_its_pitch_at_the_other_end() {
    let call = call().await;
    let audio = call.of_alice[AUDIO].sender().audio().unwrap();
    let mut heard = call.of_bob[AUDIO].receiver().audio().unwrap();
    let listen = async {
        let (mut sound, mut expected) = (Vec::new(), None);
        while sound.len() < 48_000 {
            let piece = heard.recv().await.expect("it goes on");
            assert_eq!((piece.sample_rate(), piece.channels()), (48_000, 1));
            // The pieces follow each other without gaps.
            let late = expected.map(|expected: Duration| piece.timestamp.abs_diff(expected));
            assert!(late <= Some(Duration::from_millis(1)), "{late:?}");
            expected = Some(piece.timestamp + piece.duration());
            sound.extend_from_slice(piece.samples());
        }
        let rises = sound[24_000..].windows(2);
        rises.filter(|pair| pair[0] < 0.0 && pair[1] >= 0.0).count()
    };
    let rises = within(async {
        tokio::select! {
            rises = listen => rises,
            () = hum(&audio, 440.0) => unreachable!("it does not end"),
        }
    });
    // Half a second of it.
    let rises = rises.await;
    assert!((215..=225).contains(&rises), "{rises}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_wrong_kind_and_the_end_of_a_connection_are_told() {
    let call = call().await;
    let wrong = call.of_alice[AUDIO].sender().video().unwrap_err();
    assert_eq!(wrong.name(), ExceptionName::InvalidAccessError);
    assert!(call.of_alice[VIDEO].sender().audio().is_err());
    assert!(call.of_bob[AUDIO].receiver().video().is_err());
    assert!(call.of_bob[VIDEO].receiver().audio().is_err());

    let video = call.of_bob[VIDEO].sender().video().unwrap();
    let mut pictures = call.of_bob[VIDEO].receiver().video().unwrap();
    call.bob.connection.close();
    assert!(within(pictures.recv()).await.is_none());
    let picture = || pattern::draw(1, 320, 180).unwrap();
    within(async {
        while video.write(picture()).is_ok() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

/// A tone in G.711, of which each tenth packet is lost on the way.
async fn lossy_hum(call: &Call) {
    let codecs = duologue::codec::built_in_codecs();
    let mut encoder = codecs
        .audio_encoder(&AudioEncoderConfig::new(AudioCodec::Pcmu))
        .unwrap();
    let writer = call.of_alice[AUDIO].sender().packets();
    let mut clock = tokio::time::interval(Duration::from_millis(20));
    for number in 0..u16::MAX {
        clock.tick().await;
        let first = u32::from(number) * 160;
        let at = |n: u32| ((first + n) as f32 * 400.0 * std::f32::consts::TAU / 8_000.0).sin();
        let samples: Vec<f32> = (0..160).map(|n| at(n) / 2.0).collect();
        let mut payload = Vec::new();
        encoder.encode(&samples, &mut payload).unwrap();
        if number % 10 != 5 {
            let packet = RtpPacketInit {
                sequence_number: Some(number),
                timestamp: first,
                payload: payload.into(),
                ..RtpPacketInit::default()
            };
            writer.send_all(&mut vec![packet]).await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tone_of_which_packets_are_lost_keeps_its_pitch_and_what_is_made_up_is_counted() {
    let call = call().await;
    prefer(&call, AUDIO, "audio/PCMU").await;
    let receiver = call.of_bob[AUDIO].receiver();
    // Longer than a machine with other work stalls.
    receiver.set_jitter_buffer_target(Some(1_000.0)).unwrap();
    let mut heard = receiver.audio().unwrap();
    let listen = async {
        let mut sound = Vec::new();
        while sound.len() < 2 * 8_000 {
            let piece = heard.recv().await.expect("it goes on");
            assert_eq!((piece.sample_rate(), piece.channels()), (8_000, 1));
            sound.extend_from_slice(piece.samples());
        }
        (sound, receiver.get_stats().await.unwrap())
    };
    let (sound, report) = within(async {
        tokio::select! {
            heard = listen => heard,
            () = lossy_hum(&call) => unreachable!("it does not end"),
        }
    })
    .await;

    let rises = sound[8_000..].windows(2);
    let rises = rises.filter(|pair| pair[0] < 0.0 && pair[1] >= 0.0).count();
    assert!((390..=410).contains(&rises), "{rises}");
    let stats = report.inbound_rtp().next().unwrap();
    let samples = |count: Option<u64>| count.expect("it is played") as f64;
    let played = samples(stats.total_samples_received);
    // One packet in ten.
    let share = samples(stats.concealed_samples) / played;
    assert!((0.08..=0.12).contains(&share), "{share}");
    // A tone at half of the amplitude has an eighth of the power.
    let energy = stats.total_audio_energy.unwrap() / stats.total_samples_duration.unwrap();
    assert!((0.1..=0.15).contains(&energy), "{energy}");
    let delay = stats.jitter_buffer_delay.unwrap();
    let delay = delay / stats.jitter_buffer_emitted_count.unwrap() as f64;
    assert!((0.5..=2.0).contains(&delay), "{delay}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_statistics_tell_of_pictures_from_their_source_until_they_are_seen() {
    let call = call().await;
    let video = call.of_alice[VIDEO].sender().video().unwrap();
    let mut pictures = call.of_bob[VIDEO].receiver().video().unwrap();
    within(async {
        tokio::select! {
            _ = numbers(&mut pictures, 30) => {}
            () = play(&video) => unreachable!("it has many pictures"),
        }
    })
    .await;

    let near = call.alice.connection.get_stats().await.unwrap();
    let far = call.bob.connection.get_stats().await.unwrap();
    let sent = near.outbound_rtp().find(|it| it.kind == "video").unwrap();
    let source = near.get(sent.media_source_id.as_deref().unwrap());
    let Some(Stats::MediaSource(source)) = source else {
        panic!("{source:?}");
    };
    assert_eq!((source.width, source.height), (Some(320), Some(180)));
    assert!(source.frames >= Some(30));
    let encoded = sent.frames_encoded.unwrap();
    assert!(encoded >= 30 && sent.key_frames_encoded >= Some(1));
    assert!(sent.total_encode_time > Some(0.0));
    assert!(sent.encoder_implementation.is_some());
    assert_eq!(sent.quality_limitation_reason, Some("none"));

    let received = far.inbound_rtp().find(|it| it.kind == "video").unwrap();
    let size = (received.frame_width, received.frame_height);
    assert_eq!(size, (Some(320), Some(180)));
    let decoded = received.frames_decoded.unwrap();
    assert!((30..=encoded).contains(&decoded), "{decoded} of {encoded}");
    assert!(received.frames_rendered >= Some(30));
    assert!(received.total_decode_time > Some(0.0));
    assert!(received.total_processing_delay >= received.jitter_buffer_delay);
    assert!(received.jitter_buffer_emitted_count >= Some(30));
    assert!(received.decoder_implementation.is_some());
    assert!(received.frames_per_second > Some(0.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_become_as_large_as_the_application_says_while_they_are_sent() {
    let call = call().await;
    let sender = call.of_alice[VIDEO].sender();
    let video = sender.video().unwrap();
    let mut pictures = call.of_bob[VIDEO].receiver().video().unwrap();
    let change = async {
        numbers(&mut pictures, 5).await;
        let mut parameters = sender.parameters().unwrap();
        parameters.encodings[0].scale_resolution_down_by = Some(2.0);
        sender.set_parameters(parameters).await.unwrap();
        loop {
            let picture = pictures.recv().await.expect("it goes on");
            if (picture.width(), picture.height()) == (160, 90) {
                break pattern::number(&picture).expect("a number");
            }
        }
    };
    let small = within(async {
        tokio::select! {
            small = change => small,
            () = play(&video) => unreachable!("it has many pictures"),
        }
    });
    assert!(small.await > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_layers_of_simulcast_are_made_of_one_source_and_each_has_its_key_frames() {
    let endpoint = common::endpoint();
    let [mut alice, mut bob] = [Peer::new(&endpoint), Peer::new(&endpoint)];
    let layer = |rid: &str| RtpEncodingParameters {
        rid: Some(rid.to_owned()),
        ..Default::default()
    };
    let init = TransceiverInit {
        direction: TransceiverDirection::Sendonly,
        send_encodings: ["q", "h", "f"].map(layer).to_vec(),
        ..Default::default()
    };
    let made = alice.connection.add_transceiver(MediaKind::Video, init);
    let sender = made.unwrap().sender();
    negotiate(&mut alice, &mut bob).await;
    let receiver = bob.connection.receivers().remove(0);
    let video = sender.video().unwrap();
    let mut frames = receiver.frames();
    let sizes = async {
        let mut sizes = [None; 3];
        while sizes.contains(&None) {
            let frame = frames.recv().await.expect("it goes on");
            let size = frame.size.map(|size| (size.width, size.height));
            sizes[frame.encoding] = sizes[frame.encoding].or(size);
        }
        receiver.send_key_frame_request(1).unwrap();
        let again = loop {
            let frame = frames.recv().await.expect("it goes on");
            if frame.key {
                break frame.encoding;
            }
        };
        (sizes, again)
    };
    let (sizes, again) = within(async {
        tokio::select! {
            sizes = sizes => sizes,
            () = play(&video) => unreachable!("it has many pictures"),
        }
    })
    .await;
    assert_eq!(sizes, [Some((80, 46)), Some((160, 90)), Some((320, 180))]);
    assert_eq!(again, 1);

    let report = sender.get_stats().await.unwrap();
    let encoded = report.outbound_rtp().map(|it| it.frames_encoded);
    let encoded: Vec<Option<u32>> = encoded.collect();
    assert!(encoded.len() == 3 && encoded.iter().all(|it| *it >= Some(1)));
}

/// Packets of AV1 do not say by themselves where a frame of a layer ends.
fn describe_dependencies(end: &RtpTransceiver) {
    let mut wanted = end.header_extensions_to_negotiate();
    for extension in &mut wanted {
        if extension.uri.contains("dependency-descriptor") {
            extension.direction = TransceiverDirection::Sendrecv;
        }
    }
    end.set_header_extensions_to_negotiate(&wanted).unwrap();
}

/// What a viewer has read: the number of each picture, and its width.
async fn viewed(video: &mut VideoTrackProcessor, count: usize) -> Vec<(u16, u32)> {
    let mut seen = Vec::new();
    while seen.len() < count {
        let picture = video.recv().await.expect("it goes on");
        seen.push((
            pattern::number(&picture).expect("a number"),
            picture.width(),
        ));
    }
    seen
}

/// The transceivers of a call in which Alice publishes layers of video to Bob, who has two more streams
/// for her, so that he can send her all three times what she sends.
async fn publishes_layers(call: &Call, mime_type: &str) -> [Vec<RtpTransceiver>; 2] {
    let viewer = TransceiverInit {
        direction: TransceiverDirection::Recvonly,
        ..Default::default()
    };
    for _ in 0..2 {
        let alice = &call.alice.connection;
        let added = alice.add_transceiver(MediaKind::Video, viewer.clone());
        added.unwrap();
    }
    negotiate_again(call).await;
    let videos = |peer: &Peer| peer.connection.transceivers().split_off(VIDEO);
    let (alices, bobs) = (videos(&call.alice), videos(&call.bob));
    for sent in &bobs[1..] {
        sent.set_direction(TransceiverDirection::Sendonly).unwrap();
    }
    for end in alices.iter().chain(&bobs) {
        describe_dependencies(end);
        let mut codecs = RtpReceiver::capabilities(MediaKind::Video).codecs;
        codecs.sort_by_key(|codec| codec.mime_type != mime_type);
        end.set_codec_preferences(codecs).unwrap();
    }
    negotiate_again(call).await;

    let sender = alices[0].sender();
    let mut parameters = sender.parameters().unwrap();
    parameters.encodings[0].scalability_mode = Some("L3T3".to_owned());
    sender.set_parameters(parameters).await.unwrap();
    [alices, bobs]
}

#[tokio::test(flavor = "multi_thread")]
async fn each_viewer_of_a_stream_of_layers_gets_as_many_as_its_bitrate_carries() {
    for mime_type in ["video/VP9", "video/AV1"] {
        let call = call().await;
        let [alices, bobs] = publishes_layers(&call, mime_type).await;
        let forwarder = Forwarder::new(&bobs[0].receiver());
        let forwardings = bobs.iter().map(|it| forwarder.forward(&it.sender()));
        let forwardings: Vec<_> = forwardings.collect();
        let video = alices[0].sender().video().unwrap();
        let views = alices.iter().map(|it| it.receiver().video().unwrap());
        let mut views: Vec<_> = views.collect();
        // All that there is, then less than that, and the least.
        for (forwarding, bitrate) in forwardings.iter().zip([100_000_000, 100_000_000, 1]) {
            forwarding.choose(Choice::Bitrate(bitrate));
        }

        let seen = async {
            viewed(&mut views[0], 1).await;
            let before = published(&bobs[0]).await;
            let all = viewed(&mut views[0], 60).await;
            let after = published(&bobs[0]).await;
            let rate = 8.0 * (after.0 - before.0) as f64 / ((after.1 - before.1) / 1e3);
            forwardings[1].choose(Choice::Bitrate((0.6 * rate) as u64));
            // What came before that was said, too.
            viewed(&mut views[1], 15).await;
            let less = viewed(&mut views[1], 15).await;
            (all, less, viewed(&mut views[2], 10).await)
        };
        let (all, less, least) = within(async {
            tokio::select! {
                seen = seen => seen,
                () = play(&video) => unreachable!("it has many pictures"),
            }
        })
        .await;
        let layers = forwardings.iter();
        let layers = layers.map(|it| it.current_spatial().zip(it.current_temporal()));
        let layers: Vec<_> = layers.flatten().collect();
        assert_eq!([layers[0], layers[2]], [(2, 2), (0, 0)], "{mime_type}");
        assert!(layers[1] < layers[0], "{mime_type}: {layers:?}");

        for seen in [&all, &less, &least] {
            assert!(seen.is_sorted_by(|a, b| a.0 < b.0), "{mime_type}: {seen:?}");
        }
        assert!(all.iter().all(|(_, width)| *width == 320), "{all:?}");
        // The smallest, every fourth one or less.
        let apart = |pair: &[(u16, u32)]| pair[1].0 - pair[0].0 >= 4;
        assert!(least.windows(2).all(apart), "{mime_type}: {least:?}");
        assert!(least.iter().all(|(_, width)| *width == 80), "{least:?}");
    }
}

/// The bytes that came of the publisher, and when that was.
async fn published(transceiver: &RtpTransceiver) -> (u64, f64) {
    let report = transceiver.receiver().get_stats().await.unwrap();
    let stream = report.inbound_rtp().next();
    stream.map_or((0, 0.0), |stream| (stream.bytes_received, stream.timestamp))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_of_layers_is_whole_for_who_gets_all_and_a_small_picture_for_who_gets_the_lowest()
{
    for mime_type in ["video/VP9", "video/AV1"] {
        let call = call().await;
        for end in [&call.of_alice[VIDEO], &call.of_bob[VIDEO]] {
            describe_dependencies(end);
        }
        prefer(&call, VIDEO, mime_type).await;
        let sender = call.of_alice[VIDEO].sender();
        let mut parameters = sender.parameters().unwrap();
        parameters.encodings[0].scalability_mode = Some("L2T2".to_owned());
        sender.set_parameters(parameters).await.unwrap();
        let mode = sender.parameters().unwrap().encodings[0]
            .scalability_mode
            .clone();
        assert_eq!(mode.as_deref(), Some("L2T2"));

        // Bob sees all, and sends the lowest layers back.
        let receiver = call.of_bob[VIDEO].receiver();
        let forwarder = Forwarder::new(&receiver);
        let forwarding = forwarder.forward(&call.of_bob[VIDEO].sender());
        forwarding.limit_spatial(Some(0));
        forwarding.limit_temporal(Some(0));
        forwarding.choose(Choice::Layer(0));
        let video = sender.video().unwrap();
        let mut whole = receiver.video().unwrap();
        let mut small = call.of_alice[VIDEO].receiver().video().unwrap();
        let seen = async {
            let all = numbers(&mut whole, 10).await;
            let mut base = Vec::new();
            while base.len() < 8 {
                let picture = small.recv().await.expect("it goes on");
                assert_eq!((picture.width(), picture.height()), (160, 90));
                base.push(pattern::number(&picture).expect("a number"));
            }
            (all, base)
        };
        let (all, base) = within(async {
            tokio::select! {
                seen = seen => seen,
                () = play(&video) => unreachable!("it has many pictures"),
            }
        })
        .await;
        assert!(all.is_sorted_by(|a, b| a < b), "{mime_type}: {all:?}");
        // Every second one.
        assert!(
            base.is_sorted_by(|a, b| a + 2 <= *b),
            "{mime_type}: {base:?}"
        );
        let report = sender.get_stats().await.unwrap();
        let mut modes = report.outbound_rtp().map(|it| it.scalability_mode.clone());
        assert_eq!(modes.next().flatten().as_deref(), Some("L2T2"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_statistics_tell_how_sound_reached_its_reader() {
    let call = call().await;
    let audio = call.of_alice[AUDIO].sender().audio().unwrap();
    // Nobody reads it: each piece waits behind all before it.
    let _heard = call.of_bob[AUDIO].receiver().audio().unwrap();
    let pieces = async {
        loop {
            let report = call.of_bob[AUDIO].receiver().get_stats().await.unwrap();
            let stream = report.inbound_rtp().next();
            let of = stream.and_then(|it| it.playout_id.clone());
            if let Some(Stats::AudioPlayout(playout)) = of.and_then(|of| report.get(&of))
                && playout.total_samples_count >= 9_600
            {
                break playout.clone();
            }
        }
    };
    let playout = within(async {
        tokio::select! {
            playout = pieces => playout,
            () = hum(&audio, 440.0) => unreachable!("it goes on"),
        }
    })
    .await;
    assert_eq!(playout.kind, "audio");
    let seconds = playout.total_samples_count as f64 / 48_000.0;
    let of_samples = playout.total_samples_duration - playout.synthesized_samples_duration;
    assert!((of_samples - seconds).abs() < 0.001, "{playout:?}");
    // A tenth of a second at the mean.
    let waited = playout.total_playout_delay / playout.total_samples_count as f64;
    assert!(waited > 0.08, "{waited}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_no_library_offers_what_it_has_itself_and_is_heard() {
    let builder = Endpoint::builder().loopback(true).ipv6(false);
    let builder = builder
        .codecs(duologue::codec::built_in_codecs())
        .only_these_codecs(true);
    let endpoint = builder.build().unwrap();
    let [mut alice, mut bob] = [Peer::new(&endpoint), Peer::new(&endpoint)];
    let made = alice
        .connection
        .add_transceiver(MediaKind::Audio, TransceiverInit::default());
    let sender = made.unwrap().sender();
    negotiate(&mut alice, &mut bob).await;
    let agreed = sender.parameters().unwrap().codecs;
    let names = agreed.iter().map(|it| it.codec.mime_type.clone());
    let names: Vec<String> = names.collect();
    assert!(names.contains(&"audio/G722".to_owned()), "{names:?}");

    let audio = sender.audio().unwrap();
    let mut heard = bob.connection.receivers()[0].audio().unwrap();
    let loud = async {
        while heard
            .recv()
            .await
            .expect("it goes on")
            .samples()
            .iter()
            .all(|it| it.abs() < 0.3)
        {}
    };
    // At 48 kHz, which none of them has.
    within(async {
        tokio::select! {
            () = loud => {}
            () = hum(&audio, 440.0) => unreachable!("it does not end"),
        }
    })
    .await;
}
