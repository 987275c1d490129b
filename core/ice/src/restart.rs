//! ICE restarts (RFC 8445 §9): generations begin and end.

use duologue_base::{Generation, IceCredentials, Instant};

use crate::agent::Agent;
use crate::generation::GenerationState;
use crate::limits;
use crate::state::TransportState;

impl Agent {
    /// RFC 8445 §9: begins another generation. The pair in use stays in use until the new
    /// generation has a nominated one.
    pub fn restart(&mut self, now: Instant, generation: Generation, local: IceCredentials) {
        if self.checks.is_closed() || self.checks.index(generation).is_some() {
            return;
        }
        if self.checks.generations.len() >= limits::GENERATIONS {
            let in_use = self.checks.selected.map(|selected| selected.generation);
            let idle = |state: &GenerationState| Some(state.id) != in_use;
            self.remove_generation(self.checks.generations.iter().position(idle).unwrap_or(0));
            self.outbox.counters.over_limit += 1;
        }
        let restarted = self.checks.state != TransportState::New;
        self.checks
            .generations
            .push(GenerationState::new(generation, local, restarted));
        self.checks.user_names_revision += 1;
        self.checks.control.forget_preference();
        self.begin_gathering(now, self.checks.generations.len() - 1);
        self.update(now);
    }

    /// The newest generation was rolled back, or its offer was answered without a restart: it goes
    /// at once, and checks with its credentials are for the one before. Or an older one was
    /// replaced: it goes as soon as a newer one has a nominated pair.
    pub fn drop_generation(&mut self, now: Instant, generation: Generation) {
        let Some(at) = self.checks.index(generation) else {
            return;
        };
        if at + 1 < self.checks.generations.len() {
            self.checks.generations[at].retired = true;
        } else if at > 0 {
            let gone = self.remove_generation(at);
            self.checks.generations[at - 1].answer_to(gone.local);
        }
        self.update(now);
    }
}
