//! Counts the frames that a connection receives, and writes them to a file if one is wanted.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use duologue::files::{FileWriter, Format, Track};
use duologue::{EncodedFrame, EncodedFrames, RtpReceiver};
use serde::Serialize;
use tokio::sync::{mpsc, watch};

use super::limits::FRAMES;
use crate::Failure;

/// What came of one track.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Arrived {
    /// Its codec's name.
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
}

impl Arrived {
    /// What came of the same track in another session.
    pub(super) fn add(&mut self, other: &Self) {
        self.frames += other.frames;
        self.key_frames += other.key_frames;
        self.bytes += other.bytes;
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

    fn count(&self, track: usize, frame: &EncodedFrame) {
        self.0.send_modify(|tracks| {
            let Some(arrived) = tracks.get_mut(track) else {
                return;
            };
            arrived.frames += 1;
            arrived.key_frames += u64::from(frame.key);
            arrived.bytes += frame.data.len() as u64;
            if let Some(size) = frame.size {
                (arrived.width, arrived.height) = (size.width, size.height);
            }
        });
    }
}

/// What the receivers get, before it is read.
pub(crate) struct Recorder {
    readers: Vec<EncodedFrames>,
    formats: Vec<Option<Format>>,
    tally: Tally,
}

impl Recorder {
    /// Of receivers whose codecs are agreed on.
    pub(crate) fn new(receivers: &[RtpReceiver]) -> Self {
        let mut tracks = Vec::new();
        let mut formats = Vec::new();
        for receiver in receivers {
            let codecs = receiver.parameters().map(|parameters| parameters.codecs);
            let first = codecs.and_then(|codecs| codecs.into_iter().next());
            let name = first.map(|codec| codec.codec.mime_type).unwrap_or_default();
            formats.push(Format::of_mime_type(&name));
            tracks.push(Arrived {
                codec: name,
                ..Arrived::default()
            });
        }
        Recorder {
            readers: receivers.iter().map(RtpReceiver::frames).collect(),
            formats,
            tally: Tally(Arc::new(watch::Sender::new(tracks))),
        }
    }

    pub(super) fn tally(&self) -> Tally {
        self.tally.clone()
    }

    /// The ending of a file's name that can have these tracks.
    pub(super) fn ending(&self) -> &'static str {
        let mp4 = [Some(Format::H264), Some(Format::H265)];
        match self.formats.iter().any(|format| mp4.contains(format)) {
            true => "mp4",
            false => "webm",
        }
    }

    /// Until the connection is closed. A file that cannot be written ends it early.
    ///
    /// # Errors
    /// The file cannot be written, or cannot have these codecs.
    pub(crate) async fn run(self, path: Option<PathBuf>) -> Result<(), Failure> {
        let (sender, mut frames) = mpsc::channel(FRAMES);
        for (track, mut reader) in self.readers.into_iter().enumerate() {
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
        let mut file = match &path {
            Some(path) => Some(open(path, &self.formats)?),
            None => None,
        };
        while let Some((track, frame)) = frames.recv().await {
            self.tally.count(track, &frame);
            if let Some((file, places)) = &mut file
                && let Some(place) = places[track]
            {
                file.write(place, &frame)?;
            }
        }
        if let Some((file, _)) = file {
            file.finish()?;
        }
        Ok(())
    }
}

type File = FileWriter<std::io::BufWriter<std::fs::File>>;

/// The file, and which of its tracks each receiver's is; a codec that no file has is left out.
fn open(path: &Path, formats: &[Option<Format>]) -> Result<(File, Vec<Option<usize>>), Failure> {
    let mut tracks = Vec::new();
    let mut places = Vec::new();
    for format in formats {
        places.push(format.map(|format| {
            tracks.push(Track::new(format));
            tracks.len() - 1
        }));
    }
    let file = FileWriter::create(path, &tracks)
        .map_err(|error| format!("{}: {error}", path.display()))?;
    Ok((file, places))
}
