//! `MediaDevices`: which devices there are, and their capture.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use duologue_rtp::MediaKind;
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast;

use crate::source::Source;
use crate::{
    AudioOutput, Backend, Changed, DeviceError, FakeDevices, InputDevice, LocalStream, LocalTrack,
    MediaDeviceInfo, MediaTrackConstraints, limits, select_settings,
};

/// The devices of some backends: `MediaDevices` (mediacapture-main §9 and §10). Cheap to clone.
///
/// ```
/// use duologue_devices::{ConstrainRange, MediaDevices, MediaStreamConstraints, MediaTrackConstraintSet};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), duologue_devices::DeviceError> {
/// let devices = MediaDevices::fake();
/// let asked = MediaTrackConstraintSet {
///     width: Some(ConstrainRange::exact(960).into()),
///     frame_rate: Some(ConstrainRange::max(15.0).into()),
///     ..Default::default()
/// };
/// let asked = MediaStreamConstraints { video: asked.into(), ..MediaStreamConstraints::new(true, false) };
/// let stream = devices.get_user_media(&asked).await?;
/// let camera = stream.video_track().unwrap();
/// assert_eq!((camera.settings().height, camera.settings().frame_rate), (Some(540), Some(15.0)));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct MediaDevices(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    backends: Vec<Arc<dyn Backend>>,
    /// Open ones, by `deviceId`.
    sources: Mutex<HashMap<String, Weak<Source>>>,
    /// Devices are opened one after the other: two who ask at once share one.
    opening: tokio::sync::Mutex<()>,
    changes: broadcast::Sender<()>,
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Source").field(&self.device().label).finish()
    }
}

/// What is to be captured, `MediaStreamConstraints`.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub struct MediaStreamConstraints {
    /// `video`
    pub video: BooleanOrConstraints,
    /// `audio`
    pub audio: BooleanOrConstraints,
    /// `peerIdentity` (webrtc-identity §9): what is captured is for this peer alone, and its tracks are
    /// isolated: see [`LocalTrack::isolated`].
    #[serde(rename = "peerIdentity", skip_serializing_if = "Option::is_none")]
    pub peer_identity: Option<String>,
}

impl MediaStreamConstraints {
    /// Whether sound and pictures are captured at all, as the devices give them.
    pub fn new(audio: bool, video: bool) -> Self {
        MediaStreamConstraints {
            video: video.into(),
            audio: audio.into(),
            peer_identity: None,
        }
    }
}

/// Whether a kind is to be captured, or how: `(boolean or MediaTrackConstraints)`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(untagged)]
pub enum BooleanOrConstraints {
    /// Whether.
    Boolean(bool),
    /// How.
    Constraints(Box<MediaTrackConstraints>),
}

impl Default for BooleanOrConstraints {
    fn default() -> Self {
        BooleanOrConstraints::Boolean(false)
    }
}

impl From<bool> for BooleanOrConstraints {
    fn from(yes: bool) -> Self {
        BooleanOrConstraints::Boolean(yes)
    }
}

impl<T: Into<MediaTrackConstraints>> From<T> for BooleanOrConstraints {
    fn from(constraints: T) -> Self {
        BooleanOrConstraints::Constraints(Box::new(constraints.into()))
    }
}

impl BooleanOrConstraints {
    /// `None` where the kind is not asked for.
    fn constraints(&self) -> Option<MediaTrackConstraints> {
        match self {
            BooleanOrConstraints::Boolean(false) => None,
            BooleanOrConstraints::Boolean(true) => Some(MediaTrackConstraints::default()),
            BooleanOrConstraints::Constraints(constraints) => Some((**constraints).clone()),
        }
    }
}

impl MediaDevices {
    /// The devices of these backends. Of several with the same id the first counts.
    pub fn new(backends: impl IntoIterator<Item = Arc<dyn Backend>>) -> Self {
        let shared = Arc::new(Shared {
            backends: backends.into_iter().collect(),
            sources: Mutex::default(),
            opening: tokio::sync::Mutex::default(),
            changes: broadcast::channel(limits::EVENTS).0,
        });
        let weak = Arc::downgrade(&shared);
        let changed = Changed(Arc::new(move || {
            if let Some(shared) = weak.upgrade() {
                // Nobody may listen.
                let _ = shared.changes.send(());
            }
        }));
        for backend in &shared.backends {
            backend.watch(changed.clone());
        }
        MediaDevices(shared)
    }

