use std::time::Duration;

use duologue_session as session;

use super::{Collector, Stats};

dictionary! {
    /// What the other end's receiver reports told of a stream that is sent to it; `timestamp` is when the
    /// last one came.
    #[doc(alias = "RTCRemoteInboundRtpStreamStats")]
    pub struct RemoteInboundRtpStreamStats {
        /// The stream's SSRC.
        pub ssrc: u32,
        /// `audio` or `video`.
        pub kind: &'static str,
        /// The stream, as this end sends it.
        pub local_id: String,
        /// Packets that came, as far as reports tell it; those that were sent again are left out.
        pub packets_received: u64,
        /// Packets that did not come; negative if packets came twice.
        pub packets_lost: i64,
        /// The part of the packets that did not come, since the report before: from 0 to 1.
        pub fraction_lost: f64,
        /// Seconds, of all measured round trips together.
        pub total_round_trip_time: f64,
        /// How many round trips were measured.
        pub round_trip_time_measurements: u64,
    } optional {
        /// The stream's transport.
        pub transport_id: String,
        /// The stream's codec.
        pub codec_id: String,
        /// How unevenly packets came, in seconds.
        pub jitter: f64,
        /// Seconds, by the last report that told it.
        pub round_trip_time: f64,
        /// Packets that reports of single ones told of as lost (RFC 8888).
        pub packets_reported_as_lost: u64,
        /// Packets that reports of single ones told of as lost, and that came after all.
        pub packets_reported_as_lost_but_recovered: u64,
        /// Packets that came marked as capable of L4S (ECT(1), RFC 9331), by the same reports.
        pub packets_received_with_ect1: u64,
        /// Packets that came marked as having met congestion (RFC 3168).
        pub packets_received_with_ce: u64,
        /// Packets that left with the mark ECT(1) and came without one.
        pub packets_with_bleached_ect1_marking: u64,
    }
}

impl Collector {
    /// Gives its id, if a report came.
    pub(super) fn add_remote_inbound(
        &mut self,
        counted: &session::OutboundStats,
        (local_id, transport_id, codec_id): (&String, Option<&String>, Option<&String>),
    ) -> Option<String> {
        let remote = &counted.remote;
        let (block, received) = remote.block.zip(remote.received)?;
        let id = format!("R{local_id}");
        let reported = counted.reported;
        let clock_rate = counted.codec.as_ref().map(|it| it.codec.clock_rate);
        let clock_rate = clock_rate.filter(|rate| *rate > 0);
        let stats = RemoteInboundRtpStreamStats {
            id: id.clone(),
            timestamp: self.wall(received),
            ssrc: counted.ssrc.0,
            kind: counted.kind.as_str(),
            local_id: local_id.clone(),
            packets_received: remote.packets_received,
            packets_lost: i64::from(block.cumulative_lost),
            fraction_lost: f64::from(block.fraction_lost) / 256.0,
            total_round_trip_time: remote.round_trips.total.as_secs_f64(),
            round_trip_time_measurements: remote.round_trips.measurements,
            transport_id: transport_id.cloned(),
            codec_id: codec_id.cloned(),
            jitter: clock_rate.map(|rate| f64::from(block.jitter) / f64::from(rate)),
            round_trip_time: remote.round_trips.last.as_ref().map(Duration::as_secs_f64),
            packets_reported_as_lost: reported.map(|it| it.lost),
            packets_reported_as_lost_but_recovered: reported.map(|it| it.recovered),
            packets_received_with_ect1: reported.map(|it| it.with_ect1),
            packets_received_with_ce: reported.map(|it| it.with_ce),
            packets_with_bleached_ect1_marking: reported.map(|it| it.bleached_ect1),
        };
        self.stats.push(Stats::RemoteInboundRtp(stats));
        Some(id)
    }
}
