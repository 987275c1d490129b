//! Pictures and samples without a header.

use std::io::{ErrorKind, Read};
use std::time::Duration;

use duologue_codec::{AudioData, PixelFormat, VideoFrame};

use super::{Frames, Pieces, Reader, lasting, time_of};
use crate::{AudioMode, DeviceError, VideoMode};

pub(super) fn video(
    reader: Reader,
    format: PixelFormat,
    mode: VideoMode,
) -> Result<Frames, String> {
    VideoFrame::check_size(mode.width, mode.height).map_err(|it| it.to_string())?;
    let lasts = lasting(mode.frame_rate).ok_or("no such rate")?;
    let planes = (0..format.planes()).map(|it| format.plane_size(it, mode.width, mode.height));
    let pictures = Pictures {
        reader,
        format,
        mode,
        bytes: planes.map(|(row, rows)| row * rows).sum(),
        lasts,
        number: 0,
    };
    Ok(Frames::Video(Box::new(pictures), mode))
}

pub(super) fn audio(reader: Reader, mode: AudioMode) -> Result<Frames, String> {
    check(mode)?;
    let sound = Sound {
        reader,
        mode,
        first: 0,
    };
    Ok(Frames::Audio(Box::new(sound), mode))
}

/// Says whether there can be such sound.
pub(super) fn check(mode: AudioMode) -> Result<(), String> {
    let rates = duologue_codec::limits::SAMPLE_RATES;
    match (1..=2).contains(&mode.channels) && rates.contains(&mode.sample_rate) {
        true => Ok(()),
        false => Err("sound has one channel or two, and 8,000 to 192,000 samples a second".into()),
    }
}

/// Samples with their time; `None` of none.
pub(super) fn piece(
    samples: Vec<f32>,
    mode: AudioMode,
    first: &mut u64,
) -> Result<Option<(AudioData, Duration)>, DeviceError> {
    if samples.is_empty() {
        return Ok(None);
    }
    let data = AudioData::new(samples.into(), mode.sample_rate, mode.channels);
    let data = data.map_err(|it| DeviceError::NotReadable("it".into(), it.to_string()))?;
    let at = time_of(*first, f64::from(mode.sample_rate));
    *first += data.frames() as u64;
    let lasts = data.duration();
    Ok(Some((data.at(at), lasts)))
}

struct Pictures {
    reader: Reader,
    format: PixelFormat,
    mode: VideoMode,
    /// Of one picture.
    bytes: usize,
    lasts: Duration,
    number: u64,
}

impl Pieces<VideoFrame> for Pictures {
    fn next(&mut self) -> Result<Option<(VideoFrame, Duration)>, DeviceError> {
        let mut data = vec![0; self.bytes];
        if read(&mut self.reader, &mut data)? < self.bytes {
            return Ok(None);
        }
        let VideoMode {
            width,
            height,
            frame_rate,
        } = self.mode;
        let frame = VideoFrame::packed(self.format, width, height, data.into());
        let frame = frame.map_err(|it| DeviceError::NotReadable("it".into(), it.to_string()))?;
        let at = time_of(self.number, frame_rate);
        self.number += 1;
        Ok(Some((frame.at(at), self.lasts)))
    }
}

struct Sound {
    reader: Reader,
    mode: AudioMode,
    /// The number of the next sample.
    first: u64,
}

impl Pieces<AudioData> for Sound {
    fn next(&mut self) -> Result<Option<(AudioData, Duration)>, DeviceError> {
        let whole = 2 * usize::from(self.mode.channels);
        let mut bytes = vec![0; self.mode.sample_rate as usize / 100 * whole];
        let len = read(&mut self.reader, &mut bytes)?;
        let samples = bytes[..len / whole * whole].chunks_exact(2);
        let samples = samples.map(|it| f32::from(i16::from_le_bytes([it[0], it[1]])) / 32_768.0);
        piece(samples.collect(), self.mode, &mut self.first)
    }
}

/// How much there is, until the buffer is full.
fn read(reader: &mut Reader, buffer: &mut [u8]) -> Result<usize, DeviceError> {
    let mut len = 0;
    while len < buffer.len() {
        match reader.read(&mut buffer[len..]) {
            Ok(0) => break,
            Ok(more) => len += more,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(DeviceError::NotReadable("it".into(), error.to_string())),
        }
    }
    Ok(len)
}
