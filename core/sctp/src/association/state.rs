use std::collections::VecDeque;

use duologue_base::{Instant, Rng, Seq32};

use super::heartbeat::Heartbeat;
use super::retry::Retry;
use super::stream_reset::StreamReset;
use crate::limits::{MAX_PENDING_REPLIES, MAX_UNRECOGNIZED};
use crate::packet::Init;
use crate::receive::{Acknowledge, InStreams, Tracker};
use crate::send::Sender;
use crate::{AssociationState, Config};

/// The states of RFC 9260 §4, with what each of them needs.
#[derive(Debug)]
pub(crate) enum State {
    /// CLOSED, before anything was sent.
    Idle,
    /// COOKIE-WAIT: the INIT is under way.
    CookieWait(Calling),
    /// The peer is known.
    Open(Box<Open>),
    /// CLOSED for good.
    Closed,
}

/// What we do while the peer is not known.
#[derive(Debug)]
pub(crate) struct Calling {
    pub(crate) retry: Retry,
    /// What went with a cookie that came too late, to be sent again with the next one.
    pub(crate) under_way: Option<Box<Sender>>,
}

/// What we are called by: the same towards an INIT that comes and in the one we send, so that
/// simultaneous openings meet (RFC 9260 §5.2.1).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Identity {
    /// The tag that packets to us carry; not zero.
    pub(crate) tag: u32,
    pub(crate) initial_tsn: Seq32,
}

impl Identity {
    pub(crate) fn draw(rng: &mut Rng) -> Self {
        Identity {
            tag: rng.u32().max(1),
            initial_tsn: Seq32(rng.u32()),
        }
    }

    /// How an association of this configuration calls by it.
    pub(crate) fn init(self, config: &Config) -> Init<'static> {
        Init {
            tag: self.tag,
            receive_window: u32::try_from(config.receive_window).unwrap_or(u32::MAX),
            outbound_streams: config.streams,
            inbound_streams: config.streams,
            initial_tsn: self.initial_tsn,
            support: config.support(),
            cookie: None,
            unrecognized: [None; MAX_UNRECOGNIZED],
        }
    }
}

/// An association whose peer is known: the transmission control block of RFC 9260 §14.
#[derive(Debug)]
pub(crate) struct Open {
    pub(crate) phase: Phase,
    pub(crate) local: Identity,
    /// The tag that packets to the peer carry.
    pub(crate) peer_tag: u32,
    pub(crate) outbound_streams: u16,
    pub(crate) inbound_streams: u16,
    /// The peer accepts packets without checksum, and so do we.
    pub(crate) zero_checksum: bool,
    /// The peer resets streams (RFC 6525).
    pub(crate) reconfiguration: bool,
    pub(crate) sender: Sender,
    pub(crate) tracker: Tracker,
    pub(crate) in_streams: InStreams,
    pub(crate) acknowledge: Acknowledge,
    /// The window that the last SACK gave.
    pub(crate) advertised_window: usize,
    pub(crate) reset: StreamReset,
    pub(crate) heartbeat: Heartbeat,
    /// The peer may have lost its state: there is no data until it shows what it knows.
    pub(crate) unconfirmed: Option<Unconfirmed>,
    /// Chunks to send with the next packets: answers, encoded already.
    pub(crate) control: VecDeque<Vec<u8>>,
}

/// Why the peer may not know the association any more.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Unconfirmed {
    /// It is reached on another path. At this moment it is taken to have kept its state.
    OnNewPath(Instant),
    /// It sent an ABORT when it was expected to start over. At this moment the ABORT counts.
    Aborted { until: Instant, cause: Option<u16> },
}

impl Unconfirmed {
    pub(crate) fn until(self) -> Instant {
        match self {
            Unconfirmed::OnNewPath(until) | Unconfirmed::Aborted { until, .. } => until,
        }
    }
}

/// The states in which the peer is known.
#[derive(Debug)]
pub(crate) enum Phase {
    /// COOKIE-ECHOED: the cookie goes back to the peer.
    CookieEchoed { cookie: Vec<u8>, retry: Retry },
    /// ESTABLISHED
    Established,
    /// SHUTDOWN-PENDING: what is queued is still delivered.
    ShutdownPending,
    /// SHUTDOWN-SENT
    ShutdownSent(Retry),
    /// SHUTDOWN-RECEIVED: what is queued is still delivered.
    ShutdownReceived,
    /// SHUTDOWN-ACK-SENT
    ShutdownAckSent(Retry),
}

