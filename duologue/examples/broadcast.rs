//! One publisher to many viewers through a server that decodes nothing: `cargo run --example broadcast`.
//!
//! The viewers come while the publisher is on air. Each begins with a key frame, which the server asks the publisher
//! for when somebody needs one. `forward` does the same for browsers, with simulcast.
#![allow(clippy::print_stdout, reason = "an example shows what happens")]

#[path = "pair/mod.rs"]
mod pair;

use std::time::Duration;

use duologue::{
    Choice, Configuration, EncodedFrameInit, Endpoint, Event, Events, Forwarder, MediaKind,
    RtpSender, TransceiverDirection, TransceiverInit,
};

use pair::{Outcome, negotiate, pretended_vp8};

/// Viewers, and the frames that each is to see.
const VIEWERS: usize = 5;
const FRAMES: usize = 30;

#[tokio::main]
pub(crate) async fn main() -> Outcome<()> {
    let endpoint = Endpoint::builder().loopback(true).build()?;
    let (camera, mut camera_events) = endpoint.connection(Configuration::default())?;
    let sender = camera
        .add_transceiver(MediaKind::Video, one_way(TransceiverDirection::Sendonly))?
        .sender();
    let (ingest, mut ingest_events) = endpoint.connection(Configuration::default())?;
    negotiate((&camera, &mut camera_events), (&ingest, &mut ingest_events)).await?;
    let on_air = tokio::spawn(publish(sender, camera_events));
    let publisher = ingest.transceivers().first().ok_or("no track")?.receiver();
    let forwarder = Forwarder::new(&publisher);

    let mut viewers = tokio::task::JoinSet::new();
    for _ in 0..VIEWERS {
        viewers.spawn(watch(endpoint.clone(), forwarder.clone()));
    }
    while let Some(seen) = viewers.join_next().await {
        let (keys, frames) = seen??;
        println!("a viewer saw {frames} frames, {keys} of them key frames");
    }
    on_air.abort();
    Ok(())
}

fn one_way(direction: TransceiverDirection) -> TransceiverInit {
    TransceiverInit {
        direction,
        ..TransceiverInit::default()
    }
}

/// A camera: 30 frames a second, a key frame whenever one is wanted.
async fn publish(sender: RtpSender, mut events: Events) -> Outcome<()> {
    let writer = sender.frames();
    let mut clock = tokio::time::interval(Duration::from_millis(33));
    let (mut number, mut key) = (0u32, true);
    loop {
        tokio::select! {
            event = events.recv() => match event.ok_or("the server is gone")? {
                Event::KeyFrameRequest { .. } => key = true,
                _ => continue,
            },
            _ = clock.tick() => {
                let frame = EncodedFrameInit {
                    timestamp: number * 2_970,
                    data: pretended_vp8(std::mem::take(&mut key), 2_000).into(),
                    ..Default::default()
                };
                writer.send(&mut vec![frame])?;
                number += 1;
            }
        }
    }
}

/// A viewer and the server's end of it. Gives how many key frames and frames came.
async fn watch(endpoint: Endpoint, forwarder: Forwarder) -> Outcome<(usize, usize)> {
    let (server, mut server_events) = endpoint.connection(Configuration::default())?;
    let sender = server
        .add_transceiver(MediaKind::Video, one_way(TransceiverDirection::Sendonly))?
        .sender();
    let (viewer, mut viewer_events) = endpoint.connection(Configuration::default())?;
    negotiate((&server, &mut server_events), (&viewer, &mut viewer_events)).await?;
    let mut frames = viewer
        .transceivers()
        .first()
        .ok_or("no track")?
        .receiver()
        .frames();

    let forwarding = forwarder.forward(&sender);
    forwarding.choose(Choice::Layer(0));
    tokio::spawn(async move {
        while let Some(event) = server_events.recv().await {
            if let Event::KeyFrameRequest { .. } = event {
                forwarding.key_frame_wanted();
            }
        }
    });

    let (mut keys, mut count) = (0, 0);
    while count < FRAMES {
        let frame = frames.recv().await.ok_or("the server is gone")?;
        if count == 0 && !frame.key {
            return Err("nobody can decode the first frame".into());
        }
        keys += usize::from(frame.key);
        count += 1;
    }
    server.close();
    Ok((keys, count))
}
