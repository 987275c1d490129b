//! The internal slots of a connection and its objects. Only methods and tasks change them.
//!
//! What a description says is not kept here a second time: `[[Mid]]`, `[[CurrentDirection]]`,
//! `[[FiredDirection]]`, `[[Receptive]]`, the negotiated codecs and all `[[LastStableState…]]`
//! slots are read from [`jsep::Signaling`], so a rollback cannot forget one of them. What the
//! application wants is in [`jsep::Intent`]. The rest is here.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use duologue_base::{Instant, Rng, TransceiverId, TransportKey};
use duologue_identity::Certificates;
use duologue_jsep as jsep;
use duologue_rtp::{SourceParameters, Ssrc};
use duologue_session::SendEncoding;
use jsep::agreement::{IceKey, MediaAgreement};

use crate::channels::Channels;
use crate::limits::{MAX_CLOSED_TRANSPORTS, MAX_REMOTE_STREAMS, MAX_REMOVED_TRANSCEIVERS};
use crate::methods::MadeBy;
use crate::revised::Revised;
use crate::states::States;
use crate::transports::{SctpTransport, Transport};
use crate::{
    Configuration, MediaKind, MediaStream, MediaStreamId, MediaStreamTrack, OperationId,
    RtpEncodingParameters, RtpSendParameters, SignalingState, StatsSelector, Track, TrackId,
};

pub(crate) struct Slots {
    /// `[[IsClosed]]`
    pub(crate) closed: bool,
    /// `[[Configuration]]`
    pub(crate) configuration: Configuration,
    /// What DTLS may show: the configuration's certificates, or one made for this connection.
    pub(crate) certificates: Certificates,
    /// The transports that gather ahead.
    pub(crate) pool: Vec<TransportKey>,
    /// "setLocalDescription has already been called"
    pub(crate) set_local_description_called: bool,
    /// `[[NegotiationNeeded]]`
    pub(crate) negotiation_needed: bool,
    /// `[[UpdateNegotiationNeededFlagOnEmptyChain]]`
    pub(crate) update_flag_on_empty_chain: bool,

    /// `[[SignalingState]]` and the four descriptions.
    pub(crate) signaling: Revised<jsep::Signaling>,
    /// Grows with every description that is applied.
    pub(crate) signaling_version: u64,
    /// What the application wants.
    pub(crate) intent: Revised<jsep::Intent>,
    pub(crate) ids: jsep::Ids,
    /// What packets the session was told to take and to send.
    pub(crate) plans: jsep::MediaPlans,
    /// Candidates of both ends, which the descriptions show.
    pub(crate) candidates: Revised<jsep::Candidates>,
    /// Generations whose remote credentials the session knows: it takes candidates for these.
    pub(crate) remote_ice_set: BTreeSet<IceKey>,
    /// `[[LastCreatedOffer]]`
    pub(crate) last_created_offer: Option<LastCreated>,
    /// `[[LastCreatedAnswer]]`
    pub(crate) last_created_answer: Option<LastCreated>,

    /// What the transports come to.
    pub(crate) states: States,

    pub(crate) transceivers: Revised<BTreeMap<TransceiverId, Transceiver>>,
    /// Transceivers that left the set of transceivers and can still be read, oldest first.
    pub(crate) removed: VecDeque<TransceiverId>,
    pub(crate) tracks: BTreeMap<TrackId, MediaStreamTrack>,
    pub(crate) streams: BTreeMap<MediaStreamId, MediaStream>,
    /// Boxed: a map's node has room for eleven, and most connections have one.
    pub(crate) transports: Revised<BTreeMap<TransportKey, Box<Transport>>>,
    /// Those of them that are closed, oldest first.
    pub(crate) closed_transports: VecDeque<TransportKey>,
    /// `[[SctpTransport]]`
    pub(crate) sctp: Revised<Option<SctpTransport>>,
    /// How many associations the session was told to stop and has not said so: what it reports
    /// meanwhile is about them.
    pub(crate) sctp_stops: usize,
    /// `[[DataChannels]]` and those that left it.
    pub(crate) channels: Channels,
    /// `getStats` promises that the session has not answered, what about, and when they were asked for,
    /// since 1970.
    pub(crate) pending_stats: BTreeMap<OperationId, (StatsSelector, Duration)>,
    /// `setParameters` promises that have not settled.
    pub(crate) pending_set_parameters: usize,
    pub(crate) rng: Rng,
}

/// A description that `createOffer` or `createAnswer` made, and what it was made from.
pub(crate) struct LastCreated {
    pub(crate) draft: jsep::Draft,
    pub(crate) intent_version: u64,
    pub(crate) signaling_version: u64,
}

