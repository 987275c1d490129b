//! An ICE transport without a connection (webrtc-ice): the application exchanges parameters and
//! candidates itself, without offers and answers.

use std::collections::VecDeque;

use duologue_base as base;
use duologue_base::{Generation, IceCredentials, Redacted, Rng, TransportKey, WallClock};
use duologue_ice as ice;
use duologue_identity::Certificates;
use duologue_session::{Command, Report, TransportCommand, TransportReport};

use crate::candidate::to_ice;
use crate::config::{ice_servers_command, validate_ice_servers};
use crate::connection::own_certificate;
use crate::limits::MAX_REMOTE_CANDIDATES;
use crate::shown_pair::shown_pair;
use crate::{
    Exception, IceCandidate, IceCandidateError, IceCandidateInit, IceGathererState, IceParameters,
    IceRole, IceServer, IceTransport, IceTransportPolicy, IceTransportState,
};

/// `new RTCIceTransport()` (webrtc-ice): one transport of a session that has nothing else.
///
/// A host drives it as it drives a [`PeerConnection`](crate::PeerConnection): it hands in what the
/// session [reports](Self::handle_report), [runs](Self::run_task) the tasks that it makes, and takes
/// [events](Self::poll_event) and [commands](Self::poll_command) after each.
///
/// ```
/// use duologue_base::{Rng, WallClock};
/// use duologue_peer::{
///     IceGatherOptions, IceParameters, IceRole, IceTransportState, StandaloneIceTransport,
/// };
///
/// let mut transport = StandaloneIceTransport::new(WallClock::default(), Rng::from_u64(1))?;
/// let for_the_other_end = transport.view().local_parameters();
/// assert!(for_the_other_end.is_some());
///
/// transport.gather(IceGatherOptions::default())?;
/// let from_the_other_end = IceParameters {
///     username_fragment: "abcd".to_owned(),
///     password: "abcdefghijklmnopqrstuv".to_owned(),
/// };
/// transport.start(from_the_other_end, false, IceRole::Controlling)?;
/// assert_eq!(transport.view().role(), IceRole::Controlling);
/// assert_eq!(transport.view().state(), IceTransportState::New, "no candidate has come");
/// # Ok::<(), duologue_peer::Exception>(())
/// ```
#[doc(alias = "RTCIceTransport")]
#[derive(Debug)]
pub struct StandaloneIceTransport {
    view: IceTransport,
    local: IceCredentials,
    certificates: Certificates,
    /// What `start` was given: the other end's, and whether it is lite.
    remote: Option<(IceParameters, bool)>,
    /// `addRemoteCandidate` was told that no more come.
    no_more_remotes: bool,
    /// The selected pair as the agent knows it.
    selected: Option<Box<ice::CandidatePair>>,
    tasks: VecDeque<Task>,
    events: VecDeque<StandaloneIceEvent>,
    commands: VecDeque<Command>,
}

/// Options of [`StandaloneIceTransport::gather`].
#[doc(alias = "RTCIceGatherOptions")]
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Deserialize, serde::Serialize),
    serde(default, rename_all = "camelCase")
)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct IceGatherOptions {
    /// Which candidates.
    pub gather_policy: IceTransportPolicy,
    /// The servers.
    pub ice_servers: Vec<IceServer>,
}

impl Default for IceGatherOptions {
    fn default() -> Self {
        IceGatherOptions {
            gather_policy: IceTransportPolicy::All,
            ice_servers: Vec::new(),
        }
    }
}

/// An event of a [`StandaloneIceTransport`]. What it tells of is in the slots already.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum StandaloneIceEvent {
    /// `icecandidate`; none when gathering ends.
    IceCandidate(Option<IceCandidate>),
    /// `icecandidateerror`: a server gave no candidate.
    IceCandidateError(IceCandidateError),
    /// `statechange`
    StateChange(IceTransportState),
    /// `gatheringstatechange`
    GatheringStateChange(IceGathererState),
    /// `selectedcandidatepairchange`
    SelectedCandidatePairChange,
}

