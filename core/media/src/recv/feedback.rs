//! What the other end is told of what comes, as soon as it is of use (RFC 4585).

use duologue_base::Instant;
use duologue_rtp::Ssrc;

use super::{Inbound, Incoming, Source, wants_fir};

impl Inbound {
    /// A packet goes on to its stream: only such a one is told of as received.
    pub(super) fn note_arrival(&mut self, now: Instant, owner: usize, incoming: &Incoming<'_>) {
        let due = if self.claims[owner].by_stream {
            let header = &incoming.packet.header;
            let number = incoming.sequence_number;
            let arrived = (incoming.arrival, incoming.ecn);
            self.stream_arrivals.note(now, header.ssrc, number, arrived);
            self.stream_arrivals.poll_timeout()
        } else if let Some(number) = incoming.extensions.transport_sequence() {
            self.arrivals.note(incoming.arrival, now, number);
            self.arrivals.poll_timeout()
        } else {
            return;
        };
        self.feedback_due = Instant::earliest([self.feedback_due, due]);
    }

    /// The stream that a key frame is to be asked of now, and whether by FIR.
    pub(crate) fn next_key_frame(&mut self, now: Instant) -> Option<(Ssrc, &mut Source, bool)> {
        let sources = &mut self.sources;
        let (id, encoding, by_fir) = self.receivers.iter_mut().find_map(|receiver| {
            let can = |encoding| sources.has_media_of(receiver.id, encoding);
            let encoding = receiver.key_frames.take_due(now, can)?;
            Some((receiver.id, encoding, wants_fir(&receiver.plan)))
        })?;
        let (ssrc, source) = sources.media_of(id, encoding)?;
        Some((ssrc, source, by_fir))
    }

    /// When the other end is to be told something, or earlier.
    pub(crate) fn feedback_due(&self) -> Option<Instant> {
        self.feedback_due
    }

    /// The other end was told what was due.
    pub(crate) fn told_feedback(&mut self) {
        let missing = self.sources.iter();
        let missing = missing.filter_map(|(_, source)| source.missing.poll_timeout());
        let key_frames = self.receivers.iter().filter_map(|receiver| {
            let can = |encoding| self.sources.has_media_of(receiver.id, encoding);
            receiver.key_frames.poll_timeout(can)
        });
        let arrivals = [
            self.arrivals.poll_timeout(),
            self.stream_arrivals.poll_timeout(),
        ];
        let arrivals = arrivals.into_iter().flatten();
        self.feedback_due = arrivals.chain(missing).chain(key_frames).min();
    }
}
