use duologue::{Configuration, Endpoint, Event, Events, IceCandidateInit, Message};
use duologue::{PeerConnection, SdpType, SessionDescription};
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// What the two ends tell each other until they are connected, as JSON or however you like: by a
/// web server, a chat, a file. Here both are in one process.
enum Signal {
    Description(SessionDescription),
    Candidate(IceCandidateInit),
}

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

#[tokio::main]
async fn main() -> Outcome<()> {
    let endpoint = Endpoint::builder().loopback(true).build()?;
    let (alice, alice_events) = endpoint.connection(Configuration::default())?;
    let (bob, bob_events) = endpoint.connection(Configuration::default())?;
    let (to_bob, from_alice) = channel(32);
    let (to_alice, from_bob) = channel(32);

    let _chat = alice.create_data_channel("chat", Default::default())?;
    let heard = tokio::select! {
        heard = run(alice, alice_events, to_bob, from_bob) => heard?,
        heard = run(bob, bob_events, to_alice, from_alice) => heard?,
    };
    println!("heard {heard:?}");
    Ok(())
}

/// One end: says hello on a channel of its own, waits for a message on one of the other's.
async fn run(
    pc: PeerConnection,
    mut events: Events,
    to_peer: Sender<Signal>,
    mut from_peer: Receiver<Signal>,
) -> Outcome<Message> {
    loop {
        tokio::select! {
            Some(event) = events.recv() => match event {
                Event::NegotiationNeeded => {
                    pc.set_local_description(None).await?;
                    let offer = pc.local_description().ok_or("no offer")?;
                    to_peer.send(Signal::Description(offer)).await?;
                }
                Event::IceCandidate(Some(candidate)) => {
                    to_peer.send(Signal::Candidate(candidate.init)).await?;
                }
                Event::ChannelOpen(channel) => channel.send_text("hello").await?,
                Event::DataChannel(channel) => return Ok(channel.recv().await.ok_or("closed")?),
                _ => {}
            },
            Some(signal) = from_peer.recv() => match signal {
                Signal::Candidate(candidate) => pc.add_ice_candidate(candidate).await?,
                Signal::Description(description) => {
                    let is_offer = description.sdp_type == SdpType::Offer;
                    pc.set_remote_description(description).await?;
                    if is_offer {
                        pc.set_local_description(None).await?;
                        let answer = pc.local_description().ok_or("no answer")?;
                        to_peer.send(Signal::Description(answer)).await?;
                    }
                }
            },
            else => return Err("the other end is gone".into()),
        }
    }
}
