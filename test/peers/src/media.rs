//! Audio and video between a counterpart and us. What it sends comes back to it by frames, and it tells how
//! much of that reached it: what came out of its decoders, where it has some.

use std::time::Duration;

use bytes::Bytes;
use duologue::{
    EncodedFrameInit, MediaKind, RtpEncodingParameters, RtpReceiver, RtpSender, RtpTransceiver,
    TransceiverDirection, TransceiverInit,
};
use serde_json::json;
use tokio::sync::mpsc;

use crate::outcome::{Found, Offerer, Outcome};
use crate::pair::{Came, Pair, said};

/// What reaches the far end at the least: two seconds of each.
fn enough(kind: MediaKind) -> u64 {
    match kind {
        MediaKind::Video => 40,
        MediaKind::Audio => 100,
    }
}

/// Of each simulcast layer.
const ENOUGH_OF_A_LAYER: u64 = 10;
/// Their names.
const RIDS: [&str; 3] = ["q", "h", "f"];
/// Time between two pictures, and as 90 kHz.
const PICTURE: (Duration, u32) = (Duration::from_millis(50), 4_500);
/// Time between two packets of sound, and as 48 kHz.
const SOUND: (Duration, u32) = (Duration::from_millis(20), 960);

/// The counterpart sends; what comes is sent back, and reaches it.
pub(crate) async fn flows(pair: &mut Pair, offerer: Offerer, kinds: &[MediaKind]) -> Outcome {
    let codec = pair.codec(offerer);
    let names: Vec<&str> = kinds.iter().map(|kind| kind.as_str()).collect();
    pair.tell(json!({ "do": "play", "kinds": names, "codec": codec, "rids": [] }))?;
    match offerer {
        Offerer::We => {
            for &kind in kinds {
                let made = pair.pc.add_transceiver(kind, TransceiverInit::default());
                let made = made.map_err(said)?;
                prefer(&made, codec)?;
                echo(&made, pair.counter.clone())?;
            }
            pair.offer().await?;
        }
        Offerer::They => {
            pair.echoes = true;
            pair.tell(json!({ "do": "offer", "media": names, "channel": null, "restart": false }))?;
        }
    }
    await_media(pair, kinds).await
}

/// Enough of each kind at both ends.
pub(crate) async fn await_media(pair: &mut Pair, kinds: &[MediaKind]) -> Outcome {
    let counts = |pair: &Pair, kind: MediaKind| {
        [&pair.seen.there, &pair.seen.here].map(|c| c.get(kind.as_str()).copied().unwrap_or(0))
    };
    pair.until("media at both ends", |pair| {
        let both = |&kind: &MediaKind| counts(pair, kind).iter().all(|n| *n >= enough(kind));
        pair.seen.cannot.is_some() || pair.is_connected() && kinds.iter().all(both)
    })
    .await?;
    let counted = kinds.iter().map(|&kind| {
        let [there, here] = counts(pair, kind);
        let unit = pair.unit(kind.as_str());
        format!(
            "{}: {there} {unit} there, {here} frames here",
            kind.as_str()
        )
    });
    Ok(Found::Works(counted.collect::<Vec<_>>().join("; ")))
}

/// Who offers sends pictures in three sizes, of which each reaches the other end.
pub(crate) async fn simulcast(pair: &mut Pair, offerer: Offerer) -> Outcome {
    let codec = pair.codec(offerer);
    let (kinds, rids) = match offerer {
        Offerer::We => (json!([]), json!([])),
        Offerer::They => (json!(["video"]), json!(RIDS)),
    };
    pair.tell(json!({ "do": "play", "kinds": kinds, "codec": codec, "rids": rids }))?;
    match offerer {
        Offerer::We => offer_simulcast(pair).await?,
        Offerer::They => {
            pair.counts = true;
            pair.tell(
                json!({ "do": "offer", "media": ["video"], "channel": null, "restart": false }),
            )?;
        }
    }
    pair.until("answer", |pair| {
        pair.seen.cannot.is_some() || pair.seen.descriptions > 0 && pair.is_stable()
    })
    .await?;
    if let Some(lacks) = lacks_simulcast(pair, offerer) {
        return Ok(Found::Lacks(lacks));
    }

    let layers = |pair: &Pair| {
        let counts = match offerer {
            Offerer::We => &pair.seen.there,
            Offerer::They => &pair.seen.here,
        };
        RIDS.map(|rid| {
            let count = counts.get(&format!("video {rid}"));
            (rid, count.copied().unwrap_or(0))
        })
    };
    pair.until("every layer at the far end", |pair| {
        let all = |(_, count): (_, u64)| count >= ENOUGH_OF_A_LAYER;
        layers(pair).into_iter().all(all)
    })
    .await?;
    let counted = layers(pair).map(|(rid, count)| format!("{rid} {count}"));
    let unit = pair.unit("video");
    Ok(Found::Works(match offerer {
        Offerer::We => format!("{unit} there: {}", counted.join(", ")),
        Offerer::They => format!("frames here: {}", counted.join(", ")),
    }))
}

