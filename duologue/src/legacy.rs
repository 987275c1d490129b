//! The obsolete names of `RTCPeerConnection`: streams that are sent and received whole, callbacks in the place of
//! promises, and identities told of by events. With the feature `legacy`; the W3C's documents have them no more.
//!
//! What they do is what they did last: a stream is sent and received track by track.
//!
//! ```
//! # #![allow(deprecated)]
//! use duologue::legacy::LocalMediaStream;
//! use duologue::{MediaKind, PeerConnection, Track};
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), duologue::Exception> {
//! let (pc, _events) = PeerConnection::new(Default::default())?;
//! let stream = LocalMediaStream {
//!     id: "camera".into(),
//!     tracks: vec![Track { id: "sound".into(), kind: MediaKind::Audio }],
//! };
//! pc.add_stream(&stream)?;
//! assert_eq!(pc.local_streams(), [stream]);
//! # Ok(())
//! # }
//! ```
#![allow(
    deprecated,
    reason = "all of this is, and what is told of it is these types"
)]

use duologue_peer as peer;
use duologue_peer::{
    Answer, Effect, Exception, ExceptionName, IceCandidateInit, IdentityProviderDetails,
    LocalSessionDescription, MediaStreamId, OfferOptions, OperationId, Question,
    SessionDescription, SignalingState, StatsReport, Track, TrackId, Value,
};

use crate::connection::PeerConnection;
use crate::control::Control;
use crate::dtmf::DtmfSender;
use crate::event::{Event, EventQueue};
use crate::media::{MediaStream, RtpSender};

/// A stream of this end: a name for tracks that belong together. That of the other end is a [`MediaStream`].
#[deprecated(note = "obsolete: streams are the ids that `add_track` takes")]
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LocalMediaStream {
    /// The stream's `id`.
    pub id: MediaStreamId,
    /// The stream's tracks.
    pub tracks: Vec<Track>,
}

/// What [`PeerConnection::get_stream_by_id`] finds.
#[deprecated(note = "obsolete: streams are told of by `Event::Track`")]
#[derive(Clone, Debug)]
pub enum Stream {
    /// A stream that is sent.
    Local(LocalMediaStream),
    /// A stream that is received.
    Remote(MediaStream),
}

/// What an event says of a provider that vouches for nobody: `RTCIdentityErrorEvent`.
#[deprecated(note = "obsolete: promises reject with an `RTCError`")]
#[doc(alias = "RTCIdentityErrorEvent")]
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct IdentityError {
    /// The provider's domain.
    pub idp: String,
    /// The protocol that it speaks.
    pub protocol: String,
    /// Where the user can log in, if that is what lacks.
    pub login_url: Option<String>,
}

/// Why a callback of failure is called: an exception with the name that it had for callbacks.
#[deprecated(note = "obsolete: the futures have exceptions of today's names")]
#[doc(alias = "RTCPeerConnectionErrorCallback")]
#[derive(Clone, Debug, PartialEq)]
pub struct CallbackError {
    /// `InvalidSessionDescriptionError` for what is wrong with a description, else the exception's own name.
    pub name: &'static str,
    /// The exception.
    pub exception: Exception,
}

impl PeerConnection {
    /// `addStream(stream)`: sends the tracks of it that are not sent yet.
    ///
    /// # Errors
    /// `InvalidStateError` when the connection is closed.
    #[deprecated(note = "obsolete: use `add_track`")]
    pub fn add_stream(&self, stream: &LocalMediaStream) -> Result<(), Exception> {
        self.assert_open()?;
        let sent: Vec<Option<Track>> = self.senders().iter().map(RtpSender::track).collect();
        let new = |track: &&Track| !sent.iter().flatten().any(|it| it == *track);
        for track in stream.tracks.iter().filter(new) {
            self.add_track(track.clone(), std::slice::from_ref(&stream.id))?;
        }
        Ok(())
    }

    /// `removeStream(stream)`: sends the tracks no more that are sent in this stream.
    ///
    /// # Errors
    /// `InvalidStateError` when the connection is closed.
    #[deprecated(note = "obsolete: use `remove_track`")]
    pub fn remove_stream(&self, stream: &MediaStreamId) -> Result<(), Exception> {
        self.assert_open()?;
        for (sender, streams) in self.sending() {
            if streams.contains(stream) {
                self.remove_track(&sender)?;
            }
        }
        Ok(())
    }

    /// `getLocalStreams()`: those that are sent, in the order of their senders.
    #[deprecated(note = "obsolete: use `senders`")]
    #[doc(alias = "getLocalStreams")]
    pub fn local_streams(&self) -> Vec<LocalMediaStream> {
        let mut all: Vec<LocalMediaStream> = Vec::new();
        for (sender, streams) in self.sending() {
            for id in streams {
                let at = all.iter().position(|stream| stream.id == id);
                let at = at.unwrap_or_else(|| {
                    let tracks = Vec::new();
                    all.push(LocalMediaStream { id, tracks });
                    all.len() - 1
                });
                all[at].tracks.extend(sender.track());
            }
        }
        all
    }

