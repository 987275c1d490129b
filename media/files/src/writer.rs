use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::Duration;

use ::ogg::PacketWriter;
use duologue_base::Instant;
use duologue_media::EncodedFrame;
use duologue_rtp::MediaKind;
use duologue_rtp::payload::FrameSize;

use crate::error::{FileError, Result};
use crate::limits::FRAME_TIME;
use crate::timeline::Timeline;
use crate::track::{Format, Frame, Track};
use crate::{ivf, mp4, ogg, webm};

/// A kind of file.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Container {
    /// `.ivf`: one track of VP8, VP9 or AV1.
    Ivf,
    /// `.ogg`, `.opus`: one track of Opus (RFC 7845).
    Ogg,
    /// `.h264`, `.264`, `.h265`, `.265`, `.hevc`: one track of H.264 or H.265 with start codes, without
    /// times.
    AnnexB,
    /// `.webm`: pictures of VP8, VP9 or AV1, and Opus.
    WebM,
    /// `.mp4`: pictures and Opus, in fragments.
    Mp4,
}

impl Container {
    /// The container that a file's name ends with.
    pub fn of_path(path: impl AsRef<Path>) -> Option<Self> {
        let ending = path.as_ref().extension()?.to_str()?.to_ascii_lowercase();
        Some(match ending.as_str() {
            "ivf" => Container::Ivf,
            "ogg" | "opus" => Container::Ogg,
            "h264" | "264" | "h265" | "265" | "hevc" => Container::AnnexB,
            "webm" => Container::WebM,
            "mp4" => Container::Mp4,
            _ => return None,
        })
    }
}

/// Writes frames to a file: of one track of pictures, one of sound, or both.
///
/// A file with pictures begins with the first key frame of them; what comes before is left out. What
/// is written is a whole file at each moment, but for the last second; [`finish`](Self::finish) writes
/// what is held back. [`FileReader`](crate::FileReader) has an example.
#[derive(Debug)]
pub struct FileWriter<W: Write> {
    tracks: Vec<Track>,
    timelines: Vec<Timeline>,
    /// When the first frame of the file was received.
    origin: Option<Instant>,
    /// Times are not below these.
    last: Vec<Duration>,
    sink: Sink<W>,
}

enum Sink<W: Write> {
    Ivf(W, ivf::Writer),
    Ogg(PacketWriter<'static, W>, ogg::Writer),
    AnnexB(W),
    /// Until the first frame.
    Waiting(W, Container),
    WebM(W, webm::Writer),
    Mp4(W, Box<mp4::Writer>),
    /// After an error while it began.
    Broken,
}

impl<W: Write> std::fmt::Debug for Sink<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sink")
    }
}

impl FileWriter<BufWriter<File>> {
    /// Makes a file, or replaces it. Its kind is that of its name.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new); [`FileError::Unsupported`] for a name with another ending.
    pub fn create(path: impl AsRef<Path>, tracks: &[Track]) -> Result<Self> {
        let container = Container::of_path(&path);
        let container = container.ok_or(FileError::Unsupported("a file with such a name"))?;
        check(container, tracks)?;
        Self::new(BufWriter::new(File::create(path)?), container, tracks)
    }
}

impl<W: Write> FileWriter<W> {
    /// A writer that writes a file of these tracks to `to`.
    ///
    /// # Errors
    ///
    /// [`FileError::Unsupported`] for tracks that such a file cannot have.
    pub fn new(to: W, container: Container, tracks: &[Track]) -> Result<Self> {
        check(container, tracks)?;
        let first = &tracks[0];
        let sink = match container {
            Container::Ivf => Sink::Ivf(to, ivf::Writer::new(first.format)?),
            Container::Ogg => Sink::Ogg(PacketWriter::new(to), ogg::Writer::new(first.channels)),
            Container::AnnexB => Sink::AnnexB(to),
            Container::WebM | Container::Mp4 => Sink::Waiting(to, container),
        };
        let rates = tracks.iter().map(|track| track.format.clock_rate());
        Ok(FileWriter {
            timelines: rates.map(Timeline::new).collect(),
            last: vec![Duration::ZERO; tracks.len()],
            tracks: tracks.to_vec(),
            origin: None,
            sink,
        })
    }

    /// Writes a frame as it was received. Its time is that of its time stamp, beside the other track
    /// by when the first ones of both arrived. Another source of the same track, such as another
    /// simulcast layer, goes on when it arrives: frames of one at a time, from a key frame on.
    ///
    /// # Errors
    ///
    /// As [`write_frame`](Self::write_frame).
    pub fn write(&mut self, track: usize, frame: &EncodedFrame) -> Result<()> {
        if track >= self.tracks.len() {
            return Err(FileError::Unsupported("a track that is not there"));
        }
        if self.origin.is_none() {
            let picture = self.tracks[track].format.kind() == MediaKind::Video;
            if self.has_pictures() && !(picture && frame.key) {
                return Ok(());
            }
        }
        let origin = *self.origin.get_or_insert(frame.received);
        let time = self.timelines[track].place(frame, origin);
        let put = self.put(track, time, frame.key, frame.size, &frame.data);
        if matches!(self.sink, Sink::Waiting(..)) {
            // The file begins with another frame, and its times do.
            self.origin = None;
            self.timelines[track].reset();
        }
        put
    }

