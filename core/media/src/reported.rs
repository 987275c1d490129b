use duologue_base::Ecn;

/// What reports of RFC 8888 told of the packets of one stream, in the names of webrtc-stats
/// ("RTCReceivedRtpStreamStats", "RTCRemoteInboundRtpStreamStats").
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct ReportedPackets {
    /// `packetsReportedAsLost`
    pub lost: u64,
    /// `packetsReportedAsLostButRecovered`: of these, packets that a later report told of as arrived.
    pub recovered: u64,
    /// `packetsReceivedWithEct1`
    pub with_ect1: u64,
    /// `packetsReceivedWithCe`
    pub with_ce: u64,
    /// `packetsWithBleachedEct1Marking`: packets that were marked when they left and came without a mark.
    pub bleached_ect1: u64,
}

impl ReportedPackets {
    /// A report told something new of a packet: its mark, if it arrived.
    pub(crate) fn count(&mut self, was_missing: bool, sent_with_ect1: bool, arrived: Option<Ecn>) {
        let Some(ecn) = arrived else {
            self.lost += 1;
            return;
        };
        self.recovered += u64::from(was_missing);
        self.with_ect1 += u64::from(ecn == Ecn::Ect1);
        self.with_ce += u64::from(ecn == Ecn::Ce);
        self.bleached_ect1 += u64::from(sent_with_ect1 && ecn == Ecn::NotEct);
    }

    /// A later report told more.
    pub(crate) fn add(&mut self, told: ReportedPackets) {
        self.lost += told.lost;
        self.recovered += told.recovered;
        self.with_ect1 += told.with_ect1;
        self.with_ce += told.with_ce;
        self.bleached_ect1 += told.bleached_ect1;
    }
}
