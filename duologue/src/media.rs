//! Transceivers, senders, receivers, tracks and streams, as the W3C shows them.

use std::sync::Arc;

use duologue_base::TransceiverId;
use duologue_jsep::Capabilities;
use duologue_peer as peer;
use duologue_peer::{
    Exception, MediaKind, MediaStreamId, MediaStreamTrackState, RtpCapabilities, RtpCodec,
    RtpHeaderExtensionCapability, RtpReceiveParameters, RtpSendParameters, StatsReport,
    StatsSelector, Track, TrackId, TrackOrKind, TransceiverDirection, TransceiverInit,
};

use crate::connection::{ConnectionHandle, PeerConnection};
use crate::control::Control;
use crate::dtmf::DtmfSender;
use crate::event::Event;
use crate::transport::{DtlsTransport, IceTransport, SctpTransport, identity};

impl PeerConnection {
    /// `addTrack(track, ...streams)`
    ///
    /// # Errors
    /// `InvalidStateError` when the connection is closed; `InvalidAccessError` when a sender has
    /// the track already.
    pub fn add_track(
        &self,
        track: Track,
        streams: &[MediaStreamId],
    ) -> Result<RtpSender, Exception> {
        let add = |control: &mut Control| control.peer_mut().add_track(track, streams);
        let id = self.handle().with(add)?;
        Ok(RtpSender::new(self.handle().clone(), id))
    }

    /// `removeTrack(sender)`: the sender sends nothing any more.
    ///
    /// # Errors
    /// `InvalidStateError` when the connection is closed; `InvalidAccessError` for a sender of
    /// another connection.
    pub fn remove_track(&self, sender: &RtpSender) -> Result<(), Exception> {
        if !Arc::ptr_eq(&sender.connection, self.handle()) {
            return Err(Exception::invalid_access(
                "the sender is of another connection",
            ));
        }
        let remove = |control: &mut Control| control.peer_mut().remove_track(sender.id);
        self.handle().with(remove)
    }

    /// `addTransceiver(trackOrKind, init)`
    ///
    /// # Errors
    /// `TypeError` for encodings with bad or repeated RIDs, or RIDs on some of them only, and for the
    /// direction `Stopped`; `OperationError` for a codec that cannot be sent; `RangeError` for a scale
    /// below 1 or a negative frame rate; `InvalidStateError` when the connection is closed.
    pub fn add_transceiver(
        &self,
        track_or_kind: impl Into<TrackOrKind>,
        init: TransceiverInit,
    ) -> Result<RtpTransceiver, Exception> {
        let what = track_or_kind.into();
        let add = |control: &mut Control| control.peer_mut().add_transceiver(what, init);
        let id = self.handle().with(add)?;
        Ok(RtpTransceiver::new(self.handle().clone(), id))
    }

    /// `getTransceivers()`, in the order in which they were made.
    #[doc(alias = "getTransceivers")]
    pub fn transceivers(&self) -> Vec<RtpTransceiver> {
        self.objects(peer::PeerConnection::transceivers, RtpTransceiver::new)
    }

    /// `getSenders()`: of the transceivers that are not stopped.
    #[doc(alias = "getSenders")]
    pub fn senders(&self) -> Vec<RtpSender> {
        self.objects(peer::PeerConnection::senders, RtpSender::new)
    }

    /// `getReceivers()`: of the transceivers that are not stopped.
    #[doc(alias = "getReceivers")]
    pub fn receivers(&self) -> Vec<RtpReceiver> {
        self.objects(peer::PeerConnection::receivers, RtpReceiver::new)
    }

    fn objects<T>(
        &self,
        ids: impl FnOnce(&peer::PeerConnection) -> Vec<TransceiverId>,
        object: impl Fn(Arc<ConnectionHandle>, TransceiverId) -> T,
    ) -> Vec<T> {
        let ids = self.handle().with(|control| ids(control.peer()));
        let ids = ids.into_iter();
        ids.map(|id| object(self.handle().clone(), id)).collect()
    }
}

/// A sender and a receiver that share an m-line: `RTCRtpTransceiver` (webrtc-pc §5.4).
#[doc(alias = "RTCRtpTransceiver")]
#[derive(Clone)]
pub struct RtpTransceiver {
    connection: Arc<ConnectionHandle>,
    id: TransceiverId,
}

identity!(RtpTransceiver, id);

impl RtpTransceiver {
    pub(crate) fn new(connection: Arc<ConnectionHandle>, id: TransceiverId) -> Self {
        RtpTransceiver { connection, id }
    }

