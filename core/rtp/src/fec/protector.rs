use super::parity::Parity;
use super::{Protected, ProtectedSet};

/// Makes parity of packets, one packet of parity at a time.
#[derive(Clone, Debug, Default)]
pub struct Protector {
    pub(super) parity: Parity,
    set: Option<ProtectedSet>,
}

impl Protector {
    /// Takes a packet in, if its sequence number is at most `max_span - 1` behind the first one
    /// taken; `false` if it is not, or is there already. [`UlpFec`](super::UlpFec) and
    /// [`FlexFec`](super::FlexFec) have their spans; a longer one needs a longer mask, not more
    /// parity.
    pub fn add(&mut self, packet: Protected<'_>, max_span: u16) -> bool {
        let sequence = packet.sequence_number.0;
        let set = self.set.get_or_insert(ProtectedSet {
            base: sequence,
            bits: 0,
        });
        let place = sequence.wrapping_sub(set.base);
        if place >= max_span.min(super::FlexFec::MAX_SPAN) || set.contains(sequence) {
            return false;
        }

        set.bits |= 1 << place;
        self.parity.add(&packet);
        true
    }

    /// How many packets the protector has taken.
    pub fn count(&self) -> usize {
        self.set.map_or(0, ProtectedSet::count)
    }

    /// What it has taken.
    pub(super) fn set(&self) -> Option<ProtectedSet> {
        self.set
    }

    /// Begins anew; memory is kept.
    pub fn clear(&mut self) {
        self.parity.clear();
        self.set = None;
    }
}