/// The slots of a transceiver, its sender and its receiver that no description and no intent of
/// the application says.
#[derive(Debug)]
pub(crate) struct Transceiver {
    pub(crate) kind: MediaKind,
    /// `[[SenderTransport]]` and `[[ReceiverTransport]]`. They differ only without rtcp-mux.
    pub(crate) transport: Option<TransportKey>,
    pub(crate) made_by: MadeBy,
    /// `[[CurrentDirection]]` had sending in it once.
    pub(crate) has_sent: bool,
    /// What the application wanted when the transceiver left the set of transceivers.
    pub(crate) removed: Option<jsep::TransceiverIntent>,

    /// `[[SenderTrack]]`
    pub(crate) sender_track: Option<Track>,
    /// `[[SendEncodings]]`
    pub(crate) send_encodings: Vec<RtpEncodingParameters>,
    /// What the session was told of them; nothing while all are sent.
    pub(crate) told_encodings: Vec<SendEncoding>,
    /// What the encoder of each may make now, in bits per second; none before that is known.
    pub(crate) target_bitrates: Vec<u64>,
    /// `[[LastStableRidlessSendEncodings]]`
    pub(crate) last_stable_ridless: Option<Vec<RtpEncodingParameters>>,
    /// `[[LastReturnedParameters]]`
    pub(crate) last_returned_parameters: Option<RtpSendParameters>,
    pub(crate) degradation_preference: Option<crate::DegradationPreference>,
    /// `[[Dtmf]]`, of audio.
    pub(crate) dtmf: Dtmf,

    /// `[[ReceiverTrack]]`
    pub(crate) receiver_track: TrackId,
    /// `[[AssociatedRemoteMediaStreams]]`
    pub(crate) remote_streams: Vec<MediaStreamId>,
    /// The session has told of packets since the receiver's plan began, or since the track was muted.
    pub(crate) packets_came: bool,
    /// `[[JitterBufferTarget]]`, in milliseconds.
    pub(crate) jitter_buffer_target: Option<f64>,
}

/// The slots of an `RTCDTMFSender`.
#[derive(Debug, Default)]
pub(crate) struct Dtmf {
    /// `[[ToneBuffer]]`
    pub(crate) tones: String,
    /// `[[Duration]]`, in milliseconds.
    pub(crate) duration: u32,
    /// `[[InterToneGap]]`, in milliseconds.
    pub(crate) gap: u32,
    /// "A task to run the DTMF playout task steps is scheduled."
    pub(crate) playout: Playout,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Playout {
    #[default]
    Idle,
    /// The task is queued.
    Queued,
    /// The task is due then.
    At(Instant),
}

impl Slots {
    /// The slots of a new connection.
    pub(crate) fn new(
        configuration: Configuration,
        certificates: Certificates,
        intent: jsep::Intent,
        ids: jsep::Ids,
        rng: Rng,
    ) -> Self {
        Slots {
            closed: false,
            configuration,
            certificates,
            pool: Vec::new(),
            set_local_description_called: false,
            negotiation_needed: false,
            update_flag_on_empty_chain: false,
            signaling: Revised::new(jsep::Signaling::new()),
            signaling_version: 0,
            intent: Revised::new(intent),
            ids,
            plans: jsep::MediaPlans::default(),
            candidates: Revised::new(jsep::Candidates::new()),
            remote_ice_set: Default::default(),
            last_created_offer: None,
            last_created_answer: None,
            states: States::new(),
            transceivers: Default::default(),
            removed: VecDeque::new(),
            tracks: Default::default(),
            streams: Default::default(),
            transports: Default::default(),
            closed_transports: VecDeque::new(),
            sctp: Revised::new(None),
            sctp_stops: 0,
            channels: Default::default(),
            pending_stats: Default::default(),
            pending_set_parameters: 0,
            rng,
        }
    }

    pub(crate) fn signaling_state(&self) -> SignalingState {
        if self.closed {
            return SignalingState::Closed;
        }
        match self.signaling.state() {
            jsep::SignalingState::Stable => SignalingState::Stable,
            jsep::SignalingState::HaveLocalOffer => SignalingState::HaveLocalOffer,
            jsep::SignalingState::HaveRemoteOffer => SignalingState::HaveRemoteOffer,
            jsep::SignalingState::HaveLocalPranswer => SignalingState::HaveLocalPranswer,
            jsep::SignalingState::HaveRemotePranswer => SignalingState::HaveRemotePranswer,
        }
    }

    /// The m-section that a transceiver is associated with, by the latest description.
    pub(crate) fn section(&self, id: TransceiverId) -> Option<&MediaAgreement> {
        self.intent.transceiver(id)?;
        self.signaling.latest().by_transceiver(id).map(|m| &**m)
    }

