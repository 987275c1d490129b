//! Cameras, microphones and files that are sent, and where goes what comes.

mod preview;
mod record;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

#[cfg(all(feature = "cameras", target_os = "linux"))]
use duologue::devices::CameraDevices;
#[cfg(feature = "sound")]
use duologue::devices::SoundDevices;
use duologue::devices::{
    AudioOutput, Backend, ConstrainParameters, DomStrings, FakeDevices, FileDevices, FileFormat,
    FileSource, LocalTrack, MediaDeviceKind, MediaDevices, MediaStreamConstraints,
    MediaTrackConstraintSet,
};
use duologue::{
    MediaKind, PeerConnection, RtpSender, Track, TransceiverDirection, TransceiverInit,
};

use crate::Failure;
pub(crate) use record::Sinks;

/// What was sent last is encoded, arrives and is played out before the call is over. RTP has no word of that
/// (RFC 3550 §6.4: reports count packets, seconds late), so it has this long.
const DRAIN: Duration = Duration::from_secs(1);

/// What of picture and sound.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct MediaArgs {
    /// Send what a camera sees; `duologue check` tells which there are
    #[arg(long, value_name = "DEVICE", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    camera: Option<String>,
    /// Send what a microphone hears; `duologue check` tells which there are
    #[arg(long, value_name = "DEVICE", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    microphone: Option<String>,
    /// Send pictures or sound of a file, or one of each: Y4M, WAV, or what --format says; - is a pipe
    #[arg(long, value_name = "FILE")]
    file: Vec<PathBuf>,
    /// What is in files whose name does not say it: y4m, wav, i420:640x480@30 (or nv12, rgba), s16le:48000x2
    #[arg(long, value_name = "FORMAT", requires = "file", value_parser = format)]
    format: Option<FileFormat>,
    /// Begin again at the end of the file
    #[arg(long = "loop", requires = "file")]
    again: bool,
    /// Send a moving picture with a number and a clock, and a tone
    #[arg(long, conflicts_with_all = ["camera", "microphone", "file"])]
    test_pattern: bool,
    /// Write what comes to this file: pictures to .y4m or the last one to .png, sound to .wav, both as they
    /// come encoded to .webm or .mp4
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// Show the pictures that come in the terminal
    #[arg(long)]
    preview: bool,
    /// Play the sound that comes; `duologue check` tells which loudspeakers there are
    #[arg(long, value_name = "DEVICE", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    speaker: Option<String>,
}

/// What is sent.
#[derive(Default)]
pub(crate) struct Sent {
    tracks: Vec<LocalTrack>,
    senders: Vec<(MediaKind, RtpSender)>,
    /// Files that are not yet read.
    waits: Option<(MediaDevices, MediaStreamConstraints)>,
}

impl Sent {
    fn devices(pc: &PeerConnection, tracks: Vec<LocalTrack>) -> Result<Self, Failure> {
        let mut sent = Sent::default();
        for track in &tracks {
            let sender = pc.add_local_track(track, &["duologue".into()])?;
            sent.senders.push((track.kind(), sender));
        }
        sent.tracks = tracks;
        Ok(sent)
    }

    fn files(
        pc: &PeerConnection,
        (devices, asked): (MediaDevices, MediaStreamConstraints),
    ) -> Result<Self, Failure> {
        let mut sent = Sent::default();
        for kind in devices.input_devices().iter().map(|file| file.kind()) {
            let id = format!("file-{kind}").into();
            let sender = pc.add_track(Track { id, kind }, &["duologue".into()])?;
            sent.senders.push((kind, sender));
        }
        sent.waits = Some((devices, asked));
        Ok(sent)
    }

    fn sends(&self, kind: MediaKind) -> bool {
        self.senders.iter().any(|(of, _)| *of == kind)
    }

    /// Begins to read files: what they had given before there is a connection, nobody would have got.
    ///
    /// # Errors
    /// A file cannot be read any more.
    pub(crate) async fn begin(&mut self) -> Result<(), Failure> {
        let Some((devices, asked)) = self.waits.take() else {
            return Ok(());
        };
        let stream = devices.get_user_media(&asked).await?;
        self.tracks = stream.tracks().to_vec();
        for track in &self.tracks {
            for (_, sender) in self
                .senders
                .iter()
                .filter(|(kind, _)| *kind == track.kind())
            {
                sender.replace_local_track(track).await?;
            }
        }
        Ok(())
    }

    /// What devices and files are called.
    pub(crate) fn labels(&self) -> impl Iterator<Item = &str> {
        self.tracks.iter().map(LocalTrack::label)
    }
}

fn format(text: &str) -> Result<FileFormat, String> {
    text.parse()
        .map_err(|error: duologue::devices::DeviceError| error.to_string())
}

/// Those of this machine, and those that are made up.
pub(crate) fn devices() -> MediaDevices {
    let backends: Vec<Arc<dyn Backend>> = vec![
        #[cfg(feature = "sound")]
        Arc::new(SoundDevices::new()),
        #[cfg(all(feature = "cameras", target_os = "linux"))]
        Arc::new(CameraDevices::new()),
        Arc::new(FakeDevices::new()),
    ];
    MediaDevices::new(backends)
}

