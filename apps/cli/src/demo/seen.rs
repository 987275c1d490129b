//! What a call's page sends, as it is decoded here: the newest picture and how loud it is, for the page to
//! show. Nothing waits for a decoder: what it has no time for is left out.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use duologue::codec::{
    AudioCodec, AudioDecode, AudioDecoderConfig, CodecError, Scaler, VideoCodec, VideoDecode,
    VideoDecoderConfig, VideoFrame, found_codecs,
};
use duologue::devices::write_png;
use duologue::{EncodedFrame, RtpReceiver};
use serde::Serialize;

use super::limits::{FRAMES_TO_DECODE, SNAPSHOT_WIDTH, TONES};
use super::recording::Recording;

/// Of one call. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    picture: Option<VideoFrame>,
    told: Told,
    /// The time stamp of the telephone key that was heard last.
    tone: Option<u32>,
}

/// What the page is told.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Told {
    /// Pictures that were decoded.
    pictures: u64,
    width: u32,
    height: u32,
    /// The number in the newest one, if it is the page's test picture.
    number: Option<u16>,
    /// How loud the last sound was: the root of the mean square, from 0 to 1.
    level: f32,
    /// Seconds of sound that were decoded.
    sound: f64,
    /// Telephone keys that were heard, the last one last.
    tones: String,
}

impl Seen {
    pub(super) fn told(&self) -> Told {
        self.lock().told.clone()
    }

    /// The newest picture, small, as PNG; none before the first one.
    pub(super) fn snapshot(&self) -> Option<Vec<u8>> {
        let picture = self.lock().picture.clone()?;
        let height = SNAPSHOT_WIDTH * picture.height() / picture.width();
        let small = Scaler::new().scale(
            &picture,
            SNAPSHOT_WIDTH,
            height.clamp(2, 4 * SNAPSHOT_WIDTH),
        );
        let mut png = Vec::new();
        write_png(&small.ok()?, &mut png).ok()?;
        Some(png)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that can panic runs under this lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn saw(&self, picture: VideoFrame) {
        let number = page_number(&picture);
        let mut state = self.lock();
        let told = &mut state.told;
        told.pictures += 1;
        (told.width, told.height) = (picture.width(), picture.height());
        told.number = number;
        state.picture = Some(picture);
    }

    /// A packet of a telephone key, of which there are several (RFC 4733 §2.5.1.2: all with the time stamp of
    /// its beginning).
    fn dialled(&self, timestamp: u32, payload: &[u8]) {
        let key = payload
            .first()
            .and_then(|event| KEYS.get(usize::from(*event)));
        let mut state = self.lock();
        if let Some(key) = key
            && state.tone.replace(timestamp) != Some(timestamp)
        {
            let tones = &mut state.told.tones;
            tones.push(char::from(*key));
            let excess = tones.len().saturating_sub(TONES);
            tones.drain(..excess);
        }
    }

    fn heard(&self, samples: &[f32], lasts: Duration) {
        let power = samples.iter().map(|it| it * it).sum::<f32>() / samples.len().max(1) as f32;
        let told = &mut self.lock().told;
        told.level = power.sqrt();
        told.sound += lasts.as_secs_f64();
    }
}

/// RFC 4733 §3.2: what the events 0 to 15 are.
const KEYS: &[u8; 16] = b"0123456789*#ABCD";

/// Decodes what one receiver gets, on a thread of its own, and keeps it where it is to be recorded.
#[derive(Debug)]
pub(super) struct Decoding {
    receiver: RtpReceiver,
    seen: Seen,
    recording: Recording,
    frames: SyncSender<Frame>,
    /// Something was left out since the last key frame.
    broken: bool,
}

struct Frame {
    codec: String,
    data: EncodedFrame,
}

impl Decoding {
    pub(super) fn new(receiver: RtpReceiver, seen: Seen, recording: Recording) -> Self {
        let (frames, coming) = sync_channel(FRAMES_TO_DECODE);
        let shown = seen.clone();
        drop(tokio::task::spawn_blocking(move || run(&coming, &shown)));
        Decoding {
            receiver,
            seen,
            recording,
            frames,
            broken: false,
        }
    }

