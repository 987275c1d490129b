//! Input from the network: whom it is for.

use std::net::SocketAddr;
use std::ops::Range;

use duologue_base::{Datagram, Instant};
use duologue_stun::{Class, Message, Method, is_stun};

use crate::agent::{Agent, normalized};
use crate::generation::Base;
use crate::reply::Sender;

/// What a datagram was.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Input {
    /// A message to the agent, which took it.
    Handled,
    /// A datagram on a socket that is none of this agent's.
    Unknown,
    /// Data for what runs over ICE.
    Data {
        /// The other agent's address, also when a TURN server forwarded the data.
        remote: SocketAddr,
        /// Where it is in the datagram.
        range: Range<usize>,
    },
}

impl Agent {
    /// A datagram arrived at one of this agent's sockets: STUN, TURN, or data, which is given
    /// back.
    pub fn handle_datagram(&mut self, now: Instant, datagram: &Datagram, bytes: &[u8]) -> Input {
        let of_socket = |base: &&Base| base.socket == Some(datagram.socket);
        let base = match self.local.bases.iter().find(of_socket) {
            Some(base) => Some(*base),
            None => self.local.stream_of(datagram.socket).map(|(base, _)| base),
        };
        // Of a stream to a server only the server is at the other end: it has no base.
        if base.is_none() && !self.local.is_server_stream(datagram.socket) {
            return Input::Unknown;
        }

        let remote = normalized(datagram.remote);
        if let Some((base, remote, range)) = self.local.unwrap_relayed(datagram, bytes) {
            let inner = &bytes[range.clone()];
            if !is_stun(inner) {
                return Input::Data { remote, range };
            }
            let sender = Sender {
                base,
                remote,
                local_ip: None,
            };
            self.handle_message(now, sender, Message::parse(inner).ok());
            return Input::Handled;
        }

        if base.is_some() && !is_stun(bytes) {
            let range = 0..bytes.len();
            return Input::Data { remote, range };
        }
        let message = Message::parse(bytes).ok();
        if let Some(message) = &message
            && (self.handle_probe_response(now, datagram, message)
                || self.handle_turn_response(now, datagram, message))
        {
            return Input::Handled;
        }

        match base {
            Some(base) => {
                let sender = Sender {
                    base,
                    remote,
                    local_ip: datagram.local_ip,
                };
                self.handle_message(now, sender, message);
            }
            None => self.outbox.counters.stray_responses += 1,
        }
        Input::Handled
    }

    /// What the other agent sent, if it is a message.
    fn handle_message(&mut self, now: Instant, sender: Sender, message: Option<Message<'_>>) {
        let Some(message) = message.filter(|message| message.method() == Method::BINDING) else {
            self.outbox.counters.malformed += 1;
            return;
        };
        match message.class() {
            Class::Request => self.handle_request(now, sender, &message),
            // RFC 8445 §11: a keepalive.
            Class::Indication => {}
            Class::SuccessResponse | Class::ErrorResponse => {
                self.handle_response(now, sender.base, sender.remote, &message);
            }
        }
    }
}
