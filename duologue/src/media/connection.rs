//! What a connection has of them (webrtc-pc §5.1).

use std::sync::Arc;

use duologue_base::TransceiverId;
use duologue_peer as peer;
use duologue_peer::{Exception, MediaStreamId, Track, TrackOrKind, TransceiverInit};

use crate::connection::{ConnectionHandle, PeerConnection};
use crate::control::Control;
use crate::media::{RtpReceiver, RtpSender, RtpTransceiver};

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
        if !Arc::ptr_eq(sender.connection(), self.handle()) {
            return Err(Exception::invalid_access(
                "the sender is of another connection",
            ));
        }
        let remove = |control: &mut Control| control.peer_mut().remove_track(sender.id());
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
