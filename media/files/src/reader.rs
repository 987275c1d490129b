use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;
use std::time::Duration;

use crate::error::{FileError, Result};
use crate::track::{Frame, Track};
use crate::{annexb, ivf, mp4, ogg, webm};

/// Pictures of a byte stream that says no times: 30 a second.
const INTERVAL: Duration = Duration::from_nanos(1_000_000_000 / 30);

/// Frames of a file, in the file's order, whatever kind of file it is.
///
/// ```
/// use std::io::Cursor;
/// use duologue_files::{Container, FileReader, FileWriter, Format, Frame, Track};
///
/// let opus = Track::new(Format::Opus);
/// let mut file = FileWriter::new(Vec::new(), Container::Ogg, &[opus])?;
/// let data = bytes::Bytes::from_static(&[0x78, 1, 2, 3]);
/// for ms in [0, 20] {
///     let time = std::time::Duration::from_millis(ms);
///     file.write_frame(&Frame { track: 0, time, key: true, data: data.clone() })?;
/// }
/// let bytes = file.finish()?;
///
/// let mut file = FileReader::new(Cursor::new(bytes))?;
/// assert_eq!(file.tracks()[0].format, Format::Opus);
/// let frame = file.next_frame()?.unwrap();
/// assert_eq!((frame.time.as_millis(), &frame.data[..]), (0, &[0x78, 1, 2, 3][..]));
/// assert_eq!(file.next_frame()?.unwrap().time.as_millis(), 20);
/// assert_eq!(file.next_frame()?, None);
/// # Ok::<(), duologue_files::FileError>(())
/// ```
///
/// Reading waits for the file, as `std::io` does: a task of an asynchronous program that must not
/// wait for a disk reads elsewhere. What a hostile file can make it hold is bounded by
/// [`limits`](crate::limits).
#[derive(Debug)]
pub struct FileReader<R: Read + Seek> {
    tracks: Vec<Track>,
    source: Source<R>,
}

#[derive(Debug)]
enum Source<R: Read + Seek> {
    Ivf(R, ivf::Reader),
    Ogg(ogg::Reader<R>),
    AnnexB(R, annexb::Reader),
    WebM(R, webm::Reader),
    Mp4(R, mp4::Reader),
}

impl FileReader<BufReader<File>> {
    /// Opens a file.
    ///
    /// # Errors
    ///
    /// See [`FileError`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::new(BufReader::new(File::open(path)?))
    }
}

impl<R: Read + Seek> FileReader<R> {
    /// Finds out what the source is by its first bytes: IVF, Ogg, WebM, MP4, or H.264 or H.265 with
    /// start codes.
    ///
    /// # Errors
    ///
    /// [`FileError::Unsupported`] if it is none of these, or has no track of a [`Format`](crate::Format).
    pub fn new(mut source: R) -> Result<Self> {
        let mut start = Vec::new();
        source.by_ref().take(64).read_to_end(&mut start)?;
        source.seek(SeekFrom::Start(0))?;

        let (source, tracks) = if start.starts_with(ivf::MAGIC) {
            let (reader, track) = ivf::Reader::begin(&mut source)?;
            (Source::Ivf(source, reader), vec![track])
        } else if start.starts_with(ogg::MAGIC) {
            let (reader, track) = ogg::Reader::begin(source)?;
            (Source::Ogg(reader), vec![track])
        } else if start.starts_with(webm::MAGIC) {
            let (reader, tracks) = webm::Reader::begin(&mut source)?;
            (Source::WebM(source, reader), tracks)
        } else if start.get(4..8) == Some(mp4::MAGIC) {
            let (reader, tracks) = mp4::Reader::begin(&mut source)?;
            (Source::Mp4(source, reader), tracks)
        } else if let Some(format) = annexb::format_of(&start) {
            let reader = annexb::Reader::new(format, INTERVAL)?;
            (Source::AnnexB(source, reader), vec![Track::new(format)])
        } else {
            return Err(FileError::Unsupported("a file of this kind"));
        };
        Ok(FileReader { tracks, source })
    }

    /// A byte stream with start codes says no times: each picture is so much later than the one
    /// before, a thirtieth of a second unless it is said. Nothing to other files.
    pub fn set_picture_interval(&mut self, interval: Duration) {
        if let Source::AnnexB(_, reader) = &mut self.source {
            reader.set_interval(interval);
        }
    }

    /// The tracks of the file. A track of another codec is not, nor are its frames.
    pub fn tracks(&self) -> &[Track] {
        &self.tracks
    }

    /// The next frame of any track; `None` at the end. A recording that says nothing of how long it is, as
    /// [`FileWriter`](crate::FileWriter)'s, ends where it was cut off: with the last frame that is whole.
    ///
    /// # Errors
    ///
    /// See [`FileError`]. There is nothing more to be read after one.
    pub fn next_frame(&mut self) -> Result<Option<Frame>> {
        let next = match &mut self.source {
            Source::Ivf(source, reader) => reader.next(source),
            Source::Ogg(reader) => reader.next(),
            Source::AnnexB(source, reader) => reader.next(source),
            Source::WebM(source, reader) => reader.next(source),
            Source::Mp4(source, reader) => reader.next(source),
        };
        match next {
            Err(error) if error.is_cut() && self.source.is_live() => Ok(None),
            next => next,
        }
    }
}

impl<R: Read + Seek> Source<R> {
    /// It says not how long it is.
    fn is_live(&self) -> bool {
        match self {
            Source::Ivf(_, reader) => reader.is_live(),
            Source::WebM(_, reader) => reader.is_live(),
            Source::Mp4(_, reader) => reader.is_live(),
            Source::Ogg(_) | Source::AnnexB(..) => false,
        }
    }
}