    /// The kind of its tracks.
    pub fn kind(&self) -> Option<MediaKind> {
        self.read(|view| view.kind())
    }

    /// `mid`: none until it is associated with an m-line.
    pub fn mid(&self) -> Option<String> {
        self.read(|view| view.mid().map(|mid| mid.to_string()))
            .flatten()
    }

    /// `sender`
    pub fn sender(&self) -> RtpSender {
        RtpSender::new(self.connection.clone(), self.id)
    }

    /// `receiver`
    pub fn receiver(&self) -> RtpReceiver {
        RtpReceiver::new(self.connection.clone(), self.id)
    }

    /// `direction`: what the application wants.
    pub fn direction(&self) -> TransceiverDirection {
        self.read(|view| view.direction())
            .unwrap_or(TransceiverDirection::Stopped)
    }

    /// Sets `direction`, for the next exchange.
    ///
    /// # Errors
    /// `InvalidStateError` when the transceiver is stopping; `TypeError` for `Stopped`.
    pub fn set_direction(&self, direction: TransceiverDirection) -> Result<(), Exception> {
        self.change(|peer, id| peer.set_direction(id, direction))
    }

    /// `currentDirection`: what was negotiated; none before.
    pub fn current_direction(&self) -> Option<TransceiverDirection> {
        self.read(|view| view.current_direction()).flatten()
    }

    /// `stop()`: ends it for good; the next exchange tells the peer.
    ///
    /// # Errors
    /// `InvalidStateError` when the connection is closed.
    pub fn stop(&self) -> Result<(), Exception> {
        self.change(peer::PeerConnection::stop)
    }

    /// `setCodecPreferences(codecs)`: in this order, and no others; empty resets to the default.
    ///
    /// # Errors
    /// `InvalidModificationError` for a codec that is not among the capabilities.
    pub fn set_codec_preferences(&self, codecs: Vec<RtpCodec>) -> Result<(), Exception> {
        self.change(|peer, id| peer.set_codec_preferences(id, &codecs))
    }

    /// `getHeaderExtensionsToNegotiate()` (webrtc-extensions §5)
    pub fn header_extensions_to_negotiate(&self) -> Vec<RtpHeaderExtensionCapability> {
        self.connection
            .with(|control| control.peer().header_extensions_to_negotiate(self.id))
    }

    /// `setHeaderExtensionsToNegotiate(extensions)`: those of
    /// [`header_extensions_to_negotiate`](Self::header_extensions_to_negotiate) with other
    /// directions, `Stopped` for none, for the next exchange.
    ///
    /// # Errors
    /// `TypeError` for an empty URI; `InvalidModificationError` for another list, or one that
    /// stops `mid`.
    pub fn set_header_extensions_to_negotiate(
        &self,
        extensions: &[RtpHeaderExtensionCapability],
    ) -> Result<(), Exception> {
        self.change(|peer, id| peer.set_header_extensions_to_negotiate(id, extensions))
    }

    /// `getNegotiatedHeaderExtensions()`: all that can be negotiated, `Stopped` where nothing was.
    pub fn negotiated_header_extensions(&self) -> Vec<RtpHeaderExtensionCapability> {
        self.connection
            .with(|control| control.peer().negotiated_header_extensions(self.id))
    }

    fn read<R>(&self, read: impl FnOnce(&peer::TransceiverView<'_>) -> R) -> Option<R> {
        read_transceiver(&self.connection, self.id, read)
    }

    fn change(
        &self,
        change: impl FnOnce(&mut peer::PeerConnection, TransceiverId) -> Result<(), Exception>,
    ) -> Result<(), Exception> {
        self.connection
            .with(|control| change(control.peer_mut(), self.id))
    }
}

/// Sends a track: `RTCRtpSender` (webrtc-pc §5.2).
#[doc(alias = "RTCRtpSender")]
#[derive(Clone)]
pub struct RtpSender {
    connection: Arc<ConnectionHandle>,
    id: TransceiverId,
}

identity!(RtpSender, id);

impl RtpSender {
    fn new(connection: Arc<ConnectionHandle>, id: TransceiverId) -> Self {
        RtpSender { connection, id }
    }

    pub(crate) fn connection(&self) -> &Arc<ConnectionHandle> {
        &self.connection
    }

    pub(crate) fn id(&self) -> TransceiverId {
        self.id
    }

