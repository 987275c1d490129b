//! Files that come from the other end, which may be anybody.

use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use bytes::Bytes;
use duologue::{DataChannel, Message};
use indicatif::HumanBytes;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::limits::{CHUNKS, FILES, TELL_BYTES, TELL_TIME, WORD_BYTES};
use super::name;
use super::store::{self, Found, Kept, Offered, Part};
use super::told::Told;
use super::words::{Said, Sent};
use super::{Going, Shared};
use crate::Failure;
use crate::call::story::Story;

pub(super) struct Receiving {
    pub(super) channel: DataChannel,
    pub(super) story: Story,
    pub(super) shared: Shared,
    /// Where files are kept; nowhere: they are refused.
    pub(super) folder: Option<PathBuf>,
    /// Bytes that are still taken, and files that were.
    pub(super) left: u64,
    pub(super) files: usize,
    /// Bytes that are still compared with files that are here already: that is work, too.
    pub(super) compared: u64,
    /// This end has files of its own to send.
    pub(super) sends: bool,
    /// Bytes of a file that could not be kept may still come: the other end hears of that later.
    pub(super) under_way: bool,
}

/// How a file ended whose bytes were taken.
enum Outcome {
    Whole(Part),
    /// The channel closed.
    Cut(Part),
    Aborted(Part, String),
    /// Too many bytes, or words out of turn.
    Wrong(Part),
    Failed(Part, io::Error),
}

impl Receiving {
    /// Until the other end has no more, or is gone.
    pub(super) async fn run(mut self) {
        loop {
            let offered = match self.channel.recv().await {
                Some(Message::Text(text)) if text.len() <= WORD_BYTES => {
                    serde_json::from_str(&text).ok()
                }
                Some(Message::Binary(_)) if self.under_way => continue,
                Some(_) => None,
                None => break,
            };
            let rest = std::mem::take(&mut self.under_way);
            let served = match offered {
                Some(Sent::Offer { name, size, sha256 }) => match name::tame(&name) {
                    Some(name) => self.offered(Offered { name, size, sha256 }).await,
                    None => self.refuse("", "it has no name that can be kept").await,
                },
                // It gave up what could not be kept anyway.
                Some(Sent::Abort { .. }) if rest => Ok(()),
                Some(Sent::Over) => break,
                _ => Err("the other side says what nobody understands".into()),
            };
            if let Err(failure) = served {
                self.shared
                    .problem("files of the other side", &failure.to_string());
                self.channel.close();
                break;
            }
            self.shared.change(|state| state.receiving = None);
        }
        self.shared.change(|state| state.peer_is_over = true);
    }

    async fn refuse(&self, name: &str, why: &str) -> Result<(), Failure> {
        self.story
            .note(&format!("a file {name:?} was refused: {why}"));
        self.say(&Said::Refuse {
            why: why.to_owned(),
            sends: self.sends,
        })
        .await
    }

    async fn offered(&mut self, offered: Offered) -> Result<(), Failure> {
        let name = offered.name.clone();
        if self.folder.is_none() {
            let why = "this side takes no files; with --receive FOLDER it does";
            return self.refuse(&name, why).await;
        }
        if offered.size > self.left {
            let why = format!(
                "it is larger than the {} still taken",
                HumanBytes(self.left)
            );
            return self.refuse(&name, &why).await;
        }
        if self.files == FILES {
            return self.refuse(&name, "there were too many files").await;
        }
        self.files += 1;
        let found = self.find(&offered).await?;
        if !matches!(found, Ok(Found::Part(_))) {
            self.compared = self.compared.saturating_sub(offered.size);
        }
        match found {
            Ok(Found::Whole(path)) => {
                let bar = Told::new(&self.story, "receiving", &name, offered.size, offered.size);
                self.accept(offered.size).await?;
                let path = path.display().to_string();
                bar.arrived("received", offered.size, offered.sha256, Some(&path));
                self.say(&Said::Done).await
            }
            Ok(Found::Part(part)) => {
                self.left -= offered.size;
                self.take(offered, part).await
            }
            Err(error) => {
                self.shared.problem(&name, &error.to_string());
                self.refuse(&name, &error.to_string()).await
            }
        }
    }

    /// What is here of it. The other end hears that reading it takes its time.
    async fn find(&self, offered: &Offered) -> Result<io::Result<Found>, Failure> {
        let Some(folder) = self.folder.clone() else {
            return Err("there is no folder".into());
        };
        let (told, read) = watch::channel(0);
        let (wanted, most) = (offered.clone(), self.compared);
        let mut finding = tokio::task::spawn_blocking(move || {
            store::find(&folder, wanted, most, |bytes| told.send(bytes).is_ok())
        });
        loop {
            tokio::select! {
                found = &mut finding => return Ok(found?),
                () = tokio::time::sleep(READING) => {
                    let bytes = *read.borrow();
                    self.say(&Said::Reading { bytes }).await?;
                }
            }
        }
    }

    async fn accept(&self, from: u64) -> Result<(), Failure> {
        let sends = self.sends;
        self.say(&Said::Accept { from, sends }).await
    }

