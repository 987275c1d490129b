//! Gathering ahead of need (RFC 9429 §3.5.4, `iceCandidatePoolSize`).

use duologue_base::{Generation, IceCredentials, IceRole, Instant};

use crate::agent::Agent;
use crate::generation::GenerationState;

impl Agent {
    /// The agent gathered before it was known what for: it begins its first generation with these
    /// credentials and with what was found out until now. Its events so far are for nobody.
    pub fn adopt(
        &mut self,
        now: Instant,
        role: IceRole,
        generation: Generation,
        local: IceCredentials,
    ) {
        if self.checks.is_closed() {
            return;
        }
        self.checks.role = role;
        self.checks.generations = vec![GenerationState::new(generation, local, false)];
        self.checks.user_names_revision += 1;
        self.outbox.forget_told();
        self.take_up_gathering(now);
        self.update(now);
    }

    /// The servers changed while the agent gathers ahead.
    pub fn gather_again(&mut self, now: Instant) {
        let local = self.checks.newest().local.credentials.clone();
        self.adopt(now, self.checks.role, self.checks.newest().id, local);
    }
}