    /// `track`
    pub fn track(&self) -> Option<Track> {
        self.read(|view| view.sender_track().cloned()).flatten()
    }

    /// `transport`: none until negotiated.
    pub fn transport(&self) -> Option<DtlsTransport> {
        let key = self.read(|view| view.transport()).flatten()?;
        Some(DtlsTransport::new(self.connection.clone(), key))
    }

    /// `dtmf`: none of a video sender.
    pub fn dtmf(&self) -> Option<DtmfSender> {
        let audio = self.read(|view| view.kind()) == Some(MediaKind::Audio);
        audio.then(|| DtmfSender::new(self.connection.clone(), self.id))
    }

    /// `RTCRtpSender.getCapabilities(kind)`
    #[doc(alias = "getCapabilities")]
    pub fn capabilities(kind: MediaKind) -> RtpCapabilities {
        peer::PeerConnection::sender_capabilities(&Capabilities::default(), kind)
    }

    /// `getParameters()`: what [`set_parameters`](Self::set_parameters) takes back, changed.
    #[doc(alias = "getParameters")]
    pub fn parameters(&self) -> Option<RtpSendParameters> {
        self.connection
            .with(|control| control.peer_mut().parameters(self.id))
    }

    /// `setParameters(parameters)`
    ///
    /// # Errors
    /// `InvalidStateError` without a `parameters()` before, or of a stopped transceiver;
    /// `InvalidModificationError` when something read-only changed; `RangeError` for a scale
    /// below 1.
    pub async fn set_parameters(&self, parameters: RtpSendParameters) -> Result<(), Exception> {
        let id = self.id;
        let settled = self
            .connection
            .operation(|peer| peer.set_parameters(id, parameters));
        settled.await.map(drop)
    }

    /// `replaceTrack(track)`: sends another track of the same kind, or none, without negotiation.
    ///
    /// # Errors
    /// `TypeError` for a track of another kind; `InvalidStateError` of a stopped transceiver.
    pub async fn replace_track(&self, track: Option<Track>) -> Result<(), Exception> {
        let id = self.id;
        let settled = self
            .connection
            .operation(|peer| peer.replace_track(id, track));
        settled.await.map(drop)
    }

    /// `setStreams(...streams)`: which streams the peer finds the track in.
    ///
    /// # Errors
    /// `InvalidStateError` when the connection is closed.
    pub fn set_streams(&self, streams: &[MediaStreamId]) -> Result<(), Exception> {
        self.connection
            .with(|control| control.peer_mut().set_streams(self.id, streams))
    }

    /// `getStats()`: this sender's RTP streams, one for each encoding, and what they refer to: what the
    /// peer reports of them, their codec, track and transport.
    ///
    /// ```
    /// # async fn example(sender: duologue::RtpSender) -> Result<(), duologue::Exception> {
    /// let report = sender.get_stats().await?;
    /// for stream in report.outbound_rtp() {
    ///     println!("{} packets sent", stream.packets_sent);
    ///     if let Some(remote) = report.remote_inbound_rtp(stream) {
    ///         println!("{} lost, round trip {:?} s", remote.packets_lost, remote.round_trip_time);
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `InvalidStateError` when the session's task is gone.
    pub async fn get_stats(&self) -> Result<StatsReport, Exception> {
        let sender = StatsSelector::Sender(self.id);
        self.connection.get_stats(sender).await
    }

    fn read<R>(&self, read: impl FnOnce(&peer::TransceiverView<'_>) -> R) -> Option<R> {
        read_transceiver(&self.connection, self.id, read)
    }
}

/// Receives a track: `RTCRtpReceiver` (webrtc-pc §5.3).
#[doc(alias = "RTCRtpReceiver")]
#[derive(Clone)]
pub struct RtpReceiver {
    connection: Arc<ConnectionHandle>,
    id: TransceiverId,
}

identity!(RtpReceiver, id);

impl RtpReceiver {
    pub(crate) fn new(connection: Arc<ConnectionHandle>, id: TransceiverId) -> Self {
        RtpReceiver { connection, id }
    }

    pub(crate) fn connection(&self) -> &Arc<ConnectionHandle> {
        &self.connection
    }

    pub(crate) fn id(&self) -> TransceiverId {
        self.id
    }

    /// `track`
    pub fn track(&self) -> Option<MediaStreamTrack> {
        let id = self.read(|view| view.receiver_track().clone())?;
        Some(MediaStreamTrack::new(self.connection.clone(), id))
    }

