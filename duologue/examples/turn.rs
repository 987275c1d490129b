//! Two peers that meet only at a TURN server: `cargo run --example turn -- turn:HOST:PORT USER PASSWORD`, with coturn
//! or any other.
//!
//! `turnserver --lt-cred-mech --user alice:secret --realm example.org` starts one.
#![allow(clippy::print_stdout, reason = "an example shows what happens")]

#[path = "pair/mod.rs"]
mod pair;

use duologue::{
    Configuration, Endpoint, Event, Events, IceServer, IceTransportPolicy, Message,
    PeerConnectionState, Stats,
};

use pair::{Outcome, announced, negotiate};

#[tokio::main]
async fn main() -> Outcome<()> {
    let mut args = std::env::args().skip(1);
    let mut next = || {
        args.next()
            .ok_or("what is the server's URL, user and password?")
    };
    relayed(next()?, next()?, next()?).await
}

async fn failed(events: &mut Events) {
    let failed = |event: &Event| {
        matches!(
            event,
            Event::ConnectionStateChange(PeerConnectionState::Failed)
        )
    };
    while !events.recv().await.as_ref().is_none_or(failed) {}
}

pub(crate) async fn relayed(url: String, user: String, password: String) -> Outcome<()> {
    let configuration = Configuration {
        ice_servers: vec![IceServer {
            urls: vec![url],
            username: Some(user),
            credential: Some(password.into()),
        }],
        // Nothing but the server's addresses is tried.
        ice_transport_policy: IceTransportPolicy::Relay,
        ..Configuration::default()
    };
    // Loopback is for a server on this machine.
    let endpoint = Endpoint::builder().loopback(true).build()?;
    let (alice, mut alice_events) = endpoint.connection(configuration.clone())?;
    let (bob, mut bob_events) = endpoint.connection(configuration)?;
    let channel = alice.create_data_channel("chat", Default::default())?;
    negotiate((&alice, &mut alice_events), (&bob, &mut bob_events)).await?;
    // A channel waits for as long as it takes: whether its connection comes about is told by events.
    let offered = alice.local_description().ok_or("no offer")?;
    if !offered.sdp.contains("a=candidate:") {
        return Err(
            "the server gives no address: is it there, are user and password right?".into(),
        );
    }
    tokio::select! {
        opened = channel.opened() => opened?,
        () = failed(&mut alice_events) => return Err("the server lets nothing through".into()),
    }
    channel.send_text("by way of the server").await?;
    let incoming = announced(&mut bob_events).await?;
    let heard = incoming.recv().await;
    println!("Bob heard {heard:?}");

    let mut relayed = 0;
    for stats in alice.get_stats().await?.iter() {
        if let Stats::LocalCandidate(candidate) = stats {
            println!(
                "Alice is at {:?}:{:?} ({:?})",
                candidate.address, candidate.port, candidate.candidate_type
            );
            relayed += 1;
        }
    }
    match (heard, relayed) {
        (Some(Message::Text(_)), 1..) => Ok(()),
        _ => Err("nothing came by way of the server".into()),
    }
}