    /// A frame comes that is also sent back.
    pub(super) fn give(&mut self, frame: &EncodedFrame) {
        let agreed = self.receiver.parameters().map(|it| it.codecs);
        let agreed = agreed.unwrap_or_default();
        let its = agreed
            .iter()
            .find(|it| it.payload_type == frame.payload_type.get());
        let Some(its) = its else {
            return;
        };
        let mime_type = &its.codec.mime_type;
        if mime_type.eq_ignore_ascii_case("audio/telephone-event") {
            self.seen.dialled(frame.timestamp, &frame.data);
            return;
        }
        self.recording.give(mime_type, frame);
        if self.broken && !frame.key {
            return;
        }
        let frame = Frame {
            codec: mime_type.clone(),
            data: frame.clone(),
        };
        match self.frames.try_send(frame) {
            Ok(()) => self.broken = false,
            Err(TrySendError::Full(_)) if !self.broken => {
                self.broken = true;
                // It may have stopped receiving meanwhile.
                let _ = self.receiver.send_key_frame_request(0);
            }
            Err(_) => {}
        }
    }
}

/// Until the transceiver is stopped.
fn run(frames: &Receiver<Frame>, seen: &Seen) {
    let codecs = found_codecs();
    let mut pictures: Option<(VideoCodec, Box<dyn VideoDecode>)> = None;
    let mut sound: Option<(AudioCodec, Box<dyn AudioDecode>)> = None;
    while let Ok(frame) = frames.recv() {
        let name = frame.codec.split_once('/').map_or("", |(_, name)| name);
        let video = VideoCodec::ALL
            .into_iter()
            .find(|it| it.as_str().eq_ignore_ascii_case(name));
        let audio = AudioCodec::ALL
            .into_iter()
            .find(|it| it.as_str().eq_ignore_ascii_case(name));
        // What is damaged, or of a codec that is not here, is not shown.
        let outcome = match (video, audio) {
            (Some(codec), _) => {
                let known = pictures.take().filter(|(its, _)| *its == codec);
                let decoder = known.map_or_else(
                    || codecs.video_decoder(&VideoDecoderConfig::new(codec)),
                    |(_, decoder)| Ok(decoder),
                );
                decoder.and_then(|decoder| {
                    let (_, decoder) = pictures.insert((codec, decoder));
                    see(decoder.as_mut(), &frame.data, seen)
                })
            }
            (None, Some(codec)) => {
                let known = sound.take().filter(|(its, _)| *its == codec);
                let decoder = known.map_or_else(
                    || codecs.audio_decoder(&AudioDecoderConfig::new(codec)),
                    |(_, decoder)| Ok(decoder),
                );
                decoder.and_then(|decoder| {
                    let (_, decoder) = sound.insert((codec, decoder));
                    hear(codec, decoder.as_mut(), &frame.data, seen)
                })
            }
            (None, None) => Ok(()),
        };
        if outcome.is_err() {
            pictures = None;
        }
    }
}

fn see(decoder: &mut dyn VideoDecode, frame: &EncodedFrame, seen: &Seen) -> Result<(), CodecError> {
    let mut pictures = Vec::new();
    decoder.decode(&frame.data, Duration::ZERO, &mut pictures)?;
    if let Some(picture) = pictures.pop() {
        seen.saw(picture);
    }
    Ok(())
}

fn hear(
    codec: AudioCodec,
    decoder: &mut dyn AudioDecode,
    frame: &EncodedFrame,
    seen: &Seen,
) -> Result<(), CodecError> {
    // RFC 6716 §3.2.5: a packet has 120 ms at most.
    let rate = codec.sample_rate() as usize;
    let mut samples = vec![0.0; rate * 120 / 1_000];
    let frames = decoder.decode(&frame.data, &mut samples)?;
    let samples = &samples[..frames.min(samples.len())];
    let lasts = Duration::from_nanos(frames as u64 * 1_000_000_000 / rate as u64);
    seen.heard(samples, lasts);
    Ok(())
}

/// The number in the page's test picture: sixteen squares at the top, the lowest bit first.
fn page_number(picture: &VideoFrame) -> Option<u16> {
    let picture = picture.to_i420().ok()?;
    let side = picture.width() as usize / 16;
    if side < 4 || (picture.height() as usize) < side {
        return None;
    }
    (0..16).try_fold(0, |number, bit| {
        let part = |at: usize| at * side + 2 * side / 5..at * side + 3 * side / 5 + 1;
        let rows = part(0).map(|row| &picture.row(0, row)[part(bit)]);
        let (sum, count) = rows.fold((0, 0), |(sum, count), row| {
            let bright: u32 = row.iter().map(|it| u32::from(*it)).sum();
            (sum + bright, count + row.len() as u32)
        });
        match sum / count.max(1) {
            170.. => Some(number | 1 << bit),
            0..85 => Some(number),
            _ => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use duologue::codec::PixelFormat;

    use super::*;

    /// As the page draws it.
    fn drawn(number: u16, width: usize, height: usize) -> VideoFrame {
        let side = width / 16;
        let mut data = vec![100; width * height];
        for row in data.chunks_mut(width).take(side) {
            for (at, luma) in row.iter_mut().enumerate() {
                let bit = number >> (at / side).min(15) & 1;
                *luma = if bit == 1 { 235 } else { 16 };
            }
        }
        data.resize(width * height * 3 / 2, 128);
        let (width, height) = (width as u32, height as u32);
        VideoFrame::packed(PixelFormat::I420, width, height, data.into()).unwrap()
    }

    #[test]
    fn the_number_of_the_pages_picture_is_read_and_another_picture_has_none() {
        for number in [0, 1, 0x8000, 0x1234, u16::MAX] {
            assert_eq!(page_number(&drawn(number, 1280, 720)), Some(number));
            assert_eq!(page_number(&drawn(number, 320, 180)), Some(number));
        }
        let grey = vec![120; 64 * 48 * 3 / 2];
        let grey = VideoFrame::packed(PixelFormat::I420, 64, 48, grey.into()).unwrap();
        assert_eq!(page_number(&grey), None);
        assert_eq!(page_number(&VideoFrame::black(16, 16).unwrap()), None);
    }

    #[test]
    fn what_was_seen_and_heard_is_told_and_shown() {
        let seen = Seen::default();
        assert!(seen.snapshot().is_none());
        seen.saw(drawn(7, 1280, 720));
        seen.heard(&[0.5, -0.5], Duration::from_millis(20));
        let told = seen.told();
        assert_eq!((told.pictures, told.width, told.number), (1, 1280, Some(7)));
        assert_eq!((told.level, told.sound), (0.5, 0.02));
        assert!(seen.snapshot().unwrap().starts_with(b"\x89PNG"));
    }

    #[test]
    fn a_telephone_key_of_many_packets_is_one_and_the_last_ones_are_told() {
        let seen = Seen::default();
        for (timestamp, event) in [(0, 5), (0, 5), (0, 5), (800, 5), (1_600, 11), (2_400, 16)] {
            seen.dialled(timestamp, &[event, 10, 0, 160]);
        }
        seen.dialled(9, &[]);
        assert_eq!(seen.told().tones, "55#");
        (0..99).for_each(|at| seen.dialled(at, &[1, 10, 0, 160]));
        assert_eq!(seen.told().tones, "1".repeat(TONES));
    }
}
