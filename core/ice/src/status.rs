//! The transport's state, derived from everything else (webrtc-pc §5.6.4).

use duologue_base::Instant;

use crate::agent::Agent;
use crate::checks::Checks;
use crate::event::Event;
use crate::failure::Failure;
use crate::generation::Remote;
use crate::state::TransportState;

impl Agent {
    pub(crate) fn update_state(&mut self, now: Instant) {
        let state = self.derive_state(now);
        if state == TransportState::Failed {
            let newest = self.checks.generations.len() - 1;
            self.checks.generations[newest].failed = true;
        }
        // Another path may be there, though nobody may find it any more once consent expired.
        let fell_silent = self.is_silent(now)
            && matches!(
                self.checks.state,
                TransportState::Connected | TransportState::Completed
            );
        if fell_silent && let Some(selected) = self.checks.selected {
            let id = selected.pair.0;
            tracing::debug!("ICE pair {id}: selected, and consent checks are not answered");
        }
        self.set_state(now, state);
        if fell_silent
            && let Some(at) = self
                .checks
                .selected
                .and_then(|s| self.checks.index(s.generation))
        {
            self.reopen(at);
        }
    }

    pub(crate) fn set_state(&mut self, now: Instant, state: TransportState) {
        if self.checks.state != state {
            let (before, after) = (self.checks.state.as_str(), state.as_str());
            tracing::debug!("ICE transport: {before} -> {after}");
            self.checks.state = state;
            let failure = (state == TransportState::Failed).then(|| self.checks.failure());
            if let Some(failure) = failure {
                self.checks.log_failure(failure);
            }
            self.outbox.push_event(Event::State { state, failure });
            if state == TransportState::Disconnected {
                self.verify_selected_relay(now);
            }
        }
    }

    fn derive_state(&self, now: Instant) -> TransportState {
        let newest = self.checks.newest();
        let Some(selected) = self.checks.selected else {
            return self.state_without_pair(now);
        };
        let current = selected.generation == newest.id;
        if self.is_silent(now) {
            // "If begun in the transient disconnected state, [a restart] causes a transition to
            // checking", whose definition begins with "has received at least one remote candidate".
            return match current || newest.remotes.is_empty() {
                true => TransportState::Disconnected,
                false => TransportState::Checking,
            };
        }
        let nominated = self
            .checks
            .pair(selected.generation, selected.pair)
            .is_some_and(|pair| pair.is_nominated());
        let finished = newest.candidates_complete() && !newest.checklist.has_unfinished();
        match current && nominated && finished {
            true => TransportState::Completed,
            false => TransportState::Connected,
        }
    }

    fn state_without_pair(&self, now: Instant) -> TransportState {
        let newest = self.checks.newest();
        if newest.failed {
            return TransportState::Failed;
        }
        if newest.checklist.has_unfinished() || self.awaits_channel() {
            return TransportState::Checking;
        }
        let begun = newest.checklist.begun;
        // "disconnected or failed, ICE restart occurs: checking"; the former waits for a candidate.
        let idle = match (newest.remotes.is_empty(), self.checks.state) {
            (true, TransportState::Disconnected) if newest.restarted => self.checks.state,
            (true, _) if !newest.restarted => TransportState::New,
            _ => TransportState::Checking,
        };
        // A host between two networks: the other side's consent would last as long.
        if newest.homeless_until.is_some_and(|until| now < until) {
            return TransportState::Disconnected;
        }
        match newest.patience() {
            // "finished checking all candidate pairs, and all pairs have either failed
            // connectivity checks or lost consent, and either zero local candidates were gathered
            // or the PAC timer has expired"
            Some(until) if newest.candidates_complete() => {
                // RFC 8863 §4: patience is for those that never connected.
                let patient = now < until && newest.first_valid.is_none();
                match newest.locals.is_empty() || !patient {
                    true => TransportState::Failed,
                    false => idle,
                }
            }
            // "has finished checking all existing candidates pairs and not found a connection
            // […], but it is still gathering and/or waiting for additional remote candidates"
            Some(_) if begun => TransportState::Disconnected,
            _ => idle,
        }
    }

    /// A check on a relay's pair succeeded before the answer to its ChannelBind came: the pair is
    /// selected with that.
    fn awaits_channel(&self) -> bool {
        let newest = self.checks.newest();
        newest.checklist.pairs().iter().any(|pair| {
            let (base, peer) = (newest.base_of(pair), newest.remote_addr_of(pair));
            pair.valid().is_some() && self.local.is_binding(base, peer)
        })
    }
}

impl Checks {
    /// What was missing, at the moment of the failure.
    fn failure(&self) -> Failure {
        let newest = self.newest();
        let heard = !matches!(newest.remote, Remote::Unknown { .. });
        if newest.first_valid.is_some() {
            Failure::ConsentLost
        } else if newest.locals.is_empty() {
            Failure::NoLocalCandidate
        } else if !newest.remotes.is_empty() {
            match newest.checklist.pairs().is_empty() {
                true => Failure::NoPair,
                false => Failure::NoAnswer,
            }
        } else if heard {
            Failure::NoRemoteCandidate
        } else {
            Failure::NoRemoteDescription
        }
    }

    /// What there was to fail with.
    fn log_failure(&self, failure: Failure) {
        let newest = self.newest();
        let (locals, remotes) = (newest.locals.len(), newest.remotes.len());
        let pairs = newest.checklist.pairs().len();
        tracing::debug!(locals, remotes, pairs, "ICE failed: {failure}");
    }

    /// When patience ends (RFC 8863), if nothing else decides before.
    pub(crate) fn patience_timeout(&self) -> Option<Instant> {
        let newest = self.newest();
        let waits = self.selected.is_none() && !newest.failed && newest.candidates_complete();
        if !waits {
            return None;
        }
        let times = [newest.patience(), newest.homeless_until];
        let later = |until: &Instant| *until > self.updated;
        Instant::earliest(times.map(|until| until.filter(later)))
    }
}
