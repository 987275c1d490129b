//! `RTCPeerConnection`: the handle, and what stands behind it.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;

use duologue_base::{Instant, Rng};
use duologue_identity::{Certificate, KeygenAlgorithm};
use duologue_peer as peer;
use duologue_peer::{
    Configuration, DataChannelInit, Env, Exception, IceCandidateInit, IceConnectionState,
    IceGatheringState, IdentityAssertion, IdentityProviderOptions, LocalSessionDescription,
    OfferOptions, OperationId, PeerConnectionState, Question, QuestionId, SessionDescription,
    SignalingState, StatsReport, StatsSelector, Value,
};
use duologue_session::Session;
use duologue_tokio::{SessionHandle, connection_span, system_time};
use tokio::task::AbortHandle;

use crate::Endpoint;
use crate::channel::{Backlog, Channel, DataChannel};
use crate::control::Control;
use crate::event::{Event, EventQueue, Events};
use crate::flow::MediaQueues;
use crate::host::ConnectionHost;
use crate::transport::SctpTransport;

/// A connection to a peer: `RTCPeerConnection` (webrtc-pc §4.4).
///
/// Cheap to clone; all clones are one connection. When the last one is dropped, and the last
/// handle of anything that belongs to the connection, it closes. The track of a device that it sends does
/// not keep it open.
///
/// Each method names its W3C counterpart; its clause is §4.4.2 where no other is named, §5.1 for
/// tracks and transceivers.
///
/// # Example
///
/// One end of a connection that either end may set up and change, and that survives both doing so
/// at once: "perfect negotiation" (webrtc-pc §10.7). How a `Signal` travels is the application's
/// choice; exactly one of the two ends is `polite`.
///
/// ```
/// # use duologue::{Configuration, DataChannel, Endpoint};
/// use duologue::{
///     Event, Events, Exception, IceCandidateInit, PeerConnection, SdpType, SessionDescription,
///     SignalingState,
/// };
/// use tokio::sync::mpsc;
///
/// enum Signal {
///     Description(SessionDescription),
///     Candidate(IceCandidateInit),
/// }
///
/// async fn negotiate(
///     pc: PeerConnection,
///     mut events: Events,
///     to_peer: mpsc::Sender<Signal>,
///     mut from_peer: mpsc::Receiver<Signal>,
///     polite: bool,
/// #   channels: mpsc::Sender<DataChannel>,
/// ) -> Result<(), Exception> {
///     loop {
///         tokio::select! {
///             event = events.recv() => match event {
///                 None => return Ok(()),
///                 Some(Event::NegotiationNeeded) => {
///                     pc.set_local_description(None).await?;
///                     let offer = pc.local_description().map(Signal::Description);
///                     let _ = to_peer.send(offer.unwrap()).await;
///                 }
///                 Some(Event::IceCandidate(Some(candidate))) => {
///                     let _ = to_peer.send(Signal::Candidate(candidate.init)).await;
///                 }
/// #               Some(Event::DataChannel(channel)) => drop(channels.send(channel).await),
///                 Some(_) => {}
///             },
///             Some(signal) = from_peer.recv() => match signal {
///                 Signal::Description(description) => {
///                     let is_offer = description.sdp_type == SdpType::Offer;
///                     let collides = is_offer && pc.signaling_state() != SignalingState::Stable;
///                     if collides && !polite {
///                         continue;
///                     }
///                     // Rolls our own offer back, if there is one.
///                     pc.set_remote_description(description).await?;
///                     if is_offer {
///                         pc.set_local_description(None).await?;
///                         let answer = pc.local_description().map(Signal::Description);
///                         let _ = to_peer.send(answer.unwrap()).await;
///                     }
///                 }
///                 Signal::Candidate(candidate) => {
///                     // Those of an offer that was ignored here, or rolled back there while they
///                     // were on their way, fit nothing.
///                     let _ = pc.add_ice_candidate(candidate).await;
///                 }
///             },
///         }
///     }
/// }
/// # #[tokio::main]
/// # async fn main() -> Result<(), Exception> {
/// #     let endpoint = Endpoint::builder().loopback(true).build().unwrap();
/// #     let ((a, a_events), (b, b_events)) = (
/// #         endpoint.connection(Configuration::default())?,
/// #         endpoint.connection(Configuration::default())?,
/// #     );
/// #     let ((to_a, for_a), (to_b, for_b)) = (mpsc::channel(64), mpsc::channel(64));
/// #     let (channels, mut incoming) = mpsc::channel(2);
/// #     // Both begin.
/// #     let (from_a, from_b) = (
/// #         a.create_data_channel("from a", Default::default())?,
/// #         b.create_data_channel("from b", Default::default())?,
/// #     );
/// #     tokio::spawn(negotiate(a, a_events, to_b, for_a, true, channels.clone()));
/// #     tokio::spawn(negotiate(b, b_events, to_a, for_b, false, channels));
/// #     from_a.opened().await?;
/// #     from_b.opened().await?;
/// #     assert!(incoming.recv().await.is_some() && incoming.recv().await.is_some());
/// #     Ok(())
/// # }
/// ```
#[doc(alias = "RTCPeerConnection")]
#[derive(Clone)]
pub struct PeerConnection(Arc<ConnectionHandle>);

