//! `RTCDtlsTransport`, `RTCIceTransport` and `RTCSctpTransport` as the application reads them.

use std::collections::BTreeMap;

use duologue_base::{Generation, TransportKey};
use duologue_ice::Failure;
use duologue_identity::Certificate;
use duologue_session::{DtlsReport, SctpError};

use crate::candidate_pairs::CandidatePairs;
use crate::max_message_size;
use crate::{
    DtlsTransportState, IceCandidate, IceCandidatePair, IceCandidatePairId, IceComponent,
    IceGathererState, IceParameters, IceRole, IceTransportState, SctpTransportState,
};

/// A DTLS transport and the ICE transport below it; they share their key.
#[derive(Debug)]
pub(crate) struct Transport {
    pub(crate) dtls: DtlsTransport,
    pub(crate) ice: IceTransport,
    /// A sender, a receiver or the SCTP transport referred to it: the application may hold it.
    exposed: bool,
    /// The selected pair as the agent knows it.
    selected: Option<duologue_ice::CandidatePair>,
    /// Once the application has a say in them.
    pairs: Option<Box<CandidatePairs>>,
}

impl Transport {
    pub(crate) fn new(key: TransportKey, role: IceRole) -> Self {
        Transport {
            exposed: false,
            selected: None,
            pairs: None,
            dtls: DtlsTransport {
                key,
                state: DtlsTransportState::New,
                silent: false,
                remote_certificates: Vec::new(),
                local_certificate: None,
                confidential: false,
            },
            ice: IceTransport::new(role),
        }
    }

    /// No description uses it any more, or the connection is closed.
    pub(crate) fn is_closed(&self) -> bool {
        self.ice.state == IceTransportState::Closed
    }

    /// Both are closed. Returns whether DTLS was open.
    pub(crate) fn close(&mut self) -> bool {
        self.ice.state = IceTransportState::Closed;
        self.dtls.silent = false;
        let before = std::mem::replace(&mut self.dtls.state, DtlsTransportState::Closed);
        before != DtlsTransportState::Closed
    }

    /// The application may hold it from now on.
    pub(crate) fn expose(&mut self) {
        self.exposed = true;
    }

    pub(crate) fn is_exposed(&self) -> bool {
        self.exposed
    }

    /// Data goes by another pair, which the application is shown like this.
    pub(crate) fn select(&mut self, pair: duologue_ice::CandidatePair, shown: IceCandidatePair) {
        self.selected = Some(pair);
        self.ice.select(shown);
    }

    /// What the application knows of its pairs, and was asked.
    pub(crate) fn pairs_mut(&mut self) -> &mut CandidatePairs {
        self.pairs.get_or_insert_default()
    }

    /// `[[CandidatePairs]]` contains it. One that was selected is there, whether or not it was told of.
    pub(crate) fn has_pair(&self, id: IceCandidatePairId) -> bool {
        let pairs = self.pairs.as_ref();
        let told = pairs.is_some_and(|pairs| pairs.contains(id));
        let removed = pairs.is_some_and(|pairs| pairs.is_being_removed(id));
        told || (self.selected.as_ref().is_some_and(|pair| pair.id == id) && !removed)
    }

    /// A pair is gone: if it was selected, and no other was since, it is not there to be selected again.
    pub(crate) fn forget_pair(&mut self, id: IceCandidatePairId) {
        self.selected.take_if(|pair| pair.id == id);
    }

    /// The pair that data goes by.
    pub(crate) fn selected(&self) -> Option<&duologue_ice::CandidatePair> {
        self.selected.as_ref()
    }
}

/// DTLS of one transport (webrtc-pc §5.5).
#[doc(alias = "RTCDtlsTransport")]
#[derive(Clone, Debug)]
pub struct DtlsTransport {
    key: TransportKey,
    state: DtlsTransportState,
    /// Nothing comes of the other end's part in the handshake.
    silent: bool,
    remote_certificates: Vec<Vec<u8>>,
    /// That of ours which was shown.
    local_certificate: Option<Certificate>,
    confidential: bool,
}

