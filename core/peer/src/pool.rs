//! `iceCandidatePoolSize`: transports that gather before a description needs them (RFC 9429
//! §3.5.4).

use duologue_base::TransportKey;
use duologue_session::{Command, TransportCommand};

use crate::PeerConnection;
use crate::limits::MAX_POOL;

impl PeerConnection {
    /// Makes as many transports gather ahead as the configuration says.
    pub(crate) fn fill_pool(&mut self) {
        let size = usize::from(self.slots.configuration().ice_candidate_pool_size).min(MAX_POOL);
        let (gone, new) = self.slots.resize_pool(size);
        for key in gone {
            self.command(Command::Transport(key, TransportCommand::Remove));
        }
        for key in new.map(TransportKey) {
            let certificates = self.slots.certificates().clone();
            self.command(Command::Transport(
                key,
                TransportCommand::Prepare { certificates },
            ));
        }
    }

    /// A transport is added: it takes what was gathered for it, and what was gathered for smaller keys
    /// is given up.
    pub(crate) fn take_from_pool(&mut self, added: TransportKey) {
        for key in self.slots.take_from_pool(added) {
            self.command(Command::Transport(key, TransportCommand::Remove));
        }
    }
}
