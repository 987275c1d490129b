//! Tracks of devices.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use duologue_base::Rng;
use duologue_codec::{AudioData, ContentHint, VideoFrame};
use duologue_rtp::MediaKind;
use tokio::sync::{broadcast, watch};

use crate::adapt::{AudioAdapter, VideoAdapter, VideoTarget};
use crate::source::{Source, Taker};
use crate::{
    AudioReader, DeviceError, MediaTrackCapabilities, MediaTrackConstraints, MediaTrackSettings,
    VideoReader, limits,
};

/// What a device gives, as somebody asked for it: `MediaStreamTrack` (mediacapture-main §4.3). Cheap to
/// clone; the device is closed when all of its tracks are stopped or dropped. The W3C's `clone()` is
/// [`clone_track`](Self::clone_track).
///
/// ```
/// use duologue_codec::pattern;
/// use duologue_devices::{MediaDevices, MediaStreamConstraints};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), duologue_devices::DeviceError> {
/// let stream = MediaDevices::fake().get_user_media(&MediaStreamConstraints::new(false, true)).await?;
/// let camera = stream.video_track().unwrap();
/// let mut pictures = camera.video().unwrap();
/// let picture = pictures.recv().await.unwrap();
/// assert!(pattern::number(&picture).is_some());
///
/// // Who looks now sees black.
/// camera.set_enabled(false);
/// while pattern::number(&pictures.recv().await.unwrap()).is_some() {}
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[doc(alias = "MediaStreamTrack")]
pub struct LocalTrack(Arc<Inner>);

/// What all handles of a track share.
struct Inner {
    id: String,
    source: Arc<Source>,
    state: Mutex<State>,
    out: Out,
    events: broadcast::Sender<TrackEvent>,
    ended: watch::Sender<bool>,
}

#[derive(Clone, Debug)]
struct State {
    enabled: bool,
    muted: bool,
    content_hint: ContentHint,
    constraints: MediaTrackConstraints,
    settings: MediaTrackSettings,
    /// For whom alone it is.
    peer_identity: Option<String>,
}

/// Where what it gives goes.
enum Out {
    Video(Output<VideoFrame, VideoAdapter>),
    Audio(Output<AudioData, AudioAdapter>),
}

/// Readers, and what makes of the device's pieces those of the track.
struct Output<T, A> {
    /// `None` once it has ended.
    readers: Mutex<Option<broadcast::Sender<T>>>,
    /// For the device's thread.
    adapter: Mutex<A>,
}

/// What happens to a track.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum TrackEvent {
    /// `mute`: the device gives nothing for now.
    Mute,
    /// `unmute`: it does again.
    Unmute,
    /// `ended`: the device has gone, or the file is at its end. `stop()` does not say it.
    Ended,
}

impl LocalTrack {
    pub(crate) fn new(
        source: Arc<Source>,
        constraints: MediaTrackConstraints,
        settings: MediaTrackSettings,
    ) -> Self {
        let state = State {
            enabled: true,
            muted: false,
            content_hint: ContentHint::None,
            constraints,
            settings,
            peer_identity: None,
        };
        LocalTrack::with(source, state)
    }

    fn with(source: Arc<Source>, state: State) -> Self {
        let out = match source.device().kind() {
            MediaKind::Video => Out::Video(Output::new(limits::PICTURES)),
            MediaKind::Audio => Out::Audio(Output::new(limits::SOUNDS)),
        };
        LocalTrack(Arc::new(Inner {
            id: new_id(),
            source,
            state: Mutex::new(state),
            out,
            events: broadcast::channel(limits::EVENTS).0,
            ended: watch::channel(false).0,
        }))
    }

    /// The device gives it what comes, too; `false` if nothing comes any more.
    pub(crate) fn attach(&self) -> bool {
        let weak = Arc::downgrade(&self.0);
        self.0.source.attach(weak)
    }

    /// `id`
    pub fn id(&self) -> &str {
        &self.0.id
    }

    /// `kind`
    pub fn kind(&self) -> MediaKind {
        self.0.source.device().kind()
    }

    /// `label`: the device's name for people.
    pub fn label(&self) -> &str {
        &self.0.source.device().label
    }

    /// `enabled`
    pub fn enabled(&self) -> bool {
        self.0.lock().enabled
    }

