//! A file over a data channel, as fast as the network takes it and with little memory:
//! `cargo run --release --example file_transfer [FILE]`.
//!
//! `send` waits while the channel has enough to do, so that a file of any size needs no more memory than the
//! high-water mark; the receiver's pace is the sender's, too. What arrived is held against the file's hash.
#![allow(clippy::print_stdout, reason = "an example shows what happens")]

#[path = "pair/mod.rs"]
mod pair;

use std::io::{Cursor, Read};
use std::time::Instant;

use aws_lc_rs::digest::{Context, SHA256};
use duologue::{Configuration, DataChannel, Endpoint, Message};

use pair::{Outcome, announced, negotiate};

/// The size of a message: every peer takes so much, and other channels get their turn between.
const CHUNK: usize = 64 * 1024;
/// What may wait to be sent.
const WAITING: u64 = 1024 * 1024;
/// Without a file: so many bytes.
const DEFAULT_LEN: usize = 32 << 20;

#[tokio::main]
pub(crate) async fn main() -> Outcome<()> {
    let file: Box<dyn Read + Send> =
        match std::env::args().nth(1).filter(|arg| !arg.starts_with('-')) {
            Some(path) => Box::new(std::fs::File::open(path)?),
            None => Box::new(Cursor::new(
                (0..DEFAULT_LEN).map(|n| n as u8).collect::<Vec<u8>>(),
            )),
        };
    let endpoint = Endpoint::builder().loopback(true).build()?;
    let (alice, mut alice_events) = endpoint.connection(Configuration::default())?;
    let (bob, mut bob_events) = endpoint.connection(Configuration::default())?;
    let channel = alice.create_data_channel("file", Default::default())?;
    negotiate((&alice, &mut alice_events), (&bob, &mut bob_events)).await?;
    let incoming = announced(&mut bob_events).await?;

    let begun = Instant::now();
    let (sent, received) = tokio::join!(send(&channel, file), receive(&incoming));
    let (most, len) = (sent?, received?);
    let seconds = begun.elapsed().as_secs_f64();
    println!("{len} bytes in {seconds:.2} s, with at most {most} of them waiting");
    match most <= WAITING + CHUNK as u64 {
        true => Ok(()),
        false => Err("more waited than was to wait".into()),
    }
}

/// The file, then its hash as text. Gives the most that waited at any time.
async fn send(channel: &DataChannel, mut file: impl Read) -> Outcome<u64> {
    channel.set_send_high_water_mark(WAITING);
    channel.opened().await?;
    let mut hash = Context::new(&SHA256);
    let (mut chunk, mut most) = (vec![0; CHUNK], 0);
    loop {
        let len = file.read(&mut chunk)?;
        if len == 0 {
            break;
        }
        hash.update(&chunk[..len]);
        channel.send(chunk[..len].to_vec()).await?;
        most = most.max(channel.buffered_amount());
    }
    channel.send_text(hex(hash)).await?;
    channel.close();
    channel.closed().await?;
    Ok(most)
}

/// How much came, if it is what was sent.
async fn receive(channel: &DataChannel) -> Outcome<usize> {
    let (mut hash, mut len) = (Context::new(&SHA256), 0);
    while let Some(message) = channel.recv().await {
        match message {
            Message::Binary(chunk) => {
                hash.update(&chunk);
                len += chunk.len();
            }
            Message::Text(expected) => {
                return match hex(hash) == expected {
                    true => Ok(len),
                    false => Err("what arrived is not what was sent".into()),
                };
            }
        }
    }
    Err("the channel closed in the middle".into())
}

fn hex(hash: Context) -> String {
    hash.finish()
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
