//! `NativeIceTransport`: an ICE transport without a connection (webrtc-ice) on its JavaScript thread.

use std::sync::Arc;

use duologue_peer as peer;
use duologue_tokio::{ReportQueue, Reported, connection_span};
use napi::bindgen_prelude::{JsObjectValue, Object, Result, Unknown};
use napi::{Env, Error};
use napi_derive::napi;
use peer::{Exception, StandaloneIceEvent};

use crate::data_plane::{DataPlane, Start};
use crate::effect::{CandidateView, ConnectionEvent, EffectView, EventView, IceEvent, PairView};
use crate::environment::{self, Environment};
use crate::exception;
use crate::host::Hub;
use crate::limits::{MAX_WAITING_BYTES, MAX_WAITING_REPORTS};

/// The control plane of the transport and its link to the data plane.
#[napi]
#[expect(
    missing_debug_implementations,
    reason = "functions of JavaScript have none"
)]
pub struct NativeIceTransport {
    ice: peer::StandaloneIceTransport,
    environment: Arc<Environment>,
    inbox: Arc<ReportQueue>,
    data_plane: DataPlane,
    /// What is logged about it is in here.
    span: tracing::Span,
}

/// `createIceTransport()`; `number` is what the hub names it by.
#[napi(ts_return_type = "object")]
pub fn create_ice_transport<'env>(env: &'env Env, hub: &Hub, number: u32) -> Result<Object<'env>> {
    let reason = |error: &dyn ToString| Error::from_reason(error.to_string());
    let environment = Environment::shared().map_err(|error| reason(&error))?;
    let mut rng = environment::rng().map_err(|error| reason(&error))?;
    let made = peer::StandaloneIceTransport::new(environment::wall_clock(), rng.fork());
    let made = made.map(|ice| {
        let inbox = Arc::new(ReportQueue::new(MAX_WAITING_REPORTS, MAX_WAITING_BYTES));
        let data_plane = DataPlane::new(Start {
            connection: number,
            ready: hub.ready.clone(),
            inbox: Arc::clone(&inbox),
            media: Arc::default(),
            rng,
        });
        NativeIceTransport {
            ice,
            environment,
            inbox,
            data_plane,
            span: connection_span(),
        }
    });

    let mut reply = Object::new(env)?;
    match made {
        Ok(transport) => reply.set_named_property("value", transport)?,
        Err(exception) => {
            let exception = exception::Exception::from(&exception);
            reply.set_named_property("exception", env.to_js_value(&exception)?)?;
        }
    }
    Ok(reply)
}

impl NativeIceTransport {
    /// Gives the session what it is to do, and JavaScript the exception if there is one.
    fn settle<'env>(
        &mut self,
        env: &'env Env,
        result: std::result::Result<(), Exception>,
    ) -> Result<Unknown<'env>> {
        let commands: Vec<_> = std::iter::from_fn(|| self.ice.poll_command()).collect();
        let is_closed = self.ice.view().state() == peer::IceTransportState::Closed;
        let session = match is_closed || commands.is_empty() {
            true => self.data_plane.running(),
            false => self.data_plane.session(&self.environment, &self.span),
        };
        if let Some(session) = session {
            session.commands(commands);
        }
        if is_closed {
            self.data_plane.end();
        }
        let exception = result.err();
        env.to_js_value(&exception.as_ref().map(exception::Exception::from))
    }
}

#[napi]
impl NativeIceTransport {
    /// `gather()`; what it throws, as all of these.
    #[napi(ts_return_type = "object | null")]
    pub fn gather<'env>(&mut self, env: &'env Env, options: Unknown<'_>) -> Result<Unknown<'env>> {
        let options = env.from_js_value(options)?;
        let result = self.ice.gather(options);
        self.settle(env, result)
    }

