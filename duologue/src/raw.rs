//! Raw pictures and sound of senders and receivers, encoded and decoded with the codecs of the
//! [`Endpoint`](crate::Endpoint).

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use duologue_base::{Instant, Rng, TransceiverId};
use duologue_peer::{Exception, MediaKind, MediaStreamId, RtpReceiveParameters, RtpSendParameters};
use duologue_raw::{
    AudioTrackGenerator, AudioTrackProcessor, Ended, Find, FractionLost, Host, Shared,
    VideoTrackGenerator, VideoTrackProcessor,
};
use duologue_session::{EncodedFrame, EncodedFrameInit};
use tokio::runtime::Handle;

use crate::Endpoint;
use crate::connection::system_rng;
use crate::flow::{Reader, Writer};
use crate::media::{RtpReceiver, RtpSender};

impl RtpReceiver {
    /// What the peer sends, as raw pictures: `MediaStreamTrackProcessor` of mediacapture-transform is
    /// what comes nearest. They come when they are to be seen, from the next key frame on, which is
    /// asked for.
    ///
    /// ```
    /// use duologue::{Exception, RtpReceiver};
    ///
    /// /// How large the pictures are that come.
    /// async fn size(receiver: &RtpReceiver) -> Result<Option<(u32, u32)>, Exception> {
    ///     let mut video = receiver.video()?;
    ///     let picture = video.recv().await;
    ///     Ok(picture.map(|picture| (picture.width(), picture.height())))
    /// }
    /// ```
    ///
    /// # Errors
    /// `InvalidAccessError` of a receiver of sound; `OperationError` if the system has no random numbers.
    pub fn video(&self) -> Result<VideoTrackProcessor, Exception> {
        let receiver = self.read_by(MediaKind::Video, "the receiver is not of pictures")?;
        Ok(VideoTrackProcessor::new(receiver))
    }

    /// What the peer sends, as raw sound: `MediaStreamTrackProcessor` of mediacapture-transform is
    /// what comes nearest. It has one channel, or two where that was agreed on.
    ///
    /// ```
    /// use duologue::{Exception, RtpReceiver};
    ///
    /// /// How loud it is what comes.
    /// async fn level(receiver: &RtpReceiver) -> Result<Option<f32>, Exception> {
    ///     let mut audio = receiver.audio()?;
    ///     let sound = audio.recv().await;
    ///     Ok(sound.map(|it| it.samples().iter().fold(0.0, |loudest: f32, it| loudest.max(it.abs()))))
    /// }
    /// ```
    ///
    /// # Errors
    /// `InvalidAccessError` of a receiver of pictures; `OperationError` if the system has no random
    /// numbers.
    pub fn audio(&self) -> Result<AudioTrackProcessor, Exception> {
        let receiver = self.read_by(MediaKind::Audio, "the receiver is not of sound")?;
        Ok(AudioTrackProcessor::new(receiver))
    }

    fn read_by(&self, kind: MediaKind, wrong: &'static str) -> Result<Box<Receiver>, Exception> {
        if self.kind() != Some(kind) {
            return Err(Exception::invalid_access(wrong));
        }
        Ok(Box::new(Receiver {
            reader: Reader::new(self.connection().clone(), self.id()),
            receiver: self.clone(),
            rng: system_rng()?,
        }))
    }
}

impl RtpSender {
    /// What sends raw pictures: `VideoTrackGenerator` of mediacapture-transform is what comes nearest.
    /// They are encoded with the first codec that was agreed on and that the
    /// [`Endpoint`](crate::Endpoint) has an encoder for, or the one that an encoding asks for. What the
    /// sender's [parameters](Self::set_parameters) say of its encodings counts for them: each that is
    /// `active` is made of the same pictures, at its size (`scaleResolutionDownBy`, `…To`), at most as often
    /// as its `maxFramerate` says and with its `maxBitrate`. Rates follow
    /// [`target_bitrates`](Self::target_bitrates); where the rate is too low for pictures of their size,
    /// size or frame rate of a lone encoding gives way as `degradationPreference` says. The sender's
    /// track does not count.
    ///
    /// ```
    /// use std::time::Duration;
    /// use duologue::{Exception, RtpSender, codec::pattern};
    ///
    /// /// Sends a moving test picture with a number in it, 30 a second.
    /// async fn play(sender: &RtpSender) -> Result<(), Exception> {
    ///     let video = sender.video()?;
    ///     let mut clock = tokio::time::interval(Duration::from_micros(33_333));
    ///     for number in 0.. {
    ///         clock.tick().await;
    ///         let picture = pattern::draw(number, 640, 360).expect("a size that can be");
    ///         video.write(picture.at(Duration::from_micros(33_333) * u32::from(number)))?;
    ///     }
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    /// `InvalidAccessError` of a sender of sound.
    pub fn video(&self) -> Result<VideoTrackGenerator, Exception> {
        self.video_by(self.frame_writer())
    }

    /// For what a device gives: see [`Writer::of_device`].
    pub(crate) fn video_of_device(&self, isolated: bool) -> Result<VideoTrackGenerator, Exception> {
        self.video_by(self.frame_writer().of_device(isolated))
    }

    fn video_by(&self, writer: Writer<EncodedFrameInit>) -> Result<VideoTrackGenerator, Exception> {
        let wrong = "the sender is not of pictures";
        let sender = self.written_by(MediaKind::Video, wrong, writer)?;
        Ok(VideoTrackGenerator::new(sender))
    }

