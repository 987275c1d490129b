//! A sound card that is open, for capture or for playing.

use std::time::{Duration, Instant};

use cpal::traits::{DeviceTrait, StreamTrait};
use cpal::{
    BufferSize, Data, FromSample, I24, SampleFormat, SizedSample, Stream, StreamConfig,
    SupportedStreamConfigRange,
};
use duologue_codec::AudioData;

use super::ring::{Ring, Taken};
use crate::pace::lasting;
use crate::{AudioMode, Capture, Captured, DeviceError, Play, limits};

/// Formats of samples, those without a conversion first.
const FORMATS: [SampleFormat; 6] = [
    SampleFormat::F32,
    SampleFormat::I16,
    SampleFormat::I32,
    SampleFormat::I24,
    SampleFormat::U8,
    SampleFormat::U16,
];

/// Rates that are looked for, the usual ones first.
const RATES: [u32; 6] = [48_000, 44_100, 32_000, 96_000, 16_000, 8_000];

/// The modes that a card's configurations make, the usual ones first.
pub(super) fn modes(ranges: &[SupportedStreamConfigRange]) -> Vec<AudioMode> {
    let modes = RATES.into_iter().flat_map(|sample_rate| {
        [1, 2].map(|channels| AudioMode {
            sample_rate,
            channels,
        })
    });
    modes
        .filter(|mode| configuration(ranges, *mode).is_some())
        .collect()
}

/// What the card is set to for a mode: the fewest channels that are enough, samples that are easily converted.
fn configuration(
    ranges: &[SupportedStreamConfigRange],
    mode: AudioMode,
) -> Option<(StreamConfig, SampleFormat)> {
    let fits = |it: &&SupportedStreamConfigRange| {
        let rates = it.min_sample_rate()..=it.max_sample_rate();
        rates.contains(&mode.sample_rate) && it.channels() >= u16::from(mode.channels)
    };
    let rank = |it: &SupportedStreamConfigRange| {
        let format = FORMATS
            .iter()
            .position(|format| *format == it.sample_format());
        Some((it.channels(), format?))
    };
    let fitting = ranges.iter().filter(fits);
    let ranked = fitting.filter_map(|it| Some((rank(it)?, it)));
    let (_, range) = ranked.min_by_key(|(rank, _)| *rank)?;
    let config = StreamConfig {
        channels: range.channels(),
        sample_rate: mode.sample_rate,
        buffer_size: BufferSize::Default,
    };
    Some((config, range.sample_format()))
}

/// Samples of all channels in a time.
fn samples(mode: AudioMode, time: Duration) -> usize {
    let frames = time.as_secs_f64() * f64::from(mode.sample_rate);
    frames as usize * usize::from(mode.channels)
}

/// Why a card is not opened, or no longer there.
pub(super) fn failure(device: &str, error: &cpal::Error) -> DeviceError {
    let device = device.to_owned();
    match error.kind() {
        cpal::ErrorKind::DeviceNotAvailable => DeviceError::NotFound(device),
        cpal::ErrorKind::PermissionDenied => DeviceError::NotAllowed(device),
        _ => DeviceError::NotReadable(device, error.to_string()),
    }
}

/// Whether a stream goes on after what its thread tells.
fn goes_on(error: &cpal::Error) -> bool {
    matches!(
        error.kind(),
        cpal::ErrorKind::Xrun | cpal::ErrorKind::RealtimeDenied | cpal::ErrorKind::DeviceChanged
    )
}

/// A microphone.
pub(super) struct Microphone {
    device_id: String,
    pieces: Pieces,
    /// It captures as long as it is there.
    _stream: Stream,
}

