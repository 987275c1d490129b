//! [`PeerConnection`]: its parts, and how a host drives it.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use duologue_base::{Instant, Rng, WallClock};
use duologue_identity::{Certificate, KeygenAlgorithm};
use duologue_jsep as jsep;
use duologue_session::{ChannelReport, Command, Report};

use crate::chain::Chain;
use crate::limits::DEFAULT_CERTIFICATE_LIFETIME_MS;
use crate::slots::{IdentitySlots, Slots};
use crate::task::{ChannelTask, Task};
use crate::{
    BundlePolicy, Configuration, Effect, Event, Exception, IceTransportPolicy, MediaStreamId,
    OperationId, Question, QuestionId, RtpHeaderEncryptionPolicy, TrackId, Value,
};

/// A connection between this end and another (webrtc-pc §4.4).
///
/// Methods by class:
/// * the W3C's methods and attributes, in snake case; a promise is an [`OperationId`];
/// * input of the host: [`handle_report`](Self::handle_report),
///   [`handle_channel_report`](Self::handle_channel_report),
///   [`handle_timeout`](Self::handle_timeout), [`run_task`](Self::run_task);
/// * output to the host: [`poll_effect`](Self::poll_effect),
///   [`poll_command`](Self::poll_command), [`poll_timeout`](Self::poll_timeout).
///
/// The crate's documentation says in which order a host calls them.
#[doc(alias = "RTCPeerConnection")]
pub struct PeerConnection {
    pub(crate) slots: Slots,
    pub(crate) chain: Chain,
    tasks: VecDeque<Task>,
    /// What settles in the running turn, before anything else is performed.
    microtasks: VecDeque<Step>,
    /// What the tasks that ran left to perform.
    effects: VecDeque<Step>,
    commands: VecDeque<Command>,
    next_operation: u64,
    /// See [`Env::epoch`].
    pub(crate) epoch: Duration,
}

/// What a connection takes from its host.
#[derive(Clone, Debug)]
pub struct Env {
    /// Wall-clock time: a certificate made for the connection is valid from here on, and those of
    /// the configuration must not have expired.
    pub now: WallClock,
    /// The time since 1970 at [`Instant::ZERO`] of the session's clock: by it statistics tell when something was, so that
    /// one moment is one time however often it is told.
    pub epoch: Duration,
    /// Randomness for ids, credentials and the certificate.
    pub rng: Rng,
    /// Codecs and header extensions of this end.
    pub capabilities: Arc<jsep::Capabilities>,
    /// The INIT chunk by which descriptions may set SCTP up (draft-hancke-tsvwg-snap):
    /// [`SessionConfig::sctp_init`](duologue_session::SessionConfig::sctp_init) of the session's
    /// configuration makes it. `None`: neither offered nor answered.
    pub sctp_init: Option<Vec<u8>>,
}

/// Something to perform, in order.
#[derive(Debug)]
pub(crate) enum Step {
    Event(Event),
    Ask(QuestionId, Question),
    /// "Set the muted state" of a track.
    SetMuted(TrackId, bool),
    /// "Remove the track" from a stream.
    RemoveTrack(MediaStreamId, TrackId),
    /// "Add the track" to a stream.
    AddTrack(MediaStreamId, TrackId),
    Settle {
        operation: OperationId,
        result: Result<Value, Exception>,
        chained: bool,
    },
}

impl fmt::Debug for PeerConnection {
    /// States only: descriptions have addresses and passwords.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeerConnection")
            .field("signaling_state", &self.signaling_state())
            .field("ice_connection_state", &self.ice_connection_state())
            .field("connection_state", &self.connection_state())
            .finish_non_exhaustive()
    }
}

