//! An application's say in candidate pairs (webrtc-extensions, "RTCIceTransport extensions").
#![allow(
    clippy::unwrap_used,
    reason = "helpers outside #[test] functions are tests too"
)]

mod common;

use common::world::World;
use common::{Host, audio, host_candidate, negotiate, pair};
use duologue_base::{Generation, TransportKey};
use duologue_ice as ice;
use duologue_peer::{
    Event, ExceptionName, IceCandidatePair, IceCandidatePairId, IceTransportState, OperationId,
    PeerConnectionState,
};
use duologue_session::{Command, Report, TransportCommand, TransportReport};
use ice::{PairCommand, PairEvent};

const FIRST: IceCandidatePairId = IceCandidatePairId(1);
const SECOND: IceCandidatePairId = IceCandidatePairId(2);

/// One end that has negotiated a transport, and controls its pairs.
fn controller() -> (Host, TransportKey) {
    let (mut a, mut b) = pair();
    a.pc.add_track(audio("t1"), &[]).unwrap();
    a.pc.control_candidate_pairs();
    negotiate(&mut a, &mut b);
    let id = a.pc.transceivers()[0];
    let key = a.pc.transceiver(id).unwrap().transport().unwrap();
    a.report(state(key, ice::TransportState::Checking));
    a.log.clear();
    a.commands.clear();
    (a, key)
}

fn state(key: TransportKey, state: ice::TransportState) -> Report {
    let failure = None;
    Report::Transport(key, TransportReport::IceState { state, failure })
}

fn candidates(id: IceCandidatePairId) -> ice::CandidatePair {
    ice::CandidatePair {
        id,
        generation: Generation(0),
        local: host_candidate(1000),
        remote: host_candidate(2000 + id.0 as u16),
    }
}

fn told(key: TransportKey, event: PairEvent) -> Report {
    Report::Transport(key, TransportReport::Pair { event })
}

fn added(key: TransportKey, id: IceCandidatePairId) -> Report {
    told(key, PairEvent::Added(Box::new(candidates(id))))
}

/// What the session was told of pairs since it was asked last.
fn commands(host: &mut Host) -> Vec<PairCommand> {
    let commands = std::mem::take(&mut host.commands);
    let of_pairs = |command| match command {
        Command::Transport(_, TransportCommand::Pairs(command)) => Some(command),
        _ => None,
    };
    commands.into_iter().filter_map(of_pairs).collect()
}

fn pairs(events: &[Event]) -> Vec<(&'static str, IceCandidatePairId)> {
    let shown = |event: &Event| -> Option<Box<IceCandidatePair>> {
        match event {
            Event::IceCandidatePairAdd(_, pair)
            | Event::IceCandidatePairNominate(_, pair)
            | Event::IceCandidatePairRemove { pair, .. } => Some(pair.clone()),
            _ => None,
        }
    };
    let pair = |event: &Event| Some((event.name(), shown(event)?.id));
    events.iter().filter_map(pair).collect()
}

fn refusal(host: &mut Host, operation: OperationId) -> ExceptionName {
    host.settle(operation).unwrap_err().name()
}

#[test]
fn transports_are_controlled_that_come_before_and_after() {
    let (mut a, mut b) = pair();
    a.pc.add_track(audio("t1"), &[]).unwrap();
    let offer = a.set_local();
    assert_eq!(commands(&mut a), []);
    a.pc.control_candidate_pairs();
    a.pc.control_candidate_pairs();
    a.run();
    assert_eq!(commands(&mut a), [PairCommand::Control]);
    b.pc.control_candidate_pairs();
    b.set_remote(offer).unwrap();
    b.set_local();
    assert_eq!(commands(&mut b), [PairCommand::Control]);
}