    /// `transport`: none until negotiated.
    pub fn transport(&self) -> Option<DtlsTransport> {
        let key = self.read(|view| view.transport()).flatten()?;
        Some(DtlsTransport::new(self.connection.clone(), key))
    }

    /// `jitterBufferTarget`, in milliseconds (webrtc-extensions §6.1)
    pub fn jitter_buffer_target(&self) -> Option<f64> {
        self.read(|view| view.jitter_buffer_target()).flatten()
    }

    /// Sets `jitterBufferTarget`, in milliseconds; none for the default.
    ///
    /// # Errors
    /// `RangeError` below 0 and above 4000.
    pub fn set_jitter_buffer_target(&self, ms: Option<f64>) -> Result<(), Exception> {
        let set = |control: &mut Control| control.peer_mut().set_jitter_buffer_target(self.id, ms);
        self.connection.with(set)
    }

    /// `RTCRtpReceiver.getCapabilities(kind)`
    #[doc(alias = "getCapabilities")]
    pub fn capabilities(kind: MediaKind) -> RtpCapabilities {
        peer::PeerConnection::receiver_capabilities(&Capabilities::default(), kind)
    }

    /// `getParameters()`
    #[doc(alias = "getParameters")]
    pub fn parameters(&self) -> Option<RtpReceiveParameters> {
        self.connection
            .with(|control| control.peer().receiver_parameters(self.id))
    }

    /// `getStats()`: this receiver's RTP streams, each from its first packet on, and what they refer to.
    ///
    /// # Errors
    /// `InvalidStateError` when the session's task is gone.
    pub async fn get_stats(&self) -> Result<StatsReport, Exception> {
        let receiver = StatsSelector::Receiver(self.id);
        self.connection.get_stats(receiver).await
    }

