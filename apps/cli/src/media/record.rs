//! Writes what comes to a file, and shows it.

use std::fs::File;
use std::io::{BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use duologue::codec::{Scaler, VideoFrame};
use duologue::devices::{AudioOutput, WavWriter, Y4mWriter, write_png};
use duologue::files::Container;
use duologue::{AudioTrackProcessor, MediaKind, PeerConnection, RtpReceiver, VideoTrackProcessor};
use tokio::runtime::Handle;
use tokio::task::{JoinHandle, spawn_blocking};

use super::preview::half_blocks;
use crate::Failure;
use crate::whip::{Recorder, Target};

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

        if let Some(receiver) = video
            && (preview || picture_file.is_some())
        {
            let screen = preview.then(Screen::default);
            let file = picture_file.map(Pictures::create).transpose()?;
            let from = receiver.video()?;
            sinks.tasks.push(spawn_blocking(|| see(from, file, screen)));
        }
        if let Some(receiver) = audio
            && (speaker.is_some() || sound_file.is_some())
        {
            let file = sound_file.map(create).transpose()?.map(WavWriter::new);
            let from = receiver.audio()?;
            sinks
                .tasks
                .push(spawn_blocking(|| hear(from, file, speaker)));
        }
        Ok(sinks)
    }

    fn encoded(&mut self, receivers: &[RtpReceiver], path: &Path) {
        let mut recorder = Recorder::new(receivers);
        let target = Target::File(path.to_owned());
        let recording = async move { recorder.run(target).await };
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

fn create(path: &Path) -> Result<BufWriter<File>, Failure> {
    let file = File::create(path).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(BufWriter::new(file))
}

/// A file of pictures.
enum Pictures {
    All(Y4mWriter<BufWriter<File>>),
    /// The first one at once, and the last one in its place.
    Last(PathBuf, Option<VideoFrame>),
}

impl Pictures {
    fn create(path: &Path) -> Result<Self, Failure> {
        match kind_of(path)? {
            Kind::Png => {
                create(path)?;
                Ok(Pictures::Last(path.to_owned(), None))
            }
            _ => Ok(Pictures::All(Y4mWriter::new(create(path)?, RATE))),
        }
    }

    fn write(&mut self, picture: &VideoFrame) -> Result<(), Failure> {
        match self {
            Pictures::All(file) => file.write(picture)?,
            Pictures::Last(path, last) => {
                if last.replace(picture.clone()).is_none() {
                    write_png(picture, create(path)?)?;
                }
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<(), Failure> {
        match self {
            Pictures::All(file) => drop(file.finish()?),
            Pictures::Last(path, Some(last)) => write_png(&last, create(&path)?)?,
            Pictures::Last(path, None) => std::fs::remove_file(path)?,
        }
        Ok(())
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
    mut file: Option<WavWriter<BufWriter<File>>>,
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
    if let Some(file) = file {
        file.finish()?;
    }
    Ok(())
}
