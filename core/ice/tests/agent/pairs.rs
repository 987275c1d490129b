//! The owner's say in pairs (webrtc-extensions, "RTCIceTransport extensions").

use std::collections::BTreeSet;
use std::time::Duration;

use duologue_base::Generation;
use duologue_ice::{Event, PairCommand, PairEvent, PairId, PairState, PairStats, TransportState};

use crate::sim::{Link, Sim, ms};

/// The first peer of a simulation has a say: what it was told and asked, and what it answers.
struct Owner {
    sim: Sim,
    read: usize,
    /// Pairs that it knows of.
    known: BTreeSet<PairId>,
    nominations: Vec<PairId>,
    removals: Vec<PairId>,
    removed: Vec<PairId>,
    selections: Vec<(PairId, bool)>,
    agrees: bool,
    keeps: bool,
}

impl Owner {
    /// Each end has two addresses, so that there are four pairs.
    fn new() -> Self {
        let mut sim = Sim::new(1, Link::default());
        for address in ["192.0.2.1:1000", "192.0.2.2:1000"] {
            sim.address(0, address);
        }
        for address in ["198.51.100.1:2000", "198.51.100.2:2000"] {
            sim.address(1, address);
        }
        let mut owner = Owner {
            sim,
            read: 0,
            known: BTreeSet::new(),
            nominations: Vec::new(),
            removals: Vec::new(),
            removed: Vec::new(),
            selections: Vec::new(),
            agrees: true,
            keeps: false,
        };
        owner.command(PairCommand::Control);
        owner.sim.signal_all();
        owner
    }

    fn command(&mut self, command: PairCommand) {
        let now = self.sim.now;
        self.sim.peers[0].agent.command_pairs(now, command);
    }

    /// Lets time pass, and answers what is asked at once.
    fn run_for(&mut self, time: Duration) {
        let end = self.sim.now + time;
        while self.sim.now < end {
            self.sim.run_for(ms(10));
            self.listen();
        }
    }

    fn listen(&mut self) {
        let events = self.sim.peers[0].events[self.read..].to_vec();
        self.read += events.len();
        for (_, event) in events {
            let Event::Pair(event) = event else {
                continue;
            };
            match event {
                PairEvent::Added(pair) => assert!(self.known.insert(pair.id), "it is told twice"),
                PairEvent::Removed(pair) => {
                    self.known.remove(&pair);
                    self.removed.push(pair);
                }
                PairEvent::Nomination(pair) => {
                    assert!(self.known.contains(&pair));
                    self.nominations.push(pair);
                    let accepted = self.agrees;
                    self.command(PairCommand::AnswerNomination { pair, accepted });
                }
                PairEvent::Removal(pair) => {
                    assert!(self.known.contains(&pair));
                    self.removals.push(pair);
                    let accepted = !self.keeps;
                    self.command(PairCommand::AnswerRemoval { pair, accepted });
                }
                PairEvent::Selection { pair, used } => self.selections.push((pair, used)),
                other => panic!("{other:?}"),
            }
        }
    }

    fn pairs(&self) -> Vec<PairStats> {
        self.sim.peers[0].agent.pairs().collect()
    }

    fn selected(&self) -> PairId {
        let selected = self.sim.peers[0].agent.selected_pair();
        selected.expect("there is a path").id
    }

    /// One that works, and is not in use.
    fn spare(&self) -> PairId {
        let pairs = self.pairs();
        let mut spares = pairs
            .iter()
            .filter(|pair| pair.state == PairState::Succeeded && !pair.selected);
        spares.next().expect("several work").id
    }

    fn state(&self) -> TransportState {
        self.sim.peers[0].agent.state()
    }
}

#[test]
fn who_agrees_to_all_learns_of_all_pairs_and_which_is_nominated() {
    let mut owner = Owner::new();
    owner.run_for(ms(1000));
    assert_eq!(owner.nominations, [owner.selected()]);
    assert!(owner.sim.peers[0].is_nominated());
    assert!(owner.sim.both(TransportState::Completed));
    let pairs: BTreeSet<PairId> = owner.pairs().iter().map(|pair| pair.id).collect();
    assert_eq!(owner.known, pairs);
    assert_eq!(
        owner.removed, owner.removals,
        "only those that it agreed to"
    );
}

#[test]
fn nobody_is_told_or_asked_who_did_not_want_to() {
    let mut sim = Sim::connected_by_signalling(1, Link::default());
    sim.run_for(ms(1000));
    assert!(sim.both(TransportState::Completed));
    for peer in &sim.peers {
        let told = peer.events.iter();
        assert!(
            !told
                .clone()
                .any(|(_, event)| matches!(event, Event::Pair(_)))
        );
    }
}

#[test]
fn a_nomination_that_is_refused_leaves_data_where_it_is_and_is_not_proposed_again() {
    let mut owner = Owner::new();
    owner.agrees = false;
    owner.run_for(Duration::from_secs(60));
    assert_eq!(owner.nominations, [owner.selected()]);
    assert!(owner.pairs().iter().all(|pair| !pair.nominated));
    assert_eq!(owner.state(), TransportState::Connected);
    assert!(owner.sim.exchange_data());
}

