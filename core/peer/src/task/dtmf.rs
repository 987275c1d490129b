//! "DTMF playout task steps" (webrtc-pc §7.2). The tones themselves are sent with the media,
//! which comes with the RTP layer; the queue, its clock and its events are here.

use std::time::Duration;

use duologue_base::{Instant, TransceiverId};

use crate::limits::DTMF_COMMA_MS;
use crate::slots::Playout;
use crate::{Event, PeerConnection};

impl PeerConnection {
    pub(crate) fn run_play_tone(&mut self, id: TransceiverId, now: Instant) {
        let can_insert = self.can_insert_dtmf(id);
        let Some(slots) = self.slots.transceivers.get_mut(&id) else {
            return;
        };
        let dtmf = &mut slots.dtmf;
        dtmf.playout = Playout::Idle;
        if !can_insert {
            return;
        }
        if dtmf.tones.is_empty() {
            return self.fire(Event::ToneChange(id, String::new()));
        }
        let tone = dtmf.tones.remove(0);
        let wait_ms = match tone {
            ',' => DTMF_COMMA_MS,
            _ => u64::from(dtmf.duration + dtmf.gap),
        };
        dtmf.playout = Playout::At(now + Duration::from_millis(wait_ms));
        self.fire(Event::ToneChange(id, tone.to_string()));
    }
}
