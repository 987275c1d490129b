//! `close` (webrtc-pc §4.4.2).

use std::sync::Arc;

use duologue_base::TransceiverId;
use duologue_session::Command;

use crate::PeerConnection;

impl PeerConnection {
    /// `close()`: everything ends at once. No promise that is pending settles any more and no
    /// event follows, but `ended` at the receivers' tracks.
    pub fn close(&mut self) {
        if self.slots.is_closed() {
            return;
        }
        self.slots.close();
        let transceivers: Vec<TransceiverId> = self
            .slots
            .intent()
            .transceivers
            .iter()
            .map(|intent| intent.id)
            .collect();
        for id in transceivers {
            self.stop_transceiver(id);
        }
        self.slots.channels_mut().close_all();
        if let Some(sctp) = self.slots.sctp_mut() {
            sctp.close(None);
        }
        for transport in self.slots.transports_mut() {
            transport.close();
        }
        self.slots.states_mut().close();
        self.slots.identity_mut().close();
        self.forget_pending();
        self.queue_stats_of_slots();
        // SCTP ABORT, DTLS close_notify and the end of ICE, all in one.
        self.command(Command::Close);
    }

    /// The connection is closed.
    pub fn is_closed(&self) -> bool {
        self.slots.is_closed()
    }

    /// Codecs and header extensions of this end.
    pub fn capabilities(&self) -> &Arc<duologue_jsep::Capabilities> {
        &self.slots.intent().capabilities
    }
}
