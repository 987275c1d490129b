//! Two peers in one process, over loopback: `cargo run --example data_channel`.
#![allow(clippy::print_stdout, reason = "an example shows what happens")]

use duologue::{Configuration, Endpoint, Event, Events, Message, PeerConnection};

#[tokio::main]
pub(crate) async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let endpoint = Endpoint::builder().loopback(true).build()?;
    let (alice, alice_events) = endpoint.connection(Configuration::default())?;
    let (bob, mut bob_events) = endpoint.connection(Configuration::default())?;
    let channel = alice.create_data_channel("greetings", Default::default())?;

    alice.set_local_description(None).await?;
    bob.set_remote_description(alice.local_description().ok_or("no offer")?)
        .await?;
    bob.set_local_description(None).await?;
    alice
        .set_remote_description(bob.local_description().ok_or("no answer")?)
        .await?;

    tokio::spawn(trickle(alice_events, bob.clone()));
    let incoming = loop {
        match bob_events.recv().await.ok_or("closed")? {
            Event::IceCandidate(Some(candidate)) => alice.add_ice_candidate(candidate.init).await?,
            Event::DataChannel(channel) => break channel,
            _ => {}
        }
    };

    channel.opened().await?;
    channel.send_text("Hello, Bob").await?;
    let heard = incoming.recv().await;
    println!("Bob got {heard:?}");
    incoming.send(Message::from(b"\x01\x02\x03")).await?;
    let answered = channel.recv().await;
    println!("Alice got {answered:?}");
    match (heard, answered) {
        (Some(Message::Text(text)), Some(Message::Binary(_))) if text == "Hello, Bob" => Ok(()),
        _ => Err("something was lost".into()),
    }
}

/// Takes the candidates of one peer to the other.
async fn trickle(mut from: Events, to: PeerConnection) {
    while let Some(event) = from.recv().await {
        if let Event::IceCandidate(Some(candidate)) = event {
            // A peer that has closed meanwhile needs none.
            let _ = to.add_ice_candidate(candidate.init).await;
        }
    }
}