#[test]
fn a_nomination_is_carried_out_unless_its_event_is_canceled() {
    for accepted in [true, false] {
        let (mut a, key) = controller();
        a.report(added(key, FIRST));
        a.report(told(key, PairEvent::Nomination(FIRST)));
        assert_eq!(
            a.take_log(),
            ["icecandidatepairadd", "icecandidatepairnominate"]
        );
        assert_eq!(commands(&mut a), [], "nobody decided yet");
        a.pc.answer_candidate_pair(key, FIRST, accepted);
        a.pc.answer_candidate_pair(key, FIRST, !accepted);
        a.run();
        let pair = FIRST;
        let answer = PairCommand::AnswerNomination { pair, accepted };
        assert_eq!(commands(&mut a), [answer], "once");
    }
}

#[test]
fn a_pair_that_may_stay_is_removed_unless_the_event_is_canceled() {
    for accepted in [true, false] {
        let (mut a, key) = controller();
        a.report(added(key, FIRST));
        a.report(told(key, PairEvent::Removal(FIRST)));
        a.pc.answer_candidate_pair(key, FIRST, accepted);
        a.run();
        let pair = FIRST;
        let answer = PairCommand::AnswerRemoval { pair, accepted };
        assert_eq!(commands(&mut a), [answer]);
        if accepted {
            a.report(told(key, PairEvent::Removed(FIRST)));
        }
        let removals = a.events.iter().filter_map(|event| match event {
            Event::IceCandidatePairRemove { cancelable, .. } => Some(*cancelable),
            _ => None,
        });
        assert_eq!(removals.collect::<Vec<_>>(), [true], "it is told once");
        let operation = a.pc.select_candidate_pair(key, FIRST);
        a.microtasks();
        match accepted {
            true => assert_eq!(refusal(&mut a, operation), ExceptionName::NotFoundError),
            false => assert_eq!(commands(&mut a), [PairCommand::Select(FIRST)]),
        }
    }
}

#[test]
fn a_pair_that_the_agent_had_to_drop_is_told_of_and_gone() {
    let (mut a, key) = controller();
    a.report(added(key, FIRST));
    a.report(told(key, PairEvent::Removed(FIRST)));
    a.report(told(key, PairEvent::Removed(SECOND)));
    let expected = [
        ("icecandidatepairadd", FIRST),
        ("icecandidatepairremove", FIRST),
    ];
    assert!(pairs(&a.events).ends_with(&expected));
    let operation = a.pc.remove_candidate_pair(key, FIRST);
    assert_eq!(refusal(&mut a, operation), ExceptionName::NotFoundError);
}

#[test]
fn selecting_resolves_when_data_goes_by_the_pair_and_its_events_were_fired() {
    let (mut a, key) = controller();
    a.report(added(key, FIRST));
    let operation = a.pc.select_candidate_pair(key, FIRST);
    a.run();
    assert_eq!(commands(&mut a), [PairCommand::Select(FIRST)]);
    a.log.clear();
    let pair = Box::new(candidates(FIRST));
    a.pc.handle_report(Report::Transport(
        key,
        TransportReport::SelectedPair { pair },
    ));
    a.pc.handle_report(state(key, ice::TransportState::Connected));
    let selection = PairEvent::Selection {
        pair: FIRST,
        used: true,
    };
    a.report(told(key, selection));
    let resolved = format!("resolve {}", operation.as_u64());
    assert_eq!(
        a.take_log(),
        [
            "selectedcandidatepairchange",
            "statechange ice0 connected",
            "iceconnectionstatechange connected",
            &resolved,
        ]
    );
}

#[test]
fn selecting_a_pair_that_does_not_work_rejects() {
    let (mut a, key) = controller();
    a.report(added(key, FIRST));
    let operation = a.pc.select_candidate_pair(key, FIRST);
    a.run();
    let selection = PairEvent::Selection {
        pair: FIRST,
        used: false,
    };
    a.report(told(key, selection));
    assert_eq!(refusal(&mut a, operation), ExceptionName::OperationError);
}

