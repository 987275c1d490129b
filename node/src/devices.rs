//! Cameras and microphones: the devices of this process, and tracks of them.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, OnceLock};
use std::task::Poll;

use duologue_devices::{
    Backend, DeviceError, FakeDevices, InputDevice, LocalTrack, MediaDevices,
    MediaStreamConstraints, MediaTrackConstraints, TrackEvent,
};
use napi::bindgen_prelude::{AsyncTask, Either, Result};
use napi::{Env, Error, Task};
use napi_derive::napi;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use tokio::sync::mpsc;

use crate::environment;
use crate::flow::hub::MediaHub;
use crate::flow::raw::ends::{NativeAudioReader, NativeVideoReader, Reading};
use crate::limits::{WAITING_EVENTS, WAITING_FRAMES};

/// Those that are there where no others are named.
struct Devices {
    all: MediaDevices,
    fake: FakeDevices,
}

fn devices() -> &'static Devices {
    static DEVICES: OnceLock<Devices> = OnceLock::new();
    DEVICES.get_or_init(|| {
        let fake = FakeDevices::new();
        let backend: Arc<dyn Backend> = Arc::new(fake.clone());
        let all = MediaDevices::new([backend]);
        Devices { all, fake }
    })
}

fn input(device_id: &str) -> Option<InputDevice> {
    let mut inputs = devices().all.input_devices().into_iter();
    inputs.find(|it| it.device_id == device_id)
}

fn to_json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| Error::from_reason(error.to_string()))
}

/// A list of `MediaDeviceInfo`, in JSON.
#[napi]
pub fn enumerate_devices() -> Result<String> {
    to_json(&devices().all.enumerate_devices())
}

/// `InputDeviceInfo.getCapabilities()`, in JSON; of a device that has gone nothing.
#[napi]
pub fn device_capabilities(device_id: String) -> Result<String> {
    match input(&device_id) {
        Some(device) => to_json(&device.capabilities()),
        None => Ok("{}".to_owned()),
    }
}

/// Opens devices on the thread pool.
#[derive(Debug)]
pub struct Capture(MediaStreamConstraints);

impl Task for Capture {
    type Output = std::result::Result<Vec<LocalTrack>, DeviceError>;
    type JsValue = Either<Vec<NativeLocalTrack>, String>;

    fn compute(&mut self) -> Result<Self::Output> {
        let runtime = environment::runtime();
        let runtime = runtime.map_err(|error| Error::from_reason(error.to_string()))?;
        let opened = runtime.block_on(devices().all.get_user_media(&self.0));
        Ok(opened.map(|stream| stream.tracks().to_vec()))
    }

    fn resolve(&mut self, _: Env, opened: Self::Output) -> Result<Self::JsValue> {
        Ok(match opened {
            Ok(tracks) => Either::A(tracks.into_iter().map(NativeLocalTrack).collect()),
            Err(error) => Either::B(refusal(&error)),
        })
    }
}

/// `getUserMedia()`: tracks, or why there are none, in JSON.
#[napi(ts_return_type = "Promise<NativeLocalTrack[] | string>")]
pub fn capture(constraints: String) -> Result<AsyncTask<Capture>> {
    Ok(AsyncTask::new(Capture(parsed(&constraints)?)))
}

fn parsed<T: DeserializeOwned>(json: &str) -> Result<T> {
    serde_json::from_str(json).map_err(|error| Error::from_reason(error.to_string()))
}

fn refusal(error: &DeviceError) -> String {
    let constraint = match error {
        DeviceError::Overconstrained(error) => Some(&error.constraint),
        _ => None,
    };
    let (name, message) = (error.name(), error.to_string());
    json!({ "name": name, "message": message, "constraint": constraint }).to_string()
}

/// A track of a device.
#[napi]
#[derive(Debug)]
pub struct NativeLocalTrack(LocalTrack);

