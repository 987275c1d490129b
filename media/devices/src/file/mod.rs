//! Files and pipes as devices.

mod raw;
mod wav;
mod y4m;

use std::fmt;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use duologue_codec::{AudioData, PixelFormat, VideoFrame};

use crate::pace::{Pace, Timed};
use crate::{AudioMode, Backend, Capture, Captured, DeviceError, InputDevice, VideoMode, limits};

/// Files and pipes that take the place of cameras and microphones. Each gives its pictures or its sound at
/// their own pace; its tracks end with it, unless it is repeated.
///
/// ```
/// use duologue_devices::{FileDevices, FileFormat, FileSource, MediaDevices, MediaStreamConstraints};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), duologue_devices::DeviceError> {
/// // Half a second of silence, as another program pipes it: `FileSource::stdin` reads our own pipe.
/// let samples = std::io::Cursor::new(vec![0; 8_000]);
/// let pipe = FileSource::reader("a pipe", samples, "s16le:8000x1".parse::<FileFormat>()?);
///
/// let files = FileDevices::new();
/// let device_id = files.add(pipe)?;
/// let devices = MediaDevices::new([std::sync::Arc::new(files) as _]);
/// let stream = devices.get_user_media(&MediaStreamConstraints::new(true, false)).await?;
/// let track = stream.audio_track().unwrap();
/// assert_eq!(track.settings().device_id, Some(device_id));
/// let mut sound = track.audio().unwrap();
/// while let Some(silence) = sound.recv().await {
///     assert_eq!(silence.sample_rate(), 8_000);
/// }
/// assert!(track.has_ended());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Default)]
pub struct FileDevices(Mutex<Vec<Entry>>);

struct Entry {
    device: InputDevice,
    origin: Origin,
    format: FileFormat,
    repeat: bool,
    /// What was opened to see what is in it.
    opened: Option<Frames>,
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Entry")
            .field(&self.device.device_id)
            .finish()
    }
}

/// A file or a pipe.
#[derive(Debug)]
pub struct FileSource {
    name: String,
    origin: Origin,
    format: FileFormat,
    repeat: bool,
}

enum Origin {
    Path(PathBuf),
    Pipe(Option<Box<dyn Read + Send>>),
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Path(path) => path.fmt(f),
            Origin::Pipe(_) => f.write_str("a pipe"),
        }
    }
}

/// What is in a file or a pipe.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum FileFormat {
    /// Pictures with a header, YUV4MPEG2. They become pictures of 8 bits with colour at a quarter of the size.
    Y4m,
    /// Sound with a header, RIFF WAVE, of up to eight channels; of more than two, two are made.
    Wav,
    /// Pictures without one, one after the other.
    RawVideo {
        /// How the pixels lie.
        format: PixelFormat,
        /// Size and rate.
        mode: VideoMode,
    },
    /// Samples of 16 bits without one, little-endian, those of all channels in turn.
    RawAudio(AudioMode),
}

impl FileFormat {
    /// The format that a file's name ends with: `.y4m`, `.wav`.
    pub fn of_path(path: impl AsRef<Path>) -> Option<Self> {
        let ending = path.as_ref().extension()?.to_str()?.to_ascii_lowercase();
        match ending.as_str() {
            "y4m" => Some(FileFormat::Y4m),
            "wav" | "wave" => Some(FileFormat::Wav),
            _ => None,
        }
    }
}

/// `y4m`, `wav`, `i420:640x480@30`, `nv12:…`, `rgba:…`, or `s16le:48000x2`, the rate and the channels.
impl FromStr for FileFormat {
    type Err = DeviceError;

    fn from_str(text: &str) -> Result<Self, DeviceError> {
        let wrong = DeviceError::Invalid(
            "a format is y4m, wav, i420:640x480@30 (or nv12, rgba), or s16le:48000x2",
        );
        let (name, numbers) = text.split_once(':').unwrap_or((text, ""));
        let format = match name {
            "y4m" if numbers.is_empty() => return Ok(FileFormat::Y4m),
            "wav" if numbers.is_empty() => return Ok(FileFormat::Wav),
            "s16le" => {
                let mode = numbers.split_once('x').and_then(|(rate, channels)| {
                    Some(AudioMode {
                        sample_rate: rate.parse().ok()?,
                        channels: channels.parse().ok()?,
                    })
                });
                return mode.map(FileFormat::RawAudio).ok_or(wrong);
            }
            "i420" => PixelFormat::I420,
            "nv12" => PixelFormat::Nv12,
            "rgba" => PixelFormat::Rgba,
            _ => return Err(wrong),
        };
        let mode = numbers.split_once('@').and_then(|(size, rate)| {
            let (width, height) = size.split_once('x')?;
            Some(VideoMode {
                width: width.parse().ok()?,
                height: height.parse().ok()?,
                frame_rate: rate.parse().ok()?,
            })
        });
        let mode = mode.ok_or(wrong)?;
        Ok(FileFormat::RawVideo { format, mode })
    }
}

