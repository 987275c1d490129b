//! Responses of this agent's. They are kept as values until they can be written.

use std::net::{IpAddr, SocketAddr};

use duologue_base::{Generation, Transmit};
use duologue_stun::{AttributeType, Class, ErrorCode, Message, Method, TransactionId, Writer};

use crate::agent::Agent;
use crate::generation::Base;
use crate::limits;

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

/// Those with a generation carry the integrity attribute of its local password.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Answer {
    Success(Generation),
    /// 487
    RoleConflict(Generation),
    /// 420
    UnknownAttributes {
        generation: Generation,
        kinds: [AttributeType; limits::UNKNOWN_ATTRIBUTES],
        count: usize,
    },
    /// 400 or 401: there is nothing to prove this with.
    Refused(ErrorCode),
}

impl Agent {
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

    pub(crate) fn write_reply(&mut self, reply: &Reply, out: &mut Vec<u8>) -> Option<Transmit> {
        let local = |generation: Generation| {
            let at = self.index(generation)?;
            Some(&self.generations[at].local.key)
        };
        out.clear();
        let class = match reply.what {
            Answer::Success(_) => Class::SuccessResponse,
            _ => Class::ErrorResponse,
        };
        let mut writer = Writer::new(out, class, Method::BINDING, reply.id);
        match reply.what {
            Answer::Success(generation) => {
                writer
                    .xor_mapped_address(reply.to.remote)
                    .integrity(local(generation)?);
            }
            Answer::RoleConflict(generation) => {
                writer
                    .error_code(ErrorCode::ROLE_CONFLICT)
                    .integrity(local(generation)?);
            }
            Answer::UnknownAttributes {
                generation,
                kinds,
                count,
            } => {
                writer
                    .error_code(ErrorCode::UNKNOWN_ATTRIBUTE)
                    .unknown_attributes(&kinds[..count])
                    .integrity(local(generation)?);
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
