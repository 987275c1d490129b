//! A picture with a number and a clock, or a tone, in the place of what the page sends.

use std::time::Instant;

use duologue::devices::{LocalTrack, MediaDevices, MediaStreamConstraints};
use duologue::{AudioTrackGenerator, MediaKind, RtpSender, VideoTrackGenerator};
use tokio::task::JoinHandle;

/// It plays until this is dropped. Where there is no encoder nothing comes of it.
#[derive(Debug)]
pub(super) struct Playing(JoinHandle<()>);

impl Drop for Playing {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Playing {
    /// The time of its pictures is that since `origin`.
    pub(super) fn begin(sender: &RtpSender, origin: Instant) -> Self {
        let (video, audio) = (sender.video().ok(), sender.audio().ok());
        Playing(tokio::spawn(async move {
            if let Some(generator) = video
                && let Some(camera) = capture(MediaKind::Video).await
            {
                show(&camera, &generator, origin).await;
            }
            if let Some(generator) = audio
                && let Some(microphone) = capture(MediaKind::Audio).await
            {
                sound(&microphone, &generator, origin).await;
            }
        }))
    }
}

async fn capture(kind: MediaKind) -> Option<LocalTrack> {
    let audio = kind == MediaKind::Audio;
    let asked = MediaStreamConstraints::new(audio, !audio);
    let stream = MediaDevices::fake().get_user_media(&asked).await.ok()?;
    stream.tracks().first().cloned()
}

async fn show(camera: &LocalTrack, generator: &VideoTrackGenerator, origin: Instant) {
    let Some(mut pictures) = camera.video() else {
        return;
    };
    while let Some(picture) = pictures.recv().await {
        if generator.write(picture.at(origin.elapsed())).is_err() {
            return;
        }
    }
}

async fn sound(microphone: &LocalTrack, generator: &AudioTrackGenerator, origin: Instant) {
    let Some(mut sound) = microphone.audio() else {
        return;
    };
    // The microphone's own clock, which does not wobble as this task does.
    let mut begun = None;
    while let Some(data) = sound.recv().await {
        let captured = data.timestamp;
        let (first, at) = *begun.get_or_insert_with(|| (captured, origin.elapsed()));
        if generator.write(data.at(at + (captured - first))).is_err() {
            return;
        }
    }
}
