//! What the sessions of an endpoint did, summed up for whoever operates it.

use std::sync::atomic::{AtomicU64, Ordering};

use duologue_base::Instant;
use duologue_session::{DtlsReport, Report, Session, TransportReport};

use crate::limits::METRICS_INTERVAL;

/// The fields, their atomics, and what differs of two of them.
macro_rules! traffic {
    ($($(#[doc = $doc:literal])+ $field:ident,)+) => {
        /// What all sessions of an endpoint did so far, those that have ended included. Counters only grow;
        /// each session adds what it counted about once a second, and at its end.
        #[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
        #[non_exhaustive]
        pub struct Traffic {
            $($(#[doc = $doc])+ pub $field: u64,)+
        }

        #[derive(Debug, Default)]
        pub(crate) struct Meters {
            $($field: AtomicU64,)+
        }

        impl Meters {
            /// What a session counted since it told `before`.
            fn add(&self, now: &Traffic, before: &Traffic) {
                // A stream that ended took its counts with it: what is left may be less.
                $(self.$field.fetch_add(now.$field.saturating_sub(before.$field), Ordering::Relaxed);)+
            }

            pub(crate) fn read(&self) -> Traffic {
                Traffic { $($field: self.$field.load(Ordering::Relaxed),)+ }
            }
        }
    };
}

traffic! {
    /// Sessions that were begun.
    sessions,
    /// Sessions that have ended.
    sessions_ended,
    /// How often ICE of a transport came to the state `failed`.
    ice_failures,
    /// Handshakes and connections of DTLS that failed.
    dtls_failures,
    /// Datagrams sent.
    datagrams_sent,
    /// Datagrams received, also such as nobody took.
    datagrams_received,
    /// Bytes of the datagrams sent.
    bytes_sent,
    /// Bytes of the datagrams received.
    bytes_received,
    /// Datagrams that no layer took: of strangers, of another protocol, or without the right key.
    datagrams_refused,
    /// Packets of RTP sent, those below left out.
    rtp_packets_sent,
    /// Packets of RTP sent again because the other end asked for them.
    rtp_packets_retransmitted,
    /// Packets of RTP received, what repairs others left out.
    rtp_packets_received,
    /// Packets of RTP that never came, repaired or not.
    rtp_packets_lost,
    /// Packets of RTP that the other ends say they have not got.
    rtp_remote_packets_lost,
    /// Packets of RTP that were asked for again.
    rtp_nacks_sent,
    /// Packets of RTP that the other ends asked for again.
    rtp_nacks_received,
    /// Key frames that were asked for.
    key_frame_requests_sent,
    /// Key frames that the other ends asked for.
    key_frame_requests_received,
    /// Packets of media that were received or given to be sent, and went nowhere.
    rtp_packets_discarded,
}

/// Of all sessions at the moment: what can fall.
#[derive(Debug, Default)]
pub(crate) struct Gauges {
    /// The sum of their estimates, and how many have one.
    pub(crate) estimate: AtomicU64,
    pub(crate) estimates: AtomicU64,
}

/// What one session has told the meters of its endpoint.
#[derive(Debug, Default)]
pub(crate) struct Told {
    traffic: Traffic,
    estimate: u64,
    ice_failures: u64,
    dtls_failures: u64,
    due: Instant,
}

impl Told {
    /// Of a session that begins.
    pub(crate) fn begin(meters: &Meters) -> Self {
        let traffic = Traffic {
            sessions: 1,
            ..Traffic::default()
        };
        meters.add(&traffic, &Traffic::default());
        Told {
            traffic,
            ..Told::default()
        }
    }

    /// What the session reports of its transports.
    pub(crate) fn handle_report(&mut self, report: &Report) {
        let Report::Transport(_, report) = report else {
            return;
        };
        match report {
            TransportReport::IceState {
                failure: Some(_), ..
            } => self.ice_failures += 1,
            TransportReport::DtlsState {
                state: DtlsReport::Failed { .. },
            } => self.dtls_failures += 1,
            _ => {}
        }
    }

    /// Whether some time has gone by since the last time.
    pub(crate) fn is_due(&self, now: Instant) -> bool {
        now >= self.due
    }

    /// Adds what the session counted since the last time.
    pub(crate) fn tell(
        &mut self,
        now: Instant,
        session: &Session,
        meters: &Meters,
        gauges: &Gauges,
    ) {
        self.due = now + METRICS_INTERVAL;
        let (counters, media) = (session.counters(), session.media_totals());
        let traffic = Traffic {
            sessions: 1,
            sessions_ended: 0,
            ice_failures: self.ice_failures,
            dtls_failures: self.dtls_failures,
            datagrams_sent: counters.datagrams_sent,
            datagrams_received: counters.datagrams_received,
            bytes_sent: counters.bytes_sent,
            bytes_received: counters.bytes_received,
            datagrams_refused: counters.stray_stun
                + counters.unknown_source
                + counters.unexpected_srtp
                + counters.refused_srtp
                + counters.unknown_protocol,
            rtp_packets_sent: media.packets_sent,
            rtp_packets_retransmitted: media.packets_retransmitted,
            rtp_packets_received: media.packets_received,
            rtp_packets_lost: media.packets_lost,
            rtp_remote_packets_lost: media.remote_packets_lost,
            rtp_nacks_sent: media.nacks_sent,
            rtp_nacks_received: media.nacks_received,
            key_frame_requests_sent: media.key_frame_requests_sent,
            key_frame_requests_received: media.key_frame_requests_received,
            rtp_packets_discarded: media.packets_discarded,
        };
        meters.add(&traffic, &self.traffic);
        self.traffic = traffic;
        self.set_estimate(media.estimate, gauges);
    }

    /// The session is over.
    pub(crate) fn end(&mut self, meters: &Meters, gauges: &Gauges) {
        self.set_estimate(0, gauges);
        let ended = Traffic {
            sessions_ended: 1,
            ..Traffic::default()
        };
        meters.add(&ended, &Traffic::default());
    }

    fn set_estimate(&mut self, estimate: u64, gauges: &Gauges) {
        let change = |gauge: &AtomicU64, now: u64, before: u64| {
            // Each session takes away no more than it added: the sum is right modulo 2^64.
            gauge.fetch_add(now.wrapping_sub(before), Ordering::Relaxed);
        };
        change(&gauges.estimate, estimate, self.estimate);
        let is = |estimate| u64::from(estimate > 0);
        change(&gauges.estimates, is(estimate), is(self.estimate));
        self.estimate = estimate;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_never_fall_though_a_stream_that_ends_takes_its_counts_with_it() {
        let (meters, told) = (Meters::default(), |packets| Traffic {
            rtp_packets_sent: packets,
            ..Traffic::default()
        });
        for (before, now, sum) in [(0, 10, 10), (10, 4, 10), (4, 6, 12)] {
            meters.add(&told(now), &told(before));
            assert_eq!(meters.read().rtp_packets_sent, sum);
        }
    }

    #[test]
    fn the_estimates_of_sessions_come_and_go() {
        let gauges = Gauges::default();
        let (mut one, mut other) = (Told::default(), Told::default());
        one.set_estimate(300, &gauges);
        other.set_estimate(500, &gauges);
        one.set_estimate(100, &gauges);
        let read = |gauge: &AtomicU64| gauge.load(Ordering::Relaxed);
        assert_eq!((read(&gauges.estimate), read(&gauges.estimates)), (600, 2));
        other.set_estimate(0, &gauges);
        assert_eq!((read(&gauges.estimate), read(&gauges.estimates)), (100, 1));
    }
}
