//! What each counterpart is tried with.

use std::time::Instant;

use duologue::{DataChannelState, Message, PeerConnectionState};
use serde_json::json;

use crate::counterpart::{Counterpart, Restart};
use crate::janus::{self, Plugin};
use crate::pair::{Far, Pair, Report, said};
use crate::pattern::{MESSAGE, Tally, pattern};
use crate::table::{Cell, Row};

/// Who begins, and with what.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Way {
    /// They offer a data channel.
    TheyOffer,
    /// They offer audio and video, too.
    TheyOfferMedia,
    /// We offer a data channel.
    WeOffer,
}

impl Way {
    /// All of them.
    pub const ALL: [Way; 3] = [Way::TheyOffer, Way::TheyOfferMedia, Way::WeOffer];

    /// In the table.
    pub fn as_str(self) -> &'static str {
        match self {
            Way::TheyOffer => "they offer",
            Way::TheyOfferMedia => "they offer media",
            Way::WeOffer => "we offer",
        }
    }
}

/// One connection with the counterpart: everything that is tried on it, in order, until something
/// fails.
pub async fn run(counterpart: &Counterpart, way: Way) -> Row {
    let mut row = Row::new(counterpart, way);
    let mut pair = match Pair::start(counterpart, far(counterpart, way)).await {
        Ok(pair) => pair,
        Err(why) => {
            row.cells.push(Cell::failed(why));
            return row;
        }
    };
    row.name = pair.seen.hello.clone().unwrap_or_default();
    for step in STEPS {
        let begun = Instant::now();
        let outcome = step.run(&mut pair, counterpart, way).await;
        let failed = outcome.is_err();
        row.cells.push(Cell {
            outcome: outcome.map(|note| (begun.elapsed(), note)),
        });
        if failed {
            break;
        }
    }
    row
}

fn far(counterpart: &Counterpart, way: Way) -> Far {
    match way {
        _ if !counterpart.is_janus => Far::Reports,
        Way::TheyOffer => Far::Janus(Plugin::TextRoom),
        Way::TheyOfferMedia => Far::Janus(Plugin::Streaming),
        Way::WeOffer => Far::Janus(Plugin::EchoTest),
    }
}

/// The columns of the table.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    Connect,
    Text,
    Megabyte,
    Restart,
    CloseHere,
    CloseThere,
    End,
}

pub(crate) const STEPS: [Step; 7] = [
    Step::Connect,
    Step::Text,
    Step::Megabyte,
    Step::Restart,
    Step::CloseHere,
    Step::CloseThere,
    Step::End,
];

const MEGABYTE: usize = 1 << 20;

impl Step {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Step::Connect => "connect",
            Step::Text => "text",
            Step::Megabyte => "1 MB",
            Step::Restart => "ICE restart",
            Step::CloseHere => "we close a channel",
            Step::CloseThere => "they close one",
            Step::End => "the offerer ends",
        }
    }

    /// Gives a remark for the table.
    async fn run(
        self,
        pair: &mut Pair,
        counterpart: &Counterpart,
        way: Way,
    ) -> Result<&'static str, String> {
        let first = first(pair);
        match self {
            Step::Connect => connect(pair, way).await?,
            Step::Text => exchange_text(pair, first).await?,
            Step::Megabyte => exchange_bytes(pair, first, MEGABYTE).await?,
            Step::Restart => return restart(pair, counterpart, way).await,
            Step::CloseHere => match pair.far {
                Far::Reports => close_here(pair).await?,
                Far::Janus(plugin) => janus::close_here(pair, plugin).await?,
            },
            Step::CloseThere => match pair.far {
                Far::Reports => close_there(pair).await?,
                Far::Janus(_) => return Ok("not in its API"),
            },
            Step::End => return end(pair, counterpart, way).await,
        }
        Ok("")
    }
}

/// The channel of the first offer.
fn first(pair: &Pair) -> &'static str {
    match pair.far {
        Far::Reports => "first",
        Far::Janus(_) => janus::LABEL,
    }
}

async fn connect(pair: &mut Pair, way: Way) -> Result<(), String> {
    let first = first(pair);
    // Janus leaves it to its clients to open channels.
    if way == Way::WeOffer || pair.far != Far::Reports {
        pair.open(first)?;
    }
    if way == Way::WeOffer {
        pair.offer().await?;
    } else {
        let media = way == Way::TheyOfferMedia;
        pair.tell(json!({ "do": "offer", "media": media, "channel": first, "restart": false }))?;
    }
    pair.until("connection", |pair| {
        let open = match pair.far {
            Far::Reports | Far::Janus(Plugin::Streaming) => pair.is_open(first),
            Far::Janus(_) => pair.state(first) == Some(DataChannelState::Open),
        };
        open && pair.is_connected()
    })
    .await?;
    if let Far::Janus(plugin) = pair.far {
        janus::enter(pair, plugin).await?;
    }
    if way == Way::TheyOfferMedia {
        answered_media(pair)?;
    }
    Ok(())
}

