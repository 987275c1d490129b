//! Candidates: those of this end on their way out, those of the other end on their way in
//! (webrtc-pc §4.4.2 `addIceCandidate`, §5.6).

use duologue_base::{Generation, TransportKey};
use duologue_ice as ice;
use duologue_jsep as jsep;
use duologue_sdp::attr::{Candidate, CandidateKind, CandidateTransport};
use duologue_session::{Command, TransportCommand};
use jsep::agreement::IceKey;
use jsep::{CandidateTarget, Side};

use crate::candidate::to_ice;
use crate::candidate_text::candidate_attribute;
use crate::{Event, Exception, IceCandidate, IceCandidateInit, OperationId, PeerConnection, Value};

impl PeerConnection {
    /// "Surface a candidate". No candidate is early here: the session gathers for a generation
    /// only after the task that applied the generation's description, so `[[EarlyCandidates]]`
    /// would always be empty; what belongs to no description was rolled back.
    pub(crate) fn run_local_candidate(
        &mut self,
        key: TransportKey,
        generation: Generation,
        candidate: ice::Candidate,
    ) {
        let ice_key = IceKey {
            transport: key,
            generation,
        };
        let Some((target, init)) = self.local_candidate_target(ice_key) else {
            return;
        };
        let attribute = candidate_attribute(&candidate);
        let candidates = self.slots.candidates_mut();
        if !candidates.add(Side::Local, &target, attribute) {
            return;
        }
        let candidate = IceCandidate::from_local(init, &candidate);
        if let Some(transport) = self.slots.transport_mut(key) {
            transport.ice.show_local(generation, candidate.clone());
        }
        self.fire(Event::IceCandidate(Some(candidate)));
    }

    /// "Surface a candidate error" (§4.8.3). The addresses of this host are no secret here: its
    /// host candidates show them.
    pub(crate) fn run_candidate_error(&mut self, error: ice::CandidateError) {
        self.fire(Event::IceCandidateError(error.into()));
    }

    /// Where a local candidate belongs, and the members that every candidate of its generation
    /// shares: "sdpMid and sdpMLineIndex are set to the values associated with this
    /// RTCIceTransport". None when no local description shows the generation.
    pub(crate) fn local_candidate_target(
        &self,
        key: IceKey,
    ) -> Option<(CandidateTarget, IceCandidateInit)> {
        let signaling = self.slots.signaling();
        let shows = |agreement: &&std::sync::Arc<jsep::Agreement>| {
            agreement
                .transports
                .get(&key.transport)
                .is_some_and(|t| t.generation == key.generation && t.local_ice.is_some())
        };
        let agreement = [signaling.latest(), signaling.stable()]
            .into_iter()
            .find(shows)?;
        let ice = agreement.transports.get(&key.transport)?.local_ice.as_ref();
        let index = agreement
            .media
            .iter()
            .position(|section| section.transport == Some(key.transport))?;
        let mid = agreement.media[index].mid.clone();
        let init = IceCandidateInit {
            candidate: String::new(),
            sdp_mid: Some(mid.to_string()),
            sdp_m_line_index: u16::try_from(index).ok(),
            username_fragment: ice.map(|ice| ice.ufrag.clone()),
        };
        Some((
            CandidateTarget {
                mid,
                key,
                reaches: true,
            },
            init,
        ))
    }

    /// The parallel part of `addIceCandidate` and the task after it.
    pub(crate) fn run_add_candidate(&mut self, operation: OperationId, init: IceCandidateInit) {
        let result = self.add_remote_candidate(&init).map(|()| Value::Undefined);
        self.settle_chained(operation, result);
    }

    fn add_remote_candidate(&mut self, init: &IceCandidateInit) -> Result<(), Exception> {
        let targets = self.candidate_targets(init)?;
        if init.candidate.is_empty() {
            for target in targets {
                let candidates = self.slots.candidates_mut();
                candidates.complete(Side::Remote, &target);
                if target.reaches {
                    self.forward_end_of_candidates(target.key);
                }
            }
            return Ok(());
        }
        let candidate = init.candidate.parse().ok().filter(is_known);
        let candidate = candidate
            .ok_or_else(|| Exception::operation("the candidate attribute is not valid"))?;
        for target in targets {
            self.accept_remote_candidate(&target, init, &candidate);
        }
        Ok(())
    }

    fn accept_remote_candidate(
        &mut self,
        target: &CandidateTarget,
        init: &IceCandidateInit,
        candidate: &Candidate,
    ) {
        let candidates = self.slots.candidates_mut();
        if !candidates.add(Side::Remote, target, candidate.clone()) {
            return;
        }
        let key = target.key.transport;
        if let Some(transport) = self.slots.transport_mut(key) {
            let shown = IceCandidate::new(init.clone());
            transport.ice.show_remote(target.key.generation, shown);
        }
        self.refresh_selected_pair(key);
        if target.reaches {
            self.forward_candidate(target.key, candidate);
        }
    }

    pub(crate) fn forward_candidate(&mut self, key: IceKey, candidate: &Candidate) {
        // §4.2.3 speaks of media relay candidates "such as candidates passing through a TURN
        // server": local ones. A relay reaches the other end's candidates of every kind.
        if !self.slots.has_remote_ice(key) {
            return;
        }
        if let Some(candidate) = to_ice(candidate) {
            self.command(Command::Transport(
                key.transport,
                TransportCommand::AddRemoteCandidate {
                    generation: key.generation,
                    candidate: Box::new(candidate),
                },
            ));
        }
    }

    pub(crate) fn forward_end_of_candidates(&mut self, key: IceKey) {
        if self.slots.has_remote_ice(key) {
            self.command(Command::Transport(
                key.transport,
                TransportCommand::EndOfRemoteCandidates {
                    generation: key.generation,
                },
            ));
        }
    }
}

/// RFC 8839 §5.1 has other transports and types ignored. In a description they are; one that an
/// application adds is refused, as browsers do, so that it learns of it.
fn is_known(candidate: &Candidate) -> bool {
    let transport = match &candidate.transport {
        CandidateTransport::Udp | CandidateTransport::Tcp => true,
        // libwebrtc's own, which it takes to this day.
        CandidateTransport::Other(name) => name.as_str().eq_ignore_ascii_case("ssltcp"),
    };
    transport && !matches!(candidate.kind, CandidateKind::Other(_))
}
