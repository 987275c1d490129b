//! What is encoded of a picture: which encodings, how large, how often, at which rate. No clock and no
//! encoder.

use std::time::Duration;

use duologue_codec::{VideoCodec, VideoEncoderConfig};
use duologue_peer::{DegradationPreference, RtpEncodingParameters};

use super::limiter::{Limiter, Wanted};

/// How fast pictures come.
#[derive(Debug, Default)]
pub(super) struct Pace {
    last: Option<Duration>,
    /// Between pictures, in seconds, smoothed.
    interval: Option<f64>,
}

impl Pace {
    pub(super) fn saw(&mut self, at: Duration) {
        if let Some(step) = self.last.and_then(|last| at.checked_sub(last)) {
            let step = step.as_secs_f64().clamp(1.0 / 120.0, 1.0);
            let interval = self.interval.unwrap_or(1.0 / 30.0);
            self.interval = Some(interval + (step - interval) / 8.0);
        }
        self.last = Some(at);
    }

    /// Pictures a second.
    pub(super) fn rate(&self) -> f64 {
        self.interval.map_or(30.0, |interval| 1.0 / interval)
    }
}

/// What there is for an encoding.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    pub(super) width: u32,
    pub(super) height: u32,
    /// Pictures a second of the source.
    pub(super) rate: f64,
    /// Of the path, in bits a second, if that is known.
    pub(super) target: Option<u64>,
    /// The only encoding: its size may give way. Of several the smaller ones are there for that.
    pub(super) alone: bool,
    pub(super) preference: DegradationPreference,
    /// The pictures are of a screen, or of details.
    pub(super) screen: bool,
}

/// One encoding of a sender, over time.
#[derive(Debug, Default)]
pub(super) struct Layer {
    limiter: Limiter,
    cadence: Cadence,
    /// What the encoder was told last, which is not told anew for small changes.
    framerate: f64,
    /// The share of the time between pictures that encoding takes, smoothed.
    load: f64,
}

impl Layer {
    /// What its encoder is to do with the picture that is of this time; none if it is not to have it.
    pub(super) fn plan(
        &mut self,
        at: Duration,
        codec: VideoCodec,
        encoding: &RtpEncodingParameters,
        room: &Room,
    ) -> Option<VideoEncoderConfig> {
        // No rate at all: the path is too slow for it.
        if !encoding.active || room.target == Some(0) {
            return None;
        }
        let most = encoding.max_framerate.unwrap_or(f64::INFINITY);
        let (width, height) = size(encoding, room);
        if room.alone {
            let wanted = Wanted {
                width,
                height,
                framerate: room.rate.min(most),
                bitrate: room.target,
                load: self.load,
                preference: room.preference,
            };
            self.limiter.handle(at, &wanted);
        }
        let limited = room.rate.min(most) * self.limiter.rate();
        if limited < room.rate && !self.cadence.takes(at, limited) {
            return None;
        }
        let (width, height) = (self.shrunk(width), self.shrunk(height));

        if (limited / self.framerate - 1.0).abs() > 0.25 || self.framerate == 0.0 {
            self.framerate = limited.round().max(1.0);
        }
        let usual = f64::from(width) * f64::from(height) * self.framerate * BITS_A_PIXEL;
        let usual = usual.clamp(MIN_BITRATE, MAX_BITRATE) as u64;
        // The path has room for so much, and the application allows no more than that.
        let limits = [room.target, encoding.max_bitrate.map(u64::from)];
        let limits = limits.into_iter().flatten();
        let bitrate = limits.fold(usual, u64::min).max(LEAST_BITRATE);
        Some(VideoEncoderConfig {
            bitrate,
            framerate: self.framerate,
            screen: room.screen,
            ..VideoEncoderConfig::new(codec, width, height)
        })
    }

    /// Encoding a picture took so long.
    pub(super) fn took(&mut self, took: Duration) {
        let load = took.as_secs_f64() * self.framerate;
        self.load += (load - self.load) / 16.0;
    }

    pub(super) fn limiter(&self) -> &Limiter {
        &self.limiter
    }

