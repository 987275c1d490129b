//! Tracks of devices, as senders send them.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};

use duologue_base::TransceiverId;
use duologue_codec::{AudioData, VideoFrame};
use duologue_devices::{AudioReader, LocalTrack, VideoReader};
use duologue_peer::{Exception, MediaKind, MediaStreamId, Track};
use duologue_raw::{AudioTrackGenerator, VideoTrackGenerator};
use duologue_session::EncodedFrameInit;

use crate::connection::{ConnectionHandle, PeerConnection};
use crate::flow::open;
use crate::media::RtpSender;

impl PeerConnection {
    /// `addTrack(track, ...streams)` of what a device gives: its sender sends it until it has another
    /// track, the track ends or the connection is closed; until then the device stays open. The connection is
    /// not kept open by it: it closes with its last handle, and the device with it unless others hold the track.
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
        sender.play(track);
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
        self.play(track);
        Ok(())
    }

    fn play(&self, track: &LocalTrack) {
        let Some(feed) = self.tell(track) else {
            return;
        };
        let pump = Pump {
            connection: Arc::downgrade(self.connection()),
            id: self.id(),
            feed,
        };
        let runtime = self.connection().runtime();
        drop(match track.kind() {
            MediaKind::Video => runtime.spawn(pump.run::<Pictures>()),
            MediaKind::Audio => runtime.spawn(pump.run::<Sound>()),
        });
    }

    /// Gives whoever is to send it, if nobody does already.
    fn tell(&self, track: &LocalTrack) -> Option<Arc<Feed>> {
        let queues = open(self.connection(), self.id());
        // Of two that were put here at once the first may be told last, which is not sent any more: what the sender
        // has changes under this lock alone.
        self.connection().with(|control| {
            let view = control.peer().transceiver(self.id())?;
            let sent = view.sender_track().is_some_and(|sent| is(sent, track));
            sent.then(|| queues.feed(track)).flatten()
        })
    }

    /// A transform of the application would show it what is for one peer alone.
    fn may_transmit_of(&self, track: &LocalTrack) -> bool {
        let shown = || open(self.connection(), self.id()).shows::<EncodedFrameInit>();
        let to_be_kept = track.peer_identity().is_some();
        self.may_transmit() && !(to_be_kept && shown())
    }
}

/// What tells a pump which track it sends.
#[derive(Debug, Default)]
pub(crate) struct Feed(Mutex<Told>);

#[derive(Debug, Default)]
struct Told {
    /// The newest, until the pump takes it.
    next: Option<LocalTrack>,
    ended: bool,
    waker: Option<Waker>,
}

impl Feed {
    pub(crate) fn play(&self, track: &LocalTrack) {
        self.tell(|told| told.next = Some(track.clone()));
    }

    /// The connection is closed or the transceiver stopped.
    pub(crate) fn end(&self) {
        self.tell(|told| (told.next, told.ended) = (None, true));
    }

    fn tell(&self, tell: impl FnOnce(&mut Told)) {
        let mut told = self.lock();
        tell(&mut told);
        if let Some(waker) = told.waker.take() {
            waker.wake();
        }
    }

