//! What the log of events has of the control plane.

use duologue_peer as peer;
use duologue_tokio::SessionHandle;

/// The connection's own events; those of its transports and channels are the session's.
pub(crate) fn log_event(session: &SessionHandle, event: &peer::Event) {
    let state = match event {
        peer::Event::NegotiationNeeded => None,
        peer::Event::SignalingStateChange(state) => Some(state.as_str()),
        peer::Event::IceGatheringStateChange(state) => Some(state.as_str()),
        peer::Event::IceConnectionStateChange(state) => Some(state.as_str()),
        peer::Event::ConnectionStateChange(state) => Some(state.as_str()),
        _ => return,
    };
    let state = state.map(|state| ("state", state));
    session.log_event(event.name(), state.as_slice());
}

/// A promise was rejected.
pub(crate) fn log_rejection(session: &SessionHandle, exception: &peer::Exception) {
    let why = exception.to_string();
    session.log_event("rejected", &[("error", &why)]);
}
