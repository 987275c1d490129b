//! Files that go to the other end.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use duologue::{DataChannel, Message};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use super::hash::{Hasher, Sha256};
use super::limits::{ANSWER_LIMIT, CHUNK, CHUNKS, WORD_BYTES};
use super::told::Told;
use super::words::{Said, Sent};
use super::{Going, Shared};
use crate::Failure;
use crate::call::story::Story;

/// What ends a file early: the file alone, or the call.
enum Trouble {
    File(String),
    Call(Failure),
}

impl<E: Into<Failure>> From<E> for Trouble {
    fn from(error: E) -> Self {
        Trouble::Call(error.into())
    }
}

pub(super) struct Sending<'a> {
    pub(super) channel: &'a DataChannel,
    pub(super) story: &'a Story,
    pub(super) shared: &'a Shared,
}

/// A file that was read to its end once.
struct Known {
    file: File,
    name: String,
    size: u64,
    sha256: Sha256,
}

impl Sending<'_> {
    /// One after the other; one that does not go leaves the others their turn.
    pub(super) async fn run(&self, paths: &[PathBuf]) -> Result<(), Failure> {
        self.channel.opened().await?;
        for path in paths {
            match self.one(path).await {
                Ok(()) => {}
                Err(Trouble::File(why)) => self.shared.problem(&path.display().to_string(), &why),
                Err(Trouble::Call(failure)) => return Err(failure),
            }
            self.shared.change(|state| state.sending = None);
        }
        self.say(&Sent::Over).await?;
        Ok(())
    }

    async fn one(&self, path: &Path) -> Result<(), Trouble> {
        let known = self.read(path).await?;
        self.shared.change(|state| {
            state.sending = Some(Going {
                name: known.name.clone(),
                bytes: 0,
                size: known.size,
            });
        });
        self.say(&Sent::Offer {
            name: known.name.clone(),
            size: known.size,
            sha256: known.sha256,
        })
        .await?;
        let from = self.accepted(&known).await?;
        self.pass(known, from).await
    }

    /// The first time for its hash: by that the other end knows a part of it again.
    async fn read(&self, path: &Path) -> Result<Known, Trouble> {
        let name = path.file_name().unwrap_or(path.as_os_str());
        let name = name.to_string_lossy().into_owned();
        let (told, mut read) = watch::channel(0);
        let opened = File::open(path).and_then(|file| Ok((file.metadata()?.len(), file)));
        let (size, mut file) = opened.map_err(|error| Trouble::File(error.to_string()))?;
        let mut bar = Told::new(self.story, "reading", &name, size, 0);
        let reading = tokio::task::spawn_blocking(move || {
            let mut hasher = Hasher::new();
            // The end of the program waits for this thread, and nobody else then does.
            let size = hasher.read(&mut file, |bytes| told.send(bytes).is_ok())?;
            Ok::<_, io::Error>((file, size, hasher.finish()))
        });
        while read.changed().await.is_ok() {
            bar.at(*read.borrow_and_update());
        }
        let read = reading.await?;
        let (file, size, sha256) = read.map_err(|error| Trouble::File(error.to_string()))?;
        Ok(Known {
            file,
            name,
            size,
            sha256,
        })
    }

    /// From where on the other end wants it.
    async fn accepted(&self, known: &Known) -> Result<u64, Trouble> {
        let mut bar = None;
        loop {
            let said = timeout(ANSWER_LIMIT, self.hear()).await;
            let said = said.map_err(|_| "the other side does not answer: it may know no files")?;
            match said? {
                Said::Reading { bytes } => bar
                    .get_or_insert_with(|| {
                        Told::new(self.story, "compared", &known.name, known.size, 0)
                    })
                    .at(bytes),
                Said::Accept { from, sends } => {
                    self.shared.change(|state| state.peer_sends |= sends);
                    return match from <= known.size {
                        true => Ok(from),
                        false => Err("the other side has more than all of it".into()),
                    };
                }
                Said::Refuse { why, sends } => {
                    self.shared.change(|state| state.peer_sends |= sends);
                    let why = super::told_by_peer(&why);
                    Told::new(self.story, "sending", &known.name, known.size, 0).end(
                        "refused",
                        &why,
                        |_| {},
                    );
                    return Err(Trouble::File(format!("the other side refuses it: {why}")));
                }
                // Of the file before, said before the other side knew that its rest does not come.
                Said::Got { .. } | Said::Failed { .. } => {}
                _ => return Err("the other side answered out of turn".into()),
            }
        }
    }

    async fn pass(&self, known: Known, from: u64) -> Result<(), Trouble> {
        let Known {
            file,
            name,
            size,
            sha256,
        } = known;
        let mut bar = Told::new(self.story, "sending", &name, size, from);
        let (chunks, mut read) = mpsc::channel(CHUNKS);
        tokio::task::spawn_blocking(move || chunked(file, from, size, &chunks));
        let pump = async {
            while let Some(chunk) = read.recv().await {
                match chunk {
                    Ok(chunk) => self.channel.send(chunk).await?,
                    Err(error) => return Ok::<_, Failure>(error.to_string()),
                }
            }
            std::future::pending().await
        };
        let arrived = async {
            loop {
                match self.hear().await? {
                    Said::Got { bytes } => {
                        let bytes = bytes.min(size);
                        bar.at(bytes);
                        self.shared.change(|state| {
                            if let Some(going) = &mut state.sending {
                                going.bytes = bytes;
                            }
                        });
                    }
                    other => return Ok::<_, Failure>(other),
                }
            }
        };

        let end = tokio::select! {
            why = pump => {
                let why = why?;
                self.say(&Sent::Abort { why: why.clone() }).await?;
                return Err(Trouble::File(why));
            }
            end = arrived => end?,
        };
        match end {
            Said::Done => {
                bar.arrived("sent", from, sha256, None);
                Ok(())
            }
            Said::Damaged { sha256: other } => {
                let why =
                    format!("what arrived is something else: SHA-256 {other} instead of {sha256}");
                bar.end("damaged", &why, |_| {});
                Err(Trouble::File(why))
            }
            Said::Failed { why } => {
                let why = format!(
                    "the other side could not keep it: {}",
                    super::told_by_peer(&why)
                );
                bar.end("failed", &why, |_| {});
                Err(Trouble::File(why))
            }
            _ => Err("the other side answered out of turn".into()),
        }
    }

    async fn say(&self, word: &Sent) -> Result<(), Failure> {
        Ok(self.channel.send_text(serde_json::to_string(word)?).await?)
    }

    async fn hear(&self) -> Result<Said, Failure> {
        match self.channel.recv().await {
            Some(Message::Text(text)) if text.len() <= WORD_BYTES => {
                let said = serde_json::from_str(&text);
                said.map_err(|_| "the other side says what nobody understands".into())
            }
            Some(_) => Err("the other side says what nobody understands".into()),
            None => Err("the other side hung up".into()),
        }
    }
}

/// Gives the file from a byte on to who sends it.
fn chunked(mut file: File, from: u64, size: u64, chunks: &mpsc::Sender<io::Result<Bytes>>) {
    let mut left = size - from;
    let mut next = |file: &mut File| {
        let mut chunk = vec![0; CHUNK.min(usize::try_from(left).unwrap_or(CHUNK))];
        file.read_exact(&mut chunk)
            .map_err(|error| match error.kind() {
                io::ErrorKind::UnexpectedEof => io::Error::other("the file became shorter"),
                _ => error,
            })?;
        left -= chunk.len() as u64;
        Ok((Bytes::from(chunk), left > 0))
    };
    let mut more = file.seek(SeekFrom::Start(from)).map(|_| from < size);
    while let Ok(true) = more {
        let chunk = next(&mut file);
        let (chunk, rest) = match chunk {
            Ok((chunk, rest)) => (Ok(chunk), Ok(rest)),
            Err(error) => (Err(error), Ok(false)),
        };
        more = rest;
        // Nobody sends it any more.
        if chunks.blocking_send(chunk).is_err() {
            return;
        }
    }
    if let Err(error) = more {
        let _ = chunks.blocking_send(Err(error));
    }
}
