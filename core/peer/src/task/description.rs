//! "Set a session description" (webrtc-pc §4.4.1.5): what happens once jsep has computed the
//! next state, in the specification's order.
//!
//! The specification computes in parallel and starts over when the application changed
//! something meanwhile. Here jsep, which is quick and pure, computes inside the task, so it sees
//! every change that came before and nothing ever has to start over but for `setParameters`.

use std::time::Duration;

use duologue_base::{ChannelKey, IceCredentials, Instant};
use duologue_ice as ice;
use duologue_identity::Certificates;
use duologue_jsep as jsep;
use duologue_session::{Command, SctpCommand, SctpInits, TransportCommand};

use super::surface::Surfaced;
use super::{SctpTask, Task, rollback};
use crate::connection::Step as Effect;
use crate::max_message_size;
use crate::{
    Event, Exception, IceParameters, OperationId, PeerConnection, RtcErrorDetail, RtcErrorInit,
    SctpTransportState, SdpType, SessionDescription, SignalingState, Value,
};

/// What to set.
#[derive(Debug)]
pub(crate) enum Step {
    /// A description that `createOffer` or `createAnswer` made.
    Local(SdpType, jsep::Draft),
    /// The other end's description.
    Remote(SessionDescription),
    /// The same, of an end that is who it should be.
    Authenticated(SessionDescription),
    /// Back to the last stable state, then maybe on to an offer of the other end.
    Rollback(jsep::Side, Option<SessionDescription>),
}

impl Step {
    fn side(&self) -> jsep::Side {
        match self {
            Step::Local(..) => jsep::Side::Local,
            Step::Remote(_) | Step::Authenticated(_) => jsep::Side::Remote,
            Step::Rollback(side, _) => *side,
        }
    }

    fn sdp_type(&self) -> SdpType {
        match self {
            Step::Local(sdp_type, _) => *sdp_type,
            Step::Remote(description) | Step::Authenticated(description) => description.sdp_type,
            Step::Rollback(..) => SdpType::Rollback,
        }
    }
}

impl PeerConnection {
    pub(crate) fn run_set_description(&mut self, operation: OperationId, step: Step, now: Instant) {
        // "If any promises from setParameters methods are not settled, abort these steps and
        // start the process over."
        if self.slots.is_setting_parameters() {
            return self.queue(Task::SetDescription(operation, step));
        }
        match (self.compute(&step), step) {
            // What cannot be applied is not worth a question.
            (Ok(_), Step::Remote(description)) if self.slots.identity().target().is_some() => {
                self.authenticate(operation, description, now);
            }
            (Ok(next), step) => {
                let identity = Self::said_by(&step);
                self.commit(operation, step, next);
                self.learn_identity(identity, now);
            }
            (Err(error), step) => {
                let (side, sdp_type) = (step.side(), step.sdp_type().as_str());
                tracing::debug!("{side:?} {sdp_type}: not applied: {error}");
                self.settle_chained(operation, Err(error.into()));
            }
        }
    }

    /// "The process to apply description": nothing changes here but used-up ids.
    fn compute(&mut self, step: &Step) -> Result<jsep::Signaling, jsep::JsepError> {
        let (signaling, intent, ids) = self.slots.negotiation();
        match step {
            Step::Local(sdp_type, draft) => {
                jsep::apply_local(signaling, intent, ids, (*sdp_type).into(), draft)
            }
            Step::Remote(description) | Step::Authenticated(description) => {
                let sdp_type = description.sdp_type.into();
                jsep::apply_remote(signaling, intent, ids, sdp_type, &description.sdp)
            }
            Step::Rollback(side, _) => rollback::last_stable(signaling, *side),
        }
    }

