//! Signalling over a WebSocket: a server that joins two at a time and knows nothing of WebRTC, and two peers:
//! `cargo run --example websocket`.
//!
//! What goes through it is what browsers write: a page that sends `{ description }` and `{ candidate }` as JSON can
//! be either peer.
#![allow(clippy::print_stdout, reason = "an example shows what happens")]

use std::error::Error;

use duologue::{
    Configuration, Endpoint, Event, Events, IceCandidateInit, Message, PeerConnection, SdpType,
    SessionDescription,
};
use futures_util::{SinkExt, StreamExt};
use serde::{Deserialize, Serialize};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message as Text;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, accept_async, connect_async};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// One message of the signalling.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum Signal {
    Description(SessionDescription),
    Candidate(IceCandidateInit),
}

#[tokio::main]
pub(crate) async fn main() -> Outcome<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("ws://{}/", listener.local_addr()?);
    tokio::spawn(serve(listener));
    let (alice, bob) = tokio::join!(peer(&url, Some("Hello, Bob")), peer(&url, None));
    alice?;
    let heard = bob?;
    println!("Bob heard {heard:?}");
    match heard.as_deref() {
        Some("Hello, Bob") => Ok(()),
        _ => Err("that is not what Alice said".into()),
    }
}

/// Hands the messages of each of two clients to the other.
async fn serve(listener: TcpListener) -> Outcome<()> {
    loop {
        let mut pair = Vec::new();
        while pair.len() < 2 {
            let (stream, _) = listener.accept().await?;
            pair.extend(accept_async(stream).await);
        }
        let mut halves = pair.into_iter().map(StreamExt::split);
        if let (Some((to_one, from_one)), Some((to_other, from_other))) =
            (halves.next(), halves.next())
        {
            tokio::spawn(from_one.forward(to_other));
            tokio::spawn(from_other.forward(to_one));
        }
    }
}

/// One end: says something if it has something to say, else listens.
async fn peer(url: &str, words: Option<&str>) -> Outcome<Option<String>> {
    let endpoint = Endpoint::builder().loopback(true).build()?;
    let (pc, events) = endpoint.connection(Configuration::default())?;
    let (socket, _) = connect_async(url).await?;
    let channel = match words {
        Some(_) => Some(pc.create_data_channel("chat", Default::default())?),
        None => None,
    };
    let (found, announced) = tokio::sync::oneshot::channel();
    let signalling = tokio::spawn(signal(pc, events, socket, found));
    let heard = match (channel, words) {
        (Some(channel), Some(words)) => {
            channel.opened().await?;
            channel.send_text(words).await?;
            // The other end closes it once it has heard.
            channel.closed().await?;
            None
        }
        _ => {
            let channel = announced.await?;
            let heard = channel.recv().await;
            channel.close();
            channel.closed().await?;
            heard.and_then(|message| match message {
                Message::Text(text) => Some(text),
                Message::Binary(_) => None,
            })
        }
    };
    signalling.abort();
    Ok(heard)
}

/// Takes what this end has to tell to the socket, and what comes from there to this end.
async fn signal(
    pc: PeerConnection,
    mut events: Events,
    mut socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    found: tokio::sync::oneshot::Sender<duologue::DataChannel>,
) -> Outcome<()> {
    let mut found = Some(found);
    loop {
        let say = tokio::select! {
            Some(event) = events.recv() => match event {
                Event::NegotiationNeeded => Some(describe(&pc).await?),
                Event::IceCandidate(Some(candidate)) => Some(Signal::Candidate(candidate.init)),
                Event::DataChannel(channel) => {
                    found.take().map(|found| found.send(channel));
                    None
                }
                _ => None,
            },
            Some(text) = socket.next() => match text? {
                Text::Text(text) => take(&pc, serde_json::from_str(&text)?).await?,
                _ => None,
            },
            else => return Ok(()),
        };
        if let Some(signal) = say {
            socket
                .send(Text::text(serde_json::to_string(&signal)?))
                .await?;
        }
    }
}

async fn take(pc: &PeerConnection, signal: Signal) -> Outcome<Option<Signal>> {
    match signal {
        Signal::Candidate(candidate) => pc.add_ice_candidate(candidate).await?,
        Signal::Description(description) => {
            let is_offer = description.sdp_type == SdpType::Offer;
            pc.set_remote_description(description).await?;
            if is_offer {
                return Ok(Some(describe(pc).await?));
            }
        }
    }
    Ok(None)
}

async fn describe(pc: &PeerConnection) -> Outcome<Signal> {
    pc.set_local_description(None).await?;
    Ok(Signal::Description(
        pc.local_description().ok_or("no description")?,
    ))
}