    /// A camera and a microphone that are not there: [`FakeDevices::new`].
    pub fn fake() -> Self {
        MediaDevices::new([Arc::new(FakeDevices::new()) as Arc<dyn Backend>])
    }

    /// `enumerateDevices()`: microphones, cameras, loudspeakers. It may ask the system.
    #[doc(alias = "enumerateDevices")]
    pub fn enumerate_devices(&self) -> Vec<MediaDeviceInfo> {
        let inputs = self.0.inputs();
        let of = |kind| inputs.iter().filter(move |(it, _)| it.kind() == kind);
        let captures = of(MediaKind::Audio).chain(of(MediaKind::Video));
        let outputs = self.0.backends.iter().flat_map(|it| it.outputs());
        let outputs = outputs.take(limits::DEVICES);
        captures.map(|(it, _)| it.info()).chain(outputs).collect()
    }

    /// The devices that capture, with what they can be set to: `InputDeviceInfo`.
    pub fn input_devices(&self) -> Vec<InputDevice> {
        self.0.inputs().into_iter().map(|(it, _)| it).collect()
    }

    /// `getUserMedia(constraints)`: opens the devices that are nearest to what is asked for.
    ///
    /// # Errors
    /// `Invalid` when nothing is asked for; `NotFound` when there is no such device; `Overconstrained`
    /// when none can be set to what is required; `NotAllowed` and `NotReadable` by the system. What was
    /// opened by then is closed again.
    #[doc(alias = "getUserMedia")]
    pub async fn get_user_media(
        &self,
        constraints: &MediaStreamConstraints,
    ) -> Result<LocalStream, DeviceError> {
        let asked = [
            (MediaKind::Audio, constraints.audio.constraints()),
            (MediaKind::Video, constraints.video.constraints()),
        ];
        if asked.iter().all(|(_, constraints)| constraints.is_none()) {
            return Err(DeviceError::Invalid(
                "neither sound nor pictures are asked for",
            ));
        }

        let mut tracks = Vec::new();
        for (kind, constraints) in asked {
            if let Some(constraints) = constraints {
                tracks.push(self.0.capture(kind, constraints).await?);
            }
        }
        if let Some(peer) = &constraints.peer_identity {
            tracks.iter().for_each(|track| track.isolate(peer));
        }
        Ok(LocalStream::new(tracks))
    }

    /// Opens a loudspeaker by its `deviceId`, or the first that there is. It may ask the system.
    ///
    /// # Errors
    /// `NotFound` when there is none; `NotAllowed` and `NotReadable` by the system.
    #[doc(alias = "setSinkId")]
    pub fn open_output(&self, device_id: Option<&str>) -> Result<AudioOutput, DeviceError> {
        let none = || DeviceError::NotFound(device_id.unwrap_or("loudspeaker").to_owned());
        let fits = |it: &MediaDeviceInfo| device_id.is_none_or(|wanted| it.device_id == wanted);
        let mut backends = self.0.backends.iter();
        let found = backends.find_map(|backend| {
            let output = backend.outputs().into_iter().find(fits)?;
            Some((backend, output.device_id))
        });
        let (backend, device_id) = found.ok_or_else(none)?;
        let device = backend.open_output(&device_id, AudioOutput::MODE)?;
        Ok(AudioOutput::new(device_id, device))
    }

    /// `devicechange`, from now on.
    #[doc(alias = "devicechange")]
    pub fn changes(&self) -> DeviceChanges {
        DeviceChanges {
            receiver: self.0.changes.subscribe(),
            known: self.enumerate_devices(),
            devices: Arc::downgrade(&self.0),
        }
    }
}

