//! `Mirror`: the slots that attributes are read from, as JavaScript has them, and what changed.

use std::collections::BTreeMap;

use duologue_base::{ChannelKey, TransceiverId, TransportKey};
use duologue_peer::{
    DataChannelState, DtlsTransportState, IceConnectionState, IceGathererState, IceGatheringState,
    IceRole, IceTransportState, PeerConnection, PeerConnectionState, PriorityType, Revisions,
    SctpTransportState, SignalingState, TransceiverDirection, TransceiverView as Transceiver,
};
use serde::Serialize;

/// What JavaScript knows.
#[derive(Debug, Default)]
pub(crate) struct Mirror {
    /// Which slots it shows.
    shown: Revisions,
    connection: Option<ConnectionView>,
    /// Those that are listed, in order.
    transceivers: Vec<TransceiverView>,
    /// None: JavaScript learns of it with the next changes.
    transports: BTreeMap<TransportKey, Option<TransportView>>,
    sctp: Option<SctpView>,
    /// None: as above.
    channels: BTreeMap<ChannelKey, Option<ChannelView>>,
}

/// Which slots may have changed.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Stale {
    Nothing,
    Channels,
    Everything,
}

/// What changed.
#[derive(Debug, Default, Serialize)]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(rename = "Mirror", optional_fields = nullable)
)]
pub(crate) struct Changes {
    #[serde(skip_serializing_if = "Option::is_none")]
    connection: Option<ConnectionView>,
    /// Those that changed, and a last time those that went.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(
        feature = "typescript",
        ts(optional, as = "Option<Vec<TransceiverView>>")
    )]
    transceivers: Vec<TransceiverView>,
    /// The numbers of all, in order, when one came or went.
    #[serde(skip_serializing_if = "Option::is_none")]
    listed: Option<Vec<u32>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(
        feature = "typescript",
        ts(optional, as = "Option<Vec<TransportView>>")
    )]
    transports: Vec<TransportView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sctp: Option<Option<SctpView>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "typescript", ts(optional, as = "Option<Vec<ChannelView>>"))]
    channels: Vec<ChannelView>,
    /// Channel and `bufferedAmount`, one after the other, where nothing else changed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "typescript", ts(optional, as = "Option<Vec<f64>>"))]
    amounts: Vec<f64>,
}

impl Changes {
    fn is_empty(&self) -> bool {
        self.connection.is_none()
            && self.transceivers.is_empty()
            && self.listed.is_none()
            && self.transports.is_empty()
            && self.sctp.is_none()
            && self.channels.is_empty()
            && self.amounts.is_empty()
    }
}

impl Mirror {
    /// A data channel that JavaScript is about to learn of.
    pub(crate) fn add_channel(&mut self, key: ChannelKey) {
        self.channels.entry(key).or_default();
    }

    /// A data channel that was closed.
    pub(crate) fn remove_channel(&mut self, key: ChannelKey) {
        self.channels.remove(&key);
    }

    /// The amount that `send` told.
    pub(crate) fn set_buffered_amount(&mut self, key: ChannelKey, amount: f64) {
        if let Some(Some(view)) = self.channels.get_mut(&key) {
            view.buffered_amount = amount;
        }
    }

    /// What changed since the last call; none if nothing did.
    pub(crate) fn changes(&mut self, pc: &PeerConnection, stale: Stale) -> Option<Changes> {
        let changes = match stale {
            Stale::Nothing => return None,
            Stale::Channels => self.channel_changes(pc, Changes::default()),
            Stale::Everything => self.all_changes(pc),
        };
        (!changes.is_empty()).then_some(changes)
    }

    fn all_changes(&mut self, pc: &PeerConnection) -> Changes {
        let mut changes = Changes {
            connection: self.connection_changes(pc),
            ..Changes::default()
        };
        let now = pc.revisions();
        let before = std::mem::replace(&mut self.shown, now);
        if now.transports != before.transports {
            changes.transports = self.transport_changes(pc);
            changes.sctp = self.sctp_changes(pc);
        }
        if now.transceivers != before.transceivers {
            self.transceiver_changes(pc, &mut changes);
        }
        self.channel_changes(pc, changes)
    }

    fn connection_changes(&mut self, pc: &PeerConnection) -> Option<ConnectionView> {
        let now = ConnectionView::new(pc);
        if self.connection.as_ref() == Some(&now) {
            return None;
        }
        self.connection = Some(now.clone());
        Some(now)
    }

