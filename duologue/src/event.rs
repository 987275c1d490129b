//! The one stream of events of a connection.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use duologue_peer::{
    DtlsTransportState, Exception, IceCandidate, IceCandidateError, IceCandidatePair,
    IceConnectionState, IceGathererState, IceGatheringState, IceTransportState,
    PeerConnectionState, Rejection, SctpTransportState, SignalingState,
};
use duologue_tokio::SessionHandle;
use futures_core::Stream;

use crate::limits::EVENT_BACKLOG;
use crate::wakers::Wakers;
use crate::{
    CandidatePairProposal, DataChannel, DtlsTransport, DtmfSender, IceTransport, MediaStream,
    MediaStreamTrack, RtpReceiver, RtpSender, RtpTransceiver, SctpTransport,
};

/// An event of a connection or of an object that belongs to it (webrtc-pc, "Event summary"). Its
/// name in the W3C's documents is in each variant's first line. Where a state changed, the event
/// carries the new one; the object's getters may be ahead of it by the time it is read.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// `negotiationneeded`: an offer is called for, by [`PeerConnection::set_local_description`].
    ///
    /// [`PeerConnection::set_local_description`]: crate::PeerConnection::set_local_description
    #[doc(alias = "onnegotiationneeded")]
    NegotiationNeeded,
    /// `signalingstatechange`: a description was applied or rolled back.
    #[doc(alias = "onsignalingstatechange")]
    SignalingStateChange(SignalingState),
    /// `icegatheringstatechange`: candidates of this end begin to come, or are all there.
    #[doc(alias = "onicegatheringstatechange")]
    IceGatheringStateChange(IceGatheringState),
    /// `iceconnectionstatechange`: ICE found a path, lost it, or gave up.
    #[doc(alias = "oniceconnectionstatechange")]
    IceConnectionStateChange(IceConnectionState),
    /// `connectionstatechange`: the same for ICE and DTLS together; what most applications want.
    #[doc(alias = "onconnectionstatechange")]
    ConnectionStateChange(PeerConnectionState),
    /// `icecandidate`: a candidate for the peer. One with an empty text, which is for the peer, too,
    /// ends a generation; `None` says that all gathering ended, and is not for the peer.
    #[doc(alias = "RTCPeerConnectionIceEvent")]
    #[doc(alias = "onicecandidate")]
    IceCandidate(Option<IceCandidate>),
    /// `icecandidateerror`: a STUN or TURN server gave no candidate; others go on.
    #[doc(alias = "RTCPeerConnectionIceErrorEvent")]
    #[doc(alias = "onicecandidateerror")]
    IceCandidateError(IceCandidateError),
    /// `track`: the peer will send, or might.
    #[doc(alias = "RTCTrackEvent")]
    #[doc(alias = "ontrack")]
    Track {
        /// What receives it.
        transceiver: RtpTransceiver,
        /// The receiver of `transceiver`.
        receiver: RtpReceiver,
        /// The receiver's track.
        track: MediaStreamTrack,
        /// The streams that the peer put the track in.
        streams: Vec<MediaStream>,
    },
    /// An answer rejected this transceiver: one end has none of the other's codecs, or does not want it
    /// ([`RtpTransceiver::rejection`]). It is stopped, unless the application made it and the answer is
    /// this end's, which then offers it again. webrtc-pc has no event for it.
    TransceiverRejected(RtpTransceiver, Rejection),
    /// `datachannel`: the peer made a channel, which is open already.
    #[doc(alias = "RTCDataChannelEvent")]
    #[doc(alias = "ondatachannel")]
    DataChannel(DataChannel),

    /// `addtrack` at a stream
    #[doc(alias = "onaddtrack")]
    StreamAddTrack {
        /// The stream.
        stream: MediaStream,
        /// The track that is in it now.
        track: MediaStreamTrack,
    },
    /// `removetrack` at a stream
    #[doc(alias = "onremovetrack")]
    StreamRemoveTrack {
        /// The stream.
        stream: MediaStream,
        /// The track that is no longer in it.
        track: MediaStreamTrack,
    },
    /// `mute` at a receiver's track
    #[doc(alias = "onmute")]
    TrackMute(MediaStreamTrack),
    /// `unmute` at a receiver's track
    #[doc(alias = "onunmute")]
    TrackUnmute(MediaStreamTrack),
    /// `isolationchange` at a receiver's track
    #[doc(alias = "onisolationchange")]
    TrackIsolationChange(MediaStreamTrack),
    /// `ended` at a receiver's track
    #[doc(alias = "onended")]
    TrackEnded(MediaStreamTrack),

    /// `statechange` at a DTLS transport
    #[doc(alias = "onstatechange")]
    DtlsStateChange(DtlsTransport, DtlsTransportState),
    /// `error` at a DTLS transport
    #[doc(alias = "RTCErrorEvent")]
    #[doc(alias = "onerror")]
    DtlsError(DtlsTransport, Exception),
    /// The other end is silent: nothing comes of its part in the handshake, which it would begin; this end goes on waiting
    /// ([`DtlsTransport::is_silent`]). webrtc-pc has no event for it.
    DtlsSilent(DtlsTransport),
    /// `statechange` at an ICE transport
    #[doc(alias = "onstatechange")]
    IceTransportStateChange(IceTransport, IceTransportState),
    /// `gatheringstatechange` at an ICE transport
    #[doc(alias = "ongatheringstatechange")]
    IceTransportGatheringStateChange(IceTransport, IceGathererState),
    /// `selectedcandidatepairchange` at an ICE transport
    #[doc(alias = "onselectedcandidatepairchange")]
    SelectedCandidatePairChange(IceTransport),
    /// `icecandidatepairadd` at an ICE transport, of a connection whose candidate pairs the application
    /// [controls](crate::PeerConnection::control_candidate_pairs)
    #[doc(alias = "RTCIceCandidatePairEvent")]
    #[doc(alias = "onicecandidatepairadd")]
    IceCandidatePairAdd(IceTransport, Box<IceCandidatePair>),
    /// `icecandidatepairnominate` at an ICE transport: the pair is nominated when this is dropped, unless
    /// it was canceled
    #[doc(alias = "RTCIceCandidatePairEvent")]
    #[doc(alias = "onicecandidatepairnominate")]
    IceCandidatePairNominate(CandidatePairProposal),
    /// `icecandidatepairremove` at an ICE transport
    #[doc(alias = "RTCIceCandidatePairEvent")]
    #[doc(alias = "onicecandidatepairremove")]
    IceCandidatePairRemove {
        /// The transport.
        transport: IceTransport,
        /// The pair.
        pair: Box<IceCandidatePair>,
        /// The proposal to remove a pair that nothing needs and that may stay: the pair is removed when
        /// this is dropped, unless it was canceled. Else it is gone.
        proposal: Option<CandidatePairProposal>,
    },
    /// `statechange` at the SCTP transport
    #[doc(alias = "onstatechange")]
    SctpStateChange(SctpTransport, SctpTransportState),

    /// `keyframerequest` (webrtc-encoded-transform): who receives what this sender sends cannot decode
    /// it without a key frame. Who writes packets of video makes one then. At most one for each
    /// encoding waits in the stream.
    #[doc(alias = "RTCRtpScriptTransformer")]
    #[doc(alias = "onkeyframerequest")]
    KeyFrameRequest {
        /// The sender.
        sender: RtpSender,
        /// The index of the sender's encoding.
        encoding: usize,
        /// The RID of the encoding.
        rid: Option<String>,
    },
    /// What the encoders of this sender may make is another rate
    /// ([`RtpSender::target_bitrates`]). At most one for each sender waits in the stream.
    TargetBitrateChange(RtpSender),
    /// `tonechange` at a sender's `dtmf`: this tone begins, or with an empty one the last ended.
    #[doc(alias = "RTCDTMFToneChangeEvent")]
    #[doc(alias = "ontonechange")]
    ToneChange(DtmfSender, String),

    /// `open` at a data channel
    #[doc(alias = "onopen")]
    ChannelOpen(DataChannel),
    /// `bufferedamountlow` at a data channel whose threshold was set
    /// ([`DataChannel::set_buffered_amount_low_threshold`]). At most one for each channel waits in
    /// the stream.
    #[doc(alias = "onbufferedamountlow")]
    ChannelBufferedAmountLow(DataChannel),
    /// `error` at a data channel
    #[doc(alias = "RTCErrorEvent")]
    #[doc(alias = "onerror")]
    ChannelError(DataChannel, Exception),
    /// `closing` at a data channel
    #[doc(alias = "onclosing")]
    ChannelClosing(DataChannel),
    /// `close` at a data channel
    #[doc(alias = "onclose")]
    ChannelClose(DataChannel),

    /// `addstream`: the other end sends a stream of which no [`Event::Track`] told yet; those of its tracks follow.
    #[cfg(feature = "legacy")]
    #[deprecated(note = "obsolete: `Track` tells of its streams")]
    #[doc(alias = "MediaStreamEvent")]
    #[doc(alias = "onaddstream")]
    AddStream(MediaStream),
    /// `removestream`: no track of the stream is left.
    #[cfg(feature = "legacy")]
    #[deprecated(note = "obsolete: `StreamRemoveTrack` tells of tracks")]
    #[doc(alias = "MediaStreamEvent")]
    #[doc(alias = "onremovestream")]
    RemoveStream(MediaStream),
    /// `identityresult`: a provider vouches for this end, by this assertion.
    #[cfg(feature = "legacy")]
    #[deprecated(note = "obsolete: use `get_identity_assertion`")]
    #[doc(alias = "RTCIdentityEvent")]
    #[doc(alias = "onidentityresult")]
    IdentityResult(String),
    /// `idpassertionerror`: a provider does not vouch for this end.
    #[cfg(feature = "legacy")]
    #[deprecated(note = "obsolete: `get_identity_assertion` fails")]
    #[allow(deprecated, reason = "what it tells is obsolete, too")]
    #[doc(alias = "RTCIdentityErrorEvent")]
    #[doc(alias = "onidpassertionerror")]
    IdpAssertionError(crate::legacy::IdentityError),
    /// `idpvalidationerror`: a provider does not say who the other end is.
    #[cfg(feature = "legacy")]
    #[deprecated(note = "obsolete: `peer_identity` fails")]
    #[allow(deprecated, reason = "what it tells is obsolete, too")]
    #[doc(alias = "RTCIdentityErrorEvent")]
    #[doc(alias = "onidpvalidationerror")]
    IdpValidationError(crate::legacy::IdentityError),
    /// `peeridentity`: the other end was validated.
    #[cfg(feature = "legacy")]
    #[deprecated(note = "obsolete: use `peer_identity`")]
    #[doc(alias = "onpeeridentity")]
    PeerIdentity(duologue_peer::IdentityAssertion),
}

