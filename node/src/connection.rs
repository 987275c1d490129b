//! `NativePeerConnection`: one connection on its JavaScript thread.

use std::mem;
use std::sync::Arc;
use std::time::Duration;

use duologue_base::{ChannelKey, TransceiverId};
use duologue_identity::Certificate;
use duologue_peer as peer;
use duologue_tokio::{ReportQueue, Reported, SessionHandle, StateCount, connection_span};
use napi::bindgen_prelude::{ClassInstance, Either, JsObjectValue, Object, Result, Unknown};
use napi::{Env, Error};
use napi_derive::napi;
use peer::{Effect, Event, Exception, OperationId};
use serde::Serialize;

use crate::certificate::NativeCertificate;
use crate::data_plane::{DataPlane, Start};
use crate::effect::{self, Told};
use crate::endpoint::NativeEndpoint;
use crate::environment::{self, Environment};
use crate::exception;
use crate::flow::{MediaRoutes, Routes};
use crate::host::Hub;
use crate::limits::{MAX_BATCH, MAX_WAITING_BYTES, MAX_WAITING_REPORTS};
use crate::mirror::{Mirror, Stale};

/// The control plane of a connection and its link to the data plane.
#[napi]
#[expect(
    missing_debug_implementations,
    reason = "functions of JavaScript have none"
)]
pub struct NativePeerConnection {
    pub(crate) pc: peer::PeerConnection,
    environment: Arc<Environment>,
    inbox: Arc<ReportQueue>,
    data_plane: DataPlane,
    pub(crate) media: Arc<MediaRoutes>,
    pub(crate) mirror: Mirror,
    /// When JavaScript was told to call `handle_timeout`, in milliseconds of the endpoint's clock.
    told_timeout: Option<f64>,
    /// Without its `close()`, of which JavaScript is still to hear.
    closed_itself: bool,
    /// What is logged about it is in here.
    span: tracing::Span,
    /// As the metrics of the endpoint count it.
    counted: StateCount,
}

/// `createPeerConnection()`; `connection` is what the hub names it by, `now` JavaScript's time in milliseconds since 1970. Without an endpoint it has
/// the one that all share who name none.
#[napi(
    ts_args_type = "configuration: object, certificates: Certificate[], hub: Hub, connection: number, endpoint: Endpoint | null, now: number",
    ts_return_type = "object"
)]
pub fn create_peer_connection<'env>(
    env: &'env Env,
    configuration: Unknown<'_>,
    certificates: Vec<ClassInstance<'_, NativeCertificate>>,
    hub: &Hub,
    connection: u32,
    endpoint: Option<&NativeEndpoint>,
    now: f64,
) -> Result<Object<'env>> {
    let reason = |error: &dyn ToString| Error::from_reason(error.to_string());
    let environment = match endpoint {
        Some(endpoint) => endpoint.environment()?,
        None => Environment::shared().map_err(|error| reason(&error))?,
    };
    let mut rng = environment::rng().map_err(|error| reason(&error))?;
    let configuration = with_certificates(env, configuration, certificates)?;
    let peer_environment = peer::Env {
        now: environment::wall_clock(),
        epoch: environment.epoch(Duration::try_from_secs_f64(now / 1e3).unwrap_or_default()),
        rng: rng.fork(),
        capabilities: environment.capabilities.clone(),
        sctp_init: Some(environment.session.sctp_init(&mut rng)),
    };

    let mut reply = Object::new(env)?;
    let pc = match peer::PeerConnection::new(configuration, peer_environment) {
        Ok(pc) => pc,
        Err(exception) => {
            let exception = exception::Exception::from(&exception);
            reply.set_named_property("exception", env.to_js_value(&exception)?)?;
            return Ok(reply);
        }
    };

    let inbox = Arc::new(ReportQueue::new(MAX_WAITING_REPORTS, MAX_WAITING_BYTES));
    let media = Arc::default();
    let data_plane = DataPlane::new(Start {
        connection,
        ready: hub.ready.clone(),
        inbox: Arc::clone(&inbox),
        media: Arc::clone(&media),
        rng,
    });
    let counted = environment
        .endpoint
        .count_state(pc.connection_state().as_str());
    let connection = NativePeerConnection {
        pc,
        environment,
        counted,
        inbox,
        data_plane,
        media,
        mirror: Mirror::default(),
        told_timeout: None,
        closed_itself: false,
        span: connection_span(),
    };
    reply.set_named_property("value", connection)?;
    Ok(reply)
}

