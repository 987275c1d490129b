//! Audio and video between a counterpart and us: it decodes what we send back to it.

use duologue::{
    EncodedFrameInit, MediaKind, RtpReceiver, RtpTransceiver, TransceiverDirection, TransceiverInit,
};
use serde_json::json;

use crate::counterpart::Counterpart;
use crate::pair::{Far, Pair, said};

/// What is decoded at the least.
const PICTURES: u64 = 60;
const PACKETS_OF_SOUND: u64 = 100;

/// The counterpart sends audio and video of its own encoders; what comes is sent back as encoded frames, and
/// the counterpart tells how much of it came out of its decoders.
///
/// # Errors
/// What did not work, with what is known of it.
pub async fn media(counterpart: &Counterpart, codec: &str, we_offer: bool) -> Result<(), String> {
    let mut pair = Pair::start(counterpart, Far::Reports).await?;
    pair.tell(json!({ "do": "play", "codec": codec }))?;
    if we_offer {
        for kind in [MediaKind::Audio, MediaKind::Video] {
            let made = pair.pc.add_transceiver(kind, TransceiverInit::default());
            echo(&made.map_err(said)?, codec)?;
        }
        pair.offer().await?;
    } else {
        pair.answers_with(codec);
        pair.tell(json!({ "do": "offer", "media": true, "channel": null, "restart": false }))?;
    }
    pair.until("connection", Pair::is_connected).await?;

    let decoded = |pair: &Pair| {
        let of = |kind| pair.seen.decoded.get(kind).copied().unwrap_or(0);
        of("video") >= PICTURES && of("audio") >= PACKETS_OF_SOUND
    };
    pair.until("pictures and sound that they decoded", decoded)
        .await?;
    pair.tell(json!({ "do": "end" }))
}

/// Sends back what comes, in this codec.
pub(crate) fn echo(transceiver: &RtpTransceiver, codec: &str) -> Result<(), String> {
    if transceiver.kind() == Some(MediaKind::Video) {
        let mut codecs = RtpReceiver::capabilities(MediaKind::Video).codecs;
        codecs.retain(|it| it.mime_type == "video/rtx" || it.mime_type.ends_with(codec));
        transceiver.set_codec_preferences(codecs).map_err(said)?;
    }
    let sendrecv = TransceiverDirection::Sendrecv;
    transceiver.set_direction(sendrecv).map_err(said)?;
    let (mut from, to) = (
        transceiver.receiver().frames(),
        transceiver.sender().frames(),
    );
    tokio::spawn(async move {
        while let Some(frame) = from.recv().await {
            let frame = EncodedFrameInit {
                payload_type: Some(frame.payload_type),
                timestamp: frame.timestamp,
                data: frame.data,
                ..Default::default()
            };
            // It ends with the connection.
            if to.send_all(&mut vec![frame]).await.is_err() {
                return;
            }
        }
    });
    Ok(())
}
