//! `RTCDtlsTransport`, `RTCIceTransport` and `RTCSctpTransport` as the application reads them.

use std::collections::BTreeMap;

use duologue_base::{Generation, TransportKey};
use duologue_ice::Failure;
use duologue_session::SctpError;

use crate::max_message_size;
use crate::{
    DtlsTransportState, IceCandidate, IceCandidatePair, IceComponent, IceGathererState,
    IceParameters, IceRole, IceTransportState, SctpTransportState,
};

/// A DTLS transport and the ICE transport below it; they share their key.
#[derive(Debug)]
pub(crate) struct Transport {
    pub(crate) dtls: DtlsTransport,
    pub(crate) ice: IceTransport,
    /// A sender, a receiver or the SCTP transport referred to it: the application may hold it.
    pub(crate) exposed: bool,
    /// The selected pair as the agent knows it.
    pub(crate) selected: Option<duologue_ice::CandidatePair>,
}

impl Transport {
    pub(crate) fn new(key: TransportKey, role: IceRole) -> Self {
        Transport {
            exposed: false,
            selected: None,
            dtls: DtlsTransport {
                key,
                state: DtlsTransportState::New,
                remote_certificates: Vec::new(),
            },
            ice: IceTransport {
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
            },
        }
    }

    /// No description uses it any more, or the connection is closed.
    pub(crate) fn is_closed(&self) -> bool {
        self.ice.state == IceTransportState::Closed
    }
}

/// DTLS of one transport (webrtc-pc §5.5).
#[doc(alias = "RTCDtlsTransport")]
#[derive(Clone, Debug)]
pub struct DtlsTransport {
    pub(crate) key: TransportKey,
    pub(crate) state: DtlsTransportState,
    pub(crate) remote_certificates: Vec<Vec<u8>>,
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

    /// `getRemoteCertificates()`: DER form, the peer's own first.
    pub fn remote_certificates(&self) -> &[Vec<u8>] {
        &self.remote_certificates
    }
}

/// ICE of one transport (webrtc-pc §5.6).
#[doc(alias = "RTCIceTransport")]
#[derive(Clone, Debug)]
pub struct IceTransport {
    pub(crate) state: IceTransportState,
    /// Of the state `failed`.
    pub(crate) failure: Option<Failure>,
    pub(crate) role: IceRole,
    /// How far each generation's gathering is.
    pub(crate) gathering: BTreeMap<Generation, IceGathererState>,
    pub(crate) gatherer_state: IceGathererState,
    pub(crate) selected_pair: Option<IceCandidatePair>,
    pub(crate) local_candidates: ShownCandidates,
    pub(crate) remote_candidates: ShownCandidates,
    pub(crate) local_parameters: Option<IceParameters>,
    pub(crate) remote_parameters: Option<IceParameters>,
}

impl IceTransport {
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

    /// The gatherer's state after a generation began, ended or was given up.
    pub(crate) fn derive_gatherer_state(&self) -> IceGathererState {
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
    pub(crate) transport: Option<TransportKey>,
    pub(crate) state: SctpTransportState,
    pub(crate) max_message_size: Option<u64>,
    pub(crate) max_channels: Option<u16>,
    /// Why the association ended, unless on purpose.
    pub(crate) ended_by: Option<SctpError>,
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

    /// "Update the data max message size". `remote` is the largest message that the other end
    /// takes, none for any size.
    pub(crate) fn update_max_message_size(&mut self, remote: Option<u64>) {
        self.max_message_size = Some(max_message_size::of_both(remote));
    }
}