    /// What sends raw sound: `MediaStreamTrackGenerator` of mediacapture-transform is what comes
    /// nearest. It is encoded with the first codec that was agreed on and that the
    /// [`Endpoint`](crate::Endpoint) has an encoder for.
    ///
    /// # Errors
    /// `InvalidAccessError` of a sender of pictures.
    pub fn audio(&self) -> Result<AudioTrackGenerator, Exception> {
        self.audio_by(self.frame_writer())
    }

    /// For what a device gives: see [`Writer::of_device`].
    pub(crate) fn audio_of_device(&self, isolated: bool) -> Result<AudioTrackGenerator, Exception> {
        self.audio_by(self.frame_writer().of_device(isolated))
    }

    fn audio_by(&self, writer: Writer<EncodedFrameInit>) -> Result<AudioTrackGenerator, Exception> {
        let wrong = "the sender is not of sound";
        let sender = self.written_by(MediaKind::Audio, wrong, writer)?;
        Ok(AudioTrackGenerator::new(sender))
    }

    fn frame_writer(&self) -> Writer<EncodedFrameInit> {
        Writer::new(self.connection().clone(), self.id())
    }

    fn written_by(
        &self,
        kind: MediaKind,
        wrong: &'static str,
        writer: Writer<EncodedFrameInit>,
    ) -> Result<Box<Sender>, Exception> {
        if self.kind() != Some(kind) {
            return Err(Exception::invalid_access(wrong));
        }
        let connection = self.connection();
        Ok(Box::new(Sender {
            id: self.id(),
            endpoint: connection.endpoint().clone(),
            shared: connection.raw().clone(),
            writer,
        }))
    }
}

/// A receiver, and what reads of it.
struct Receiver {
    receiver: RtpReceiver,
    reader: Reader<EncodedFrame>,
    rng: Rng,
}

/// What writes to a sender. Whether it keeps the connection open is the writer's matter.
struct Sender {
    id: TransceiverId,
    endpoint: Endpoint,
    shared: Arc<Shared>,
    writer: Writer<EncodedFrameInit>,
}

impl Sender {
    /// `None` once the connection is closed by its last handle.
    fn sender(&self) -> Option<RtpSender> {
        let connection = self.writer.connection()?;
        Some(RtpSender::new(connection, self.id))
    }
}

impl Host for Receiver {
    fn id(&self) -> TransceiverId {
        self.receiver.id()
    }

    fn now(&self) -> Instant {
        self.receiver.connection().endpoint().driver().now()
    }

    fn runtime(&self) -> &Handle {
        self.receiver.connection().runtime()
    }

    fn shared(&self) -> &Shared {
        self.receiver.connection().raw()
    }

    fn codecs(&self) -> Find {
        find(self.receiver.connection().endpoint())
    }
}

impl Host for Sender {
    fn id(&self) -> TransceiverId {
        self.id
    }

    fn now(&self) -> Instant {
        self.endpoint.driver().now()
    }

    fn runtime(&self) -> &Handle {
        self.endpoint.driver().runtime()
    }

    fn shared(&self) -> &Shared {
        &self.shared
    }

    fn codecs(&self) -> Find {
        find(&self.endpoint)
    }
}

fn find(endpoint: &Endpoint) -> Find {
    let endpoint = endpoint.clone();
    Box::new(move || endpoint.codecs())
}

impl duologue_raw::Receiver for Receiver {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<EncodedFrame>> {
        self.reader.poll_next(cx)
    }

    fn dropped(&self) -> u64 {
        self.reader.dropped()
    }

    fn parameters(&self) -> Option<RtpReceiveParameters> {
        self.receiver.parameters()
    }

    fn jitter_buffer_target(&self) -> Option<Duration> {
        let ms = self.receiver.jitter_buffer_target()?;
        Some(Duration::from_secs_f64(ms / 1_000.0))
    }

    fn first_stream(&self) -> Option<MediaStreamId> {
        self.receiver.first_stream()
    }

    fn request_key_frame(&self) {
        // A receiver that no longer receives needs none.
        let _ = self.receiver.send_key_frame_request(0);
    }

    fn rng(&mut self) -> Rng {
        self.rng.fork()
    }
}

impl duologue_raw::Sender for Sender {
    fn parameters(&self) -> Option<RtpSendParameters> {
        self.sender()?.current_parameters()
    }

    fn target_bitrates(&self) -> Vec<u64> {
        let sender = self.sender();
        sender.map(|it| it.target_bitrates()).unwrap_or_default()
    }

    fn fraction_lost(&self) -> FractionLost<'_> {
        Box::pin(async {
            let Some(sender) = self.sender() else {
                return 0.0;
            };
            let Ok(report) = sender.get_stats().await else {
                return 0.0;
            };
            let mut streams = report.outbound_rtp();
            let remote = streams.find_map(|it| report.remote_inbound_rtp(it));
            remote.map_or(0.0, |it| it.fraction_lost as f32)
        })
    }

    fn queued(&self) -> usize {
        self.writer.queued()
    }

    fn ended(&self) -> bool {
        self.writer.ended()
    }

    fn take_key_frame_request(&self, encoding: usize) -> bool {
        self.writer.take_key_frame_request(encoding)
    }

    fn want_key_frame(&self, encoding: usize) {
        self.writer.want_key_frame(encoding);
    }

    fn send(&self, frames: &mut Vec<EncodedFrameInit>) -> Result<(), Ended> {
        self.writer.send(frames).map(drop).map_err(|_| Ended)
    }

    fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<Result<(), Ended>> {
        self.writer.poll_ready(cx).map_err(|_| Ended)
    }
}
