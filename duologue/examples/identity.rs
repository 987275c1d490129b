//! Who is at the other end: `cargo run --example identity`. Signalling may be anybody's; an identity provider that
//! both ends trust signs who they are, together with the fingerprints of their certificates (webrtc-identity). The
//! provider, its service included, is in `provider/mod.rs`.
#![allow(clippy::print_stdout, reason = "an example shows what happens")]

mod pair;
mod provider;

use std::time::Duration;

use duologue::{Configuration, Endpoint, Events, IdentityProviderOptions, Message, PeerConnection};
use pair::{Outcome, announced, negotiate};
use provider::{PROTOCOL, Provider, Service};

#[tokio::main]
pub(crate) async fn main() -> Outcome<()> {
    let users = [("alice's session", "alice"), ("bob's session", "bob")];
    let service = Service::start(&users, Duration::from_secs(60)).await?;
    let identity = |user| Some(service.identity(user));

    // Alice calls Bob and nobody else; Bob would like to know who calls.
    let (alice, mut alice_events) = end(&service, "alice's session", identity("bob"))?;
    let (bob, mut bob_events) = end(&service, "bob's session", None)?;
    let channel = alice.create_data_channel("private", Default::default())?;
    negotiate((&alice, &mut alice_events), (&bob, &mut bob_events)).await?;
    println!(
        "Alice knows that it is {}",
        alice.peer_identity().await?.name
    );
    let caller = bob.peer_identity().await?;
    println!("Bob hears {} who says {}", caller.idp, caller.name);

    let incoming = announced(&mut bob_events).await?;
    channel.send_text("Is it you?").await?;
    let heard = incoming.recv().await;

    // Mallory can have an assertion of being Mallory, which is no help.
    let mallory = Service::start(&[("mallory's session", "bob")], Duration::from_secs(60)).await?;
    let (victim, _) = end(&service, "alice's session", identity("bob"))?;
    let (attacker, _) = end(&mallory, "mallory's session", None)?;
    attacker.create_data_channel("private", Default::default())?;
    let offer = attacker.create_offer(Default::default()).await?;
    let refused = victim.set_remote_description(offer).await;
    println!("Mallory is refused: {refused:?}");

    match (heard, refused) {
        (Some(Message::Text(text)), Err(_)) if text == "Is it you?" => Ok(()),
        _ => Err("something went wrong".into()),
    }
}

/// An end whose user has this session at the provider, and who may want to talk to one peer only.
fn end(
    service: &Service,
    session: &str,
    peer_identity: Option<String>,
) -> Outcome<(PeerConnection, Events)> {
    let idp = service.details();
    let provider = Provider::new(idp.clone(), Some(session));
    let endpoint = Endpoint::builder()
        .loopback(true)
        .identity_provider(idp.clone(), provider)
        .build()?;
    let configuration = Configuration {
        peer_identity,
        ..Default::default()
    };
    let (connection, events) = endpoint.connection(configuration)?;
    let options = IdentityProviderOptions {
        protocol: PROTOCOL.to_owned(),
        ..Default::default()
    };
    connection.set_identity_provider(&idp.domain, options)?;
    Ok((connection, events))
}