    /// `getRemoteStreams()`: those that are received, in the order of their receivers.
    #[deprecated(note = "obsolete: use `receivers`, and the streams of `Event::Track`")]
    #[doc(alias = "getRemoteStreams")]
    pub fn remote_streams(&self) -> Vec<MediaStream> {
        let ids = self.handle().with(|control| {
            let peer = control.peer();
            let mut ids: Vec<MediaStreamId> = Vec::new();
            for view in peer
                .receivers()
                .into_iter()
                .flat_map(|id| peer.transceiver(id))
            {
                for id in view.receiver_streams() {
                    if !ids.contains(id) {
                        ids.push(id.clone());
                    }
                }
            }
            ids
        });
        let stream = |id| MediaStream::new(self.handle().clone(), id);
        ids.into_iter().map(stream).collect()
    }

    /// `getStreamById(id)`: of those that are sent and those that are received.
    #[deprecated(note = "obsolete: use `senders` and `receivers`")]
    pub fn get_stream_by_id(&self, id: &str) -> Option<Stream> {
        let local = self.local_streams().into_iter();
        let remote = self.remote_streams().into_iter();
        let mut both = local.map(Stream::Local).chain(remote.map(Stream::Remote));
        both.find(|stream| match stream {
            Stream::Local(stream) => stream.id.as_str() == id,
            Stream::Remote(stream) => stream.id().as_str() == id,
        })
    }

    /// `createDTMFSender(track)`: that of the track's sender.
    ///
    /// # Errors
    /// `InvalidStateError` when the connection is closed; `InvalidAccessError` for a track that is no sound
    /// that is sent.
    #[deprecated(note = "obsolete: use `RtpSender::dtmf`")]
    #[doc(alias = "createDTMFSender")]
    pub fn create_dtmf_sender(&self, track: &TrackId) -> Result<DtmfSender, Exception> {
        self.assert_open()?;
        let is_of = |sender: &RtpSender| sender.track().is_some_and(|it| it.id == *track);
        let sender = self.senders().into_iter().find(is_of);
        let dtmf = sender.and_then(|sender| sender.dtmf());
        dtmf.ok_or_else(|| Exception::invalid_access("the track is no sound that is sent"))
    }

    /// `createOffer(successCallback, failureCallback, options)`
    #[deprecated(note = "obsolete: use `create_offer`")]
    pub fn create_offer_with_callbacks(
        &self,
        success: impl FnOnce(SessionDescription) + Send + 'static,
        failure: impl FnOnce(CallbackError) + Send + 'static,
        options: OfferOptions,
    ) {
        let start = |peer: &mut peer::PeerConnection| peer.create_offer(options);
        self.call_back(start, described(success), failure);
    }

    /// `createAnswer(successCallback, failureCallback)`
    #[deprecated(note = "obsolete: use `create_answer`")]
    pub fn create_answer_with_callbacks(
        &self,
        success: impl FnOnce(SessionDescription) + Send + 'static,
        failure: impl FnOnce(CallbackError) + Send + 'static,
    ) {
        let start = peer::PeerConnection::create_answer;
        self.call_back(start, described(success), failure);
    }

    /// `setLocalDescription(description, successCallback, failureCallback)`
    #[deprecated(note = "obsolete: use `set_local_description`")]
    pub fn set_local_description_with_callbacks(
        &self,
        description: SessionDescription,
        success: impl FnOnce() + Send + 'static,
        failure: impl FnOnce(CallbackError) + Send + 'static,
    ) {
        let description = LocalSessionDescription::from(description);
        let start = |peer: &mut peer::PeerConnection| peer.set_local_description(description);
        self.call_back(
            start,
            |_| success(),
            |error| failure(error.of_description()),
        );
    }

    /// `setRemoteDescription(description, successCallback, failureCallback)`
    #[deprecated(note = "obsolete: use `set_remote_description`")]
    pub fn set_remote_description_with_callbacks(
        &self,
        description: SessionDescription,
        success: impl FnOnce() + Send + 'static,
        failure: impl FnOnce(CallbackError) + Send + 'static,
    ) {
        let start = |peer: &mut peer::PeerConnection| peer.set_remote_description(description);
        self.call_back(
            start,
            |_| success(),
            |error| failure(error.of_description()),
        );
    }

    /// `addIceCandidate(candidate, successCallback, failureCallback)`
    #[deprecated(note = "obsolete: use `add_ice_candidate`")]
    pub fn add_ice_candidate_with_callbacks(
        &self,
        candidate: IceCandidateInit,
        success: impl FnOnce() + Send + 'static,
        failure: impl FnOnce(CallbackError) + Send + 'static,
    ) {
        let start = |peer: &mut peer::PeerConnection| peer.add_ice_candidate(candidate);
        self.call_back(start, |_| success(), failure);
    }

