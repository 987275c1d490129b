//! Counts the frames that a connection receives, and writes them to a file if one is wanted.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use duologue::files::{Container, FileError, FileWriter, Format, Track};
use duologue::{EncodedFrame, EncodedFrames, MediaKind, PayloadType, RtpReceiver};
use serde::Serialize;
use tokio::sync::{mpsc, watch};

use super::limits::{FRAMES, HELD_SOUND, PICTURES_PATIENCE};
use super::playback::wrong;
use crate::{Failure, kept};

/// What came of one track.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Arrived {
    /// Its codec's name: that of the first frame, once there is one.
    pub codec: String,
    /// Whole frames.
    pub frames: u64,
    /// Those among them that need no other.
    pub key_frames: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Of the last picture.
    pub width: u32,
    /// Of the last picture.
    pub height: u32,
    /// Those among the frames that are not in the file: of another codec than its first ones, or broken.
    pub left_out: u64,
}

impl Arrived {
    /// What came of the same track in another session.
    pub(super) fn add(&mut self, other: &Self) {
        self.frames += other.frames;
        self.key_frames += other.key_frames;
        self.bytes += other.bytes;
        self.left_out += other.left_out;
        if other.width > 0 {
            (self.width, self.height) = (other.width, other.height);
        }
    }
}

/// All tracks, counted while they come.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally(Arc<watch::Sender<Vec<Arrived>>>);

impl Tally {
    pub(super) fn tracks(&self) -> Vec<Arrived> {
        self.0.borrow().clone()
    }

    /// Until a frame came: whether one will.
    pub(super) fn first_frame(&self) -> impl Future<Output = bool> + use<> {
        let mut tracks = self.0.subscribe();
        async move {
            let came = tracks.wait_for(|it| it.iter().any(|track| track.frames > 0));
            // An error: nobody counts any more.
            came.await.is_ok()
        }
    }

    fn count(&self, track: usize, codec: Option<&str>, frame: &EncodedFrame) {
        self.0.send_modify(|tracks| {
            let Some(arrived) = tracks.get_mut(track) else {
                return;
            };
            if let (0, Some(codec)) = (arrived.frames, codec) {
                codec.clone_into(&mut arrived.codec);
            }
            arrived.frames += 1;
            arrived.key_frames += u64::from(frame.key);
            arrived.bytes += frame.data.len() as u64;
            if let Some(size) = frame.size {
                (arrived.width, arrived.height) = (size.width, size.height);
            }
        });
    }

    fn leave_out(&self, track: usize) {
        self.0.send_modify(|tracks| {
            if let Some(arrived) = tracks.get_mut(track) {
                arrived.left_out += 1;
            }
        });
    }
}

/// Where the frames go.
#[derive(Debug)]
pub(crate) enum Target {
    /// They are counted.
    Nowhere,
    /// Its kind is that of its name.
    File(PathBuf),
    /// A file of a name that no other has, of a kind that has what comes.
    Folder {
        folder: PathBuf,
        stream: String,
        number: u64,
    },
}

/// What the receivers get, before it is read.
pub(crate) struct Recorder {
    readers: Vec<EncodedFrames>,
    agreed: Vec<Agreed>,
    tally: Tally,
    /// The file, once it is known.
    path: Option<PathBuf>,
    begun: bool,
}

/// What one receiver may get: the names of codecs by their payload types. The other end may take another one at any
/// time.
#[derive(Debug, Default)]
struct Agreed(Vec<(u8, String)>);

impl Agreed {
    fn name(&self, payload_type: PayloadType) -> Option<&str> {
        let mut codecs = self.0.iter();
        let found = codecs.find(|(number, _)| *number == payload_type.get());
        found.map(|(_, name)| name.as_str())
    }

    fn format(&self, payload_type: PayloadType) -> Option<Format> {
        self.name(payload_type).and_then(Format::of_mime_type)
    }

    /// The first that a file can have.
    fn first_format(&self) -> Option<Format> {
        let mut names = self.0.iter();
        names.find_map(|(_, name)| Format::of_mime_type(name))
    }
}