impl DtlsTransport {
    /// `iceTransport`: the key of the ICE transport below, which is the same.
    pub fn ice_transport(&self) -> TransportKey {
        self.key
    }

    /// `state`
    pub fn state(&self) -> DtlsTransportState {
        self.state
    }

    /// The state is `connecting`, and nothing comes of the other end's part in the handshake, which it
    /// would begin: not in webrtc-pc, where this end waits for ever. Both ends are `passive`, or large
    /// datagrams are lost.
    pub fn is_silent(&self) -> bool {
        self.silent
    }

    /// Nothing comes of the other end's part in the handshake. Returns whether that is news: it may be
    /// closed meanwhile.
    pub(crate) fn fall_silent(&mut self) -> bool {
        self.silent = self.state == DtlsTransportState::Connecting;
        self.silent
    }

    /// `getRemoteCertificates()`: DER form, the peer's own first.
    pub fn remote_certificates(&self) -> &[Vec<u8>] {
        &self.remote_certificates
    }

    /// That of ours which was shown, if it is known.
    pub(crate) fn local_certificate(&self) -> Option<&Certificate> {
        self.local_certificate.as_ref()
    }

    /// Both ends promised to keep the media from applications (RFC 8833): the tracks that come over it are
    /// isolated.
    pub(crate) fn is_confidential(&self) -> bool {
        self.confidential
    }

    /// What the session says of it. Returns the state, if that is another one.
    pub(crate) fn change(&mut self, report: &DtlsReport) -> Option<DtlsTransportState> {
        let state = match report {
            DtlsReport::Connecting => DtlsTransportState::Connecting,
            DtlsReport::Connected { .. } => DtlsTransportState::Connected,
            DtlsReport::Closed => DtlsTransportState::Closed,
            DtlsReport::Failed { .. } => DtlsTransportState::Failed,
        };
        if self.state == state {
            return None;
        }
        self.state = state;
        self.silent = false;
        match report {
            DtlsReport::Connecting => self.remote_certificates.clear(),
            DtlsReport::Connected {
                remote_certificates,
                local_certificate,
                confidential,
                ..
            } => {
                self.remote_certificates.clone_from(remote_certificates);
                self.local_certificate.clone_from(local_certificate);
                self.confidential = *confidential;
            }
            DtlsReport::Closed | DtlsReport::Failed { .. } => {}
        }
        Some(state)
    }
}

/// ICE of one transport (webrtc-pc §5.6).
#[doc(alias = "RTCIceTransport")]
#[derive(Clone, Debug)]
pub struct IceTransport {
    state: IceTransportState,
    /// Of the state `failed`.
    failure: Option<Failure>,
    role: IceRole,
    /// How far each generation's gathering is.
    gathering: BTreeMap<Generation, IceGathererState>,
    gatherer_state: IceGathererState,
    selected_pair: Option<IceCandidatePair>,
    local_candidates: ShownCandidates,
    remote_candidates: ShownCandidates,
    local_parameters: Option<IceParameters>,
    remote_parameters: Option<IceParameters>,
}

impl IceTransport {
    pub(crate) fn new(role: IceRole) -> Self {
        IceTransport {
            state: IceTransportState::New,
            failure: None,
            role,
            gathering: BTreeMap::new(),
            gatherer_state: IceGathererState::New,
            selected_pair: None,
            local_candidates: ShownCandidates::default(),
            remote_candidates: ShownCandidates::default(),
            local_parameters: None,
            remote_parameters: None,
        }
    }

    /// `role`
    pub fn role(&self) -> IceRole {
        self.role
    }

    /// `component`: RTP and RTCP always share it.
    pub fn component(&self) -> IceComponent {
        IceComponent::Rtp
    }

    /// `state`
    pub fn state(&self) -> IceTransportState {
        self.state
    }

    /// Why the state is `failed`: not in webrtc-pc, which leaves the application to guess.
    pub fn failure(&self) -> Option<Failure> {
        let failed = self.state == IceTransportState::Failed;
        self.failure.filter(|_| failed)
    }