    /// The task of a description that was applied successfully. It cannot fail.
    fn commit(&mut self, operation: OperationId, step: Step, next: jsep::Signaling) {
        let sdp_type = step.sdp_type();
        let state_before = self.slots.signaling_state();
        if sdp_type == SdpType::Offer && state_before == SignalingState::Stable {
            self.remember_ridless_encodings();
        }
        let before = self.slots.set_signaling(next);
        if sdp_type == SdpType::Answer {
            self.slots.finish_negotiation();
        }
        let changes = jsep::diff(&before, self.slots.signaling());
        let surface = jsep::surface(&before, self.slots.signaling());

        self.update_transports();
        self.update_sctp_transport(sdp_type);
        // Candidates in the text of a description for generations that run already.
        let known = match step.side() {
            jsep::Side::Remote => self.slots.remote_ice(),
            jsep::Side::Local => Vec::new(),
        };
        let described = self.described_candidates(&changes, &known);
        for change in changes {
            self.apply_transport_change(change, &described);
        }
        self.update_isolation();
        for key in known {
            self.forward_described_candidates(key, &described);
        }
        let failed_channels = match sdp_type {
            SdpType::Answer | SdpType::Pranswer => self.assign_channel_ids(),
            SdpType::Offer | SdpType::Rollback => Vec::new(),
        };
        let surfaced = self.surface(sdp_type, step.side(), &surface);
        if sdp_type == SdpType::Answer {
            self.remove_stopped_transceivers();
        }
        self.remove_forgotten_transceivers();
        self.prune_codecs();
        self.update_media();
        self.log_applied(step.side(), sdp_type);
        let state = self.slots.signaling_state();
        if state == SignalingState::Stable {
            self.slots.set_negotiation_needed(false);
            self.update_negotiation_needed();
        }

        if state != state_before {
            let (before, after) = (state_before.as_str(), state.as_str());
            tracing::debug!("signaling state: {before} -> {after}");
            self.fire(Event::SignalingStateChange(state));
        }
        self.fire_surfaced(failed_channels, surfaced);
        self.update_aggregate();
        match step {
            // "React to p with a fulfillment step that sets the remote session description."
            Step::Rollback(_, Some(offer)) => {
                self.queue(Task::SetDescription(operation, Step::Remote(offer)));
            }
            _ => self.settle_chained(operation, Ok(Value::Undefined)),
        }
    }

    /// What a description made of its m-sections.
    fn log_applied(&self, side: jsep::Side, sdp_type: SdpType) {
        if !tracing::enabled!(tracing::Level::DEBUG) {
            return;
        }
        let sdp_type = sdp_type.as_str();
        let media = &self.slots.signaling().latest().media;
        tracing::debug!("{side:?} {sdp_type}: applied, {} m-sections", media.len());
        for (index, section) in media.iter().enumerate() {
            let (mid, kind) = (section.mid.as_str(), &section.kind);
            let transport = section.transport.map(|key| key.0);
            let direction = section.current_direction;
            match (section.rejected, section.rejection) {
                (true, Some(why)) => {
                    tracing::debug!("m-section {index}: mid {mid}, {kind:?}, rejected: {why}");
                }
                (true, None) => tracing::debug!("m-section {index}: mid {mid}, {kind:?}, rejected"),
                (false, _) => tracing::debug!(
                    transport,
                    "m-section {index}: mid {mid}, {kind:?}, direction agreed: {direction:?}"
                ),
            }
        }
    }

    /// The events between `signalingstatechange` and the promise, in the specified order.
    fn fire_surfaced(&mut self, failed_channels: Vec<ChannelKey>, surfaced: Surfaced) {
        for channel in failed_channels {
            let error = Exception::rtc(
                RtcErrorInit::new(RtcErrorDetail::DataChannelFailure),
                "no id is left for the data channel",
            );
            self.fire(Event::ChannelError(channel, error));
        }
        for track in surfaced.mute {
            self.step(Effect::SetMuted(track, true));
        }
        for (stream, track) in surfaced.remove {
            self.step(Effect::RemoveTrack(stream, track));
        }
        for (stream, track) in surfaced.add {
            self.step(Effect::AddTrack(stream, track));
        }
        for event in surfaced.tracks {
            self.fire(event);
        }
        for (transceiver, why) in surfaced.rejected {
            self.fire(Event::TransceiverRejected(transceiver, why));
        }
    }

