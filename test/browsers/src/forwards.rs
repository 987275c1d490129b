//! Streams of layers that are sent back as large as the page asks for.

use duologue::{Choice, Forwarder, Forwarding, MediaKind, RtpTransceiver, TransceiverDirection};
use serde_json::{Value, json};

#[derive(Debug, Default)]
pub(crate) struct Forwards {
    /// What each may take, in bits per second, once the page has said it.
    bitrate: Option<u64>,
    of: Vec<(RtpTransceiver, Forwarding)>,
}

impl Forwards {
    pub(crate) fn choose(&mut self, bitrate: u64) {
        self.bitrate = Some(bitrate);
        for (_, forwarding) in &self.of {
            forwarding.choose(Choice::Bitrate(bitrate));
        }
    }

    /// Those of video that the last description brought are sent back, too.
    pub(crate) fn begin(&mut self, transceivers: Vec<RtpTransceiver>) {
        let Some(bitrate) = self.bitrate else { return };
        for transceiver in transceivers {
            let known = self.of.iter().any(|(known, _)| *known == transceiver);
            if known || transceiver.kind() != Some(MediaKind::Video) {
                continue;
            }
            // One that a remote offer made does not send by itself.
            let _ = transceiver.set_direction(TransceiverDirection::Sendrecv);
            let forwarder = Forwarder::new(&transceiver.receiver());
            let forwarding = forwarder.forward(&transceiver.sender());
            forwarding.choose(Choice::Bitrate(bitrate));
            self.of.push((transceiver, forwarding));
        }
    }

    /// The highest layers that are sent back.
    pub(crate) fn current(&self) -> Value {
        let current = self.of.iter().map(|(_, forwarding)| {
            json!({
                "spatial": forwarding.current_spatial(),
                "temporal": forwarding.current_temporal(),
            })
        });
        current.collect()
    }
}
