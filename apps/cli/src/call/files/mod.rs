//! Files between the two ends of a call: with a checksum, and gone on with after a call that was cut.

mod hash;
mod limits;
mod name;
mod receive;
mod send;
mod store;
mod told;
mod words;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use duologue::{DataChannel, PeerConnection};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::story::Story;
use crate::Failure;
use receive::Receiving;
use send::Sending;
pub(super) use words::LABEL;

/// What of files.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct FileArgs {
    /// Send a file (repeatable). The call ends when all have arrived, those of the other side too; after one that was
    /// cut the same command goes on where it was
    #[arg(long = "send", value_name = "FILE", conflicts_with_all = ["url", "seconds"])]
    send: Vec<PathBuf>,
    /// Keep files that the other side sends, in this folder; nothing in it is written over
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["url", "seconds"])]
    receive: Option<PathBuf>,
    /// The most that is taken of the other side's files in one call, in bytes or as 500M, 16G
    #[arg(long, value_name = "SIZE", default_value = "16G", requires = "receive", value_parser = size)]
    receive_limit: u64,
}

impl FileArgs {
    /// What can be known before somebody is called.
    ///
    /// # Errors
    /// A file cannot be read; there is no such folder.
    pub(super) fn check(&self) -> Result<(), Failure> {
        for path in &self.send {
            let told = |error| format!("{}: {error}", path.display());
            // Who opens a pipe waits for who writes to it.
            if !std::fs::metadata(path).map_err(told)?.is_file() {
                let hint = "it is no file; what is in a folder goes as an archive (tar)";
                return Err(format!("{}: {hint}", path.display()).into());
            }
            std::fs::File::open(path).map_err(told)?;
        }
        match &self.receive {
            Some(folder) if !folder.is_dir() => {
                Err(format!("{}: there is no such folder", folder.display()).into())
            }
            _ => Ok(()),
        }
    }

    pub(super) fn sends(&self) -> bool {
        !self.send.is_empty()
    }
}

/// Bytes, as `1500`, `500M` or `16G`.
fn size(text: &str) -> Result<u64, &'static str> {
    const WRONG: &str = "write it in bytes, or as 500M or 16G";
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let shift = match text[digits.len()..].to_ascii_uppercase().as_str() {
        "" => 0,
        "K" => 10,
        "M" => 20,
        "G" => 30,
        "T" => 40,
        _ => return Err(WRONG),
    };
    let number: u64 = digits.parse().map_err(|_| WRONG)?;
    number.checked_mul(1 << shift).ok_or(WRONG)
}

/// All files of a call, both ways.
pub(super) struct Files {
    args: FileArgs,
    story: Story,
    shared: Shared,
    receiving: Mutex<Option<JoinHandle<()>>>,
}

impl Files {
    pub(super) fn new(args: FileArgs, story: Story) -> Self {
        let shared = Shared(Arc::new(watch::Sender::new(State::default())));
        Files {
            args,
            story,
            shared,
            receiving: Mutex::default(),
        }
    }

    /// The channel for what is sent, which is made before the call is negotiated.
    ///
    /// # Errors
    /// The connection is closed.
    pub(super) fn channel(&self, pc: &PeerConnection) -> Result<Option<DataChannel>, Failure> {
        match self.args.sends() {
            true => Ok(Some(pc.create_data_channel(LABEL, Default::default())?)),
            false => Ok(None),
        }
    }

    /// The other end's channel; a second one is closed.
    pub(super) fn take(&self, channel: DataChannel) {
        let mut receiving = self
            .receiving
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if receiving.is_some() {
            return channel.close();
        }
        let task = Receiving {
            channel,
            story: self.story.clone(),
            shared: self.shared.clone(),
            folder: self.args.receive.clone(),
            left: self.args.receive_limit,
            compared: self.args.receive_limit,
            files: 0,
            sends: self.args.sends(),
            under_way: false,
        };
        // Its answers say so, too; there may be none, if no file of ours can be read.
        self.shared.change(|state| state.peer_sends = true);
        *receiving = Some(tokio::spawn(task.run()));
    }

    /// Sends what is to be sent, and waits for what the other end sends meanwhile. For ever, if nothing is to be sent.
    ///
    /// # Errors
    /// The other end is gone, or none of ours.
    pub(super) async fn send(&self, channel: Option<&DataChannel>) -> Result<(), Failure> {
        let Some(channel) = channel else {
            return std::future::pending().await;
        };
        let sending = Sending {
            channel,
            story: &self.story,
            shared: &self.shared,
        };
        sending.run(&self.args.send).await?;
        self.shared.change(|state| state.is_over = true);
        let mut state = self.shared.0.subscribe();
        let over = state.wait_for(|state| !state.peer_sends || state.peer_is_over);
        // The other side of it is in `self`.
        let _ = over.await;
        Ok(())
    }

    /// What came is kept, once the connection is closed. A call that went `well` may have ended too early all the same.
    ///
    /// # Errors
    /// Not every file arrived.
    pub(super) async fn finish(&self, well: bool) -> Result<(), Failure> {
        let receiving = {
            let mut receiving = self
                .receiving
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            receiving.take()
        };
        if let Some(receiving) = receiving {
            receiving.await?;
        }
        let state = self.shared.0.borrow();
        let mut problems = state.problems.clone();
        if let Some(Going { name, bytes, size }) = &state.sending {
            let [bytes, size] = [bytes, size].map(|it| indicatif::HumanBytes(*it));
            problems.push(format!(
                "{name}: cut after {bytes} of {size}; the same command goes on there"
            ));
        }
        if problems.is_empty() && well && self.args.sends() && !state.is_over {
            problems.push("the call ended before all files were sent".to_owned());
        }
        match problems.is_empty() {
            true => Ok(()),
            false => Err(problems.join("\n").into()),
        }
    }
}

/// What both directions know of each other.
#[derive(Clone, Debug)]
struct Shared(Arc<watch::Sender<State>>);

#[derive(Debug, Default)]
struct State {
    sending: Option<Going>,
    /// All that was to be sent was, or could not be.
    is_over: bool,
    receiving: Option<Going>,
    /// The other end has files to send; it has sent the last one.
    peer_sends: bool,
    peer_is_over: bool,
    /// What went wrong with which file.
    problems: Vec<String>,
}

/// A file on its way.
#[derive(Debug)]
struct Going {
    name: String,
    bytes: u64,
    size: u64,
}

impl Shared {
    fn change(&self, change: impl FnOnce(&mut State)) {
        self.0.send_modify(change);
    }

    fn problem(&self, name: &str, why: &str) {
        self.change(|state| {
            if state.problems.len() < limits::FILES {
                state.problems.push(format!("{name}: {why}"));
            }
        });
    }
}

/// What the other end says, as it may stand in a terminal.
fn told_by_peer(text: &str) -> String {
    crate::plain::line(text)
        .chars()
        .take(limits::TOLD)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_opens_a_channel_for_files_is_waited_for_before_anything_is_answered() {
        let endpoint = duologue::Endpoint::builder().build().unwrap();
        let (pc, _events) = endpoint.connection(Default::default()).unwrap();
        let files = Files::new(FileArgs::default(), Story::new(true));
        files.take(pc.create_data_channel(LABEL, Default::default()).unwrap());
        assert!(files.shared.0.borrow().peer_sends);
    }

    #[test]
    fn a_size_is_a_number_of_bytes_with_a_letter_or_none() {
        for (text, bytes) in [("0", 0), ("1500", 1500), ("2k", 2048), ("16G", 16 << 30)] {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        for wrong in ["", "G", "1.5G", "-1", "1GiB", "99999999T", "1ü"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }
}