    /// The next track; `None` at the end.
    fn poll_next(&self, cx: &Context<'_>) -> Poll<Option<LocalTrack>> {
        let mut told = self.lock();
        match told.next.take() {
            None if !told.ended => {
                told.waker = Some(cx.waker().clone());
                Poll::Pending
            }
            next => Poll::Ready(next),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Told> {
        // Nothing that can panic runs under this lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What of a track is sent.
trait Medium {
    type Data: Send;
    type Reader: Send;
    type Generator: Send;

    fn read(track: &LocalTrack) -> Option<Self::Reader>;

    /// `None` at the track's end.
    fn recv(reader: &mut Self::Reader) -> impl Future<Output = Option<Self::Data>> + Send;

    fn generator(sender: &RtpSender, isolated: bool) -> Result<Self::Generator, Exception>;

    /// As large or as long, with nothing in it.
    fn blank(data: &Self::Data) -> Option<Self::Data>;

    fn write(
        generator: &Self::Generator,
        data: Self::Data,
        track: &LocalTrack,
    ) -> Result<(), Exception>;
}

struct Pictures;

impl Medium for Pictures {
    type Data = VideoFrame;
    type Reader = VideoReader;
    type Generator = VideoTrackGenerator;

    fn read(track: &LocalTrack) -> Option<VideoReader> {
        track.video_for_peer()
    }

    async fn recv(reader: &mut VideoReader) -> Option<VideoFrame> {
        reader.recv().await
    }

    fn generator(sender: &RtpSender, isolated: bool) -> Result<VideoTrackGenerator, Exception> {
        sender.video_of_device(isolated)
    }

    fn blank(picture: &VideoFrame) -> Option<VideoFrame> {
        let black = VideoFrame::black(picture.width(), picture.height()).ok()?;
        Some(black.at(picture.timestamp))
    }

    fn write(
        generator: &VideoTrackGenerator,
        picture: VideoFrame,
        track: &LocalTrack,
    ) -> Result<(), Exception> {
        generator.set_content_hint(track.content_hint());
        generator.write(picture)
    }
}

struct Sound;

impl Medium for Sound {
    type Data = AudioData;
    type Reader = AudioReader;
    type Generator = AudioTrackGenerator;

    fn read(track: &LocalTrack) -> Option<AudioReader> {
        track.audio_for_peer()
    }

    async fn recv(reader: &mut AudioReader) -> Option<AudioData> {
        reader.recv().await
    }

    fn generator(sender: &RtpSender, isolated: bool) -> Result<AudioTrackGenerator, Exception> {
        sender.audio_of_device(isolated)
    }

    fn blank(data: &AudioData) -> Option<AudioData> {
        let samples = vec![0.0; data.samples().len()].into();
        let silence = AudioData::new(samples, data.sample_rate(), data.channels()).ok()?;
        Some(silence.at(data.timestamp))
    }

    fn write(
        generator: &AudioTrackGenerator,
        data: AudioData,
        _: &LocalTrack,
    ) -> Result<(), Exception> {
        generator.write(data)
    }
}

/// Hands what devices give to a sender, one track at a time and all by the same encoder. It keeps the connection no
/// longer than for one picture.
struct Pump {
    connection: Weak<ConnectionHandle>,
    id: TransceiverId,
    feed: Arc<Feed>,
}

impl Pump {
    async fn run<M: Medium>(self) {
        let mut current: Option<(LocalTrack, M::Reader)> = None;
        let mut encoder = None;
        loop {
            match self.next::<M>(current.as_mut()).await {
                Next::Track(track) => {
                    // One that takes its own place is read on.
                    if current.as_ref().is_none_or(|(before, _)| *before != track) {
                        current = M::read(&track).map(|reader| (track, reader));
                    }
                    // Codecs are looked for before the first picture comes.
                    encoder = encoder.or_else(|| self.encoder::<M>(false));
                }
                Next::Data(Some(data)) => {
                    let sent = current.as_ref().map(|(track, _)| track);
                    let sent = sent.is_some_and(|it| self.send::<M>(it, data, &mut encoder));
                    if !sent {
                        current = None;
                    }
                }
                Next::Data(None) => (current, encoder) = (None, None),
                Next::End => return,
            }
        }
    }

    async fn next<M: Medium>(&self, current: Option<&mut (LocalTrack, M::Reader)>) -> Next<M> {
        let data = async {
            match current {
                Some((_, reader)) => M::recv(reader).await,
                None => std::future::pending().await,
            }
        };
        let mut data = pin!(data);
        poll_fn(|cx| match self.feed.poll_next(cx) {
            Poll::Ready(Some(track)) => Poll::Ready(Next::Track(track)),
            Poll::Ready(None) => Poll::Ready(Next::End),
            Poll::Pending => data.as_mut().poll(cx).map(Next::Data),
        })
        .await
    }

    fn sender(&self) -> Option<RtpSender> {
        let connection = self.connection.upgrade()?;
        Some(RtpSender::new(connection, self.id))
    }

    fn encoder<M: Medium>(&self, isolated: bool) -> Option<(bool, M::Generator)> {
        let generator = M::generator(&self.sender()?, isolated).ok()?;
        Some((isolated, generator))
    }

    /// Whether the sender still sends this track. The encoder is gone if it does not, unless another track is in its
    /// place.
    fn send<M: Medium>(
        &self,
        track: &LocalTrack,
        data: M::Data,
        encoder: &mut Option<(bool, M::Generator)>,
    ) -> bool {
        let known = encoder.take();
        let Some(sender) = self.sender() else {
            return false;
        };
        match sender.track() {
            Some(sent) if is(&sent, track) => {}
            Some(_) => {
                *encoder = known;
                return false;
            }
            None => return false,
        }

        let shown = sender.may_transmit_of(track);
        // What is for one peer alone has an encoder of its own.
        let isolated = shown && track.peer_identity().is_some();
        let known = known.filter(|(of, _)| *of == isolated);
        let Some((_, generator)) = known.or_else(|| self.encoder::<M>(isolated)) else {
            return false;
        };

        let data = match shown {
            true => Some(data),
            false => M::blank(&data),
        };
        let written = data.is_none_or(|data| M::write(&generator, data, track).is_ok());
        if written {
            *encoder = Some((isolated, generator));
        }
        written
    }
}

/// What a pump hears next.
enum Next<M: Medium> {
    Track(LocalTrack),
    /// `None`: the track has ended.
    Data(Option<M::Data>),
    End,
}

/// The track, as a connection refers to it.
fn named(track: &LocalTrack) -> Track {
    Track {
        id: track.id().into(),
        kind: track.kind(),
    }
}

/// Whether a connection refers to this one so.
fn is(sent: &Track, track: &LocalTrack) -> bool {
    sent.id.as_str() == track.id()
}

#[cfg(test)]
mod tests {
    use duologue_devices::{MediaDevices, MediaStreamConstraints};

    use super::*;
    use crate::{Configuration, Endpoint};

    async fn cameras() -> [LocalTrack; 3] {
        let camera = MediaStreamConstraints::new(false, true);
        let stream = MediaDevices::fake().get_user_media(&camera).await.unwrap();
        [0; 3].map(|_| stream.video_track().unwrap().clone_track())
    }

    fn connection() -> PeerConnection {
        let endpoint = Endpoint::builder().build().unwrap();
        endpoint.connection(Configuration::default()).unwrap().0
    }

    #[tokio::test]
    async fn of_tracks_that_take_one_place_at_once_the_last_one_is_sent() {
        let [first, second, last] = cameras().await;
        let sender = connection().add_track(named(&first), &[]).unwrap();
        let feed = sender.tell(&first).unwrap();
        // Both are there before the sender's task hears of either.
        for track in [&second, &last] {
            sender.replace_track(Some(named(track))).await.unwrap();
        }
        for track in [&last, &second] {
            assert!(sender.tell(track).is_none());
        }
        let next = feed.lock().next.take().unwrap();
        assert_eq!(next.id(), last.id());
    }

    #[tokio::test]
    async fn a_track_in_the_place_of_another_one_has_its_encoder() {
        let [first, second, _] = cameras().await;
        let sender = connection().add_track(named(&first), &[]).unwrap();
        let pump = Pump {
            connection: Arc::downgrade(sender.connection()),
            id: sender.id(),
            feed: sender.tell(&first).unwrap(),
        };
        let mut encoder = pump.encoder::<Pictures>(false);
        for (put, is_kept) in [(Some(&second), true), (None, false)] {
            sender.replace_track(put.map(named)).await.unwrap();
            let late = VideoFrame::black(16, 16).unwrap();
            assert!(!pump.send::<Pictures>(&first, late, &mut encoder));
            assert_eq!(encoder.is_some(), is_kept);
        }
    }
}
