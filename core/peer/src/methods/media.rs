//! What concerns packets of media and is no attribute.

use duologue_base::TransceiverId;
use duologue_session::{Command, MediaCommand};

use super::transceiver::unknown;
use crate::{Exception, MediaKind, PeerConnection};

impl PeerConnection {
    /// `sendKeyFrameRequest()` (webrtc-encoded-transform): asks the other end for a key frame of one
    /// simulcast layer that the receiver receives, 0 where there are none.
    ///
    /// # Errors
    /// `InvalidStateError` for audio, and when the receiver does not receive.
    pub fn send_key_frame_request(
        &mut self,
        id: TransceiverId,
        encoding: usize,
    ) -> Result<(), Exception> {
        let transceiver = self.slots.transceivers.get(&id).ok_or_else(unknown)?;
        if transceiver.kind != MediaKind::Video {
            return Err(Exception::invalid_state("audio has no key frames"));
        }
        if self.slots.closed || self.slots.plans.receive(id).is_none() {
            return Err(Exception::invalid_state("nothing is received"));
        }
        let request = MediaCommand::RequestKeyFrame { encoding };
        self.command(Command::Media(id, request));
        Ok(())
    }
}
