//! A pretended network for the examples that take no time: datagrams arrive a while after they were sent, in their
//! order.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use duologue::sans_io::{Instant, Session};

use super::machines::Sockets;

/// How long a datagram travels.
const DELAY: Duration = Duration::from_millis(10);

/// A datagram on its way.
pub(crate) struct Flight {
    arrives: Instant,
    pub(crate) from: SocketAddr,
    pub(crate) to: SocketAddr,
    pub(crate) bytes: Vec<u8>,
}

/// All that are on their way.
#[derive(Default)]
pub(crate) struct Network(VecDeque<Flight>);

impl Network {
    /// Sockets with pretended ports.
    pub(crate) fn sockets(address: IpAddr) -> Sockets {
        Sockets::new(address, |id, ip| {
            Some(SocketAddr::new(ip, 50_000 + id.0 as u16))
        })
    }

    /// Puts what a session has to send on its way.
    pub(crate) fn take_from(&mut self, now: Instant, sockets: &Sockets, session: &mut Session) {
        sockets.transmit(now, session, |_, from, to, bytes| {
            self.0.push_back(Flight {
                arrives: now + DELAY,
                from,
                to,
                bytes: bytes.to_vec(),
            });
        });
    }

    /// When the next datagram arrives or the next timer is due, if anything is to happen any more.
    pub(crate) fn next_moment<'s>(
        &self,
        now: Instant,
        sessions: impl IntoIterator<Item = &'s mut Session>,
    ) -> Option<Instant> {
        let arrival = self.0.front().map(|flight| flight.arrives);
        let timers = sessions.into_iter().filter_map(Session::poll_timeout);
        Some(timers.chain(arrival).min()?.max(now))
    }

    /// The next datagram that has arrived.
    pub(crate) fn arrived(&mut self, now: Instant) -> Option<Flight> {
        match self.0.front()?.arrives <= now {
            true => self.0.pop_front(),
            false => None,
        }
    }
}