    /// `start()`
    #[napi(ts_return_type = "object | null")]
    pub fn start<'env>(
        &mut self,
        env: &'env Env,
        parameters: Unknown<'_>,
        lite: bool,
        role: String,
    ) -> Result<Unknown<'env>> {
        let parameters = env.from_js_value(parameters)?;
        let role = role.parse().unwrap_or(peer::IceRole::Unknown);
        let result = self.ice.start(parameters, lite, role);
        self.settle(env, result)
    }

    /// `addRemoteCandidate()`
    #[napi(ts_return_type = "object | null")]
    pub fn add_remote_candidate<'env>(
        &mut self,
        env: &'env Env,
        candidate: Unknown<'_>,
    ) -> Result<Unknown<'env>> {
        let candidate = env.from_js_value(candidate)?;
        let result = self.ice.add_remote_candidate(candidate);
        self.settle(env, result)
    }

    /// `stop()`
    #[napi(ts_return_type = "object | null")]
    pub fn stop<'env>(&mut self, env: &'env Env) -> Result<Unknown<'env>> {
        self.ice.stop();
        self.settle(env, Ok(()))
    }

    /// `state`
    #[napi]
    pub fn state(&self) -> &'static str {
        self.ice.view().state().as_str()
    }

    /// `gatheringState`
    #[napi]
    pub fn gathering_state(&self) -> &'static str {
        self.ice.view().gathering_state().as_str()
    }

    /// `role`
    #[napi]
    pub fn role(&self) -> &'static str {
        self.ice.view().role().as_str()
    }

    /// `failure`
    #[napi]
    pub fn failure(&self) -> Option<String> {
        let failure = self.ice.view().failure();
        failure.map(|failure| failure.to_string())
    }

    /// `getLocalParameters()`
    #[napi(ts_return_type = "object | null")]
    pub fn local_parameters<'env>(&self, env: &'env Env) -> Result<Unknown<'env>> {
        env.to_js_value(&self.ice.view().local_parameters())
    }

    /// `getSelectedCandidatePair()`
    #[napi(ts_return_type = "object | null")]
    pub fn selected_candidate_pair<'env>(&self, env: &'env Env) -> Result<Unknown<'env>> {
        let pair = self.ice.view().selected_candidate_pair();
        env.to_js_value(&pair.cloned().map(PairView::from))
    }

    /// Makes tasks of the oldest reports; tells how many tasks wait.
    #[napi]
    pub fn receive(&mut self, reports: u32) -> u32 {
        let taken = self.inbox.take(reports as usize);
        if taken.overrun {
            // What is missing cannot be made up for.
            self.ice.stop();
        }
        for report in taken.reports {
            if let Reported::Connection(report) = report {
                self.ice.handle_report(report);
            }
        }
        self.task_count()
    }

    /// How many tasks wait.
    #[napi]
    pub fn task_count(&self) -> u32 {
        u32::try_from(self.ice.task_count()).unwrap_or(u32::MAX)
    }

    /// The next effect; runs tasks until there is one.
    #[napi(ts_return_type = "object | null")]
    pub fn next<'env>(&mut self, env: &'env Env) -> Result<Unknown<'env>> {
        let span = self.span.clone();
        let _in = span.enter();
        loop {
            let event = self.ice.poll_event().and_then(event_view);
            if event.is_some() || !self.ice.run_task() {
                return env.to_js_value(&event.map(EffectView::Event));
            }
        }
    }
}

fn event_view(event: StandaloneIceEvent) -> Option<EventView> {
    let key = 0;
    Some(match event {
        StandaloneIceEvent::IceCandidate(candidate) => {
            EventView::Connection(ConnectionEvent::IceCandidate {
                candidate: candidate.map(CandidateView::from),
            })
        }
        StandaloneIceEvent::IceCandidateError(error) => {
            EventView::Connection(ConnectionEvent::IceCandidateError(error.into()))
        }
        StandaloneIceEvent::StateChange(_) => EventView::Ice(IceEvent::StateChange { key }),
        StandaloneIceEvent::GatheringStateChange(_) => {
            EventView::Ice(IceEvent::GatheringStateChange { key })
        }
        StandaloneIceEvent::SelectedCandidatePairChange => {
            EventView::Ice(IceEvent::SelectedCandidatePairChange { key })
        }
        _ => return None,
    })
}
