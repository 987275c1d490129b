//! Transports of a connection, as the W3C shows them.

use std::sync::Arc;

use duologue_base::TransportKey;
use duologue_peer as peer;
use duologue_peer::{
    DtlsTransportState, Exception, IceCandidate, IceCandidatePair, IceCandidatePairId,
    IceComponent, IceFailure, IceGathererState, IceParameters, IceRole, IceTransportState,
    SctpTransportState,
};

use crate::connection::ConnectionHandle;

macro_rules! identity {
    ($name:ident $(, $key:ident)?) => {
        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                Arc::ptr_eq(&self.connection, &other.connection) $(&& self.$key == other.$key)?
            }
        }

        impl Eq for $name {}

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name))
                    $(.field(stringify!($key), &self.$key))?
                    .finish_non_exhaustive()
            }
        }
    };
}
pub(crate) use identity;

/// ICE of one transport: `RTCIceTransport` (webrtc-pc §5.6).
#[doc(alias = "RTCIceTransport")]
#[derive(Clone)]
pub struct IceTransport {
    connection: Arc<ConnectionHandle>,
    key: TransportKey,
}

identity!(IceTransport, key);

impl IceTransport {
    pub(crate) fn new(connection: Arc<ConnectionHandle>, key: TransportKey) -> Self {
        IceTransport { connection, key }
    }

    fn read<R>(&self, read: impl FnOnce(&peer::IceTransport) -> R) -> Option<R> {
        self.connection
            .with(|control| control.peer().ice_transport(self.key).map(read))
    }

    /// Names the transport within its connection.
    pub fn key(&self) -> TransportKey {
        self.key
    }

    /// `role`
    pub fn role(&self) -> IceRole {
        self.read(peer::IceTransport::role)
            .unwrap_or(IceRole::Unknown)
    }

    /// `component`
    pub fn component(&self) -> IceComponent {
        self.read(peer::IceTransport::component)
            .unwrap_or(IceComponent::Rtp)
    }

    /// `state`
    pub fn state(&self) -> IceTransportState {
        self.read(peer::IceTransport::state)
            .unwrap_or(IceTransportState::Closed)
    }

    /// Why the state is `failed`: not in webrtc-pc, which leaves the application to guess.
    pub fn failure(&self) -> Option<IceFailure> {
        self.read(peer::IceTransport::failure).flatten()
    }

    /// `gatheringState`
    pub fn gathering_state(&self) -> IceGathererState {
        self.read(peer::IceTransport::gathering_state)
            .unwrap_or(IceGathererState::Complete)
    }

    /// `getLocalCandidates()`
    #[doc(alias = "getLocalCandidates")]
    pub fn local_candidates(&self) -> Vec<IceCandidate> {
        self.read(|ice| ice.local_candidates().to_vec())
            .unwrap_or_default()
    }

    /// `getRemoteCandidates()`
    #[doc(alias = "getRemoteCandidates")]
    pub fn remote_candidates(&self) -> Vec<IceCandidate> {
        self.read(|ice| ice.remote_candidates().to_vec())
            .unwrap_or_default()
    }

    /// `getSelectedCandidatePair()`
    #[doc(alias = "getSelectedCandidatePair")]
    pub fn selected_candidate_pair(&self) -> Option<IceCandidatePair> {
        self.read(|ice| ice.selected_candidate_pair().cloned())
            .flatten()
    }

    /// `selectCandidatePair(candidatePair)` (webrtc-extensions): data is to go by this pair, which it
    /// does once this is done. The pair in use gives way without that being an ICE restart; whether the
    /// peer follows depends on the [nomination](crate::Event::IceCandidatePairNominate) that comes after
    /// it.
    ///
    /// # Errors
    /// `InvalidStateError` on a closed connection, while a [proposal](crate::CandidatePairProposal)
    /// is not decided, and in the states `new` and `failed`; `NotFoundError` for a pair that is gone;
    /// `OperationError` for one that does not work, or when another one is selected meanwhile.
    #[doc(alias = "selectCandidatePair")]
    pub async fn select_candidate_pair(&self, pair: &IceCandidatePair) -> Result<(), Exception> {
        let (key, id) = (self.key, pair.id);
        let selected = self
            .connection
            .operation(|peer| peer.select_candidate_pair(key, id));
        selected.await.map(drop)
    }

    /// `removeCandidatePair(candidatePair)` (webrtc-extensions): nothing goes by this pair any more, and
    /// checks on it are not answered.
    ///
    /// # Errors
    /// As [`select_candidate_pair`](Self::select_candidate_pair), but for `OperationError`.
    #[doc(alias = "removeCandidatePair")]
    pub async fn remove_candidate_pair(&self, pair: &IceCandidatePair) -> Result<(), Exception> {
        let (key, id) = (self.key, pair.id);
        let removed = self
            .connection
            .operation(|peer| peer.remove_candidate_pair(key, id));
        removed.await.map(drop)
    }

