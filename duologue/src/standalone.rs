//! An ICE transport without a connection (webrtc-ice).

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use duologue_peer as peer;
use duologue_peer::{
    Exception, IceCandidate, IceCandidateInit, IceCandidatePair, IceFailure, IceGatherOptions,
    IceGathererState, IceParameters, IceRole, IceTransport, IceTransportState, StandaloneIceEvent,
};
use duologue_session::{ChannelReport, Report, Session};
use duologue_tokio::{Host, SessionHandle, connection_span, system_time};
use futures_core::Stream;
use tokio::sync::mpsc;

use crate::Endpoint;
use crate::connection::system_rng;
use crate::limits::EVENT_BACKLOG;

/// `new RTCIceTransport()` (webrtc-ice): a path between two ends that exchange parameters and candidates
/// themselves, without offers and answers. It finds the path, keeps it open and tells where it goes;
/// what there is to be sent is for connections.
///
/// Cheap to clone; all clones are one transport, which is stopped when the last is dropped.
///
/// ```
/// use duologue::{
///     Endpoint, IceGatherOptions, IceRole, IceTransportState, StandaloneIceEvent,
/// };
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let endpoint = Endpoint::builder().loopback(true).build()?;
/// let (near, mut near_events) = endpoint.ice_transport()?;
/// let (far, mut far_events) = endpoint.ice_transport()?;
///
/// near.gather(IceGatherOptions::default())?;
/// far.gather(IceGatherOptions::default())?;
/// // These, and the candidates below, go by the application's own way of signalling.
/// near.start(far.local_parameters(), IceRole::Controlling)?;
/// far.start(near.local_parameters(), IceRole::Controlled)?;
///
/// while near.state() != IceTransportState::Connected {
///     let (event, other) = tokio::select! {
///         event = near_events.recv() => (event, &far),
///         event = far_events.recv() => (event, &near),
///     };
///     if let Some(StandaloneIceEvent::IceCandidate(Some(candidate))) = event {
///         other.add_remote_candidate(candidate.init)?;
///     }
/// }
/// assert!(near.selected_candidate_pair().is_some());
/// # Ok(())
/// # }
/// ```
#[doc(alias = "RTCIceTransport")]
#[derive(Clone)]
pub struct StandaloneIceTransport(Arc<Handle>);

/// The events of a [`StandaloneIceTransport`], in order. The stream ends when it is stopped, or dropped.
/// Of events beyond [`EVENT_BACKLOG`] that nobody reads, the newest are dropped.
#[derive(Debug)]
pub struct StandaloneIceEvents(mpsc::Receiver<StandaloneIceEvent>);

/// What all clones hold.
struct Handle(Arc<Shared>);

struct Shared {
    control: Mutex<Control>,
    session: SessionHandle,
}

struct Control {
    peer: peer::StandaloneIceTransport,
    /// None once it is closed.
    events: Option<mpsc::Sender<StandaloneIceEvent>>,
}

impl StandaloneIceTransport {
    pub(crate) fn on(endpoint: &Endpoint) -> Result<(Self, StandaloneIceEvents), Exception> {
        let mut rng = system_rng()?;
        let session = Session::new(endpoint.session_config().clone(), rng.fork());
        let peer = peer::StandaloneIceTransport::new(system_time(), rng)?;
        let (events, reader) = mpsc::channel(EVENT_BACKLOG);
        let span = connection_span();
        let _in = span.enter();
        let mut started = None;
        endpoint.driver().spawn(session, |session| {
            let shared = Arc::new(Shared {
                control: Mutex::new(Control {
                    peer,
                    events: Some(events),
                }),
                session: session.clone(),
            });
            started = Some(shared.clone());
            Reports(shared)
        });
        let shared = started.ok_or_else(|| Exception::unknown("no session was started"))?;
        let transport = StandaloneIceTransport(Arc::new(Handle(shared)));
        Ok((transport, StandaloneIceEvents(reader)))
    }

    /// `gather(options)`: its candidates come as events, to be given to the other end.
    ///
    /// # Errors
    /// `InvalidStateError` when it is stopped or gathers already; `SyntaxError` for a server's URL,
    /// `InvalidAccessError` for a TURN server without credentials.
    pub fn gather(&self, options: IceGatherOptions) -> Result<(), Exception> {
        self.with(|peer| peer.gather(options))
    }

    /// `start(remoteParameters, role)`: checks begin as soon as there are candidates of both ends. Other
    /// parameters than before are those of another agent, whose candidates are unknown.
    ///
    /// # Errors
    /// `InvalidStateError` when it is stopped, or has another role already; `SyntaxError` for parameters
    /// that are not as RFC 8839 §5.4 has them; `TypeError` for the role `unknown`.
    pub fn start(&self, remote: IceParameters, role: IceRole) -> Result<(), Exception> {
        self.with(|peer| peer.start(remote, false, role))
    }

