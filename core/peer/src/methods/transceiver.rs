//! `RTCRtpTransceiver`, and what of its sender and receiver is an attribute (webrtc-pc §§5.2 to
//! 5.4).

use duologue_base::{Mid, TransceiverId, TransportKey};
use duologue_jsep as jsep;
use duologue_rtp::Cryptex;

use crate::limits::MAX_JITTER_BUFFER_TARGET_MS;
use crate::slots::Transceiver;
use crate::{
    Exception, MediaKind, MediaStreamId, PeerConnection, PeerConnectionState, Rejection, Track,
    TrackId, TransceiverDirection,
};

/// A transceiver's attributes, and those of its sender and receiver.
#[doc(alias = "RTCRtpTransceiver")]
#[doc(alias = "RTCRtpSender")]
#[doc(alias = "RTCRtpReceiver")]
#[derive(Clone, Copy, Debug)]
pub struct TransceiverView<'a> {
    slots: &'a Transceiver,
    intent: &'a jsep::TransceiverIntent,
    section: Option<&'a jsep::agreement::MediaAgreement>,
    connected: bool,
}

impl<'a> TransceiverView<'a> {
    /// The transceiver's kind: that of the receiver's track.
    pub fn kind(&self) -> MediaKind {
        self.slots.kind()
    }

    /// `mid`
    pub fn mid(&self) -> Option<&'a Mid> {
        self.section.map(|section| &section.mid)
    }

    /// `direction`: the preferred one; `stopped` from `stop()` on.
    pub fn direction(&self) -> TransceiverDirection {
        match self.intent.stop {
            jsep::StopState::Running => self.intent.direction.into(),
            jsep::StopState::Stopping | jsep::StopState::Stopped => TransceiverDirection::Stopped,
        }
    }

    /// `currentDirection`: the negotiated one.
    pub fn current_direction(&self) -> Option<TransceiverDirection> {
        if self.is_stopped() {
            return Some(TransceiverDirection::Stopped);
        }
        self.section?.current_direction.map(Into::into)
    }

    /// `rtpHeaderEncryptionNegotiated` (webrtc-extensions §13): the header extensions and CSRCs of what it
    /// sends are encrypted.
    pub fn rtp_header_encryption_negotiated(&self) -> bool {
        let send = self.section.and_then(|section| section.send.as_ref());
        send.is_some_and(|send| send.cryptex != Cryptex::Off)
    }

    /// Why an answer rejected its m-section: not in webrtc-pc, which leaves the application to guess.
    /// It is stopped, but for one that the application made and this end's own answer rejected.
    pub fn rejection(&self) -> Option<Rejection> {
        self.slots.rejection()
    }

    /// Whether the transceiver is stopped for good.
    pub fn is_stopped(&self) -> bool {
        self.intent.stop == jsep::StopState::Stopped
    }

    /// `sender.track`
    pub fn sender_track(&self) -> Option<&'a Track> {
        self.slots.sender_track()
    }

    /// Ids of the streams that the sender's track is announced in.
    pub fn sender_streams(&self) -> &'a [String] {
        &self.intent.sender.streams
    }

    /// What the encoder of each of the sender's encodings may make now, in bits per second; none before
    /// that is known.
    pub fn target_bitrates(&self) -> &'a [u64] {
        self.slots.target_bitrates()
    }

    /// `sender.transport` and `receiver.transport`: the same, since RTP and RTCP share it.
    pub fn transport(&self) -> Option<TransportKey> {
        self.slots.transport()
    }

    /// `sender.dtmf.canInsertDTMF`
    pub fn can_insert_dtmf(&self) -> bool {
        let slots = self.slots;
        let may = slots.kind() == MediaKind::Audio
            && self.connected
            && self.intent.stop == jsep::StopState::Running
            && slots.sender_track().is_some()
            && slots.send_encodings().first().is_some_and(|e| e.active);
        let Some(section) = self.section.filter(|_| may) else {
            return false;
        };
        let sending = matches!(
            section.current_direction,
            Some(jsep::Direction::SendRecv | jsep::Direction::SendOnly)
        );
        let send = section.send.as_ref().filter(|_| sending);
        send.is_some_and(|send| {
            let mut names = send.codecs.iter().map(|codec| &codec.codec.name);
            names.any(|name| name.eq_ignore_ascii_case("telephone-event"))
        })
    }

    /// `sender.dtmf.toneBuffer`; none for video, which has no `dtmf`.
    pub fn tone_buffer(&self) -> Option<&'a str> {
        (self.slots.kind() == MediaKind::Audio).then_some(self.slots.dtmf().tones())
    }

    /// `receiver.track`
    pub fn receiver_track(&self) -> &'a TrackId {
        self.slots.receiver_track()
    }

    /// The streams that the other end put the receiver's track in.
    pub fn receiver_streams(&self) -> &'a [MediaStreamId] {
        self.slots.remote_streams()
    }

    /// `receiver.jitterBufferTarget`, in milliseconds.
    pub fn jitter_buffer_target(&self) -> Option<f64> {
        self.slots.jitter_buffer_target()
    }
}