    /// What a proposal about a pair comes to.
    pub(crate) fn answer(&self, pair: IceCandidatePairId, accepted: bool) {
        let key = self.key;
        self.connection.with(|control| {
            control
                .peer_mut()
                .answer_candidate_pair(key, pair, accepted);
        });
    }

    /// Does so in a task of its own: nobody knows who drops a proposal, and what it has locked.
    pub(crate) fn answer_later(self, pair: IceCandidatePairId, accepted: bool) {
        let runtime = self.connection.runtime().clone();
        drop(runtime.spawn(async move { self.answer(pair, accepted) }));
    }

    /// `getLocalParameters()`
    #[doc(alias = "getLocalParameters")]
    pub fn local_parameters(&self) -> Option<IceParameters> {
        self.read(|ice| ice.local_parameters().cloned()).flatten()
    }

    /// `getRemoteParameters()`
    #[doc(alias = "getRemoteParameters")]
    pub fn remote_parameters(&self) -> Option<IceParameters> {
        self.read(|ice| ice.remote_parameters().cloned()).flatten()
    }
}

/// DTLS of one transport: `RTCDtlsTransport` (webrtc-pc §5.5).
#[doc(alias = "RTCDtlsTransport")]
#[derive(Clone)]
pub struct DtlsTransport {
    connection: Arc<ConnectionHandle>,
    key: TransportKey,
}

identity!(DtlsTransport, key);

impl DtlsTransport {
    pub(crate) fn new(connection: Arc<ConnectionHandle>, key: TransportKey) -> Self {
        DtlsTransport { connection, key }
    }

    fn read<R>(&self, read: impl FnOnce(&peer::DtlsTransport) -> R) -> Option<R> {
        self.connection
            .with(|control| control.peer().dtls_transport(self.key).map(read))
    }

    /// Names the transport within its connection.
    pub fn key(&self) -> TransportKey {
        self.key
    }

    /// `iceTransport`
    pub fn ice_transport(&self) -> IceTransport {
        IceTransport::new(self.connection.clone(), self.key)
    }

    /// `state`
    pub fn state(&self) -> DtlsTransportState {
        self.read(peer::DtlsTransport::state)
            .unwrap_or(DtlsTransportState::Closed)
    }

    /// The state is `connecting`, and nothing comes of the peer's part in the handshake, which it would
    /// begin: not in webrtc-pc, where this end waits for ever. Both ends are `passive`, or large
    /// datagrams are lost.
    #[doc(alias = "silent")]
    pub fn is_silent(&self) -> bool {
        self.read(peer::DtlsTransport::is_silent).unwrap_or(false)
    }

    /// `getRemoteCertificates()`: the peer's certificates in DER form, its own first; empty before
    /// the transport is connected.
    #[doc(alias = "getRemoteCertificates")]
    pub fn remote_certificates(&self) -> Vec<Vec<u8>> {
        self.read(|dtls| dtls.remote_certificates().to_vec())
            .unwrap_or_default()
    }
}

/// The SCTP association of the data channels: `RTCSctpTransport` (webrtc-pc §6.1).
#[doc(alias = "RTCSctpTransport")]
#[derive(Clone)]
pub struct SctpTransport {
    connection: Arc<ConnectionHandle>,
}

identity!(SctpTransport);

impl SctpTransport {
    pub(crate) fn new(connection: Arc<ConnectionHandle>) -> Self {
        SctpTransport { connection }
    }

    fn read<R>(&self, read: impl FnOnce(&peer::SctpTransport) -> R) -> Option<R> {
        self.connection
            .with(|control| control.peer().sctp().map(read))
    }

    /// `transport`
    pub fn transport(&self) -> Option<DtlsTransport> {
        let key = self.read(peer::SctpTransport::transport).flatten()?;
        Some(DtlsTransport::new(self.connection.clone(), key))
    }

    /// `state`
    pub fn state(&self) -> SctpTransportState {
        self.read(peer::SctpTransport::state)
            .unwrap_or(SctpTransportState::Closed)
    }

    /// `maxMessageSize`: the longest message that can be sent, in bytes; none before an answer.
    pub fn max_message_size(&self) -> Option<u64> {
        self.read(peer::SctpTransport::max_message_size).flatten()
    }

    /// `maxChannels`; none until connected.
    pub fn max_channels(&self) -> Option<u16> {
        self.read(peer::SctpTransport::max_channels).flatten()
    }
}