fn with_certificates(
    env: &Env,
    configuration: Unknown<'_>,
    certificates: Vec<ClassInstance<'_, NativeCertificate>>,
) -> Result<peer::Configuration> {
    let mut configuration: peer::Configuration = env.from_js_value(configuration)?;
    let certificates = certificates
        .iter()
        .map(|c| -> Certificate { c.certificate.clone() });
    configuration.certificates = certificates.collect();
    Ok(configuration)
}

/// Which slots an effect may have changed when it was polled.
fn stale_after(effect: &Effect) -> Stale {
    match effect {
        Effect::Event(Event::ChannelMessage(..)) => Stale::Nothing,
        Effect::Event(
            Event::DataChannel(_)
            | Event::ChannelOpen(_)
            | Event::ChannelBufferedAmountLow(_)
            | Event::ChannelError(..)
            | Event::ChannelClosing(_)
            | Event::ChannelClose(_),
        ) => Stale::Channels,
        _ => Stale::Everything,
    }
}

impl Drop for NativePeerConnection {
    fn drop(&mut self) {
        // They hold the session, whose task holds them.
        self.media.end_those(|_| true);
    }
}

// --- what comes out

impl NativePeerConnection {
    /// `Reply`: the result of a method, and what it changed.
    pub(crate) fn reply<'env, T: Serialize>(
        &mut self,
        env: &'env Env,
        result: std::result::Result<T, Exception>,
    ) -> Result<Object<'env>> {
        self.flush()?;
        let mut reply = Object::new(env)?;
        match result {
            Ok(value) => reply.set_named_property("value", env.to_js_value(&value)?)?,
            Err(exception) => {
                let exception = exception::Exception::from(&exception);
                reply.set_named_property("exception", env.to_js_value(&exception)?)?;
            }
        }
        self.set_changes(env, &mut reply, Stale::Everything)?;
        if self.pc.has_microtask() {
            reply.set_named_property("settles", true)?;
        }
        Ok(reply)
    }

    pub(crate) fn operation<'env>(
        &mut self,
        env: &'env Env,
        operation: OperationId,
    ) -> Result<Object<'env>> {
        self.reply(env, Ok(operation.as_u64() as f64))
    }

    fn set_changes(&mut self, env: &Env, into: &mut Object<'_>, stale: Stale) -> Result<()> {
        if let Some(changes) = self.mirror.changes(&self.pc, stale) {
            self.end_media_of_stopped();
            into.set_named_property("mirror", env.to_js_value(&changes)?)?;
        }
        if stale == Stale::Everything {
            self.media.tell_codecs(&self.pc);
        }
        let timeout = self.pc.poll_timeout();
        let timeout = timeout.map(|at| at.since_origin().as_secs_f64() * 1e3);
        if timeout != self.told_timeout {
            self.told_timeout = timeout;
            let now = self.environment.endpoint.now().since_origin().as_secs_f64() * 1e3;
            let wait = timeout.map_or(-1.0, |at| (at - now).max(0.0));
            into.set_named_property("timeout", wait)?;
        }
        Ok(())
    }

    /// Gives the session what it is to do; the first command starts it.
    pub(crate) fn flush(&mut self) -> Result<()> {
        let mut commands = Vec::new();
        while let Some(command) = self.pc.poll_command() {
            commands.push(command);
        }
        if !commands.is_empty()
            && let Some(session) = self.session().cloned()
        {
            for command in &commands {
                self.media.note(command, &session, &self.environment);
            }
            session.commands(commands);
        }
        if self.pc.is_closed() {
            self.data_plane.end();
            self.media.end_those(|_| true);
        }
        Ok(())
    }

    fn session(&mut self) -> Option<&SessionHandle> {
        self.data_plane.session(&self.environment, &self.span)
    }

    /// Where the frames and packets of a transceiver go.
    pub(crate) fn routes(&mut self, id: TransceiverId) -> Result<Arc<Routes>> {
        let gone = || Error::from_reason("the connection is closed");
        let session = self.session().cloned().ok_or_else(gone)?;
        let routes = self.media.open(id, &session, &self.environment);
        // Those of a stopped transceiver are at their end at once.
        self.end_media_of_stopped();
        Ok(routes)
    }

    fn end_media_of_stopped(&self) {
        let stopped = |id| {
            let view = self.pc.transceiver(id);
            view.is_none_or(|it| it.direction() == peer::TransceiverDirection::Stopped)
        };
        self.media.end_those(stopped);
    }

    /// `Turn`: effects to perform, after the changes that came before them. Messages come together,
    /// and at most one other effect behind them, so that the frequent events of channels may be told
    /// apart from the others.
    fn turn<'env>(
        &mut self,
        env: &'env Env,
        effects: Vec<Told>,
        stale: Stale,
    ) -> Result<Option<Object<'env>>> {
        self.flush()?;
        let mut turn = Object::new(env)?;
        for key in effects.iter().filter_map(Told::new_channel) {
            self.mirror.add_channel(key);
        }
        if stale == Stale::Nothing && effects.is_empty() {
            return Ok(None);
        }

        self.set_changes(env, &mut turn, stale)?;
        let left = u32::try_from(self.pc.effect_count()).unwrap_or(u32::MAX);
        turn.set_named_property("left", left)?;
        turn.set_named_property("tasks", self.task_count())?;
        let mut of_channels = env.create_array(0)?;
        let mut others = env.create_array(0)?;
        for effect in effects {
            if let Some(key) = effect.closed_channel() {
                self.mirror.remove_channel(key);
            }
            match effect {
                Told::Message(ChannelKey(channel), message) => {
                    of_channels.insert(channel)?;
                    of_channels.insert(effect::data_to_js(env, message)?)?;
                }
                Told::OfChannel(ChannelKey(channel), number) => {
                    of_channels.insert(channel)?;
                    of_channels.insert(number)?;
                }
                Told::Other(effect) => others.insert(env.to_js_value(&effect)?)?,
            }
        }

        turn.set_named_property("ofChannels", of_channels)?;
        turn.set_named_property("effects", others)?;
        Ok(Some(turn))
    }
}

