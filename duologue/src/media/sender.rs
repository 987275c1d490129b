use std::sync::Arc;

use duologue_base::TransceiverId;
use duologue_jsep::Capabilities;
use duologue_peer as peer;
use duologue_peer::{
    Exception, MediaKind, MediaStreamId, RtpCapabilities, RtpSendParameters, StatsReport,
    StatsSelector, Track,
};

use crate::connection::ConnectionHandle;
use crate::dtmf::DtmfSender;
use crate::media::read_transceiver;
use crate::transport::{DtlsTransport, identity};

/// Sends a track: `RTCRtpSender` (webrtc-pc §5.2).
#[doc(alias = "RTCRtpSender")]
#[derive(Clone)]
pub struct RtpSender {
    connection: Arc<ConnectionHandle>,
    id: TransceiverId,
}

identity!(RtpSender, id);

impl RtpSender {
    pub(crate) fn new(connection: Arc<ConnectionHandle>, id: TransceiverId) -> Self {
        RtpSender { connection, id }
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

    /// The parameters, without the transaction that [`parameters`](Self::parameters) begins.
    #[cfg(feature = "codecs")]
    pub(crate) fn current_parameters(&self) -> Option<RtpSendParameters> {
        self.connection
            .with(|control| control.peer().sender_parameters(self.id))
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

    /// `setParameters(parameters)`. The W3C wants `parameters()` in the same task of the event loop, of
    /// which there is none here: they may be from any time before, and what is read-only must be as it
    /// is now.
    ///
    /// # Errors
    /// `InvalidStateError` of a stopped transceiver; `InvalidModificationError` when something read-only
    /// changed, or is not what it was; `RangeError` for a scale below 1.
    pub async fn set_parameters(&self, mut parameters: RtpSendParameters) -> Result<(), Exception> {
        let id = self.id;
        let settled = self.connection.operation(|peer| {
            if let Some(now) = peer.parameters(id) {
                parameters.transaction_id = now.transaction_id;
            }
            peer.set_parameters(id, parameters)
        });
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

    /// What the encoder of each encoding may make now, in bits per second of payloads, by the estimate
    /// of the path, by priority and `maxBitrate`: `targetBitrate` of the statistics. 0 is an encoding
    /// that is not to be sent: it is not active, or the path is too slow for it. Empty while nothing is
    /// known: before anything was sent, or where the other end agreed on no feedback that tells
    /// (`transport-cc`, `goog-remb`).
    ///
    /// [`Event::TargetBitrateChange`](crate::Event::TargetBitrateChange) says when it is another one. Who encodes follows it; who sends
    /// faster makes losses.
    ///
    /// ```
    /// # fn example(sender: &duologue::RtpSender) {
    /// let room = sender.target_bitrates().first().copied().unwrap_or(300_000);
    /// # let _ = room;
    /// # }
    /// ```
    pub fn target_bitrates(&self) -> Vec<u64> {
        let targets = self.read(|view| view.target_bitrates().to_vec());
        targets.unwrap_or_default()
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

    /// Whether what its track gives may be transmitted: always, but for a track that was captured for one
    /// peer alone (webrtc-identity §9), which goes to that peer by a transport whose other end keeps it.
    /// Black pictures and silence are sent meanwhile.
    pub fn may_transmit(&self) -> bool {
        self.connection
            .with(|control| control.peer().may_transmit(self.id))
    }

    fn read<R>(&self, read: impl FnOnce(&peer::TransceiverView<'_>) -> R) -> Option<R> {
        read_transceiver(&self.connection, self.id, read)
    }
}