/// Audio and video are in our answer, and neither is rejected.
fn answered_media(pair: &Pair) -> Result<(), String> {
    let answer = pair.pc.local_description().ok_or("no local description")?;
    for kind in ["m=audio ", "m=video "] {
        let taken = |line: &str| {
            let rest = line.strip_prefix(kind);
            rest.is_some_and(|rest| !rest.starts_with("0 "))
        };
        if !answer.sdp.lines().any(taken) {
            return Err(format!("no {kind}in our answer:\n{}", answer.sdp));
        }
    }
    Ok(())
}

async fn exchange_text(pair: &mut Pair, label: &str) -> Result<(), String> {
    if let Far::Janus(plugin) = pair.far {
        return janus::exchange_text(pair, plugin, label).await;
    }
    let (ours, theirs) = ("Grüße, 你好 from here", "Grüße, 你好 from there");
    await_theirs(pair, label, ours.len())?;
    let channel = pair.channel(label)?.clone();
    channel.send_text(ours).await.map_err(said)?;
    pair.tell(json!({ "do": "text", "label": label, "text": theirs }))?;
    both_have(pair, label, ours.as_bytes(), theirs.as_bytes()).await
}

async fn exchange_bytes(pair: &mut Pair, label: &str, count: usize) -> Result<(), String> {
    if let Far::Janus(plugin) = pair.far {
        return janus::exchange_bytes(pair, plugin, label, count).await;
    }
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

async fn restart(
    pair: &mut Pair,
    counterpart: &Counterpart,
    way: Way,
) -> Result<&'static str, String> {
    let before = ufrags(pair);
    let known = pair.seen.descriptions;
    let expected = if way == Way::WeOffer {
        pair.pc.restart_ice();
        pair.offer().await?;
        counterpart.restarts.ours
    } else {
        pair.tell(json!({ "do": "offer", "media": false, "channel": null, "restart": true }))?;
        counterpart.restarts.theirs
    };
    pair.until("answer to the restart", |pair| {
        let answered = pair.seen.descriptions > known && pair.is_stable();
        answered || pair.seen.cannot || pair.seen.refused
    })
    .await?;
    if pair.seen.refused {
        pair.roll_back().await?;
    }
    let after = ufrags(pair);
    let found = match after[1] != before[1] {
        _ if pair.seen.cannot => Restart::Impossible,
        _ if pair.seen.refused => Restart::Refused,
        true => Restart::Done,
        false => Restart::Ignored,
    };
    if found != expected {
        return Err(format!("the restart is {found:?}, not {expected:?}"));
    }
    if found == Restart::Done {
        let new = format!(" ufrag {}", after[0].as_deref().unwrap_or_default());
        pair.until("pair of the new generation", |pair| {
            pair.is_connected() && pair.selected().is_some_and(|[ours, _]| ours.contains(&new))
        })
        .await?;
    }
    exchange_bytes(pair, first(pair), 4 * MESSAGE).await?;
    Ok(match found {
        Restart::Done => "",
        Restart::Ignored => "not answered",
        Restart::Refused => "refused",
        Restart::Impossible => "not in its API",
    })
}

/// The first user name fragment of each end's description: ours, theirs.
fn ufrags(pair: &Pair) -> [Option<String>; 2] {
    let descriptions = [pair.pc.local_description(), pair.pc.remote_description()];
    descriptions.map(|description| {
        let sdp = description?.sdp;
        let line = sdp.lines().find_map(|l| l.strip_prefix("a=ice-ufrag:"));
        line.map(str::to_owned)
    })
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
async fn end(pair: &mut Pair, counterpart: &Counterpart, way: Way) -> Result<&'static str, String> {
    let first = first(pair);
    if way == Way::WeOffer {
        pair.pc.close();
        let closed = |pair: &Pair| pair.seen.closed_there.contains(first);
        pair.until("end at their side", closed).await?;
        return Ok("");
    }
    pair.tell(json!({ "do": "end" }))?;
    if !counterpart.says_goodbye {
        let silent = |pair: &Pair| pair.pc.connection_state() == PeerConnectionState::Disconnected;
        pair.until("silence", silent).await?;
        return Ok("without a word");
    }
    let closed = |pair: &Pair| pair.state(first) == Some(DataChannelState::Closed);
    pair.until("end at our side", closed).await?;
    Ok("")
}
