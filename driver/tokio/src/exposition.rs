//! What an operator watches: how many connections there are in which state, and what they did.

use std::fmt::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::endpoint::{EndpointStats, Shared};
use crate::metrics::Traffic;

/// What the connections of an [`Endpoint`](crate::Endpoint) did so far and are at the moment:
/// [`Endpoint::metrics`](crate::Endpoint::metrics). Its text is what Prometheus reads; `docs/metrics.md` of the
/// repository says of each name what it is and what to do when it rises.
///
/// ```
/// use duologue_tokio::{Endpoint, EndpointOptions};
///
/// # #[tokio::main]
/// # async fn main() -> std::io::Result<()> {
/// let endpoint = Endpoint::new(EndpointOptions::default())?;
/// let counted = endpoint.count_state("new");
/// let metrics = endpoint.metrics();
/// assert_eq!(metrics.connections("new"), 1);
/// // What a handler of `/metrics` answers, as `text/plain; version=0.0.4`.
/// let text = metrics.to_string();
/// assert!(text.contains("duologue_connections{state=\"new\"} 1"));
/// # drop(counted);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Metrics {
    connections: [u64; STATES.len()],
    /// What all connections so far sent, received and failed at, about a second behind; of one that nothing comes
    /// to, some seconds.
    pub traffic: Traffic,
    /// Datagrams that were lost in this host.
    pub lost_here: EndpointStats,
    /// The sum of the estimates of what the paths of connections carry, in bits per second.
    pub estimate: u64,
    /// How many connections have an estimate.
    pub estimates: u64,
}

impl Metrics {
    pub(crate) fn of(shared: &Shared, lost_here: EndpointStats) -> Self {
        let read = |gauge: &AtomicU64| gauge.load(Ordering::Relaxed);
        Metrics {
            connections: shared.states.0.each_ref().map(read),
            traffic: shared.meters.read(),
            lost_here,
            estimate: read(&shared.gauges.estimate),
            estimates: read(&shared.gauges.estimates),
        }
    }

    /// How many connections are in this `RTCPeerConnectionState`. Closed ones are none any more.
    pub fn connections(&self, state: impl fmt::Display) -> u64 {
        index(&state.to_string()).map_or(0, |at| self.connections[at])
    }
}

/// The exposition format of Prometheus, version 0.0.4.
impl fmt::Display for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        head(f, "connections", "gauge", "Connections by state.")?;
        for (state, count) in STATES.iter().zip(self.connections) {
            writeln!(f, "duologue_connections{{state=\"{state}\"}} {count}")?;
        }
        let help = "Sum of the estimates of what paths carry.";
        head(f, "estimate_bits_per_second", "gauge", help)?;
        writeln!(f, "duologue_estimate_bits_per_second {}", self.estimate)?;
        let help = "Connections that have an estimate.";
        head(f, "estimates", "gauge", help)?;
        writeln!(f, "duologue_estimates {}", self.estimates)?;

        let mut before = "";
        for (name, label, help, value) in COUNTERS {
            if *name != before {
                head(f, &format!("{name}_total"), "counter", help)?;
            }
            before = name;
            writeln!(f, "duologue_{name}_total{label} {}", value(self))?;
        }
        Ok(())
    }
}

/// A name without `duologue_` and `_total`, a label, what it is, and where it is; those of one name together.
type Counter = (
    &'static str,
    &'static str,
    &'static str,
    fn(&Metrics) -> u64,
);

const SENT: &str = "{direction=\"sent\"}";
const RECEIVED: &str = "{direction=\"received\"}";
const DATAGRAMS: &str = "Datagrams of all kinds.";
const BYTES: &str = "Bytes of these datagrams.";
const RTP: &str = "Packets of RTP, without what repairs others.";
const NACKS: &str = "Packets of RTP that were asked for again.";
const KEYS: &str = "Key frames that were asked for.";
const HERE: &str = "Datagrams, or trains of them, that this host lost.";

