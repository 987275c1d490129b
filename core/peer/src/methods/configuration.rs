//! `setConfiguration` (webrtc-pc §4.4.2).

use crate::{Configuration, Exception, PeerConnection};

impl PeerConnection {
    /// `setConfiguration(configuration)`.
    ///
    /// # Errors
    /// `InvalidStateError` on a closed connection; `InvalidModificationError` when certificates,
    /// `bundlePolicy`, `rtcpMuxPolicy` or (after `setLocalDescription`) `iceCandidatePoolSize`
    /// change; what the constructor throws for ICE servers.
    pub fn set_configuration(&mut self, configuration: Configuration) -> Result<(), Exception> {
        if self.slots.closed {
            return Err(Exception::invalid_state("the connection is closed"));
        }
        let old = &self.slots.configuration;
        let called = self.slots.set_local_description_called;
        let new = configuration.validate_change(old, called)?;
        let changed = new.ice_servers != old.ice_servers
            || new.ice_transport_policy != old.ice_transport_policy;
        if changed {
            self.command(new.ice_servers_command());
        }
        let resized =
            new.ice_candidate_pool_size != self.slots.configuration.ice_candidate_pool_size;
        self.slots.configuration = new;
        if resized {
            self.fill_pool();
        }
        Ok(())
    }
}
