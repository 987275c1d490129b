//! `Mirror`: the slots that attributes are read from, as JavaScript has them, and what changed.

use std::collections::BTreeMap;

use duologue_base::{ChannelKey, TransceiverId, TransportKey};
use duologue_peer::{PeerConnection, SessionDescription, TransceiverView as Transceiver};
use serde::Serialize;

/// What JavaScript knows.
#[derive(Debug, Default)]
pub(crate) struct Mirror {
    connection: Option<ConnectionView>,
    /// Those that are listed, in order.
    transceivers: Vec<TransceiverView>,
    transports: BTreeMap<TransportKey, TransportView>,
    sctp: Option<SctpView>,
    channels: BTreeMap<ChannelKey, ChannelView>,
}

/// Which slots may have changed. Looking at all of them renders four descriptions.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Stale {
    Nothing,
    Channels,
    Everything,
}

/// What changed, in the shape of `Mirror` of `lib/native.ts`.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Changes {
    #[serde(skip_serializing_if = "Option::is_none")]
    connection: Option<ConnectionView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    transceivers: Option<Vec<TransceiverView>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    transports: Vec<TransportView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sctp: Option<Option<SctpView>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    channels: Vec<ChannelView>,
    /// Channel and `bufferedAmount`, one after the other, where nothing else changed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    amounts: Vec<f64>,
}

impl Changes {
    fn is_empty(&self) -> bool {
        self.connection.is_none()
            && self.transceivers.is_none()
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
        if let Some(view) = self.channels.get_mut(&key) {
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
        let changes = Changes {
            connection: self.connection_changes(pc),
            transceivers: self.transceiver_changes(pc),
            transports: self.transport_changes(pc),
            sctp: self.sctp_changes(pc),
            ..Changes::default()
        };
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

    fn transceiver_changes(&mut self, pc: &PeerConnection) -> Option<Vec<TransceiverView>> {
        let now: Vec<TransceiverView> = pc
            .transceivers()
            .into_iter()
            .filter_map(|id| Some(TransceiverView::new(pc, id, &pc.transceiver(id)?)))
            .collect();
        if self.transceivers == now {
            return None;
        }
        let gone = self
            .transceivers
            .iter()
            .filter(|old| !now.iter().any(|view| view.id == old.id))
            .map(|old| {
                let id = TransceiverId(old.id);
                let last = pc.transceiver(id);
                TransceiverView {
                    listed: false,
                    ..last.map_or_else(|| old.clone(), |view| TransceiverView::new(pc, id, &view))
                }
            });
        let told = now.iter().cloned().chain(gone).collect();
        self.transceivers = now;
        Some(told)
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
            if now != *old {
                *old = now.clone();
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
            if !old.matches(channel) {
                *old = ChannelView::new(key, channel);
                changes.channels.push(old.clone());
                continue;
            }
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
#[serde(rename_all = "camelCase")]
struct ConnectionView {
    signaling_state: &'static str,
    ice_gathering_state: &'static str,
    ice_connection_state: &'static str,
    connection_state: &'static str,
    can_trickle_ice_candidates: Option<bool>,
    current_local_description: Option<SessionDescription>,
    pending_local_description: Option<SessionDescription>,
    current_remote_description: Option<SessionDescription>,
    pending_remote_description: Option<SessionDescription>,
}

impl ConnectionView {
    fn new(pc: &PeerConnection) -> Self {
        ConnectionView {
            signaling_state: pc.signaling_state().as_str(),
            ice_gathering_state: pc.ice_gathering_state().as_str(),
            ice_connection_state: pc.ice_connection_state().as_str(),
            connection_state: pc.connection_state().as_str(),
            can_trickle_ice_candidates: pc.can_trickle_ice_candidates(),
            current_local_description: pc.current_local_description(),
            pending_local_description: pc.pending_local_description(),
            current_remote_description: pc.current_remote_description(),
            pending_remote_description: pc.pending_remote_description(),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct TransceiverView {
    id: u32,
    listed: bool,
    kind: &'static str,
    mid: Option<String>,
    direction: &'static str,
    current_direction: Option<&'static str>,
    sender_track: Option<String>,
    sender_transport: Option<u32>,
    receiver_track: String,
    receiver_transport: Option<u32>,
    can_insert_dtmf: bool,
    tone_buffer: String,
}

impl TransceiverView {
    fn new(pc: &PeerConnection, id: TransceiverId, view: &Transceiver<'_>) -> Self {
        let transport = view.transport().map(|TransportKey(key)| key);
        TransceiverView {
            id: id.0,
            listed: true,
            kind: view.kind().as_str(),
            mid: view.mid().map(ToString::to_string),
            direction: view.direction().as_str(),
            current_direction: view.current_direction().map(|direction| direction.as_str()),
            sender_track: view.sender_track().map(|track| track.id.to_string()),
            sender_transport: transport,
            receiver_track: view.receiver_track().to_string(),
            receiver_transport: transport,
            can_insert_dtmf: pc.can_insert_dtmf(id),
            tone_buffer: pc.tone_buffer(id).unwrap_or_default().to_owned(),
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct TransportView {
    key: u32,
    dtls_state: &'static str,
    ice_state: &'static str,
    ice_gathering_state: &'static str,
    ice_role: &'static str,
}

impl TransportView {
    fn new(pc: &PeerConnection, key: TransportKey) -> Option<Self> {
        let (dtls, ice) = (pc.dtls_transport(key)?, pc.ice_transport(key)?);
        Some(TransportView {
            key: key.0,
            dtls_state: dtls.state().as_str(),
            ice_state: ice.state().as_str(),
            ice_gathering_state: ice.gathering_state().as_str(),
            ice_role: ice.role().as_str(),
        })
    }

    fn ended(TransportKey(key): TransportKey) -> Self {
        TransportView {
            key,
            dtls_state: "closed",
            ice_state: "closed",
            ice_gathering_state: "complete",
            ice_role: "unknown",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct SctpView {
    transport: u32,
    state: &'static str,
    max_message_size: Option<f64>,
    max_channels: Option<u16>,
}

impl SctpView {
    fn new(pc: &PeerConnection) -> Option<Self> {
        let sctp = pc.sctp()?;
        Some(SctpView {
            transport: sctp.transport()?.0,
            state: sctp.state().as_str(),
            max_message_size: sctp.max_message_size().map(|bytes| bytes as f64),
            max_channels: sctp.max_channels(),
        })
    }
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct ChannelView {
    key: u32,
    label: String,
    ordered: bool,
    max_packet_life_time: Option<u16>,
    max_retransmits: Option<u16>,
    protocol: String,
    negotiated: bool,
    priority: &'static str,
    id: Option<u16>,
    ready_state: &'static str,
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
            priority: channel.priority().as_str(),
            id: channel.id().map(|id| id.0),
            ready_state: channel.ready_state().as_str(),
            buffered_amount: channel.buffered_amount() as f64,
        }
    }

    /// Only these attributes change, and the amount.
    fn matches(&self, channel: &duologue_peer::DataChannel) -> bool {
        self.ready_state == channel.ready_state().as_str() && self.id == channel.id().map(|id| id.0)
    }
}
