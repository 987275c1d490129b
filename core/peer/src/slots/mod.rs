//! The internal slots of a connection and its objects. Only methods and tasks change them.
//!
//! What a description says is not kept here a second time: `[[Mid]]`, `[[CurrentDirection]]`,
//! `[[FiredDirection]]`, `[[Receptive]]`, the negotiated codecs and all `[[LastStableState…]]`
//! slots are read from [`jsep::Signaling`], so a rollback cannot forget one of them. What the
//! application wants is in [`jsep::Intent`]. The rest is here.

mod descriptions;
mod dtmf;
mod identity;
mod transceiver;
mod transceivers;
mod transports;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use duologue_base::{Rng, TransceiverId, TransportKey};
use duologue_identity::Certificates;
use duologue_jsep as jsep;
use jsep::agreement::IceKey;

use crate::channels::Channels;
use crate::revised::{Revised, Revisions};
use crate::states::States;
use crate::transports::{SctpTransport, Transport};
use crate::{
    Configuration, MediaStream, MediaStreamId, MediaStreamTrack, OperationId, StatsSelector,
    TrackId,
};

pub(crate) use dtmf::Dtmf;
pub(crate) use identity::IdentitySlots;
pub(crate) use transceiver::Transceiver;
pub(crate) use transceivers::rids_of;

pub(crate) struct Slots {
    /// `[[IsClosed]]`
    closed: bool,
    /// `[[Configuration]]`
    configuration: Configuration,
    /// What DTLS may show: the configuration's certificates, or one made for this connection.
    certificates: Certificates,
    /// The transports that gather ahead.
    pool: Vec<TransportKey>,
    /// "setLocalDescription has already been called"
    set_local_description_called: bool,
    /// `[[NegotiationNeeded]]`
    negotiation_needed: bool,
    /// `[[UpdateNegotiationNeededFlagOnEmptyChain]]`
    update_flag_on_empty_chain: bool,

    /// `[[SignalingState]]` and the four descriptions.
    signaling: Revised<jsep::Signaling>,
    /// Grows with every description that is applied.
    signaling_version: u64,
    /// What the application wants.
    intent: Revised<jsep::Intent>,
    ids: jsep::Ids,
    /// What packets the session was told to take and to send.
    plans: jsep::MediaPlans,
    /// Candidates of both ends, which the descriptions show.
    candidates: Revised<jsep::Candidates>,
    /// Generations whose remote credentials the session knows: it takes candidates for these.
    remote_ice_set: BTreeSet<IceKey>,
    /// `[[LastCreatedOffer]]`
    last_created_offer: Option<LastCreated>,
    /// `[[LastCreatedAnswer]]`
    last_created_answer: Option<LastCreated>,

    /// What the transports come to.
    states: States,

    transceivers: Revised<BTreeMap<TransceiverId, Transceiver>>,
    /// Transceivers that left the set of transceivers and can still be read, oldest first.
    removed: VecDeque<TransceiverId>,
    tracks: BTreeMap<TrackId, MediaStreamTrack>,
    streams: BTreeMap<MediaStreamId, MediaStream>,
    /// Boxed: a map's node has room for eleven, and most connections have one.
    transports: Revised<BTreeMap<TransportKey, Box<Transport>>>,
    /// Their pairs are controlled by the application (webrtc-extensions).
    candidate_pairs_controlled: bool,
    /// Those of them that are closed, oldest first.
    closed_transports: VecDeque<TransportKey>,
    /// `[[SctpTransport]]`
    sctp: Revised<Option<SctpTransport>>,
    /// How many associations the session was told to stop and has not said so: what it reports
    /// meanwhile is about them.
    sctp_stops: usize,
    /// `[[DataChannels]]` and those that left it.
    channels: Channels,
    /// `getStats` promises that the session has not answered, what about, and when they were asked for,
    /// since 1970.
    pending_stats: BTreeMap<OperationId, StatsSelector>,
    /// webrtc-identity's.
    identity: IdentitySlots,
    /// `setParameters` promises that have not settled.
    pending_set_parameters: usize,
    rng: Rng,
}

/// A description that `createOffer` or `createAnswer` made, and what it was made from.
pub(crate) struct LastCreated {
    draft: jsep::Draft,
    intent_version: u64,
    signaling_version: u64,
}

impl LastCreated {
    pub(crate) fn draft(&self) -> &jsep::Draft {
        &self.draft
    }
}

