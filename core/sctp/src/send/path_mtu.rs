//! How large packets may be: Packetization Layer Path MTU Discovery (RFC 8899 §5). A HEARTBEAT that a PAD
//! chunk makes as long as a packet might be is the probe (§6.2.3, RFC 4820).
//!
//! A chunk that is under way cannot be cut anew (RFC 9260 §6.9), and IP does not fragment below DTLS
//! (RFC 8261 §5): one that was made for a large path would never arrive once the path carries less. So no
//! chunk is longer than fits a packet of the base size. Large packets have several, and what is lost
//! leaves again in packets of the base size, so that the transfer goes on before anything was found
//! out.

use duologue_base::Instant;

use crate::limits::{
    BLACK_HOLE_LOSSES, MAX_PROBES, PACKETS_PER_WINDOW, PROBE_SIZES, PROBE_TIMER, RAISE_TIMER,
    SEARCH_AFTER,
};
use crate::packet::HEADER_LEN;

/// Bytes of a probe's information.
pub(crate) const PROBE_INFO: usize = 16;

/// The size of packets on the path in use. Sizes are bytes of an SCTP packet.
#[derive(Debug)]
pub(super) struct PathMtu {
    /// BASE_PLPMTU: every path carries it.
    base: usize,
    /// MAX_PLPMTU
    largest: usize,
    /// PLPMTU: what was shown to arrive.
    size: usize,
    search: Search,
    /// Packets larger than the base that were lost since one of them was acknowledged.
    lost: u32,
    /// Tells the probes of this path from those of the one before.
    path: u32,
}

/// The states of RFC 8899 §5.2. There is no ERROR: packets of the base size carry all.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Search {
    /// DISABLED
    Disabled,
    /// BASE: until so many bytes were delivered, larger packets matter to nobody.
    Base { until: u64 },
    /// SEARCHING
    Searching(Probe),
    /// SEARCH_COMPLETE: the next size did not arrive, or there is none. At this moment it is tried again.
    Complete { until: Instant },
}

/// A size that is tried.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Probe {
    size: usize,
    /// PROBE_COUNT
    sent: u32,
    /// When the last one is lost; `None`: the next one is due.
    lost_at: Option<Instant>,
}

impl PathMtu {
    pub(super) fn new(base: usize, largest: usize) -> Self {
        let search = match next_size(base, largest) {
            Some(_) => Search::Base {
                until: SEARCH_AFTER,
            },
            None => Search::Disabled,
        };
        PathMtu {
            base,
            largest,
            size: base,
            search,
            lost: 0,
            path: 0,
        }
    }

    /// Bytes that every packet may have.
    pub(super) fn base(&self) -> usize {
        self.base
    }

    /// Bytes that were shown to arrive.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// Bytes of a packet of new data when the congestion window has so many: losing one packet, or waiting
    /// for the SACK of every second one, should not be half of the window.
    pub(super) fn packet_size(&self, window: usize) -> usize {
        if self.size == self.base {
            return self.base;
        }
        let size = (window / PACKETS_PER_WINDOW).clamp(self.base, self.size) & !3;
        // As many of the longest chunks as fit: then packets are equal, and make a train.
        let chunk = self.base - HEADER_LEN;
        let chunks = (size - HEADER_LEN) / chunk;
        match chunks {
            0 | 1 => size,
            _ => HEADER_LEN + chunks * chunk,
        }
    }

    /// So many bytes were delivered in all.
    pub(super) fn on_delivered(&mut self, now: Instant, delivered: u64) {
        let due = match self.search {
            Search::Base { until } => delivered >= until,
            Search::Complete { until } => now >= until,
            Search::Disabled | Search::Searching(_) => false,
        };
        if due {
            self.try_next(now);
        }
    }

    /// A packet larger than the base was acknowledged.
    pub(super) fn on_acknowledged(&mut self) {
        self.lost = 0;
    }

    /// A packet larger than the base was lost. So many bytes were delivered in all.
    pub(super) fn on_lost(&mut self, delivered: u64) {
        self.lost += 1;
        if self.lost >= BLACK_HOLE_LOSSES {
            self.fall_back(delivered);
        }
    }

    /// RFC 8899 §4.3: large packets vanish, or everything does, which may be another path.
    pub(super) fn fall_back(&mut self, delivered: u64) {
        if self.size > self.base {
            tracing::debug!("SCTP: packets of {} bytes are lost", self.size);
            self.handle_new_path(delivered, self.largest);
        }
    }

    /// Packets take another path, and may have so many bytes there.
    pub(super) fn handle_new_path(&mut self, delivered: u64, largest: usize) {
        let path = self.path.wrapping_add(1);
        *self = PathMtu {
            path,
            ..PathMtu::new(self.base, largest)
        };
        if let Search::Base { until } = &mut self.search {
            *until += delivered;
        }
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        match self.search {
            Search::Searching(probe) => probe.lost_at,
            Search::Disabled | Search::Base { .. } | Search::Complete { .. } => None,
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        let Search::Searching(probe) = &mut self.search else {
            return;
        };
        if probe.lost_at.take_if(|at| *at <= now).is_none() || probe.sent < MAX_PROBES {
            return;
        }
        self.complete(now);
    }

    /// The probe that is due: its size, and what its HEARTBEAT carries.
    pub(super) fn poll_probe(&mut self, now: Instant) -> Option<(usize, [u8; PROBE_INFO])> {
        let Search::Searching(probe) = &mut self.search else {
            return None;
        };
        if probe.lost_at.is_some() {
            return None;
        }
        probe.sent += 1;
        probe.lost_at = Some(now + PROBE_TIMER);
        let size = probe.size;
        Some((size, self.info(size)))
    }

    /// Takes what came back in a HEARTBEAT ACK; `false` if it is not of the probe under way.
    pub(super) fn handle_ack(&mut self, now: Instant, info: &[u8]) -> bool {
        let Search::Searching(probe) = self.search else {
            return false;
        };
        if probe.sent == 0 || info != self.info(probe.size) {
            return false;
        }
        tracing::debug!("SCTP: packets of {} bytes arrive", probe.size);
        self.size = probe.size;
        self.lost = 0;
        self.try_next(now);
        true
    }

    fn try_next(&mut self, now: Instant) {
        match next_size(self.size, self.largest) {
            Some(size) => {
                self.search = Search::Searching(Probe {
                    size,
                    sent: 0,
                    lost_at: None,
                });
            }
            None => self.complete(now),
        }
    }

    fn complete(&mut self, now: Instant) {
        self.search = Search::Complete {
            until: now + RAISE_TIMER,
        };
    }

    /// The peer alone sees it, and deceives itself if it makes one up.
    fn info(&self, size: usize) -> [u8; PROBE_INFO] {
        let mut info = *b"path MTU        ";
        info[8..12].copy_from_slice(&self.path.to_be_bytes());
        info[12..].copy_from_slice(&(size as u32).to_be_bytes());
        info
    }
}

/// The next size to try above one that arrives.
fn next_size(size: usize, largest: usize) -> Option<usize> {
    PROBE_SIZES
        .into_iter()
        .find(|&next| next > size && next <= largest)
}
