//! An open device and the thread that reads it.

use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use duologue_codec::{AudioData, VideoFrame};
use tokio::sync::oneshot;

use crate::pace::Timed;
use crate::{
    AudioMode, Backend, Capture, Captured, DeviceError, InputDevice, MediaTrackSettings, Modes,
    VideoMode, limits,
};

/// A device that is read for its tracks, until none is left.
pub(crate) struct Source {
    device: InputDevice,
    backend: Arc<dyn Backend>,
    tracks: Mutex<Tracks>,
}

/// A track, as its device sees it.
pub(crate) trait Taker: Send + Sync {
    fn has_ended(&self) -> bool;

    fn settings(&self) -> MediaTrackSettings;

    /// A picture of the device.
    fn give_video(&self, frame: &VideoFrame);

    /// A piece of sound of the device.
    fn give_audio(&self, data: &AudioData);

    fn set_muted(&self, muted: bool);

    /// The device has gone.
    fn lose(&self);
}

#[derive(Default)]
struct Tracks {
    live: Vec<Weak<dyn Taker>>,
    /// It gives nothing for now.
    muted: bool,
    /// Nobody reads the device any more.
    closed: bool,
}

impl Source {
    pub(crate) fn new(device: InputDevice, backend: Arc<dyn Backend>) -> Arc<Self> {
        Arc::new(Source {
            device,
            backend,
            tracks: Mutex::default(),
        })
    }

    pub(crate) fn device(&self) -> &InputDevice {
        &self.device
    }

    pub(crate) fn is_open(&self) -> bool {
        !self.lock().closed
    }

    /// Gives a track what comes, too; `false` if nothing comes any more, or for too many.
    pub(crate) fn attach(&self, track: Weak<dyn Taker>) -> bool {
        let mut tracks = self.lock();
        tracks.live.retain(|it| it.strong_count() > 0);
        if tracks.closed || tracks.live.len() >= limits::TRACKS {
            return false;
        }
        if tracks.muted
            && let Some(track) = track.upgrade()
        {
            track.set_muted(true);
        }
        tracks.live.push(track);
        true
    }

    /// Opens the device for the tracks that it has, on a thread of its own.
    pub(crate) async fn open(self: &Arc<Self>) -> Result<(), DeviceError> {
        let (told, opened) = oneshot::channel();
        let source = self.clone();
        let name = self.device.label.clone();
        let unreadable =
            |why: &str| DeviceError::NotReadable(self.device.label.clone(), why.to_owned());
        let thread = thread::Builder::new().name("duologue-device".to_owned());
        let run = move || {
            let _closes = Closes(&source);
            match &source.device.modes {
                Modes::Video(_) => run::<VideoFrame>(&source, told),
                Modes::Audio(_) => run::<AudioData>(&source, told),
            }
        };
        if let Err(error) = thread.spawn(run) {
            return Err(DeviceError::of_io(&name, &error));
        }
        opened
            .await
            .unwrap_or_else(|_| Err(unreadable("it panicked")))
    }

    /// The tracks that want something; with the last one nobody does, for good.
    fn live(&self) -> Vec<Arc<dyn Taker>> {
        let mut tracks = self.lock();
        let live = tracks.live.iter().filter_map(Weak::upgrade);
        let live: Vec<_> = live.filter(|it| !it.has_ended()).collect();
        tracks.live.retain(|it| it.strong_count() > 0);
        tracks.closed |= live.is_empty();
        live
    }

    /// Tells all tracks, and those that come later.
    fn set_muted(&self, muted: bool) {
        let live = {
            let mut tracks = self.lock();
            tracks.muted = muted;
            tracks.live.clone()
        };
        for track in live.iter().filter_map(Weak::upgrade) {
            track.set_muted(muted);
        }
    }