impl PeerConnection {
    /// A connection with an [`Endpoint`] of its own and default options:
    /// `new RTCPeerConnection(configuration)`.
    ///
    /// # Errors
    /// As [`Endpoint::connection`]; `OperationError` outside of a tokio runtime.
    ///
    /// # Panics
    /// In a tokio runtime without its I/O and time drivers.
    pub fn new(configuration: Configuration) -> Result<(Self, Events), Exception> {
        let endpoint = Endpoint::builder().build();
        let endpoint = endpoint.map_err(|error| Exception::operation(error.to_string()))?;
        endpoint.connection(configuration)
    }

    pub(crate) fn on(
        endpoint: &Endpoint,
        configuration: Configuration,
    ) -> Result<(Self, Events), Exception> {
        let driver = endpoint.driver();
        let mut rng = system_rng()?;
        let session = Session::new(endpoint.session_config().clone(), rng.fork());
        let now = system_time();
        let sctp_init = endpoint.session_config().sctp_init(&mut rng);
        let env = Env {
            now,
            epoch: driver.epoch(),
            rng,
            capabilities: endpoint.capabilities().clone(),
            sctp_init: Some(sctp_init),
        };
        let peer = peer::PeerConnection::new(configuration, env)?;
        let span = connection_span();
        let _in = span.enter();
        let mut started = None;
        driver.spawn(session, |session| {
            let connection =
                Connection::start(endpoint.clone(), session.clone(), peer, span.clone());
            started = Some(connection.clone());
            ConnectionHost::new(connection)
        });
        let connection = started.ok_or_else(|| Exception::unknown("no session was started"))?;
        let events = Events::new(connection.events.clone());
        let handle = Arc::new(ConnectionHandle(connection));
        // Set once, here: nothing has happened yet that could have wanted it.
        let _ = handle.0.handle.set(Arc::downgrade(&handle));
        Ok((PeerConnection(handle), events))
    }

    /// `createOffer(options)`: what this end would like, as an offer that is not applied yet.
    /// [`set_local_description`](Self::set_local_description) without a description makes and
    /// applies one in a single step, which leaves no time for anything to change between.
    ///
    /// # Errors
    /// `InvalidStateError` when the connection is closed, or in a state where no offer can be
    /// made; `OperationError` when the certificate cannot be made.
    pub async fn create_offer(
        &self,
        options: OfferOptions,
    ) -> Result<SessionDescription, Exception> {
        description(self.0.operation(|peer| peer.create_offer(options)).await?)
    }

    /// `createAnswer()`: what this end takes of the pending remote offer, not applied yet.
    ///
    /// # Errors
    /// `InvalidStateError` unless a remote offer is pending.
    pub async fn create_answer(&self) -> Result<SessionDescription, Exception> {
        description(
            self.0
                .operation(peer::PeerConnection::create_answer)
                .await?,
        )
    }

