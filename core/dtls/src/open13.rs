//! What DTLS 1.3 still says after the handshake: KeyUpdate, and tickets that nobody wants.

use std::mem;

use duologue_base::{DtlsRole, Instant};

use crate::crypto::schedule::{next_traffic, traffic_keys};
use crate::handshake13::{DATA_EPOCH, Traffic};
use crate::limits::OLD_KEYS;
use crate::link::Link;
use crate::message::kind;
use crate::reassembly::Message;
use crate::{Alert, DtlsError};

/// What DTLS 1.3 may still do after the handshake.
#[derive(Debug)]
pub(crate) struct Open13 {
    traffic: Traffic,
    /// The handshake's keys, or those before a KeyUpdate of the peer's.
    before: Before,
    /// We said a KeyUpdate, whose keys are used when it has arrived.
    updates: bool,
}

/// Whether what the peer said under keys before its newest ones can be read.
#[derive(Debug)]
enum Before {
    /// The peer has not used its newest keys yet, as far as came: our ACK may be lost (RFC 9147 §8).
    InUse,
    /// What was delayed, or is repeated, comes until then.
    Until(Instant),
    Forgotten,
}

/// RFC 8446 §4.6.3.
const UPDATE_NOT_REQUESTED: u8 = 0;
const UPDATE_REQUESTED: u8 = 1;

impl Open13 {
    pub(crate) fn new(traffic: Traffic) -> Self {
        Open13 {
            traffic,
            before: Before::InUse,
            updates: false,
        }
    }

    pub(crate) fn handle(&mut self, link: &mut Link, message: &Message) -> Result<(), DtlsError> {
        // It is acknowledged at once.
        link.ack_due = Some(link.now);
        match (message.kind, &message.body[..]) {
            // Nothing is resumed here.
            (kind::NEW_SESSION_TICKET, _) if link.role == DtlsRole::Client => Ok(()),
            (kind::KEY_UPDATE, [request @ (UPDATE_NOT_REQUESTED | UPDATE_REQUESTED)]) => {
                // RFC 9147 §8: in the newest epoch of the peer's.
                if message.epoch != link.records.opening_epoch() {
                    return Err(DtlsError::misbehaved(Alert::UNEXPECTED_MESSAGE));
                }
                let hash = self.traffic.suite.hash;
                self.traffic.opening = next_traffic(hash, &self.traffic.opening);
                let keys = traffic_keys(self.traffic.suite, &self.traffic.opening)?;
                link.records.install_opening(message.epoch + 1, keys);
                self.before = Before::InUse;
                match *request {
                    UPDATE_REQUESTED => self.update(link),
                    _ => Ok(()),
                }
            }
            (kind::KEY_UPDATE, [_]) => Err(DtlsError::misbehaved(Alert::ILLEGAL_PARAMETER)),
            (kind::KEY_UPDATE, _) => Err(DtlsError::misbehaved(Alert::DECODE_ERROR)),
            _ => Err(DtlsError::misbehaved(Alert::UNEXPECTED_MESSAGE)),
        }
    }

    /// A KeyUpdate is under way: there is nothing else to go on with in the end.
    pub(crate) fn is_updating(&self) -> bool {
        self.updates
    }

    /// RFC 9147 §8: says a KeyUpdate, unless one is under way.
    pub(crate) fn update(&mut self, link: &mut Link) -> Result<(), DtlsError> {
        if self.updates || !link.flight.has_arrived() {
            return Ok(());
        }
        self.updates = true;
        link.flight.begin();
        let body = vec![UPDATE_NOT_REQUESTED];
        link.flight
            .add(link.records.sealing_epoch(), kind::KEY_UPDATE, body);
        link.send_flight(true)
    }

    /// Our flight has arrived: the client's last one, or a KeyUpdate.
    pub(crate) fn flight_arrived(&mut self, link: &mut Link) -> Result<(), DtlsError> {
        if mem::take(&mut self.updates) {
            let hash = self.traffic.suite.hash;
            self.traffic.sealing = next_traffic(hash, &self.traffic.sealing);
            let keys = traffic_keys(self.traffic.suite, &self.traffic.sealing)?;
            let epoch = link.records.sealing_epoch() + 1;
            link.records.install_sealing(epoch, keys);
        }
        link.records.retire_sealing();
        if link.role == DtlsRole::Client {
            // The server, which has our Finished, says nothing under the handshake's keys any more.
            link.records.retire_opening(DATA_EPOCH);
        }
        Ok(())
    }

    /// Forgets old keys when that is due. No timer is set for it.
    pub(crate) fn forget_old(&mut self, link: &mut Link) {
        match self.before {
            Before::InUse if link.records.uses_newest() => {
                self.before = Before::Until(link.now + OLD_KEYS);
            }
            Before::Until(at) if at <= link.now => {
                self.before = Before::Forgotten;
                link.records.retire_opening(link.records.opening_epoch());
            }
            Before::InUse | Before::Until(_) | Before::Forgotten => {}
        }
    }
}
