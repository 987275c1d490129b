//! Tracks of devices, as senders send them.

use duologue_devices::{AudioReader, LocalTrack, VideoReader};
use duologue_peer::{Exception, MediaStreamId, Track};
use duologue_raw::{AudioTrackGenerator, VideoTrackGenerator};

use crate::connection::PeerConnection;
use crate::media::RtpSender;

impl PeerConnection {
    /// `addTrack(track, ...streams)` of what a device gives: its sender sends it until it has another
    /// track, the track ends or the connection is closed; until then the device stays open.
    ///
    /// ```
    /// use duologue::devices::{DeviceError, MediaDevices, MediaStreamConstraints};
    /// use duologue::{MediaStreamId, PeerConnection};
    ///
    /// /// Sends what camera and microphone give.
    /// async fn send(pc: &PeerConnection, devices: &MediaDevices) -> Result<(), Box<dyn std::error::Error>> {
    ///     let both = MediaStreamConstraints::new(true, true);
    ///     let stream = devices.get_user_media(&both).await?;
    ///     for track in stream.tracks() {
    ///         pc.add_local_track(track, &[MediaStreamId::from(stream.id())])?;
    ///     }
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    /// As [`add_track`](Self::add_track).
    pub fn add_local_track(
        &self,
        track: &LocalTrack,
        streams: &[MediaStreamId],
    ) -> Result<RtpSender, Exception> {
        let sender = self.add_track(named(track), streams)?;
        sender.play(track)?;
        Ok(sender)
    }
}

impl RtpSender {
    /// `replaceTrack(track)` with what a device gives, as
    /// [`add_local_track`](PeerConnection::add_local_track) has it.
    ///
    /// # Errors
    /// As [`replace_track`](Self::replace_track).
    pub async fn replace_local_track(&self, track: &LocalTrack) -> Result<(), Exception> {
        self.replace_track(Some(named(track))).await?;
        self.play(track)
    }

    fn play(&self, track: &LocalTrack) -> Result<(), Exception> {
        let runtime = self.connection().runtime().clone();
        let (sender, track) = (self.clone(), track.clone());
        if let Some(reader) = track.video() {
            let generator = self.video()?;
            drop(runtime.spawn(play_video(sender, generator, track, reader)));
        } else if let Some(reader) = track.audio() {
            let generator = self.audio()?;
            drop(runtime.spawn(play_audio(sender, generator, track, reader)));
        }
        Ok(())
    }

    fn sends(&self, track: &LocalTrack) -> bool {
        let sent = self.track();
        sent.is_some_and(|sent| sent.id.as_str() == track.id())
    }
}

async fn play_video(
    sender: RtpSender,
    generator: VideoTrackGenerator,
    track: LocalTrack,
    mut pictures: VideoReader,
) {
    while let Some(picture) = pictures.recv().await {
        generator.set_content_hint(track.content_hint());
        if !sender.sends(&track) || generator.write(picture).is_err() {
            return;
        }
    }
}

async fn play_audio(
    sender: RtpSender,
    generator: AudioTrackGenerator,
    track: LocalTrack,
    mut sound: AudioReader,
) {
    while let Some(data) = sound.recv().await {
        if !sender.sends(&track) || generator.write(data).is_err() {
            return;
        }
    }
}

/// The track, as a connection refers to it.
fn named(track: &LocalTrack) -> Track {
    Track {
        id: track.id().into(),
        kind: track.kind(),
    }
}
