//! `setConfiguration` (webrtc-pc §4.4.2).

use crate::{Configuration, Exception, PeerConnection};

impl PeerConnection {
    /// `setConfiguration(configuration)`.
    ///
    /// # Errors
    /// `InvalidStateError` on a closed connection; `InvalidModificationError` when certificates,
    /// `bundlePolicy`, `rtcpMuxPolicy`, `peerIdentity` or (after `setLocalDescription`)
    /// `iceCandidatePoolSize` change; what the constructor throws for ICE servers.
    pub fn set_configuration(&mut self, configuration: Configuration) -> Result<(), Exception> {
        if self.slots.is_closed() {
            return Err(Exception::invalid_state("the connection is closed"));
        }
        let old = self.slots.configuration();
        let called = self.slots.is_set_local_description_called();
        let target = self.slots.identity().target();
        let new = configuration.validate_change(old, target, called)?;
        let changed = new.ice_servers != old.ice_servers
            || new.ice_transport_policy != old.ice_transport_policy;
        if changed {
            self.command(new.ice_servers_command());
            // RFC 9429 §5.2.2: credentials stay the same "unless the ICE configuration has changed
            // (e.g., changes to the supported STUN/TURN servers or the ICE candidate policy)".
            self.slots.outdate_ice();
        }
        let resized =
            new.ice_candidate_pool_size != self.slots.configuration().ice_candidate_pool_size;
        self.slots.set_configuration(new);
        if resized {
            self.fill_pool();
        }
        Ok(())
    }
}