impl FileSource {
    /// A file, by the ending of its name.
    ///
    /// # Errors
    /// `Invalid` for a name with another ending: then [`with_format`](Self::with_format) says what it is.
    pub fn path(path: impl Into<PathBuf>) -> Result<Self, DeviceError> {
        let path = path.into();
        let format = FileFormat::of_path(&path);
        let format = format.ok_or(DeviceError::Invalid(
            "its name ends neither in .y4m nor .wav",
        ))?;
        Ok(FileSource::with_format(path, format))
    }

    /// A file of this format.
    pub fn with_format(path: impl Into<PathBuf>, format: FileFormat) -> Self {
        let path = path.into();
        FileSource {
            name: path.display().to_string(),
            origin: Origin::Path(path),
            format,
            repeat: false,
        }
    }

    /// What is piped to this program.
    pub fn stdin(format: FileFormat) -> Self {
        FileSource::reader("-", std::io::stdin(), format)
    }

    /// Whatever can be read, by a name for people. It is read once.
    pub fn reader(
        name: impl Into<String>,
        reader: impl Read + Send + 'static,
        format: FileFormat,
    ) -> Self {
        FileSource {
            name: name.into(),
            origin: Origin::Pipe(Some(Box::new(reader))),
            format,
            repeat: false,
        }
    }

    /// Begins again at the end of a file. A pipe ends nevertheless.
    pub fn repeat(self, repeat: bool) -> Self {
        FileSource { repeat, ..self }
    }
}

impl FileDevices {
    /// Devices without any file yet.
    pub fn new() -> Self {
        FileDevices::default()
    }

    /// Adds one, whose header is read. Gives its `deviceId`, which is `file:` and its name.
    ///
    /// # Errors
    /// `NotFound`, `NotAllowed`, `NotReadable`; `Invalid` for more than [`limits::DEVICES`].
    pub fn add(&self, source: FileSource) -> Result<String, DeviceError> {
        let FileSource {
            name,
            mut origin,
            format,
            repeat,
        } = source;
        let opened = open(&name, &mut origin, format)?;
        let device_id = format!("file:{name}");
        let device = match &opened {
            Frames::Video(_, mode) => InputDevice::camera(device_id.clone(), name, [*mode]),
            Frames::Audio(_, mode) => InputDevice::microphone(device_id.clone(), name, [*mode]),
        };
        let mut entries = self.lock();
        entries.retain(|it| it.device.device_id != device_id);
        if entries.len() >= limits::DEVICES {
            return Err(DeviceError::Invalid("so many files are no devices"));
        }
        entries.push(Entry {
            device,
            origin,
            format,
            repeat,
            opened: Some(opened),
        });
        Ok(device_id)
    }

