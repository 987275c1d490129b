//! "DTMF playout task steps" (webrtc-pc §7.2): the queue of tones, its clock and its events. The session
//! plays each tone.

use std::time::Duration;

use duologue_base::{Instant, TransceiverId};
use duologue_rtp::TelephoneEvent;
use duologue_session::{Command, MediaCommand, Tone};

use crate::limits::DTMF_COMMA_MS;
use crate::{Event, PeerConnection};

impl PeerConnection {
    pub(crate) fn run_play_tone(&mut self, id: TransceiverId, now: Instant) {
        let can_insert = self.can_insert_dtmf(id);
        let Some(slots) = self.slots.transceiver_mut(id) else {
            return;
        };
        let dtmf = slots.dtmf_mut();
        dtmf.begin_playout();
        if !can_insert {
            return;
        }
        let Some(tone) = dtmf.take_tone() else {
            return self.fire(Event::ToneChange(id, String::new()));
        };

        let wait_ms = match tone {
            ',' => DTMF_COMMA_MS,
            _ => u64::from(dtmf.duration() + dtmf.gap()),
        };
        dtmf.play_again_at(now + Duration::from_millis(wait_ms));
        if let Some(event) = TelephoneEvent::number_of(tone) {
            let duration = Duration::from_millis(dtmf.duration().into());
            let tone = MediaCommand::PlayTone(Tone { event, duration });
            self.command(Command::Media(id, tone));
        }
        self.fire(Event::ToneChange(id, tone.to_string()));
    }
}