    /// `getStats(selector, successCallback, failureCallback)`, of the whole connection.
    #[deprecated(note = "obsolete: use `get_stats`")]
    pub fn get_stats_with_callbacks(
        &self,
        success: impl FnOnce(StatsReport) + Send + 'static,
        failure: impl FnOnce(CallbackError) + Send + 'static,
    ) {
        let connection = self.clone();
        self.spawn(async move {
            match connection.get_stats().await {
                Ok(report) => success(report),
                Err(exception) => failure(exception.into()),
            }
        });
    }

    fn assert_open(&self) -> Result<(), Exception> {
        match self.signaling_state() {
            SignalingState::Closed => Err(Exception::invalid_state("the connection is closed")),
            _ => Ok(()),
        }
    }

    /// The senders of tracks, each with its streams.
    fn sending(&self) -> Vec<(RtpSender, Vec<MediaStreamId>)> {
        let mut senders = self.senders();
        senders.retain(|sender| sender.track().is_some());
        let streams = |sender: &RtpSender| {
            self.handle().with(|control| {
                let view = control.peer().transceiver(sender.id());
                let ids = view.map_or(&[][..], |view| view.sender_streams());
                ids.iter().map(|id| id.as_str().into()).collect()
            })
        };
        let senders = senders.into_iter();
        senders.map(|it| (it.clone(), streams(&it))).collect()
    }

    /// Begins at once, so that what is called in turn is done in turn.
    fn call_back(
        &self,
        start: impl FnOnce(&mut peer::PeerConnection) -> OperationId,
        success: impl FnOnce(Value) + Send + 'static,
        failure: impl FnOnce(CallbackError) + Send + 'static,
    ) {
        let begin = |control: &mut Control| control.start(start);
        let settled = self.handle().with(begin);
        self.spawn(async move {
            match settled.await {
                Ok(Ok(value)) => success(value),
                Ok(Err(exception)) => failure(exception.into()),
                Err(_) => failure(Exception::invalid_state("the connection was closed").into()),
            }
        });
    }

    fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        drop(self.handle().endpoint().driver().runtime().spawn(work));
    }
}

fn described(success: impl FnOnce(SessionDescription)) -> impl FnOnce(Value) {
    |value| {
        if let Value::Description(description) = value {
            success(description);
        }
    }
}

impl CallbackError {
    /// What is wrong with a description, and not with the state, had one name where callbacks were told of it.
    fn of_description(self) -> Self {
        let name = match self.exception.name() {
            ExceptionName::InvalidAccessError | ExceptionName::OperationError => {
                "InvalidSessionDescriptionError"
            }
            _ => self.name,
        };
        CallbackError { name, ..self }
    }
}

impl From<Exception> for CallbackError {
    fn from(exception: Exception) -> Self {
        CallbackError {
            name: exception.name().as_str(),
            exception,
        }
    }
}

/// Which streams of the other end were told of by `addstream`, and not by `removestream`.
#[derive(Debug, Default)]
pub(crate) struct Announced(Vec<MediaStreamId>);

impl Announced {
    /// Tells of the streams that come with this event; what follows it is given back.
    pub(crate) fn tell(
        &mut self,
        event: &Event,
        peer: &peer::PeerConnection,
        events: &EventQueue,
    ) -> Option<Event> {
        let is_there = |id: &MediaStreamId| {
            let stream = peer.stream(id);
            stream.is_some_and(|stream| !stream.tracks().is_empty())
        };
        match event {
            Event::Track { streams, .. } => {
                // No more than the peer keeps streams of.
                self.0.retain(is_there);
                for stream in streams {
                    if !self.0.contains(stream.id()) {
                        self.0.push(stream.id().clone());
                        events.push(Event::AddStream(stream.clone()));
                    }
                }
                None
            }
            Event::StreamRemoveTrack { stream, .. } if !is_there(stream.id()) => {
                let at = self.0.iter().position(|id| id == stream.id())?;
                self.0.remove(at);
                Some(Event::RemoveStream(stream.clone()))
            }
            _ => None,
        }
    }
}

/// The event of a promise about identities that is fulfilled.
pub(crate) fn of_effect(effect: &Effect) -> Option<Event> {
    let Effect::Resolve { value, .. } = effect else {
        return None;
    };
    match value {
        Value::Assertion(assertion) => Some(Event::IdentityResult(assertion.clone())),
        Value::Identity(identity) => Some(Event::PeerIdentity(identity.clone())),
        _ => None,
    }
}

/// The event of a provider that was asked in vain.
pub(crate) fn of_failure(question: &Question, answer: &Answer) -> Option<Event> {
    let Answer::Failed(error) = answer else {
        return None;
    };
    let told = |provider: &IdentityProviderDetails| IdentityError {
        idp: provider.domain.clone(),
        protocol: provider.protocol.clone(),
        login_url: error.login_url().map(str::to_owned),
    };
    match question {
        Question::GenerateAssertion { provider, .. } => {
            Some(Event::IdpAssertionError(told(provider)))
        }
        Question::ValidateAssertion { provider, .. } => {
            Some(Event::IdpValidationError(told(provider)))
        }
        _ => None,
    }
}