    /// `setLocalDescription(description)`; with `None` the offer or answer that the signalling
    /// state calls for is made and applied. Candidates are gathered from then on, and
    /// [`local_description`](Self::local_description) is what to send to the peer.
    ///
    /// # Errors
    /// `InvalidStateError` in the wrong state; `InvalidModificationError` for a description that
    /// was not made by this connection, or was changed in more than browsers take: directions, codecs
    /// and their parameters, header extensions, `b=`, and the ICE credentials of a first one.
    pub async fn set_local_description(
        &self,
        description: impl Into<Option<SessionDescription>>,
    ) -> Result<(), Exception> {
        let description = description.into().map(LocalSessionDescription::from);
        let description = description.unwrap_or_default();
        let settled = self
            .0
            .operation(|peer| peer.set_local_description(description));
        settled.await.map(drop)
    }

    /// `setRemoteDescription(description)`: what the peer sent. An offer that collides with a
    /// pending local offer rolls that back.
    ///
    /// # Errors
    /// `InvalidStateError` in the wrong state; `InvalidAccessError` for a description that
    /// contradicts the one before; `OperationError` for one that cannot be applied; `RTCError`
    /// `sdp-syntax-error` with its line.
    pub async fn set_remote_description(
        &self,
        description: SessionDescription,
    ) -> Result<(), Exception> {
        let settled = self
            .0
            .operation(|peer| peer.set_remote_description(description));
        settled.await.map(drop)
    }

    /// `addIceCandidate(candidate)`: where the peer might be reached, as its `icecandidate` event
    /// had it. The default [`IceCandidateInit`] says that no more come.
    ///
    /// # Errors
    /// `TypeError` when neither `sdp_mid` nor `sdp_m_line_index` is given for a candidate;
    /// `InvalidStateError` before there is a remote description; `OperationError` when it names no
    /// media description or cannot be parsed.
    pub async fn add_ice_candidate(&self, candidate: IceCandidateInit) -> Result<(), Exception> {
        let settled = self.0.operation(|peer| peer.add_ice_candidate(candidate));
        settled.await.map(drop)
    }

    /// `RTCPeerConnection.generateCertificate(keygenAlgorithm)` (webrtc-pc §4.9.1): valid for `lifetime` from now, 30
    /// days unless given, at most 365 days. A connection that is given none makes its own, of
    /// ECDSA P-256. An RSA key takes up to a tenth of a second, on a thread of tokio's for blocking
    /// work.
    ///
    /// # Errors
    /// `NotSupportedError` for an RSA modulus that is not made here; `OperationError` when the
    /// cryptographic library fails, or outside of a tokio runtime.
    pub async fn generate_certificate(
        algorithm: KeygenAlgorithm,
        lifetime: Option<Duration>,
    ) -> Result<Certificate, Exception> {
        let generate = move || {
            let millis =
                |lifetime: Duration| u64::try_from(lifetime.as_millis()).unwrap_or(u64::MAX);
            let (now, expires) = (system_time(), lifetime.map(millis));
            let mut rng = system_rng()?;
            peer::PeerConnection::generate_certificate(algorithm, expires, now, &mut rng)
        };
        let runtime = tokio::runtime::Handle::try_current();
        let runtime = runtime.map_err(|error| Exception::operation(error.to_string()))?;
        let generated = runtime.spawn_blocking(generate).await;
        generated.unwrap_or_else(|_| Err(Exception::operation("the runtime shut down")))
    }

