//! The file channel: takes a file, says its SHA-256, and gives it back.

use std::time::{Duration, Instant};

use aws_lc_rs::digest::{Context, SHA256};
use bytes::Bytes;
use duologue::{DataChannel, Exception, Message};
use serde::{Deserialize, Serialize};

/// The largest file that is taken: it is held in memory.
const MAX_FILE: u64 = 256 * 1024 * 1024;
/// Bytes of each message that carries the file back.
const CHUNK: usize = 64 * 1024;
/// How often the page is told of the progress.
const PROGRESS: Duration = Duration::from_millis(50);

#[derive(Debug, Deserialize)]
#[serde(tag = "op", rename_all = "lowercase")]
enum Request {
    Put { size: u64 },
    End,
    Get,
}

#[derive(Debug, Serialize)]
#[serde(tag = "op", rename_all = "lowercase")]
enum Reply<'a> {
    Progress { received: usize },
    Stored { bytes: usize, sha256: &'a str },
    File { size: usize },
    End,
    Error { text: &'a str },
}

/// What is in the store: nothing whole while a file arrives.
enum Store {
    Empty,
    Arriving {
        data: Vec<u8>,
        size: usize,
        told: Instant,
    },
    Whole(Bytes),
}

/// Who is told of a whole file: its bytes and their SHA-256.
type Stored<'a> = &'a (dyn Fn(usize, &str) + Send + Sync);

pub(super) async fn serve(channel: &DataChannel, stored: Stored<'_>) -> Result<(), Exception> {
    let mut store = Store::Empty;
    while let Some(message) = channel.recv().await {
        store = match message {
            Message::Binary(chunk) => take(channel, store, &chunk).await?,
            Message::Text(text) => match serde_json::from_str(&text) {
                Ok(request) => answer(channel, store, &request, stored).await?,
                Err(_) => {
                    reply(
                        channel,
                        &Reply::Error {
                            text: "not a request",
                        },
                    )
                    .await?;
                    store
                }
            },
        };
    }
    Ok(())
}

async fn answer(
    channel: &DataChannel,
    store: Store,
    request: &Request,
    stored: Stored<'_>,
) -> Result<Store, Exception> {
    match (request, store) {
        (Request::Put { size }, _) if *size > MAX_FILE => {
            reply(
                channel,
                &Reply::Error {
                    text: "the file is larger than 256 MiB",
                },
            )
            .await?;
            Ok(Store::Empty)
        }
        (Request::Put { size }, _) => {
            let size = usize::try_from(*size).unwrap_or(0);
            Ok(Store::Arriving {
                data: Vec::new(),
                size,
                told: Instant::now(),
            })
        }
        (Request::End, Store::Arriving { data, .. }) => {
            let data = Bytes::from(data);
            let sha256 = sha256(&data).await;
            stored(data.len(), &sha256);
            reply(
                channel,
                &Reply::Stored {
                    bytes: data.len(),
                    sha256: &sha256,
                },
            )
            .await?;
            Ok(Store::Whole(data))
        }
        (Request::Get, Store::Whole(data)) => {
            give(channel, &data).await?;
            Ok(Store::Whole(data))
        }
        (Request::End | Request::Get, store) => {
            reply(
                channel,
                &Reply::Error {
                    text: "there is no file",
                },
            )
            .await?;
            Ok(store)
        }
    }
}

/// Appends a chunk; what is more than was announced is not kept.
async fn take(channel: &DataChannel, store: Store, chunk: &[u8]) -> Result<Store, Exception> {
    let Store::Arriving {
        mut data,
        size,
        mut told,
    } = store
    else {
        return Ok(store);
    };
    let room = size.saturating_sub(data.len());
    data.extend_from_slice(&chunk[..chunk.len().min(room)]);
    if told.elapsed() >= PROGRESS {
        told = Instant::now();
        reply(
            channel,
            &Reply::Progress {
                received: data.len(),
            },
        )
        .await?;
    }
    Ok(Store::Arriving { data, size, told })
}

async fn give(channel: &DataChannel, data: &Bytes) -> Result<(), Exception> {
    reply(channel, &Reply::File { size: data.len() }).await?;
    for start in (0..data.len()).step_by(CHUNK) {
        let end = (start + CHUNK).min(data.len());
        channel.send(data.slice(start..end)).await?;
    }
    reply(channel, &Reply::End).await
}

async fn reply(channel: &DataChannel, reply: &Reply<'_>) -> Result<(), Exception> {
    let text = serde_json::to_string(reply).unwrap_or_default();
    channel.send_text(text).await
}

/// In hexadecimal; on a thread for long work, so that no connection waits for it.
async fn sha256(data: &Bytes) -> String {
    let data = data.clone();
    let work = tokio::task::spawn_blocking(move || {
        let mut context = Context::new(&SHA256);
        context.update(&data);
        context
            .finish()
            .as_ref()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    });
    // The work cannot panic and is not cancelled.
    work.await.unwrap_or_default()
}
