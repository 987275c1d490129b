use super::{Association, State};
use crate::limits::MAX_TSN_SPAN;
use crate::packet::{ForwardTsn, RawChunk};
use crate::receive::Acknowledge;

impl Association {
    /// The peer gave messages up (RFC 3758 §3.6, RFC 8260 §2.3.2).
    pub(super) fn handle_forward_tsn(&mut self, chunk: RawChunk<'_>) -> bool {
        let State::Open(open) = &mut self.state else {
            return false;
        };
        let Some(forward) = ForwardTsn::parse(chunk) else {
            return false;
        };
        let cumulative = open.tracker.cumulative();
        let through = cumulative.nearest(forward.new_cumulative_tsn);
        // A peer cannot have sent, and given up, more than can be acknowledged.
        if forward.interleaved != open.sender.interleaved()
            || through.since(cumulative) > MAX_TSN_SPAN
        {
            return false;
        }
        // RFC 3758 §3.6: acknowledged at once, all the more when it came twice.
        open.acknowledge = Acknowledge::Now;
        if through <= cumulative {
            return true;
        }
        open.tracker.forward(through);
        let streams = open.inbound_streams;
        let skipped = forward
            .skipped()
            .filter(|skipped| skipped.stream.0 < streams);
        let interleaved = forward.interleaved;
        open.in_streams
            .forward(through, interleaved, skipped, &mut self.inbox);
        open.perform_deferred_reset(&self.config, &mut self.inbox);
        true
    }
}