    /// `getStats()` (webrtc-pc §8.2): states and counters of everything that the connection is made
    /// of. A closed connection has those of itself and its channels left. What an encoder, a decoder or
    /// a player would tell is absent.
    ///
    /// ```
    /// # async fn example(pc: duologue::PeerConnection) -> Result<(), duologue::Exception> {
    /// let report = pc.get_stats().await?;
    /// if let Some(pair) = report.selected_candidate_pair() {
    ///     let path = [&pair.local_candidate_id, &pair.remote_candidate_id];
    ///     for candidate in path.map(|id| report.candidate(id)).into_iter().flatten() {
    ///         println!("{} over {}", candidate.candidate_type, candidate.protocol);
    ///     }
    ///     println!("round trip: {:?} s", pair.current_round_trip_time);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `InvalidStateError` when the session's task is gone.
    pub async fn get_stats(&self) -> Result<StatsReport, Exception> {
        self.0.get_stats(StatsSelector::Connection).await
    }

    /// Gives the application a say in candidate pairs (webrtc-extensions, "RTCIceTransport
    /// extensions"): it is told of them by [`Event::IceCandidatePairAdd`] and those that follow, which
    /// it may answer. In JavaScript that begins with the first listener.
    pub fn control_candidate_pairs(&self) {
        self.0
            .with(|control| control.peer_mut().control_candidate_pairs());
    }

    /// `restartIce()`: the next offer restarts ICE, which looks for a path anew while data keeps
    /// flowing on the old one. [`Event::NegotiationNeeded`] calls for that offer.
    pub fn restart_ice(&self) {
        self.0.with(|control| control.peer_mut().restart_ice());
    }

    /// `close()`. Everything is freed at once, no event follows, and operations that are pending
    /// complete with `InvalidStateError` (in a browser they never settle). The peer is told by the
    /// session's task: who ends the runtime right after it reads [`Events`] to their end before.
    pub fn close(&self) {
        self.0.with(Control::close);
    }

    /// `getConfiguration()`
    #[doc(alias = "getConfiguration")]
    pub fn configuration(&self) -> Configuration {
        self.0
            .with(|control| control.peer().configuration().clone())
    }

    /// `setConfiguration(configuration)`
    ///
    /// # Errors
    /// `InvalidModificationError` for what cannot change; else as [`Endpoint::connection`].
    pub fn set_configuration(&self, configuration: Configuration) -> Result<(), Exception> {
        self.0
            .with(|control| control.peer_mut().set_configuration(configuration))
    }

    /// `localDescription`: the pending one, else the current one, with the candidates that were
    /// gathered so far.
    pub fn local_description(&self) -> Option<SessionDescription> {
        self.0.with(|control| control.peer().local_description())
    }

    /// `currentLocalDescription`: as of the last completed exchange.
    pub fn current_local_description(&self) -> Option<SessionDescription> {
        self.0
            .with(|control| control.peer().current_local_description())
    }

    /// `pendingLocalDescription`: of the exchange in progress.
    pub fn pending_local_description(&self) -> Option<SessionDescription> {
        self.0
            .with(|control| control.peer().pending_local_description())
    }

    /// `remoteDescription`: the pending one, else the current one, with the candidates that were
    /// added so far.
    pub fn remote_description(&self) -> Option<SessionDescription> {
        self.0.with(|control| control.peer().remote_description())
    }

    /// `currentRemoteDescription`: as of the last completed exchange.
    pub fn current_remote_description(&self) -> Option<SessionDescription> {
        self.0
            .with(|control| control.peer().current_remote_description())
    }

    /// `pendingRemoteDescription`: of the exchange in progress.
    pub fn pending_remote_description(&self) -> Option<SessionDescription> {
        self.0
            .with(|control| control.peer().pending_remote_description())
    }

    /// `signalingState`: where the exchange of offer and answer stands.
    pub fn signaling_state(&self) -> SignalingState {
        self.0.with(|control| control.peer().signaling_state())
    }

    /// `iceGatheringState`: whether candidates of this end are still to be expected.
    pub fn ice_gathering_state(&self) -> IceGatheringState {
        self.0.with(|control| control.peer().ice_gathering_state())
    }

    /// `iceConnectionState`: how ICE is, over all transports.
    pub fn ice_connection_state(&self) -> IceConnectionState {
        self.0.with(|control| control.peer().ice_connection_state())
    }

