//! Sound cards whose wires end in pipes: ALSA's own plugins, with a configuration that has nothing else.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    reason = "helpers outside #[test] functions are tests too"
)]

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, mpsc};
use std::time::Duration;
use std::{env, fs, thread};

use duologue_codec::{AudioData, tone};
use duologue_devices::{
    Backend, MediaDeviceKind, MediaDevices, MediaStreamConstraints, SoundDevices,
};

const HERTZ: f64 = 440.0;
const RATE: u32 = 48_000;
/// Whole periods.
const FRAMES: usize = 9_600;
/// Where the pipes are, in the program that has them as sound cards.
const FOLDER: &str = "DUOLOGUE_TEST_PIPES";

/// ALSA reads its configuration once a process, from where the environment says.
fn with_pipes_as_sound_cards(name: &str, test: impl FnOnce(&Path)) {
    if let Some(folder) = env::var_os(FOLDER) {
        return test(Path::new(&folder));
    }
    let folder = tempfile::tempdir().unwrap();
    let path = |name| folder.path().join(name).display().to_string();
    let made = Command::new("mkfifo")
        .args([path("mouth"), path("ear")])
        .status();
    assert!(made.unwrap().success());
    let card = |name: &str, wires: &str| {
        format!(
            "pcm.{name} {{ type file slave.pcm {{ type null }} format raw {wires} \
             hint {{ show on description \"The {name}\" }} }}\n"
        )
    };
    let microphone = card(
        "mouth",
        &format!("file \"/dev/null\" infile \"{}\"", path("mouth")),
    );
    let loudspeaker = card("ear", &format!("file \"{}\"", path("ear")));
    fs::write(path("alsa.conf"), microphone + &loudspeaker).unwrap();

    let ended = Command::new(env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env("ALSA_CONFIG_PATH", path("alsa.conf"))
        .env(FOLDER, folder.path())
        .status();
    assert!(ended.unwrap().success());
}

/// Both ends of it: neither side waits for the other to open it.
fn pipe(path: &Path) -> File {
    OpenOptions::new()
        .read(true)
        .write(true)
        .open(path)
        .unwrap()
}

fn devices() -> MediaDevices {
    MediaDevices::new([Arc::new(SoundDevices::new()) as Arc<dyn Backend>])
}

fn bytes(samples: &[f32]) -> Vec<u8> {
    samples.iter().flat_map(|it| it.to_le_bytes()).collect()
}

fn is_the_tone(samples: &[f32], channels: u8) {
    let heard = AudioData::new(samples.into(), RATE, channels).unwrap();
    let hertz = tone::frequency(&heard).unwrap();
    assert!((hertz - HERTZ).abs() < 2.0, "{hertz}");
}

#[test]
fn a_microphone_is_found_and_gives_what_is_said_to_it() {
    let name = "a_microphone_is_found_and_gives_what_is_said_to_it";
    with_pipes_as_sound_cards(name, |folder| {
        let mut mouth = pipe(&folder.join("mouth"));
        let (heard, was_heard) = mpsc::channel();
        thread::spawn(move || {
            let said = tone::draw(0, FRAMES, RATE, 1, HERTZ).unwrap();
            mouth.write_all(&bytes(said.samples())).unwrap();
            // A microphone does not stop, and this one has no clock.
            was_heard.recv().unwrap();
            while mouth.write_all(&[0; 4_800]).is_ok() {}
        });

        let devices = devices();
        let found = devices.enumerate_devices();
        let found = found.iter().find(|it| it.label == "The mouth").unwrap();
        assert_eq!(found.kind, MediaDeviceKind::AudioInput);
        assert_eq!(found.device_id, "alsa:mouth");
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_time().build().unwrap();
        let samples = runtime.block_on(async {
            let asked = MediaStreamConstraints::new(true, false);
            let stream = devices.get_user_media(&asked).await.unwrap();
            let mut sound = stream.audio_track().unwrap().audio().unwrap();
            let mut samples: Vec<f32> = Vec::new();
            while samples.len() < FRAMES {
                let data = tokio::time::timeout(Duration::from_secs(30), sound.recv());
                let data = data.await.unwrap().unwrap();
                assert_eq!((data.sample_rate(), data.channels()), (RATE, 1));
                samples.extend(data.samples());
            }
            samples
        });
        heard.send(()).unwrap();
        is_the_tone(&samples, 1);
    });
}

#[test]
fn a_loudspeaker_plays_what_is_written_after_silence_and_before_it() {
    let name = "a_loudspeaker_plays_what_is_written_after_silence_and_before_it";
    with_pipes_as_sound_cards(name, |folder| {
        let mut ear = pipe(&folder.join("ear"));
        let (heard, was_heard) = mpsc::channel();
        thread::spawn(move || {
            let mut data = [0; 8_192];
            // Until the process ends: a loudspeaker whose wire is full does not go on.
            while ear.read_exact(&mut data).is_ok() {
                let samples = data
                    .chunks_exact(4)
                    .map(|it| f32::from_le_bytes(it.try_into().unwrap()));
                let _ = heard.send(samples.collect::<Vec<f32>>());
            }
        });

        let mut output = devices().open_output(Some("alsa:ear")).unwrap();
        assert_eq!(
            (output.mode().sample_rate, output.mode().channels),
            (RATE, 2)
        );
        let silence = was_heard.recv_timeout(Duration::from_secs(30)).unwrap();
        assert!(silence.iter().all(|it| *it == 0.0));
        output
            .write(&tone::draw(0, FRAMES, RATE, 2, HERTZ).unwrap())
            .unwrap();

        let mut samples: Vec<f32> = Vec::new();
        while samples.last() != Some(&0.0) || samples.len() < 2 * FRAMES {
            let piece = was_heard.recv_timeout(Duration::from_secs(30)).unwrap();
            let silent = samples.is_empty() && piece.iter().all(|it| *it == 0.0);
            if !silent {
                samples.extend(piece);
            }
        }
        let first = samples.iter().position(|it| *it != 0.0).unwrap();
        let last = samples.iter().rposition(|it| *it != 0.0).unwrap();
        // A tone begins and ends with a sample of nothing.
        let count = last + 1 - first;
        assert!((2 * FRAMES - 4..=2 * FRAMES).contains(&count), "{count}");
        is_the_tone(&samples[first & !1..=last | 1], 2);
    });
}
