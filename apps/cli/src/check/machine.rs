//! What this machine can encode, decode and capture, and what is missing for more.

use std::collections::BTreeMap;

use duologue::codec::{CodecSet, Library, found_codecs, libraries};
use duologue::devices::{MediaDeviceInfo, MediaDeviceKind, MediaDevices, MediaTrackCapabilities};
use serde::Serialize;

use crate::media;

/// What is told.
#[derive(Debug, Serialize)]
pub(super) struct Machine {
    codecs: BTreeMap<String, Codec>,
    libraries: Vec<Found>,
    devices: Vec<Device>,
    /// Kinds of devices of this machine that the program was built without.
    without: Vec<&'static str>,
}

/// A camera or a microphone, and what it can be set to; a loudspeaker.
#[derive(Debug, Serialize)]
struct Device {
    #[serde(flatten)]
    info: MediaDeviceInfo,
    #[serde(skip_serializing_if = "Option::is_none")]
    capabilities: Option<MediaTrackCapabilities>,
}

/// Of a feature of the program that is not in this one.
const WITHOUT: &[&str] = &[
    #[cfg(not(feature = "sound"))]
    "sound",
    #[cfg(all(not(feature = "cameras"), target_os = "linux"))]
    "cameras",
];

impl Device {
    fn text(&self) -> String {
        let MediaDeviceInfo {
            device_id, label, ..
        } = &self.info;
        let Some(most) = &self.capabilities else {
            return format!("{device_id:<20}{label:<28}plays\n");
        };
        let can = match (most.width, most.height, most.frame_rate, most.sample_rate) {
            (Some(width), Some(height), Some(rate), _) => {
                format!(
                    "up to {}x{}, {} pictures/s",
                    width.max, height.max, rate.max
                )
            }
            (.., Some(rate)) => format!("{} samples/s", rate.max),
            _ => String::new(),
        };
        format!("{device_id:<20}{label:<28}{can}\n")
    }
}

/// Who encodes and decodes one format; none if nobody does.
#[derive(Debug, Default, Serialize)]
struct Codec {
    encoder: Option<String>,
    decoder: Option<String>,
}

#[derive(Debug, Serialize)]
struct Found {
    name: &'static str,
    purpose: &'static str,
    version: Option<String>,
    /// Why it is not used.
    missing: Option<String>,
    /// What brings it on Debian.
    package: &'static str,
}

/// What connections negotiate, in the order in which it is told.
const FORMATS: [&str; 9] = [
    "VP8", "VP9", "H264", "AV1", "H265", "opus", "G722", "PCMU", "PCMA",
];

impl Machine {
    /// Libraries are loaded and tried, which takes its time.
    pub(super) fn look() -> Self {
        Machine::new(&found_codecs(), libraries(), &media::devices())
    }

    fn new(codecs: &CodecSet, libraries: Vec<Library>, devices: &MediaDevices) -> Self {
        let mut all: BTreeMap<String, Codec> = BTreeMap::new();
        for format in FORMATS {
            all.entry(format.to_owned()).or_default();
        }
        let encoders = codecs
            .video_encoders()
            .map(|it| (it.codec.as_str(), &it.library));
        let sound = codecs
            .audio_encoders()
            .map(|it| (it.codec.as_str(), &it.library));
        for (format, library) in encoders.chain(sound) {
            let codec = all.entry(format.to_owned()).or_default();
            // The first one is used.
            codec.encoder.get_or_insert_with(|| library.clone());
        }
        let decoders = codecs
            .video_decoders()
            .map(|it| (it.codec.as_str(), &it.library));
        let sound = codecs
            .audio_decoders()
            .map(|it| (it.codec.as_str(), &it.library));
        for (format, library) in decoders.chain(sound) {
            let codec = all.entry(format.to_owned()).or_default();
            codec.decoder.get_or_insert_with(|| library.clone());
        }

        let libraries = libraries.into_iter().map(|it| Found {
            name: it.name,
            purpose: it.purpose,
            missing: it.found.as_ref().err().map(ToString::to_string),
            version: it.found.ok(),
            package: it.package,
        });
        let inputs = devices.input_devices().into_iter().map(|device| Device {
            info: device.info(),
            capabilities: Some(device.capabilities()),
        });
        let outputs = devices.enumerate_devices().into_iter();
        let outputs = outputs.filter(|it| it.kind == MediaDeviceKind::AudioOutput);
        let outputs = outputs.map(|info| Device {
            info,
            capabilities: None,
        });
        Machine {
            codecs: all,
            libraries: libraries.collect(),
            devices: inputs.chain(outputs).collect(),
            without: WITHOUT.to_vec(),
        }
    }

    pub(super) fn text(&self) -> String {
        let mut text = format!("{:<8}{:<20}{}\n", "codec", "encodes", "decodes");
        let none = || "-".to_owned();
        for format in FORMATS {
            if let Some(codec) = self.codecs.get(format) {
                let encoder = codec.encoder.clone().unwrap_or_else(none);
                let decoder = codec.decoder.clone().unwrap_or_else(none);
                text += &format!("{format:<8}{encoder:<20}{decoder}\n");
            }
        }
        text += &format!("\n{:<20}{:<28}can be set to\n", "device", "name");
        for device in &self.devices {
            text += &device.text();
        }
        if !self.without.is_empty() {
            let features = self.without.join(",");
            text += &format!("\nbuilt without this machine's devices: --features {features}\n");
        }
        for library in &self.libraries {
            if let Some(why) = &library.missing {
                let Found {
                    name,
                    purpose,
                    package,
                    ..
                } = library;
                text += &format!(
                    "\n{name} ({purpose}): {why}\n  on Debian: apt-get install {package}\n"
                );
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use duologue::codec::built_in_codecs;

    use super::*;

    #[test]
    fn what_is_missing_is_named_with_what_brings_it() {
        let library = Library {
            name: "libvpx",
            purpose: "VP8 and VP9",
            package: "libvpx7",
            found: Err(duologue::codec::Missing::NotFound),
        };
        let report = Machine::new(&built_in_codecs(), vec![library], &MediaDevices::fake());
        let text = report.text();
        assert!(text.contains("G722    duologue"), "{text}");
        assert!(text.contains("H264    -                   -"), "{text}");
        assert!(text.contains("libvpx (VP8 and VP9): not found"), "{text}");
        assert!(text.contains("apt-get install libvpx7"), "{text}");
        assert!(
            text.contains("fake-camera         Fake video input"),
            "{text}"
        );
        assert!(text.contains("up to 1920x1080, 30 pictures/s"), "{text}");
        assert!(text.contains("fake-speaker        Fake audio output           plays"));
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!(json["devices"][1]["kind"], "audioinput");
        let h264 = json["codecs"].get("H264").expect("it is listed");
        assert!(h264["decoder"].is_null());
        assert_eq!(json["libraries"][0]["missing"], "not found");
    }
}