    /// `connectionState`: how ICE and DTLS are, over all transports. `Disconnected` often ends by
    /// itself; `Failed` needs [`restart_ice`](Self::restart_ice) or a new connection.
    pub fn connection_state(&self) -> PeerConnectionState {
        self.0.with(|control| control.peer().connection_state())
    }

    /// `canTrickleIceCandidates`: whether the peer takes candidates after its description; `None`
    /// before that is known.
    pub fn can_trickle_ice_candidates(&self) -> Option<bool> {
        self.0
            .with(|control| control.peer().can_trickle_ice_candidates())
    }

    /// `createDataChannel(label, options)` (webrtc-pc §6.1): opens once the connection is there and
    /// appears at the peer as [`Event::DataChannel`], unless both ends make it (`negotiated`). The
    /// first one calls for a negotiation; later ones need none.
    ///
    /// # Errors
    /// `InvalidStateError` when the connection is closed; `TypeError` for options that contradict
    /// one another or are out of range; `OperationError` when the id is taken.
    pub fn create_data_channel(
        &self,
        label: &str,
        options: DataChannelInit,
    ) -> Result<DataChannel, Exception> {
        let connection = &self.0.0;
        let create =
            |control: &mut Control| control.create_data_channel(connection, label, options);
        let channel = self.0.with(create)?;
        Ok(DataChannel::new(channel, self.0.clone()))
    }

    /// `sctp` (webrtc-pc §6.1): the transport of the data channels, once one is negotiated.
    pub fn sctp(&self) -> Option<SctpTransport> {
        let exists = self.0.with(|control| control.peer().sctp().is_some());
        exists.then(|| SctpTransport::new(self.0.clone()))
    }

    /// `setIdentityProvider(provider, options)` (webrtc-identity): from now on this domain vouches for
    /// this end in the offers and answers that it makes, if the endpoint
    /// [knows it](crate::EndpointBuilder::identity_provider).
    ///
    /// # Errors
    /// `InvalidStateError` when the connection is closed; `SyntaxError` for a protocol with `/` or
    /// `\`.
    pub fn set_identity_provider(
        &self,
        domain: &str,
        options: IdentityProviderOptions,
    ) -> Result<(), Exception> {
        self.0
            .with(|control| control.peer_mut().set_identity_provider(domain, options))
    }

    /// `getIdentityAssertion()` (webrtc-identity): the assertion that offers and answers will carry.
    /// They get one by themselves; this is to have it early.
    ///
    /// # Errors
    /// `InvalidStateError` when the connection is closed or no provider was set; an `RTCError` with
    /// one of the `idp-*` details.
    pub async fn get_identity_assertion(&self) -> Result<String, Exception> {
        let operation = self
            .0
            .operation(peer::PeerConnection::get_identity_assertion);
        match operation.await? {
            Value::Assertion(assertion) => Ok(assertion),
            _ => Err(Exception::unknown("the operation made no assertion")),
        }
    }

    /// `peerIdentity` (webrtc-identity): waits until the other end is validated. Once it is, or
    /// [`Configuration::peer_identity`] is given, a description of anybody else is refused.
    ///
    /// # Errors
    /// `OperationError` when validation fails, which without a `peer_identity` in the configuration
    /// concerns nothing else: the next description may have a better one. `InvalidStateError` when the
    /// connection is closed.
    pub async fn peer_identity(&self) -> Result<IdentityAssertion, Exception> {
        let settled = self.0.with(Control::peer_identity);
        match settled.await {
            Ok(Ok(Value::Identity(identity))) => Ok(identity),
            Ok(Err(exception)) => Err(exception),
            _ => Err(Exception::invalid_state("the connection was closed")),
        }
    }

    /// `idpLoginUrl` (webrtc-identity): where the user can log in, if the provider last wanted that.
    pub fn idp_login_url(&self) -> Option<String> {
        self.0
            .with(|control| control.peer().idp_login_url().map(str::to_owned))
    }