impl Calling {
    pub(crate) fn new(under_way: Option<Box<Sender>>) -> Self {
        Calling {
            retry: Retry::now(),
            under_way,
        }
    }
}

/// Every change of the state but the last, which has a reason.
pub(crate) fn log_change(before: &str, after: &str) {
    tracing::debug!("SCTP: {before} -> {after}");
}

impl State {
    /// The name of RFC 9260 §4.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            State::Idle | State::Closed => "CLOSED",
            State::CookieWait(_) => "COOKIE-WAIT",
            State::Open(open) => open.phase.name(),
        }
    }

    pub(crate) fn summary(&self) -> AssociationState {
        match self {
            State::Idle => AssociationState::Idle,
            State::CookieWait(_) => AssociationState::Connecting,
            State::Closed => AssociationState::Closed,
            State::Open(open) => match open.phase {
                Phase::CookieEchoed { .. } => AssociationState::Connecting,
                Phase::Established => AssociationState::Connected,
                Phase::ShutdownPending
                | Phase::ShutdownSent(_)
                | Phase::ShutdownReceived
                | Phase::ShutdownAckSent(_) => AssociationState::ShuttingDown,
            },
        }
    }
}

impl Open {
    pub(crate) fn set_phase(&mut self, phase: Phase) {
        log_change(self.phase.name(), phase.name());
        self.phase = phase;
    }

    /// Neither side has taken data of the other's, as far as is known here.
    pub(crate) fn is_unused(&self) -> bool {
        let before_shutdown = matches!(self.phase, Phase::CookieEchoed { .. } | Phase::Established);
        before_shutdown && self.sender.is_unheard() && self.tracker.is_fresh()
    }

    /// Queues an encoded chunk. A peer that asks for more answers than leave gets fewer.
    pub(crate) fn reply(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        if self.control.len() < MAX_PENDING_REPLIES {
            let mut chunk = Vec::new();
            write(&mut chunk);
            self.control.push_back(chunk);
        }
    }
}

impl Phase {
    /// The name of RFC 9260 §4.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Phase::CookieEchoed { .. } => "COOKIE-ECHOED",
            Phase::Established => "ESTABLISHED",
            Phase::ShutdownPending => "SHUTDOWN-PENDING",
            Phase::ShutdownSent(_) => "SHUTDOWN-SENT",
            Phase::ShutdownReceived => "SHUTDOWN-RECEIVED",
            Phase::ShutdownAckSent(_) => "SHUTDOWN-ACK-SENT",
        }
    }

    /// The application knows that it is set up.
    pub(crate) fn is_set_up(&self) -> bool {
        !matches!(self, Phase::CookieEchoed { .. })
    }

    /// Data may leave (RFC 9260 §6, §9.2).
    pub(crate) fn may_send_data(&self) -> bool {
        matches!(
            self,
            Phase::CookieEchoed { .. }
                | Phase::Established
                | Phase::ShutdownPending
                | Phase::ShutdownReceived
        )
    }

    /// Data is taken (RFC 9260 §6, §9.2).
    pub(crate) fn may_receive_data(&self) -> bool {
        !matches!(self, Phase::ShutdownReceived | Phase::ShutdownAckSent(_))
    }

    /// The application may queue messages.
    pub(crate) fn accepts_messages(&self) -> bool {
        matches!(self, Phase::CookieEchoed { .. } | Phase::Established)
    }

    pub(crate) fn retry_mut(&mut self) -> Option<&mut Retry> {
        match self {
            Phase::CookieEchoed { retry, .. }
            | Phase::ShutdownSent(retry)
            | Phase::ShutdownAckSent(retry) => Some(retry),
            Phase::Established | Phase::ShutdownPending | Phase::ShutdownReceived => None,
        }
    }

    pub(crate) fn retry(&self) -> Option<&Retry> {
        match self {
            Phase::CookieEchoed { retry, .. }
            | Phase::ShutdownSent(retry)
            | Phase::ShutdownAckSent(retry) => Some(retry),
            Phase::Established | Phase::ShutdownPending | Phase::ShutdownReceived => None,
        }
    }
}
