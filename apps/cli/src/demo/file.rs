//! The file channel: takes a file, says its SHA-256, and gives it back.

use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_lc_rs::digest::{Context, SHA256};
use bytes::Bytes;
use duologue::{DataChannel, Exception, Message};
use serde::{Deserialize, Serialize};

use super::budget::{Budget, Kept};
use super::limits::FILE_BYTES;

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
        data: Kept,
        told: Instant,
    },
    /// Its memory counts until the last part of it is sent.
    Whole(Bytes),
}

/// Who is told of a whole file: its bytes and their SHA-256.
type Stored<'a> = &'a (dyn Fn(usize, &str) + Send + Sync);

pub(super) async fn serve(
    channel: &DataChannel,
    budget: &Arc<Budget>,
    stored: Stored<'_>,
) -> Result<(), Exception> {
    let mut store = Store::Empty;
    while let Some(message) = channel.recv().await {
        store = match message {
            Message::Binary(chunk) => take(channel, store, &chunk).await?,
            Message::Text(text) => match serde_json::from_str(&text) {
                Ok(request) => answer(channel, store, &request, budget, stored).await?,
                Err(_) => {
                    refuse(channel, "not a request").await?;
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
    budget: &Arc<Budget>,
    stored: Stored<'_>,
) -> Result<Store, Exception> {
    match (request, store) {
        (Request::Put { size }, _) if *size > FILE_BYTES as u64 => {
            refuse(channel, "the file is larger than 256 MiB").await?;
            Ok(Store::Empty)
        }
        (Request::Put { size }, _) => {
            let size = usize::try_from(*size).unwrap_or(0);
            Ok(Store::Arriving {
                data: Kept::new(size, budget.clone()),
                told: Instant::now(),
            })
        }
        (Request::End, Store::Arriving { data, .. }) => {
            let data = Bytes::from_owner(data);
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
            refuse(channel, "there is no file").await?;
            Ok(store)
        }
    }
}

/// Appends a chunk, if there is room for it.
async fn take(channel: &DataChannel, store: Store, chunk: &[u8]) -> Result<Store, Exception> {
    let Store::Arriving { mut data, mut told } = store else {
        return Ok(store);
    };
    if !data.extend(chunk) {
        refuse(channel, "other visitors' files take all the room").await?;
        return Ok(Store::Empty);
    }
    if told.elapsed() >= PROGRESS {
        told = Instant::now();
        reply(
            channel,
            &Reply::Progress {
                received: data.as_ref().len(),
            },
        )
        .await?;
    }
    Ok(Store::Arriving { data, told })
}

async fn give(channel: &DataChannel, data: &Bytes) -> Result<(), Exception> {
    reply(channel, &Reply::File { size: data.len() }).await?;
    for start in (0..data.len()).step_by(CHUNK) {
        let end = (start + CHUNK).min(data.len());
        channel.send(data.slice(start..end)).await?;
    }
    reply(channel, &Reply::End).await
}

async fn refuse(channel: &DataChannel, text: &str) -> Result<(), Exception> {
    reply(channel, &Reply::Error { text }).await
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
