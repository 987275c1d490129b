//! Writes what comes to a file, and shows it.

use std::fs::File;
use std::io::{BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use duologue::codec::{AudioData, Scaler, VideoFrame};
use duologue::devices::{AudioOutput, WavWriter, Y4mWriter, write_png};
use duologue::files::Container;
use duologue::{AudioTrackProcessor, MediaKind, PeerConnection, RtpReceiver, VideoTrackProcessor};
use tokio::runtime::Handle;
use tokio::task::{JoinHandle, spawn_blocking};

use super::preview::half_blocks;
use crate::whip::{Recorder, Target};
use crate::{Failure, kept};

/// Pictures a second of a file of pictures.
const RATE: u32 = 30;
/// Columns of the picture in a terminal.
const COLUMNS: u32 = 72;
/// At most so often it is drawn.
const DRAWN: Duration = Duration::from_millis(100);

/// What writes and shows, until the connection is closed.
pub(crate) struct Sinks {
    tasks: Vec<JoinHandle<Result<(), Failure>>>,
}

/// What a file is of.
enum Kind {
    Png,
    Y4m,
    Wav,
    Encoded,
}

impl Sinks {
    pub(super) fn open(
        pc: &PeerConnection,
        record: Option<&Path>,
        preview: bool,
        speaker: Option<AudioOutput>,
    ) -> Result<Self, Failure> {
        let mut sinks = Sinks { tasks: Vec::new() };
        let kind = record.map(kind_of).transpose()?;
        let [audio, video] = [MediaKind::Audio, MediaKind::Video].map(|kind| receiver(pc, kind));
        if preview && !std::io::stderr().is_terminal() {
            return Err("--preview wants a terminal".into());
        }
        let (picture_file, sound_file) = match (kind, record) {
            (Some(Kind::Encoded), _) if preview || speaker.is_some() => {
                let why = "--preview and --speaker go with .y4m, .png and .wav: what is decoded";
                return Err(why.into());
            }
            (Some(Kind::Encoded), Some(path)) => {
                let receivers: Vec<_> = [video, audio].into_iter().flatten().collect();
                sinks.encoded(&receivers, path);
                return Ok(sinks);
            }
            (Some(Kind::Wav), path) => (None, path),
            (_, path) => (path, None),
        };

        for (file, receiver, what) in [
            (picture_file, &video, "pictures"),
            (sound_file, &audio, "sound"),
        ] {
            if let (Some(path), None) = (file, receiver) {
                return Err(format!("{}: the other side sends no {what}", path.display()).into());
            }
        }
        if let Some(receiver) = video
            && (preview || picture_file.is_some())
        {
            let screen = preview.then(Screen::default);
            let file = picture_file.map(Pictures::open).transpose()?;
            let from = receiver.video()?;
            sinks.tasks.push(spawn_blocking(|| see(from, file, screen)));
        }
        if let Some(receiver) = audio
            && (speaker.is_some() || sound_file.is_some())
        {
            let file = sound_file.map(Sound::open).transpose()?;
            let from = receiver.audio()?;
            sinks
                .tasks
                .push(spawn_blocking(|| hear(from, file, speaker)));
        }
        Ok(sinks)
    }

    fn encoded(&mut self, receivers: &[RtpReceiver], path: &Path) {
        let mut recorder = Recorder::new(receivers);
        let path = path.to_owned();
        let recording = async move {
            recorder.run(Target::File(path.clone())).await?;
            match (recorder.has_begun(), recorder.got_any()) {
                (true, _) => Ok(()),
                (false, true) => Err(of_file(&path)("nothing came that a file begins with")),
                (false, false) => Err(of_file(&path)("nothing came")),
            }
        };
        self.tasks.push(tokio::spawn(recording));
        for receiver in receivers {
            // One of sound has no key frames.
            let _ = receiver.send_key_frame_request(0);
        }
    }

    /// Completes the files, once the connection is closed.
    ///
    /// # Errors
    /// A file was not written.
    pub(crate) async fn finish(self) -> Result<(), Failure> {
        for task in self.tasks {
            task.await??;
        }
        Ok(())
    }
}

fn kind_of(path: &Path) -> Result<Kind, Failure> {
    let ending = path.extension().and_then(|it| it.to_str()).unwrap_or("");
    match ending.to_ascii_lowercase().as_str() {
        "png" => Ok(Kind::Png),
        "y4m" => Ok(Kind::Y4m),
        "wav" => Ok(Kind::Wav),
        _ if Container::of_path(path).is_some() => Ok(Kind::Encoded),
        _ => Err(format!("{}: a name with another ending", path.display()).into()),
    }
}

fn receiver(pc: &PeerConnection, kind: MediaKind) -> Option<RtpReceiver> {
    let receives = |it: &duologue::RtpTransceiver| {
        let direction = it.current_direction();
        it.kind() == Some(kind) && direction.is_some_and(|it| it.receives())
    };
    let transceiver = pc.transceivers().into_iter().find(receives)?;
    Some(transceiver.receiver())
}

/// What is wrong with a file.
fn of_file<E: std::fmt::Display>(path: &Path) -> impl Fn(E) -> Failure {
    move |error| format!("{}: {error}", path.display()).into()
}

/// A file until something comes, which then has it for itself.
struct Place {
    path: PathBuf,
    file: Option<File>,
}

impl Place {
    fn open(path: &Path) -> Result<Self, Failure> {
        let file = kept::open(path).map_err(of_file(path))?;
        Ok(Place {
            path: path.to_owned(),
            file: Some(file),
        })
    }

    /// An empty file: the one that was opened, and then another one in its place.
    fn begin(&mut self) -> Result<BufWriter<File>, Failure> {
        let file = match self.file.take() {
            Some(file) => kept::empty(file),
            None => File::create(&self.path),
        };
        Ok(BufWriter::new(file.map_err(of_file(&self.path))?))
    }
}

/// A file of pictures.
enum Pictures {
    All(Place, Option<Y4mWriter<BufWriter<File>>>),
    /// The first one at once, and the last one in its place.
    Last(Place, Option<VideoFrame>),
}

impl Pictures {
    fn open(path: &Path) -> Result<Self, Failure> {
        let place = Place::open(path)?;
        Ok(match kind_of(path)? {
            Kind::Png => Pictures::Last(place, None),
            _ => Pictures::All(place, None),
        })
    }

    fn write(&mut self, picture: &VideoFrame) -> Result<(), Failure> {
        match self {
            Pictures::All(place, writer) => {
                let writer = match writer {
                    Some(writer) => writer,
                    None => writer.insert(Y4mWriter::new(place.begin()?, RATE)),
                };
                writer.write(picture).map_err(of_file(&place.path))?;
            }
            Pictures::Last(place, last) => {
                if last.replace(picture.clone()).is_none() {
                    write_png(picture, place.begin()?).map_err(of_file(&place.path))?;
                }
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<(), Failure> {
        match self {
            Pictures::All(place, Some(writer)) => {
                writer.finish().map_err(of_file(&place.path))?;
            }
            Pictures::Last(mut place, Some(last)) => {
                write_png(&last, place.begin()?).map_err(of_file(&place.path))?;
            }
            Pictures::All(place, None) | Pictures::Last(place, None) => {
                return Err(of_file(&place.path)("no picture came"));
            }
        }
        Ok(())
    }
}

/// A file of sound.
struct Sound {
    place: Place,
    writer: Option<WavWriter<BufWriter<File>>>,
}

impl Sound {
    fn open(path: &Path) -> Result<Self, Failure> {
        let place = Place::open(path)?;
        Ok(Sound {
            place,
            writer: None,
        })
    }

    fn write(&mut self, data: &AudioData) -> Result<(), Failure> {
        let writer = match &mut self.writer {
            Some(writer) => writer,
            None => self.writer.insert(WavWriter::new(self.place.begin()?)),
        };
        writer.write(data).map_err(of_file(&self.place.path))
    }

    fn finish(self) -> Result<(), Failure> {
        let path = &self.place.path;
        match self.writer {
            Some(writer) => writer.finish().map(drop).map_err(of_file(path)),
            None => Err(of_file(path)("no sound came")),
        }
    }
}

/// The upper part of the terminal.
#[derive(Default)]
struct Screen {
    scaler: Scaler,
    drawn: Option<Instant>,
}

impl Screen {
    fn draw(&mut self, picture: &VideoFrame) -> Result<(), Failure> {
        if self.drawn.is_some_and(|at| at.elapsed() < DRAWN) {
            return Ok(());
        }
        let clear = if self.drawn.is_none() { "\x1b[2J" } else { "" };
        self.drawn = Some(Instant::now());
        let text = half_blocks(picture, COLUMNS, &mut self.scaler)?;
        // What is written below stays where it is.
        let text = format!("\x1b7{clear}\x1b[H{text}\x1b8");
        std::io::stderr().write_all(text.as_bytes())?;
        Ok(())
    }
}

/// On a thread of its own: what is written may wait for a disk.
fn see(
    mut from: VideoTrackProcessor,
    mut file: Option<Pictures>,
    mut screen: Option<Screen>,
) -> Result<(), Failure> {
    while let Some(picture) = Handle::current().block_on(from.recv()) {
        if let Some(file) = &mut file {
            file.write(&picture)?;
        }
        if let Some(screen) = &mut screen {
            screen.draw(&picture)?;
        }
    }
    file.map_or(Ok(()), Pictures::finish)
}

fn hear(
    mut from: AudioTrackProcessor,
    mut file: Option<Sound>,
    mut speaker: Option<AudioOutput>,
) -> Result<(), Failure> {
    while let Some(data) = Handle::current().block_on(from.recv()) {
        if let Some(file) = &mut file {
            file.write(&data)?;
        }
        if let Some(speaker) = &mut speaker {
            speaker.write(&data)?;
        }
    }
    file.map_or(Ok(()), Sound::finish)
}

#[cfg(test)]
mod tests {
    use duologue::codec::{pattern, tone};
    use duologue::{Configuration, Endpoint};

    use super::*;

    #[test]
    fn a_picture_of_before_stays_when_none_comes_and_that_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let picture = pattern::draw(7, 64, 48).unwrap();
        for name in ["seen.png", "seen.y4m"] {
            let path = folder.path().join(name);
            std::fs::write(&path, "of before").unwrap();
            let failure = Pictures::open(&path).unwrap().finish().unwrap_err();
            let expected = format!("{}: no picture came", path.display());
            assert_eq!(failure.to_string(), expected);
            assert_eq!(std::fs::read(&path).unwrap(), b"of before");

            let mut pictures = Pictures::open(&path).unwrap();
            pictures.write(&picture).unwrap();
            pictures.finish().unwrap();
            assert!(!std::fs::read(&path).unwrap().starts_with(b"of before"));
        }

        let path = folder.path().join("heard.wav");
        std::fs::write(&path, "of before").unwrap();
        let failure = Sound::open(&path).unwrap().finish().unwrap_err();
        assert!(failure.to_string().ends_with("no sound came"), "{failure}");
        assert_eq!(std::fs::read(&path).unwrap(), b"of before");
        let mut sound = Sound::open(&path).unwrap();
        let data: AudioData = tone::draw(0, 480, 48_000, 1, 440.0).unwrap();
        sound.write(&data).unwrap();
        sound.finish().unwrap();
        assert!(std::fs::read(&path).unwrap().starts_with(b"RIFF"));
    }

    #[tokio::test]
    async fn what_the_other_side_does_not_send_is_not_recorded_and_that_is_said() {
        let endpoint = Endpoint::builder().build().unwrap();
        let (pc, _events) = endpoint.connection(Configuration::default()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        for name in ["seen.png", "seen.y4m", "heard.wav"] {
            let path = folder.path().join(name);
            let opened = Sinks::open(&pc, Some(&path), false, None);
            let failure = opened.err().unwrap().to_string();
            assert!(failure.contains(name), "{failure}");
            assert!(failure.contains("the other side sends no"), "{failure}");
            assert!(!path.exists());
        }
    }
}
