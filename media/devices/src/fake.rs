//! Devices that make their media up, as browsers have them for tests.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use duologue_codec::{AudioData, CodecError, VideoFrame, pattern, tone};

use crate::pace::{Pace, lasting};
use crate::{
    AudioMode, Backend, Capture, Captured, Changed, DeviceError, InputDevice, MediaDeviceInfo,
    MediaDeviceKind, Modes, Play, VideoFacingMode, VideoMode, limits,
};

/// A camera and a microphone that are not there: a moving picture with a number and a clock
/// ([`pattern`]), and a tone that beats once a second ([`tone`]). Clones are the same devices; they can be
/// plugged in, pulled out and muted while they are captured.
///
/// ```
/// use duologue_devices::{FakeDevices, MediaDevices, MediaStreamConstraints};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), duologue_devices::DeviceError> {
/// let fake = FakeDevices::new();
/// let devices = MediaDevices::new([std::sync::Arc::new(fake.clone()) as _]);
/// let stream = devices.get_user_media(&MediaStreamConstraints::new(true, true)).await?;
/// assert_eq!(stream.tracks().len(), 2);
///
/// // Somebody pulls the plug.
/// fake.unplug(FakeDevices::CAMERA);
/// let track = stream.video_track().unwrap();
/// track.ended().await;
/// assert_eq!(devices.enumerate_devices().len(), 2);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct FakeDevices(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    inputs: Vec<Fake>,
    outputs: Vec<MediaDeviceInfo>,
    changed: Vec<Changed>,
}

struct Fake {
    device: InputDevice,
    muted: bool,
}

impl FakeDevices {
    /// `deviceId` of the camera that is there at first.
    pub const CAMERA: &str = "fake-camera";
    /// `deviceId` of the microphone that is there at first.
    pub const MICROPHONE: &str = "fake-microphone";
    /// `groupId` of all that are there at first.
    pub const GROUP: &str = "fake";
    /// How high the microphone's tone is, in hertz.
    pub const HERTZ: f64 = 440.0;

    /// Devices with one camera, one microphone and one loudspeaker.
    pub fn new() -> Self {
        let fake = FakeDevices::none();
        let mut state = fake.lock();
        let inputs = [FakeDevices::camera(), FakeDevices::microphone()];
        state.inputs.extend(inputs.map(|device| Fake {
            device,
            muted: false,
        }));
        state.outputs.push(MediaDeviceInfo {
            device_id: "fake-speaker".to_owned(),
            kind: MediaDeviceKind::AudioOutput,
            label: "Fake audio output".to_owned(),
            group_id: FakeDevices::GROUP.to_owned(),
        });
        drop(state);
        fake
    }

    /// Devices without any yet.
    pub fn none() -> Self {
        FakeDevices(Arc::default())
    }

    /// The camera of [`new`](Self::new): up to 1920x1080, 30 pictures a second.
    pub fn camera() -> InputDevice {
        let sizes = [(640, 480), (320, 240), (1280, 720), (1920, 1080)];
        let modes = sizes.map(|(width, height)| VideoMode {
            width,
            height,
            frame_rate: 30.0,
        });
        let mut camera = InputDevice::camera(FakeDevices::CAMERA, "Fake video input", modes);
        if let Modes::Video(video) = &mut camera.modes {
            video.facing_mode = Some(VideoFacingMode::User);
        }
        camera.group_id = FakeDevices::GROUP.to_owned();
        camera
    }

    /// The microphone of [`new`](Self::new): 48 kHz, one channel or two.
    pub fn microphone() -> InputDevice {
        let modes = [1, 2].map(|channels| AudioMode {
            sample_rate: 48_000,
            channels,
        });
        let name = "Fake audio input";
        let mut microphone = InputDevice::microphone(FakeDevices::MICROPHONE, name, modes);
        microphone.group_id = FakeDevices::GROUP.to_owned();
        if let Modes::Audio(audio) = &mut microphone.modes {
            audio.clean = true;
        }
        microphone
    }