#[napi]
impl NativeLocalTrack {
    /// `kind`
    #[napi(getter)]
    pub fn kind(&self) -> &'static str {
        self.0.kind().as_str()
    }

    /// `label`
    #[napi(getter)]
    pub fn label(&self) -> String {
        self.0.label().to_owned()
    }

    /// `muted`
    #[napi(getter)]
    pub fn muted(&self) -> bool {
        self.0.muted()
    }

    /// Nothing comes any more.
    #[napi(getter)]
    pub fn ended(&self) -> bool {
        self.0.has_ended()
    }

    /// `getSettings()`, in JSON.
    #[napi]
    pub fn settings(&self) -> Result<String> {
        to_json(&self.0.settings())
    }

    /// `getCapabilities()`, in JSON.
    #[napi]
    pub fn capabilities(&self) -> Result<String> {
        to_json(&self.0.capabilities())
    }

    /// `applyConstraints()`: null, or why not, in JSON.
    #[napi(ts_return_type = "string | null")]
    pub fn apply_constraints(&self, constraints: String) -> Result<Option<String>> {
        let constraints: MediaTrackConstraints = parsed(&constraints)?;
        let applied = self.0.apply_constraints(constraints);
        Ok(applied.err().map(|error| refusal(&error)))
    }

    /// `clone()`
    #[napi]
    pub fn clone_track(&self) -> NativeLocalTrack {
        NativeLocalTrack(self.0.clone_track())
    }

    /// `stop()`
    #[napi]
    pub fn stop(&self) {
        self.0.stop();
    }

    /// Its pictures; `number` is what the hub names the end by. Null of sound.
    #[napi(ts_return_type = "NativeVideoReader | null")]
    pub fn read_video(&self, hub: &MediaHub, number: u32) -> Result<Option<NativeVideoReader>> {
        let Some(mut reader) = self.0.video() else {
            return Ok(None);
        };
        let (sender, pictures) = mpsc::channel(WAITING_FRAMES);
        spawn(async move {
            while let Some(picture) = unless_closed(&sender, reader.recv()).await
                && sender.send(picture).await.is_ok()
            {}
        })?;
        Ok(Some(NativeVideoReader::of(pictures, hub, number)))
    }

    /// Its sound. Null of pictures.
    #[napi(ts_return_type = "NativeAudioReader | null")]
    pub fn read_audio(&self, hub: &MediaHub, number: u32) -> Result<Option<NativeAudioReader>> {
        let Some(mut reader) = self.0.audio() else {
            return Ok(None);
        };
        let (sender, sound) = mpsc::channel(WAITING_FRAMES);
        spawn(async move {
            while let Some(piece) = unless_closed(&sender, reader.recv()).await
                && sender.send(piece).await.is_ok()
            {}
        })?;
        Ok(Some(NativeAudioReader::of(sound, hub, number)))
    }

    /// What happens to it from now on.
    #[napi]
    pub fn events(&self, hub: &MediaHub, number: u32) -> Result<NativeEvents> {
        let mut events = self.0.events();
        let (sender, waiting) = mpsc::channel(WAITING_EVENTS);
        spawn(async move {
            while let Some(event) = unless_closed(&sender, events.recv()).await {
                let name = match event {
                    TrackEvent::Mute => "mute",
                    TrackEvent::Unmute => "unmute",
                    TrackEvent::Ended => "ended",
                    _ => continue,
                };
                if sender.send(name.to_owned()).await.is_err() {
                    return;
                }
            }
        })?;
        Ok(NativeEvents(Reading::new(waiting, hub, number)))
    }
}

/// What happens to a track, or to the list of devices.
#[napi]
#[expect(missing_debug_implementations, reason = "it shows nothing")]
pub struct NativeEvents(Reading<String>);

#[napi]
impl NativeEvents {
    /// The next one; null when there is none yet, and the hub tells.
    #[napi(ts_return_type = "string | null")]
    pub fn take(&mut self) -> Option<String> {
        self.0.take()
    }

    /// Nobody asks any more.
    #[napi]
    pub fn close(&mut self) {
        self.0.close();
    }
}

/// `devicechange`, from now on: the devices that are new, in JSON.
#[napi]
pub fn watch_devices(hub: &MediaHub, number: u32) -> Result<NativeEvents> {
    let mut changes = devices().all.changes();
    let (sender, waiting) = mpsc::channel(WAITING_EVENTS);
    spawn(async move {
        while let Some(change) = unless_closed(&sender, changes.recv()).await
            && let Ok(inserted) = to_json(&change.user_inserted_devices)
            && sender.send(inserted).await.is_ok()
        {}
    })?;
    Ok(NativeEvents(Reading::new(waiting, hub, number)))
}

/// Of the devices that make their media up: one is pulled out, comes back, or gives nothing for a while.
#[napi]
pub fn fake_device(device_id: String, what: String) -> Result<()> {
    let fake = &devices().fake;
    match what.as_str() {
        "plug" => {
            let known = [FakeDevices::camera(), FakeDevices::microphone()];
            let device = known.into_iter().find(|it| it.device_id == device_id);
            let none = || Error::from_reason("there is no such device that is made up");
            fake.plug(device.ok_or_else(none)?);
        }
        "unplug" => {
            fake.unplug(&device_id);
        }
        _ => fake.set_muted(&device_id, what == "mute"),
    }
    Ok(())
}

/// The next item, while somebody reads what comes of it: a muted device may give none for ever.
async fn unless_closed<T, U>(
    to: &mpsc::Sender<U>,
    next: impl Future<Output = Option<T>>,
) -> Option<T> {
    let (mut next, mut closed) = (pin!(next), pin!(to.closed()));
    poll_fn(|cx| match closed.as_mut().poll(cx) {
        Poll::Ready(()) => Poll::Ready(None),
        Poll::Pending => next.as_mut().poll(cx),
    })
    .await
}

fn spawn(task: impl Future<Output = ()> + Send + 'static) -> Result<()> {
    let runtime = environment::runtime();
    let runtime = runtime.map_err(|error| Error::from_reason(error.to_string()))?;
    drop(runtime.spawn(task));
    Ok(())
}
