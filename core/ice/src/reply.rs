//! Responses of this agent's. They are kept as values until they can be written.

use std::net::{IpAddr, SocketAddr};

use duologue_base::{Generation, Instant, Transmit};
use duologue_stun::{AttributeType, Class, ErrorCode, Message, Method, TransactionId, Writer};

use crate::agent::Agent;
use crate::generation::{Base, KnownAs};
use crate::limits;
use crate::outbox::Outbox;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Reply {
    to: Sender,
    id: TransactionId,
    what: Answer,
}

/// Where a request came from, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sender {
    pub(crate) base: Base,
    pub(crate) remote: SocketAddr,
    /// The address that it was sent to, when the socket has several.
    pub(crate) local_ip: Option<IpAddr>,
}

/// Those to somebody carry the integrity attribute of the password that he used.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Answer {
    Success(Addressee),
    /// 487
    RoleConflict(Addressee),
    /// 420
    UnknownAttributes {
        to: Addressee,
        kinds: [AttributeType; limits::UNKNOWN_ATTRIBUTES],
        count: usize,
    },
    /// 400 or 401: there is nothing to prove this with.
    Refused(ErrorCode),
}

/// Whom a request was for, by its user name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Addressee {
    pub(crate) generation: Generation,
    pub(crate) name: KnownAs,
}

/// How many refusals may leave now.
#[derive(Debug)]
pub(crate) struct Refusals {
    left: u32,
    /// When the last one was added.
    grown: Instant,
}

impl Default for Refusals {
    fn default() -> Self {
        Refusals {
            left: limits::REFUSALS,
            grown: Instant::ZERO,
        }
    }
}

impl Refusals {
    pub(crate) fn take(&mut self, now: Instant) -> bool {
        let age = (now - self.grown).as_nanos() / limits::REFUSAL_INTERVAL.as_nanos();
        if age > 0 {
            let more = u32::try_from(age).unwrap_or(u32::MAX);
            self.left = self.left.saturating_add(more).min(limits::REFUSALS);
            self.grown = now;
        }
        let may = self.left > 0;
        self.left = self.left.saturating_sub(1);
        may
    }
}

impl Agent {
    pub(crate) fn write_reply(&mut self, reply: &Reply, out: &mut Vec<u8>) -> Option<Transmit> {
        let key = |to: Addressee| {
            let at = self.checks.index(to.generation)?;
            Some(&self.checks.generations[at].secret(to.name)?.key)
        };
        out.clear();
        let class = match reply.what {
            Answer::Success(_) => Class::SuccessResponse,
            _ => Class::ErrorResponse,
        };
        let mut writer = Writer::new(out, class, Method::BINDING, reply.id);
        match reply.what {
            Answer::Success(to) => {
                writer.xor_mapped_address(reply.to.remote);
                self.embedding.write(&mut writer);
                writer.integrity(key(to)?);
            }
            Answer::RoleConflict(to) => {
                writer
                    .error_code(ErrorCode::ROLE_CONFLICT)
                    .integrity(key(to)?);
            }
            Answer::UnknownAttributes { to, kinds, count } => {
                writer
                    .error_code(ErrorCode::UNKNOWN_ATTRIBUTE)
                    .unknown_attributes(&kinds[..count])
                    .integrity(key(to)?);
            }
            Answer::Refused(code) => {
                writer.error_code(code);
            }
        }
        writer.fingerprint();
        Some(Transmit {
            local_ip: reply.to.local_ip,
            ..self.address(reply.to.base, reply.to.remote, out)?
        })
    }
}

impl Outbox {
    pub(crate) fn reply(&mut self, to: Sender, message: &Message<'_>, what: Answer) {
        if self.replies.len() >= limits::REPLIES {
            self.counters.over_limit += 1;
            return;
        }
        self.replies.push_back(Reply {
            to,
            id: message.transaction_id(),
            what,
        });
    }
}
