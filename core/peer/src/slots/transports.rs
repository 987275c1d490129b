//! DTLS and ICE transports, the SCTP transport, and the pool of transports that gather ahead.

use std::ops::Range;
use std::sync::Arc;

use duologue_base::TransportKey;

use super::Slots;
use crate::limits::MAX_CLOSED_TRANSPORTS;
use crate::transports::{SctpTransport, Transport};
use crate::{IceParameters, IceRole, SdpType};

impl Slots {
    pub(crate) fn transport(&self, key: TransportKey) -> Option<&Transport> {
        self.transports.get(&key).map(Box::as_ref)
    }

    pub(crate) fn transport_mut(&mut self, key: TransportKey) -> Option<&mut Transport> {
        self.transports.get_mut(&key).map(Box::as_mut)
    }

    pub(crate) fn has_transports(&self) -> bool {
        !self.transports.is_empty()
    }

    pub(crate) fn transports_mut(&mut self) -> impl Iterator<Item = &mut Transport> {
        self.transports.values_mut().map(Box::as_mut)
    }

    /// Makes objects for new transports and tells them their ICE parameters. Returns those that no
    /// description uses any more.
    pub(crate) fn update_transports(&mut self) -> Vec<TransportKey> {
        let latest = Arc::clone(self.signaling.latest());
        for (&key, agreed) in &latest.transports {
            let role = IceRole::from(agreed.ice_role);
            let entry = self.transports.entry(key);
            let transport = entry.or_insert_with(|| Box::new(Transport::new(key, role)));
            let local = agreed.local_ice.as_ref().map(IceParameters::from);
            let remote = agreed.remote_ice.as_ref();
            let remote = remote.map(|remote| IceParameters::from(&remote.credentials));
            transport.ice.set_parameters(local, remote);
        }

        let used = self.signaling.transports();
        let open = self.transports.values().filter(|t| !t.is_closed());
        let keys = open.map(|transport| transport.dtls.ice_transport());
        keys.filter(|key| !used.contains(key)).collect()
    }

    /// The application has a say in candidate pairs.
    pub(crate) fn controls_candidate_pairs(&self) -> bool {
        self.candidate_pairs_controlled
    }

    /// It has from now on. Returns the transports that there are, unless it had before.
    pub(crate) fn control_candidate_pairs(&mut self) -> Vec<TransportKey> {
        if std::mem::replace(&mut self.candidate_pairs_controlled, true) {
            return Vec::new();
        }
        let open = self.transports.values().filter(|t| !t.is_closed());
        open.map(|transport| transport.dtls.ice_transport())
            .collect()
    }

    /// Nobody can hold it: it is gone at once.
    pub(crate) fn forget_transport(&mut self, key: TransportKey) {
        self.transports.remove(&key);
    }

    /// Makes room among the closed transports for this one.
    pub(crate) fn forget_oldest_transport(&mut self, closed: TransportKey) {
        self.closed_transports.push_back(closed);
        if self.closed_transports.len() > MAX_CLOSED_TRANSPORTS
            && let Some(oldest) = self.closed_transports.pop_front()
        {
            self.transports.remove(&oldest);
        }
    }
}

/// `[[SctpTransport]]`
impl Slots {
    pub(crate) fn sctp(&self) -> Option<&SctpTransport> {
        self.sctp.as_ref()
    }

    pub(crate) fn sctp_mut(&mut self) -> Option<&mut SctpTransport> {
        self.sctp.as_mut()
    }

    /// The object of the association that the session reports about.
    pub(crate) fn running_sctp(&mut self) -> Option<&mut SctpTransport> {
        let current = self.sctp_stops == 0;
        self.sctp.as_mut().filter(|_| current)
    }

    /// Made by an offer, gone with an answer that rejects it or a rollback: which is returned.
    pub(crate) fn update_sctp_transport(&mut self, sdp_type: SdpType) -> Option<SctpTransport> {
        let latest = Arc::clone(self.signaling.latest());
        let Some(section) = latest.data().filter(|section| !section.rejected) else {
            let gone = sdp_type != SdpType::Offer;
            return gone.then(|| self.sctp.take()).flatten();
        };

        let sctp = self
            .sctp
            .get_or_insert_with(|| SctpTransport::new(section.transport));
        if let Some(key) = section.transport {
            sctp.set_transport(key);
            self.transports.entry(key).and_modify(|t| t.expose());
        }
        if matches!(sdp_type, SdpType::Answer | SdpType::Pranswer)
            && let Some(agreed) = &section.sctp
        {
            sctp.update_max_message_size(agreed.remote_max_message_size);
        }
        None
    }

    /// The session is told to stop the association: until it has, it reports about that one.
    pub(crate) fn note_sctp_stop(&mut self) {
        self.sctp_stops += 1;
    }

    /// The session has stopped an association.
    pub(crate) fn note_sctp_stopped(&mut self) {
        self.sctp_stops = self.sctp_stops.saturating_sub(1);
    }
}

/// Transports that gather ahead.
impl Slots {
    /// The pool is to have this size. Returns those that have to go, and those that are to be made.
    pub(crate) fn resize_pool(&mut self, size: usize) -> (Vec<TransportKey>, Range<u32>) {
        let kept = self.pool.len().min(size);
        let gone = self.pool.split_off(kept);
        let next = self.next_transport().0;
        let new = next + kept as u32..next + size as u32;
        self.pool.extend(new.clone().map(TransportKey));
        (gone, new)
    }

    /// A transport is added: it takes what was gathered for it. Keys only grow, so nothing will take
    /// what was gathered for smaller ones, which are returned.
    pub(crate) fn take_from_pool(&mut self, added: TransportKey) -> Vec<TransportKey> {
        let used = self.pool.extract_if(.., |key| *key <= added);
        used.filter(|key| *key != added).collect()
    }
}
