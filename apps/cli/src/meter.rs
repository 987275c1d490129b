//! The far end of measurements: one channel takes or gives as many bytes as it can, the other echoes.

use std::time::Duration;

use bytes::Bytes;
use duologue::{DataChannel, Exception, Message};
use serde::Deserialize;
use tokio::time::{MissedTickBehavior, interval};

/// Bytes of each message that is given.
const CHUNK: usize = 64 * 1024;
/// How often the page is told what arrived.
const COUNT: Duration = Duration::from_millis(50);

#[derive(Debug, Deserialize, PartialEq)]
#[serde(tag = "op", rename_all = "lowercase")]
enum Mode {
    /// The page sends, we count.
    Sink,
    /// We send, the page counts.
    Source,
    Stop,
}

pub(super) async fn serve(channel: &DataChannel) -> Result<(), Exception> {
    let chunk = Bytes::from(vec![0x64; CHUNK]);
    let mut mode = Mode::Stop;
    let mut counted = 0usize;
    let mut ticks = interval(COUNT);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            message = channel.recv() => match message {
                None => return Ok(()),
                Some(Message::Binary(bytes)) => counted += bytes.len(),
                Some(Message::Text(text)) => mode = serde_json::from_str(&text).unwrap_or(mode),
            },
            _ = ticks.tick(), if counted > 0 => {
                let text = serde_json::json!({ "counted": counted }).to_string();
                counted = 0;
                channel.send_text(text).await?;
            }
            sent = channel.send(chunk.clone()), if mode == Mode::Source => sent?,
        }
    }
}

/// Sends back whatever comes.
pub(super) async fn echo(channel: &DataChannel) -> Result<(), Exception> {
    while let Some(message) = channel.recv().await {
        channel.send(message).await?;
    }
    Ok(())
}
