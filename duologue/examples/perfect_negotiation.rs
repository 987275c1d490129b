//! Perfect negotiation (webrtc-pc §10.7): both ends want something at any time, offers collide, and nobody notices:
//! `cargo run --example perfect_negotiation`.
//!
//! One end is polite: when its offer meets one of the other's it takes that and offers again. The rest is the same
//! for both.
#![allow(clippy::print_stdout, reason = "an example shows what happens")]

#[path = "pair/mod.rs"]
mod pair;

use duologue::{
    Configuration, DataChannel, Endpoint, Event, Events, IceCandidateInit, PeerConnection, SdpType,
    SessionDescription, SignalingState,
};
use tokio::sync::mpsc::{self, Receiver, Sender};

use pair::Outcome;

/// What goes through the server.
enum Signal {
    Description(SessionDescription),
    Candidate(IceCandidateInit),
}

/// One end.
struct Negotiator {
    pc: PeerConnection,
    polite: bool,
    to_peer: Sender<Signal>,
    channels: Sender<DataChannel>,
    collisions: usize,
}

impl Negotiator {
    /// Its first offer, before it hears of the other end's.
    async fn begin(&mut self, events: &mut Events) -> Outcome<()> {
        while !matches!(events.recv().await, Some(Event::NegotiationNeeded) | None) {}
        self.describe().await
    }

    /// Until the other end is gone.
    async fn run(mut self, mut events: Events, mut from_peer: Receiver<Signal>) -> Outcome<usize> {
        loop {
            tokio::select! {
                event = events.recv() => match event {
                    Some(event) => self.handle_event(event).await?,
                    None => return Ok(self.collisions),
                },
                signal = from_peer.recv() => match signal {
                    Some(signal) => self.handle_signal(signal).await?,
                    None => return Ok(self.collisions),
                },
            }
        }
    }

    async fn handle_event(&mut self, event: Event) -> Outcome<()> {
        match event {
            Event::NegotiationNeeded => self.describe().await,
            Event::IceCandidate(Some(candidate)) => {
                self.send(Signal::Candidate(candidate.init)).await
            }
            Event::DataChannel(channel) => Ok(self.channels.send(channel).await?),
            _ => Ok(()),
        }
    }

    async fn handle_signal(&mut self, signal: Signal) -> Outcome<()> {
        match signal {
            Signal::Description(description) => {
                let is_offer = description.sdp_type == SdpType::Offer;
                let collides = is_offer && self.pc.signaling_state() != SignalingState::Stable;
                self.collisions += usize::from(collides);
                if collides && !self.polite {
                    return Ok(());
                }
                // Rolls an own offer back, if there is one.
                self.pc.set_remote_description(description).await?;
                match is_offer {
                    true => self.describe().await,
                    false => Ok(()),
                }
            }
            Signal::Candidate(candidate) => {
                // Those of an offer that was ignored fit nothing.
                let _ = self.pc.add_ice_candidate(candidate).await;
                Ok(())
            }
        }
    }

    /// An offer or an answer, whichever is called for.
    async fn describe(&mut self) -> Outcome<()> {
        self.pc.set_local_description(None).await?;
        let description = self.pc.local_description().ok_or("no description")?;
        self.send(Signal::Description(description)).await
    }

    /// Who is gone needs nothing any more.
    async fn send(&mut self, signal: Signal) -> Outcome<()> {
        let _ = self.to_peer.send(signal).await;
        Ok(())
    }
}

#[tokio::main]
pub(crate) async fn main() -> Outcome<()> {
    let endpoint = Endpoint::builder().loopback(true).build()?;
    let (alice, mut alice_events) = endpoint.connection(Configuration::default())?;
    let (bob, mut bob_events) = endpoint.connection(Configuration::default())?;
    let ((to_alice, for_alice), (to_bob, for_bob)) = (mpsc::channel(64), mpsc::channel(64));
    let (channels, mut announced) = mpsc::channel(2);
    let of_alice = alice.create_data_channel("from Alice", Default::default())?;
    let of_bob = bob.create_data_channel("from Bob", Default::default())?;
    let mut polite = Negotiator {
        pc: alice.clone(),
        polite: true,
        to_peer: to_bob,
        channels: channels.clone(),
        collisions: 0,
    };
    let mut impolite = Negotiator {
        pc: bob.clone(),
        polite: false,
        to_peer: to_alice,
        channels,
        collisions: 0,
    };
    // Both begin at once.
    tokio::try_join!(
        polite.begin(&mut alice_events),
        impolite.begin(&mut bob_events)
    )?;
    let polite = tokio::spawn(polite.run(alice_events, for_alice));
    let impolite = tokio::spawn(impolite.run(bob_events, for_bob));

    of_alice.opened().await?;
    of_bob.opened().await?;
    for _ in 0..2 {
        let channel = announced.recv().await.ok_or("a channel is missing")?;
        println!("the channel {:?} is open", channel.label());
    }
    alice.close();
    bob.close();
    let collisions = polite.await?? + impolite.await??;
    match collisions {
        0 => Err("the offers were to collide".into()),
        _ => {
            println!("and that after {collisions} offers that met another one");
            Ok(())
        }
    }
}
