//! What the examples with two ends in one process share: offer and answer, which would go through a server of yours.
#![allow(dead_code, reason = "no example needs all of it")]

use std::error::Error;

use duologue::{DataChannel, Event, Events, PeerConnection};

pub(crate) type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// Offer and answer, each with all its candidates.
pub(crate) async fn negotiate(
    (caller, caller_events): (&PeerConnection, &mut Events),
    (callee, callee_events): (&PeerConnection, &mut Events),
) -> Outcome<()> {
    caller.set_local_description(None).await?;
    gathered(caller_events).await;
    callee
        .set_remote_description(caller.local_description().ok_or("no offer")?)
        .await?;
    callee.set_local_description(None).await?;
    gathered(callee_events).await;
    caller
        .set_remote_description(callee.local_description().ok_or("no answer")?)
        .await?;
    Ok(())
}

async fn gathered(events: &mut Events) {
    while !matches!(events.recv().await, Some(Event::IceCandidate(None)) | None) {}
}

/// The next channel that the other end makes.
pub(crate) async fn announced(events: &mut Events) -> Outcome<DataChannel> {
    loop {
        if let Event::DataChannel(channel) = events.recv().await.ok_or("it was closed")? {
            return Ok(channel);
        }
    }
}

/// So many bytes that are a frame of VP8 to whoever does not decode it (RFC 6386 §9.1): the examples encode nothing.
pub(crate) fn pretended_vp8(key: bool, len: usize) -> Vec<u8> {
    let mut data = match key {
        true => vec![0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0xe0, 0x01],
        false => vec![0x11, 0, 0],
    };
    data.resize(len.max(data.len()), 7);
    data
}