    fn shrunk(&self, side: u32) -> u32 {
        match self.limiter.scale() {
            1.0 => side,
            scale => even(f64::from(side) * scale),
        }
    }
}

/// `scaleResolutionDownTo` and `scaleResolutionDownBy` (webrtc-extensions §5.4, webrtc-pc §5.2.5).
fn size(encoding: &RtpEncodingParameters, room: &Room) -> (u32, u32) {
    let (width, height) = (f64::from(room.width), f64::from(room.height));
    let by = match &encoding.scale_resolution_down_to {
        Some(to) => {
            let most = |side: Option<u32>| side.map_or(f64::INFINITY, f64::from);
            let (most_width, most_height) = (most(to.max_width), most(to.max_height));
            // The restriction is of no orientation: it is turned as the picture is.
            let turned = (most_width < most_height) != (width < height);
            let turned = turned && most_width != most_height;
            let (most_width, most_height) = match turned {
                true => (most_height, most_width),
                false => (most_width, most_height),
            };
            (width / most_width).max(height / most_height).max(1.0)
        }
        None => encoding.scale_resolution_down_by.unwrap_or(1.0).max(1.0),
    };
    match by > 1.0 {
        true => (even(width / by), even(height / by)),
        false => (room.width, room.height),
    }
}

/// Colours have half of the size: odd sides would be cut there.
fn even(side: f64) -> u32 {
    ((side / 2.0).round() as u32 * 2).max(2)
}

/// Takes so many pictures a second of more, as evenly as that goes.
#[derive(Debug, Default)]
struct Cadence {
    /// When the next one is due.
    next: Option<Duration>,
}

impl Cadence {
    fn takes(&mut self, at: Duration, rate: f64) -> bool {
        let step = Duration::from_secs_f64(1.0 / rate.clamp(0.01, 1_000.0));
        let next = self.next.unwrap_or(at);
        // A source that began anew, or that paused.
        if at + step * 2 < next || at > next + step {
            self.next = Some(at + step);
            return true;
        }
        if at + step / 8 < next {
            return false;
        }
        self.next = Some(next + step);
        true
    }
}

/// What a picture of a camera needs to look well with any of the codecs.
const BITS_A_PIXEL: f64 = 0.1;
const MIN_BITRATE: f64 = 100_000.0;
/// Below it an encoder makes nothing that can be looked at.
const LEAST_BITRATE: u64 = 30_000;
/// As browsers have it for one stream.
const MAX_BITRATE: f64 = 2_500_000.0;

#[cfg(test)]
mod tests {
    use super::*;
    use duologue_peer::ResolutionRestriction;

    fn room(width: u32, height: u32, target: Option<u64>) -> Room {
        Room {
            width,
            height,
            rate: 30.0,
            target,
            alone: true,
            preference: DegradationPreference::MaintainFramerate,
            screen: false,
        }
    }

    fn plan(encoding: &RtpEncodingParameters, room: &Room) -> Option<VideoEncoderConfig> {
        Layer::default().plan(Duration::ZERO, VideoCodec::Vp8, encoding, room)
    }

    #[test]
    fn the_encoder_gets_what_the_path_has_room_for_and_no_more_than_is_allowed() {
        let mut allowed = RtpEncodingParameters::default();
        let bitrate = |allowed: &RtpEncodingParameters, target| {
            plan(allowed, &room(640, 360, target)).unwrap().bitrate
        };
        let usual = bitrate(&allowed, None);
        assert_eq!(usual, 691_200);
        assert_eq!(bitrate(&allowed, Some(300_000)), 300_000);
        assert_eq!(bitrate(&allowed, Some(5_000_000)), usual);
        allowed.max_bitrate = Some(200_000);
        assert_eq!(bitrate(&allowed, Some(300_000)), 200_000);
        assert_eq!(bitrate(&allowed, Some(1_000)), LEAST_BITRATE);
        assert_eq!(plan(&allowed, &room(640, 360, Some(0))), None);
        allowed.active = false;
        assert_eq!(plan(&allowed, &room(640, 360, None)), None);
    }