    fn transceiver_changes(&mut self, pc: &PeerConnection, changes: &mut Changes) {
        let ids = pc.transceivers();
        let listed = self.transceivers.iter().map(|view| TransceiverId(view.id));
        if !listed.eq(ids.iter().copied()) {
            self.list_transceivers(pc, &ids, changes);
        }
        for old in &mut self.transceivers {
            let id = TransceiverId(old.id);
            if let Some(now) = pc.transceiver(id)
                && !old.matches(&now)
            {
                *old = TransceiverView::new(id, &now);
                changes.transceivers.push(old.clone());
            }
        }
    }

    /// Some came or went.
    fn list_transceivers(
        &mut self,
        pc: &PeerConnection,
        ids: &[TransceiverId],
        changes: &mut Changes,
    ) {
        let before = std::mem::take(&mut self.transceivers);
        let mut before: BTreeMap<u32, TransceiverView> =
            before.into_iter().map(|view| (view.id, view)).collect();
        for &id in ids {
            let Some(now) = pc.transceiver(id) else {
                continue;
            };
            let view = before.remove(&id.0).unwrap_or_else(|| {
                let view = TransceiverView::new(id, &now);
                changes.transceivers.push(view.clone());
                view
            });
            self.transceivers.push(view);
        }
        for old in before.into_values() {
            let id = TransceiverId(old.id);
            let last = pc.transceiver(id);
            changes.transceivers.push(TransceiverView {
                listed: false,
                ..last.map_or(old, |view| TransceiverView::new(id, &view))
            });
        }
        changes.listed = Some(self.transceivers.iter().map(|view| view.id).collect());
    }

    fn transport_changes(&mut self, pc: &PeerConnection) -> Vec<TransportView> {
        let used = pc
            .transceivers()
            .into_iter()
            .filter_map(|id| pc.transceiver(id)?.transport())
            .chain(pc.sctp().and_then(|sctp| sctp.transport()));
        for key in used {
            self.transports.entry(key).or_default();
        }
        let mut changed = Vec::new();
        for (&key, old) in &mut self.transports {
            // A transceiver keeps its transport after that has ended.
            let now = TransportView::new(pc, key).unwrap_or_else(|| TransportView::ended(key));
            if old.as_ref() != Some(&now) {
                *old = Some(now.clone());
                changed.push(now);
            }
        }
        changed
    }

    fn sctp_changes(&mut self, pc: &PeerConnection) -> Option<Option<SctpView>> {
        let now = SctpView::new(pc);
        if self.sctp == now {
            return None;
        }
        self.sctp.clone_from(&now);
        Some(now)
    }

    fn channel_changes(&mut self, pc: &PeerConnection, mut changes: Changes) -> Changes {
        for (&key, old) in &mut self.channels {
            let Some(channel) = pc.data_channel(key) else {
                continue;
            };
            let Some(old) = old.as_mut().filter(|old| old.matches(channel)) else {
                let now = ChannelView::new(key, channel);
                changes.channels.push(now.clone());
                *old = Some(now);
                continue;
            };
            let amount = channel.buffered_amount() as f64;
            if old.buffered_amount != amount {
                old.buffered_amount = amount;
                changes.amounts.extend([f64::from(key.0), amount]);
            }
        }
        changes
    }
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(optional_fields = nullable)
)]
#[serde(rename_all = "camelCase")]
struct ConnectionView {
    signaling_state: SignalingState,
    ice_gathering_state: IceGatheringState,
    ice_connection_state: IceConnectionState,
    connection_state: PeerConnectionState,
    can_trickle_ice_candidates: Option<bool>,
    /// Which operation settles the promise.
    peer_identity: f64,
    idp_login_url: Option<String>,
    idp_error_info: Option<String>,
    /// JavaScript asks for the text of a description that somebody reads, when this has grown.
    descriptions_revision: f64,
}

impl ConnectionView {
    fn new(pc: &PeerConnection) -> Self {
        ConnectionView {
            signaling_state: pc.signaling_state(),
            ice_gathering_state: pc.ice_gathering_state(),
            ice_connection_state: pc.ice_connection_state(),
            connection_state: pc.connection_state(),
            can_trickle_ice_candidates: pc.can_trickle_ice_candidates(),
            peer_identity: pc.peer_identity().as_u64() as f64,
            idp_login_url: pc.idp_login_url().map(str::to_owned),
            idp_error_info: pc.idp_error_info().map(str::to_owned),
            descriptions_revision: pc.revisions().descriptions as f64,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(optional_fields = nullable)
)]
#[serde(rename_all = "camelCase")]
struct TransceiverView {
    id: u32,
    listed: bool,
    #[cfg_attr(feature = "typescript", ts(type = "'audio' | 'video'"))]
    kind: &'static str,
    mid: Option<String>,
    direction: TransceiverDirection,
    current_direction: Option<TransceiverDirection>,
    rtp_header_encryption_negotiated: bool,
    sender_track: Option<String>,
    sender_transport: Option<u32>,
    receiver_track: String,
    receiver_transport: Option<u32>,
    can_insert_dtmf: bool,
    tone_buffer: String,
}

impl TransceiverView {
    fn new(id: TransceiverId, view: &Transceiver<'_>) -> Self {
        let transport = view.transport().map(|TransportKey(key)| key);
        TransceiverView {
            id: id.0,
            listed: true,
            kind: view.kind().as_str(),
            mid: view.mid().map(ToString::to_string),
            direction: view.direction(),
            current_direction: view.current_direction(),
            rtp_header_encryption_negotiated: view.rtp_header_encryption_negotiated(),
            sender_track: view.sender_track().map(|track| track.id.to_string()),
            sender_transport: transport,
            receiver_track: view.receiver_track().to_string(),
            receiver_transport: transport,
            can_insert_dtmf: view.can_insert_dtmf(),
            tone_buffer: view.tone_buffer().unwrap_or_default().to_owned(),
        }
    }

