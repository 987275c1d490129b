//! Janus is a server: what it receives goes to a plugin, and its bytes are counted when they are back
//! (echotest, textroom) or where they come out (streaming).

use bytes::Bytes;
use duologue::{DataChannelState, Message};
use serde_json::{Value, json};

use crate::cells::we_have;
use crate::pair::{Pair, said};
use crate::pattern::{MESSAGE, pattern};

/// What Janus calls its own channels; it answers on one of this label.
pub(crate) const LABEL: &str = "JanusDataChannel";

/// Whose business our connection is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Plugin {
    /// Answers; sends everything back.
    EchoTest,
    /// Offers; sends a text to everybody in the room, and we are in it.
    TextRoom,
    /// Offers media; sends what comes to it from elsewhere.
    Streaming,
}

/// Joins the room, where there is one.
pub(crate) async fn enter(pair: &mut Pair, plugin: Plugin) -> Result<(), String> {
    if plugin != Plugin::TextRoom {
        return Ok(());
    }
    let join = json!({
        "textroom": "join", "transaction": "join", "room": ROOM, "username": "duologue",
    });
    let channel = pair.channel(LABEL)?.clone();
    channel.send_text(join.to_string()).await.map_err(said)?;
    pair.until("room", |pair| pair.seen.joined).await
}

pub(crate) async fn exchange_text(
    pair: &mut Pair,
    plugin: Plugin,
    label: &str,
) -> Result<(), String> {
    let text = "Grüße, 你好 from here";
    pair.seen.tallies.clear();
    let channel = pair.channel(label)?.clone();
    match plugin {
        Plugin::EchoTest => {
            channel.send_text(text).await.map_err(said)?;
            let back = format!("Janus EchoTest here! You wrote: {text}");
            we_have(pair, label, back.as_bytes()).await
        }
        Plugin::TextRoom => {
            channel.send_text(in_room(text)).await.map_err(said)?;
            we_have(pair, LABEL, text.as_bytes()).await
        }
        Plugin::Streaming => exchange_bytes(pair, plugin, label, 100).await,
    }
}

pub(crate) async fn exchange_bytes(
    pair: &mut Pair,
    plugin: Plugin,
    label: &str,
    count: usize,
) -> Result<(), String> {
    pair.seen.tallies.remove(label);
    if plugin == Plugin::Streaming {
        pair.tell(json!({ "do": "bytes", "label": label, "count": count, "seed": 90 }))?;
        return we_have(pair, label, &pattern(count, 90)).await;
    }
    let all: Bytes = match plugin {
        // Text, of which half a byte fits into each letter.
        Plugin::TextRoom => hex(&pattern(count / 2, 7)).into(),
        _ => pattern(count, 7),
    };
    let channel = pair.channel(label)?.clone();
    let parts = all.clone();
    let sent = tokio::spawn(async move {
        for at in (0..count).step_by(MESSAGE) {
            let part = parts.slice(at..count.min(at + MESSAGE));
            let message = match plugin {
                Plugin::TextRoom => Message::Text(in_room(&String::from_utf8_lossy(&part))),
                _ => Message::Binary(part),
            };
            channel.send(message).await?;
        }
        Ok(())
    });
    we_have(pair, label, &all).await?;
    sent.await.map_err(|e| e.to_string())?.map_err(said)
}

/// A second channel; that it closes means that Janus reset its stream, too.
pub(crate) async fn close_here(pair: &mut Pair, plugin: Plugin) -> Result<(), String> {
    let label = "ours, closed here";
    pair.open(label)?;
    let open = |pair: &Pair| pair.state(label) == Some(DataChannelState::Open);
    pair.until("second channel", open).await?;
    match plugin {
        // It sends on a channel of its own only, and hears nothing. But Janus resets its stream of a
        // channel only when something was said there.
        Plugin::Streaming => {
            let channel = pair.channel(label)?.clone();
            channel.send_text("to nobody").await.map_err(said)?;
            exchange_text(pair, plugin, LABEL).await?;
        }
        _ => exchange_text(pair, plugin, label).await?,
    }
    pair.channel(label)?.close();
    let closed = |pair: &Pair| pair.state(label) == Some(DataChannelState::Closed);
    pair.until("closed channel", closed).await
}

/// The text that somebody in the room said, if that is what this is.
pub(crate) fn said_in_room(text: &str) -> Option<Bytes> {
    let value: Value = serde_json::from_str(text).ok()?;
    let said = (value["textroom"] == "message").then(|| value["text"].as_str())??;
    Some(Bytes::from(said.to_owned()))
}

pub(crate) fn is_success(text: &str) -> bool {
    serde_json::from_str(text).is_ok_and(|value: Value| value["textroom"] == "success")
}

fn in_room(text: &str) -> String {
    json!({
        "textroom": "message", "transaction": "message", "room": ROOM, "text": text, "ack": false,
    })
    .to_string()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

const ROOM: u32 = 1234;