impl Microphone {
    pub(super) fn open(
        device: &cpal::Device,
        device_id: &str,
        ranges: &[SupportedStreamConfigRange],
        mode: AudioMode,
    ) -> Result<Self, DeviceError> {
        let unfit = DeviceError::Invalid("the microphone has no such mode");
        let (config, format) = configuration(ranges, mode).ok_or(unfit)?;
        let ring = Ring::new(samples(mode, limits::MICROPHONE));
        let (ours, theirs) = (usize::from(mode.channels), usize::from(config.channels));
        let heard = ring.clone();
        let take = move |data: &Data| match format {
            SampleFormat::F32 => hear::<f32>(data, &heard, theirs, ours),
            SampleFormat::I16 => hear::<i16>(data, &heard, theirs, ours),
            SampleFormat::I32 => hear::<i32>(data, &heard, theirs, ours),
            SampleFormat::I24 => hear::<I24>(data, &heard, theirs, ours),
            SampleFormat::U8 => hear::<u8>(data, &heard, theirs, ours),
            SampleFormat::U16 => hear::<u16>(data, &heard, theirs, ours),
            // None of FORMATS.
            _ => {}
        };
        let ends = ring.clone();
        let lost = move |error: cpal::Error| {
            if !goes_on(&error) {
                ends.fail(error.to_string());
            }
        };

        let failed = |error| failure(device_id, &error);
        let stream =
            device.build_input_stream_raw(config, format, move |data, _| take(data), lost, None);
        let stream = stream.map_err(failed)?;
        stream.play().map_err(failed)?;
        Ok(Microphone {
            device_id: device_id.to_owned(),
            pieces: Pieces::new(ring, mode),
            _stream: stream,
        })
    }
}

/// What a microphone gives, on the clock of its samples.
struct Pieces {
    ring: Ring,
    mode: AudioMode,
    /// Frames since it was opened: those that came, those that were dropped, and those of times when none came.
    frames: u64,
    /// When the last one of them came.
    last: Instant,
    muted: bool,
}

impl Pieces {
    fn new(ring: Ring, mode: AudioMode) -> Self {
        Pieces {
            ring,
            mode,
            frames: 0,
            last: Instant::now(),
            muted: false,
        }
    }

    /// Waits for what comes next.
    ///
    /// # Errors
    /// Why nothing comes any more.
    fn next(&mut self, wait: Duration) -> Result<Captured<AudioData>, String> {
        let (piece, dropped) = match self.ring.take(samples(self.mode, PIECE), wait) {
            Taken::Piece(piece, dropped) => (piece, dropped),
            Taken::Nothing => {
                self.muted = true;
                return Ok(Captured::Muted(true));
            }
            Taken::Failed(why) => return Err(why),
        };
        let silent = self.last.elapsed();
        self.last += silent;
        let channels = u64::from(self.mode.channels);
        let rate = self.mode.sample_rate;
        let (dropped, came) = (dropped / channels, piece.len() as u64 / channels);
        if std::mem::take(&mut self.muted) {
            // This piece is left out for the word that it is back.
            let silent = silent.as_secs_f64() * f64::from(rate);
            self.frames += (silent as u64).max(dropped + came);
            return Ok(Captured::Muted(false));
        }
        let begins = self.frames + dropped;
        self.frames = begins + came;
        let data = AudioData::new(piece.into(), rate, self.mode.channels);
        let data = data.map_err(|error| error.to_string())?;
        Ok(Captured::Data(data.at(lasting(begins, rate))))
    }
}

/// The channels that are wanted of those that there are.
fn hear<T: SizedSample>(data: &Data, ring: &Ring, theirs: usize, ours: usize)
where
    f32: FromSample<T>,
{
    let Some(samples) = data.as_slice::<T>() else {
        return;
    };
    // Frames as the sound card has them; of each the first channels.
    let count = samples.len() / theirs * ours;
    let sample = |at: usize| f32::from_sample_(samples[at / ours * theirs + at % ours]);
    ring.push((0..count).map(sample));
}

impl Capture<AudioData> for Microphone {
    fn read(&mut self) -> Result<Option<Captured<AudioData>>, DeviceError> {
        let next = self.pieces.next(limits::STALL);
        let unreadable = |why| DeviceError::NotReadable(self.device_id.clone(), why);
        next.map(Some).map_err(unreadable)
    }
}

/// What a microphone gives at once.
const PIECE: Duration = Duration::from_millis(10);
/// What a sound card asks for at once, all but never more.
const LARGEST: Duration = Duration::from_secs(1);

/// A loudspeaker.
pub(super) struct Loudspeaker {
    device_id: String,
    mode: AudioMode,
    ring: Ring,
    /// It plays as long as it is there.
    _stream: Stream,
}

