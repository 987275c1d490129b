//! Janus is a server: what it receives goes to a plugin, and is counted where that brings it: back to us (echo
//! test, text room), or to another connection of ours (video room).

use bytes::Bytes;
use duologue::{DataChannelState, MediaKind, Message, TransceiverInit};
use serde_json::{Value, json};

use crate::changes;
use crate::counterpart::Counterpart;
use crate::data::we_have;
use crate::media;
use crate::outcome::{Found, Offerer, Outcome, What};
use crate::pair::{Far, Pair, said};
use crate::pattern::{MESSAGE, pattern};

/// What Janus calls its own channels; it answers on one of this label.
const LABEL: &str = "JanusDataChannel";

/// What comes through it at the least.
const ENOUGH: u64 = 40;

const MEGABYTE: usize = 1 << 20;

/// Whose business our connection is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Plugin {
    /// Answers; sends everything back.
    EchoTest,
    /// Offers; sends a text to everybody in the room, and we are in it.
    TextRoom,
}

pub(crate) async fn run(
    pair: &mut Pair,
    counterpart: &Counterpart,
    what: What,
    offerer: Offerer,
) -> Outcome {
    match (what, offerer) {
        (What::Audio, Offerer::We) => echoed(pair, &[MediaKind::Audio]).await,
        (What::Video, Offerer::We) => echoed(pair, &[MediaKind::Video]).await,
        (What::Audio, Offerer::They) => room(pair, counterpart, &[&[MediaKind::Audio]]).await,
        (What::Video, Offerer::They) => room(pair, counterpart, &[&[MediaKind::Video]]).await,
        (What::Renegotiation, Offerer::They) => {
            room(
                pair,
                counterpart,
                &[&[MediaKind::Audio], &[MediaKind::Video]],
            )
            .await
        }
        (What::Simulcast, offerer) => layers(pair, counterpart, offerer).await,
        (_, offerer) => {
            let plugin = match offerer {
                Offerer::We => Plugin::EchoTest,
                Offerer::They => Plugin::TextRoom,
            };
            connect(pair, plugin).await?;
            by_channel(pair, plugin, what, offerer).await
        }
    }
}

/// What needs a channel.
async fn by_channel(pair: &mut Pair, plugin: Plugin, what: What, offerer: Offerer) -> Outcome {
    match what {
        What::Restart => {
            restart(pair, offerer).await?;
            exchange_bytes(pair, plugin, 4 * MESSAGE).await?;
            Ok(works("64 KiB to its plugin and back on the new pair"))
        }
        What::Renegotiation => {
            let Found::Works(counted) = echoed(pair, &[MediaKind::Audio, MediaKind::Video]).await?
            else {
                return Err("no media in the echo test".to_owned());
            };
            exchange_bytes(pair, plugin, MESSAGE).await?;
            Ok(Found::Works(format!("{counted}; 16 KiB of data after it")))
        }
        What::Close => {
            close_here(pair, plugin).await?;
            end(pair, offerer).await
        }
        _ => {
            exchange_text(pair, plugin, LABEL).await?;
            exchange_bytes(pair, plugin, MEGABYTE).await?;
            Ok(works("a text and 1 MiB to its plugin and back"))
        }
    }
}

fn works(counted: &str) -> Found {
    Found::Works(counted.to_owned())
}

/// An open channel to this plugin; in its room, where it has one. Janus leaves it to its clients to open channels.
async fn connect(pair: &mut Pair, plugin: Plugin) -> Result<(), String> {
    pair.open(LABEL)?;
    match plugin {
        Plugin::EchoTest => {
            pair.tell(json!({ "do": "use", "plugin": "echotest" }))?;
            pair.offer().await?;
        }
        Plugin::TextRoom => {
            pair.tell(json!({ "do": "use", "plugin": "textroom" }))?;
            pair.tell(json!({ "do": "offer" }))?;
        }
    }
    pair.until("connection", |pair| {
        pair.state(LABEL) == Some(DataChannelState::Open) && pair.is_connected()
    })
    .await?;
    if plugin == Plugin::EchoTest {
        return Ok(());
    }
    let join = json!({
        "textroom": "join", "transaction": "join", "room": ROOM, "username": "duologue",
    });
    let channel = pair.channel(LABEL)?.clone();
    channel.send_text(join.to_string()).await.map_err(said)?;
    pair.until("room", |pair| pair.seen.joined).await?;
    pair.seen.tallies.clear();
    Ok(())
}

