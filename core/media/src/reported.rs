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