    #[test]
    fn pictures_are_as_large_as_the_application_says() {
        let by = |by| RtpEncodingParameters {
            scale_resolution_down_by: Some(by),
            ..RtpEncodingParameters::default()
        };
        let to = |width, height| RtpEncodingParameters {
            scale_resolution_down_to: Some(ResolutionRestriction {
                max_width: Some(width),
                max_height: Some(height),
            }),
            ..by(9.0)
        };
        for (encoding, source, size) in [
            (by(1.0), (641, 361), (641, 361)),
            (by(2.0), (1_280, 720), (640, 360)),
            (by(3.0), (1_280, 720), (426, 240)),
            (by(1_000.0), (1_280, 720), (2, 2)),
            (to(640, 640), (1_280, 720), (640, 360)),
            (to(640, 360), (1_280, 720), (640, 360)),
            // Held upright.
            (to(640, 360), (720, 1_280), (360, 640)),
            (to(1_920, 1_080), (640, 360), (640, 360)),
        ] {
            let config = plan(&encoding, &room(source.0, source.1, None)).unwrap();
            assert_eq!((config.width, config.height), size, "{encoding:?}");
        }
    }

    #[test]
    fn there_are_as_many_pictures_as_the_application_allows_and_evenly() {
        for (most, expected) in [
            (30.0, 60..=60),
            (10.0, 20..=21),
            (20.0, 39..=41),
            (7.0, 13..=15),
        ] {
            let encoding = RtpEncodingParameters {
                max_framerate: Some(most),
                ..RtpEncodingParameters::default()
            };
            let mut layer = Layer::default();
            let mut taken = Vec::new();
            for frame in 0..60_u32 {
                let at = Duration::from_micros(33_333) * frame;
                let room = room(640, 360, None);
                if layer.plan(at, VideoCodec::Vp8, &encoding, &room).is_some() {
                    taken.push(frame);
                }
            }
            assert!(expected.contains(&taken.len()), "{most}: {taken:?}");
            let steps = taken.windows(2).map(|it| it[1] - it[0]);
            let (least, longest) = steps.fold((99, 0), |(a, b), it| (it.min(a), it.max(b)));
            assert!(longest - least <= 1, "{most}: {taken:?}");
        }
    }

    #[test]
    fn the_encoder_is_told_how_fast_pictures_come_but_not_each_time() {
        let (mut pace, mut layer) = (Pace::default(), Layer::default());
        let encoding = RtpEncodingParameters::default();
        let (mut rates, mut at) = (Vec::new(), Duration::ZERO);
        for number in 0..200_u32 {
            at += Duration::from_micros(if number < 100 { 33_333 } else { 100_000 });
            pace.saw(at);
            let room = Room {
                rate: pace.rate(),
                ..room(640, 360, None)
            };
            let config = layer.plan(at, VideoCodec::Vp8, &encoding, &room);
            rates.push(config.unwrap().framerate);
        }
        assert_eq!((rates[99], *rates.last().unwrap()), (30.0, 10.0));
        rates.dedup();
        assert!(rates.len() <= 6, "{rates:?}");
    }

    #[test]
    fn the_encoder_is_told_of_a_screen() {
        let encoding = RtpEncodingParameters::default();
        for screen in [false, true] {
            let room = Room {
                screen,
                ..room(640, 360, None)
            };
            assert_eq!(plan(&encoding, &room).unwrap().screen, screen);
        }
    }

    #[test]
    fn the_size_gives_way_where_the_path_has_no_room_and_only_of_a_lone_encoding() {
        let encoding = RtpEncodingParameters::default();
        for (alone, width) in [(true, 640), (false, 1_280)] {
            let mut layer = Layer::default();
            let room = Room {
                alone,
                ..room(1_280, 720, Some(250_000))
            };
            let mut last = None;
            for frame in 0..300_u32 {
                let at = Duration::from_micros(33_333) * frame;
                last = layer.plan(at, VideoCodec::Vp8, &encoding, &room).or(last);
            }
            let last = last.unwrap();
            assert_eq!((last.width, last.bitrate), (width, 250_000));
        }
    }
}