    /// Makes objects for new transports, and ends those that no description uses any more.
    fn update_transports(&mut self) {
        let gone = self.slots.update_transports();
        self.slots.forget_generations();
        if !gone.is_empty() {
            // "This results in events firing on these objects in a queued task."
            self.queue(Task::CloseTransports(gone));
        }
    }

    /// `[[SctpTransport]]`, and the channels of one that an answer rejects.
    fn update_sctp_transport(&mut self, sdp_type: SdpType) {
        let answers = matches!(sdp_type, SdpType::Answer | SdpType::Pranswer);
        let gone = self.slots.update_sctp_transport(sdp_type);
        let Some(gone) = gone.filter(|_| answers) else {
            return;
        };
        // "applying a remote description that rejects data"
        if gone.state() != SctpTransportState::Closed {
            self.queue(Task::Sctp(SctpTask::Gone));
        }
        self.give_up_channels();
    }

    /// The candidates in the other end's text, which is read once for all generations; none where no
    /// generation takes any now.
    fn described_candidates(
        &self,
        changes: &[jsep::TransportChange],
        known: &[jsep::agreement::IceKey],
    ) -> Vec<jsep::DescribedCandidates> {
        let learns = |change: &_| matches!(change, jsep::TransportChange::SetRemoteIce { .. });
        match known.is_empty() && !changes.iter().any(learns) {
            true => Vec::new(),
            false => self.slots.signaling().described_candidates(),
        }
    }

    /// Tells the session a change of the data plane, and does what goes with it here.
    fn apply_transport_change(
        &mut self,
        change: jsep::TransportChange,
        described: &[jsep::DescribedCandidates],
    ) {
        let learnt = match change {
            jsep::TransportChange::Sctp(jsep::SctpChange::Stop) => {
                self.slots.note_sctp_stop();
                None
            }
            jsep::TransportChange::Sctp(jsep::SctpChange::Start { .. }) => {
                self.slots.forget_sctp_init();
                None
            }
            jsep::TransportChange::SetRemoteIce { key, .. } => Some(key),
            jsep::TransportChange::DropGeneration { key } => {
                self.forget_generation(key);
                None
            }
            _ => None,
        };
        if let jsep::TransportChange::Add { key, .. } = &change {
            self.take_from_pool(key.transport);
        }
        let added = match &change {
            jsep::TransportChange::Add { key, .. } => Some(key.transport),
            _ => None,
        };

        if let jsep::TransportChange::StartDtls { transport, .. }
        | jsep::TransportChange::RestartDtls { transport, .. } = &change
            && self.sends_isolated_tracks()
        {
            let command = TransportCommand::RequireConfidentiality;
            self.command(Command::Transport(*transport, command));
        }
        let command = command_of(change, self.slots.certificates());
        self.command(command);
        if let Some(key) = added.filter(|_| self.slots.controls_candidate_pairs()) {
            self.command_pairs(key, ice::PairCommand::Control);
        }
        match learnt {
            Some(key) if self.slots.note_remote_ice(key) => {
                self.forward_candidates(key, described);
            }
            // Another agent answered the same offer.
            Some(key) => self.forget_remote_candidates(key),
            None => {}
        }
    }
}