#[derive(Debug)]
enum Task {
    Report(TransportReport),
    /// The second of the two at the end of gathering (webrtc-pc §4.4.1.3).
    GatheringComplete,
    /// "Fire a simple event statechange".
    Stopped,
}

const KEY: TransportKey = TransportKey(0);
const GENERATION: Generation = Generation(0);

impl StandaloneIceTransport {
    /// `new RTCIceTransport()`, with the wall-clock time and the randomness that it needs.
    ///
    /// # Errors
    /// `UnknownError` when no certificate can be made, which the session wants for what may come above.
    pub fn new(now: WallClock, mut rng: Rng) -> Result<Self, Exception> {
        let certificates = own_certificate(now, &mut rng)?.into();
        let local = IceCredentials::generate(&mut rng);
        let mut view = IceTransport::new(IceRole::Unknown);
        view.set_parameters(Some(IceParameters::from(&local)), None);
        Ok(StandaloneIceTransport {
            view,
            local,
            certificates,
            remote: None,
            no_more_remotes: false,
            selected: None,
            tasks: VecDeque::new(),
            events: VecDeque::new(),
            commands: VecDeque::new(),
        })
    }

    /// The transport's attributes, and what its getters give. The role is [`IceRole::Unknown`] before
    /// [`start`](Self::start).
    pub fn view(&self) -> &IceTransport {
        &self.view
    }

    /// `getLocalParameters()`
    pub fn local_parameters(&self) -> IceParameters {
        IceParameters::from(&self.local)
    }

    /// `gather(options)`
    ///
    /// # Errors
    /// `InvalidStateError` when it is closed or gathers already; `SyntaxError` for a server's URL,
    /// `InvalidAccessError` for a TURN server without credentials.
    pub fn gather(&mut self, mut options: IceGatherOptions) -> Result<(), Exception> {
        self.check_open()?;
        if self.view.gathering_state() != IceGathererState::New {
            return Err(Exception::invalid_state("candidates are gathered already"));
        }
        validate_ice_servers(&mut options.ice_servers)?;

        let servers = ice_servers_command(&options.ice_servers, options.gather_policy);
        self.commands.push_back(servers);
        let role = match self.view.role() {
            IceRole::Controlling => base::IceRole::Controlling,
            IceRole::Controlled | IceRole::Unknown => base::IceRole::Controlled,
        };
        self.command(TransportCommand::Add {
            generation: GENERATION,
            local: self.local.clone(),
            role,
            certificates: self.certificates.clone(),
        });
        self.view
            .set_gathering(GENERATION, IceGathererState::Gathering);
        self.tell_remote();
        Ok(())
    }

    /// `start(remoteParameters, role)`; the other end may be `lite`. Other parameters than before are
    /// those of another agent: what was known of its candidates is forgotten.
    ///
    /// # Errors
    /// `InvalidStateError` when it is closed, or has another role already; `SyntaxError` for parameters
    /// that are not as RFC 8839 §5.4 has them; `TypeError` without a role.
    pub fn start(
        &mut self,
        remote: IceParameters,
        lite: bool,
        role: IceRole,
    ) -> Result<(), Exception> {
        self.check_open()?;
        IceCredentials::new(&remote.username_fragment, &remote.password)
            .map_err(|error| Exception::syntax(error.to_string()))?;
        let of_agent = match role {
            IceRole::Controlling => base::IceRole::Controlling,
            IceRole::Controlled => base::IceRole::Controlled,
            IceRole::Unknown => return Err(Exception::type_error("a role is wanted")),
        };
        let started = self.remote.is_some();
        if started && self.view.role() != role {
            return Err(Exception::invalid_state("the role cannot be changed"));
        }
        // "If start() is called again with the same value of remoteParameters, this has no effect."
        if self
            .remote
            .as_ref()
            .is_some_and(|(known, _)| *known == remote)
        {
            return Ok(());
        }

        if started {
            self.view.forget_remote_candidates(GENERATION);
            self.no_more_remotes = false;
            self.selected = None;
            self.view.change(IceTransportState::New, None);
        }
        self.view.set_role(role);
        self.view
            .set_parameters(Some(self.local_parameters()), Some(remote.clone()));
        self.remote = Some((remote, lite));
        self.begin_checking();
        if self.is_gathering() {
            self.command(TransportCommand::SetIceRole { role: of_agent });
            self.tell_credentials();
        }
        Ok(())
    }

