//! Tracks of devices, as senders send them.

use duologue_codec::{AudioData, VideoFrame};
use duologue_devices::{AudioReader, LocalTrack, VideoReader};
use duologue_peer::{Exception, MediaStreamId, Track};
use duologue_raw::{AudioTrackGenerator, VideoTrackGenerator};
use duologue_session::EncodedFrameInit;

use crate::connection::PeerConnection;
use crate::flow::open;
use crate::media::RtpSender;

impl PeerConnection {
    /// `addTrack(track, ...streams)` of what a device gives: its sender sends it until it has another
    /// track, the track ends or the connection is closed; until then the device stays open.
    ///
    /// A track that was captured for one peer alone (`peerIdentity` of `getUserMedia`, webrtc-identity §9)
    /// is sent to that peer, whose identity a provider vouched for, over a transport whose other end
    /// promised to keep it (RFC 8833); black pictures and silence go in its place as long as one of these
    /// is not so, and as long as the sender has a [transform](RtpSender::set_transform) of the application.
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
        self.isolate(track);
        let sender = self.add_track(named(track), streams)?;
        sender.play(track)?;
        Ok(sender)
    }

    fn isolate(&self, track: &LocalTrack) {
        if let Some(peer) = track.peer_identity() {
            self.handle()
                .with(|control| control.peer_mut().isolate_track(track.id().into(), &peer));
        }
    }
}

impl RtpSender {
    /// `replaceTrack(track)` with what a device gives, as
    /// [`add_local_track`](PeerConnection::add_local_track) has it.
    ///
    /// # Errors
    /// As [`replace_track`](Self::replace_track).
    pub async fn replace_local_track(&self, track: &LocalTrack) -> Result<(), Exception> {
        if let Some(peer) = track.peer_identity() {
            self.connection()
                .with(|control| control.peer_mut().isolate_track(track.id().into(), &peer));
        }
        self.replace_track(Some(named(track))).await?;
        self.play(track)
    }

    fn play(&self, track: &LocalTrack) -> Result<(), Exception> {
        let runtime = self.connection().runtime().clone();
        let (sender, track) = (self.clone(), track.clone());
        if let Some(reader) = track.video_for_peer() {
            let generator = self.video()?;
            drop(runtime.spawn(play_video(sender, generator, track, reader)));
        } else if let Some(reader) = track.audio_for_peer() {
            let generator = self.audio()?;
            drop(runtime.spawn(play_audio(sender, generator, track, reader)));
        }
        Ok(())
    }

    /// A transform of the application would show it what is for one peer alone.
    fn may_transmit_of(&self, track: &LocalTrack) -> bool {
        let shown = || open(self.connection(), self.id()).shows::<EncodedFrameInit>();
        let to_be_kept = track.peer_identity().is_some();
        self.may_transmit() && !(to_be_kept && shown())
    }

    fn sends(&self, track: &LocalTrack) -> bool {
        let sent = self.track();
        sent.is_some_and(|sent| sent.id.as_str() == track.id())
    }
}

async fn play_video(
    sender: RtpSender,
    mut generator: VideoTrackGenerator,
    track: LocalTrack,
    mut pictures: VideoReader,
) {
    let mut isolated = false;
    while let Some(picture) = pictures.recv().await {
        let shown = sender.may_transmit_of(&track);
        // What is for one peer alone has an encoder of its own.
        if isolated != (shown && track.peer_identity().is_some()) {
            isolated = !isolated;
            match sender.video_of(isolated) {
                Ok(other) => generator = other,
                Err(_) => return,
            }
        }
        generator.set_content_hint(track.content_hint());
        let picture = match shown {
            true => picture,
            false => match VideoFrame::black(picture.width(), picture.height()) {
                Ok(black) => black.at(picture.timestamp),
                Err(_) => continue,
            },
        };
        if !sender.sends(&track) || generator.write(picture).is_err() {
            return;
        }
    }
}

async fn play_audio(
    sender: RtpSender,
    mut generator: AudioTrackGenerator,
    track: LocalTrack,
    mut sound: AudioReader,
) {
    let mut isolated = false;
    while let Some(data) = sound.recv().await {
        let shown = sender.may_transmit_of(&track);
        if isolated != (shown && track.peer_identity().is_some()) {
            isolated = !isolated;
            match sender.audio_of(isolated) {
                Ok(other) => generator = other,
                Err(_) => return,
            }
        }
        let data = match shown {
            true => data,
            false => match silence(&data) {
                Some(silence) => silence,
                None => continue,
            },
        };
        if !sender.sends(&track) || generator.write(data).is_err() {
            return;
        }
    }
}

/// As long as this.
fn silence(data: &AudioData) -> Option<AudioData> {
    let samples = vec![0.0; data.samples().len()].into();
    let silence = AudioData::new(samples, data.sample_rate(), data.channels()).ok()?;
    Some(silence.at(data.timestamp))
}

/// The track, as a connection refers to it.
fn named(track: &LocalTrack) -> Track {
    Track {
        id: track.id().into(),
        kind: track.kind(),
    }
}
