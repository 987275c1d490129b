//! What the session reports of ICE and DTLS (webrtc-pc §§4.4.1.3, 5.5, 5.6), and the states of
//! the whole connection.

use duologue_base as base;
use duologue_base::{Generation, TransportKey};
use duologue_dtls as dtls;
use duologue_ice as ice;
use duologue_jsep as jsep;
use duologue_session::DtlsReport;
use jsep::Side;
use jsep::agreement::IceKey;

use super::{IceChange, Task, TransportTask};
use crate::shown_pair::shown_pair;
use crate::transports::IceTransport;
use crate::{
    DtlsTransportState, Event, Exception, IceCandidate, IceCandidatePair, IceGathererState,
    IceGatheringState, IceRole, IceTransportState, PeerConnection, RtcErrorDetail, RtcErrorInit,
};

impl PeerConnection {
    /// "When the ICE Agent indicates that it began gathering a generation of candidates".
    pub(crate) fn run_gathering_began(&mut self, key: TransportKey, generation: Generation) {
        let state = IceGathererState::Gathering;
        self.show_gathering(key, |ice| ice.set_gathering(generation, state));
    }

    /// "When the ICE Agent is finished gathering a generation": the first task.
    pub(crate) fn run_gathering_ended(&mut self, key: TransportKey, generation: Generation) {
        let ice_key = IceKey {
            transport: key,
            generation,
        };
        let Some((target, end)) = self.local_candidate_target(ice_key) else {
            return;
        };
        let candidates = self.slots.candidates_mut();
        candidates.complete(Side::Local, &target);
        self.fire(Event::IceCandidate(Some(IceCandidate::new(end))));
    }

    /// The second task: "no other generation of candidates is being gathered".
    pub(crate) fn run_gathering_complete(&mut self, key: TransportKey, generation: Generation) {
        let state = IceGathererState::Complete;
        let changed = self.show_gathering(key, |ice| ice.set_gathering(generation, state));
        self.tell_end_of_gathering(changed);
    }

    /// The same where the generation that was left to gather is gone: an ICE restart that was rolled back,
    /// or the credentials before one.
    pub(crate) fn run_gathering_forgotten(&mut self, key: TransportKey) {
        let changed = self.show_gathering(key, IceTransport::update_gatherer_state);
        self.tell_end_of_gathering(changed);
    }

    fn tell_end_of_gathering(&mut self, changed: bool) {
        // The specification fires the null candidate for every transport that ends; browsers
        // once all of them have, which is what applications that wait for null rely on.
        if changed && self.slots.states().gathering() == IceGatheringState::Complete {
            self.fire(Event::IceCandidate(None));
        }
    }

    /// Returns whether the transport's gatherer changed its state.
    fn show_gathering(
        &mut self,
        key: TransportKey,
        change: impl FnOnce(&mut IceTransport) -> Option<IceGathererState>,
    ) -> bool {
        let Some(transport) = self.slots.transport_mut(key) else {
            return false;
        };
        let Some(derived) = change(&mut transport.ice) else {
            return false;
        };
        let aggregate = self.slots.derive_aggregate().gathering;
        let aggregate_changed = self.slots.states_mut().set_gathering(aggregate);
        // "Do not read or modify state beyond this point."
        self.fire(Event::IceTransportGatheringStateChange(key, derived));
        if aggregate_changed {
            self.fire(Event::IceGatheringStateChange(aggregate));
        }
        true
    }

    /// A generation that an ICE restart replaced, or whose restart was rolled back, gathers no
    /// more.
    pub(crate) fn forget_generation(&mut self, key: IceKey) {
        let transport = self.slots.transport_mut(key.transport);
        if transport.is_some_and(|it| it.ice.forget_generation(key.generation)) {
            let task = TransportTask::GatheringForgotten;
            self.queue(Task::Transport(key.transport, task));
        }
    }

    /// "Change the selected candidate pair and state".
    pub(crate) fn run_ice_changed(&mut self, key: TransportKey, change: IceChange) {
        let pair_changed = change.pair.is_some();
        if let Some(pair) = change.pair {
            self.set_selected_pair(key, *pair);
        }
        let Some(transport) = self.slots.transport_mut(key) else {
            return;
        };
        let state = change
            .state
            .map(IceTransportState::from)
            .filter(|state| transport.ice.change(*state, change.failure));
        let aggregate = self.slots.derive_aggregate();
        let states = self.slots.states_mut();
        let ice_changed = states.set_ice(aggregate.ice);
        let connection_changed = states.set_connection(aggregate.connection);
        if pair_changed {
            self.fire(Event::SelectedCandidatePairChange(key));
        }
        if let Some(state) = state {
            self.fire(Event::IceTransportStateChange(key, state));
        }
        if ice_changed {
            self.fire(Event::IceConnectionStateChange(aggregate.ice));
        }
        if connection_changed {
            self.fire(Event::ConnectionStateChange(aggregate.connection));
        }
    }

    pub(crate) fn run_ice_role(&mut self, key: TransportKey, role: base::IceRole) {
        if let Some(transport) = self.slots.transport_mut(key) {
            transport.ice.set_role(role.into());
        }
    }

