//! `connectionState`, `iceConnectionState` and `iceGatheringState`: what the transports come to
//! (webrtc-pc §§4.3.2 to 4.3.4).

use duologue_base::TransportKey;

use crate::slots::Slots;
use crate::transports::Transport;
use crate::{
    DtlsTransportState, IceConnectionState, IceGathererState, IceGatheringState, IceTransportState,
    PeerConnectionState,
};

/// The three aggregated states.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Aggregate {
    pub(crate) gathering: IceGatheringState,
    pub(crate) ice: IceConnectionState,
    pub(crate) connection: PeerConnectionState,
}

impl Slots {
    /// "The set of transports considered is the one presently referenced by the set of
    /// transceivers and the SctpTransport" (§§4.3.2 to 4.3.4).
    fn considered(&self) -> Vec<&Transport> {
        let mut keys: Vec<TransportKey> = self
            .intent()
            .transceivers
            .iter()
            .filter(|intent| intent.stop != duologue_jsep::StopState::Stopped)
            .filter_map(|intent| self.transceiver(intent.id)?.transport())
            .chain(self.sctp().and_then(|sctp| sctp.transport()))
            .collect();
        keys.sort_unstable();
        keys.dedup();
        keys.iter().filter_map(|key| self.transport(*key)).collect()
    }

    pub(crate) fn derive_aggregate(&self) -> Aggregate {
        let transports = self.considered();
        let ice = derive_ice(&transports);
        Aggregate {
            gathering: derive_gathering(&transports),
            ice,
            connection: derive_connection(&transports, ice),
        }
    }
}

fn derive_gathering(transports: &[&Transport]) -> IceGatheringState {
    let mut states = transports.iter().map(|t| t.ice.gathering_state());
    if states
        .clone()
        .any(|state| state == IceGathererState::Gathering)
    {
        IceGatheringState::Gathering
    } else if transports.is_empty() || states.any(|state| state == IceGathererState::New) {
        IceGatheringState::New
    } else {
        IceGatheringState::Complete
    }
}

fn derive_ice(transports: &[&Transport]) -> IceConnectionState {
    use IceTransportState::{Checking, Closed, Completed, Disconnected, Failed, New};
    let any =
        |wanted: &[IceTransportState]| transports.iter().any(|t| wanted.contains(&t.ice.state()));
    let all =
        |wanted: &[IceTransportState]| transports.iter().all(|t| wanted.contains(&t.ice.state()));
    if any(&[Failed]) {
        IceConnectionState::Failed
    } else if any(&[Disconnected]) {
        IceConnectionState::Disconnected
    } else if all(&[New, Closed]) {
        IceConnectionState::New
    } else if any(&[New, Checking]) {
        IceConnectionState::Checking
    } else if all(&[Completed, Closed]) {
        IceConnectionState::Completed
    } else {
        IceConnectionState::Connected
    }
}

fn derive_connection(transports: &[&Transport], ice: IceConnectionState) -> PeerConnectionState {
    use DtlsTransportState::{Closed, Connected, Failed, New};
    let any = |wanted: DtlsTransportState| transports.iter().any(|t| t.dtls.state() == wanted);
    let all =
        |wanted: &[DtlsTransportState]| transports.iter().all(|t| wanted.contains(&t.dtls.state()));
    if ice == IceConnectionState::Failed || any(Failed) {
        PeerConnectionState::Failed
    } else if ice == IceConnectionState::Disconnected {
        PeerConnectionState::Disconnected
    } else if transports.is_empty() || (ice == IceConnectionState::New && all(&[New, Closed])) {
        PeerConnectionState::New
    } else if matches!(
        ice,
        // §4.3.3 says "connected"; a connection whose ICE is completed is no less connected.
        IceConnectionState::Connected | IceConnectionState::Completed
    ) && all(&[Connected, Closed])
    {
        PeerConnectionState::Connected
    } else {
        PeerConnectionState::Connecting
    }
}

#[cfg(test)]
mod tests {
    use duologue_session::DtlsReport;

    use super::*;
    use crate::IceRole;

    fn transport(ice: IceTransportState, dtls: DtlsTransportState) -> Transport {
        let mut transport = Transport::new(TransportKey(0), IceRole::Controlling);
        transport.ice.change(ice, None);
        let report = match dtls {
            DtlsTransportState::New => return transport,
            DtlsTransportState::Connecting => DtlsReport::Connecting,
            DtlsTransportState::Connected => DtlsReport::Connected {
                remote_certificates: Vec::new(),
                local_certificate: None,
                version: duologue_dtls::Version::V13,
                confidential: false,
            },
            DtlsTransportState::Closed => DtlsReport::Closed,
            DtlsTransportState::Failed => DtlsReport::Failed {
                error: duologue_dtls::DtlsError::HandshakeTimeout,
            },
        };
        transport.dtls.change(&report);
        transport
    }

    fn derive(states: &[(IceTransportState, DtlsTransportState)]) -> (&'static str, &'static str) {
        let transports: Vec<Transport> = states.iter().map(|&(i, d)| transport(i, d)).collect();
        let transports: Vec<&Transport> = transports.iter().collect();
        let ice = derive_ice(&transports);
        (ice.as_str(), derive_connection(&transports, ice).as_str())
    }

    #[test]
    fn the_connection_is_as_bad_as_its_worst_transport_and_as_good_as_its_slowest() {
        use DtlsTransportState as D;
        use IceTransportState as I;
        assert_eq!(derive(&[]), ("new", "new"));
        assert_eq!(derive(&[(I::New, D::New)]), ("new", "new"));
        assert_eq!(
            derive(&[(I::Connected, D::Connected), (I::New, D::New)]),
            ("checking", "connecting")
        );
        assert_eq!(
            derive(&[(I::Completed, D::Connecting)]),
            ("completed", "connecting")
        );
        assert_eq!(
            derive(&[(I::Completed, D::Connected), (I::Closed, D::Closed)]),
            ("completed", "connected")
        );
        assert_eq!(
            derive(&[(I::Completed, D::Connected), (I::Connected, D::Connected)]),
            ("connected", "connected")
        );
        assert_eq!(
            derive(&[(I::Disconnected, D::Connected), (I::Checking, D::New)]),
            ("disconnected", "disconnected")
        );
        assert_eq!(
            derive(&[(I::Failed, D::New), (I::Disconnected, D::Connected)]),
            ("failed", "failed")
        );
        assert_eq!(
            derive(&[(I::Connected, D::Failed)]),
            ("connected", "failed")
        );
    }
}