    /// Sets `enabled`: a track that is not gives black pictures, or silence.
    pub fn set_enabled(&self, enabled: bool) {
        self.0.lock().enabled = enabled;
    }

    /// `muted`: the device gives nothing for now.
    pub fn muted(&self) -> bool {
        self.0.lock().muted
    }

    /// `readyState` is `"ended"`: nothing comes any more.
    #[doc(alias = "readyState")]
    pub fn has_ended(&self) -> bool {
        self.0.has_ended()
    }

    /// Resolves when the track has ended, or was stopped.
    pub async fn ended(&self) {
        let mut ended = self.0.ended.subscribe();
        // The sender is in this handle.
        let _ = ended.wait_for(|ended| *ended).await;
    }

    /// What happens to the track from now on.
    pub fn events(&self) -> TrackEvents {
        TrackEvents(self.0.events.subscribe())
    }

    /// `stop()`: ends the track, and says no `ended`.
    pub fn stop(&self) {
        self.0.end();
    }

    /// `contentHint`
    pub fn content_hint(&self) -> ContentHint {
        self.0.lock().content_hint
    }

    /// Sets `contentHint`. One that is not of its kind changes nothing (mst-content-hint §2).
    pub fn set_content_hint(&self, hint: ContentHint) {
        if hint.is_of(self.kind()) {
            self.0.lock().content_hint = hint;
        }
    }

    /// `clone()`: another track of the same device, with the same constraints and settings, which is
    /// stopped, disabled and constrained by itself.
    #[doc(alias = "clone")]
    pub fn clone_track(&self) -> LocalTrack {
        let state = self.0.lock().clone();
        let track = LocalTrack::with(self.0.source.clone(), state);
        if self.has_ended() || !track.attach() {
            track.stop();
        }
        track
    }

    /// `getCapabilities()`
    #[doc(alias = "getCapabilities")]
    pub fn capabilities(&self) -> MediaTrackCapabilities {
        self.0.source.device().capabilities()
    }

    /// `getConstraints()`
    #[doc(alias = "getConstraints")]
    pub fn constraints(&self) -> MediaTrackConstraints {
        self.0.lock().constraints.clone()
    }

    /// `getSettings()`
    #[doc(alias = "getSettings")]
    pub fn settings(&self) -> MediaTrackSettings {
        self.0.lock().settings.clone()
    }

    /// `applyConstraints(constraints)`, instead of those before. What is read from the next piece on is
    /// as the new settings say; of a track that has ended nothing changes.
    ///
    /// # Errors
    /// `Overconstrained` when the device cannot be set to what is required: all is as before.
    #[doc(alias = "applyConstraints")]
    pub fn apply_constraints(&self, constraints: MediaTrackConstraints) -> Result<(), DeviceError> {
        if self.has_ended() {
            return Ok(());
        }
        let settings = self.0.source.device().select(&constraints)?;
        let mut state = self.0.lock();
        state.settings = settings;
        state.constraints = constraints;
        Ok(())
    }

    pub(crate) fn isolate(&self, peer_identity: &str) {
        self.0.lock().peer_identity = Some(peer_identity.to_owned());
    }

    /// `isolated` (webrtc-identity §9): it was captured for one peer alone. A connection sends it to that
    /// peer; nothing else reads it.
    pub fn isolated(&self) -> bool {
        self.0.lock().peer_identity.is_some()
    }

    /// The peer that the track was captured for (`peerIdentity`), if for one alone.
    #[doc(alias = "peerIdentity")]
    pub fn peer_identity(&self) -> Option<String> {
        self.0.lock().peer_identity.clone()
    }

    /// What reads its pictures from now on, `MediaStreamTrackProcessor`; `None` of a track of sound, and of
    /// one that is [isolated](Self::isolated). Each reader gets all of them.
    #[doc(alias = "MediaStreamTrackProcessor")]
    pub fn video(&self) -> Option<VideoReader> {
        (!self.isolated()).then(|| self.video_for_peer()).flatten()
    }

    /// What reads the track's pictures for a connection that sends it, which sees to it that nobody
    /// but [that peer](Self::peer_identity) gets it.
    pub fn video_for_peer(&self) -> Option<VideoReader> {
        match &self.0.out {
            Out::Video(output) => Some(VideoReader::new(output.subscribe())),
            Out::Audio(_) => None,
        }
    }

