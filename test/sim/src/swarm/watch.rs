//! What the events of a connection tell of its states, held against the W3C's diagrams and against
//! what its attributes say.

use std::collections::BTreeMap;

use duologue_base::{ChannelKey, TransportKey};
use duologue_peer::{
    DataChannelState, DtlsTransportState, Event, IceConnectionState, IceGatheringState,
    IceTransportState, PeerConnection, PeerConnectionState, SctpTransportState, SignalingState,
};

/// The states as events told them.
#[derive(Debug)]
pub(super) struct Watch {
    signaling: SignalingState,
    gathering: IceGatheringState,
    ice: IceConnectionState,
    connection: PeerConnectionState,
    sctp: Option<SctpTransportState>,
    dtls: BTreeMap<TransportKey, DtlsTransportState>,
    transports: BTreeMap<TransportKey, IceTransportState>,
    channels: BTreeMap<ChannelKey, DataChannelState>,
}

impl Watch {
    pub(super) fn new() -> Self {
        Watch {
            signaling: SignalingState::Stable,
            gathering: IceGatheringState::New,
            ice: IceConnectionState::New,
            connection: PeerConnectionState::New,
            sctp: None,
            dtls: BTreeMap::new(),
            transports: BTreeMap::new(),
            channels: BTreeMap::new(),
        }
    }

    /// An event is fired: what it tells follows on what was told before, and the attribute has it.
    pub(super) fn see(&mut self, event: &Event, pc: &PeerConnection) {
        match event {
            Event::SignalingStateChange(state) => {
                let before = std::mem::replace(&mut self.signaling, *state);
                assert!(
                    signaling_follows(before, *state),
                    "signaling {before} to {state}"
                );
                assert_eq!(pc.signaling_state(), *state, "the attribute is another");
            }
            Event::IceGatheringStateChange(state) => {
                let before = std::mem::replace(&mut self.gathering, *state);
                assert_ne!(before, *state, "gathering told twice");
                assert_eq!(pc.ice_gathering_state(), *state, "the attribute is another");
            }
            Event::IceConnectionStateChange(state) => {
                let before = std::mem::replace(&mut self.ice, *state);
                assert_ne!(before, *state, "ICE told twice");
                assert_eq!(
                    pc.ice_connection_state(),
                    *state,
                    "the attribute is another"
                );
            }
            Event::ConnectionStateChange(state) => {
                let before = std::mem::replace(&mut self.connection, *state);
                assert_ne!(before, *state, "the connection's state told twice");
                assert_eq!(pc.connection_state(), *state, "the attribute is another");
            }
            Event::SctpStateChange(state) => self.see_sctp(*state),
            Event::DtlsStateChange(key, state) => {
                let before = self.dtls.insert(*key, *state);
                let before = before.unwrap_or(DtlsTransportState::New);
                assert!(dtls_follows(before, *state), "DTLS {before} to {state}");
            }
            Event::IceTransportStateChange(key, state) => {
                let before = self.transports.insert(*key, *state);
                let before = before.unwrap_or(IceTransportState::New);
                assert!(
                    ice_follows(before, *state),
                    "ICE transport {before} to {state}"
                );
            }
            _ => self.see_channel(event, pc),
        }
    }

    fn see_sctp(&mut self, state: SctpTransportState) {
        use SctpTransportState::{Closed, Connected, Connecting};
        let before = self.sctp.replace(state);
        let follows = match state {
            Connecting => before == Some(Connected),
            Connected => matches!(before, None | Some(Connecting | Closed)),
            Closed => before != Some(Closed),
        };
        assert!(follows, "SCTP {before:?} to {state}");
    }

    /// webrtc-pc §6.2.1: a channel's state only goes on.
    fn see_channel(&mut self, event: &Event, pc: &PeerConnection) {
        use DataChannelState::{Closed, Closing, Connecting, Open};
        let (key, state) = match event {
            Event::ChannelOpen(key) => (*key, Open),
            Event::ChannelClosing(key) => (*key, Closing),
            Event::ChannelClose(key) => (*key, Closed),
            Event::ChannelMessage(key, _) => {
                let told = self.channels.get(key);
                assert_eq!(told, Some(&Open), "a message while the channel is {told:?}");
                return;
            }
            _ => return,
        };
        let before = self.channels.insert(key, state).unwrap_or(Connecting);
        let follows = matches!(
            (before, state),
            (Connecting | Open, Closing)
                | (Connecting, Open)
                | (Connecting | Open | Closing, Closed)
        );
        assert!(follows, "{key:?} {before} to {state}");
        let attribute = pc.data_channel(key).map(|channel| channel.ready_state());
        // `close()` inside of a task that announced it already.
        let fits = attribute == Some(state) || attribute == Some(Closing) && state == Open;
        assert!(fits, "{key:?} is {attribute:?} and told to be {state}");
    }

    /// Between two turns the attributes say what events told.
    pub(super) fn check(&self, pc: &PeerConnection) {
        if pc.is_closed() {
            assert_eq!(pc.signaling_state(), SignalingState::Closed);
            assert_eq!(pc.connection_state(), PeerConnectionState::Closed);
            assert_eq!(pc.ice_connection_state(), IceConnectionState::Closed);
            return;
        }
        assert_eq!(pc.signaling_state(), self.signaling, "untold");
        assert_eq!(pc.ice_gathering_state(), self.gathering, "untold");
        assert_eq!(pc.ice_connection_state(), self.ice, "untold");
        assert_eq!(pc.connection_state(), self.connection, "untold");
        for (key, told) in &self.dtls {
            let attribute = pc.dtls_transport(*key).map(|dtls| dtls.state());
            assert!(attribute.is_none_or(|it| it == *told), "untold");
        }
        for (key, told) in &self.transports {
            let attribute = pc.ice_transport(*key).map(|ice| ice.state());
            assert!(attribute.is_none_or(|it| it == *told), "untold");
        }
    }
}

/// The diagram of webrtc-pc §4.3.1.
fn signaling_follows(before: SignalingState, after: SignalingState) -> bool {
    use SignalingState::{
        HaveLocalOffer, HaveLocalPranswer, HaveRemoteOffer, HaveRemotePranswer, Stable,
    };
    match before {
        Stable => matches!(after, HaveLocalOffer | HaveRemoteOffer),
        HaveLocalOffer => matches!(after, Stable | HaveRemotePranswer),
        HaveRemoteOffer => matches!(after, Stable | HaveLocalPranswer),
        HaveLocalPranswer | HaveRemotePranswer => after == Stable,
        SignalingState::Closed => false,
    }
}

/// webrtc-pc §5.5.1: it only goes on.
fn dtls_follows(before: DtlsTransportState, after: DtlsTransportState) -> bool {
    use DtlsTransportState::{Closed, Connected, Connecting, Failed, New};
    match before {
        New => after != New,
        Connecting => matches!(after, Connected | Closed | Failed),
        Connected => matches!(after, Closed | Failed),
        Closed | Failed => false,
    }
}

/// The diagram of webrtc-pc §5.6.4, which leaves open what a restart does: it goes on from what was.
fn ice_follows(before: IceTransportState, after: IceTransportState) -> bool {
    use IceTransportState::{Checking, Closed, Completed, Connected, Disconnected, Failed, New};
    before != after
        && match before {
            New => matches!(after, Checking | Closed | Connected | Failed),
            Checking => matches!(
                after,
                Connected | Completed | Failed | Closed | Disconnected
            ),
            Connected | Completed | Disconnected => after != New,
            Failed => matches!(after, Checking | Connected | Completed | Closed),
            Closed => false,
        }
}
