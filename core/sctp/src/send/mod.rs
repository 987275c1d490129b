//! From messages to chunks: what waits (`queue`, `scheduler`, `messages`), what is under way
//! (`in_flight`), what SACKs say of it (`acknowledged`), what is lost (`recovery`), what is given
//! up (`abandon`), how large packets may be (`path_mtu`), and what is written (`transmit`).

mod abandon;
mod acknowledged;
mod in_flight;
mod messages;
mod path_mtu;
mod queue;
mod recovery;
mod rtt;
mod scheduler;
mod transmit;

use std::time::Duration;

use duologue_base::{Instant, Seq32};

use self::in_flight::InFlight;
use self::path_mtu::PathMtu;
use self::recovery::Recovery;
use self::rtt::Rtt;
use self::transmit::Evenness;
use crate::Config;
use crate::congestion::{Controller, Pacer};
use crate::tsn::Tsn;

pub(crate) use messages::{Expiry, OutMessage};
pub(crate) use path_mtu::PROBE_INFO;
pub(crate) use queue::SendQueue;
pub(crate) use transmit::Permission;

/// The sending half of an association that is set up.
#[derive(Debug)]
pub(crate) struct Sender {
    in_flight: InFlight,
    recovery: Recovery,
    rtt: Rtt,
    controller: Controller,
    pacer: Pacer,
    path_mtu: PathMtu,
    /// The peer said that it knows PAD chunks. Some that do not fail at one (werift 0.24).
    takes_padding: bool,
    /// Bytes per second, whatever the controller allows: a share of a path that others use, too.
    rate_cap: Option<u64>,
    delivery: Delivery,
    evenness: Evenness,
    scoreboard: Scoreboard,
    /// I-DATA is in use, and with it I-FORWARD-TSN.
    interleaved: bool,
    /// FORWARD-TSN may be used: without it everything is reliable.
    partial_reliability: bool,
    /// Bytes of started messages beyond which no further ones are begun in between: the peer has
    /// to hold what is incomplete.
    open_limit: usize,
    /// As last advertised.
    peer_window: usize,
    window: Window,
    /// Everything up to here is acknowledged or given up (RFC 3758 §3.5).
    advanced: Tsn,
    forward: Forward,
    counters: SendCounters,
}

/// The gap-ack blocks of the last SACK, and a list to put the next one's in.
#[derive(Debug, Default)]
struct Scoreboard {
    ranges: Vec<(Tsn, Tsn)>,
    spare: Vec<(Tsn, Tsn)>,
}

/// Whether the peer takes anything (RFC 9260 §6.1 A).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Window {
    Open,
    /// It has everything and wants no more. It is asked now and then with one packet; at once, if
    /// there is no time for the next.
    Shut {
        probes: u32,
        next_at: Option<Instant>,
    },
}

/// Whether a FORWARD-TSN is to be sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Forward {
    /// The peer knows everything.
    Idle,
    Due,
    Sent {
        at: Instant,
    },
}

/// Counts what is delivered, for rate samples (draft-ietf-ccwg-bbr §4.1).
#[derive(Debug)]
struct Delivery {
    bytes: u64,
    at: Instant,
    /// When the first packet of the current sample was sent.
    first_sent_at: Instant,
    last_sent_at: Option<Instant>,
    /// Until this many bytes are delivered, the application is what limits the rate.
    app_limited_until: u64,
    /// The last packet left more behind to send.
    backlogged: bool,
    /// The window kept something from being sent since the last SACK.
    window_limited: bool,
}

/// What statistics count.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SendCounters {
    pub(crate) chunks_retransmitted: u64,
    pub(crate) spurious_retransmissions: u64,
    pub(crate) timeouts: u64,
}

impl Sender {
    pub(crate) fn new(
        config: &Config,
        now: Instant,
        initial_tsn: Seq32,
        peer_window: usize,
        (interleaved, partial_reliability): (bool, bool),
        seed: u32,
    ) -> Self {
        let first = Tsn::initial(initial_tsn);
        Sender {
            in_flight: InFlight::new(first),
            recovery: Recovery::new(first),
            rtt: Rtt::new(&config.timers),
            controller: Controller::new(config.congestion, config.mtu, config.max_burst, seed),
            pacer: Pacer::new(now, config.mtu, config.max_burst),
            path_mtu: PathMtu::new(config.mtu, 0),
            takes_padding: false,
            rate_cap: None,
            delivery: Delivery {
                bytes: 0,
                at: now,
                first_sent_at: now,
                last_sent_at: None,
                app_limited_until: 0,
                backlogged: false,
                window_limited: false,
            },
            evenness: Evenness::default(),
            scoreboard: Scoreboard::default(),
            interleaved,
            partial_reliability,
            open_limit: peer_window / 2,
            peer_window,
            window: Window::Open,
            advanced: first.previous(),
            forward: Forward::Idle,
            counters: SendCounters::default(),
        }
    }

    /// The last TSN given to a chunk.
    pub(crate) fn last_tsn(&self) -> Tsn {
        self.in_flight.next_tsn().previous()
    }

    /// The peer has everything through this one.
    pub(crate) fn acknowledged(&self) -> Tsn {
        self.in_flight.base().previous()
    }