impl Slots {
    /// The slots of a new connection.
    pub(crate) fn new(
        configuration: Configuration,
        certificates: Certificates,
        intent: jsep::Intent,
        ids: jsep::Ids,
        identity: IdentitySlots,
        rng: Rng,
    ) -> Self {
        Slots {
            closed: false,
            identity,
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
            candidate_pairs_controlled: false,
            closed_transports: VecDeque::new(),
            sctp: Revised::new(None),
            sctp_stops: 0,
            channels: Default::default(),
            pending_stats: Default::default(),
            pending_set_parameters: 0,
            rng,
        }
    }

    /// `[[IsClosed]]`
    pub(crate) fn is_closed(&self) -> bool {
        self.closed
    }

    pub(crate) fn close(&mut self) {
        self.closed = true;
    }

    /// `[[Configuration]]`
    pub(crate) fn configuration(&self) -> &Configuration {
        &self.configuration
    }

    pub(crate) fn set_configuration(&mut self, configuration: Configuration) {
        self.configuration = configuration;
    }

    /// What DTLS may show.
    pub(crate) fn certificates(&self) -> &Certificates {
        &self.certificates
    }

    /// "setLocalDescription has already been called"
    pub(crate) fn is_set_local_description_called(&self) -> bool {
        self.set_local_description_called
    }

    pub(crate) fn note_set_local_description(&mut self) {
        self.set_local_description_called = true;
    }

    /// Sets `[[NegotiationNeeded]]`. Returns whether it was something else.
    pub(crate) fn set_negotiation_needed(&mut self, needed: bool) -> bool {
        std::mem::replace(&mut self.negotiation_needed, needed) != needed
    }

    /// Sets `[[UpdateNegotiationNeededFlagOnEmptyChain]]`.
    pub(crate) fn update_flag_on_empty_chain(&mut self) {
        self.update_flag_on_empty_chain = true;
    }

    /// Takes `[[UpdateNegotiationNeededFlagOnEmptyChain]]` back. Returns what it was.
    pub(crate) fn take_update_flag_on_empty_chain(&mut self) -> bool {
        std::mem::take(&mut self.update_flag_on_empty_chain)
    }

    /// webrtc-identity's.
    pub(crate) fn identity(&self) -> &IdentitySlots {
        &self.identity
    }

    pub(crate) fn identity_mut(&mut self) -> &mut IdentitySlots {
        &mut self.identity
    }

    /// Sets `a=identity` of the descriptions to be made.
    pub(crate) fn set_assertion(&mut self, line: Option<String>) {
        self.edit_intent(|intent| intent.identity = line);
    }

    /// What the transports come to.
    pub(crate) fn states(&self) -> &States {
        &self.states
    }

    pub(crate) fn states_mut(&mut self) -> &mut States {
        &mut self.states
    }

    /// `[[DataChannels]]` and those that left it.
    pub(crate) fn channels(&self) -> &Channels {
        &self.channels
    }

    pub(crate) fn channels_mut(&mut self) -> &mut Channels {
        &mut self.channels
    }

    /// A `setParameters` promise is made.
    pub(crate) fn begin_set_parameters(&mut self) {
        self.pending_set_parameters += 1;
    }

    /// A `setParameters` promise settles.
    pub(crate) fn end_set_parameters(&mut self) {
        self.pending_set_parameters -= 1;
    }

    /// Some `setParameters` promise has not settled.
    pub(crate) fn is_setting_parameters(&self) -> bool {
        self.pending_set_parameters > 0
    }

    /// `getStats` asks the session.
    pub(crate) fn add_pending_stats(&mut self, operation: OperationId, selector: StatsSelector) {
        self.pending_stats.insert(operation, selector);
    }

    /// The session answers `getStats`.
    pub(crate) fn take_pending_stats(&mut self, operation: OperationId) -> Option<StatsSelector> {
        self.pending_stats.remove(&operation)
    }

    /// The session will answer nothing any more.
    pub(crate) fn take_all_pending_stats(&mut self) -> BTreeMap<OperationId, StatsSelector> {
        std::mem::take(&mut self.pending_stats)
    }

    /// A UUID (RFC 9562 §5.4).
    pub(crate) fn new_uuid(&mut self) -> String {
        self.rng.uuid()
    }

    /// How often what a host mirrors may have changed.
    pub(crate) fn revisions(&self) -> Revisions {
        Revisions {
            descriptions: self.signaling.revision() + self.candidates.revision(),
            transceivers: self.intent.revision()
                + self.signaling.revision()
                + self.transceivers.revision()
                // A tone can be inserted while it is connected.
                + self.states.connection_revision(),
            transports: self.transports.revision()
                + self.sctp.revision()
                // Which transceiver and which association is on which.
                + self.signaling.revision()
                + self.transceivers.revision(),
        }
    }
}