/// A device that is made up is played to by its name only.
fn loudspeaker(wanted: &str) -> Result<AudioOutput, Failure> {
    let devices = devices();
    let mut outputs = devices.enumerate_devices().into_iter();
    let found = outputs.find(|it| {
        let named = match wanted {
            "" => it.group_id != FakeDevices::GROUP,
            named => it.device_id == named,
        };
        it.kind == MediaDeviceKind::AudioOutput && named
    });
    let found =
        found.ok_or("there is no such loudspeaker: `duologue check` tells which there are")?;
    Ok(devices.open_output(Some(&found.device_id))?)
}

impl MediaArgs {
    /// Standard input is one of the files.
    pub(crate) fn takes_stdin(&self) -> bool {
        self.file.iter().any(|path| path == Path::new("-"))
    }

    /// Opens what is to be sent and gives it to the connection, before it is negotiated; files wait until
    /// they [begin](Sent::begin). Who calls and wants to keep something asks for it; who answers gets what
    /// there is.
    ///
    /// # Errors
    /// A device or a file cannot be captured.
    pub(crate) async fn offer(&self, pc: &PeerConnection, answers: bool) -> Result<Sent, Failure> {
        let sent = match self.file.is_empty() {
            true => Sent::devices(pc, self.open().await?)?,
            false => Sent::files(pc, self.files()?)?,
        };
        let keeps = self.record.is_some() || self.preview;
        for (kind, keeps) in [
            (MediaKind::Audio, keeps || self.speaker.is_some()),
            (MediaKind::Video, keeps),
        ] {
            if keeps && !answers && !sent.sends(kind) {
                let init = TransceiverInit {
                    direction: TransceiverDirection::Recvonly,
                    ..TransceiverInit::default()
                };
                pc.add_transceiver(kind, init)?;
            }
        }
        Ok(sent)
    }

    /// Keeps what comes, once it is negotiated.
    ///
    /// # Errors
    /// The file cannot be written, the loudspeaker not opened.
    pub(crate) fn keep(&self, pc: &PeerConnection) -> Result<Sinks, Failure> {
        let speaker = self.speaker.as_deref().map(loudspeaker).transpose()?;
        Sinks::open(pc, self.record.as_deref(), self.preview, speaker)
    }

    /// When all files that are sent are at their end, and the last of them has arrived.
    pub(crate) async fn over(&self, sent: &Sent) {
        if self.file.is_empty() {
            return std::future::pending().await;
        }
        for track in &sent.tracks {
            track.ended().await;
        }
        tokio::time::sleep(DRAIN).await;
    }

    async fn open(&self) -> Result<Vec<LocalTrack>, Failure> {
        let (devices, asked) = match self.test_pattern {
            true => (
                MediaDevices::fake(),
                MediaStreamConstraints::new(true, true),
            ),
            false => self.captured()?,
        };
        if asked == MediaStreamConstraints::default() {
            return Ok(Vec::new());
        }
        let stream = devices.get_user_media(&asked).await?;
        Ok(stream.tracks().to_vec())
    }

    fn files(&self) -> Result<(MediaDevices, MediaStreamConstraints), Failure> {
        if self.camera.is_some() || self.microphone.is_some() {
            return Err("a file takes the place of camera and microphone".into());
        }
        let files = FileDevices::new();
        for path in &self.file {
            files.add(self.source(path)?)?;
        }
        let of = |kind| {
            files
                .devices()
                .iter()
                .filter(|it| it.kind() == kind)
                .count()
        };
        let (audio, video) = (of(MediaKind::Audio), of(MediaKind::Video));
        if audio > 1 || video > 1 {
            return Err("one file of pictures and one of sound are sent at most".into());
        }
        let asked = MediaStreamConstraints::new(audio == 1, video == 1);
        Ok((
            MediaDevices::new([Arc::new(files) as Arc<dyn Backend>]),
            asked,
        ))
    }

    fn source(&self, path: &Path) -> Result<FileSource, Failure> {
        let format = FileFormat::of_path(path).or(self.format);
        let wrong = || format!("{}: --format says what is in it", path.display());
        let format = format.ok_or_else(wrong)?;
        let source = match path == Path::new("-") {
            true => FileSource::stdin(format),
            false => FileSource::with_format(path, format),
        };
        Ok(source.repeat(self.again))
    }

    /// A device that is made up is captured by its name only.
    fn captured(&self) -> Result<(MediaDevices, MediaStreamConstraints), Failure> {
        let devices = devices();
        let mut asked = MediaStreamConstraints::default();
        for (kind, device, request) in [
            (MediaKind::Audio, &self.microphone, &mut asked.audio),
            (MediaKind::Video, &self.camera, &mut asked.video),
        ] {
            let Some(wanted) = device else {
                continue;
            };
            let inputs = devices.input_devices();
            let mut real = inputs.iter().filter(|it| it.group_id != FakeDevices::GROUP);
            let device_id = match wanted.as_str() {
                "" => real.find(|it| it.kind() == kind).map(|it| &it.device_id),
                named => inputs
                    .iter()
                    .map(|it| &it.device_id)
                    .find(|it| *it == named),
            };
            let device_id = device_id.ok_or_else(|| {
                format!("there is no such device ({kind}): `duologue check` tells which there are")
            })?;
            let named: ConstrainParameters<DomStrings> =
                ConstrainParameters::exact(device_id.as_str());
            let set = MediaTrackConstraintSet {
                device_id: Some(named.into()),
                ..MediaTrackConstraintSet::default()
            };
            *request = set.into();
        }
        Ok((devices, asked))
    }
}
