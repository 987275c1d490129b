//! What a session sends, stage by stage, the most urgent first.

mod check;
mod closing;
mod data;
mod handshake;
mod media;
mod train;

use duologue_base::{Dscp, Ecn, Instant, Transmit, TransportKey};
use duologue_ice as ice;

use crate::Session;
use train::Leftover;

/// What may be sent, most urgent first. A stage is asked only when those before it have nothing, so
/// each train of data waits for a check that is due, and never for longer than one train.
const ORDER: [Stage; 5] = [
    Stage::Closing,
    Stage::Checks,
    Stage::Handshakes,
    Stage::Reports,
    Stage::Payloads,
];

#[derive(Clone, Copy, Debug)]
enum Stage {
    /// ABORT and close_notify of what was closed.
    Closing,
    /// Connectivity checks and the answers to them: they keep the path.
    Checks,
    /// Flights of DTLS.
    Handshakes,
    /// RTCP: the other end repairs and adapts by it.
    Reports,
    /// Packets of RTP and SCTP, in trains: by turns, so that neither stops the other.
    Payloads,
}

/// What was made and could not leave with the rest.
#[derive(Debug, Default)]
pub(crate) struct Leftovers {
    /// Of SCTP.
    data: Leftover,
    /// Of RTP, and its transport.
    rtp: Option<(TransportKey, Leftover)>,
    /// The last train was of RTP.
    media_before: bool,
    /// The last datagrams of what was closed.
    closing: Vec<(Transmit, Vec<u8>)>,
}

impl Leftovers {
    pub(crate) fn has_closing(&self) -> bool {
        !self.closing.is_empty()
    }

    /// Its association ended.
    pub(crate) fn forget_datagram(&mut self) {
        self.data.datagram.clear();
    }
}

impl Session {
    /// Fills `out` with the next train of datagrams; `None` when there is nothing to send. The
    /// datagrams of a train go to one address and have one size, but for the last, which may be
    /// shorter.
    pub fn poll_transmit(&mut self, now: Instant, out: &mut Vec<u8>) -> Option<Transmit> {
        self.now = self.now.max(now);
        out.clear();

        let transmit = ORDER.iter().find_map(|stage| match stage {
            Stage::Closing => self.poll_closing(out),
            Stage::Checks => self.poll_check(out),
            Stage::Handshakes => self.poll_handshake(out),
            Stage::Reports if self.media.is_in_use() => self.poll_rtcp(out),
            Stage::Reports => None,
            Stage::Payloads => self.poll_payloads(out),
        });
        self.take_ice_events();

        let transmit = transmit?;
        let datagrams = match transmit.segment_size {
            Some(size) => transmit.len.div_ceil(size),
            None => 1,
        };
        self.counters.datagrams_sent += datagrams as u64;
        self.counters.bytes_sent += transmit.len as u64;
        Some(transmit)
    }
}

impl Session {
    fn poll_payloads(&mut self, out: &mut Vec<u8>) -> Option<Transmit> {
        if !self.media.is_in_use() {
            return self.poll_data(out);
        }
        let data_first = self.leftovers.media_before;
        let data = data_first.then(|| self.poll_data(out)).flatten();
        if data.is_some() {
            self.leftovers.media_before = false;
            return data;
        }
        let media = self.poll_rtp(out);
        self.leftovers.media_before = media.is_some();
        media.or_else(|| self.poll_data(out).filter(|_| !data_first))
    }
}

fn single(route: &ice::Route, out: &[u8]) -> Transmit {
    Transmit {
        socket: route.socket,
        remote: route.destination(),
        local_ip: None,
        ecn: Ecn::NotEct,
        dscp: Dscp::DEFAULT,
        len: out.len(),
        segment_size: None,
    }
}
