use std::sync::Arc;

use duologue_base::TransceiverId;
use duologue_jsep::Capabilities;
use duologue_peer as peer;
use duologue_peer::{
    Exception, MediaKind, RtpCapabilities, RtpContributingSource, RtpReceiveParameters,
    StatsReport, StatsSelector,
};

use crate::connection::ConnectionHandle;
use crate::control::Control;
use crate::media::{MediaStreamTrack, read_transceiver};
use crate::transport::{DtlsTransport, identity};

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

    /// Of the track.
    #[cfg(feature = "codecs")]
    pub(crate) fn kind(&self) -> Option<MediaKind> {
        self.read(|view| view.kind())
    }

    /// The first of the streams that the peer put the track in.
    #[cfg(feature = "codecs")]
    pub(crate) fn first_stream(&self) -> Option<peer::MediaStreamId> {
        self.read(|view| view.receiver_streams().first().cloned())?
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

    /// `getSynchronizationSources()`: whose streams it received in the last ten seconds, the latest
    /// first; of audio with their loudness, where packets say it. It is up to date within 100 ms.
    ///
    /// ```
    /// # fn example(receiver: &duologue::RtpReceiver) {
    /// let loudest = receiver.contributing_sources().into_iter().chain(receiver.synchronization_sources());
    /// let loudest = loudest.max_by(|a, b| a.audio_level.partial_cmp(&b.audio_level).unwrap());
    /// println!("{:?} speaks", loudest.map(|source| source.source));
    /// # }
    /// ```
    #[doc(alias = "getSynchronizationSources")]
    pub fn synchronization_sources(&self) -> Vec<RtpContributingSource> {
        self.sources(false)
    }

    /// `getContributingSources()`: who contributed to what it received in the last ten seconds, if a
    /// mixer or forwarder says so, the latest first.
    #[doc(alias = "getContributingSources")]
    pub fn contributing_sources(&self) -> Vec<RtpContributingSource> {
        self.sources(true)
    }

    fn sources(&self, contributing: bool) -> Vec<RtpContributingSource> {
        let Some(kind) = self.read(|view| view.kind()) else {
            return Vec::new();
        };
        let told = self.connection.media_queues().sources(self.id);
        let driver = self.connection.endpoint().driver();
        let now = driver.now();
        let now = (now, driver.epoch() + now.since_origin());
        RtpContributingSource::list(&told, contributing, kind, now)
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
