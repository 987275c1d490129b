use crate::revised::Revised;
use crate::{IceConnectionState, IceGatheringState, PeerConnectionState};

/// `[[IceGatheringState]]`, `[[IceConnectionState]]` and `[[ConnectionState]]`.
#[derive(Debug)]
pub(crate) struct States {
    gathering: IceGatheringState,
    ice: IceConnectionState,
    connection: Revised<PeerConnectionState>,
}

impl States {
    pub(crate) fn new() -> Self {
        States {
            gathering: IceGatheringState::New,
            ice: IceConnectionState::New,
            connection: Revised::new(PeerConnectionState::New),
        }
    }

    pub(crate) fn gathering(&self) -> IceGatheringState {
        self.gathering
    }

    pub(crate) fn ice(&self) -> IceConnectionState {
        self.ice
    }

    pub(crate) fn connection(&self) -> PeerConnectionState {
        *self.connection
    }

    /// How often `[[ConnectionState]]` changed.
    pub(crate) fn connection_revision(&self) -> u64 {
        self.connection.revision()
    }

    /// Returns whether it is another one.
    pub(crate) fn set_gathering(&mut self, state: IceGatheringState) -> bool {
        std::mem::replace(&mut self.gathering, state) != state
    }

    /// Returns whether it is another one.
    pub(crate) fn set_ice(&mut self, state: IceConnectionState) -> bool {
        std::mem::replace(&mut self.ice, state) != state
    }

    /// Returns whether it is another one.
    pub(crate) fn set_connection(&mut self, state: PeerConnectionState) -> bool {
        let before = *self.connection;
        if before == state {
            return false;
        }
        *self.connection = state;
        let (before, after) = (before.as_str(), state.as_str());
        tracing::debug!("connection state: {before} -> {after}");
        true
    }

    /// `close()`: gathering stays where it was.
    pub(crate) fn close(&mut self) {
        self.set_ice(IceConnectionState::Closed);
        self.set_connection(PeerConnectionState::Closed);
    }
}
