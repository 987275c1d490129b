//! `iceCandidatePoolSize`: transports that gather before a description needs them (RFC 9429
//! §3.5.4).

use duologue_base::TransportKey;
use duologue_session::{Command, TransportCommand};

use crate::PeerConnection;
use crate::limits::MAX_POOL;

impl PeerConnection {
    /// Makes as many transports gather ahead as the configuration says.
    pub(crate) fn fill_pool(&mut self) {
        let size = usize::from(self.slots.configuration.ice_candidate_pool_size).min(MAX_POOL);
        let next = self.slots.ids.next_transport().0;
        let kept = self.slots.pool.len().min(size);
        for key in self.slots.pool.split_off(kept) {
            self.command(Command::Transport(key, TransportCommand::Remove));
        }
        for ahead in self.slots.pool.len()..size {
            let key = TransportKey(next + ahead as u32);
            let certificates = self.slots.certificates.clone();
            self.slots.pool.push(key);
            self.command(Command::Transport(
                key,
                TransportCommand::Prepare { certificates },
            ));
        }
    }

    /// A transport is added: it takes what was gathered for it. Keys only grow, so nothing will
    /// take what was gathered for smaller ones.
    pub(crate) fn take_from_pool(&mut self, added: TransportKey) {
        let pool = &mut self.slots.pool;
        let used: Vec<TransportKey> = pool.extract_if(.., |key| *key <= added).collect();
        for key in used.into_iter().filter(|key| *key != added) {
            self.command(Command::Transport(key, TransportCommand::Remove));
        }
    }
}