impl Event {
    /// The peer may ask for key frames as often as it likes, and one answer is enough; of rates only
    /// the last one counts.
    fn is_repeated(&self, waiting: &VecDeque<Event>) -> bool {
        if !matches!(
            self,
            Event::KeyFrameRequest { .. } | Event::TargetBitrateChange(_)
        ) {
            return false;
        }
        waiting.iter().any(|event| match (self, event) {
            (
                Event::KeyFrameRequest {
                    sender, encoding, ..
                },
                Event::KeyFrameRequest {
                    sender: known,
                    encoding: at,
                    ..
                },
            ) => known == sender && at == encoding,
            (Event::TargetBitrateChange(sender), Event::TargetBitrateChange(known)) => {
                known == sender
            }
            _ => false,
        })
    }
}

/// The events of one connection, in the order in which they happened. It ends when the connection
/// is closed and what tells the peer so has left: a program that reads to the end may exit then. It
/// is also a [`Stream`] of them.
///
/// Events wait here until they are read. When [`EVENT_BACKLOG`] of them do, the connection takes
/// no more messages and channels from its peer; who is not interested in events drops this, and
/// they are discarded.
#[derive(Debug)]
pub struct Events(Arc<EventQueue>);

impl Events {
    pub(crate) fn new(queue: Arc<EventQueue>) -> Self {
        Events(queue)
    }