    /// What is in a file, from its beginning, and what opens it again at the end.
    fn take(&self, device_id: &str) -> Result<(Frames, Option<Again>), DeviceError> {
        let mut entries = self.lock();
        let entry = entries
            .iter_mut()
            .find(|it| it.device.device_id == device_id);
        let entry = entry.ok_or_else(|| DeviceError::NotFound(device_id.to_owned()))?;
        let name = entry.device.label.clone();
        let frames = match entry.opened.take() {
            Some(frames) => frames,
            None => open(&name, &mut entry.origin, entry.format)?,
        };
        let again = match (&entry.origin, entry.repeat) {
            (Origin::Path(path), true) => Some(Again {
                name,
                path: path.clone(),
                format: entry.format,
            }),
            _ => None,
        };
        Ok((frames, again))
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Entry>> {
        // What may panic under it, a reader of the application's, leaves the list as it is.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Backend for FileDevices {
    fn devices(&self) -> Vec<InputDevice> {
        self.lock().iter().map(|it| it.device.clone()).collect()
    }

    fn open_video(
        &self,
        device_id: &str,
        _: VideoMode,
    ) -> Result<Box<dyn Capture<VideoFrame>>, DeviceError> {
        match self.take(device_id)? {
            (Frames::Video(frames, _), again) => Ok(Box::new(Playing::new(frames, again))),
            _ => Err(DeviceError::NotFound(device_id.to_owned())),
        }
    }

    fn open_audio(
        &self,
        device_id: &str,
        _: AudioMode,
    ) -> Result<Box<dyn Capture<AudioData>>, DeviceError> {
        match self.take(device_id)? {
            (Frames::Audio(frames, _), again) => Ok(Box::new(Playing::new(frames, again))),
            _ => Err(DeviceError::NotFound(device_id.to_owned())),
        }
    }
}

/// What is in a file, one after the other, with times from zero.
trait Pieces<T>: Send {
    /// The next piece, and how long it lasts; `None` at the end.
    fn next(&mut self) -> Result<Option<(T, Duration)>, DeviceError>;
}

enum Frames {
    Video(Box<dyn Pieces<VideoFrame>>, VideoMode),
    Audio(Box<dyn Pieces<AudioData>>, AudioMode),
}

fn open(name: &str, origin: &mut Origin, format: FileFormat) -> Result<Frames, DeviceError> {
    let reader: Box<dyn Read + Send> = match origin {
        Origin::Path(path) => {
            let file = File::open(path).map_err(|error| DeviceError::of_io(name, &error))?;
            Box::new(file)
        }
        Origin::Pipe(reader) => {
            let gone = || DeviceError::NotReadable(name.to_owned(), "it was read already".into());
            reader.take().ok_or_else(gone)?
        }
    };
    let reader = BufReader::new(reader);
    let wrong = |why: String| DeviceError::NotReadable(name.to_owned(), why);
    match format {
        FileFormat::Y4m => y4m::open(reader).map_err(wrong),
        FileFormat::Wav => wav::open(reader).map_err(wrong),
        FileFormat::RawVideo { format, mode } => raw::video(reader, format, mode).map_err(wrong),
        FileFormat::RawAudio(mode) => raw::audio(reader, mode).map_err(wrong),
    }
}

/// The file, or the pipe, once it is open.
type Reader = BufReader<Box<dyn Read + Send>>;

/// How long one of so many pieces a second lasts; `None` of a rate that cannot be.
fn lasting(frame_rate: f64) -> Option<Duration> {
    let possible = frame_rate > 0.0 && frame_rate <= limits::FRAME_RATE;
    let seconds = possible.then(|| Duration::try_from_secs_f64(1.0 / frame_rate));
    seconds?.ok().filter(|it| *it <= limits::FRAME_TIME)
}

/// When piece `number` is of.
fn time_of(number: u64, frame_rate: f64) -> Duration {
    Duration::try_from_secs_f64(number as f64 / frame_rate).unwrap_or(Duration::MAX)
}

/// A file that begins again.
struct Again {
    name: String,
    path: PathBuf,
    format: FileFormat,
}

impl Again {
    fn open(&self) -> Result<Frames, DeviceError> {
        open(
            &self.name,
            &mut Origin::Path(self.path.clone()),
            self.format,
        )
    }
}

/// A file that is played at its pace.
struct Playing<T> {
    pieces: Box<dyn Pieces<T>>,
    again: Option<Again>,
    /// What was played before this round, and where this one is.
    before: Duration,
    end: Duration,
    pace: Pace,
}

/// Pictures, or pieces of sound.
trait Piece: Timed {
    fn of(frames: Frames) -> Option<Box<dyn Pieces<Self>>>;
}

impl<T: Piece> Playing<T> {
    fn new(pieces: Box<dyn Pieces<T>>, again: Option<Again>) -> Self {
        Playing {
            pieces,
            again,
            before: Duration::ZERO,
            end: Duration::ZERO,
            pace: Pace::default(),
        }
    }

    /// What goes on over the rounds. A file of nothing is not repeated.
    fn next(&mut self) -> Result<Option<(T, Duration)>, DeviceError> {
        if let Some(piece) = self.pieces.next()? {
            return Ok(Some(piece));
        }
        let again = self.again.as_ref().filter(|_| self.end > self.before);
        let Some(pieces) = again.map(Again::open).transpose()?.and_then(T::of) else {
            return Ok(None);
        };
        self.before = self.end;
        self.pieces = pieces;
        self.pieces.next()
    }
}

impl<T: Piece> Capture<T> for Playing<T> {
    fn read(&mut self) -> Result<Option<Captured<T>>, DeviceError> {
        let Some((piece, lasts)) = self.next()? else {
            // The last one lasts, too.
            self.pace.wait_for(self.end);
            return Ok(None);
        };
        let piece = piece.later(self.before);
        let at = piece.timestamp();
        self.end = at + lasts;
        self.pace.wait_for(at);
        Ok(Some(Captured::Data(piece)))
    }
}

impl Piece for VideoFrame {
    fn of(frames: Frames) -> Option<Box<dyn Pieces<Self>>> {
        match frames {
            Frames::Video(pieces, _) => Some(pieces),
            Frames::Audio(..) => None,
        }
    }
}

impl Piece for AudioData {
    fn of(frames: Frames) -> Option<Box<dyn Pieces<Self>>> {
        match frames {
            Frames::Audio(pieces, _) => Some(pieces),
            Frames::Video(..) => None,
        }
    }
}

#[cfg(test)]
mod tests;