    /// `gatheringState`
    pub fn gathering_state(&self) -> IceGathererState {
        self.gatherer_state
    }

    /// `getLocalCandidates()`: those that `icecandidate` events told, since the last ICE restart.
    pub fn local_candidates(&self) -> &[IceCandidate] {
        &self.local_candidates.candidates
    }

    /// `getRemoteCandidates()`: those that `addIceCandidate` took, since the last ICE restart.
    pub fn remote_candidates(&self) -> &[IceCandidate] {
        &self.remote_candidates.candidates
    }

    /// `getSelectedCandidatePair()`: none while the state is `new` or `closed`.
    pub fn selected_candidate_pair(&self) -> Option<&IceCandidatePair> {
        match self.state {
            IceTransportState::New | IceTransportState::Closed => None,
            _ => self.selected_pair.as_ref(),
        }
    }

    /// `getLocalParameters()`
    pub fn local_parameters(&self) -> Option<&IceParameters> {
        self.local_parameters.as_ref()
    }

    /// `getRemoteParameters()`
    pub fn remote_parameters(&self) -> Option<&IceParameters> {
        self.remote_parameters.as_ref()
    }

    /// What the agent says of its state. Returns whether it is another one.
    pub(crate) fn change(&mut self, state: IceTransportState, failure: Option<Failure>) -> bool {
        let changed = self.state != state;
        if changed {
            (self.state, self.failure) = (state, failure);
        }
        changed
    }

    /// Data goes by another pair.
    pub(crate) fn select(&mut self, pair: IceCandidatePair) {
        self.selected_pair = Some(pair);
    }

    /// A role conflict was resolved.
    pub(crate) fn set_role(&mut self, role: IceRole) {
        self.role = role;
    }

    /// What the latest description says.
    pub(crate) fn set_parameters(
        &mut self,
        local: Option<IceParameters>,
        remote: Option<IceParameters>,
    ) {
        self.local_parameters = local;
        self.remote_parameters = remote;
    }

    /// A generation's gathering goes on. Returns the gatherer's state, if that is another one.
    pub(crate) fn set_gathering(
        &mut self,
        generation: Generation,
        state: IceGathererState,
    ) -> Option<IceGathererState> {
        self.gathering.insert(generation, state);
        self.update_gatherer_state()
    }

    /// Returns the gatherer's state, if it is another one than was shown.
    pub(crate) fn update_gatherer_state(&mut self) -> Option<IceGathererState> {
        let derived = self.derive_gatherer_state();
        let before = std::mem::replace(&mut self.gatherer_state, derived);
        (before != derived).then_some(derived)
    }

    /// A generation that was replaced, or rolled back, gathers no more and shows no candidates. Returns
    /// whether the gatherer's state is to change, which it does in a task of its own.
    pub(crate) fn forget_generation(&mut self, generation: Generation) -> bool {
        if self.gathering.len() > 1 {
            self.gathering.remove(&generation);
        }
        self.local_candidates.forget(generation);
        self.remote_candidates.forget(generation);
        self.gatherer_state != self.derive_gatherer_state()
    }

    /// `icecandidate` tells the application of it.
    pub(crate) fn show_local(&mut self, generation: Generation, candidate: IceCandidate) {
        self.local_candidates.push(generation, candidate);
    }

    /// `addIceCandidate` took it.
    pub(crate) fn show_remote(&mut self, generation: Generation, candidate: IceCandidate) {
        self.remote_candidates.push(generation, candidate);
    }

    /// The candidates of an agent whose place another one took.
    pub(crate) fn forget_remote_candidates(&mut self, generation: Generation) {
        self.remote_candidates.forget(generation);
    }

    /// The pair that was selected last, in whatever state.
    pub(crate) fn last_selected_pair(&self) -> Option<&IceCandidatePair> {
        self.selected_pair.as_ref()
    }