    async fn take(&mut self, offered: Offered, part: Part) -> Result<(), Failure> {
        let Offered { name, size, .. } = offered.clone();
        let from = part.len;
        let mut bar = Told::new(&self.story, "receiving", &name, size, from);
        self.shared.change(|state| {
            state.receiving = Some(Going {
                name: name.clone(),
                bytes: from,
                size,
            });
        });
        if let Err(gone) = self.accept(from).await {
            part.leave();
            return Err(gone);
        }
        let taken = self.bytes(part, size, &mut bar).await?;
        match taken {
            Outcome::Whole(part) => {
                let kept = tokio::task::spawn_blocking(|| part.keep()).await?;
                self.kept(kept, bar, &offered, from).await
            }
            Outcome::Cut(part) => {
                let len = part.len;
                let what = match part.leave() {
                    Some(_) => format!(
                        "cut after {} of {}; when it is sent again it goes on there",
                        HumanBytes(len),
                        HumanBytes(size)
                    ),
                    None => "cut before anything came".to_owned(),
                };
                bar.end("cut", &what, |line| line["bytes"] = len.into());
                self.shared.problem(&name, &what);
                Ok(())
            }
            Outcome::Aborted(part, why) => {
                part.discard()?;
                let what = format!("the other side gave it up: {}", super::told_by_peer(&why));
                bar.end("failed", &what, |_| {});
                self.shared.problem(&name, &what);
                Ok(())
            }
            Outcome::Wrong(part) => {
                part.discard()?;
                Err(format!("{name}: the other side sends what was not asked for").into())
            }
            Outcome::Failed(part, error) => {
                part.leave();
                let what = error.to_string();
                bar.end("failed", &what, |_| {});
                self.shared.problem(&name, &what);
                self.under_way = true;
                self.say(&Said::Failed { why: what }).await
            }
        }
    }

    /// Takes what is missing, as fast as the disk does.
    async fn bytes(&self, part: Part, size: u64, bar: &mut Told) -> Result<Outcome, Failure> {
        let mut bytes = part.len;
        let (chunks, writing) = write(part);
        let (mut told, mut told_at) = (bytes, None::<Instant>);
        let end = loop {
            if bytes == size {
                break End::Whole;
            }
            match self.channel.recv().await {
                Some(Message::Binary(chunk)) => {
                    bytes += chunk.len() as u64;
                    if bytes > size {
                        break End::Wrong;
                    }
                    if chunks.send(chunk).await.is_err() {
                        // It could not be written; why is said below.
                        break End::Whole;
                    }
                }
                Some(Message::Text(text)) => match serde_json::from_str(&text) {
                    Ok(Sent::Abort { why }) if text.len() <= WORD_BYTES => break End::Aborted(why),
                    _ => break End::Wrong,
                },
                None => break End::Cut,
            }
            let late = told_at.is_none_or(|at| at.elapsed() >= TELL_TIME);
            if late || bytes - told >= TELL_BYTES {
                (told, told_at) = (bytes, Some(Instant::now()));
                bar.at(bytes);
                self.shared.change(|state| {
                    if let Some(going) = &mut state.receiving {
                        going.bytes = bytes;
                    }
                });
                // That the channel is closed shows above, with what came before.
                let _ = self.say(&Said::Got { bytes }).await;
            }
        };
        drop(chunks);
        let (part, written) = writing.await?;
        Ok(match (written, end) {
            // Who has given it up asks no more what became of it.
            (_, End::Aborted(why)) => Outcome::Aborted(part, why),
            (Err(error), _) => Outcome::Failed(part, error),
            (Ok(()), End::Whole) => Outcome::Whole(part),
            (Ok(()), End::Cut) => Outcome::Cut(part),
            (Ok(()), End::Wrong) => Outcome::Wrong(part),
        })
    }

    async fn kept(
        &self,
        kept: io::Result<Kept>,
        bar: Told,
        offered: &Offered,
        from: u64,
    ) -> Result<(), Failure> {
        let Offered { name, sha256, .. } = offered;
        match kept {
            Ok(Kept::At(path)) => {
                let path = path.display().to_string();
                bar.arrived("received", from, *sha256, Some(&path));
                self.shared.change(|state| state.receiving = None);
                self.say(&Said::Done).await
            }
            Ok(Kept::Damaged(other)) => {
                let why = format!(
                    "what came is something else: SHA-256 {other} instead of {sha256}; it is not kept"
                );
                bar.end("damaged", &why, |_| {});
                self.shared.problem(name, &why);
                self.say(&Said::Damaged { sha256: other }).await
            }
            Err(error) => {
                let why = error.to_string();
                bar.end("failed", &why, |_| {});
                self.shared.problem(name, &why);
                self.say(&Said::Failed { why }).await
            }
        }
    }

    async fn say(&self, word: &Said) -> Result<(), Failure> {
        Ok(self.channel.send_text(serde_json::to_string(word)?).await?)
    }
}

/// Why no more bytes are taken.
enum End {
    Whole,
    Cut,
    Aborted(String),
    Wrong,
}

/// Writes on a thread of its own what it is given, until there is no more.
fn write(mut part: Part) -> (mpsc::Sender<Bytes>, JoinHandle<(Part, io::Result<()>)>) {
    let (chunks, mut given) = mpsc::channel::<Bytes>(CHUNKS);
    let writing = tokio::task::spawn_blocking(move || {
        while let Some(chunk) = given.blocking_recv() {
            if let Err(error) = part.write(&chunk) {
                return (part, Err(error));
            }
        }
        (part, Ok(()))
    });
    (chunks, writing)
}

/// How often the other end hears that what is here of a file is being read.
const READING: Duration = Duration::from_secs(1);
