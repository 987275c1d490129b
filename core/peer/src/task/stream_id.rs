//! Which SCTP stream a data channel is on: by the parity of the DTLS role (RFC 8832 §6).

use std::collections::BTreeSet;

use duologue_base::{DtlsRole, StreamId};

use crate::{DataChannelState, PeerConnection};

/// RFC 8831 §6.4: 65535 is not a stream; the W3C's largest id is 65534.
const IDS: u16 = 65_535;

impl PeerConnection {
    /// This end's DTLS role on the SCTP transport, once it is negotiated.
    pub(crate) fn sctp_dtls_role(&self) -> Option<DtlsRole> {
        let latest = self.slots.signaling().latest();
        let transport = latest.data().filter(|m| !m.rejected)?.transport?;
        Some(latest.transports.get(&transport)?.dtls.as_ref()?.role)
    }

    /// RFC 8832 §6: "the side acting as the DTLS client uses Streams with even Stream
    /// Identifiers; the side acting as the DTLS server uses Streams with odd".
    pub(crate) fn free_channel_id(&self) -> Option<StreamId> {
        let first = match self.sctp_dtls_role()? {
            DtlsRole::Client => 0,
            DtlsRole::Server => 1,
        };
        let used: BTreeSet<StreamId> = self.used_channel_ids().collect();
        let mut ids = (first..IDS).step_by(2).map(StreamId);
        ids.find(|id| !used.contains(id))
    }

    pub(crate) fn is_channel_id_used(&self, id: StreamId) -> bool {
        self.used_channel_ids().any(|used| used == id)
    }

    /// A stream can be used again once the channel on it is closed at both ends.
    fn used_channel_ids(&self) -> impl Iterator<Item = StreamId> {
        let channels = self.slots.channels().iter();
        channels
            .map(|(_, channel)| channel.attributes())
            .filter(|channel| channel.ready_state() != DataChannelState::Closed)
            .filter_map(|channel| channel.id())
    }
}
