//! Telephone keys (webrtc-pc §7).

use std::sync::Arc;

use duologue_base::TransceiverId;
use duologue_peer::Exception;

use crate::connection::ConnectionHandle;
use crate::transport::identity;

/// Plays telephone keys in a sender's audio: `RTCDTMFSender`. Each that begins is an
/// [`Event::ToneChange`](crate::Event::ToneChange).
///
/// They are sent as telephone events (RFC 4733) in the place of audio: what the program sends while a
/// tone is on is dropped. What the peer plays comes as packets of the payload type `telephone-event`
/// of [`RtpReceiver::packets`](crate::RtpReceiver::packets).
#[doc(alias = "RTCDTMFSender")]
#[derive(Clone)]
pub struct DtmfSender {
    connection: Arc<ConnectionHandle>,
    id: TransceiverId,
}

identity!(DtmfSender, id);

impl DtmfSender {
    pub(crate) fn new(connection: Arc<ConnectionHandle>, id: TransceiverId) -> Self {
        DtmfSender { connection, id }
    }

    /// `canInsertDTMF`
    #[doc(alias = "canInsertDTMF")]
    pub fn can_insert_dtmf(&self) -> bool {
        self.connection
            .with(|control| control.peer().can_insert_dtmf(self.id))
    }

    /// `toneBuffer`: what is still to be played.
    pub fn tone_buffer(&self) -> String {
        let tones = |peer: &duologue_peer::PeerConnection| {
            peer.tone_buffer(self.id).unwrap_or_default().to_owned()
        };
        self.connection.with(|control| tones(control.peer()))
    }

    /// `insertDTMF(tones, duration, interToneGap)`: plays these instead of what is still to be
    /// played. A comma is a pause of two seconds. JavaScript's defaults are
    /// [`DURATION_MS`](Self::DURATION_MS) and [`INTER_TONE_GAP_MS`](Self::INTER_TONE_GAP_MS);
    /// values out of range are brought into it.
    ///
    /// # Errors
    /// `InvalidStateError` unless [`can_insert_dtmf`](Self::can_insert_dtmf);
    /// `InvalidCharacterError` for a tone other than `0` to `9`, `A` to `D`, `#`, `*` and `,`.
    #[doc(alias = "insertDTMF")]
    pub fn insert_dtmf(
        &self,
        tones: &str,
        duration_ms: u32,
        inter_tone_gap_ms: u32,
    ) -> Result<(), Exception> {
        self.connection.with(|control| {
            let peer = control.peer_mut();
            peer.insert_dtmf(self.id, tones, duration_ms, inter_tone_gap_ms)
        })
    }

    /// How long a tone is when JavaScript does not say.
    pub const DURATION_MS: u32 = 100;

    /// How long the silence between two tones is when JavaScript does not say.
    pub const INTER_TONE_GAP_MS: u32 = 70;
}