impl Shared {
    fn inputs(&self) -> Vec<(InputDevice, Arc<dyn Backend>)> {
        let mut all: Vec<(InputDevice, Arc<dyn Backend>)> = Vec::new();
        for backend in &self.backends {
            for device in backend.devices() {
                let known = all.iter().any(|(it, _)| it.device_id == device.device_id);
                if !known && all.len() < limits::DEVICES {
                    all.push((device, backend.clone()));
                }
            }
        }
        all
    }

    /// §10.2, from step 6 on, for one kind.
    async fn capture(
        &self,
        kind: MediaKind,
        constraints: MediaTrackConstraints,
    ) -> Result<LocalTrack, DeviceError> {
        let mut inputs = self.inputs();
        inputs.retain(|(device, _)| device.kind() == kind);
        if inputs.is_empty() {
            let what = match kind {
                MediaKind::Audio => "microphone",
                MediaKind::Video => "camera",
            };
            return Err(DeviceError::NotFound(what.to_owned()));
        }
        let candidates = inputs.iter().enumerate().flat_map(|(at, (device, _))| {
            let settings = device.candidates(&constraints).into_iter();
            settings.map(move |settings| (at, settings))
        });
        let (of, mut settings): (Vec<usize>, Vec<_>) = candidates.unzip();
        let chosen = select_settings(&settings, kind, &constraints)?;

        let (device, backend) = inputs.swap_remove(of[chosen]);
        let settings = settings.swap_remove(chosen);
        self.open(device, backend, |source| {
            LocalTrack::new(source, constraints.clone(), settings.clone())
        })
        .await
    }

    /// A device that is open is shared.
    async fn open(
        &self,
        device: InputDevice,
        backend: Arc<dyn Backend>,
        track: impl Fn(Arc<Source>) -> LocalTrack,
    ) -> Result<LocalTrack, DeviceError> {
        let _turn = self.opening.lock().await;
        let device_id = device.device_id.clone();
        let known = self.sources().get(&device_id).and_then(Weak::upgrade);
        if let Some(source) = known.filter(|it| *it.device() == device) {
            let track = track(source.clone());
            if track.attach() {
                return Ok(track);
            }
            // Its last track may have ended in this moment: then it is opened again.
            if source.is_open() {
                let why = "it has too many tracks".to_owned();
                return Err(DeviceError::NotReadable(device_id, why));
            }
        }

        let source = Source::new(device, backend);
        let track = track(source.clone());
        track.attach();
        source.open().await?;
        let mut sources = self.sources();
        sources.retain(|_, it| it.strong_count() > 0);
        sources.insert(device_id, Arc::downgrade(&source));
        Ok(track)
    }

    fn sources(&self) -> std::sync::MutexGuard<'_, HashMap<String, Weak<Source>>> {
        // Nothing that can panic runs under this lock.
        self.sources.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `devicechange` events.
#[derive(Debug)]
pub struct DeviceChanges {
    receiver: broadcast::Receiver<()>,
    known: Vec<MediaDeviceInfo>,
    devices: Weak<Shared>,
}

/// `DeviceChangeEvent`
#[derive(Clone, Debug, Eq, PartialEq)]
#[doc(alias = "DeviceChangeEvent")]
pub struct DeviceChange {
    /// `devices`: all there are now.
    pub devices: Vec<MediaDeviceInfo>,
    /// `userInsertedDevices`: those that were not there before.
    pub user_inserted_devices: Vec<MediaDeviceInfo>,
}

impl DeviceChanges {
    /// The next change; several at once are one. `None` after the last handle of the devices was dropped.
    pub async fn recv(&mut self) -> Option<DeviceChange> {
        loop {
            // Which ones were missed does not matter: what there is now counts.
            if let Err(broadcast::error::RecvError::Closed) = self.receiver.recv().await {
                return None;
            }
            let devices = MediaDevices(self.devices.upgrade()?).enumerate_devices();
            if devices == self.known {
                continue;
            }
            let before = std::mem::replace(&mut self.known, devices.clone());
            let inserted = devices.iter().filter(|it| !before.contains(it));
            return Some(DeviceChange {
                user_inserted_devices: inserted.cloned().collect(),
                devices,
            });
        }
    }
}