    /// [`start`](Self::start) with an agent that only answers checks (RFC 8445 §2.5): `iceLite`.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn start_with_lite(&self, remote: IceParameters, role: IceRole) -> Result<(), Exception> {
        self.with(|peer| peer.start(remote, true, role))
    }

    /// `addRemoteCandidate(remoteCandidate)`: one with an empty text says that no more come.
    ///
    /// # Errors
    /// `InvalidStateError` when it is stopped; `OperationError` for one that cannot be parsed, and for
    /// very many.
    pub fn add_remote_candidate(&self, candidate: IceCandidateInit) -> Result<(), Exception> {
        self.with(|peer| peer.add_remote_candidate(candidate))
    }

    /// `stop()`: ends the transport for good.
    pub fn stop(&self) {
        self.with(peer::StandaloneIceTransport::stop);
    }

    /// `role`; [`IceRole::Unknown`] before it was started.
    pub fn role(&self) -> IceRole {
        self.read(IceTransport::role)
    }

    /// `state`
    pub fn state(&self) -> IceTransportState {
        self.read(IceTransport::state)
    }

    /// Why the state is `failed`.
    pub fn failure(&self) -> Option<IceFailure> {
        self.read(IceTransport::failure)
    }

    /// `gatheringState`
    pub fn gathering_state(&self) -> IceGathererState {
        self.read(IceTransport::gathering_state)
    }

    /// `getLocalCandidates()`
    #[doc(alias = "getLocalCandidates")]
    pub fn local_candidates(&self) -> Vec<IceCandidate> {
        self.read(|view| view.local_candidates().to_vec())
    }

    /// `getRemoteCandidates()`
    #[doc(alias = "getRemoteCandidates")]
    pub fn remote_candidates(&self) -> Vec<IceCandidate> {
        self.read(|view| view.remote_candidates().to_vec())
    }

    /// `getSelectedCandidatePair()`
    #[doc(alias = "getSelectedCandidatePair")]
    pub fn selected_candidate_pair(&self) -> Option<IceCandidatePair> {
        self.read(|view| view.selected_candidate_pair().cloned())
    }

    /// `getLocalParameters()`: what the other end wants to know, with the candidates.
    #[doc(alias = "getLocalParameters")]
    pub fn local_parameters(&self) -> IceParameters {
        self.0.0.with(|peer| peer.local_parameters())
    }

    /// `getRemoteParameters()`
    #[doc(alias = "getRemoteParameters")]
    pub fn remote_parameters(&self) -> Option<IceParameters> {
        self.read(|view| view.remote_parameters().cloned())
    }

    fn read<R>(&self, read: impl FnOnce(&IceTransport) -> R) -> R {
        self.0.0.with(|peer| read(peer.view()))
    }

    fn with<R>(&self, work: impl FnOnce(&mut peer::StandaloneIceTransport) -> R) -> R {
        self.0.0.with(work)
    }
}

impl fmt::Debug for StandaloneIceTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StandaloneIceTransport")
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}

impl StandaloneIceEvents {
    /// The next event; `None` once the transport is stopped or dropped.
    pub async fn recv(&mut self) -> Option<StandaloneIceEvent> {
        self.0.recv().await
    }
}

impl Stream for StandaloneIceEvents {
    type Item = StandaloneIceEvent;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(cx)
    }
}

impl Shared {
    /// Does something with the control plane, then runs its tasks and tells the session what it is to do.
    fn with<R>(&self, work: impl FnOnce(&mut peer::StandaloneIceTransport) -> R) -> R {
        // Nothing that can panic leaves the transport in the middle of a task.
        let mut control = self.control.lock().unwrap_or_else(PoisonError::into_inner);
        let Control { peer, events } = &mut *control;
        let result = work(peer);
        loop {
            while let Some(event) = peer.poll_event() {
                if let Some(events) = events
                    && events.try_send(event).is_err()
                {
                    tracing::debug!("an event of an ICE transport is dropped: nobody reads");
                }
            }
            if !peer.run_task() {
                break;
            }
        }

        self.session
            .commands(std::iter::from_fn(|| peer.poll_command()));
        if peer.view().state() == IceTransportState::Closed {
            *events = None;
        }
        result
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.with(peer::StandaloneIceTransport::stop);
    }
}

/// What the session's task tells.
struct Reports(Arc<Shared>);

impl Host for Reports {
    fn handle_report(&mut self, report: Report) {
        self.0.with(|peer| peer.handle_report(report));
    }

    fn wants_channel_reports(&self) -> bool {
        // There are no channels.
        false
    }

    fn handle_channel_report(&mut self, _: ChannelReport) {}
}

impl Drop for Reports {
    fn drop(&mut self) {
        // The session's task ended: stopped, or its runtime shut down.
        self.0.with(peer::StandaloneIceTransport::stop);
    }
}