/// jsep's changes of the data plane, one to one as the session's commands.
fn command_of(change: jsep::TransportChange, certificates: &Certificates) -> Command {
    use jsep::TransportChange as Change;
    let (key, command) = match change {
        Change::Add { key, local, role } => {
            let command = TransportCommand::Add {
                generation: key.generation,
                local,
                role,
                certificates: certificates.clone(),
            };
            (key.transport, command)
        }
        Change::RestartIce { key, local } => {
            let command = TransportCommand::RestartIce {
                generation: key.generation,
                local,
            };
            (key.transport, command)
        }
        Change::DropGeneration { key } => {
            let generation = key.generation;
            let command = TransportCommand::DropGeneration { generation };
            (key.transport, command)
        }
        Change::SetRemoteIce {
            key,
            remote,
            lite,
            pacing,
            renomination,
            sped,
        } => {
            let command = TransportCommand::SetRemoteIce {
                generation: key.generation,
                remote,
                options: ice::RemoteOptions {
                    lite,
                    pacing: pacing.map(|ms| Duration::from_millis(ms.into())),
                    renomination,
                    sped,
                },
            };
            (key.transport, command)
        }
        Change::StartDtls {
            transport,
            role,
            fingerprints,
        } => {
            let command = TransportCommand::StartDtls { role, fingerprints };
            (transport, command)
        }
        Change::RestartDtls {
            transport,
            role,
            fingerprints,
        } => {
            let command = TransportCommand::RestartDtls {
                role,
                fingerprints,
                certificates: certificates.clone(),
            };
            (transport, command)
        }
        Change::Remove { transport } => (transport, TransportCommand::Remove),
        Change::Sctp(change) => return Command::Sctp(sctp_command_of(change)),
    };
    Command::Transport(key, command)
}

fn sctp_command_of(change: jsep::SctpChange) -> SctpCommand {
    use jsep::SctpChange as Change;
    match change {
        Change::Start {
            transport,
            local_port,
            remote_port,
            max_message_size,
            may_move,
            inits,
        } => SctpCommand::Start {
            key: transport,
            local_port,
            remote_port,
            max_message_size: max_message_size::of_session(max_message_size),
            may_move,
            inits: inits.map(|inits| {
                Box::new(SctpInits {
                    local: inits.local,
                    remote: inits.remote,
                })
            }),
        },
        Change::Move {
            transport,
            may_move,
        } => SctpCommand::Move {
            key: transport,
            may_move,
        },
        Change::SetMaxMessageSize { max_message_size } => SctpCommand::SetMaxMessageSize {
            max_message_size: max_message_size::of_session(max_message_size),
        },
        Change::Stop => SctpCommand::Stop,
    }
}

impl From<&IceCredentials> for IceParameters {
    fn from(ice: &IceCredentials) -> Self {
        IceParameters {
            username_fragment: ice.ufrag.clone(),
            password: ice.pwd.0.clone(),
        }
    }
}

impl From<SdpType> for jsep::SdpType {
    fn from(sdp_type: SdpType) -> Self {
        match sdp_type {
            SdpType::Offer => jsep::SdpType::Offer,
            SdpType::Pranswer => jsep::SdpType::Pranswer,
            SdpType::Answer => jsep::SdpType::Answer,
            SdpType::Rollback => jsep::SdpType::Rollback,
        }
    }
}

impl From<jsep::SdpType> for SdpType {
    fn from(sdp_type: jsep::SdpType) -> Self {
        match sdp_type {
            jsep::SdpType::Offer => SdpType::Offer,
            jsep::SdpType::Pranswer => SdpType::Pranswer,
            jsep::SdpType::Answer => SdpType::Answer,
            jsep::SdpType::Rollback => SdpType::Rollback,
        }
    }
}

/// The exceptions of webrtc-pc §4.4.1.5, "if the process to apply description fails".
impl From<jsep::JsepError> for Exception {
    fn from(error: jsep::JsepError) -> Self {
        let message = error.to_string();
        match error {
            jsep::JsepError::Syntax(error) => Exception::rtc(
                RtcErrorInit {
                    sdp_line_number: u32::try_from(error.line).ok(),
                    ..RtcErrorInit::new(RtcErrorDetail::SdpSyntaxError)
                },
                message,
            ),
            jsep::JsepError::State { .. } => Exception::invalid_state(message),
            jsep::JsepError::Content(_) => Exception::invalid_access(message),
            jsep::JsepError::Modified(_) => Exception::invalid_modification(message),
            _ => Exception::operation(message),
        }
    }
}
