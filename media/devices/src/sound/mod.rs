//! The sound cards of the machine.

mod ring;
mod stream;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use cpal::SupportedStreamConfigRange;
use cpal::traits::{DeviceTrait, HostTrait};
use duologue_codec::AudioData;

use self::stream::{Loudspeaker, Microphone, failure, modes};
use crate::watch::watch;
use crate::{
    AudioMode, Backend, Capture, Changed, DeviceError, InputDevice, MediaDeviceInfo,
    MediaDeviceKind, Play, limits,
};

/// Microphones and loudspeakers by the system's interface: ALSA (with PipeWire's and PulseAudio's devices in it),
/// CoreAudio, WASAPI. Their ids are what the system calls them, such as `alsa:default`.
///
/// A device is looked into when it is seen first; what it can be set to is kept, because one that is in use may
/// not tell. With ALSA a direct device (`hw:`) is left out where there is the same with conversions (`plughw:`),
/// and so are plugins that are parts of others.
///
/// ```
/// use duologue_devices::{MediaDevices, SoundDevices};
///
/// let devices = MediaDevices::new([std::sync::Arc::new(SoundDevices::new()) as _]);
/// for device in devices.enumerate_devices() {
///     println!("{}: {}", device.device_id, device.label);
/// }
/// ```
#[derive(Clone, Default)]
pub struct SoundDevices(Arc<Known>);

/// What devices can be set to, as far as they were asked.
#[derive(Default)]
struct Known(Mutex<HashMap<(String, MediaDeviceKind), Vec<SupportedStreamConfigRange>>>);

/// A device as the system lists it.
struct Listed {
    id: String,
    label: String,
    device: cpal::Device,
}

/// What ALSA lists and is no device of its own: plugins that convert, parts of others, and what makes silence.
const PARTS: [&str; 18] = [
    "null",
    "hw",
    "front",
    "rear",
    "center_lfe",
    "side",
    "surround",
    "iec",
    "dmix",
    "dsnoop",
    "lavrate",
    "samplerate",
    "speex",
    "speexrate",
    "upmix",
    "vdownmix",
    "usbstream",
    "oss",
];

/// By its name in ALSA, such as `surround51:CARD=PCH,DEV=0`.
fn is_part(name: &str) -> bool {
    let plugin = name.split(':').next().unwrap_or(name);
    let plugin = plugin.trim_end_matches(|it: char| it.is_ascii_digit());
    PARTS.contains(&plugin)
}

impl SoundDevices {
    /// The sound devices of the system's usual interface.
    pub fn new() -> Self {
        SoundDevices::default()
    }

    fn listed(kind: MediaDeviceKind) -> Vec<Listed> {
        let has = |device: &cpal::Device| match kind {
            MediaDeviceKind::AudioOutput => device.supports_output(),
            _ => device.supports_input(),
        };
        let host = cpal::default_host();
        let listed = host.devices().into_iter().flatten();
        let listed = listed.filter(has).filter_map(|device| {
            let id = device.id().ok()?;
            if is_part(id.id()) {
                return None;
            }
            let label = device.description().ok()?.name().to_owned();
            Some(Listed {
                id: id.to_string(),
                label,
                device,
            })
        });
        listed.take(limits::DEVICES).collect()
    }

    fn found(kind: MediaDeviceKind, device_id: &str) -> Result<Listed, DeviceError> {
        let mut listed = SoundDevices::listed(kind).into_iter();
        let found = listed.find(|it| it.id == device_id);
        found.ok_or_else(|| DeviceError::NotFound(device_id.to_owned()))
    }

