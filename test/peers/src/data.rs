//! Data channels: what is said on them, and their end.

use duologue::{DataChannelState, Message, PeerConnectionState};
use serde_json::json;

use crate::cells::FIRST;
use crate::counterpart::Counterpart;
use crate::outcome::{Found, Offerer, Outcome};
use crate::pair::{Pair, Report, said};
use crate::pattern::{MESSAGE, Tally, pattern};

const MEGABYTE: usize = 1 << 20;

/// A text and a megabyte each way.
pub(crate) async fn exchange(pair: &mut Pair) -> Outcome {
    exchange_text(pair, FIRST).await?;
    exchange_bytes(pair, FIRST, MEGABYTE).await?;
    Ok(Found::Works("a text and 1 MiB each way".to_owned()))
}

/// A channel of each end closed by the other one, then the connection by who offered.
pub(crate) async fn close(pair: &mut Pair, counterpart: &Counterpart, offerer: Offerer) -> Outcome {
    close_here(pair).await?;
    close_there(pair).await?;
    exchange_bytes(pair, FIRST, MESSAGE).await?;
    end(pair, counterpart, offerer).await
}

async fn exchange_text(pair: &mut Pair, label: &str) -> Result<(), String> {
    let (ours, theirs) = ("Grüße, 你好 from here", "Grüße, 你好 from there");
    await_theirs(pair, label, ours.len())?;
    let channel = pair.channel(label)?.clone();
    channel.send_text(ours).await.map_err(said)?;
    pair.tell(json!({ "do": "text", "label": label, "text": theirs }))?;
    both_have(pair, label, ours.as_bytes(), theirs.as_bytes()).await
}

/// So many bytes each way, at once, by messages of [`MESSAGE`] bytes.
pub(crate) async fn exchange_bytes(
    pair: &mut Pair,
    label: &str,
    count: usize,
) -> Result<(), String> {
    let (ours, theirs) = (pattern(count, 7), pattern(count, 90));
    await_theirs(pair, label, count)?;
    pair.tell(json!({ "do": "bytes", "label": label, "count": count, "seed": 90 }))?;
    let channel = pair.channel(label)?.clone();
    let all = ours.clone();
    let sent = tokio::spawn(async move {
        for at in (0..count).step_by(MESSAGE) {
            let part = all.slice(at..count.min(at + MESSAGE));
            channel.send(Message::Binary(part)).await?;
        }
        Ok(())
    });
    both_have(pair, label, &ours, &theirs).await?;
    let sent = sent.await.map_err(|e| e.to_string())?;
    sent.map_err(said)
}

fn await_theirs(pair: &mut Pair, label: &str, bytes: usize) -> Result<(), String> {
    pair.seen.reports.remove(label);
    pair.seen.tallies.remove(label);
    pair.tell(json!({ "do": "expect", "label": label, "bytes": bytes }))
}

/// They report exactly `ours`, and exactly `theirs` came here.
async fn both_have(pair: &mut Pair, label: &str, ours: &[u8], theirs: &[u8]) -> Result<(), String> {
    let reported = |pair: &Pair| pair.seen.reports.contains_key(label);
    pair.until("report of what came there", reported).await?;
    let there = pair.seen.reports.remove(label);
    let expected_there = report(Tally::of(ours));
    if there.as_ref() != Some(&expected_there) {
        return Err(format!("they have {there:?} instead of {expected_there:?}"));
    }
    we_have(pair, label, theirs).await
}

fn report(tally: Tally) -> Report {
    Report {
        bytes: tally.bytes,
        sha256: tally.sha256(),
    }
}

/// Exactly `theirs` came here.
pub(crate) async fn we_have(pair: &mut Pair, label: &str, theirs: &[u8]) -> Result<(), String> {
    pair.until("bytes at our side", |pair| {
        let here = pair.seen.tallies.get(label);
        here.is_some_and(|tally| tally.bytes >= theirs.len())
    })
    .await?;
    let here = pair.seen.tallies.remove(label).map(report);
    let expected_here = report(Tally::of(theirs));
    if here.as_ref() != Some(&expected_here) {
        return Err(format!("we have {here:?} instead of {expected_here:?}"));
    }
    Ok(())
}

async fn close_here(pair: &mut Pair) -> Result<(), String> {
    let label = "theirs, closed here";
    pair.tell(json!({ "do": "channel", "label": label }))?;
    pair.until("second channel", |pair| pair.is_open(label))
        .await?;
    exchange_text(pair, label).await?;
    pair.channel(label)?.close();
    closed_at_both_ends(pair, label).await
}

async fn close_there(pair: &mut Pair) -> Result<(), String> {
    let label = "ours, closed there";
    pair.open(label)?;
    pair.until("third channel", |pair| pair.is_open(label))
        .await?;
    exchange_text(pair, label).await?;
    pair.tell(json!({ "do": "close", "label": label }))?;
    closed_at_both_ends(pair, label).await
}

async fn closed_at_both_ends(pair: &mut Pair, label: &str) -> Result<(), String> {
    pair.until("closed channel at both ends", |pair| {
        pair.state(label) == Some(DataChannelState::Closed)
            && pair.seen.closed_there.contains(label)
    })
    .await
}

/// Who offered closes the connection; the other end finds its channel closed.
async fn end(pair: &mut Pair, counterpart: &Counterpart, offerer: Offerer) -> Outcome {
    if offerer == Offerer::We {
        pair.pc.close();
        let closed = |pair: &Pair| pair.seen.closed_there.contains(FIRST);
        pair.until("end at their side", closed).await?;
        return Ok(Found::Works(
            "2 channels, and the whole, known there".to_owned(),
        ));
    }
    pair.tell(json!({ "do": "end" }))?;
    if !counterpart.says_goodbye {
        let silent = |pair: &Pair| pair.pc.connection_state() == PeerConnectionState::Disconnected;
        pair.until("silence", silent).await?;
        return Ok(Found::Works(
            "2 channels; it ends without a word".to_owned(),
        ));
    }
    let closed = |pair: &Pair| pair.state(FIRST) == Some(DataChannelState::Closed);
    pair.until("end at our side", closed).await?;
    Ok(Found::Works(
        "2 channels, and the whole, known here".to_owned(),
    ))
}