impl PeerConnection {
    /// `new RTCPeerConnection(configuration)`.
    ///
    /// # Errors
    /// `InvalidAccessError` for an expired certificate or a TURN server without credentials,
    /// `SyntaxError` for an ICE server's URL, `UnknownError` when no certificate can be made.
    pub fn new(configuration: Configuration, env: Env) -> Result<Self, Exception> {
        let Env {
            now,
            epoch,
            mut rng,
            capabilities,
            sctp_init,
        } = env;

        let configuration = configuration.validate_new(now)?;
        let certificates = match configuration.preferred_certificates() {
            Some(certificates) => certificates,
            None => own_certificate(now, &mut rng)?.into(),
        };

        // A description lists the fingerprints of all.
        let fingerprints = match configuration.certificates.as_slice() {
            [] => certificates.first().fingerprints().to_vec(),
            all => all.iter().flat_map(|c| c.fingerprints()).cloned().collect(),
        };
        let bundle_policy = match configuration.bundle_policy {
            BundlePolicy::Balanced => jsep::BundlePolicy::Balanced,
            BundlePolicy::MaxCompat => jsep::BundlePolicy::MaxCompat,
            BundlePolicy::MaxBundle => jsep::BundlePolicy::MaxBundle,
        };

        let mut intent = jsep::Intent::new(
            bundle_policy,
            capabilities,
            fingerprints,
            rng.alphanumeric(16),
        );
        intent.header_encryption = match configuration.rtp_header_encryption_policy {
            RtpHeaderEncryptionPolicy::Disable => jsep::HeaderEncryptionPolicy::Disable,
            RtpHeaderEncryptionPolicy::Negotiate => jsep::HeaderEncryptionPolicy::Negotiate,
            RtpHeaderEncryptionPolicy::Require => jsep::HeaderEncryptionPolicy::Require,
        };
        intent.data = configuration.always_negotiate_data_channels;
        intent.sctp.init = sctp_init;
        let ids = jsep::Ids::new(rng.fork());
        let is_plain = configuration.ice_servers.is_empty()
            && configuration.ice_transport_policy == IceTransportPolicy::All;
        let command = (!is_plain).then(|| configuration.ice_servers_command());

        let identity = IdentitySlots::new(OperationId(0), configuration.peer_identity.clone());
        let slots = Slots::new(configuration, certificates, intent, ids, identity, rng);
        let mut peer = PeerConnection {
            slots,
            chain: Chain::default(),
            tasks: VecDeque::new(),
            microtasks: VecDeque::new(),
            effects: VecDeque::new(),
            commands: command.into_iter().collect(),
            // The first promise is that of `peerIdentity`.
            next_operation: 1,
            epoch,
        };
        peer.fill_pool();
        Ok(peer)
    }

    /// Queues what the session reported.
    pub fn handle_report(&mut self, report: Report) {
        if !self.slots.is_closed() {
            self.queue_report(report);
        }
    }

    /// Queues what the session reported of its data channels.
    pub fn handle_channel_report(&mut self, report: ChannelReport) {
        if !self.slots.is_closed() {
            self.queue(Task::ChannelReport(report));
        }
    }

    /// Queues what is due by the clock: the next DTMF tone, and that a provider took too long.
    pub fn handle_timeout(&mut self, now: Instant) {
        for id in self.slots.take_due_tones(now) {
            self.queue(Task::PlayTone(id));
        }
        self.queue_identity_timeouts(now);
    }

