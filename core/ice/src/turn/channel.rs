//! A channel to one peer (RFC 8656 §12): bound, refreshed, and bound again when it is needed anew.

use std::net::SocketAddr;

use duologue_base::{Instant, Rng};
use duologue_stun::{ChannelNumber, ErrorCode};

use super::Request;
use crate::limits;

#[derive(Debug)]
pub(super) struct Channel {
    pub(super) peer: SocketAddr,
    pub(super) number: ChannelNumber,
    state: State,
}

#[derive(Debug)]
enum State {
    /// The server is asked for it. If it had said that it has it, it does so until `bound`.
    Binding {
        request: Request,
        bound: Option<Instant>,
    },
    Bound {
        refresh: Instant,
        expires: Instant,
    },
    /// Nobody used it, or the server did not answer or could not: it is asked for when a pair needs it.
    Idle,
    Refused,
}

impl Channel {
    /// One that is being bound.
    pub(super) fn new(
        peer: SocketAddr,
        number: ChannelNumber,
        rng: &mut Rng,
        now: Instant,
    ) -> Self {
        Channel {
            peer,
            number,
            state: State::ask(rng, now, None),
        }
    }

    pub(super) fn is_bound(&self) -> bool {
        matches!(
            self.state,
            State::Bound { .. } | State::Binding { bound: Some(_), .. }
        )
    }

    /// It is being bound, and was not.
    pub(super) fn is_binding(&self) -> bool {
        matches!(self.state, State::Binding { bound: None, .. })
    }

    /// A pair needs it.
    pub(super) fn open(&mut self, rng: &mut Rng, now: Instant) {
        if let State::Idle = self.state {
            self.state = State::ask(rng, now, None);
        }
    }

    /// The server has it.
    pub(super) fn bind(&mut self, now: Instant) {
        self.state = State::Bound {
            refresh: now + limits::CHANNEL_REFRESH,
            expires: now + limits::CHANNEL_LIFETIME,
        };
    }

    /// The server gives an error. One that passes leaves a bound channel as it is (RFC 8489 §6.3.4).
    pub(super) fn refuse(&mut self, now: Instant, code: ErrorCode) {
        self.state = match self.state {
            State::Binding { bound, .. } if passes(code) => match bound {
                Some(expires) => State::Bound {
                    refresh: now + limits::TURN_RETRY,
                    expires,
                },
                None => State::Idle,
            },
            _ => State::Refused,
        };
    }

    pub(super) fn request(&self) -> Option<&Request> {
        match &self.state {
            State::Binding { request, .. } => Some(request),
            _ => None,
        }
    }

    pub(super) fn request_mut(&mut self) -> Option<&mut Request> {
        match &mut self.state {
            State::Binding { request, .. } => Some(request),
            _ => None,
        }
    }

    /// Time passes. What nobody uses expires at the server.
    pub(super) fn handle_timeout(
        &mut self,
        now: Instant,
        rng: &mut Rng,
        in_use: impl FnOnce(SocketAddr) -> bool,
    ) {
        let (bound, is_due) = match &self.state {
            State::Binding { request, bound } => (*bound, request.attempt.is_over(now)),
            State::Bound { refresh, expires } => (Some(*expires), *refresh <= now),
            State::Idle | State::Refused => return,
        };
        let has_expired = bound.is_some_and(|expires| expires <= now);
        if !is_due && !has_expired {
            return;
        }
        // It is asked until the channel expires, as about the allocation, and then for a new one.
        self.state = match bound {
            Some(expires) if in_use(self.peer) => {
                State::ask(rng, now, Some(expires).filter(|_| !has_expired))
            }
            _ => State::Idle,
        };
    }

    /// When something changes that no request is about.
    pub(super) fn timeout(&self) -> Option<Instant> {
        match self.state {
            State::Binding { bound, .. } => bound,
            State::Bound { refresh, expires } => Some(refresh.min(expires)),
            State::Idle | State::Refused => None,
        }
    }
}

/// RFC 8489 §6.3.4: the same request may succeed later.
pub(super) fn passes(code: ErrorCode) -> bool {
    code.0 >= 500 || code == ErrorCode::STALE_NONCE
}

impl State {
    fn ask(rng: &mut Rng, now: Instant, bound: Option<Instant>) -> Self {
        State::Binding {
            request: Request::new(rng, now),
            bound,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_that_expires_in_use_is_asked_for_at_once() {
        let (peer, number) = ("192.0.2.1:1".parse().unwrap(), ChannelNumber::FIRST);
        let mut rng = Rng::from_u64(1);
        let bound_at = Instant::ZERO;
        for in_use in [true, false] {
            let mut channel = Channel::new(peer, number, &mut rng, bound_at);
            channel.bind(bound_at);
            let expired = bound_at + limits::CHANNEL_LIFETIME;
            channel.handle_timeout(expired, &mut rng, |_| in_use);
            assert!(!channel.is_bound());
            assert_eq!(channel.is_binding(), in_use);
        }
    }
}