    /// Writes a frame whose time is known. Frames of a track are written in their order.
    ///
    /// # Errors
    ///
    /// [`FileError::Io`]; [`FileError::TooLarge`] and [`FileError::Malformed`] for a frame that is not
    /// of its track's format, which is left out: the file goes on with the next one
    /// ([`FileError::is_of_one_frame`]).
    pub fn write_frame(&mut self, frame: &Frame) -> Result<()> {
        if frame.track >= self.tracks.len() {
            return Err(FileError::Unsupported("a track that is not there"));
        }
        self.put(frame.track, frame.time, frame.key, None, &frame.data)
    }

    /// Writes what is held back, and gives what was written to.
    ///
    /// # Errors
    ///
    /// [`FileError::Io`].
    pub fn finish(self) -> Result<W> {
        let mut to = match self.sink {
            Sink::Ivf(to, _) | Sink::AnnexB(to) | Sink::Waiting(to, _) | Sink::WebM(to, _) => to,
            Sink::Ogg(mut to, mut writer) => {
                writer.finish(&mut to)?;
                to.into_inner()
            }
            Sink::Mp4(mut to, mut writer) => {
                writer.finish(&mut to)?;
                to
            }
            Sink::Broken => return Err(FileError::Unsupported("a file that did not begin")),
        };
        to.flush()?;
        Ok(to)
    }

    fn has_pictures(&self) -> bool {
        let mut tracks = self.tracks.iter();
        tracks.any(|track| track.format.kind() == MediaKind::Video)
    }

    fn put(
        &mut self,
        track: usize,
        time: Duration,
        key: bool,
        size: Option<FrameSize>,
        data: &bytes::Bytes,
    ) -> Result<()> {
        if time > FRAME_TIME {
            return Err(FileError::Malformed("a time beyond all"));
        }
        let format = self.tracks[track].format;
        if let Sink::Waiting(..) = self.sink
            && !self.begin(format, key, size, data)?
        {
            return Ok(());
        }
        let time = time.max(self.last[track]);
        self.last[track] = time;
        match &mut self.sink {
            Sink::Ivf(to, writer) => {
                let size = size.or_else(|| format.info(data).size);
                writer.write(to, time, size, data)
            }
            Sink::Ogg(to, writer) => writer.write(to, time, data),
            Sink::AnnexB(to) => Ok(to.write_all(data)?),
            Sink::WebM(to, writer) => {
                let picture = key && format.kind() == MediaKind::Video;
                writer.write(to, track, time, key, picture, data)
            }
            Sink::Mp4(to, writer) => writer.write(to, track, time, key, data),
            Sink::Waiting(..) | Sink::Broken => {
                Err(FileError::Unsupported("a file that did not begin"))
            }
        }
    }

    /// `false` if the file does not begin with this frame.
    fn begin(
        &mut self,
        format: Format,
        key: bool,
        size: Option<FrameSize>,
        first: &[u8],
    ) -> Result<bool> {
        if self.has_pictures() {
            let size = size.or_else(|| format.info(first).size);
            if format.kind() != MediaKind::Video || !key || size.is_none() {
                return Ok(false);
            }
            for track in &mut self.tracks {
                if track.format == format {
                    track.size = size;
                }
            }
        }
        let Sink::Waiting(_, container) = self.sink else {
            return Ok(false);
        };
        // A frame that no file can begin with leaves all as it is: a later one may do.
        let (begun, head) = match container {
            Container::WebM => {
                let (writer, head) = webm::Writer::begin(&self.tracks, first)?;
                (Begun::WebM(writer), head)
            }
            _ => {
                let (writer, head) = mp4::Writer::begin(&self.tracks, first)?;
                (Begun::Mp4(Box::new(writer)), head)
            }
        };

        let Sink::Waiting(mut to, _) = std::mem::replace(&mut self.sink, Sink::Broken) else {
            return Ok(false);
        };
        to.write_all(&head)?;
        self.sink = match begun {
            Begun::WebM(writer) => Sink::WebM(to, writer),
            Begun::Mp4(writer) => Sink::Mp4(to, writer),
        };
        Ok(true)
    }
}

/// A writer whose file has no byte yet.
enum Begun {
    WebM(webm::Writer),
    Mp4(Box<mp4::Writer>),
}

fn check(container: Container, tracks: &[Track]) -> Result<()> {
    let of_kind = |kind| tracks.iter().filter(|t| t.format.kind() == kind).count();
    if tracks.is_empty() || of_kind(MediaKind::Audio) > 1 || of_kind(MediaKind::Video) > 1 {
        return Err(FileError::Unsupported("such a number of tracks"));
    }
    let formats: Vec<Format> = tracks.iter().map(|track| track.format).collect();
    let fits = match container {
        Container::Ivf => matches!(formats[..], [Format::Vp8 | Format::Vp9 | Format::Av1]),
        Container::Ogg => matches!(formats[..], [Format::Opus]),
        Container::AnnexB => matches!(formats[..], [Format::H264 | Format::H265]),
        Container::WebM => return webm::Writer::check(tracks),
        Container::Mp4 => true,
    };
    match fits {
        true => Ok(()),
        false => Err(FileError::Unsupported("such a track in such a file")),
    }
}