    /// The next event; `None` once the connection is closed and the peer was told.
    pub async fn recv(&mut self) -> Option<Event> {
        poll_fn(|cx| self.0.poll_next(cx)).await
    }

    /// The next event, if there is one already.
    pub fn try_recv(&mut self) -> Option<Event> {
        let state = self.0.lock();
        self.0.pop(state)
    }
}

impl Stream for Events {
    type Item = Event;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        self.0.poll_next(cx)
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.reader = Reader::Gone;
        let unread = std::mem::take(&mut state.queue);
        let stalled = std::mem::take(&mut state.stalled);
        drop(state);
        if stalled {
            self.0.session.wake();
        }
        // Outside the lock: the last handle of the connection may be among them.
        drop(unread);
    }
}

/// What a connection writes its events to.
#[derive(Debug)]
pub(crate) struct EventQueue {
    state: Mutex<State>,
    session: SessionHandle,
}

#[derive(Debug)]
struct State {
    queue: VecDeque<Event>,
    reader: Reader,
    /// The session waits for the reader.
    stalled: bool,
}

#[derive(Debug)]
enum Reader {
    /// Takes more; those who wait for it.
    Reading(Wakers),
    /// Takes what is there, and waits until the session is over.
    Closing(Wakers),
    /// Takes what is there, then nothing more.
    Ended,
    /// Dropped.
    Gone,
}

