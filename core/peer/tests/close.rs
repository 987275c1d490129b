//! `close()`: everything ends at once and nothing settles.
#![allow(
    clippy::unwrap_used,
    reason = "helpers outside #[test] functions are tests too"
)]

mod common;

use common::{Host, audio, negotiate, pair};
use duologue_base::TransportKey;
use duologue_ice as ice;
use duologue_peer::{DataChannelInit, ExceptionName, IceCandidateInit, SessionDescription};
use duologue_session::{Command, Report, TransportReport};

#[test]
fn pending_operations_never_settle_and_no_event_follows() {
    let mut a = Host::new(1);
    a.pc.add_track(audio("t1"), &[]).unwrap();
    let pending = [
        a.pc.create_offer(Default::default()),
        a.pc.set_local_description(None),
        a.pc.create_answer(),
    ];
    a.turn();
    a.pc.close();
    a.log.clear();
    a.run();
    assert_eq!(a.take_log(), ["ended"], "of the receiver's track alone");
    assert!(pending.iter().all(|id| !a.settled.contains_key(id)));
}

#[test]
fn parameters_that_were_accepted_before_are_set() {
    let mut a = Host::new(1);
    let id = a.pc.add_track(audio("t1"), &[]).unwrap();
    let mut parameters = a.pc.parameters(id).unwrap();
    parameters.encodings[0].active = false;
    let pending = a.pc.set_parameters(id, parameters);
    a.pc.close();
    a.run();
    assert!(a.settled[&pending].is_ok());
    assert!(!a.pc.parameters(id).unwrap().encodings[0].active);
}

#[test]
fn every_state_is_closed_without_an_event() {
    let (mut a, mut b) = pair();
    let id = a.pc.add_track(audio("t1"), &[]).unwrap();
    let channel =
        a.pc.create_data_channel("c", DataChannelInit::default())
            .unwrap();
    negotiate(&mut a, &mut b);
    let key = a.pc.transceiver(id).unwrap().transport().unwrap();
    a.connect(key);
    a.log.clear();
    a.take_commands();
    a.pc.close();
    assert_eq!(a.pc.signaling_state().as_str(), "closed");
    assert_eq!(a.pc.ice_connection_state().as_str(), "closed");
    assert_eq!(a.pc.connection_state().as_str(), "closed");
    assert_eq!(a.pc.dtls_transport(key).unwrap().state().as_str(), "closed");
    assert_eq!(a.pc.ice_transport(key).unwrap().state().as_str(), "closed");
    assert_eq!(a.pc.sctp().unwrap().state().as_str(), "closed");
    assert_eq!(
        a.pc.data_channel(channel).unwrap().ready_state().as_str(),
        "closed"
    );
    assert_eq!(
        a.pc.transceiver(id).unwrap().transport(),
        Some(key),
        "the sender keeps its transport"
    );
    a.pc.close();
    a.run();
    assert_eq!(a.take_log(), ["ended"]);
    assert!(matches!(a.take_commands().as_slice(), [Command::Close]));
    a.report(Report::Transport(
        TransportKey(0),
        TransportReport::IceState {
            state: ice::TransportState::Failed,
            failure: None,
        },
    ));
    assert_eq!(a.take_log(), [""; 0]);
}

#[test]
fn a_closed_connection_rejects_at_once() {
    let mut a = Host::new(1);
    let id = a.pc.add_track(audio("t1"), &[]).unwrap();
    a.pc.close();
    let rejected = [
        a.pc.create_offer(Default::default()),
        a.pc.create_answer(),
        a.pc.set_local_description(None),
        a.pc.set_remote_description(SessionDescription::rollback()),
        a.pc.add_ice_candidate(IceCandidateInit::default()),
        a.pc.replace_track(id, None),
    ];
    a.microtasks();
    for operation in rejected {
        let error = a.settled[&operation].clone().unwrap_err();
        assert_eq!(error.name(), ExceptionName::InvalidStateError);
    }
    let invalid = |result: Result<(), duologue_peer::Exception>| {
        assert_eq!(result.unwrap_err().name(), ExceptionName::InvalidStateError);
    };
    invalid(a.pc.add_track(audio("t2"), &[]).map(drop));
    invalid(a.pc.remove_track(id));
    invalid(a.pc.set_streams(id, &[]));
    invalid(a.pc.stop(id));
    invalid(a.pc.set_configuration(Default::default()));
    invalid(
        a.pc.create_data_channel("c", DataChannelInit::default())
            .map(drop),
    );
    a.pc.restart_ice();
    a.run();
    assert_eq!(a.take_events(), ["ended"]);
}

#[test]
fn closing_between_two_events_of_a_task_stops_the_rest() {
    let (mut a, mut b) = pair();
    a.pc.add_track(audio("t1"), &["s1".into()]).unwrap();
    let offer = a.set_local();
    let set = b.pc.set_remote_description(offer);
    b.pc.run_task(b.now);
    let first = b.pc.poll_effect();
    assert!(first.is_some(), "signalingstatechange");
    b.pc.close();
    b.run();
    assert_eq!(b.take_log(), ["ended"]);
    assert!(!b.settled.contains_key(&set));
}
