//! `RTCDTMFSender` (webrtc-pc §7).

use duologue_base::TransceiverId;

use crate::limits::{DTMF_DURATION_MS, DTMF_GAP_MS};
use crate::task::Task;
use crate::{Exception, PeerConnection};

impl PeerConnection {
    /// `canInsertDTMF` of a sender's `dtmf`.
    pub fn can_insert_dtmf(&self, id: TransceiverId) -> bool {
        let view = self.transceiver(id);
        view.is_some_and(|view| view.can_insert_dtmf())
    }

    /// `toneBuffer` of a sender's `dtmf`; none for video, which has no `dtmf`.
    pub fn tone_buffer(&self, id: TransceiverId) -> Option<&str> {
        self.transceiver(id)?.tone_buffer()
    }

    /// `insertDTMF(tones, duration, interToneGap)` of a sender's `dtmf`; JavaScript's defaults are
    /// 100 and 70 milliseconds.
    ///
    /// # Errors
    /// `InvalidStateError` unless `canInsertDTMF`, `InvalidCharacterError` for an unknown tone.
    pub fn insert_dtmf(
        &mut self,
        id: TransceiverId,
        tones: &str,
        duration_ms: u32,
        inter_tone_gap_ms: u32,
    ) -> Result<(), Exception> {
        if !self.can_insert_dtmf(id) {
            return Err(Exception::invalid_state("this sender cannot send DTMF now"));
        }
        let tones = tones.to_ascii_uppercase();
        if !tones
            .chars()
            .all(|tone| matches!(tone, '0'..='9' | 'A'..='D' | '#' | '*' | ','))
        {
            return Err(Exception::invalid_character("not a DTMF tone"));
        }
        let Some(slots) = self.slots.transceiver_mut(id) else {
            return Ok(());
        };
        let duration = duration_ms.clamp(*DTMF_DURATION_MS.start(), *DTMF_DURATION_MS.end());
        let gap = inter_tone_gap_ms.clamp(*DTMF_GAP_MS.start(), *DTMF_GAP_MS.end());
        if slots.dtmf_mut().insert(tones, duration, gap) {
            self.queue(Task::PlayTone(id));
        }
        Ok(())
    }
}
