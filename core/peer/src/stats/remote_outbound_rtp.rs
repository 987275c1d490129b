use std::time::Duration;

use duologue_base::TransportKey;
use duologue_session as session;

use super::{Collector, Stats, transport_id};

dictionary! {
    /// What the other end's sender reports told of a stream that it sends; `timestamp` is when the last
    /// one came.
    #[doc(alias = "RTCRemoteOutboundRtpStreamStats")]
    pub struct RemoteOutboundRtpStreamStats {
        /// The stream's SSRC.
        pub ssrc: u32,
        /// `audio` or `video`.
        pub kind: &'static str,
        /// The stream's transport.
        pub transport_id: String,
        /// The stream, as this end receives it.
        pub local_id: String,
        /// Packets sent.
        pub packets_sent: u64,
        /// Bytes of the payloads of packets sent.
        pub bytes_sent: u64,
        /// When the last report was sent, in milliseconds since 1970 by the other end's clock.
        pub remote_timestamp: f64,
        /// Reports that came.
        pub reports_sent: u64,
        /// Seconds, of all measured round trips together (RFC 3611 §4.5).
        pub total_round_trip_time: f64,
        /// How many round trips were measured.
        pub round_trip_time_measurements: u64,
    } optional {
        /// The stream's codec.
        pub codec_id: String,
        /// Seconds, if the last report told it.
        pub round_trip_time: f64,
    }
}

impl Collector {
    /// Gives its id.
    pub(super) fn add_remote_outbound(
        &mut self,
        transport: TransportKey,
        counted: &session::InboundStats,
        report: &session::SenderReportStats,
        (local_id, codec_id): (&String, Option<&String>),
    ) -> String {
        let id = format!("R{local_id}");
        let stats = RemoteOutboundRtpStreamStats {
            id: id.clone(),
            timestamp: self.wall(report.received),
            ssrc: counted.ssrc.0,
            kind: counted.kind.as_str(),
            transport_id: transport_id(transport),
            local_id: local_id.clone(),
            packets_sent: report.packets,
            bytes_sent: report.octets,
            remote_timestamp: report.ntp.wall_clock().unix_millis() as f64,
            reports_sent: report.count,
            total_round_trip_time: report.round_trips.total.as_secs_f64(),
            round_trip_time_measurements: report.round_trips.measurements,
            codec_id: codec_id.cloned(),
            round_trip_time: report.round_trips.last.as_ref().map(Duration::as_secs_f64),
        };
        self.stats.push(Stats::RemoteOutboundRtp(stats));
        id
    }
}
