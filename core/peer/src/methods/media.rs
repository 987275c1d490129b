//! What concerns packets of media and is no attribute.

use duologue_base::TransceiverId;
use duologue_jsep::MediaPlans;
use duologue_session::{Command, MediaCommand};

use super::transceiver::unknown;
use crate::task::{MediaTask, Task};
use crate::{Exception, MediaKind, PeerConnection};

impl PeerConnection {
    /// What the data plane was told that each transceiver takes and sends.
    pub fn media_plans(&self) -> &MediaPlans {
        self.slots.plans()
    }

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
        let transceiver = self.slots.transceiver(id).ok_or_else(unknown)?;
        if transceiver.kind() != MediaKind::Video {
            return Err(Exception::invalid_state("audio has no key frames"));
        }
        if self.slots.is_closed() || self.slots.plans().receive(id).is_none() {
            return Err(Exception::invalid_state("nothing is received"));
        }
        let request = MediaCommand::RequestKeyFrame { encoding };
        self.command(Command::Media(id, request));
        Ok(())
    }

    /// `generateKeyFrame(rid)` (webrtc-encoded-transform): whoever encodes what a sender sends is to make
    /// a key frame, of the encoding with this rid, or of all. It is told as if the other end had asked.
    ///
    /// # Errors
    /// `InvalidStateError` for audio and on a closed connection, `NotFoundError` if no encoding has
    /// the rid.
    pub fn generate_key_frame(
        &mut self,
        id: TransceiverId,
        rid: Option<&str>,
    ) -> Result<(), Exception> {
        let transceiver = self.slots.transceiver(id).ok_or_else(unknown)?;
        if self.slots.is_closed() || transceiver.kind() != MediaKind::Video {
            return Err(Exception::invalid_state("no video is sent"));
        }
        let encodings = transceiver.send_encodings().iter().enumerate();
        let wanted = encodings.filter(|(_, it)| rid.is_none() || it.rid.as_deref() == rid);
        let wanted: Vec<usize> = wanted.map(|(encoding, _)| encoding).collect();
        if wanted.is_empty() && rid.is_some() {
            return Err(Exception::not_found("no encoding has this rid"));
        }
        for encoding in wanted {
            self.queue(Task::Media(id, MediaTask::KeyFrameWanted { encoding }));
        }
        Ok(())
    }
}