    /// `addRemoteCandidate(remoteCandidate)`: an empty one says that no more come.
    ///
    /// # Errors
    /// `InvalidStateError` when it is closed; `OperationError` for one that cannot be parsed, and for
    /// more than [`MAX_REMOTE_CANDIDATES`].
    pub fn add_remote_candidate(&mut self, init: IceCandidateInit) -> Result<(), Exception> {
        self.check_open()?;
        if init.candidate.is_empty() {
            self.no_more_remotes = true;
            if self.is_gathering() {
                self.tell_end_of_remotes();
            }
            return Ok(());
        }
        let invalid = || Exception::operation("the candidate attribute is not valid");
        let candidate = init.candidate.parse().map_err(|_| invalid())?;
        if self.view.remote_candidates().len() >= MAX_REMOTE_CANDIDATES {
            return Err(Exception::operation("there are too many candidates"));
        }

        self.view.show_remote(GENERATION, IceCandidate::new(init));
        // It may be the selected pair's, which was peer-reflexive until now.
        self.show_selected();
        self.begin_checking();
        if self.is_gathering()
            && let Some(candidate) = to_ice(&candidate)
        {
            self.tell_candidate(candidate);
        }
        Ok(())
    }

    /// `stop()`: ends the transport for good.
    pub fn stop(&mut self) {
        if self.view.state() == IceTransportState::Closed {
            return;
        }
        self.view.change(IceTransportState::Closed, None);
        self.tasks.clear();
        self.tasks.push_back(Task::Stopped);
        self.commands.clear();
        self.commands.push_back(Command::Close);
    }

    /// Queues what the session reported.
    pub fn handle_report(&mut self, report: Report) {
        let Report::Transport(KEY, report) = report else {
            return;
        };
        if self.view.state() == IceTransportState::Closed {
            return;
        }
        let complete = ice::GatheringState::Complete;
        let ends =
            matches!(&report, TransportReport::GatheringState { state, .. } if *state == complete);
        self.tasks.push_back(Task::Report(report));
        if ends {
            self.tasks.push_back(Task::GatheringComplete);
        }
    }

    /// Runs the oldest task. Returns whether there was one.
    pub fn run_task(&mut self) -> bool {
        let Some(task) = self.tasks.pop_front() else {
            return false;
        };
        match task {
            Task::Report(report) => self.run_report(report),
            Task::GatheringComplete => {
                self.view
                    .set_gathering(GENERATION, IceGathererState::Complete);
                self.fire(StandaloneIceEvent::GatheringStateChange(
                    IceGathererState::Complete,
                ));
            }
            Task::Stopped => self.fire(StandaloneIceEvent::StateChange(IceTransportState::Closed)),
        }
        true
    }

    /// How many tasks wait for [`run_task`](Self::run_task).
    pub fn task_count(&self) -> usize {
        self.tasks.len()
    }

    /// The next event to fire.
    pub fn poll_event(&mut self) -> Option<StandaloneIceEvent> {
        self.events.pop_front()
    }

    /// The next command for the session.
    pub fn poll_command(&mut self) -> Option<Command> {
        self.commands.pop_front()
    }