impl EventQueue {
    pub(crate) fn new(session: SessionHandle) -> Self {
        EventQueue {
            state: Mutex::new(State {
                queue: VecDeque::new(),
                reader: Reader::Reading(Wakers::default()),
                stalled: false,
            }),
            session,
        }
    }

    /// Adds an event, unless nobody reads or the connection is closed.
    pub(crate) fn push(&self, event: Event) {
        let mut state = self.lock();
        let State { queue, reader, .. } = &mut *state;
        if let Reader::Reading(wakers) = reader {
            if event.is_repeated(queue) {
                return;
            }
            queue.push_back(event);
            wakers.wake_all();
        }
    }

    /// No more events: after `close()` none fires.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        if let Reader::Reading(wakers) = &mut state.reader {
            state.reader = Reader::Closing(std::mem::take(wakers));
        }
    }

    /// The session is over.
    pub(crate) fn end(&self) {
        let mut state = self.lock();
        if let Reader::Reading(wakers) | Reader::Closing(wakers) = &mut state.reader {
            wakers.wake_all();
            state.reader = Reader::Ended;
        }
    }

    /// Whether the reader keeps up. If not, the session is woken once it has.
    pub(crate) fn has_room(&self) -> bool {
        let mut state = self.lock();
        state.stalled = state.queue.len() >= EVENT_BACKLOG;
        !state.stalled
    }

    fn poll_next(&self, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        let mut state = self.lock();
        if state.queue.is_empty() {
            return match &mut state.reader {
                Reader::Reading(wakers) | Reader::Closing(wakers) => {
                    wakers.register(cx.waker());
                    Poll::Pending
                }
                Reader::Ended | Reader::Gone => Poll::Ready(None),
            };
        }
        Poll::Ready(self.pop(state))
    }

    fn pop(&self, mut state: MutexGuard<'_, State>) -> Option<Event> {
        let event = state.queue.pop_front();
        let resume = state.stalled && state.queue.len() < EVENT_BACKLOG / 2;
        if resume {
            state.stalled = false;
        }
        drop(state);
        if resume {
            self.session.wake();
        }
        if let Some(Event::ChannelBufferedAmountLow(channel)) = &event {
            channel.low_event_taken();
        }
        event
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that can panic runs under this lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
