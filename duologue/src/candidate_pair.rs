//! What an application is asked about candidate pairs (webrtc-extensions, "RTCIceTransport
//! extensions").

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use duologue_peer::IceCandidatePair;

use crate::transport::IceTransport;

/// A pair is to be nominated, or removed, unless the application [cancels](Self::cancel) it: what a
/// cancelable `RTCIceCandidatePairEvent` is. It is done when the last clone of this is dropped.
///
/// While one is undecided its transport refuses to select or remove pairs.
#[doc(alias = "RTCIceCandidatePairEvent")]
#[derive(Clone)]
pub struct CandidatePairProposal(Arc<Proposed>);

struct Proposed {
    transport: IceTransport,
    pair: Box<IceCandidatePair>,
    canceled: AtomicBool,
}

impl CandidatePairProposal {
    pub(crate) fn new(transport: IceTransport, pair: Box<IceCandidatePair>) -> Self {
        CandidatePairProposal(Arc::new(Proposed {
            transport,
            pair,
            canceled: AtomicBool::new(false),
        }))
    }

    /// The transport that the pair is of.
    pub fn transport(&self) -> &IceTransport {
        &self.0.transport
    }

    /// `candidatePair`
    pub fn candidate_pair(&self) -> &IceCandidatePair {
        &self.0.pair
    }

    /// `preventDefault()`: the pair is not nominated, and data goes on by it until another one is
    /// [selected](IceTransport::select_candidate_pair); or it is not removed, and stays to be selected.
    #[doc(alias = "preventDefault")]
    pub fn cancel(&self) {
        let Proposed {
            transport,
            pair,
            canceled,
        } = &*self.0;
        if !canceled.swap(true, Ordering::Relaxed) {
            transport.answer(pair.id, false);
        }
    }
}

impl Drop for Proposed {
    fn drop(&mut self) {
        if !*self.canceled.get_mut() {
            let transport = self.transport.clone();
            transport.answer_later(self.pair.id, true);
        }
    }
}

impl fmt::Debug for CandidatePairProposal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CandidatePairProposal")
            .field("transport", &self.0.transport)
            .field("pair", &self.0.pair.id)
            .finish_non_exhaustive()
    }
}