    /// Has the peer acknowledge at once what is under way. If the last packet did not ask for that, a
    /// probe does (RFC 8985 §7.3), unless more packets follow anyway.
    pub(crate) fn ask_for_sack(&mut self) {
        let follows = self.recovery.tail_is_immediate || self.delivery.backlogged;
        if !self.in_flight.is_empty() && !follows {
            self.recovery.probe_due = true;
        }
    }

    /// Nothing waits for an acknowledgement.
    pub(crate) fn is_idle(&self) -> bool {
        self.in_flight.is_empty()
    }

    /// The peer has acknowledged nothing.
    pub(crate) fn is_unheard(&self) -> bool {
        self.delivery.bytes == 0
    }

    pub(crate) fn unacknowledged(&self) -> (usize, usize) {
        (self.in_flight.outstanding_bytes(), self.in_flight.len())
    }

    pub(crate) fn interleaved(&self) -> bool {
        self.interleaved
    }

    /// Whether chunks are I-DATA, and whether the peer lets us give up.
    pub(crate) fn features(&self) -> (bool, bool) {
        (self.interleaved, self.partial_reliability)
    }

    /// The peer introduced itself anew.
    pub(crate) fn set_peer_window(&mut self, window: usize) {
        self.open_limit = window / 2;
        self.peer_window = window;
        self.window = Window::Open;
    }

    pub(crate) fn peer_window(&self) -> usize {
        self.peer_window
            .saturating_sub(self.in_flight.outstanding_bytes())
    }

    /// As the peer last said.
    pub(crate) fn advertised_peer_window(&self) -> usize {
        self.peer_window
    }

    pub(crate) fn rto_max(&self) -> Duration {
        self.rtt.rto_max()
    }

    /// Everything under way leaves again with the next packets.
    pub(crate) fn send_again(&mut self, queue: &mut SendQueue) {
        if !self.in_flight.is_empty() {
            self.lose_all(false, queue);
        }
    }

    pub(crate) fn window(&self) -> usize {
        self.controller.window()
    }

    pub(crate) fn pacing_rate(&self) -> Option<u64> {
        self.controller.pacing_rate()
    }

    pub(crate) fn set_rate_cap(&mut self, cap: Option<u64>) {
        self.rate_cap = cap;
    }

    /// Something waits that was not sent, or is to be sent again.
    pub(crate) fn has_backlog(&mut self, queue: &SendQueue) -> bool {
        !queue.is_empty() || self.in_flight.next_lost().is_some()
    }

    pub(crate) fn smoothed_rtt(&self) -> Option<Duration> {
        self.rtt.smoothed()
    }

    pub(crate) fn min_rtt(&self) -> Option<Duration> {
        self.rtt.min()
    }

    pub(crate) fn rto(&self) -> Duration {
        self.rtt.rto(0)
    }

    /// Bytes of packets that were shown to arrive.
    pub(crate) fn packet_size(&self) -> usize {
        self.path_mtu.size()
    }

    /// Packets take another path, which may carry less.
    pub(crate) fn forget_packet_size(&mut self, largest: usize) {
        let largest = if self.takes_padding { largest } else { 0 };
        self.path_mtu.handle_new_path(self.delivery.bytes, largest);
    }

    /// Begins to find out anew what the path takes.
    pub(crate) fn restart_congestion_control(&mut self, config: &Config, now: Instant, seed: u32) {
        self.controller = Controller::new(config.congestion, config.mtu, config.max_burst, seed);
        self.pacer = Pacer::new(now, config.mtu, config.max_burst);
    }

    /// Whether the peer takes what probes are made of.
    pub(crate) fn allow_probes(&mut self, allowed: bool, largest: usize) {
        if self.takes_padding != allowed {
            self.takes_padding = allowed;
            self.forget_packet_size(largest);
        }
    }

    /// A probe of the path that is due: its size, and what its HEARTBEAT carries.
    pub(crate) fn poll_probe(&mut self, now: Instant) -> Option<(usize, [u8; PROBE_INFO])> {
        self.path_mtu.poll_probe(now)
    }

    /// A HEARTBEAT ACK carries this; whether it is of such a probe.
    pub(crate) fn handle_probe_ack(&mut self, now: Instant, info: &[u8]) -> bool {
        self.path_mtu.handle_ack(now, info)
    }

    /// A HEARTBEAT ACK measured the path.
    pub(crate) fn on_path_sample(&mut self, rtt: Duration) {
        self.rtt.on_sample(rtt);
        self.recovery.on_round_trip();
        self.recovery.unanswered = 0;
    }

    pub(crate) fn counters(&self) -> SendCounters {
        self.counters
    }

    /// Timeouts since the peer last acknowledged something.
    pub(crate) fn unanswered(&self) -> u32 {
        self.recovery.unanswered
    }

    /// Everything sent is void: the peer began anew.
    pub(crate) fn forget_all(&mut self, queue: &mut SendQueue) {
        while let Some((_, chunk)) = self.in_flight.pop() {
            queue.finish_chunk(chunk.message);
        }
    }

    pub(crate) fn release_memory(&mut self) {
        self.in_flight.release_memory();
        self.scoreboard = Scoreboard::default();
    }
}