#[napi]
impl NativePeerConnection {
    /// Makes tasks of the oldest reports; tells how many tasks wait.
    #[napi]
    pub fn receive(&mut self, reports: u32) -> u32 {
        let taken = self.inbox.take(reports as usize);
        if taken.overrun {
            // What is missing cannot be made up for.
            self.pc.close();
            self.closed_itself = true;
        }
        for report in taken.reports {
            match report {
                Reported::Connection(report) => self.pc.handle_report(report),
                Reported::Channel(report) => self.pc.handle_channel_report(report),
            }
        }
        if taken.has_room_again
            && let Some(session) = self.data_plane.running()
        {
            session.wake();
        }
        // JavaScript takes a turn if there are tasks.
        self.task_count().max(u32::from(self.closed_itself))
    }

    fn task_count(&self) -> u32 {
        u32::try_from(self.pc.task_count()).unwrap_or(u32::MAX)
    }

    /// The next thing to perform, or several messages; runs tasks until there is one.
    #[napi(ts_return_type = "object | null")]
    pub fn next<'env>(&mut self, env: &'env Env) -> Result<Option<Object<'env>>> {
        let mut effects = Vec::new();
        let mut stale = match mem::take(&mut self.closed_itself) {
            true => Stale::Everything,
            false => Stale::Nothing,
        };
        let span = self.span.clone();
        let _in = span.enter();
        loop {
            if let Some(effect) = self.pc.poll_effect() {
                let message = matches!(effect, Effect::Event(Event::ChannelMessage(..)));
                stale = stale.max(stale_after(&effect));
                if let Effect::Event(Event::ConnectionStateChange(state)) = &effect {
                    self.counted.set(state.as_str());
                }
                // What is not told of ends no turn: JavaScript takes one without effects for the last.
                let Some(told) = Told::of(effect)? else {
                    continue;
                };
                effects.push(told);
                if !message || effects.len() == MAX_BATCH || !self.pc.is_message_next() {
                    break;
                }
            }
            let task = match (self.pc.is_message_next(), self.pc.is_channel_task_next()) {
                (true, _) => Stale::Nothing,
                (false, true) => Stale::Channels,
                (false, false) => Stale::Everything,
            };
            if !self.pc.run_task(self.environment.endpoint.now()) {
                break;
            }
            stale = stale.max(task);
        }
        self.turn(env, effects, stale)
    }

    /// One of the four descriptions, as it reads now; null when there is none.
    #[napi(ts_return_type = "object | null")]
    pub fn description<'env>(&self, env: &'env Env, name: String) -> Result<Unknown<'env>> {
        let description = match name.as_str() {
            "currentLocalDescription" => self.pc.current_local_description(),
            "pendingLocalDescription" => self.pc.pending_local_description(),
            "currentRemoteDescription" => self.pc.current_remote_description(),
            "pendingRemoteDescription" => self.pc.pending_remote_description(),
            _ => return Err(Error::from_reason("no such description")),
        };
        env.to_js_value(&description)
    }

    /// What a method settled in its own turn; to be performed in a microtask after it.
    #[napi(ts_return_type = "object | null")]
    pub fn next_microtask<'env>(&mut self, env: &'env Env) -> Result<Option<Object<'env>>> {
        while let Some(effect) = self.pc.poll_microtask() {
            if let Some(told) = Told::of(effect)? {
                return self.turn(env, vec![told], Stale::Everything);
            }
        }
        Ok(None)
    }
}

