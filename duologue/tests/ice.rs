//! ICE transports as an application has a say in them, over real sockets on loopback: candidate pairs
//! (webrtc-extensions) and transports without a connection (webrtc-ice).

mod common;

use common::{Peer, endpoint};
use duologue::{
    CandidatePairProposal, DataChannelInit, Event, ExceptionName, IceCandidateInit,
    IceGatherOptions, IceRole, IceTransportState, StandaloneIceEvent, StandaloneIceEvents,
    StandaloneIceTransport,
};

/// The next nomination that is proposed.
async fn nomination(peer: &mut Peer) -> CandidatePairProposal {
    loop {
        match peer.events.recv().await {
            Some(Event::IceCandidatePairNominate(proposal)) => return proposal,
            Some(_) => {}
            None => panic!("the connection ended"),
        }
    }
}

#[tokio::test]
async fn a_nomination_that_was_canceled_comes_again_with_the_pair_that_is_selected() {
    let endpoint = endpoint();
    let mut alice = Peer::new(&endpoint);
    let mut bob = Peer::new(&endpoint);
    alice.connection.control_candidate_pairs();
    let channel = alice
        .connection
        .create_data_channel("data", DataChannelInit::default())
        .unwrap();
    common::negotiate(&mut alice, &mut bob).await;

    let proposal = nomination(&mut alice).await;
    let pair = proposal.candidate_pair().clone();
    let transport = proposal.transport().clone();
    let undecided = transport.select_candidate_pair(&pair).await.unwrap_err();
    assert_eq!(undecided.name(), ExceptionName::InvalidStateError);
    proposal.cancel();
    drop(proposal);
    channel.opened().await.unwrap();

    transport.select_candidate_pair(&pair).await.unwrap();
    let proposal = nomination(&mut alice).await;
    assert_eq!(proposal.candidate_pair().id, pair.id);
    assert_ne!(transport.state(), IceTransportState::Completed);
    // Nobody objects: the peer learns of it, and of nothing else any more.
    drop(proposal);
    while transport.state() != IceTransportState::Completed {
        alice.events.recv().await.expect("it is open");
    }

    transport.remove_candidate_pair(&pair).await.unwrap();
    // It was the only one.
    assert_eq!(transport.state(), IceTransportState::Failed);
    let failed = transport.select_candidate_pair(&pair).await.unwrap_err();
    assert_eq!(failed.name(), ExceptionName::InvalidStateError);
}

/// Gives the other end's candidates to a transport until that is in this state.
async fn until(
    state: IceTransportState,
    transport: &StandaloneIceTransport,
    events: &mut StandaloneIceEvents,
    other: &StandaloneIceTransport,
) {
    while transport.state() != state {
        match events.recv().await {
            Some(StandaloneIceEvent::IceCandidate(candidate)) => {
                let candidate = candidate.map(|candidate| candidate.init);
                let told = other.add_remote_candidate(candidate.unwrap_or_default());
                told.expect("it is one");
            }
            Some(_) => {}
            None => panic!("it ended"),
        }
    }
}

#[tokio::test]
async fn two_transports_connect_without_a_connection_until_one_stops() {
    let endpoint = endpoint();
    let (near, mut near_events) = endpoint.ice_transport().unwrap();
    let (far, mut far_events) = endpoint.ice_transport().unwrap();
    near.gather(IceGatherOptions::default()).unwrap();
    far.gather(IceGatherOptions::default()).unwrap();
    near.start(far.local_parameters(), IceRole::Controlling)
        .unwrap();
    far.start(near.local_parameters(), IceRole::Controlled)
        .unwrap();
    let completed = IceTransportState::Completed;
    tokio::join!(
        until(completed, &near, &mut near_events, &far),
        until(completed, &far, &mut far_events, &near),
    );
    let pair = near.selected_candidate_pair().unwrap();
    assert!(near.local_candidates().contains(&pair.local));
    assert!(near.remote_candidates().contains(&pair.remote));

    near.stop();
    assert_eq!(near.selected_candidate_pair(), None);
    let mut last = None;
    while let Some(event) = near_events.recv().await {
        last = Some(event);
    }
    let closed = StandaloneIceEvent::StateChange(IceTransportState::Closed);
    assert_eq!(last, Some(closed));
    let refused = near.add_remote_candidate(IceCandidateInit::default());
    assert_eq!(
        refused.unwrap_err().name(),
        ExceptionName::InvalidStateError
    );

    drop(far);
    while far_events.recv().await.is_some() {}
}