    /// Adds a device. One with the same id goes away.
    pub fn plug(&self, device: InputDevice) {
        let mut state = self.lock();
        let same = |it: &Fake| it.device.device_id == device.device_id;
        state.inputs.retain(|it| !same(it));
        if state.inputs.len() < limits::DEVICES {
            state.inputs.push(Fake {
                device,
                muted: false,
            });
        }
        FakeDevices::tell(state);
    }

    /// A device is gone; `false` if there is none of this id. Its tracks end.
    pub fn unplug(&self, device_id: &str) -> bool {
        let mut state = self.lock();
        let before = state.inputs.len();
        state.inputs.retain(|it| it.device.device_id != device_id);
        let gone = state.inputs.len() < before;
        if gone {
            FakeDevices::tell(state);
        }
        gone
    }

    /// A device gives nothing for now, or does again: its tracks are `muted`.
    pub fn set_muted(&self, device_id: &str, muted: bool) {
        let mut state = self.lock();
        for fake in &mut state.inputs {
            if fake.device.device_id == device_id {
                fake.muted = muted;
            }
        }
    }

    /// Outside of the lock: who is told may ask.
    fn tell(state: MutexGuard<'_, State>) {
        let changed = state.changed.clone();
        drop(state);
        for changed in changed {
            changed.call();
        }
    }

    /// Whether a device is muted; `None` if it is not there.
    fn muted(&self, device_id: &str) -> Option<bool> {
        let state = self.lock();
        let found = state
            .inputs
            .iter()
            .find(|it| it.device.device_id == device_id);
        found.map(|it| it.muted)
    }

