//! A call as programs of 2014 make it, with streams and callbacks: `cargo run --example legacy --features legacy`.
#![allow(deprecated, reason = "all of this is obsolete")]
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "an example shows what happens"
)]

use std::error::Error;

use duologue::legacy::{CallbackError, LocalMediaStream};
use duologue::{Configuration, Endpoint, Event, Events, MediaKind, PeerConnection, Track};
use tokio::sync::oneshot;

#[tokio::main]
pub(crate) async fn main() -> Result<(), Box<dyn Error>> {
    let endpoint = Endpoint::builder().loopback(true).build()?;
    let (caller, _caller_events) = endpoint.connection(Configuration::default())?;
    let (callee, mut events) = endpoint.connection(Configuration::default())?;

    let stream = LocalMediaStream {
        id: "camera".into(),
        tracks: vec![
            Track {
                id: "sound".into(),
                kind: MediaKind::Audio,
            },
            Track {
                id: "picture".into(),
                kind: MediaKind::Video,
            },
        ],
    };
    caller.add_stream(&stream)?;
    negotiate(&caller, &callee).await?;
    told(&mut events).await;

    caller.remove_stream(&stream.id)?;
    negotiate(&caller, &callee).await?;
    told(&mut events).await;
    Ok(())
}

/// Prints what the next event about a stream says.
async fn told(events: &mut Events) {
    while let Some(event) = events.recv().await {
        if let Event::AddStream(stream) | Event::RemoveStream(stream) = event {
            let tracks = stream.tracks().len();
            println!("the other end sends {tracks} tracks");
            return;
        }
    }
}

/// An offer and its answer; what is called in turn is done in turn.
async fn negotiate(caller: &PeerConnection, callee: &PeerConnection) -> Result<(), Box<dyn Error>> {
    let (done, is_done) = oneshot::channel();
    let fail = |error: CallbackError| eprintln!("{}: {}", error.name, error.exception.message());
    let (near, far) = (caller.clone(), callee.clone());
    let offered = move |offer: duologue::SessionDescription| {
        near.set_local_description_with_callbacks(offer.clone(), || {}, fail);
        far.set_remote_description_with_callbacks(offer, || {}, fail);
        let callee = far.clone();
        let answered = move |answer: duologue::SessionDescription| {
            callee.set_local_description_with_callbacks(answer.clone(), || {}, fail);
            let end = || done.send(()).unwrap_or_default();
            near.set_remote_description_with_callbacks(answer, end, fail);
        };
        far.create_answer_with_callbacks(answered, fail);
    };
    caller.create_offer_with_callbacks(offered, fail, Default::default());
    Ok(is_done.await?)
}