    fn read<R>(&self, read: impl FnOnce(&peer::TransceiverView<'_>) -> R) -> Option<R> {
        read_transceiver(&self.connection, self.id, read)
    }
}

fn read_transceiver<R>(
    connection: &ConnectionHandle,
    id: TransceiverId,
    read: impl FnOnce(&peer::TransceiverView<'_>) -> R,
) -> Option<R> {
    connection.with(|control| control.peer().transceiver(id).as_ref().map(read))
}

/// What a receiver produces: `MediaStreamTrack` (mediacapture-streams §4.3).
#[derive(Clone)]
pub struct MediaStreamTrack {
    connection: Arc<ConnectionHandle>,
    id: TrackId,
}

identity!(MediaStreamTrack, id);

impl MediaStreamTrack {
    fn new(connection: Arc<ConnectionHandle>, id: TrackId) -> Self {
        MediaStreamTrack { connection, id }
    }

    fn read<R>(&self, read: impl FnOnce(&peer::MediaStreamTrack) -> R) -> Option<R> {
        self.connection
            .with(|control| control.peer().track(&self.id).map(read))
    }

    /// `id`
    pub fn id(&self) -> &TrackId {
        &self.id
    }

    /// `kind`
    pub fn kind(&self) -> Option<MediaKind> {
        self.read(peer::MediaStreamTrack::kind)
    }

    /// `label`: what it is called, for people.
    pub fn label(&self) -> String {
        let label = self.read(|track| track.label().to_owned());
        label.unwrap_or_default()
    }

    /// `enabled`
    pub fn enabled(&self) -> bool {
        self.read(peer::MediaStreamTrack::enabled).unwrap_or(false)
    }

    /// Sets `enabled`: a track that is not gives silence or black.
    pub fn set_enabled(&self, enabled: bool) {
        let id = &self.id;
        self.connection
            .with(|control| control.peer_mut().set_track_enabled(id, enabled));
    }

    /// `stop()`: ends the track, not its receiver.
    pub fn stop(&self) {
        self.connection
            .with(|control| control.peer_mut().stop_track(&self.id));
    }

    /// `muted`: nothing comes from the peer.
    pub fn muted(&self) -> bool {
        self.read(peer::MediaStreamTrack::muted).unwrap_or(true)
    }

    /// `readyState`
    pub fn ready_state(&self) -> MediaStreamTrackState {
        let state = self.read(peer::MediaStreamTrack::ready_state);
        state.unwrap_or(MediaStreamTrackState::Ended)
    }
}

/// Tracks that belong together, as the peer named them: `MediaStream` (mediacapture-streams §4.2).
#[derive(Clone)]
pub struct MediaStream {
    connection: Arc<ConnectionHandle>,
    id: MediaStreamId,
}

identity!(MediaStream, id);

impl MediaStream {
    fn new(connection: Arc<ConnectionHandle>, id: MediaStreamId) -> Self {
        MediaStream { connection, id }
    }

    /// `id`
    pub fn id(&self) -> &MediaStreamId {
        &self.id
    }

    /// `getTracks()`
    #[doc(alias = "getTracks")]
    pub fn tracks(&self) -> Vec<MediaStreamTrack> {
        let tracks = self.connection.with(|control| {
            let stream = control.peer().stream(&self.id);
            stream.map(|stream| stream.tracks().to_vec())
        });
        let tracks = tracks.into_iter().flatten();
        tracks
            .map(|id| MediaStreamTrack::new(self.connection.clone(), id))
            .collect()
    }

    /// `getAudioTracks()`
    pub fn audio_tracks(&self) -> Vec<MediaStreamTrack> {
        self.tracks_of(MediaKind::Audio)
    }

    /// `getVideoTracks()`
    pub fn video_tracks(&self) -> Vec<MediaStreamTrack> {
        self.tracks_of(MediaKind::Video)
    }

    fn tracks_of(&self, kind: MediaKind) -> Vec<MediaStreamTrack> {
        let mut tracks = self.tracks();
        tracks.retain(|track| track.kind() == Some(kind));
        tracks
    }

    /// `getTrackById(trackId)`
    pub fn track_by_id(&self, id: &TrackId) -> Option<MediaStreamTrack> {
        self.tracks().into_iter().find(|track| track.id() == id)
    }

    /// `active`: one of its tracks has not ended.
    pub fn active(&self) -> bool {
        let live = |track: &MediaStreamTrack| track.ready_state() == MediaStreamTrackState::Live;
        self.tracks().iter().any(live)
    }
}

/// The event with its objects, of those that media and transports have.
pub(crate) fn event_with_handles(
    connection: &Arc<ConnectionHandle>,
    event: peer::Event,
) -> Option<Event> {
    let track = |id| MediaStreamTrack::new(connection.clone(), id);
    let stream = |id| MediaStream::new(connection.clone(), id);
    let ice = |key| IceTransport::new(connection.clone(), key);
    let dtls = |key| DtlsTransport::new(connection.clone(), key);
    Some(match event {
        peer::Event::Track {
            transceiver,
            track: id,
            streams,
        } => Event::Track {
            transceiver: RtpTransceiver::new(connection.clone(), transceiver),
            receiver: RtpReceiver::new(connection.clone(), transceiver),
            track: track(id),
            streams: streams.into_iter().map(stream).collect(),
        },
        peer::Event::StreamAddTrack {
            stream: stream_id,
            track: track_id,
        } => Event::StreamAddTrack {
            stream: stream(stream_id),
            track: track(track_id),
        },
        peer::Event::StreamRemoveTrack {
            stream: stream_id,
            track: track_id,
        } => Event::StreamRemoveTrack {
            stream: stream(stream_id),
            track: track(track_id),
        },
        peer::Event::TrackMute(id) => Event::TrackMute(track(id)),
        peer::Event::TrackUnmute(id) => Event::TrackUnmute(track(id)),
        peer::Event::TrackEnded(id) => Event::TrackEnded(track(id)),
        peer::Event::DtlsStateChange(key, state) => Event::DtlsStateChange(dtls(key), state),
        peer::Event::DtlsError(key, error) => Event::DtlsError(dtls(key), error),
        peer::Event::IceTransportStateChange(key, state) => {
            Event::IceTransportStateChange(ice(key), state)
        }
        peer::Event::IceTransportGatheringStateChange(key, state) => {
            Event::IceTransportGatheringStateChange(ice(key), state)
        }
        peer::Event::SelectedCandidatePairChange(key) => {
            Event::SelectedCandidatePairChange(ice(key))
        }
        peer::Event::SctpStateChange(state) => {
            Event::SctpStateChange(SctpTransport::new(connection.clone()), state)
        }
        peer::Event::KeyFrameRequest {
            transceiver,
            encoding,
            rid,
        } => Event::KeyFrameRequest {
            sender: RtpSender::new(connection.clone(), transceiver),
            encoding,
            rid,
        },
        peer::Event::ToneChange(transceiver, tone) => {
            Event::ToneChange(DtmfSender::new(connection.clone(), transceiver), tone)
        }
        // Kinds of event that this crate does not show.
        _ => return None,
    })
}