    /// What a device can be set to; an empty list if it does not open, which is asked anew each time.
    fn ranges(
        &self,
        kind: MediaDeviceKind,
        listed: &Listed,
    ) -> Result<Vec<SupportedStreamConfigRange>, DeviceError> {
        let key = (listed.id.clone(), kind);
        // Nothing that can panic runs under this lock.
        let known = || self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(ranges) = known().get(&key) {
            return Ok(ranges.clone());
        }
        let failed = |error| failure(&listed.id, &error);
        let ranges: Vec<_> = match kind {
            MediaDeviceKind::AudioOutput => {
                let ranges = listed.device.supported_output_configs();
                ranges.map_err(failed)?.take(limits::CANDIDATES).collect()
            }
            _ => {
                let ranges = listed.device.supported_input_configs();
                ranges.map_err(failed)?.take(limits::CANDIDATES).collect()
            }
        };
        let mut known = known();
        if known.len() < 2 * limits::DEVICES {
            known.insert(key, ranges.clone());
        }
        Ok(ranges)
    }

    fn names(_: &Known) -> Vec<String> {
        let both = [MediaDeviceKind::AudioInput, MediaDeviceKind::AudioOutput];
        let listed = both.into_iter().flat_map(SoundDevices::listed);
        listed.map(|it| it.id).collect()
    }
}

impl fmt::Debug for SoundDevices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SoundDevices")
    }
}

impl Backend for SoundDevices {
    fn devices(&self) -> Vec<InputDevice> {
        let kind = MediaDeviceKind::AudioInput;
        let listed = SoundDevices::listed(kind).into_iter();
        let devices = listed.filter_map(|it| {
            let modes = modes(&self.ranges(kind, &it).ok()?);
            let opens = !modes.is_empty();
            opens.then(|| InputDevice::microphone(it.id, it.label, modes))
        });
        devices.collect()
    }

    fn outputs(&self) -> Vec<MediaDeviceInfo> {
        let kind = MediaDeviceKind::AudioOutput;
        let listed = SoundDevices::listed(kind).into_iter();
        let opens = |it: &Listed| self.ranges(kind, it).is_ok_and(|it| !modes(&it).is_empty());
        let outputs = listed.filter(opens).map(|it| MediaDeviceInfo {
            group_id: it.id.clone(),
            device_id: it.id,
            kind,
            label: it.label,
        });
        outputs.collect()
    }

    fn open_audio(
        &self,
        device_id: &str,
        mode: AudioMode,
    ) -> Result<Box<dyn Capture<AudioData>>, DeviceError> {
        let kind = MediaDeviceKind::AudioInput;
        let listed = SoundDevices::found(kind, device_id)?;
        let ranges = self.ranges(kind, &listed)?;
        Ok(Box::new(Microphone::open(
            &listed.device,
            device_id,
            &ranges,
            mode,
        )?))
    }

    fn open_output(&self, device_id: &str, mode: AudioMode) -> Result<Box<dyn Play>, DeviceError> {
        let kind = MediaDeviceKind::AudioOutput;
        let listed = SoundDevices::found(kind, device_id)?;
        let ranges = self.ranges(kind, &listed)?;
        Ok(Box::new(Loudspeaker::open(
            &listed.device,
            device_id,
            &ranges,
            mode,
        )?))
    }

    fn watch(&self, changed: Changed) {
        watch(&self.0, SoundDevices::names, changed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_a_part_of_other_devices_is_not_one() {
        for part in [
            "null",
            "surround51:CARD=PCH,DEV=0",
            "hw:CARD=0,DEV=0",
            "iec958:CARD=PCH",
        ] {
            assert!(is_part(part), "{part}");
        }
        for device in [
            "default",
            "plughw:CARD=0,DEV=0",
            "pipewire",
            "sysdefault:CARD=PCH",
        ] {
            assert!(!is_part(device), "{device}");
        }
    }

    #[test]
    fn who_is_not_there_is_not_opened() {
        let devices = SoundDevices::new();
        let mode = AudioMode {
            sample_rate: 48_000,
            channels: 1,
        };
        let refused = [
            devices.open_audio("alsa:nobody", mode).err(),
            devices.open_output("alsa:nobody", mode).err(),
        ];
        for refused in refused {
            assert!(
                matches!(refused, Some(DeviceError::NotFound(_))),
                "{refused:?}"
            );
        }
    }
}
