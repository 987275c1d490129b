use std::sync::Arc;

use duologue_base::TransceiverId;
use duologue_peer as peer;
use duologue_peer::{
    Exception, MediaKind, Rejection, RtpCodec, RtpHeaderExtensionCapability, TransceiverDirection,
};

use crate::connection::ConnectionHandle;
use crate::media::{RtpReceiver, RtpSender};
use crate::transport::identity;

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

    /// The kind of the transceiver's tracks.
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

    /// `rtpHeaderEncryptionNegotiated` (webrtc-extensions §13): the header extensions and CSRCs of what it
    /// sends are encrypted, by RFC 9335. `false` before an answer agreed on it, and without the other end.
    pub fn rtp_header_encryption_negotiated(&self) -> bool {
        self.read(|view| view.rtp_header_encryption_negotiated())
            .unwrap_or_default()
    }

    /// Why an answer rejected it: not in webrtc-pc, which leaves the application to guess. It is stopped,
    /// but for one that the application made and this end's own answer rejected.
    pub fn rejection(&self) -> Option<Rejection> {
        self.read(|view| view.rejection()).flatten()
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

pub(super) fn read_transceiver<R>(
    connection: &ConnectionHandle,
    id: TransceiverId,
    read: impl FnOnce(&peer::TransceiverView<'_>) -> R,
) -> Option<R> {
    connection.with(|control| control.peer().transceiver(id).as_ref().map(read))
}
