//! The frames of a file, each when its time has come.

use std::fmt::{self, Display};
use std::path::Path;
use std::time::Duration;

use duologue::files::{FileReader, Format, Frame, Track};
use duologue::{EncodedFrameWriter, MediaKind, RtpReceiver, RtpTransceiver};
use tokio::time::{Instant, sleep, sleep_until};

use super::limits::DRAIN_POLL;
use crate::Failure;

/// How long a last frame lasts.
const LAST: Duration = Duration::from_millis(33);

/// Where the frames of one track of a file go; a track that nobody wants goes nowhere.
pub(super) type Writers = Vec<(Format, Option<EncodedFrameWriter>)>;

/// What is in a file, if that is something WHIP can have: at most one track of each kind.
///
/// # Errors
/// The file cannot be read, or has other tracks.
pub(super) fn tracks(path: &Path) -> Result<Vec<Track>, Failure> {
    let wrong = |what: &str| wrong(path, &what);
    let file = FileReader::open(path).map_err(|error| wrong(&error.to_string()))?;
    let tracks = file.tracks().to_vec();
    let of = |kind| {
        tracks
            .iter()
            .filter(|track| track.format.kind() == kind)
            .count()
    };
    match (of(MediaKind::Audio), of(MediaKind::Video)) {
        (0, 0) => Err(wrong("there is no track in it")),
        (0 | 1, 0 | 1) => Ok(tracks),
        _ => Err(wrong("two tracks of one kind do not go")),
    }
}

/// What is wrong with a file, which no other server mends.
#[derive(Debug)]
pub(super) struct FileError(String);

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for FileError {}

/// The same, as what ends a command.
pub(super) fn wrong(path: &Path, what: &dyn Display) -> Failure {
    FileError(format!("{}: {what}", path.display())).into()
}

/// Sends the file once, or again and again. Gives how many frames went.
///
/// # Errors
/// The file changed; the connection is closed, which is an [`Exception`](duologue::Exception).
pub(super) async fn send(path: &Path, writers: &Writers, again: bool) -> Result<u64, Failure> {
    let (begun, mut round) = (Instant::now(), Duration::ZERO);
    let mut sent = 0;
    loop {
        let mut file = FileReader::open(path).map_err(|error| wrong(path, &error))?;
        let mut last = Duration::ZERO;
        while let Some(frame) = file.next_frame().map_err(|error| wrong(path, &error))? {
            last = last.max(frame.time);
            let time = round + frame.time;
            sleep_until(begun + time).await;
            if let Some((format, Some(writer))) = writers.get(frame.track) {
                let init = Frame { time, ..frame }.to_init(*format);
                writer.send_all(&mut vec![init]).await?;
                sent += 1;
            }
        }
        round += last + LAST;
        sleep_until(begun + round).await;
        if !again {
            return Ok(sent);
        }
    }
}

/// Until the last packet of all frames has left.
pub(super) async fn drained(writers: &Writers) {
    let writers = || writers.iter().filter_map(|(_, writer)| writer.as_ref());
    while writers().any(|writer| writer.queued() > 0) {
        sleep(DRAIN_POLL).await;
    }
}

/// Of the codecs, the one of the file, and what repairs it.
pub(super) fn prefer(transceiver: &RtpTransceiver, format: Format) -> Result<(), Failure> {
    let mut codecs = RtpReceiver::capabilities(format.kind()).codecs;
    codecs.retain(|codec| {
        let name = codec.mime_type.as_str();
        name.eq_ignore_ascii_case(format.mime_type()) || name == "video/rtx"
    });
    Ok(transceiver.set_codec_preferences(codecs)?)
}
