//! What each sender wants of a transport's rate, and what it gets.

use std::time::Duration;

use duologue_base::Instant;
use duologue_rtp::MediaKind;

use super::bandwidth::PATH_OVERHEAD;
use super::sender::Sender;
use crate::cc::{Bitrate, Demand, Layer, ShareKey};
use crate::packet::SendEncoding;

/// What an application hands over, so that one that says no `maxBitrate` is not kept from what it
/// sends.
#[derive(Debug, Default)]
pub(crate) struct Offered {
    bytes: usize,
    since: Option<Instant>,
    /// The most that is wanted by it.
    pub(crate) wish: Bitrate,
}

impl Offered {
    pub(crate) fn count(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_add(bytes + PATH_OVERHEAD);
    }

    /// Time passes. The wish is half more than what was handed over in the last second; it is another
    /// one when that is more or much less.
    pub(crate) fn update(&mut self, now: Instant) {
        let since = *self.since.get_or_insert(now);
        if now - since < WINDOW {
            return;
        }
        let wish = Bitrate::over(self.bytes, now - since) * ROOM;
        if wish > self.wish || wish < self.wish * 0.5 {
            self.wish = wish;
        }
        (self.bytes, self.since) = (0, Some(now));
    }
}

/// What a sender wants.
pub(crate) fn demand(sender: &Sender) -> Demand {
    let encodings = (0..sender.streams.len()).map(|at| sender.encoding(at));
    let active: Vec<_> = encodings.filter(|encoding| encoding.active).collect();
    let weight = active.iter().map(|encoding| encoding.weight).max();
    let layers: Vec<Layer> = match sender.plan.kind {
        MediaKind::Audio => Vec::new(),
        MediaKind::Video => video_layers(&active, sender.offered.wish),
    };
    let (min, max) = match sender.plan.kind {
        MediaKind::Audio => {
            let wish = sender.offered.wish.max(AUDIO_MOST);
            let most = active.iter().map(|encoding| most(encoding, wish));
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
fn video_layers(active: &[SendEncoding], wish: Bitrate) -> Vec<Layer> {
    let above = active.len().saturating_sub(1);
    let layers = active.iter().enumerate().map(|(at, encoding)| {
        let part = 0.25_f64.powi((above - at) as i32);
        let max = most(encoding, wish.max(VIDEO_MOST) * part);
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
fn most(encoding: &SendEncoding, wish: Bitrate) -> Bitrate {
    let max = encoding.max_bitrate.map(u64::from).map(Bitrate::from_bps);
    max.map_or(wish, |max| max * (1.0 / PAYLOAD))
}

/// What headers leave of a rate for payloads: by what was sent, once that is enough to tell.
pub(crate) fn payload_share(packets: u64, payload: u64, headers: u64) -> f64 {
    if packets < PACKETS_NEEDED {
        return PAYLOAD;
    }
    let all = payload + headers + packets * PATH_OVERHEAD as u64;
    payload as f64 / all.max(1) as f64
}

const WINDOW: Duration = Duration::from_secs(1);
const ROOM: f64 = 1.5;

/// Video that is not to be paused has so much; it wants so much, as Chromium's does at 1280x720, where
/// the application neither says nor sends more.
const VIDEO_LEAST: Bitrate = Bitrate::from_kbps(30);
const VIDEO_MOST: Bitrate = Bitrate::from_kbps(2_500);
/// A higher layer of a simulcast is worth sending with this part of its most.
const LAYER_LEAST: f64 = 0.25;
const AUDIO_LEAST: Bitrate = Bitrate::from_kbps(16);
const AUDIO_MOST: Bitrate = Bitrate::from_kbps(64);

/// Of a full packet of video.
const PAYLOAD: f64 = 0.93;
const PACKETS_NEEDED: u64 = 50;