    /// Whether it says what [`new`](Self::new) would, looked at without making one: this is done for
    /// all of them whenever one may have changed.
    fn matches(&self, view: &Transceiver<'_>) -> bool {
        let track = view.sender_track().map(|track| track.id.as_str());
        self.direction == view.direction()
            && self.current_direction == view.current_direction()
            && self.rtp_header_encryption_negotiated == view.rtp_header_encryption_negotiated()
            && self.mid.as_deref() == view.mid().map(|mid| mid.as_str())
            && self.sender_track.as_deref() == track
            && self.sender_transport == view.transport().map(|TransportKey(key)| key)
            && self.can_insert_dtmf == view.can_insert_dtmf()
            && self.tone_buffer == view.tone_buffer().unwrap_or_default()
    }
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(optional_fields = nullable)
)]
#[serde(rename_all = "camelCase")]
struct TransportView {
    key: u32,
    dtls_state: DtlsTransportState,
    ice_state: IceTransportState,
    ice_gathering_state: IceGathererState,
    ice_role: IceRole,
}

impl TransportView {
    fn new(pc: &PeerConnection, key: TransportKey) -> Option<Self> {
        let (dtls, ice) = (pc.dtls_transport(key)?, pc.ice_transport(key)?);
        Some(TransportView {
            key: key.0,
            dtls_state: dtls.state(),
            ice_state: ice.state(),
            ice_gathering_state: ice.gathering_state(),
            ice_role: ice.role(),
        })
    }

    fn ended(TransportKey(key): TransportKey) -> Self {
        TransportView {
            key,
            dtls_state: DtlsTransportState::Closed,
            ice_state: IceTransportState::Closed,
            ice_gathering_state: IceGathererState::Complete,
            ice_role: IceRole::Unknown,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(optional_fields = nullable)
)]
#[serde(rename_all = "camelCase")]
struct SctpView {
    transport: u32,
    state: SctpTransportState,
    max_message_size: Option<f64>,
    max_channels: Option<u16>,
}

impl SctpView {
    fn new(pc: &PeerConnection) -> Option<Self> {
        let sctp = pc.sctp()?;
        Some(SctpView {
            transport: sctp.transport()?.0,
            state: sctp.state(),
            max_message_size: sctp.max_message_size().map(|bytes| bytes as f64),
            max_channels: sctp.max_channels(),
        })
    }
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(optional_fields = nullable)
)]
#[serde(rename_all = "camelCase")]
struct ChannelView {
    key: u32,
    label: String,
    ordered: bool,
    max_packet_life_time: Option<u16>,
    max_retransmits: Option<u16>,
    protocol: String,
    negotiated: bool,
    priority: PriorityType,
    id: Option<u16>,
    ready_state: DataChannelState,
    buffered_amount: f64,
}

impl ChannelView {
    fn new(ChannelKey(key): ChannelKey, channel: &duologue_peer::DataChannel) -> Self {
        ChannelView {
            key,
            label: channel.label().to_owned(),
            ordered: channel.ordered(),
            max_packet_life_time: channel.max_packet_life_time(),
            max_retransmits: channel.max_retransmits(),
            protocol: channel.protocol().to_owned(),
            negotiated: channel.negotiated(),
            priority: channel.priority(),
            id: channel.id().map(|id| id.0),
            ready_state: channel.ready_state(),
            buffered_amount: channel.buffered_amount() as f64,
        }
    }

    /// Only these attributes change, and the amount.
    fn matches(&self, channel: &duologue_peer::DataChannel) -> bool {
        self.ready_state == channel.ready_state() && self.id == channel.id().map(|id| id.0)
    }
}
