//! What a call's page sends, kept in a file of memory that it can fetch.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use duologue::EncodedFrame;
use duologue::files::{Container, FileWriter, Format, Track};
use serde::Serialize;

use super::budget::{Budget, Kept};
use super::limits::RECORDING_BYTES;

/// Of one call. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Recording(Arc<Mutex<State>>);

#[derive(Debug, Default)]
enum State {
    #[default]
    Nothing,
    Running {
        writer: FileWriter<Store>,
        store: Store,
        container: Container,
        tracks: Vec<Format>,
    },
    Whole(File),
}

/// A whole file.
#[derive(Clone, Debug)]
pub(super) struct File {
    pub(super) data: Bytes,
    pub(super) container: Container,
}

/// What the page is told.
#[derive(Debug, Serialize)]
pub(super) struct Told {
    /// It goes on.
    running: bool,
    /// Bytes of the file so far.
    bytes: usize,
    /// The ending of its name.
    ending: &'static str,
}

impl Recording {
    /// Begins a file with tracks of these formats in the place of one before; it ends by itself when there is no
    /// room for more. `false` where no file can have them.
    pub(super) fn begin(&self, tracks: Vec<Format>, budget: Arc<Budget>) -> bool {
        let mut state = self.lock();
        *state = State::Nothing;
        let mp4 = tracks
            .iter()
            .any(|it| matches!(it, Format::H264 | Format::H265));
        let container = if mp4 { Container::Mp4 } else { Container::WebM };
        let store = Store(Arc::new(Mutex::new(Some(Kept::new(
            RECORDING_BYTES,
            budget,
        )))));
        let of = tracks.iter().map(|format| Track::new(*format));
        let of: Vec<Track> = of.collect();
        let Ok(writer) = FileWriter::new(store.clone(), container, &of) else {
            return false;
        };
        *state = State::Running {
            writer,
            store,
            container,
            tracks,
        };
        true
    }

    /// Completes the file.
    pub(super) fn end(&self) {
        let mut state = self.lock();
        *state = std::mem::take(&mut *state).ended();
    }

    /// A frame comes, of the first stream of its kind.
    pub(super) fn give(&self, mime_type: &str, frame: &EncodedFrame) {
        let mut state = self.lock();
        let State::Running { writer, tracks, .. } = &mut *state else {
            return;
        };
        let format = Format::of_mime_type(mime_type);
        let track = tracks.iter().position(|it| Some(*it) == format);
        let over = |error: duologue::files::FileError| !error.is_of_one_frame();
        if track.is_some_and(|track| writer.write(track, frame).is_err_and(over)) {
            *state = std::mem::take(&mut *state).ended();
        }
    }

    pub(super) fn told(&self) -> Told {
        let state = self.lock();
        let (running, bytes, container) = match &*state {
            State::Nothing => (false, 0, Container::WebM),
            State::Running {
                store, container, ..
            } => (true, store.len(), *container),
            State::Whole(file) => (false, file.data.len(), file.container),
        };
        Told {
            running,
            bytes,
            ending: ending(container),
        }
    }

    /// The file, once it is whole.
    pub(super) fn file(&self) -> Option<File> {
        match &*self.lock() {
            State::Whole(file) => Some(file.clone()),
            _ => None,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that can panic runs under this lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn ended(self) -> State {
        let State::Running {
            writer,
            store,
            container,
            ..
        } = self
        else {
            return self;
        };
        // Without room for its end the file lacks its last second.
        drop(writer.finish());
        match store.take() {
            Some(kept) if !kept.as_ref().is_empty() => State::Whole(File {
                data: Bytes::from_owner(kept),
                container,
            }),
            _ => State::Nothing,
        }
    }
}

impl File {
    pub(super) fn mime_type(&self) -> &'static str {
        match self.container {
            Container::Mp4 => "video/mp4",
            _ => "video/webm",
        }
    }

    pub(super) fn ending(&self) -> &'static str {
        ending(self.container)
    }
}

fn ending(container: Container) -> &'static str {
    match container {
        Container::Mp4 => "mp4",
        _ => "webm",
    }
}

/// Where the writer writes to.
#[derive(Clone, Debug)]
struct Store(Arc<Mutex<Option<Kept>>>);

impl Store {
    fn lock(&self) -> MutexGuard<'_, Option<Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn len(&self) -> usize {
        self.lock().as_ref().map_or(0, |kept| kept.as_ref().len())
    }

    fn take(&self) -> Option<Kept> {
        self.lock().take()
    }
}

impl Write for Store {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut store = self.lock();
        let fits = store.as_mut().is_some_and(|kept| {
            let room = RECORDING_BYTES - kept.as_ref().len();
            bytes.len() <= room && kept.extend(bytes)
        });
        match fits {
            true => Ok(bytes.len()),
            false => Err(io::ErrorKind::StorageFull.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use duologue::sans_io::Instant;
    use std::time::Duration;

    use super::*;

    fn frame(number: u32, key: bool, len: usize) -> EncodedFrame {
        let received = Instant::ZERO + Duration::from_millis(33) * number;
        let mut data = vec![7; len];
        // RFC 6386 §9.1: a key frame of 64 times 48 pixels.
        data[..10].copy_from_slice(&[u8::from(!key), 0, 0, 0x9d, 0x01, 0x2a, 64, 0, 48, 0]);
        EncodedFrame {
            sequence_number: u64::from(number),
            key,
            size: key.then_some(duologue::FrameSize {
                width: 64,
                height: 48,
            }),
            ..EncodedFrame::new(
                duologue::Ssrc(1),
                duologue::PayloadType::new(96).unwrap(),
                3_000 * number,
                received,
                data.into(),
            )
        }
    }

    #[test]
    fn what_comes_between_begin_and_end_is_a_file() {
        let recording = Recording::default();
        let budget = Arc::new(Budget::new(8 << 20));
        recording.give("video/VP8", &frame(0, true, 500));
        assert!(recording.file().is_none());
        assert!(recording.begin(vec![Format::Vp8], budget));
        for number in 1..90 {
            recording.give("video/VP8", &frame(number, number == 1, 500));
            // Another codec than that of the file.
            recording.give("video/VP9", &frame(number, true, 500));
        }
        assert!(recording.told().running);
        recording.end();
        let file = recording.file().expect("it is whole");
        // The signature of EBML.
        assert!(file.data.starts_with(&[0x1a, 0x45, 0xdf, 0xa3]));
        assert!((89 * 500..89 * 600).contains(&file.data.len()));
        assert_eq!((file.ending(), recording.told().running), ("webm", false));
    }

    #[test]
    fn a_recording_ends_by_itself_when_there_is_no_room_for_more() {
        let recording = Recording::default();
        let budget = Arc::new(Budget::new(4 << 20));
        assert!(recording.begin(vec![Format::Vp8], budget));
        for number in 0..200 {
            recording.give("video/VP8", &frame(number, number == 0, 50_000));
        }
        assert!(!recording.told().running);
        let file = recording.file().expect("what came before is there");
        assert!(file.data.len() <= 4 << 20 && file.data.len() > 2 << 20);
    }
}