impl PeerConnection {
    /// A transceiver's attributes. One that left the connection can still be read for a while:
    /// [`crate::limits::MAX_REMOVED_TRANSCEIVERS`].
    pub fn transceiver(&self, id: TransceiverId) -> Option<TransceiverView<'_>> {
        Some(TransceiverView {
            slots: self.slots.transceiver(id)?,
            intent: self.slots.intent_of(id)?,
            section: self.slots.section(id),
            connected: self.slots.states().connection() == PeerConnectionState::Connected,
        })
    }

    /// Sets `direction`.
    ///
    /// # Errors
    /// `InvalidStateError` for a transceiver that is stopping, `TypeError` for `stopped`.
    pub fn set_direction(
        &mut self,
        id: TransceiverId,
        direction: TransceiverDirection,
    ) -> Result<(), Exception> {
        let intent = self.slots.intent_of(id).ok_or_else(unknown)?;
        if intent.stop != jsep::StopState::Running {
            return Err(Exception::invalid_state("the transceiver is stopped"));
        }
        if TransceiverDirection::from(intent.direction) == direction {
            return Ok(());
        }
        let direction = direction.to_jsep()?;
        self.slots
            .change_intent(id, |intent| intent.direction = direction);
        self.update_negotiation_needed();
        Ok(())
    }

    /// `stop()` of a transceiver: it is stopping at once and stopped once that is negotiated.
    ///
    /// # Errors
    /// `InvalidStateError` on a closed connection.
    pub fn stop(&mut self, id: TransceiverId) -> Result<(), Exception> {
        if self.slots.is_closed() {
            return Err(Exception::invalid_state("the connection is closed"));
        }
        let intent = self.slots.intent_of(id).ok_or_else(unknown)?;
        if intent.stop == jsep::StopState::Running {
            self.stop_sending_and_receiving(id);
            self.update_media();
            self.update_negotiation_needed();
        }
        Ok(())
    }

    /// Sets `jitterBufferTarget` of a receiver, in milliseconds.
    ///
    /// # Errors
    /// `RangeError` below 0 and above 4000.
    pub fn set_jitter_buffer_target(
        &mut self,
        id: TransceiverId,
        target_ms: Option<f64>,
    ) -> Result<(), Exception> {
        let range = 0.0..=MAX_JITTER_BUFFER_TARGET_MS;
        if target_ms.is_some_and(|target| !range.contains(&target)) {
            return Err(Exception::range_error(
                "a jitter buffer target is 0 to 4000 milliseconds",
            ));
        }
        let slots = self.slots.transceiver_mut(id).ok_or_else(unknown)?;
        slots.set_jitter_buffer_target(target_ms);
        Ok(())
    }
}

/// An id that this connection never gave, or gave so long ago that it is forgotten.
pub(crate) fn unknown() -> Exception {
    Exception::invalid_access("no such transceiver in this connection")
}