    fn run_report(&mut self, report: TransportReport) {
        match report {
            TransportReport::LocalCandidate { candidate, .. } => {
                let candidate = IceCandidate::from_local(self.shared_init(), &candidate);
                self.view.show_local(GENERATION, candidate.clone());
                self.fire(StandaloneIceEvent::IceCandidate(Some(candidate)));
            }
            TransportReport::GatheringState {
                state: ice::GatheringState::Complete,
                ..
            } => self.fire(StandaloneIceEvent::IceCandidate(None)),
            TransportReport::CandidateError { error } => {
                self.fire(StandaloneIceEvent::IceCandidateError(error.into()));
            }
            TransportReport::SelectedPair { pair } => {
                self.selected = Some(pair);
                self.show_selected();
                self.fire(StandaloneIceEvent::SelectedCandidatePairChange);
            }
            TransportReport::IceRole { role } => self.view.set_role(role.into()),
            TransportReport::IceState { state, failure } => self.run_state(state.into(), failure),
            _ => {}
        }
    }

    fn show_selected(&mut self) {
        if let Some(pair) = &self.selected {
            let shown = shown_pair(Some(&self.view), &self.shared_init(), pair);
            self.view.select(shown);
        }
    }

    /// The methods decide between `new` and `checking`, the agent all else.
    fn run_state(&mut self, state: IceTransportState, failure: Option<ice::Failure>) {
        use IceTransportState::{Checking, New};
        let decided = state == New || (state == Checking && self.view.state() == New);
        if !decided && self.view.change(state, failure) {
            self.fire(StandaloneIceEvent::StateChange(state));
        }
    }

    fn check_open(&self) -> Result<(), Exception> {
        match self.view.state() {
            IceTransportState::Closed => Err(Exception::invalid_state("the transport is closed")),
            _ => Ok(()),
        }
    }

    fn is_gathering(&self) -> bool {
        self.view.gathering_state() != IceGathererState::New
    }

    /// "if there are remote candidates, set state to checking and start connectivity checks"
    fn begin_checking(&mut self) {
        let some = self.remote.is_some() && !self.view.remote_candidates().is_empty();
        if some && self.view.state() == IceTransportState::New {
            self.view.change(IceTransportState::Checking, None);
        }
    }

    /// The agent is there now: it is told what came before.
    fn tell_remote(&mut self) {
        self.tell_credentials();
        let shown = self.view.remote_candidates().iter();
        let candidates: Vec<ice::Candidate> = shown
            .filter_map(|candidate| to_ice(&candidate.init.candidate.parse().ok()?))
            .collect();
        for candidate in candidates {
            self.tell_candidate(candidate);
        }
        if self.no_more_remotes {
            self.tell_end_of_remotes();
        }
    }

    fn tell_credentials(&mut self) {
        let Some((parameters, lite)) = &self.remote else {
            return;
        };
        let remote = IceCredentials {
            ufrag: parameters.username_fragment.clone(),
            pwd: Redacted(parameters.password.clone()),
        };
        let options = ice::RemoteOptions {
            lite: *lite,
            ..ice::RemoteOptions::default()
        };
        self.command(TransportCommand::SetRemoteIce {
            generation: GENERATION,
            remote,
            options,
        });
    }

    fn tell_candidate(&mut self, candidate: ice::Candidate) {
        self.command(TransportCommand::AddRemoteCandidate {
            generation: GENERATION,
            candidate: Box::new(candidate),
        });
    }

    fn tell_end_of_remotes(&mut self) {
        self.command(TransportCommand::EndOfRemoteCandidates {
            generation: GENERATION,
        });
    }

    /// What all candidates of this end have: no description has a place for them.
    fn shared_init(&self) -> IceCandidateInit {
        IceCandidateInit {
            username_fragment: Some(self.local.ufrag.clone()),
            ..IceCandidateInit::default()
        }
    }

    fn fire(&mut self, event: StandaloneIceEvent) {
        self.events.push_back(event);
    }

    fn command(&mut self, command: TransportCommand) {
        self.commands.push_back(Command::Transport(KEY, command));
    }
}