#[rustfmt::skip]
const COUNTERS: &[Counter] = &[
    ("connections", "", "Connections that were begun.", |it| it.traffic.sessions),
    ("connections_ended", "", "Connections that have ended.", |it| it.traffic.sessions_ended),
    ("ice_failures", "", "ICE came to nothing.", |it| it.traffic.ice_failures),
    ("dtls_failures", "", "DTLS failed.", |it| it.traffic.dtls_failures),
    ("datagrams", SENT, DATAGRAMS, |it| it.traffic.datagrams_sent),
    ("datagrams", RECEIVED, DATAGRAMS, |it| it.traffic.datagrams_received),
    ("datagram_bytes", SENT, BYTES, |it| it.traffic.bytes_sent),
    ("datagram_bytes", RECEIVED, BYTES, |it| it.traffic.bytes_received),
    ("datagrams_refused", "", "Datagrams that no layer took.", |it| it.traffic.datagrams_refused),
    ("rtp_packets", SENT, RTP, |it| it.traffic.rtp_packets_sent),
    ("rtp_packets", RECEIVED, RTP, |it| it.traffic.rtp_packets_received),
    ("rtp_packets_retransmitted", "", "Packets of RTP that were sent again.", |it| it.traffic.rtp_packets_retransmitted),
    ("rtp_packets_lost", "", "Packets of RTP that did not come.", |it| it.traffic.rtp_packets_lost),
    ("rtp_remote_packets_lost", "", "Packets of RTP that the other ends have not got.", |it| it.traffic.rtp_remote_packets_lost),
    ("rtp_packets_discarded", "", "Packets of RTP that went nowhere.", |it| it.traffic.rtp_packets_discarded),
    ("rtp_nacks", SENT, NACKS, |it| it.traffic.rtp_nacks_sent),
    ("rtp_nacks", RECEIVED, NACKS, |it| it.traffic.rtp_nacks_received),
    ("key_frame_requests", SENT, KEYS, |it| it.traffic.key_frame_requests_sent),
    ("key_frame_requests", RECEIVED, KEYS, |it| it.traffic.key_frame_requests_received),
    ("lost_here", "{cause=\"send_error\"}", HERE, |it| it.lost_here.send_errors),
    ("lost_here", "{cause=\"send_overflow\"}", HERE, |it| it.lost_here.send_overflows),
    ("lost_here", "{cause=\"send_conflict\"}", HERE, |it| it.lost_here.send_conflicts),
    ("lost_here", "{cause=\"receive_error\"}", HERE, |it| it.lost_here.receive_errors),
    ("lost_here", "{cause=\"unroutable\"}", HERE, |it| it.lost_here.unroutable),
    ("lost_here", "{cause=\"queue_overflow\"}", HERE, |it| it.lost_here.queue_overflows),
    ("lost_here", "{cause=\"stream_overflow\"}", HERE, |it| it.lost_here.stream_overflows),
    ("records_lost", "", "Entries of the event log and the packet capture that were not written.", |it| it.lost_here.records_lost),
];

fn head(f: &mut impl Write, name: &str, kind: &str, help: &str) -> fmt::Result {
    writeln!(f, "# HELP duologue_{name} {help}")?;
    writeln!(f, "# TYPE duologue_{name} {kind}")
}

/// How many connections are in which state.
#[derive(Debug, Default)]
pub(crate) struct States([AtomicU64; STATES.len()]);

/// One connection among those that its endpoint counts by state: [`Endpoint::count_state`](crate::Endpoint::count_state).
/// Dropped it is in none.
pub struct StateCount {
    shared: Arc<Shared>,
    /// None: it is closed.
    at: Option<usize>,
}

impl StateCount {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        StateCount { shared, at: None }
    }

    /// Says that the connection is in this `RTCPeerConnectionState` from now on.
    pub fn set(&mut self, state: &str) {
        self.go_to(index(state));
    }

    fn go_to(&mut self, at: Option<usize>) {
        let states = &self.shared.states.0;
        let before = std::mem::replace(&mut self.at, at);
        if let Some(at) = at {
            states[at].fetch_add(1, Ordering::Relaxed);
        }
        if let Some(before) = before {
            states[before].fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Drop for StateCount {
    fn drop(&mut self) {
        self.go_to(None);
    }
}

impl fmt::Debug for StateCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.at.map(|at| STATES[at]);
        f.debug_tuple("StateCount").field(&state).finish()
    }
}

/// All that a connection can be in while there is one (webrtc-pc §4.3.3).
const STATES: [&str; 5] = ["new", "connecting", "connected", "disconnected", "failed"];

fn index(state: &str) -> Option<usize> {
    STATES.iter().position(|it| *it == state)
}
