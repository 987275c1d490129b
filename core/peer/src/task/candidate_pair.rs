//! The tasks of webrtc-extensions, "RTCIceTransport extensions".

use duologue_base::TransportKey;
use duologue_ice as ice;
use ice::PairEvent;

use crate::candidate_pairs::{Proposal, ProposalKind};
use crate::{Event, Exception, IceCandidatePairId, PeerConnection, Value};

impl PeerConnection {
    pub(crate) fn run_pair(&mut self, key: TransportKey, event: PairEvent) {
        match event {
            PairEvent::Added(pair) => self.run_pair_added(key, &pair),
            PairEvent::Nomination(pair) => self.run_proposed(key, pair, ProposalKind::Nominate),
            PairEvent::Removal(pair) => self.run_proposed(key, pair, ProposalKind::Remove),
            PairEvent::Removed(pair) => self.run_pair_removed(key, pair),
            PairEvent::Selection { pair, used } => self.run_pair_selected(key, pair, used),
            // The agent's list may grow; what is not known here has no W3C counterpart yet.
            _ => {}
        }
    }

    /// "Add a candidate pair".
    fn run_pair_added(&mut self, key: TransportKey, pair: &ice::CandidatePair) {
        let shown = self.candidate_pair(key, pair);
        if let Some(transport) = self.slots.transport_mut(key) {
            transport.pairs_mut().add(shown.clone());
            self.fire(Event::IceCandidatePairAdd(key, Box::new(shown)));
        }
    }

    /// "Nominate a candidate pair" and "remove a candidate pair", as far as the event.
    fn run_proposed(&mut self, key: TransportKey, pair: IceCandidatePairId, kind: ProposalKind) {
        let Some(transport) = self.slots.transport_mut(key) else {
            return;
        };
        // The application removed it since.
        let Some(shown) = transport.pairs_mut().get(pair) else {
            return;
        };
        let shown = Box::new(shown.clone());
        transport.pairs_mut().propose(Proposal { pair, kind });
        self.fire(match kind {
            ProposalKind::Nominate => Event::IceCandidatePairNominate(key, shown),
            ProposalKind::Remove => Event::IceCandidatePairRemove {
                transport: key,
                pair: shown,
                cancelable: true,
            },
        });
    }

    /// "Remove a candidate pair" that cannot stay, and the end of `removeCandidatePair`.
    fn run_pair_removed(&mut self, key: TransportKey, pair: IceCandidatePairId) {
        let Some(transport) = self.slots.transport_mut(key) else {
            return;
        };
        transport.forget_pair(pair);
        let pairs = transport.pairs_mut();
        // What was asked about it is void.
        while pairs.end_proposal(pair).is_some() {}
        let (gone, operation) = match pairs.end_removal(pair) {
            Some((pair, operation)) => (pair, Some(operation)),
            None => match pairs.remove(pair) {
                Some(pair) => (pair, None),
                // Its event asked, and was not canceled.
                None => return,
            },
        };
        self.fire(Event::IceCandidatePairRemove {
            transport: key,
            pair: Box::new(gone),
            cancelable: false,
        });
        if let Some(operation) = operation {
            self.settle(operation, Ok(Value::Undefined));
        }
    }

    /// The end of `selectCandidatePair`.
    fn run_pair_selected(&mut self, key: TransportKey, pair: IceCandidatePairId, used: bool) {
        let Some(transport) = self.slots.transport_mut(key) else {
            return;
        };
        for operation in transport.pairs_mut().end_selections(pair) {
            let result = match used {
                true => Ok(Value::Undefined),
                false => Err(Exception::operation("data does not go by this pair")),
            };
            self.settle(operation, result);
        }
    }
}