impl Recorder {
    /// Of receivers whose codecs are agreed on.
    pub(crate) fn new(receivers: &[RtpReceiver]) -> Self {
        let (mut agreed, mut tracks) = (Vec::new(), Vec::new());
        for receiver in receivers {
            let parameters = receiver.parameters();
            let codecs = parameters.into_iter().flat_map(|it| it.codecs);
            let of = Agreed(
                codecs
                    .map(|it| (it.payload_type, it.codec.mime_type))
                    .collect(),
            );
            let first = of.0.first().map(|(_, name)| name.clone());
            tracks.push(Arrived {
                codec: first.unwrap_or_default(),
                ..Arrived::default()
            });
            agreed.push(of);
        }
        Recorder {
            readers: receivers.iter().map(RtpReceiver::frames).collect(),
            agreed,
            tally: Tally(Arc::new(watch::Sender::new(tracks))),
            path: None,
            begun: false,
        }
    }

    pub(super) fn tally(&self) -> Tally {
        self.tally.clone()
    }

    /// The file that was made.
    pub(super) fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Until the connection is closed. A file that cannot be written ends it early.
    ///
    /// # Errors
    /// The file cannot be written, or cannot have these codecs, which is a
    /// [`FileError`](super::playback::FileError).
    pub(crate) async fn run(&mut self, target: Target) -> Result<(), Failure> {
        let (sender, mut frames) = mpsc::channel(FRAMES);
        for (track, mut reader) in self.readers.drain(..).enumerate() {
            let sender = sender.clone();
            tokio::spawn(async move {
                while let Some(frame) = reader.recv().await {
                    if sender.send((track, frame)).await.is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);

        let mut recording = Recording::new(target, &self.agreed)?;
        let mut outcome = Ok(());
        while let Some((track, frame)) = frames.recv().await {
            let name = self.agreed[track].name(frame.payload_type);
            self.tally.count(track, name, &frame);
            let given = recording.give(&self.agreed, track, &frame);
            if self.path.is_none() {
                self.path = recording.path().map(Path::to_owned);
            }
            match given {
                Ok(true) => {}
                Ok(false) => self.tally.leave_out(track),
                Err(failure) => {
                    outcome = Err(failure);
                    break;
                }
            }
        }
        // Whatever ended it: what is held back is part of the file.
        let held = recording.begin_without_pictures(&self.agreed);
        if self.path.is_none() {
            self.path = recording.path().map(Path::to_owned);
        }
        self.begun = matches!(recording, Recording::Running(_));
        outcome.and(held).and(recording.finish())
    }

    /// Whether any frame came.
    pub(crate) fn got_any(&self) -> bool {
        self.tally.0.borrow().iter().any(|track| track.frames > 0)
    }

    /// Whether a file was begun.
    pub(crate) fn has_begun(&self) -> bool {
        self.begun
    }
}

/// A file that is made of frames as they come.
enum Recording {
    Nothing,
    /// Until the frame that it begins with.
    Waiting(Place, Held),
    Running(Box<Running>),
}

/// What came before the first key frame.
#[derive(Default)]
struct Held {
    /// Kept with its tracks: perhaps no pictures come.
    sound: VecDeque<(usize, EncodedFrame)>,
    /// Some came that need others: a key frame will, however late.
    pictures: bool,
}

/// Where a file will be.
enum Place {
    /// It is there, so that it is known at once when it cannot be; it has what it had.
    Made(PathBuf, Container, File),
    Free {
        folder: PathBuf,
        stream: String,
        number: u64,
    },
}

struct Running {
    path: PathBuf,
    writer: FileWriter<BufWriter<File>>,
    /// What the file's track of each receiver is of, and which one that is.
    tracks: Vec<Option<(Format, usize)>>,
}

impl Recording {
    fn new(target: Target, agreed: &[Agreed]) -> Result<Self, Failure> {
        let known = |path: &Path| match agreed.iter().any(|it| it.first_format().is_some()) {
            true => Ok(()),
            false => Err(wrong(path, &"no codec that is agreed on goes into files")),
        };
        Ok(match target {
            Target::Nowhere => Recording::Nothing,
            Target::File(path) => {
                known(&path)?;
                let container = Container::of_path(&path)
                    .ok_or_else(|| wrong(&path, &"no file has such a name"))?;
                fits_at_all(container, agreed).map_err(|error| wrong(&path, &error))?;
                let file = kept::open(&path).map_err(|error| wrong(&path, &error))?;
                Recording::waiting(Place::Made(path, container, file))
            }
            Target::Folder {
                folder,
                stream,
                number,
            } => {
                known(&folder)?;
                Recording::waiting(Place::Free {
                    folder,
                    stream,
                    number,
                })
            }
        })
    }

    fn path(&self) -> Option<&Path> {
        match self {
            Recording::Running(running) => Some(&running.path),
            Recording::Waiting(Place::Made(path, ..), _) => Some(path),
            _ => None,
        }
    }

    fn waiting(place: Place) -> Self {
        Recording::Waiting(place, Held::default())
    }

    /// Writes a frame; `false` if the file cannot have it, and goes on. What comes before the first key frame of
    /// pictures belongs to none, unless no picture comes for too long: then the file is one of sound.
    fn give(
        &mut self,
        agreed: &[Agreed],
        track: usize,
        frame: &EncodedFrame,
    ) -> Result<bool, Failure> {
        if let Recording::Waiting(..) = self {
            let Some(format) = agreed[track].format(frame.payload_type) else {
                return Ok(false);
            };
            let formats = agreed.iter().filter_map(Agreed::first_format);
            let mut kinds = formats.map(Format::kind);
            let begins = format.kind() == MediaKind::Video && frame.key;
            if kinds.any(|kind| kind == MediaKind::Video) && !begins {
                return self.hold(agreed, track, format, frame);
            }
            self.begin(agreed, track, format, true)?;
        }
        self.write(agreed, track, frame)
    }

    fn hold(
        &mut self,
        agreed: &[Agreed],
        track: usize,
        format: Format,
        frame: &EncodedFrame,
    ) -> Result<bool, Failure> {
        let Recording::Waiting(_, held) = self else {
            return Ok(true);
        };
        match format.kind() {
            MediaKind::Audio => held.sound.push_back((track, frame.clone())),
            MediaKind::Video => held.pictures = true,
        }
        if held.pictures {
            let most = held.sound.len().min(HELD_SOUND);
            held.sound.drain(..held.sound.len() - most);
            return Ok(true);
        }
        let too_long = |(_, first): &(usize, EncodedFrame)| {
            frame.received - first.received > PICTURES_PATIENCE
        };
        if held.sound.len() >= HELD_SOUND || held.sound.front().is_some_and(too_long) {
            self.begin_without_pictures(agreed)?;
        }
        Ok(true)
    }

    /// Of the sound alone that is there, if it is.
    fn begin_without_pictures(&mut self, agreed: &[Agreed]) -> Result<(), Failure> {
        let Recording::Waiting(_, held) = self else {
            return Ok(());
        };
        let held = std::mem::take(&mut held.sound);
        let Some((track, first)) = held.front() else {
            return Ok(());
        };
        let Some(format) = agreed[*track].format(first.payload_type) else {
            return Ok(());
        };
        self.begin(agreed, *track, format, false)?;
        for (track, frame) in &held {
            self.write(agreed, *track, frame)?;
        }
        Ok(())
    }

    fn write(
        &mut self,
        agreed: &[Agreed],
        track: usize,
        frame: &EncodedFrame,
    ) -> Result<bool, Failure> {
        let Recording::Running(running) = self else {
            return Ok(true);
        };
        let format = agreed[track].format(frame.payload_type);
        match running.tracks[track] {
            Some((of, place)) if Some(of) == format => match running.writer.write(place, frame) {
                Ok(()) => Ok(true),
                Err(error) if error.is_of_one_frame() => Ok(false),
                Err(error) => Err(wrong(&running.path, &error)),
            },
            _ => Ok(false),
        }
    }

    /// The file has this track's frames as the first one is.
    fn begin(
        &mut self,
        agreed: &[Agreed],
        first: usize,
        format: Format,
        pictures: bool,
    ) -> Result<(), Failure> {
        let (of, tracks) = tracks(agreed, first, format, pictures);
        let Recording::Waiting(place, _) = std::mem::replace(self, Recording::Nothing) else {
            return Ok(());
        };
        let (path, container, file) = match place {
            Place::Made(path, container, file) => {
                let emptied =
                    fits(container, &of).and_then(|()| kept::empty(file).map_err(FileError::Io));
                (path, container, emptied)
            }
            Place::Free {
                folder,
                stream,
                number,
            } => {
                let mp4 = [Format::H264, Format::H265];
                let (container, ending) = match of.iter().any(|it| mp4.contains(&it.format)) {
                    true => (Container::Mp4, "mp4"),
                    false => (Container::WebM, "webm"),
                };
                let path = free_name(&folder, &stream, number, ending);
                let file = File::create(&path).map_err(FileError::Io);
                (path, container, file)
            }
        };
        let writer = file
            .and_then(|file| FileWriter::new(BufWriter::new(file), container, &of))
            .map_err(|error| wrong(&path, &error))?;
        *self = Recording::Running(Box::new(Running {
            path,
            writer,
            tracks,
        }));
        Ok(())
    }

    fn finish(self) -> Result<(), Failure> {
        let Recording::Running(running) = self else {
            return Ok(());
        };
        let Running { path, writer, .. } = *running;
        writer.finish().map_err(|error| wrong(&path, &error))?;
        Ok(())
    }
}

/// What a file is of that begins with a frame of this format: its tracks, and which one each receiver's is. One
/// without pictures has none of them.
fn tracks(
    agreed: &[Agreed],
    first: usize,
    format: Format,
    pictures: bool,
) -> (Vec<Track>, Vec<Option<(Format, usize)>>) {
    let (mut of, mut tracks) = (Vec::new(), Vec::new());
    for (at, agreed) in agreed.iter().enumerate() {
        let format = match at == first {
            true => Some(format),
            false => agreed.first_format(),
        };
        let format = format.filter(|it| pictures || it.kind() == MediaKind::Audio);
        tracks.push(format.map(|format| {
            of.push(Track::new(format));
            (format, of.len() - 1)
        }));
    }
    (of, tracks)
}

/// Whether a file can have any of what may come.
fn fits_at_all(container: Container, agreed: &[Agreed]) -> Result<(), FileError> {
    let mut outcome = Ok(());
    for (first, of) in agreed.iter().enumerate() {
        for format in
            of.0.iter()
                .filter_map(|(_, name)| Format::of_mime_type(name))
        {
            outcome = fits(container, &tracks(agreed, first, format, true).0);
            if outcome.is_ok() {
                return outcome;
            }
        }
    }
    outcome
}

/// Whether a file can have these tracks.
fn fits(container: Container, of: &[Track]) -> Result<(), FileError> {
    FileWriter::new(io::sink(), container, of).map(|_| ())
}

/// A name that no file has: recordings of before stay.
fn free_name(folder: &Path, stream: &str, number: u64, ending: &str) -> PathBuf {
    let names = (number..).map(|number| folder.join(format!("{stream}-{number}.{ending}")));
    let free = names.take(100_000).find(|path| !path.exists());
    free.unwrap_or_else(|| folder.join(format!("{stream}.{ending}")))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use duologue::Instant;
    use duologue::files::FileReader;

    use super::*;

    /// H.264 and VP8 are agreed on, H.264 comes.
    const VP8: u8 = 96;
    const H264: u8 = 102;

    fn agreed() -> [Agreed; 1] {
        let codecs = [(VP8, "video/VP8"), (97, "video/rtx"), (H264, "video/H264")];
        [Agreed(
            codecs.map(|(number, name)| (number, name.into())).into(),
        )]
    }

    fn pictures() -> Vec<EncodedFrame> {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../media/files/tests/data/h264.h264"
        );
        let mut reader = FileReader::open(path).unwrap();
        let mut pictures = Vec::new();
        while let Some(frame) = reader.next_frame().unwrap() {
            let at = 33 * pictures.len() as u32;
            pictures.push(EncodedFrame {
                sequence_number: u64::from(at),
                key: frame.key,
                ..EncodedFrame::new(
                    duologue::Ssrc(1),
                    PayloadType::new(H264).unwrap(),
                    90 * at,
                    Instant::ZERO + Duration::from_millis(1) * at,
                    frame.data,
                )
            });
        }
        pictures
    }

    fn count(path: &Path) -> usize {
        let mut reader = FileReader::open(path).unwrap();
        std::iter::from_fn(|| reader.next_frame().unwrap()).count()
    }

    #[test]
    fn a_file_is_of_the_codec_that_comes_and_has_nothing_of_another_one() {
        let folder = tempfile::tempdir().unwrap();
        let target = Target::Folder {
            folder: folder.path().to_owned(),
            stream: "live".to_owned(),
            number: 0,
        };
        let agreed = agreed();
        let mut recording = Recording::new(target, &agreed).unwrap();
        let pictures = pictures();
        for picture in &pictures {
            assert!(recording.give(&agreed, 0, picture).unwrap());
            let other = EncodedFrame {
                payload_type: PayloadType::new(VP8).unwrap(),
                ..picture.clone()
            };
            assert!(!recording.give(&agreed, 0, &other).unwrap());
        }
        let path = recording.path().unwrap().to_owned();
        recording.finish().unwrap();
        assert_eq!(path, folder.path().join("live-0.mp4"));
        assert_eq!(count(&path), pictures.len());
    }

    const OPUS: u8 = 111;

    fn agreed_with_sound() -> [Agreed; 2] {
        let [video] = agreed();
        [video, Agreed(vec![(OPUS, "audio/opus".into())])]
    }

    /// Of 20 ms a packet.
    fn sound(n: u32) -> EncodedFrame {
        let payload_type = PayloadType::new(OPUS).unwrap();
        let at = Instant::ZERO + Duration::from_millis(20) * n;
        let data = bytes::Bytes::from_static(&[0xf8, 1]);
        EncodedFrame::new(duologue::Ssrc(2), payload_type, 960 * n, at, data)
    }

    #[test]
    fn pictures_whose_key_frame_comes_late_are_recorded() {
        let agreed = agreed_with_sound();
        let folder = tempfile::tempdir().unwrap();
        let pictures = pictures();
        for (number, key_comes) in [(0, true), (1, false)] {
            let target = Target::Folder {
                folder: folder.path().to_owned(),
                stream: "live".to_owned(),
                number,
            };
            let mut recording = Recording::new(target, &agreed).unwrap();
            // Half a minute of both, without a key frame.
            for n in 0..1_500 {
                assert!(recording.give(&agreed, 1, &sound(n)).unwrap());
                let at = sound(n).received;
                let delta = EncodedFrame {
                    received: at,
                    key: false,
                    ..pictures[1].clone()
                };
                assert!(recording.give(&agreed, 0, &delta).unwrap());
            }
            for picture in pictures.iter().filter(|_| key_comes) {
                let received = sound(1_500).received + (picture.received - Instant::ZERO);
                let picture = EncodedFrame {
                    received,
                    ..picture.clone()
                };
                assert!(recording.give(&agreed, 0, &picture).unwrap());
            }
            recording.begin_without_pictures(&agreed).unwrap();
            let path = recording.path().unwrap().to_owned();
            recording.finish().unwrap();
            let frames = match key_comes {
                true => pictures.len(),
                // The last ones.
                false => HELD_SOUND,
            };
            assert_eq!(count(&path), frames, "{}", path.display());
        }
    }

    /// Pictures that may come.
    #[test]
    fn sound_is_recorded_where_pictures_were_agreed_on_and_none_come() {
        let agreed = agreed_with_sound();
        let folder = tempfile::tempdir().unwrap();
        // One that ends early, and one that pictures are waited for in vain.
        for (number, packets) in [(0, 10), (1, 300)] {
            let target = Target::Folder {
                folder: folder.path().to_owned(),
                stream: "live".to_owned(),
                number,
            };
            let mut recording = Recording::new(target, &agreed).unwrap();
            for n in 0..packets {
                assert!(recording.give(&agreed, 1, &sound(n)).unwrap());
            }
            let too_late = packets == 300;
            assert_eq!(recording.path().is_some(), too_late);
            if too_late {
                // It is in no file, which is counted.
                assert!(!recording.give(&agreed, 0, &pictures()[0]).unwrap());
            }
            recording.begin_without_pictures(&agreed).unwrap();
            let path = recording.path().unwrap().to_owned();
            recording.finish().unwrap();
            assert_eq!(path, folder.path().join(format!("live-{number}.webm")));
            assert_eq!(count(&path), packets as usize);
        }
    }

    #[test]
    fn a_broken_frame_is_left_out_and_the_file_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("seen.mp4");
        let agreed = agreed();
        let mut recording = Recording::new(Target::File(path.clone()), &agreed).unwrap();
        let pictures = pictures();
        let broken = EncodedFrame {
            key: true,
            data: bytes::Bytes::from_static(b"no start code"),
            ..pictures[0].clone()
        };
        for picture in &pictures {
            assert!(recording.give(&agreed, 0, picture).unwrap());
            assert!(!recording.give(&agreed, 0, &broken).unwrap());
        }
        recording.finish().unwrap();
        assert_eq!(count(&path), pictures.len());
    }

    #[test]
    fn a_file_that_cannot_be_is_known_before_a_frame_comes() {
        let agreed = agreed();
        for path in ["/no/such/folder/seen.webm", "seen.txt"] {
            let target = Target::File(path.into());
            let failure = Recording::new(target, &agreed).err().unwrap();
            assert!(failure.is::<super::super::playback::FileError>(), "{path}");
        }
    }

    #[test]
    fn a_file_of_before_stays_until_another_one_begins() {
        let folder = tempfile::tempdir().unwrap();
        let before = vec![0; 1 << 20];
        let h264 = [Agreed(vec![(H264, "video/H264".into())])];
        let webm = folder.path().join("seen.webm");
        std::fs::write(&webm, &before).unwrap();
        let failure = Recording::new(Target::File(webm.clone()), &h264);
        let failure = failure.err().unwrap();
        assert!(failure.is::<super::super::playback::FileError>());
        assert_eq!(std::fs::read(&webm).unwrap(), before);

        // VP8 may have come, H.264 does.
        let agreed = agreed();
        let mut recording = Recording::new(Target::File(webm.clone()), &agreed).unwrap();
        let pictures = pictures();
        assert!(recording.give(&agreed, 0, &pictures[0]).is_err());
        assert_eq!(std::fs::read(&webm).unwrap(), before);

        let mp4 = folder.path().join("seen.mp4");
        std::fs::write(&mp4, &before).unwrap();
        let mut recording = Recording::new(Target::File(mp4.clone()), &agreed).unwrap();
        assert_eq!(std::fs::read(&mp4).unwrap(), before);
        for picture in &pictures {
            assert!(recording.give(&agreed, 0, picture).unwrap());
        }
        recording.finish().unwrap();
        assert_eq!(count(&mp4), pictures.len());
        assert!(std::fs::metadata(&mp4).unwrap().len() < before.len() as u64);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_disk_that_is_full_ends_the_file_and_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("seen.mp4");
        std::os::unix::fs::symlink("/dev/full", &path).unwrap();
        let agreed = agreed();
        let mut recording = Recording::new(Target::File(path.clone()), &agreed).unwrap();
        let pictures = pictures();
        // What is held back does not fit at the latest.
        let given = pictures.iter().try_for_each(|picture| {
            let given = recording.give(&agreed, 0, picture);
            given.map(|_| ())
        });
        let failure = given.and(recording.finish()).unwrap_err();
        assert!(failure.to_string().contains("seen.mp4"), "{failure}");
        assert!(failure.is::<super::super::playback::FileError>());
    }
}
