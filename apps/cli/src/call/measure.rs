//! Round trips and throughput against the other end's [`crate::serve`].

use std::time::{Duration, Instant};

use bytes::Bytes;
use duologue::{DataChannel, Message, PeerConnection};
use serde::{Deserialize, Serialize};

use crate::Failure;
use crate::quantile::quantile;

/// Round trips that are timed, one after the other.
const PINGS: usize = 200;
/// Time for all of them; a slow path has fewer.
const PING_LIMIT: Duration = Duration::from_secs(5);
/// Bytes of each message of the throughput.
const CHUNK: usize = 64 * 1024;

/// What was measured. Bytes are counted where they arrive.
#[derive(Debug, Serialize)]
pub(super) struct Measured {
    pub(super) seconds: f64,
    pub(super) rtt_p50_us: f64,
    pub(super) rtt_p99_us: f64,
    pub(super) sent_bytes: u64,
    pub(super) sent_mb_per_s: f64,
    pub(super) received_bytes: u64,
    pub(super) received_mb_per_s: f64,
}

pub(super) async fn run(pc: &PeerConnection, limit: Duration) -> Result<Measured, Failure> {
    let ping = pc.create_data_channel("ping", Default::default())?;
    ping.opened().await?;
    let rtts = round_trips(&ping).await?;
    let meter = pc.create_data_channel("meter", Default::default())?;
    meter.opened().await?;
    if !pc.transceivers().is_empty() {
        // Beside media a channel has no more than its share of what is known of the path, and the other direction's turn
        // comes when all has left: the mebibyte that may wait otherwise could take half a minute.
        meter.set_send_high_water_mark(CHUNK as u64);
    }
    let (sent_bytes, sending) = send(&meter, limit).await?;
    let (received_bytes, receiving) = receive(&meter, limit).await?;
    let rate = |bytes: u64, time: Duration| bytes as f64 / 1e6 / time.as_secs_f64();
    Ok(Measured {
        seconds: limit.as_secs_f64(),
        rtt_p50_us: quantile(&rtts, 0.5),
        rtt_p99_us: quantile(&rtts, 0.99),
        sent_bytes,
        sent_mb_per_s: rate(sent_bytes, sending),
        received_bytes,
        received_mb_per_s: rate(received_bytes, receiving),
    })
}

/// Microseconds, sorted.
async fn round_trips(ping: &DataChannel) -> Result<Vec<f64>, Failure> {
    let began = Instant::now();
    let mut rtts = Vec::with_capacity(PINGS);
    while rtts.is_empty() || rtts.len() < PINGS && began.elapsed() < PING_LIMIT {
        let sent = Instant::now();
        ping.send_text("ping").await?;
        ping.recv().await.ok_or("the other side hung up")?;
        rtts.push(sent.elapsed().as_secs_f64() * 1e6);
    }
    rtts.sort_by(f64::total_cmp);
    Ok(rtts)
}

/// What the other end says of the bytes that it got.
#[derive(Deserialize)]
struct Counted {
    counted: u64,
}

async fn send(meter: &DataChannel, limit: Duration) -> Result<(u64, Duration), Failure> {
    meter.send_text(r#"{"op":"sink"}"#).await?;
    let chunk = Bytes::from(vec![0x64; CHUNK]);
    let end = tokio::time::sleep(limit);
    tokio::pin!(end);
    let began = Instant::now();
    let mut bytes = 0;
    loop {
        tokio::select! {
            () = &mut end => break,
            message = meter.recv() => {
                let Some(Message::Text(text)) = message else {
                    return Err("the other side hung up".into());
                };
                bytes += serde_json::from_str::<Counted>(&text)?.counted;
            }
            sent = meter.send(chunk.clone()) => sent?,
        }
    }
    Ok((bytes, began.elapsed()))
}

async fn receive(meter: &DataChannel, limit: Duration) -> Result<(u64, Duration), Failure> {
    // What was sent before arrives first.
    meter.send_text(r#"{"op":"source"}"#).await?;
    let mut began = None;
    let mut bytes = 0;
    loop {
        match meter.recv().await.ok_or("the other side hung up")? {
            Message::Text(_) => {}
            Message::Binary(data) => {
                let began: Instant = *began.get_or_insert_with(Instant::now);
                bytes += data.len() as u64;
                if began.elapsed() >= limit {
                    meter.send_text(r#"{"op":"stop"}"#).await?;
                    return Ok((bytes, began.elapsed()));
                }
            }
        }
    }
}