/// An offer of ours with three layers, on which pictures are sent.
pub(crate) async fn offer_simulcast(pair: &mut Pair) -> Result<(), String> {
    let encoding = |rid: &&str| RtpEncodingParameters {
        rid: Some((*rid).to_owned()),
        ..Default::default()
    };
    let init = TransceiverInit {
        send_encodings: RIDS.iter().map(encoding).collect(),
        ..TransceiverInit::with_direction(TransceiverDirection::Sendonly)
    };
    let made = pair.pc.add_transceiver(MediaKind::Video, init);
    let made = made.map_err(said)?;
    prefer(&made, "VP8")?;
    play(&made.sender(), MediaKind::Video, RIDS.len());
    pair.offer().await
}

/// What their description shows of not taking, or not having, several layers.
fn lacks_simulcast(pair: &Pair, offerer: Offerer) -> Option<String> {
    let theirs = pair.pc.remote_description()?;
    let simulcast = match offerer {
        Offerer::We => "a=simulcast:recv",
        Offerer::They => "a=simulcast:send",
    };
    let kind = format!("{:?}", theirs.sdp_type).to_lowercase();
    // RFC 8853 §5.3 and, for what names the layers in packets, RFC 8852 §4.1.
    let needed = [simulcast, "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"];
    let missing = needed.into_iter().find(|it| !theirs.sdp.contains(it))?;
    Some(format!("its {kind} has no {missing}"))
}

/// Sends back what comes, and tells of it.
pub(crate) fn echo(
    transceiver: &RtpTransceiver,
    counter: mpsc::Sender<Came>,
) -> Result<(), String> {
    let sendrecv = TransceiverDirection::Sendrecv;
    transceiver.set_direction(sendrecv).map_err(said)?;
    receive(transceiver, counter, Some(transceiver.sender()));
    Ok(())
}

/// Tells of each frame that comes, and sends it back by this sender.
pub(crate) fn receive(
    transceiver: &RtpTransceiver,
    counter: mpsc::Sender<Came>,
    back: Option<RtpSender>,
) {
    let kind = transceiver.kind().map_or("", MediaKind::as_str);
    let mut from = transceiver.receiver().frames();
    let to = back.map(|sender| sender.frames());
    tokio::spawn(async move {
        while let Some(frame) = from.recv().await {
            let rid = frame.rid.map(|rid| rid.to_string());
            let came = Came::Frame(kind, rid, frame.data.len());
            let frame = EncodedFrameInit {
                payload_type: Some(frame.payload_type),
                timestamp: frame.timestamp,
                data: frame.data,
                ..Default::default()
            };
            // The test may have given up; and the sender ends with the connection.
            if counter.send(came).await.is_err() {
                return;
            }
            if let Some(to) = &to
                && to.send_all(&mut vec![frame]).await.is_err()
            {
                return;
            }
        }
    });
}

/// This codec of video, and what repairs it.
pub(crate) fn prefer(transceiver: &RtpTransceiver, codec: &str) -> Result<(), String> {
    if transceiver.kind() != Some(MediaKind::Video) {
        return Ok(());
    }
    let mut codecs = RtpReceiver::capabilities(MediaKind::Video).codecs;
    codecs.retain(|it| it.mime_type == "video/rtx" || it.mime_type.ends_with(codec));
    transceiver.set_codec_preferences(codecs).map_err(said)
}

/// Sends, until the connection ends: what is a key frame of VP8 by its header, of another length for each
/// encoding ([`length`]), or silence in Opus.
pub(crate) fn play(sender: &RtpSender, kind: MediaKind, encodings: usize) {
    let writer = sender.frames();
    tokio::spawn(async move {
        let (pause, ticks) = match kind {
            MediaKind::Video => PICTURE,
            MediaKind::Audio => SOUND,
        };
        let mut clock = tokio::time::interval(pause);
        for number in 0_u32.. {
            clock.tick().await;
            let frame = |encoding| EncodedFrameInit {
                encoding,
                timestamp: number.wrapping_mul(ticks),
                data: match kind {
                    MediaKind::Video => picture(length(encoding)),
                    MediaKind::Audio => Bytes::from_static(&[0xf8, 0xff, 0xfe]),
                },
                ..Default::default()
            };
            let mut frames = (0..encodings).map(frame).collect();
            if writer.send_all(&mut frames).await.is_err() {
                return;
            }
        }
    });
}

/// How long the pictures of an encoding are.
pub(crate) fn length(encoding: usize) -> usize {
    1_500 * (encoding + 1)
}

/// RFC 6386 §9.1: a key frame's tag, start code, and size; the rest is nothing to be decoded.
fn picture(length: usize) -> Bytes {
    let header = [0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xb4, 0x00];
    let mut picture = header.to_vec();
    picture.resize(length, 0x5a);
    picture.into()
}