impl Loudspeaker {
    pub(super) fn open(
        device: &cpal::Device,
        device_id: &str,
        ranges: &[SupportedStreamConfigRange],
        mode: AudioMode,
    ) -> Result<Self, DeviceError> {
        let has = modes(ranges);
        let nearest = has.iter().find(|it| **it == mode);
        let same_channels = || has.iter().find(|it| it.channels == mode.channels);
        let mode = nearest.or_else(same_channels).or(has.first());
        let unfit =
            || DeviceError::NotReadable(device_id.to_owned(), "it has no usual mode".into());
        let mode = *mode.ok_or_else(unfit)?;
        let (config, format) = configuration(ranges, mode).ok_or_else(unfit)?;

        let ring = Ring::new(samples(mode, limits::LOUDSPEAKER));
        let mut player = Player::new(ring.clone(), mode, config.channels);
        let mut give = move |data: &mut Data| match format {
            SampleFormat::F32 => player.play(data.as_slice_mut::<f32>()),
            SampleFormat::I16 => player.play(data.as_slice_mut::<i16>()),
            SampleFormat::I32 => player.play(data.as_slice_mut::<i32>()),
            SampleFormat::I24 => player.play(data.as_slice_mut::<I24>()),
            SampleFormat::U8 => player.play(data.as_slice_mut::<u8>()),
            SampleFormat::U16 => player.play(data.as_slice_mut::<u16>()),
            // None of FORMATS.
            _ => {}
        };
        let ends = ring.clone();
        let lost = move |error: cpal::Error| {
            if !goes_on(&error) {
                ends.fail(error.to_string());
            }
        };

        let failed = |error| failure(device_id, &error);
        let stream =
            device.build_output_stream_raw(config, format, move |data, _| give(data), lost, None);
        let stream = stream.map_err(failed)?;
        stream.play().map_err(failed)?;
        Ok(Loudspeaker {
            device_id: device_id.to_owned(),
            mode,
            ring,
            _stream: stream,
        })
    }
}

impl Play for Loudspeaker {
    fn mode(&self) -> AudioMode {
        self.mode
    }

    fn write(&mut self, samples: &[f32]) -> Result<(), DeviceError> {
        if let Some(why) = self.ring.failed() {
            return Err(DeviceError::NotReadable(self.device_id.clone(), why));
        }
        self.ring.push(samples.iter().copied());
        Ok(())
    }

    fn missed(&self) -> Duration {
        let frames = self.ring.missed() / u64::from(self.mode.channels);
        lasting(frames, self.mode.sample_rate)
    }
}

/// What the thread of the sound card does.
struct Player {
    ring: Ring,
    /// So many samples wait before it begins, and begins again: less than that runs dry at once.
    enough: usize,
    playing: bool,
    /// It has played: silence is something that is missed from then on.
    played: bool,
    ours: usize,
    theirs: usize,
    scratch: Vec<f32>,
}

impl Player {
    fn new(ring: Ring, mode: AudioMode, theirs: u16) -> Self {
        Player {
            ring,
            enough: samples(mode, limits::BEFORE),
            playing: false,
            played: false,
            ours: usize::from(mode.channels),
            theirs: usize::from(theirs),
            // The sound card's thread is not to wait for memory.
            scratch: Vec::with_capacity(samples(mode, LARGEST)),
        }
    }