    /// What the application wants of a transceiver, or wanted when it was removed.
    pub(crate) fn intent_of(&self, id: TransceiverId) -> Option<&jsep::TransceiverIntent> {
        self.intent
            .transceiver(id)
            .or_else(|| self.transceivers.get(&id)?.removed.as_ref())
    }

    /// Changes what the application wants of a transceiver.
    pub(crate) fn change_intent(
        &mut self,
        id: TransceiverId,
        change: impl FnOnce(&mut jsep::TransceiverIntent),
    ) {
        if let Some(intent) = self.intent.transceiver_mut(id) {
            change(intent);
            self.intent.version += 1;
        } else if let Some(intent) = self
            .transceivers
            .get_mut(&id)
            .and_then(|slots| slots.removed.as_mut())
        {
            change(intent);
        }
    }

    /// Sets `[[SendEncodings]]`, whose rids are part of what the application wants.
    pub(crate) fn set_send_encodings(
        &mut self,
        id: TransceiverId,
        encodings: Vec<RtpEncodingParameters>,
    ) {
        let rids = rids_of(&encodings);
        if let Some(slots) = self.transceivers.get_mut(&id) {
            slots.send_encodings = encodings;
        }
        let Some(intent) = self
            .intent_of(id)
            .filter(|intent| intent.sender.rids != rids)
        else {
            return;
        };
        let mut new = self.new_sources(intent.kind, rids.len().max(1)).into_iter();
        self.change_intent(id, |intent| {
            let next = || new.next().expect("there is one for each encoding");
            intent.sender.set_layers(rids, next);
        });
    }

    /// Sources of encodings that no sender of this connection has. Video may be retransmitted, and
    /// protected.
    pub(crate) fn new_sources(&mut self, kind: MediaKind, count: usize) -> Vec<SourceParameters> {
        let mut sources: Vec<SourceParameters> = Vec::new();
        for at in 0..count {
            sources.push(SourceParameters::new(self.unused_ssrc(&sources)));
            if kind == MediaKind::Video {
                sources[at].rtx = Some(self.unused_ssrc(&sources));
                sources[at].fec = Some(self.unused_ssrc(&sources));
            }
        }
        sources
    }

    /// A synchronisation source that no sender of this connection has, nor any of these. Zero is
    /// left out: receivers take it for none.
    fn unused_ssrc(&mut self, new: &[SourceParameters]) -> Ssrc {
        loop {
            let ssrc = Ssrc(self.rng.u32());
            let senders = self.intent.transceivers.iter().map(|intent| &intent.sender);
            let known = senders.flat_map(|sender| &sender.sources).chain(new);
            if ssrc != Ssrc(0) && !known.flat_map(|source| source.ssrcs()).any(|s| s == ssrc) {
                return ssrc;
            }
        }
    }

    /// Takes a transceiver out of the set of transceivers. It can still be read.
    pub(crate) fn remove_transceiver(&mut self, id: TransceiverId) {
        let Some(index) = self.intent.transceivers.iter().position(|t| t.id == id) else {
            return;
        };
        let intent = self.intent.transceivers.remove(index);
        self.intent.version += 1;
        if let Some(slots) = self.transceivers.get_mut(&id) {
            slots.removed = Some(intent);
        }
        self.removed.push_back(id);
        if self.removed.len() > MAX_REMOVED_TRANSCEIVERS
            && let Some(oldest) = self.removed.pop_front()
            && let Some(slots) = self.transceivers.remove(&oldest)
        {
            self.tracks.remove(&slots.receiver_track);
        }
    }

    /// Makes room among the closed transports for this one.
    pub(crate) fn forget_oldest_transport(&mut self, closed: TransportKey) {
        self.closed_transports.push_back(closed);
        if self.closed_transports.len() > MAX_CLOSED_TRANSPORTS
            && let Some(oldest) = self.closed_transports.pop_front()
        {
            self.transports.remove(&oldest);
        }
    }

    /// The stream with this id, made if no description of this connection named it before.
    pub(crate) fn ensure_stream(&mut self, id: &MediaStreamId) {
        if self.streams.len() >= MAX_REMOTE_STREAMS {
            self.streams.retain(|_, stream| !stream.tracks.is_empty());
        }
        self.streams
            .entry(id.clone())
            .or_insert_with(|| MediaStream {
                id: id.clone(),
                tracks: Vec::new(),
            });
    }
}

/// The rids of several encodings; a lone encoding has none to announce.
pub(crate) fn rids_of(encodings: &[RtpEncodingParameters]) -> Vec<jsep::Rid> {
    if encodings.len() < 2 {
        return Vec::new();
    }
    encodings
        .iter()
        .filter_map(|encoding| encoding.rid.as_deref()?.parse().ok())
        .collect()
}
