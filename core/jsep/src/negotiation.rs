use std::sync::Arc;

use crate::agreement::{Exchange, MediaAgreement};
use crate::blueprint::{RtpLines, Section, Streams};
use crate::{Intent, SdpType, Signaling, StopState, TransceiverIntent};

/// Whether what is wanted and what is agreed differ so that a negotiation is needed
/// (webrtc-pc §4.7.3, the steps that look at descriptions). Meaningful in state `stable`.
#[doc(alias = "negotiationneeded")]
pub fn negotiation_needed(signaling: &Signaling, intent: &Intent) -> bool {
    // Step 2: ICE credentials are to be replaced.
    if !intent.ice_to_replace.is_empty() {
        return true;
    }
    let stable = signaling.stable();
    // Step 4: no m-section "has been negotiated yet for data". To ask again after each rejection
    // would never end: a rejection takes `data` back, until another channel is created.
    if intent.data && stable.data().is_none_or(|media| media.rejected) {
        return true;
    }
    // Step 5: transceivers. Step 5.1 also asks for one that stopped before it had an m-section, which
    // no negotiation can ever tell: as in Firefox, it needs none.
    intent.transceivers.iter().any(|transceiver| {
        let media = stable.by_transceiver(transceiver.id);
        match (media, &stable.exchange) {
            (Some(media), Some(exchange)) => associated(transceiver, media, exchange),
            _ => transceiver.stop == StopState::Running,
        }
    })
}

fn associated(
    transceiver: &TransceiverIntent,
    media: &Arc<MediaAgreement>,
    exchange: &Exchange,
) -> bool {
    // Steps 5.1 and 5.4: it stops, or is stopped, and its m-section is not rejected yet.
    if transceiver.stop != StopState::Running {
        return !media.rejected;
    }
    let section = |applied: &'_ crate::applied::Applied| {
        let at = applied.index_of(media.mid.as_str())?;
        applied.blueprint.sections.get(at).cloned()
    };
    let (Some(local), Some(remote)) = (section(&exchange.local), section(&exchange.remote)) else {
        return true;
    };
    // Step 5.3.1: what it sends is not described as it is.
    if transceiver.direction.sends() && !says_streams(&local, transceiver) {
        return true;
    }
    let wanted = transceiver.direction;
    match exchange.local.ty {
        // Step 5.3.2: neither description of the exchange has the direction.
        SdpType::Offer => local.direction != wanted && remote.direction.reversed() != wanted,
        // Step 5.3.3: the answer is not what the offer allows of it.
        _ => local.direction != wanted.intersection(remote.direction.reversed()),
    }
}

/// Whether the section's `a=msid` lines name the sender's streams and no others.
fn says_streams(section: &Section, transceiver: &TransceiverIntent) -> bool {
    let said = match section.rtp() {
        Some(RtpLines {
            streams: Streams::In(streams),
            ..
        }) => streams,
        _ => return false,
    };
    let wanted = &transceiver.sender.streams;
    said.iter().all(|id| wanted.contains(id)) && wanted.iter().all(|id| said.contains(id))
}