    fn play<T: SizedSample + FromSample<f32>>(&mut self, out: Option<&mut [T]>) {
        let Some(out) = out else {
            return;
        };
        out.fill(T::EQUILIBRIUM);
        let wanted = out.len() / self.theirs * self.ours;
        self.playing |= self.ring.len() >= self.enough;
        if !self.playing {
            if self.played {
                self.ring.miss(wanted);
            }
            return;
        }
        self.played = true;
        self.scratch.resize(wanted, 0.0);
        self.playing = self.ring.fill(&mut self.scratch);
        let frames = out.chunks_exact_mut(self.theirs);
        for (out, frame) in frames.zip(self.scratch.chunks_exact(self.ours)) {
            for (out, sample) in out.iter_mut().zip(frame) {
                *out = T::from_sample_(sample.clamp(-1.0, 1.0));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use cpal::SupportedBufferSize;

    use super::*;

    fn range(channels: u16, rates: [u32; 2], format: SampleFormat) -> SupportedStreamConfigRange {
        SupportedStreamConfigRange::new(
            channels,
            rates[0],
            rates[1],
            SupportedBufferSize::Unknown,
            format,
        )
    }

    #[test]
    fn a_card_has_the_usual_modes_that_its_configurations_make() {
        let ranges = [
            range(2, [44_100, 48_000], SampleFormat::I16),
            range(1, [8_000, 8_000], SampleFormat::U8),
            range(2, [192_000, 192_000], SampleFormat::F32),
        ];
        let modes = modes(&ranges);
        let modes: Vec<_> = modes
            .iter()
            .map(|it| (it.sample_rate, it.channels))
            .collect();
        assert_eq!(
            modes,
            [
                (48_000, 1),
                (48_000, 2),
                (44_100, 1),
                (44_100, 2),
                (8_000, 1)
            ]
        );
    }

    #[test]
    fn the_fewest_channels_that_are_enough_and_samples_without_a_conversion_are_taken() {
        let rates = [8_000, 48_000];
        let ranges = [
            range(8, rates, SampleFormat::F32),
            range(2, rates, SampleFormat::I32),
            range(2, rates, SampleFormat::F32),
            range(1, rates, SampleFormat::DsdU8),
        ];
        let mode = AudioMode {
            sample_rate: 48_000,
            channels: 1,
        };
        let (config, format) = configuration(&ranges, mode).unwrap();
        assert_eq!((config.channels, format), (2, SampleFormat::F32));
        let none = configuration(&ranges[3..], mode);
        assert!(none.is_none());
    }

    const MONO: AudioMode = AudioMode {
        sample_rate: 8_000,
        channels: 1,
    };

    #[test]
    fn sound_after_a_stall_is_as_much_later_as_that_was_long() {
        let ring = Ring::new(800);
        let mut pieces = Pieces::new(ring.clone(), MONO);
        let mut next = |came: usize, wait| {
            ring.push(std::iter::repeat_n(0.5, came));
            pieces.next(wait).unwrap()
        };
        let at = |captured: Captured<AudioData>| match captured {
            Captured::Data(data) => Some(data.timestamp),
            Captured::Muted(_) => None,
        };
        let [piece, stall] = [PIECE, Duration::from_millis(30)];
        assert_eq!(at(next(80, piece)), Some(Duration::ZERO));
        assert_eq!(at(next(80, piece)), Some(PIECE));
        assert_eq!(next(0, stall), Captured::Muted(true));
        assert_eq!(next(80, piece), Captured::Muted(false));
        let after = at(next(80, piece)).unwrap();
        assert!(
            after >= 2 * PIECE + stall - Duration::from_millis(1),
            "{after:?}"
        );
        // What was dropped before it is back counts, too.
        assert_eq!(next(0, Duration::ZERO), Captured::Muted(true));
        assert_eq!(next(880, piece), Captured::Muted(false));
        let later = at(next(0, piece)).unwrap();
        assert!(later >= after + 3 * PIECE, "{later:?}");
    }

    #[test]
    fn sound_has_its_time_after_a_month() {
        let ring = Ring::new(800);
        let mut pieces = Pieces::new(ring.clone(), MONO);
        let month = Duration::from_secs(30 * 24 * 3_600);
        pieces.frames = month.as_secs() * 8_000;
        ring.push(std::iter::repeat_n(0.5, 80));
        match pieces.next(PIECE).unwrap() {
            Captured::Data(data) => assert_eq!(data.timestamp, month),
            Captured::Muted(_) => unreachable!("it came"),
        }
    }

    #[test]
    fn silence_is_missed_from_when_it_has_played() {
        let ring = Ring::new(800);
        let mut player = Player::new(ring.clone(), MONO, 1);
        let mut out = [0_f32; 240];
        player.play(Some(&mut out));
        assert_eq!(ring.missed(), 0, "nothing was written");
        ring.push(std::iter::repeat_n(0.5, 240));
        player.play(Some(&mut out));
        assert_eq!((out, ring.missed()), ([0.5; 240], 0));
        // It runs dry, and waits until enough is there.
        player.play(Some(&mut out));
        assert_eq!(ring.missed(), 240);
        ring.push(std::iter::repeat_n(0.5, 120));
        player.play(Some(&mut out));
        assert_eq!((out, ring.missed()), ([0.0; 240], 480));
        ring.push(std::iter::repeat_n(0.5, 120));
        player.play(Some(&mut out));
        assert_eq!((out, ring.missed()), ([0.5; 240], 480));
    }
}
