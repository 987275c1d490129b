//! All streams of a transport summed up: what an operator watches of thousands of connections.

use crate::MediaTransport;
use crate::cc::Bitrate;
use crate::recv::Purpose;

/// Sums over the streams that a transport has at the moment. A stream that goes takes its part with it: who
/// wants counters that only grow adds up what was added between two looks.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct MediaTotals {
    /// Packets of RTP sent, those below left out.
    pub packets_sent: u64,
    /// Packets sent again because they were asked for.
    pub packets_retransmitted: u64,
    /// Packets of received streams, what repairs them left out.
    pub packets_received: u64,
    /// Packets of received streams that never came, whether repaired or not, by their numbers.
    pub packets_lost: u64,
    /// Packets of sent streams that the other end says it has not got (RFC 3550 §6.4.1).
    pub remote_packets_lost: u64,
    /// Packets that were asked for again (RFC 4585 §6.2.1).
    pub nacks_sent: u64,
    /// Packets that the other end asked for again.
    pub nacks_received: u64,
    /// Key frames that were asked for (RFC 4585 §6.3.1, RFC 5104 §4.3.1).
    pub key_frame_requests_sent: u64,
    /// Key frames that the other end asked for.
    pub key_frame_requests_received: u64,
    /// Packets that were received or given, and not acted on: see [`Counters`](crate::Counters).
    pub packets_discarded: u64,
    /// Bits per second that the path carries, by the estimate; 0 while there is none.
    pub estimate: u64,
}

impl MediaTotals {
    pub(crate) fn of(transport: &MediaTransport) -> Self {
        let mut totals = MediaTotals {
            packets_discarded: discarded(&transport.counters()),
            estimate: transport
                .outbound
                .bandwidth
                .target()
                .map_or(0, Bitrate::bps),
            ..MediaTotals::default()
        };
        for stream in transport.outbound.senders().flat_map(|it| &it.streams) {
            let remote = &stream.remote;
            let lost = remote.block.map_or(0, |block| block.cumulative_lost);
            totals.packets_sent += stream.counters.packets_sent;
            totals.packets_retransmitted += stream.rtx_counters.packets_sent;
            totals.remote_packets_lost += u64::try_from(lost).unwrap_or_default();
            totals.nacks_received += u64::from(remote.nacks);
            totals.key_frame_requests_received += u64::from(remote.plis) + u64::from(remote.firs);
        }
        for (_, source) in transport.inbound.sources.iter() {
            if source.route.purpose == Purpose::Media && source.has_begun() {
                let lost = source.statistics.packets_lost();
                totals.packets_received += source.statistics.packets_received;
                totals.packets_lost += u64::try_from(lost).unwrap_or_default();
                totals.nacks_sent += u64::from(source.nacks);
                totals.key_frame_requests_sent += u64::from(source.plis) + u64::from(source.firs);
            }
        }
        totals
    }
}

fn discarded(counters: &crate::Counters) -> u64 {
    let crate::Counters {
        malformed,
        unclaimed,
        unknown_payload_type,
        outlet_overflows,
        send_overflows,
        unsendable,
    } = *counters;
    malformed + unclaimed + unknown_payload_type + outlet_overflows + send_overflows + unsendable
}

impl std::ops::AddAssign for MediaTotals {
    fn add_assign(&mut self, other: Self) {
        self.packets_sent += other.packets_sent;
        self.packets_retransmitted += other.packets_retransmitted;
        self.packets_received += other.packets_received;
        self.packets_lost += other.packets_lost;
        self.remote_packets_lost += other.remote_packets_lost;
        self.nacks_sent += other.nacks_sent;
        self.nacks_received += other.nacks_received;
        self.key_frame_requests_sent += other.key_frame_requests_sent;
        self.key_frame_requests_received += other.key_frame_requests_received;
        self.packets_discarded += other.packets_discarded;
        self.estimate += other.estimate;
    }
}