async fn restart(pair: &mut Pair, offerer: Offerer) -> Result<(), String> {
    let [_, before] = changes::ufrags(pair);
    let known = pair.seen.descriptions;
    match offerer {
        Offerer::We => {
            pair.pc.restart_ice();
            pair.offer().await?;
        }
        Offerer::They => pair.tell(json!({ "do": "offer", "restart": true }))?,
    }
    pair.until("answer to the restart", |pair| {
        pair.seen.descriptions > known && pair.is_stable()
    })
    .await?;
    let [ours, theirs] = changes::ufrags(pair);
    if theirs == before {
        return Err("it did not restart".to_owned());
    }
    changes::on_new_pair(pair, ours.as_deref()).await
}

/// Frames of these kinds go to the echo test and come back, on a new connection or one that is there.
async fn echoed(pair: &mut Pair, kinds: &[MediaKind]) -> Outcome {
    pair.tell(json!({ "do": "use", "plugin": "echotest" }))?;
    publish(pair, kinds).await?;
    for &kind in kinds {
        let back = |pair: &Pair| pair.seen.here.get(kind.as_str()) >= Some(&ENOUGH);
        pair.until("frames that come back", back).await?;
    }
    let counted = kinds.iter().map(|kind| {
        let count = pair.seen.here.get(kind.as_str()).unwrap_or(&0);
        format!("{}: {count} frames to it and back", kind.as_str())
    });
    Ok(Found::Works(counted.collect::<Vec<_>>().join("; ")))
}

/// An offer of ours by which frames of these kinds are sent, and counted if they come back.
async fn publish(pair: &mut Pair, kinds: &[MediaKind]) -> Result<(), String> {
    for &kind in kinds {
        let made = pair.pc.add_transceiver(kind, TransceiverInit::default());
        let made = made.map_err(said)?;
        media::prefer(&made, "VP8")?;
        media::receive(&made, pair.counter.clone(), None);
        media::play(&made.sender(), kind, 1);
    }
    let known = pair.seen.descriptions;
    pair.offer().await?;
    pair.until("answer and connection", |pair| {
        pair.seen.descriptions > known && pair.is_connected()
    })
    .await
}

/// We publish in the video room, and it offers what we publish to another connection of ours: these kinds, and
/// then those, in an offer more.
async fn room(pair: &mut Pair, counterpart: &Counterpart, kinds: &[&[MediaKind]]) -> Outcome {
    pair.tell(json!({ "do": "use", "plugin": "publisher" }))?;
    let mut subscriber: Option<Pair> = None;
    for kinds in kinds {
        publish(pair, kinds).await?;
        let (subscriber, again) = match &mut subscriber {
            Some(known) => (known, true),
            none => (none.insert(subscribe(pair, counterpart).await?), false),
        };
        subscriber.counts = true;
        let mids: Vec<_> = pair
            .pc
            .transceivers()
            .iter()
            .filter_map(|t| t.mid())
            .collect();
        let mids = if again { &mids[1..] } else { &mids[..] };
        subscriber.tell(json!({ "do": "offer", "mids": mids, "again": again }))?;
        for kind in *kinds {
            let came = |pair: &Pair| pair.seen.here.get(kind.as_str()) >= Some(&ENOUGH);
            subscriber.until("frames of the room", came).await?;
        }
    }
    let seen = subscriber.map(|subscriber| subscriber.seen.here);
    let counted = seen.unwrap_or_default().into_iter();
    let counted = counted.map(|(kind, count)| format!("{kind}: {count} frames out of its room"));
    Ok(Found::Works(counted.collect::<Vec<_>>().join("; ")))
}

/// Another connection, to the same Janus.
async fn subscribe(pair: &Pair, counterpart: &Counterpart) -> Result<Pair, String> {
    let base = pair
        .seen
        .base
        .clone()
        .ok_or("it does not say where it is")?;
    let mut subscriber = Pair::start_with(counterpart, Far::Janus, &[base]).await?;
    subscriber.tell(json!({ "do": "use", "plugin": "subscriber" }))?;
    Ok(subscriber)
}

