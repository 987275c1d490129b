use duologue_base::Seq32;

/// A transmission sequence number (RFC 9260 §1.6) counted in 64 bits, so that it never wraps: the
/// packet carries its low half. Comparisons are plain, and a ring's index is a difference.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Tsn(u64);

impl Tsn {
    /// Before any other.
    pub(crate) const FIRST: Tsn = Tsn(0);

    /// The initial TSN of a direction.
    pub(crate) fn initial(wire: Seq32) -> Self {
        // One epoch up, so that numbers just before the initial one can be told.
        Tsn((1 << 32) | u64::from(wire.0))
    }

    /// The number nearest to this one that is written `wire` in packets.
    pub(crate) fn nearest(self, wire: Seq32) -> Self {
        let distance = wire.distance(self.wire());
        Tsn(self.0.wrapping_add_signed(i64::from(distance)))
    }

    /// As packets carry it.
    pub(crate) fn wire(self) -> Seq32 {
        Seq32(self.0 as u32)
    }

    pub(crate) fn next(self) -> Self {
        self.plus(1)
    }

    pub(crate) fn previous(self) -> Self {
        Tsn(self.0 - 1)
    }

    pub(crate) fn plus(self, n: u64) -> Self {
        Tsn(self.0 + n)
    }

    /// How far this is after `other`; zero when it is before.
    pub(crate) fn since(self, other: Tsn) -> u64 {
        self.0.saturating_sub(other.0)
    }

    pub(crate) fn number(self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_number_is_found_across_the_wrap() {
        let tsn = Tsn::initial(Seq32(u32::MAX));
        assert_eq!(tsn.nearest(Seq32(2)), tsn.plus(3));
        assert_eq!(tsn.plus(3).nearest(Seq32(u32::MAX)), tsn);
        assert_eq!(tsn.next().wire(), Seq32(0));
        assert!(Tsn::initial(Seq32(0)).previous() < Tsn::initial(Seq32(0)));
    }
}