    /// When [`handle_timeout`](Self::handle_timeout) wants to be called next.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let transceivers = self.slots.transceivers();
        let tones = transceivers.filter_map(|(_, slots)| slots.dtmf().due_at());
        let questions = self.slots.identity().asked().map(|asked| asked.deadline);
        tones.chain(questions).min()
    }

    /// Runs the oldest task: its slots change and its effects wait in
    /// [`poll_effect`](Self::poll_effect). Returns whether there was one.
    pub fn run_task(&mut self, now: Instant) -> bool {
        let Some(task) = pop(&mut self.tasks) else {
            return false;
        };
        // "If connection.[[IsClosed]] is true, abort these steps" of every task, in one place.
        // The end of a track is the track's business and not the connection's; a closed connection
        // has statistics; and what `setParameters` queues does not ask whether it is closed (§5.2).
        if !self.slots.is_closed() || outlives_close(&task) {
            self.run(task, now);
        }
        true
    }

    /// A task waits for [`run_task`](Self::run_task).
    pub fn has_task(&self) -> bool {
        !self.tasks.is_empty()
    }

    /// How many tasks wait for [`run_task`](Self::run_task).
    pub fn task_count(&self) -> usize {
        self.tasks.len()
    }

    /// The next thing to perform.
    pub fn poll_effect(&mut self) -> Option<Effect> {
        loop {
            let step = match pop(&mut self.microtasks) {
                Some(step) => step,
                None => pop(&mut self.effects)?,
            };
            if let Some(effect) = self.perform(step) {
                return Some(effect);
            }
        }
    }

    /// The next thing that a method settled in its own turn, which a JavaScript host performs in a
    /// microtask after it, however many effects of the running task are left.
    pub fn poll_microtask(&mut self) -> Option<Effect> {
        let step = pop(&mut self.microtasks)?;
        self.perform(step)
    }

    /// [`poll_microtask`](Self::poll_microtask) has something.
    pub fn has_microtask(&self) -> bool {
        !self.microtasks.is_empty()
    }

    /// How many effects wait, at most: some may turn out to have nothing to do.
    pub fn effect_count(&self) -> usize {
        self.microtasks.len() + self.effects.len()
    }

    /// The next task is a data channel's message. It changes no slot: a host may take several such
    /// tasks together and perform their effects one by one.
    pub fn is_message_next(&self) -> bool {
        let next = self.tasks.front();
        matches!(
            next,
            Some(Task::ChannelReport(ChannelReport::Message { .. }))
        )
    }

    /// The next task is about data channels only: it changes no other slot, nor do its effects.
    pub fn is_channel_task_next(&self) -> bool {
        matches!(
            self.tasks.front(),
            Some(
                Task::ChannelReport(_)
                    | Task::Channel(
                        _,
                        ChannelTask::BufferedAmount { .. }
                            | ChannelTask::AnnounceOpen
                            | ChannelTask::StartClosing
                            | ChannelTask::AnnounceClosed
                    )
            )
        )
    }

    /// The next command for the session.
    pub fn poll_command(&mut self) -> Option<Command> {
        pop(&mut self.commands)
    }

    fn perform(&mut self, step: Step) -> Option<Effect> {
        match step {
            Step::Event(event) => Some(Effect::Event(event)),
            Step::Ask(question, what) => Some(Effect::Ask { question, what }),
            Step::SetMuted(id, muted) => {
                if !self.slots.track_mut(&id)?.set_muted(muted) {
                    return None;
                }
                Some(Effect::Event(match muted {
                    true => Event::TrackMute(id),
                    false => Event::TrackUnmute(id),
                }))
            }
            Step::RemoveTrack(stream, track) => {
                let removed = self.slots.stream_mut(&stream)?.remove(&track);
                removed.then_some(Effect::Event(Event::StreamRemoveTrack { stream, track }))
            }
            Step::AddTrack(stream, track) => {
                let added = self.slots.stream_mut(&stream)?.add(&track);
                added.then_some(Effect::Event(Event::StreamAddTrack { stream, track }))
            }
            Step::Settle {
                operation,
                result,
                chained,
            } => {
                if chained {
                    // These reactions were registered before the application's own.
                    self.advance_chain();
                }
                Some(match result {
                    Ok(value) => Effect::Resolve { operation, value },
                    Err(exception) => {
                        tracing::debug!("operation {} rejected: {exception}", operation.0);
                        Effect::Reject {
                            operation,
                            exception,
                        }
                    }
                })
            }
        }
    }

    pub(crate) fn new_operation(&mut self) -> OperationId {
        let id = OperationId(self.next_operation);
        self.next_operation += 1;
        id
    }

    pub(crate) fn queue(&mut self, task: Task) {
        self.tasks.push_back(task);
    }

    /// Queues a task before those that wait.
    pub(crate) fn queue_next(&mut self, task: Task) {
        self.tasks.push_front(task);
    }

    pub(crate) fn last_task(&mut self) -> Option<&mut Task> {
        self.tasks.back_mut()
    }

    pub(crate) fn command(&mut self, command: Command) {
        self.commands.push_back(command);
    }

    pub(crate) fn fire(&mut self, event: Event) {
        self.step(Step::Event(event));
    }

    pub(crate) fn step(&mut self, step: Step) {
        self.effects.push_back(step);
    }

    /// Settles the chain's running operation after the effects of the running task.
    pub(crate) fn settle_chained(
        &mut self,
        operation: OperationId,
        result: Result<Value, Exception>,
    ) {
        self.step(Step::Settle {
            operation,
            result,
            chained: true,
        });
    }

    /// Settles the chain's running operation in the turn it began.
    pub(crate) fn settle_chained_now(
        &mut self,
        operation: OperationId,
        result: Result<Value, Exception>,
    ) {
        self.microtasks.push_back(Step::Settle {
            operation,
            result,
            chained: true,
        });
    }

    /// Settles an operation that is not in the chain, after the effects of the running task.
    pub(crate) fn settle(&mut self, operation: OperationId, result: Result<Value, Exception>) {
        self.step(Step::Settle {
            operation,
            result,
            chained: false,
        });
    }

    /// Settles an operation that is not in the chain, in the turn it began.
    pub(crate) fn settle_now(&mut self, operation: OperationId, result: Result<Value, Exception>) {
        self.microtasks.push_back(Step::Settle {
            operation,
            result,
            chained: false,
        });
    }

    /// "Return a promise rejected with": not in the chain.
    pub(crate) fn reject_now(&mut self, operation: OperationId, exception: Exception) {
        self.settle_now(operation, Err(exception));
    }

    /// Forgets all that waits, when the connection closes: pending operations never settle.
    pub(crate) fn forget_pending(&mut self) {
        self.chain.clear();
        self.tasks.retain(outlives_close);
        self.effects.clear();
        self.microtasks
            .retain(|step| matches!(step, Step::Settle { chained: false, .. }));
        self.commands.clear();
    }
}

/// One that the application did not give.
pub(crate) fn own_certificate(now: WallClock, rng: &mut Rng) -> Result<Certificate, Exception> {
    let lifetime = Duration::from_millis(DEFAULT_CERTIFICATE_LIFETIME_MS);
    let made = Certificate::generate(KeygenAlgorithm::EcdsaP256, now, lifetime, rng);
    made.map_err(|error| Exception::unknown(error.to_string()))
}

fn outlives_close(task: &Task) -> bool {
    matches!(
        task,
        Task::EndTrack(_) | Task::Stats { .. } | Task::SetParameters(..)
    )
}

/// Takes the first. An emptied queue keeps no memory: most connections are idle most of the time,
/// and room for four commands is more than a kilobyte.
fn pop<T>(queue: &mut VecDeque<T>) -> Option<T> {
    let first = queue.pop_front();
    if queue.is_empty() {
        queue.shrink_to_fit();
    }
    first
}