// --- the W3C's methods

#[napi]
impl NativePeerConnection {
    /// `createOffer()`
    #[napi]
    pub fn create_offer<'env>(
        &mut self,
        env: &'env Env,
        options: Unknown<'_>,
    ) -> Result<Object<'env>> {
        let options = env.from_js_value(options)?;
        let operation = self.pc.create_offer(options);
        self.operation(env, operation)
    }

    /// `createAnswer()`
    #[napi]
    pub fn create_answer<'env>(&mut self, env: &'env Env) -> Result<Object<'env>> {
        let operation = self.pc.create_answer();
        self.operation(env, operation)
    }

    /// `setLocalDescription()`
    #[napi]
    pub fn set_local_description<'env>(
        &mut self,
        env: &'env Env,
        description: Unknown<'_>,
    ) -> Result<Object<'env>> {
        let description: peer::LocalSessionDescription = env.from_js_value(description)?;
        let operation = self.pc.set_local_description(description);
        self.operation(env, operation)
    }

    /// `setRemoteDescription()`
    #[napi]
    pub fn set_remote_description<'env>(
        &mut self,
        env: &'env Env,
        description: Unknown<'_>,
    ) -> Result<Object<'env>> {
        let description = env.from_js_value(description)?;
        let operation = self.pc.set_remote_description(description);
        self.operation(env, operation)
    }

    /// `addIceCandidate()`
    #[napi]
    pub fn add_ice_candidate<'env>(
        &mut self,
        env: &'env Env,
        candidate: Unknown<'_>,
    ) -> Result<Object<'env>> {
        let candidate = env.from_js_value(candidate)?;
        let operation = self.pc.add_ice_candidate(candidate);
        self.operation(env, operation)
    }

    /// `setIdentityProvider()`
    #[napi]
    pub fn set_identity_provider<'env>(
        &mut self,
        env: &'env Env,
        provider: String,
        options: Unknown<'_>,
    ) -> Result<Object<'env>> {
        let options = env.from_js_value(options)?;
        let result = self.pc.set_identity_provider(provider, options);
        self.reply(env, result)
    }

    /// `getIdentityAssertion()`
    #[napi]
    pub fn get_identity_assertion<'env>(&mut self, env: &'env Env) -> Result<Object<'env>> {
        let operation = self.pc.get_identity_assertion();
        self.operation(env, operation)
    }

    /// What an identity provider says to an `ask` effect.
    #[napi]
    pub fn answer<'env>(
        &mut self,
        env: &'env Env,
        question: f64,
        answer: Unknown<'_>,
    ) -> Result<Object<'env>> {
        let answer: effect::AnswerView = env.from_js_value(answer)?;
        let question = peer::QuestionId::from_u64(question as u64);
        self.pc.answer(question, answer.into());
        self.reply(env, Ok(()))
    }

    /// `restartIce()`
    #[napi]
    pub fn restart_ice<'env>(&mut self, env: &'env Env) -> Result<Object<'env>> {
        self.pc.restart_ice();
        self.reply(env, Ok(()))
    }

    /// `setConfiguration()`
    #[napi]
    pub fn set_configuration<'env>(
        &mut self,
        env: &'env Env,
        configuration: Unknown<'_>,
        certificates: Vec<ClassInstance<'_, NativeCertificate>>,
    ) -> Result<Object<'env>> {
        let configuration = with_certificates(env, configuration, certificates)?;
        let result = self.pc.set_configuration(configuration);
        self.reply(env, result)
    }

    /// `close()`
    #[napi]
    pub fn close<'env>(&mut self, env: &'env Env) -> Result<Object<'env>> {
        self.pc.close();
        self.counted.set(self.pc.connection_state().as_str());
        self.reply(env, Ok(()))
    }

    /// What is due by the clock is queued; `timeout` told when to call this.
    #[napi]
    pub fn handle_timeout<'env>(&mut self, env: &'env Env) -> Result<Object<'env>> {
        self.pc.handle_timeout(self.environment.endpoint.now());
        // JavaScript's timers may be early: then it is told the rest.
        self.told_timeout = None;
        self.reply(env, Ok(()))
    }

    /// `getStats()` of the connection, or of a track, a sender or a receiver.
    #[napi(ts_return_type = "object")]
    pub fn get_stats<'env>(
        &mut self,
        env: &'env Env,
        of: String,
        id: Either<String, u32>,
    ) -> Result<Object<'env>> {
        let selector = match (of.as_str(), id) {
            ("sender", Either::B(id)) => peer::StatsSelector::Sender(TransceiverId(id)),
            ("receiver", Either::B(id)) => peer::StatsSelector::Receiver(TransceiverId(id)),
            ("track", Either::A(id)) => peer::StatsSelector::Track(id.into()),
            _ => peer::StatsSelector::Connection,
        };
        let operation = self.pc.get_stats(selector);
        self.operation(env, operation)
    }
}

// --- static

/// How many bytes a channel may have queued (webrtc-pc §6.1.1.2, `canSendSize`).
#[napi]
pub const SEND_BUFFER_BYTES: u32 = peer::limits::SEND_BUFFER_BYTES as u32;

/// What a message in the queue counts beside its bytes.
#[napi]
pub const SEND_OVERHEAD: u32 = peer::limits::SEND_OVERHEAD as u32;

/// What a candidate attribute says; null when it cannot be parsed.
#[napi(ts_return_type = "object | null")]
pub fn parse_candidate<'env>(env: &'env Env, candidate: String) -> Result<Unknown<'env>> {
    let init = peer::IceCandidateInit {
        candidate,
        ..Default::default()
    };
    env.to_js_value(&peer::IceCandidate::new(init).parts)
}