    /// The gatherer's state after a generation began, ended or was given up.
    fn derive_gatherer_state(&self) -> IceGathererState {
        if self
            .gathering
            .values()
            .any(|&state| state == IceGathererState::Gathering)
        {
            IceGathererState::Gathering
        } else if self.gathering.is_empty() {
            IceGathererState::New
        } else {
            IceGathererState::Complete
        }
    }
}

/// The candidates of one end, of the generations that descriptions name.
#[derive(Clone, Debug, Default)]
pub(crate) struct ShownCandidates {
    candidates: Vec<IceCandidate>,
    /// Of each.
    generations: Vec<Generation>,
}

impl ShownCandidates {
    pub(crate) fn push(&mut self, generation: Generation, candidate: IceCandidate) {
        self.candidates.reserve_exact(1);
        self.candidates.push(candidate);
        self.generations.reserve_exact(1);
        self.generations.push(generation);
    }

    /// An ICE restart replaced this generation, or was rolled back.
    pub(crate) fn forget(&mut self, gone: Generation) {
        let mut kept = self
            .generations
            .iter()
            .map(|generation| *generation != gone);
        self.candidates.retain(|_| kept.next().unwrap_or(true));
        self.generations.retain(|generation| *generation != gone);
        self.candidates.shrink_to_fit();
        self.generations.shrink_to_fit();
    }
}

/// The SCTP association of the data channels (webrtc-pc §6.1.1).
#[doc(alias = "RTCSctpTransport")]
#[derive(Clone, Debug)]
pub struct SctpTransport {
    /// The DTLS transport it runs over.
    transport: Option<TransportKey>,
    state: SctpTransportState,
    max_message_size: Option<u64>,
    max_channels: Option<u16>,
    /// Why the association ended, unless on purpose.
    ended_by: Option<SctpError>,
}

impl SctpTransport {
    /// "Create an RTCSctpTransport" in the state `connecting`.
    pub(crate) fn new(transport: Option<TransportKey>) -> Self {
        SctpTransport {
            transport,
            state: SctpTransportState::Connecting,
            max_message_size: None,
            max_channels: None,
            ended_by: None,
        }
    }

    /// `transport`: the DTLS transport it runs over. It is there from the description on that
    /// made this object.
    pub fn transport(&self) -> Option<TransportKey> {
        self.transport
    }

    /// `state`
    pub fn state(&self) -> SctpTransportState {
        self.state
    }

    /// `maxMessageSize` in bytes; none before an answer. It is never infinite here:
    /// [`crate::limits::SEND_BUFFER_BYTES`] limits it.
    pub fn max_message_size(&self) -> Option<u64> {
        self.max_message_size
    }

    /// `maxChannels`; none until connected.
    pub fn max_channels(&self) -> Option<u16> {
        self.max_channels
    }

    /// It is up.
    pub(crate) fn connected(&mut self, max_channels: u16) {
        self.state = SctpTransportState::Connected;
        self.max_channels = Some(max_channels);
    }

    /// It is made again over another DTLS association. Returns whether that is a change.
    pub(crate) fn connect_again(&mut self) -> bool {
        let before = std::mem::replace(&mut self.state, SctpTransportState::Connecting);
        let changed = before != SctpTransportState::Connecting;
        if changed {
            self.max_channels = None;
        }
        changed
    }

    /// It ended, for this reason unless on purpose. Returns whether that is a change.
    pub(crate) fn close(&mut self, error: Option<SctpError>) -> bool {
        let before = std::mem::replace(&mut self.state, SctpTransportState::Closed);
        let changed = before != SctpTransportState::Closed;
        if changed {
            self.ended_by = error;
        }
        changed
    }

    /// Why it ended, unless on purpose.
    pub(crate) fn ended_by(&self) -> Option<SctpError> {
        self.ended_by
    }

    /// A description has it run over this DTLS transport.
    pub(crate) fn set_transport(&mut self, key: TransportKey) {
        self.transport = Some(key);
    }

    /// "Update the data max message size". `remote` is the largest message that the other end
    /// takes, none for any size.
    pub(crate) fn update_max_message_size(&mut self, remote: Option<u64>) {
        self.max_message_size = Some(max_message_size::of_both(remote));
    }
}