    /// `idpErrorInfo` (webrtc-identity): what the provider told of its last failure.
    pub fn idp_error_info(&self) -> Option<String> {
        self.0
            .with(|control| control.peer().idp_error_info().map(str::to_owned))
    }

    pub(crate) fn handle(&self) -> &Arc<ConnectionHandle> {
        &self.0
    }
}

impl PartialEq for PeerConnection {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for PeerConnection {}

impl fmt::Debug for PeerConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeerConnection")
            .field("signaling_state", &self.signaling_state())
            .field("connection_state", &self.connection_state())
            .finish_non_exhaustive()
    }
}

/// What every handle of a connection holds; the connection closes with the last.
pub(crate) struct ConnectionHandle(Arc<Connection>);

impl ConnectionHandle {
    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.0.endpoint
    }

    pub(crate) fn runtime(&self) -> &tokio::runtime::Handle {
        self.0.endpoint().runtime()
    }

    #[cfg(feature = "codecs")]
    pub(crate) fn raw(&self) -> &Arc<duologue_raw::Shared> {
        &self.0.raw
    }

    pub(crate) fn session(&self) -> &SessionHandle {
        &self.0.session
    }

    pub(crate) fn media_queues(&self) -> &MediaQueues {
        &self.0.media_queues
    }

    pub(crate) fn max_message_size(&self) -> u64 {
        self.0.max_message_size.load(Ordering::Relaxed)
    }

    pub(crate) fn with<R>(&self, work: impl FnOnce(&mut Control) -> R) -> R {
        self.0.with(work)
    }

    /// Starts an operation of the peer and waits until its promise settles.
    pub(crate) async fn operation(
        &self,
        start: impl FnOnce(&mut peer::PeerConnection) -> OperationId,
    ) -> Result<Value, Exception> {
        let settled = self.with(|control| control.start(start));
        match settled.await {
            Ok(settled) => settled,
            Err(_) => Err(Exception::invalid_state("the connection was closed")),
        }
    }

    /// `getStats(selector)`
    pub(crate) async fn get_stats(&self, of: StatsSelector) -> Result<StatsReport, Exception> {
        let operation = self.operation(|peer| peer.get_stats(of));
        match operation.await? {
            Value::Stats(report) => Ok(report),
            _ => Err(Exception::unknown("the operation made no statistics")),
        }
    }
}

impl Drop for ConnectionHandle {
    fn drop(&mut self) {
        self.0.with(Control::close);
    }
}

/// What a connection's handles and its session's task share.
pub(crate) struct Connection {
    endpoint: Endpoint,
    session: SessionHandle,
    control: Mutex<Control>,
    events: Arc<EventQueue>,
    backlog: Arc<Backlog>,
    media_queues: MediaQueues,
    #[cfg(feature = "codecs")]
    raw: Arc<duologue_raw::Shared>,
    /// The SCTP transport's `maxMessageSize`, where `send` finds it without the lock.
    max_message_size: AtomicU64,
    handle: OnceLock<Weak<ConnectionHandle>>,
    /// What is logged about it is in here.
    span: tracing::Span,
}

impl Connection {
    fn start(
        endpoint: Endpoint,
        session: SessionHandle,
        peer: peer::PeerConnection,
        span: tracing::Span,
    ) -> Arc<Self> {
        let counted = endpoint
            .driver()
            .count_state(peer.connection_state().as_str());
        Arc::new(Connection {
            endpoint,
            control: Mutex::new(Control::new(peer, counted)),
            events: Arc::new(EventQueue::new(session.clone())),
            backlog: Arc::new(Backlog::new(session.clone())),
            media_queues: MediaQueues::default(),
            #[cfg(feature = "codecs")]
            raw: Arc::default(),
            max_message_size: AtomicU64::new(0),
            handle: OnceLock::new(),
            session,
            span,
        })
    }

    pub(crate) fn endpoint(&self) -> &duologue_tokio::Endpoint {
        self.endpoint.driver()
    }

    pub(crate) fn session(&self) -> &SessionHandle {
        &self.session
    }

