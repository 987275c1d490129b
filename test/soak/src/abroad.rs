//! The other end of connections as a process of its own, which can be killed and stopped. Descriptions go over its
//! standard input and output, a line of JSON each.

use std::collections::HashMap;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use duologue::{
    DataChannel, Endpoint, Event, Events, PeerConnection, PeerConnectionState, SessionDescription,
};
use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, timeout};

use crate::Outcome;
use crate::life::{echo, read_stamp, stamped};
use crate::limits::SETUP_MAX;
use crate::peer::{Peer, endpoint, text};

/// What is told across.
#[derive(Deserialize, Serialize)]
struct Told {
    /// Of which connection.
    number: usize,
    description: SessionDescription,
}

/// A process with the other ends. Dropping it ends it.
pub(crate) struct Abroad {
    child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Abroad {
    pub(crate) fn start() -> Outcome<Self> {
        let program = std::env::current_exe().map_err(text)?;
        let mut command = Command::new(program);
        command.args(["--part", "abroad"]).kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(text)?;
        let input = child.stdin.take().ok_or("no pipe")?;
        let output = child.stdout.take().ok_or("no pipe")?;
        Ok(Abroad {
            child,
            input,
            output: BufReader::new(output).lines(),
        })
    }

    /// A connection to it, with a channel whose messages come back.
    pub(crate) async fn connect(&mut self, here: &Endpoint, number: usize) -> Outcome<Link> {
        let mut peer = Peer::new(here)?;
        let made = peer
            .connection
            .create_data_channel("abroad", Default::default());
        let channel = made.map_err(text)?;
        self.negotiate(&mut peer, number).await?;
        let opened = timeout(SETUP_MAX, channel.opened()).await;
        opened.map_err(text)?.map_err(text)?;
        Ok(Link {
            number,
            peer,
            channel,
            begin: Instant::now(),
            sent: 0,
            came: 0,
        })
    }

    /// An offer with all candidates, and its answer.
    async fn negotiate(&mut self, peer: &mut Peer, number: usize) -> Outcome {
        let description = peer.describe().await?;
        let told = Told {
            number,
            description,
        };
        let line = serde_json::to_string(&told).map_err(text)? + "\n";
        self.input.write_all(line.as_bytes()).await.map_err(text)?;
        let line = timeout(SETUP_MAX, self.output.next_line()).await;
        let line = line.map_err(text)?.map_err(text)?;
        let line = line.ok_or("the other process ended")?;
        let told: Told = serde_json::from_str(&line).map_err(text)?;
        match told.number == number {
            true => peer.hear(told.description).await,
            false => Err("answered for another connection".to_owned()),
        }
    }

    /// Restarts ICE of a connection.
    pub(crate) async fn restart(&mut self, link: &mut Link) -> Outcome {
        link.peer.connection.restart_ice();
        self.negotiate(&mut link.peer, link.number).await
    }

    /// Sends it a signal of the system.
    pub(crate) fn signal(&self, signal: Signal) -> Outcome {
        let id = self.child.id().ok_or("it has ended")?;
        let id = Pid::from_raw(id.cast_signed()).ok_or("it has ended")?;
        kill_process(id, signal).map_err(text)
    }
}

/// This process' end of one connection.
pub(crate) struct Link {
    number: usize,
    pub(crate) peer: Peer,
    channel: DataChannel,
    begin: Instant,
    sent: u64,
    came: u64,
}

impl Link {
    pub(crate) fn send(&mut self) -> Outcome {
        let message = stamped(self.sent, self.begin.elapsed());
        self.channel.try_send(message).map_err(text)?;
        self.sent += 1;
        Ok(())
    }

    /// All that was sent comes back: whole, once, in order.
    pub(crate) async fn all_back(&mut self, limit: Duration) -> Outcome {
        while self.came < self.sent {
            let message = timeout(limit, self.channel.recv()).await;
            let message = message.map_err(|_| "a message did not come back")?;
            let message = message.ok_or("a channel closed by itself")?.into_bytes();
            let (number, _) = read_stamp(&message).ok_or("a message is cut off")?;
            if number != self.came {
                return Err("messages are lost, doubled or out of order".to_owned());
            }
            self.came += 1;
        }
        Ok(())
    }

    /// It says that it is in this state, or is in it already.
    pub(crate) async fn becomes(&mut self, state: PeerConnectionState, limit: Duration) -> Outcome {
        let become_so = async {
            while self.peer.connection.connection_state() != state {
                self.peer.next().await?;
            }
            Ok(())
        };
        let became = timeout(limit, become_so).await;
        became.map_err(|_| format!("a connection did not become {state:?}"))?
    }
}

/// What that process does: it answers every offer, and echoes.
pub(crate) async fn answer() -> Outcome {
    let here = endpoint(false)?;
    let mut lines = told();
    let mut peers = HashMap::new();
    while let Some(line) = lines.recv().await {
        let Told {
            number,
            description,
        } = serde_json::from_str(&line).map_err(text)?;
        let peer = match peers.remove(&number) {
            Some(peer) => peer,
            None => Answerer::start(Peer::new(&here)?),
        };
        let description = peer.answer(description).await?;
        peers.insert(number, peer);
        let told = Told {
            number,
            description,
        };
        println!("{}", serde_json::to_string(&told).map_err(text)?);
    }
    Ok(())
}

/// The lines of its input.
fn told() -> mpsc::UnboundedReceiver<String> {
    let (sender, lines) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            // Nobody listens when the process ends.
            let _ = sender.send(line);
        }
    });
    lines
}

/// A connection of that process.
struct Answerer {
    connection: PeerConnection,
    gathered: Arc<Notify>,
}

impl Answerer {
    fn start(peer: Peer) -> Self {
        let gathered = Arc::new(Notify::new());
        let Peer {
            connection, events, ..
        } = peer;
        tokio::spawn(attend(events, gathered.clone()));
        Answerer {
            connection,
            gathered,
        }
    }

    async fn answer(&self, offer: SessionDescription) -> Outcome<SessionDescription> {
        let heard = self.connection.set_remote_description(offer);
        heard.await.map_err(text)?;
        let made = self.connection.set_local_description(None);
        made.await.map_err(text)?;
        self.gathered.notified().await;
        let description = self.connection.local_description();
        description.ok_or_else(|| "no description".to_owned())
    }
}

async fn attend(mut events: Events, gathered: Arc<Notify>) {
    while let Some(event) = events.recv().await {
        match event {
            Event::IceCandidate(None) => gathered.notify_one(),
            Event::DataChannel(channel) => {
                tokio::spawn(async move { echo(&channel).await });
            }
            _ => {}
        }
    }
}