    fn close(&self) {
        let live = {
            let mut tracks = self.lock();
            tracks.closed = true;
            std::mem::take(&mut tracks.live)
        };
        for track in live.iter().filter_map(Weak::upgrade) {
            track.lose();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Tracks> {
        // Nothing that can panic runs under this lock.
        self.tracks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// However the thread ends, so do the tracks.
struct Closes<'a>(&'a Source);

impl Drop for Closes<'_> {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Pictures or sound.
trait Medium: Timed {
    type Mode: Copy + PartialEq;

    /// The mode of which all that is wanted can be made, as far as there is one.
    fn mode(device: &InputDevice, wanted: &[MediaTrackSettings]) -> Option<Self::Mode>;

    fn open(source: &Source, mode: Self::Mode) -> Result<Box<dyn Capture<Self>>, DeviceError>;

    fn give(&self, track: &dyn Taker);
}

impl Medium for VideoFrame {
    type Mode = VideoMode;

    fn mode(device: &InputDevice, wanted: &[MediaTrackSettings]) -> Option<VideoMode> {
        let Modes::Video(video) = &device.modes else {
            return None;
        };
        let covers = |mode: &VideoMode| {
            let mut wanted = wanted.iter();
            wanted.all(|it| {
                it.width.is_none_or(|width| width <= mode.width)
                    && it.height.is_none_or(|height| height <= mode.height)
                    && it.frame_rate.is_none_or(|rate| rate <= mode.frame_rate)
            })
        };
        let cost = |mode: &VideoMode| {
            f64::from(mode.width) * f64::from(mode.height) * mode.frame_rate.max(0.0)
        };
        let modes = || video.modes.iter().take(limits::MODES).copied();
        let by_cost = |one: &VideoMode, other: &VideoMode| cost(one).total_cmp(&cost(other));
        let cheapest = modes().filter(covers).min_by(by_cost);
        cheapest.or_else(|| modes().max_by(by_cost))
    }

    fn open(source: &Source, mode: VideoMode) -> Result<Box<dyn Capture<Self>>, DeviceError> {
        source.backend.open_video(&source.device.device_id, mode)
    }

    fn give(&self, track: &dyn Taker) {
        track.give_video(self);
    }
}

impl Medium for AudioData {
    type Mode = AudioMode;

    /// Sound is mixed, but not resampled: the rate is that of the first track.
    fn mode(device: &InputDevice, wanted: &[MediaTrackSettings]) -> Option<AudioMode> {
        let Modes::Audio(audio) = &device.modes else {
            return None;
        };
        let rate = wanted.iter().find_map(|it| it.sample_rate);
        let most = wanted.iter().filter_map(|it| it.channel_count).max();
        let fits = |mode: &&AudioMode| rate.is_none_or(|rate| rate == mode.sample_rate);
        let enough = |mode: &&AudioMode| most.is_none_or(|most| most <= mode.channels.into());
        let modes = || audio.modes.iter().take(limits::MODES);
        let both = modes().filter(fits).find(enough);
        both.or_else(|| modes().find(fits))
            .or_else(|| modes().next())
            .copied()
    }

    fn open(source: &Source, mode: AudioMode) -> Result<Box<dyn Capture<Self>>, DeviceError> {
        source.backend.open_audio(&source.device.device_id, mode)
    }

    fn give(&self, track: &dyn Taker) {
        track.give_audio(self);
    }
}

/// The thread of a device.
fn run<M: Medium>(source: &Source, told: oneshot::Sender<Result<(), DeviceError>>) {
    let (mut mode, mut capture) = match begin::<M>(source, &source.live()) {
        Ok(begun) => begun,
        Err(error) => {
            // Who asked may have given up; then there is nobody to tell.
            let _ = told.send(Err(error));
            return;
        }
    };
    let _ = told.send(Ok(()));
    let mut clock = Clock::default();

    loop {
        let live = source.live();
        if live.is_empty() {
            return;
        }
        if wanted::<M>(source, &live) != Some(mode) {
            // Most devices are opened by one at a time.
            drop(capture);
            let Ok(begun) = begin::<M>(source, &live) else {
                return;
            };
            (mode, capture) = begun;
            clock = Clock::default();
        }
        match capture.read() {
            Ok(Some(Captured::Data(data))) => {
                let data = clock.place(data);
                live.iter().for_each(|track| data.give(&**track));
            }
            Ok(Some(Captured::Muted(muted))) => source.set_muted(muted),
            Ok(None) | Err(_) => return,
        }
    }
}

/// Puts the times of a device on the one clock of all devices of this process, so that sound and pictures
/// belong together, and rise when a device is opened anew.
#[derive(Default)]
struct Clock {
    /// What is added to the device's times.
    offset: Option<Duration>,
}

impl Clock {
    fn place<M: Medium>(&mut self, data: M) -> M {
        static ORIGIN: LazyLock<Instant> = LazyLock::new(Instant::now);
        let begins = || ORIGIN.elapsed().saturating_sub(data.timestamp());
        let offset = *self.offset.get_or_insert_with(begins);
        data.later(offset)
    }
}

type Begun<M> = (<M as Medium>::Mode, Box<dyn Capture<M>>);

fn begin<M: Medium>(source: &Source, live: &[Arc<dyn Taker>]) -> Result<Begun<M>, DeviceError> {
    let nothing = || DeviceError::NotFound(source.device.label.clone());
    let mode = wanted::<M>(source, live).ok_or_else(nothing)?;
    Ok((mode, M::open(source, mode)?))
}

fn wanted<M: Medium>(source: &Source, live: &[Arc<dyn Taker>]) -> Option<M::Mode> {
    let settings: Vec<_> = live.iter().map(|it| it.settings()).collect();
    M::mode(&source.device, &settings)
}