    pub(crate) fn events(&self) -> &EventQueue {
        &self.events
    }

    pub(crate) fn backlog(&self) -> &Arc<Backlog> {
        &self.backlog
    }

    pub(crate) fn media_queues(&self) -> &MediaQueues {
        &self.media_queues
    }

    #[cfg(feature = "codecs")]
    pub(crate) fn raw(&self) -> &duologue_raw::Shared {
        &self.raw
    }

    pub(crate) fn set_max_message_size(&self, peer: &peer::PeerConnection) {
        let size = peer.sctp().and_then(peer::SctpTransport::max_message_size);
        self.max_message_size
            .store(size.unwrap_or(0), Ordering::Relaxed);
    }

    /// Bytes of a channel left its send queue.
    pub(crate) fn bytes_sent(&self, channel: &Arc<Channel>, bytes: usize, messages: usize) {
        let handle = self.handle();
        channel.sent(bytes, messages, || {
            if let Some(handle) = &handle {
                let channel = DataChannel::new(channel.clone(), handle.clone());
                self.events.push(Event::ChannelBufferedAmountLow(channel));
            }
        });
    }

    /// The session's task is gone.
    pub(crate) fn end(&self) {
        self.with(Control::end);
        self.events().end();
    }

    /// Lets the peer's timer run off then.
    pub(crate) fn wake_at(&self, at: Instant) {
        let Some(handle) = self.handle.get().cloned() else {
            return;
        };
        let wait = at - self.endpoint().now();
        let wake = async move {
            tokio::time::sleep(wait).await;
            if let Some(handle) = handle.upgrade() {
                let now = handle.0.endpoint().now();
                handle.with(|control| control.handle_timeout(now));
            }
        };
        drop(self.endpoint().runtime().spawn(wake));
    }

    /// Asks an identity provider, unless nobody is left to be told.
    pub(crate) fn ask(&self, question: QuestionId, what: Question) -> Option<AbortHandle> {
        let handle = self.handle.get().cloned()?;
        #[cfg(feature = "legacy")]
        let asked = what.clone();
        let asking = self.endpoint.providers().ask(what);
        let task = async move {
            let answer = asking.await;
            if let Some(handle) = handle.upgrade() {
                #[cfg(feature = "legacy")]
                let event = crate::legacy::of_failure(&asked, &answer);
                handle.with(|control| control.peer_mut().answer(question, answer));
                #[cfg(feature = "legacy")]
                if let Some(event) = event {
                    handle.0.events().push(event);
                }
            }
        };
        Some(self.endpoint().runtime().spawn(task).abort_handle())
    }

    /// Does something with the control plane and performs what follows from it, before anybody
    /// else sees it.
    pub(crate) fn with<R>(&self, work: impl FnOnce(&mut Control) -> R) -> R {
        // Outlives the lock: should every other handle be dropped meanwhile, this one is the last
        // and closes the connection, which takes the lock.
        let handle = self.handle();
        let _in = self.span.enter();
        let mut control = self.lock();
        let result = work(&mut control);
        control.settle(self, handle.as_ref());
        drop(control);
        drop(handle);
        result
    }

    fn handle(&self) -> Option<Arc<ConnectionHandle>> {
        self.handle.get().and_then(Weak::upgrade)
    }

    fn lock(&self) -> MutexGuard<'_, Control> {
        // A panic inside left the control plane in the middle of a task. Closing still frees
        // everything, which is all that is asked of it then.
        self.control.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn description(value: Value) -> Result<SessionDescription, Exception> {
    match value {
        Value::Description(description) => Ok(description),
        _ => Err(Exception::unknown("the operation made no description")),
    }
}

/// Randomness of the system's.
pub(crate) fn system_rng() -> Result<Rng, Exception> {
    let mut seed = [0; 32];
    match getrandom::fill(&mut seed) {
        Ok(()) => Ok(Rng::from_seed(seed)),
        Err(_) => Err(Exception::operation("the system has no randomness")),
    }
}