    /// The two task bodies of §5.5: an error, or another change of state.
    pub(crate) fn run_dtls_changed(&mut self, key: TransportKey, report: DtlsReport) {
        let Some(transport) = self.slots.transport_mut(key) else {
            return;
        };
        let Some(state) = transport.dtls.change(&report) else {
            return;
        };
        if let DtlsReport::Failed { error } = report {
            self.fire(Event::DtlsError(key, dtls_exception(error)));
        }
        self.fire(Event::DtlsStateChange(key, state));
        self.update_isolation();
    }

    /// An end that is the server of a handshake hears nothing of it.
    pub(crate) fn run_dtls_silent(&mut self, key: TransportKey) {
        if let Some(transport) = self.slots.transport_mut(key)
            && transport.dtls.fall_silent()
        {
            self.fire(Event::DtlsSilent(key));
        }
    }

    /// "Update the connection state".
    pub(crate) fn run_update_connection_state(&mut self) {
        let state = self.slots.derive_aggregate().connection;
        if self.slots.states_mut().set_connection(state) {
            self.fire(Event::ConnectionStateChange(state));
        }
    }

    /// Transports came or went with a description: "the state may advance directly from one state
    /// to another" (§4.3).
    pub(crate) fn update_aggregate(&mut self) {
        let aggregate = self.slots.derive_aggregate();
        if self.slots.states_mut().set_gathering(aggregate.gathering) {
            self.fire(Event::IceGatheringStateChange(aggregate.gathering));
        }
        if self.slots.states_mut().set_ice(aggregate.ice) {
            self.fire(Event::IceConnectionStateChange(aggregate.ice));
        }
        if self.slots.states_mut().set_connection(aggregate.connection) {
            self.fire(Event::ConnectionStateChange(aggregate.connection));
        }
    }

    /// "Close the RTCDtlsTransports and their associated RTCIceTransports. This results in events
    /// firing on these objects in a queued task."
    pub(crate) fn run_close_transports(&mut self, keys: &[TransportKey]) {
        for &key in keys {
            let Some(transport) = self.slots.transport_mut(key) else {
                continue;
            };
            if transport.is_closed() {
                continue;
            }
            if !transport.is_exposed() {
                // Made by a remote offer that never got an answer: nobody can listen to it.
                self.slots.forget_transport(key);
                continue;
            }
            if transport.close() {
                self.fire(Event::DtlsStateChange(key, DtlsTransportState::Closed));
            }
            let closed = IceTransportState::Closed;
            self.fire(Event::IceTransportStateChange(key, closed));
            self.slots.forget_oldest_transport(key);
        }
        self.update_aggregate();
    }

    fn set_selected_pair(&mut self, key: TransportKey, pair: ice::CandidatePair) {
        let shown = self.candidate_pair(key, &pair);
        if let Some(transport) = self.slots.transport_mut(key) {
            transport.select(pair, shown);
        }
    }

    /// The application added a candidate: if it is the selected pair's, which was peer-reflexive
    /// until now, its address may be told from here on (§4.8.1).
    pub(crate) fn refresh_selected_pair(&mut self, key: TransportKey) {
        let selected = self.slots.transport(key);
        let selected = selected.and_then(|transport| transport.selected().cloned());
        // The candidates of a generation that is over are forgotten, though its pair may still be in
        // use: what is shown of it stays.
        let generation = |pair: &ice::CandidatePair| IceKey {
            transport: key,
            generation: pair.generation,
        };
        if let Some(pair) =
            selected.filter(|p| self.slots.signaling().has_generation(generation(p)))
        {
            self.set_selected_pair(key, pair);
        }
    }

    /// "Create an RTCIceCandidatePair": of the candidates that the application knows, if it does.
    pub(crate) fn candidate_pair(
        &self,
        key: TransportKey,
        pair: &ice::CandidatePair,
    ) -> IceCandidatePair {
        let init = self
            .local_candidate_target(IceKey {
                transport: key,
                generation: pair.generation,
            })
            .map(|(_, init)| init)
            .unwrap_or_default();
        let transport = self.slots.transport(key);
        shown_pair(transport.map(|transport| &transport.ice), &init, pair)
    }
}

fn dtls_exception(error: dtls::DtlsError) -> Exception {
    let message = error.to_string();
    let detail = match error.detail() {
        dtls::ErrorDetail::DtlsFailure => RtcErrorDetail::DtlsFailure,
        dtls::ErrorDetail::FingerprintFailure => RtcErrorDetail::FingerprintFailure,
    };
    Exception::rtc(
        RtcErrorInit {
            received_alert: error.received_alert().map(|alert| alert.0),
            sent_alert: error.sent_alert().map(|alert| alert.0),
            ..RtcErrorInit::new(detail)
        },
        message,
    )
}

impl From<base::IceRole> for IceRole {
    fn from(role: base::IceRole) -> Self {
        match role {
            base::IceRole::Controlling => IceRole::Controlling,
            base::IceRole::Controlled => IceRole::Controlled,
        }
    }
}

impl From<ice::TransportState> for IceTransportState {
    fn from(state: ice::TransportState) -> Self {
        match state {
            ice::TransportState::New => IceTransportState::New,
            ice::TransportState::Checking => IceTransportState::Checking,
            ice::TransportState::Connected => IceTransportState::Connected,
            ice::TransportState::Completed => IceTransportState::Completed,
            ice::TransportState::Disconnected => IceTransportState::Disconnected,
            ice::TransportState::Failed => IceTransportState::Failed,
            ice::TransportState::Closed => IceTransportState::Closed,
        }
    }
}