#[test]
fn the_pair_that_the_owner_selects_is_used_and_nominated_though_it_is_not_the_best() {
    let mut owner = Owner::new();
    owner.agrees = false;
    owner.run_for(ms(1000));
    let chosen = owner.spare();
    owner.agrees = true;
    owner.command(PairCommand::Select(chosen));
    owner.run_for(ms(1000));
    assert_eq!(owner.selections, [(chosen, true)]);
    assert_eq!(owner.nominations.last(), Some(&chosen));
    assert_eq!(owner.selected(), chosen);
    assert!(owner.sim.agree(), "the other end follows the nomination");
    owner.run_for(Duration::from_secs(60));
    assert_eq!(owner.selected(), chosen, "and it stays");
    assert!(owner.sim.exchange_data());
}

#[test]
fn a_pair_that_nobody_asked_for_long_is_selected_once_it_answers() {
    let mut owner = Owner::new();
    owner.agrees = false;
    owner.run_for(ms(1000));
    let chosen = owner.spare();
    owner.run_for(Duration::from_secs(120));
    owner.command(PairCommand::Select(chosen));
    owner.run_for(Duration::from_secs(5));
    assert_eq!(owner.selections, [(chosen, true)]);
    assert_eq!(owner.selected(), chosen);
}

#[test]
fn data_leaves_a_selected_pair_that_fell_silent() {
    let mut owner = Owner::new();
    owner.agrees = false;
    owner.run_for(ms(1000));
    let chosen = owner.spare();
    owner.command(PairCommand::Select(chosen));
    owner.run_for(ms(1000));
    let route = owner.sim.peers[0].agent.route().expect("a path");
    owner.sim.dead.insert(route.local.ip());
    owner.run_for(Duration::from_secs(60));
    assert_ne!(owner.selected(), chosen);
    assert!(owner.sim.exchange_data());
}

#[test]
fn a_removed_pair_is_used_no_more_and_its_checks_are_not_answered() {
    let mut owner = Owner::new();
    owner.run_for(ms(1000));
    let used = owner.selected();
    owner.command(PairCommand::Remove(used));
    owner.run_for(Duration::from_secs(90));
    assert!(owner.removed.contains(&used));
    assert!(!owner.known.contains(&used));
    assert_ne!(owner.selected(), used);
    assert!(owner.sim.peers[0].agent.counters().shut > 0);
    assert!(owner.sim.agree(), "the other end had to leave it, too");
    assert!(owner.sim.exchange_data());
}

#[test]
fn what_is_said_of_pairs_that_are_gone_is_answered_and_changes_nothing() {
    let mut owner = Owner::new();
    owner.run_for(ms(1000));
    let (used, gone) = (owner.selected(), PairId(1000));
    let accepted = false;
    for command in [
        PairCommand::Select(gone),
        PairCommand::Remove(gone),
        PairCommand::AnswerNomination {
            pair: gone,
            accepted,
        },
        PairCommand::AnswerRemoval {
            pair: gone,
            accepted,
        },
    ] {
        owner.command(command);
    }
    owner.run_for(ms(1000));
    assert_eq!(owner.selections, [(gone, false)]);
    assert_eq!(owner.removed.last(), Some(&gone));
    assert_eq!(owner.selected(), used);
    assert!(owner.sim.both(TransportState::Completed));
}

#[test]
fn a_selection_that_another_follows_before_it_is_used_comes_to_nothing() {
    let mut owner = Owner::new();
    owner.agrees = false;
    owner.run_for(ms(1000));
    let (first, second) = (PairId(1000), owner.spare());
    owner.sim.cut = true;
    owner.run_for(Duration::from_secs(40));
    owner.command(PairCommand::Select(first));
    owner.command(PairCommand::Select(second));
    owner.run_for(ms(100));
    assert_eq!(owner.selections[0], (first, false));
}

#[test]
fn pairs_that_the_nomination_makes_needless_stay_if_the_owner_wants_them() {
    let mut owner = Owner::new();
    owner.keeps = true;
    // What is slow to answer is not checked to the end when another pair is nominated.
    owner
        .sim
        .dead
        .insert("198.51.100.2".parse().expect("an address"));
    owner.run_for(Duration::from_secs(2));
    assert!(!owner.removals.is_empty());
    assert_eq!(owner.removed, []);
    owner.sim.dead.clear();
    owner.run_for(Duration::from_secs(60));
    let kept = |pair: &PairStats| owner.removals.contains(&pair.id);
    let pairs = owner.pairs();
    let mut kept = pairs.iter().filter(|pair| kept(pair)).peekable();
    assert!(kept.peek().is_some());
    assert!(kept.all(|pair| pair.state == PairState::Succeeded));
}

#[test]
fn a_restart_tells_of_the_new_pairs_and_in_the_end_that_the_old_ones_are_gone() {
    let mut owner = Owner::new();
    owner.run_for(ms(1000));
    let old = owner.known.clone();
    owner.sim.restart(0, Generation(1));
    owner.sim.restart(1, Generation(1));
    owner.sim.signal_all();
    let now = owner.sim.now;
    for peer in &mut owner.sim.peers {
        peer.agent.drop_generation(now, Generation(0));
    }
    owner.run_for(Duration::from_secs(120));
    assert!(owner.known.is_disjoint(&old));
    assert!(owner.known.contains(&owner.selected()));
    assert!(owner.sim.both(TransportState::Completed));
}
