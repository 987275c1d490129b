//! What each sender wants of a transport's rate, and what it gets.

use duologue_rtp::MediaKind;

use super::overhead::PAYLOAD;
use super::sender::Sender;
use crate::cc::{Bitrate, Demand, Layer, ShareKey};
use crate::packet::SendEncoding;

/// What a sender wants.
pub(crate) fn demand(sender: &Sender) -> Demand {
    let encodings = (0..sender.streams.len()).map(|at| sender.encoding(at));
    let active: Vec<_> = encodings.filter(|encoding| encoding.active).collect();
    let weight = active.iter().map(|encoding| encoding.weight).max();
    let layers: Vec<Layer> = match sender.plan.kind {
        MediaKind::Audio => Vec::new(),
        MediaKind::Video => video_layers(&active, sender.offered.rate),
    };
    let (min, max) = match sender.plan.kind {
        MediaKind::Audio => {
            let offered = sender.offered.rate.max(AUDIO_MOST);
            let most = active.iter().map(|encoding| most(encoding, offered));
            (AUDIO_LEAST, most.fold(Bitrate::ZERO, |sum, one| sum + one))
        }
        MediaKind::Video => {
            let most = layers.iter().fold(Bitrate::ZERO, |sum, one| sum + one.max);
            (VIDEO_LEAST, most)
        }
    };
    Demand {
        key: ShareKey(sender.id.0),
        min: min.min(max),
        max,
        weight: weight.unwrap_or(1),
        first: sender.plan.kind == MediaKind::Audio,
        layers,
    }
}

/// Each layer has four times the pixels of the one before where nobody says otherwise (webrtc-pc
/// §5.2, `scaleResolutionDownBy`).
fn video_layers(active: &[SendEncoding], offered: Bitrate) -> Vec<Layer> {
    let above = active.len().saturating_sub(1);
    let layers = active.iter().enumerate().map(|(at, encoding)| {
        let part = 0.25_f64.powi((above - at) as i32);
        let max = most(encoding, offered.max(VIDEO_MOST) * part);
        let min = match at {
            0 => VIDEO_LEAST,
            _ => max * LAYER_LEAST,
        };
        Layer {
            min: min.min(max),
            max,
        }
    });
    layers.collect()
}

/// `maxBitrate` counts no headers (RFC 3890 §6.2.2).
fn most(encoding: &SendEncoding, offered: Bitrate) -> Bitrate {
    let max = encoding.max_bitrate.map(u64::from).map(Bitrate::from_bps);
    max.map_or(offered, |max| max * (1.0 / PAYLOAD))
}

/// Video that is not to be paused has so much; it wants so much, as Chromium's does at 1280x720, where
/// the application neither says nor sends more.
const VIDEO_LEAST: Bitrate = Bitrate::from_kbps(30);
const VIDEO_MOST: Bitrate = Bitrate::from_kbps(2_500);
/// A higher layer of a simulcast is worth sending with this part of its most.
const LAYER_LEAST: f64 = 0.25;
const AUDIO_LEAST: Bitrate = Bitrate::from_kbps(16);
const AUDIO_MOST: Bitrate = Bitrate::from_kbps(64);