    fn open<T>(&self, device_id: &str, media: Box<dyn MadeUp<T>>) -> Result<Open<T>, DeviceError> {
        if self.muted(device_id).is_none() {
            return Err(DeviceError::NotFound(device_id.to_owned()));
        }
        Ok(Open {
            devices: self.clone(),
            device_id: device_id.to_owned(),
            media,
            muted: false,
            pace: Pace::default(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that can panic runs under this lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for FakeDevices {
    fn default() -> Self {
        FakeDevices::new()
    }
}

impl fmt::Debug for FakeDevices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.lock();
        let ids = state.inputs.iter().map(|it| &it.device.device_id);
        f.debug_list().entries(ids).finish()
    }
}

impl Backend for FakeDevices {
    fn devices(&self) -> Vec<InputDevice> {
        let state = self.lock();
        state.inputs.iter().map(|it| it.device.clone()).collect()
    }

    fn outputs(&self) -> Vec<MediaDeviceInfo> {
        self.lock().outputs.clone()
    }

    fn open_video(
        &self,
        device_id: &str,
        mode: VideoMode,
    ) -> Result<Box<dyn Capture<VideoFrame>>, DeviceError> {
        let media = Picture { mode, number: 0 };
        Ok(Box::new(self.open(device_id, Box::new(media))?))
    }

    fn open_audio(
        &self,
        device_id: &str,
        mode: AudioMode,
    ) -> Result<Box<dyn Capture<AudioData>>, DeviceError> {
        let media = Sound { mode, first: 0 };
        Ok(Box::new(self.open(device_id, Box::new(media))?))
    }

    fn open_output(&self, device_id: &str, mode: AudioMode) -> Result<Box<dyn Play>, DeviceError> {
        let state = self.lock();
        match state.outputs.iter().any(|it| it.device_id == device_id) {
            true => Ok(Box::new(Unheard(mode))),
            false => Err(DeviceError::NotFound(device_id.to_owned())),
        }
    }

    fn watch(&self, changed: Changed) {
        let mut state = self.lock();
        if state.changed.len() < limits::DEVICES {
            state.changed.push(changed);
        }
    }
}

/// A loudspeaker that nobody hears.
struct Unheard(AudioMode);

impl Play for Unheard {
    fn mode(&self) -> AudioMode {
        self.0
    }

    fn write(&mut self, _: &[f32]) -> Result<(), DeviceError> {
        Ok(())
    }
}

/// What a device that is not there gives, piece by piece.
trait MadeUp<T>: Send {
    /// When the next piece is there.
    fn due(&self) -> Duration;

    fn make(&mut self) -> Result<T, CodecError>;
}

struct Picture {
    mode: VideoMode,
    number: u32,
}

impl MadeUp<VideoFrame> for Picture {
    fn due(&self) -> Duration {
        let rate = self.mode.frame_rate.clamp(0.01, limits::FRAME_RATE);
        Duration::from_secs_f64(f64::from(self.number) / rate)
    }

    fn make(&mut self) -> Result<VideoFrame, CodecError> {
        let at = self.due();
        let (minutes, seconds) = (at.as_secs() / 60 % 60, at.as_secs() % 60);
        let number = self.number as u16;
        let clock = format!("{minutes:02}:{seconds:02}.{:03}", at.subsec_millis());
        let text = format!("{clock} {number:04}");
        self.number = self.number.wrapping_add(1);
        let frame = pattern::draw_with(number, self.mode.width, self.mode.height, &text)?;
        Ok(frame.at(at))
    }
}

struct Sound {
    mode: AudioMode,
    /// The first sample of the next piece.
    first: u64,
}

impl MadeUp<AudioData> for Sound {
    /// When its last sample was heard.
    fn due(&self) -> Duration {
        let end = self.first + u64::from(self.mode.sample_rate / 100);
        lasting(end, self.mode.sample_rate)
    }

    fn make(&mut self) -> Result<AudioData, CodecError> {
        let AudioMode {
            sample_rate,
            channels,
        } = self.mode;
        let frames = sample_rate / 100;
        let first = self.first;
        self.first += u64::from(frames);
        tone::draw(
            first,
            frames as usize,
            sample_rate,
            channels,
            FakeDevices::HERTZ,
        )
    }
}

struct Open<T> {
    devices: FakeDevices,
    device_id: String,
    media: Box<dyn MadeUp<T>>,
    /// What was told last.
    muted: bool,
    pace: Pace,
}

impl<T> Capture<T> for Open<T> {
    fn read(&mut self) -> Result<Option<Captured<T>>, DeviceError> {
        loop {
            self.pace.wait_for(self.media.due());
            let Some(muted) = self.devices.muted(&self.device_id) else {
                return Ok(None);
            };
            let made = self.media.make();
            if self.muted != muted {
                self.muted = muted;
                return Ok(Some(Captured::Muted(muted)));
            }
            if !muted {
                let unreadable = |error: CodecError| {
                    DeviceError::NotReadable(self.device_id.clone(), error.to_string())
                };
                return made.map(|it| Some(Captured::Data(it))).map_err(unreadable);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_picture_counts_and_its_time_is_that_of_its_number() {
        let mode = VideoMode {
            width: 320,
            height: 240,
            frame_rate: 25.0,
        };
        let mut picture = Picture { mode, number: 0 };
        for number in 0..5 {
            let frame = picture.make().unwrap();
            assert_eq!(pattern::number(&frame), Some(number));
            assert_eq!(frame.timestamp, Duration::from_millis(40) * number.into());
        }
    }

    #[test]
    fn the_sound_is_a_tone_without_a_gap() {
        let mode = AudioMode {
            sample_rate: 48_000,
            channels: 2,
        };
        let mut sound = Sound { mode, first: 0 };
        let pieces = (0..50).map(|piece| {
            let data = sound.make().unwrap();
            assert_eq!(data.timestamp, Duration::from_millis(10) * piece);
            data.samples().to_vec()
        });
        let samples: Vec<f32> = pieces.flatten().collect();
        // After a month, too.
        let month = 30 * 24 * 3_600;
        sound.first = month * 48_000;
        assert_eq!(sound.due(), Duration::from_millis(month * 1_000 + 10));
        let whole = AudioData::new(samples.into(), 48_000, 2).unwrap();
        let hertz = tone::frequency(&whole).unwrap();
        assert!((hertz - FakeDevices::HERTZ).abs() < 1.0, "{hertz}");
    }

    #[test]
    fn who_is_not_there_is_not_opened() {
        let fake = FakeDevices::new();
        assert!(fake.unplug(FakeDevices::CAMERA) && !fake.unplug(FakeDevices::CAMERA));
        let mode = VideoMode {
            width: 64,
            height: 48,
            frame_rate: 30.0,
        };
        let refused = fake.open_video(FakeDevices::CAMERA, mode).err();
        assert!(matches!(refused, Some(DeviceError::NotFound(_))));
    }
}