#[test]
fn removing_resolves_after_its_event() {
    let (mut a, key) = controller();
    a.report(added(key, FIRST));
    let operation = a.pc.remove_candidate_pair(key, FIRST);
    a.run();
    assert_eq!(commands(&mut a), [PairCommand::Remove(FIRST)]);
    let again = a.pc.remove_candidate_pair(key, FIRST);
    assert_eq!(refusal(&mut a, again), ExceptionName::NotFoundError);
    a.log.clear();
    a.report(told(key, PairEvent::Removed(FIRST)));
    let resolved = format!("resolve {}", operation.as_u64());
    assert_eq!(
        a.take_log(),
        ["icecandidatepairremove".to_owned(), resolved]
    );
}

#[test]
fn the_pair_in_use_can_be_removed_by_who_was_told_of_none_and_is_gone_then() {
    let (mut a, key) = controller();
    let pair = Box::new(candidates(FIRST));
    a.report(Report::Transport(
        key,
        TransportReport::SelectedPair { pair },
    ));
    let operation = a.pc.remove_candidate_pair(key, FIRST);
    a.run();
    assert_eq!(commands(&mut a), [PairCommand::Remove(FIRST)]);
    a.report(told(key, PairEvent::Removed(FIRST)));
    assert!(a.settle(operation).is_ok());
    let again = a.pc.select_candidate_pair(key, FIRST);
    assert_eq!(refusal(&mut a, again), ExceptionName::NotFoundError);
}

#[test]
fn nothing_can_be_chosen_while_something_is_proposed_nor_in_the_wrong_state() {
    let (mut a, key) = controller();
    a.report(added(key, FIRST));
    a.report(added(key, SECOND));
    a.report(told(key, PairEvent::Nomination(FIRST)));
    for operation in [
        a.pc.select_candidate_pair(key, SECOND),
        a.pc.remove_candidate_pair(key, SECOND),
    ] {
        assert_eq!(refusal(&mut a, operation), ExceptionName::InvalidStateError);
    }
    a.pc.answer_candidate_pair(key, FIRST, false);
    a.report(state(key, ice::TransportState::Failed));
    let operation = a.pc.select_candidate_pair(key, SECOND);
    assert_eq!(refusal(&mut a, operation), ExceptionName::InvalidStateError);
    a.pc.close();
    let operation = a.pc.select_candidate_pair(key, SECOND);
    a.microtasks();
    let refused = a.settled[&operation].clone().unwrap_err();
    assert_eq!(refused.name(), ExceptionName::InvalidStateError);
}

#[test]
fn a_whole_connection_is_nominated_when_its_application_says_so() {
    let mut world = World::new(1);
    world.pc(0).control_candidate_pairs();
    world.channel(0, "data");
    world.negotiate(0);
    let proposed = |world: &mut World| {
        let events = pairs(&world.ends[0].host.events);
        let mut proposals = events.iter();
        let proposal = proposals.rfind(|(name, _)| *name == "icecandidatepairnominate");
        proposal.map(|(_, id)| *id)
    };
    world.run_until("proposed", |world| proposed(world).is_some());
    let key = TransportKey(0);
    let id = proposed(&mut world).unwrap();
    world.pc(0).answer_candidate_pair(key, id, false);
    world.run_until("connected", World::connected);
    let completed = |world: &mut World| {
        let ice = world.pc(0).ice_transport(key).unwrap();
        ice.state() == IceTransportState::Completed
    };
    assert!(!completed(&mut world), "no pair was nominated");

    world.ends[0].host.events.clear();
    world.ends[0].seen = 0;
    let operation = world.pc(0).select_candidate_pair(key, id);
    world.run_until("proposed again", |world| proposed(world).is_some());
    assert!(world.ends[0].host.settled[&operation].is_ok());
    world.pc(0).answer_candidate_pair(key, id, true);
    world.run_until("completed", completed);
    assert_eq!(
        world.pc(0).connection_state(),
        PeerConnectionState::Connected
    );
}