/// We publish several layers, of which the room sends us the one that we ask for.
async fn layers(pair: &mut Pair, counterpart: &Counterpart, offerer: Offerer) -> Outcome {
    pair.tell(json!({ "do": "use", "plugin": "publisher" }))?;
    media::offer_simulcast(pair).await?;
    pair.until("answer and connection", |pair| {
        pair.seen.descriptions > 0 && pair.is_connected()
    })
    .await?;

    let mut subscriber = subscribe(pair, counterpart).await?;
    subscriber.counts = true;
    subscriber.tell(json!({ "do": "offer", "mids": ["0"], "again": false }))?;
    subscriber.until("connection", Pair::is_connected).await?;
    if offerer == Offerer::They {
        let offer = subscriber.pc.remote_description();
        let offer = offer.ok_or("no offer of the room")?;
        return match offer.sdp.contains("a=simulcast:") {
            true => Err(format!("the room offers layers:\n{}", offer.sdp)),
            false => Ok(Found::Lacks(
                "its rooms offer one layer to each subscriber: no a=simulcast in its offer"
                    .to_owned(),
            )),
        };
    }
    let mut counted = Vec::new();
    for layer in 0..3 {
        subscriber.tell(json!({ "do": "layer", "substream": layer }))?;
        // It counts from the last one of the description, which is the least there by its custom.
        let length = media::length(2 - layer);
        let count = |pair: &Pair| pair.seen.lengths.get(&length).copied().unwrap_or(0);
        subscriber
            .until("frames of this layer", |pair| count(pair) >= 10)
            .await?;
        counted.push(format!("{layer}: {}", count(&subscriber)));
    }
    let counted = counted.join(", ");
    Ok(Found::Works(format!(
        "frames of each layer out of its room: {counted}"
    )))
}

async fn exchange_text(pair: &mut Pair, plugin: Plugin, label: &str) -> Result<(), String> {
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
    }
}

async fn exchange_bytes(pair: &mut Pair, plugin: Plugin, count: usize) -> Result<(), String> {
    pair.seen.tallies.remove(LABEL);
    let all: Bytes = match plugin {
        // Text, of which half a byte fits into each letter.
        Plugin::TextRoom => hex(&pattern(count / 2, 7)).into(),
        Plugin::EchoTest => pattern(count, 7),
    };
    let channel = pair.channel(LABEL)?.clone();
    let parts = all.clone();
    let sent = tokio::spawn(async move {
        for at in (0..count).step_by(MESSAGE) {
            let part = parts.slice(at..count.min(at + MESSAGE));
            let message = match plugin {
                Plugin::TextRoom => Message::Text(in_room(&String::from_utf8_lossy(&part))),
                Plugin::EchoTest => Message::Binary(part),
            };
            channel.send(message).await?;
        }
        Ok(())
    });
    we_have(pair, LABEL, &all).await?;
    sent.await.map_err(|e| e.to_string())?.map_err(said)
}

/// A second channel; that it closes means that Janus reset its stream, too.
async fn close_here(pair: &mut Pair, plugin: Plugin) -> Result<(), String> {
    let label = "ours, closed here";
    pair.open(label)?;
    let open = |pair: &Pair| pair.state(label) == Some(DataChannelState::Open);
    pair.until("second channel", open).await?;
    exchange_text(pair, plugin, label).await?;
    pair.channel(label)?.close();
    let closed = |pair: &Pair| pair.state(label) == Some(DataChannelState::Closed);
    pair.until("closed channel", closed).await
}

/// Who offered closes the connection. That it closes channels of ours is not in its API.
async fn end(pair: &mut Pair, offerer: Offerer) -> Outcome {
    if offerer == Offerer::We {
        pair.pc.close();
        let closed = |pair: &Pair| pair.seen.closed_there.contains(LABEL);
        pair.until("end at their side", closed).await?;
        return Ok(works("a channel, and the whole, known there"));
    }
    pair.tell(json!({ "do": "end" }))?;
    let closed = |pair: &Pair| pair.state(LABEL) == Some(DataChannelState::Closed);
    pair.until("end at our side", closed).await?;
    Ok(works("a channel there, and the whole, known here"))
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