    /// What reads its sound from now on; `None` of a track of pictures, and of one that is
    /// [isolated](Self::isolated).
    #[doc(alias = "MediaStreamTrackProcessor")]
    pub fn audio(&self) -> Option<AudioReader> {
        (!self.isolated()).then(|| self.audio_for_peer()).flatten()
    }

    /// What reads the track's sound for a connection that sends it: see
    /// [`video_for_peer`](Self::video_for_peer).
    pub fn audio_for_peer(&self) -> Option<AudioReader> {
        match &self.0.out {
            Out::Audio(output) => Some(AudioReader::new(output.subscribe())),
            Out::Video(_) => None,
        }
    }
}

impl PartialEq for LocalTrack {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for LocalTrack {}

impl fmt::Debug for LocalTrack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalTrack")
            .field("id", &self.0.id)
            .field("label", &self.label())
            .finish_non_exhaustive()
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that can panic runs under this lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `false` if it has ended before.
    fn end(&self) -> bool {
        // Before its readers hear it: who has read all finds the track ended.
        let is_first = !self.ended.send_replace(true);
        match &self.out {
            Out::Video(output) => output.end(),
            Out::Audio(output) => output.end(),
        }
        is_first
    }
}

impl Taker for Inner {
    fn has_ended(&self) -> bool {
        *self.ended.borrow()
    }

    fn settings(&self) -> MediaTrackSettings {
        self.lock().settings.clone()
    }

    fn give_video(&self, frame: &VideoFrame) {
        if let Out::Video(output) = &self.out {
            let (target, enabled) = {
                let state = self.lock();
                (VideoTarget::of(&state.settings), state.enabled)
            };
            output.give(|adapter| adapter.adapt(frame, &target, enabled));
        }
    }

    fn give_audio(&self, data: &AudioData) {
        if let Out::Audio(output) = &self.out {
            let (channels, enabled) = {
                let state = self.lock();
                (state.settings.channel_count, state.enabled)
            };
            output.give(|adapter| adapter.adapt(data, channels, enabled));
        }
    }

    fn set_muted(&self, muted: bool) {
        let mut state = self.lock();
        if self.has_ended() || state.muted == muted {
            return;
        }
        state.muted = muted;
        drop(state);
        let _ = self.events.send(match muted {
            true => TrackEvent::Mute,
            false => TrackEvent::Unmute,
        });
    }

    fn lose(&self) {
        if self.end() {
            let _ = self.events.send(TrackEvent::Ended);
        }
    }
}

impl<T: Clone, A: Default> Output<T, A> {
    fn new(limit: usize) -> Self {
        Output {
            readers: Mutex::new(Some(broadcast::channel(limit).0)),
            adapter: Mutex::default(),
        }
    }

    fn subscribe(&self) -> Option<broadcast::Receiver<T>> {
        self.readers().as_ref().map(broadcast::Sender::subscribe)
    }

    /// Who reads gets what is made; nothing is made for nobody.
    fn give(&self, make: impl FnOnce(&mut A) -> Option<T>) {
        let readers = self.readers().clone();
        let Some(readers) = readers.filter(|it| it.receiver_count() > 0) else {
            return;
        };
        let mut adapter = self.adapter.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(made) = make(&mut adapter) {
            // All of them may have gone meanwhile.
            let _ = readers.send(made);
        }
    }

    fn end(&self) {
        *self.readers() = None;
    }

    fn readers(&self) -> MutexGuard<'_, Option<broadcast::Sender<T>>> {
        // Nothing that can panic runs under this lock.
        self.readers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What happens to a track.
#[derive(Debug)]
pub struct TrackEvents(broadcast::Receiver<TrackEvent>);

impl TrackEvents {
    /// The next event; `None` after the last handle of the track was dropped. Of more than
    /// [`limits::EVENTS`] that were not read the oldest are missing.
    pub async fn recv(&mut self) -> Option<TrackEvent> {
        loop {
            match self.0.recv().await {
                Ok(event) => return Some(event),
                Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    }
}

/// An id as browsers have them. It is to be no one else's: each `RandomState` has keys of its own, made of
/// the operating system's randomness.
pub(crate) fn new_id() -> String {
    let keys = RandomState::new();
    let mut seed = [0; 32];
    for (at, part) in seed.chunks_exact_mut(8).enumerate() {
        part.copy_from_slice(&keys.hash_one(at).to_ne_bytes());
    }
    Rng::from_seed(seed).uuid()
}
