//! `duologue call`: two programs, or a program and the demo, connected from their terminals.

mod files;
mod measure;
mod room;
mod signal;
mod story;
mod talk;
mod terminal;
mod web;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use duologue::{
    DataChannel, Endpoint, Event, Events, IceCandidateInit, PeerConnection, PeerConnectionState,
    TcpTypes,
};
use tokio::sync::{mpsc, watch};

use crate::ice_server::IceArgs;
use crate::media::{MediaArgs, Sent, Sinks};
use crate::record::RecordArgs;
use crate::tls::CertHash;
use crate::{Failure, interrupted, meter};
use files::{FileArgs, Files};
use room::Seat;
use signal::Progress;
use story::Story;
use terminal::Lines;

/// How long the two may take to find each other once both know each other's description. Who answers by pasting does
/// not know when the other one does, and waits until it hears of it.
const CONNECT_LIMIT: Duration = Duration::from_secs(40);
/// How long the other end may take to notice that the call is over.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Answer a call: paste the line that the other side printed
    #[arg(long, conflicts_with_all = ["url", "room"])]
    answer: bool,
    /// Call whoever names the same room at a `duologue rooms`; who comes first waits
    #[arg(long, value_name = "NAME", requires = "server", conflicts_with = "url")]
    room: Option<room::Name>,
    /// Where `duologue rooms` runs that --room is at
    #[arg(long, value_name = "URL", requires = "room", group = "web")]
    server: Option<web::Url>,
    /// Call a running `duologue demo` at its address, such as http://127.0.0.1:8080/
    #[arg(long, value_name = "URL", group = "web")]
    url: Option<web::Url>,
    /// The SHA-256 hash that the demo at --url, or --server, printed for its certificate; without it the certificate
    /// must be one that this platform trusts
    #[arg(long, value_name = "HASH", requires = "web")]
    cert_hash: Option<CertHash>,
    #[command(flatten)]
    ice: IceArgs,
    #[command(flatten)]
    record: RecordArgs,
    #[command(flatten)]
    media: MediaArgs,
    #[command(flatten)]
    files: FileArgs,
    /// Use loopback addresses too, for two programs of one machine (implied by a --url or --server on loopback)
    #[arg(long)]
    loopback: bool,
    /// Use TCP only: connections from the other side are accepted on a port of each address
    #[arg(long)]
    no_udp: bool,
    /// Certificates in PEM form that count for turns: and stuns: servers, instead of the platform's
    #[arg(long, value_name = "FILE")]
    tls_roots: Option<PathBuf>,
    /// Measure round trips, then throughput for so long each way, and hang up
    #[arg(long, value_name = "N", value_parser = crate::seconds)]
    seconds: Option<Duration>,
    /// Print everything as lines of JSON
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Two terminals, anywhere:
  duologue call                         prints a line; paste it into
  duologue call --answer                which prints one to paste back
then every line that is typed is said to the other side; Ctrl-D hangs up.

By the name of a room, at a `duologue rooms` that both reach:
  duologue call --server https://HOST:8080/ --cert-hash HASH --room NAME

With a picture and a tone there, and what comes in a file:
  duologue call --test-pattern --record seen.y4m

A file, into a folder of the other side's; when the call is cut, again the same way:
  duologue call --send holiday.mp4
  duologue call --answer --receive downloads

Only through a TURN server:
  duologue call --relay-only --ice-server turn:ann:secret@turn.example.org

What happens goes to standard error; the line to paste and what the other side says, to
standard output. In user names and passwords, write @ : / ? as %40 %3A %2F %3F.";

pub(crate) async fn run(args: Args) -> Result<(), Failure> {
    args.files.check()?;
    let mut servers = args.url.iter().chain(&args.server);
    let loopback = args.loopback || servers.any(web::Url::is_loopback);
    let mut endpoint = Endpoint::builder()
        .loopback(loopback)
        .udp(!args.no_udp)
        .tcp(TcpTypes {
            passive: args.no_udp,
            ..TcpTypes::default()
        });
    if let Some(file) = &args.tls_roots {
        let pem = std::fs::read(file).map_err(|e| format!("{}: {e}", file.display()))?;
        endpoint = endpoint.tls_roots(pem);
    }

    let endpoint = args.record.apply(endpoint).build()?;
    let _control = args.record.control(&endpoint)?;
    let (pc, events) = endpoint.connection(args.ice.configuration())?;
    let story = Story::new(args.json);
    let files = Arc::new(Files::new(args.files.clone(), story.clone()));
    let (progress, watched) = watch::channel(Progress::default());
    let (announce, announced) = mpsc::channel(1);
    let (trickle, candidates) = mpsc::channel(MAX_CANDIDATES);
    let host = Host {
        pc: pc.clone(),
        story: story.clone(),
        progress,
        announce,
        files: files.clone(),
        trickle: (args.url.is_some() || args.room.is_some()).then_some(trickle),
    };

    let events = tokio::spawn(host.watch(events));
    let failed = signal::failed(watched.clone());
    let lines = match args.media.takes_stdin() {
        true if args.url.is_none() && args.room.is_none() => {
            return Err(
                "what is piped in cannot be pasted, too: - goes with --url or --room".into(),
            );
        }
        true => Lines::none(),
        false => Lines::read(),
    };
    let call = Call {
        pc: pc.clone(),
        story: story.clone(),
        watched,
        lines,
        files: files.clone(),
        args,
    };

    let mut sinks = None;
    let outcome = tokio::select! {
        outcome = call.run(announced, candidates, &mut sinks) => outcome,
        // The other side is gone without a word, or was never found.
        () = failed => Err(story.why_not(&pc).await.into()),
        () = interrupted() => Ok(()),
    };

    pc.close();
    events.await?;
    // What was recorded counts however the call ended.
    let recorded = match sinks {
        Some(sinks) => sinks.finish().await,
        None => Ok(()),
    };
    // Whether every file arrived says more than that the other side hung up.
    files
        .finish(outcome.is_ok())
        .await
        .and(outcome)
        .and(recorded)
}

/// Serves the other end's measurements; a channel with another label is left alone.
fn answer(channel: DataChannel) {
    tokio::spawn(async move {
        // The other end went away: its channel closes by itself.
        let _ = match channel.label() {
            "meter" => meter::serve(&channel).await,
            "ping" => meter::echo(&channel).await,
            _ => Ok(()),
        };
    });
}

struct Call {
    args: Args,
    pc: PeerConnection,
    story: Story,
    watched: watch::Receiver<Progress>,
    lines: Lines,
    files: Arc<Files>,
}

impl Call {
    async fn run(
        mut self,
        mut announced: mpsc::Receiver<DataChannel>,
        candidates: mpsc::Receiver<IceCandidateInit>,
        sinks: &mut Option<Sinks>,
    ) -> Result<(), Failure> {
        let mut seat = match (&self.args.server, &self.args.room) {
            (Some(url), Some(name)) => {
                let (url, certificate) = (url.clone(), self.args.cert_hash);
                Some(Seat::take(url, certificate, name, &self.story).await?)
            }
            _ => None,
        };
        let answers = seat.as_ref().map_or(self.args.answer, |seat| seat.first);
        let mut sent = self.args.media.offer(&self.pc, answers).await?;
        let own_chat = match answers {
            true => None,
            false => Some(self.pc.create_data_channel("chat", Default::default())?),
        };
        let outgoing = self.files.channel(&self.pc)?;
        match (&self.args.url, &mut seat) {
            (Some(url), _) => {
                let certificate = self.args.cert_hash;
                web::negotiate(url.clone(), certificate, &self.pc, &self.story, candidates).await?;
            }
            (None, Some(seat)) => seat.negotiate(&self.pc, &self.story, candidates).await?,
            (None, None) => self.negotiate_by_pasting().await?,
        }
        *sinks = Some(self.args.media.keep(&self.pc)?);

        let chat = async {
            let chat = match own_chat {
                Some(chat) => chat,
                None => announced.recv().await.ok_or("the call ended")?,
            };
            chat.opened().await?;
            Ok::<_, Failure>(chat)
        };

        let pasted = seat.is_none() && self.args.answer;
        let begun = async {
            if pasted {
                signal::reached(self.watched.clone()).await;
            }
        };
        let chat = match within(CONNECT_LIMIT, begun, chat).await {
            Some(chat) => chat?,
            None => return Err(self.story.why_not(&self.pc).await.into()),
        };

        if let Some(seat) = seat {
            seat.leave().await;
        }
        if pasted {
            // From now on ICE may fail, as it does when the other side is gone without a word.
            let end = IceCandidateInit::default();
            self.pc.add_ice_candidate(end).await?;
        }
        self.story.connected(&self.pc).await;
        sent.begin().await?;
        for label in sent.labels() {
            self.story.note(&format!("sends {label}"));
        }
        self.talk(&chat, &sent, outgoing.as_ref()).await?;
        self.story.came(&self.pc).await;
        self.story.ended(&self.pc).await;
        Ok(())
    }

    /// Until one of the two hangs up, or all is done that this end was asked for.
    async fn talk(
        &mut self,
        chat: &DataChannel,
        sent: &Sent,
        outgoing: Option<&DataChannel>,
    ) -> Result<(), Failure> {
        if let Some(seconds) = self.args.seconds {
            let measured = measure::run(&self.pc, seconds).await?;
            self.story.measured(&measured);
            chat.close();
            // The other end confirms, unless it is gone.
            let _ = tokio::time::timeout(CLOSE_TIMEOUT, chat.closed()).await;
        } else {
            if self.lines.typed {
                self.story
                    .note("what you type is said to the other side; Ctrl-D hangs up");
            }
            let over = self.args.media.over(sent);
            tokio::select! {
                talked = talk::run(chat, &mut self.lines, &self.story) => talked?,
                sent = self.files.send(outgoing) => {
                    sent?;
                    talk::hang_up(chat).await;
                }
                () = over => talk::hang_up(chat).await,
            }
        }
        Ok(())
    }

    async fn negotiate_by_pasting(&mut self) -> Result<(), Failure> {
        let (pc, story) = (&self.pc, &self.story);
        if self.args.answer {
            story.note("paste the line of the side that calls");
            let offer = signal::read(&mut self.lines, story).await?;
            pc.set_remote_description(signal::open_ended(offer)).await?;
        }
        pc.set_local_description(None).await?;
        signal::gathered(&mut self.watched).await;
        let description = pc.local_description().ok_or("there is no description")?;
        story.description(&description, &signal::encode(&description)?);
        if !self.args.answer {
            story.note("then paste here what it prints");
            let answer = signal::read(&mut self.lines, story).await?;
            pc.set_remote_description(answer).await?;
        }
        Ok(())
    }
}

/// What becomes ready before the limit is over, which runs from when it has begun.
async fn within<T>(
    limit: Duration,
    begun: impl Future<Output = ()>,
    ready: impl Future<Output = T>,
) -> Option<T> {
    let over = async {
        begun.await;
        tokio::time::sleep(limit).await;
    };
    tokio::select! {
        ready = ready => Some(ready),
        () = over => None,
    }
}

/// Candidates that wait to be sent over HTTP.
const MAX_CANDIDATES: usize = 256;

/// Reads the connection's events: tells them, serves the other end's channels.
struct Host {
    pc: PeerConnection,
    story: Story,
    progress: watch::Sender<Progress>,
    announce: mpsc::Sender<DataChannel>,
    files: Arc<Files>,
    trickle: Option<mpsc::Sender<IceCandidateInit>>,
}

impl Host {
    async fn watch(self, mut events: Events) {
        while let Some(event) = events.recv().await {
            self.story.event(&event, &self.pc).await;
            match event {
                Event::IceCandidate(None) => {
                    self.progress
                        .send_modify(|progress| progress.gathered = true);
                }
                Event::IceCandidate(Some(candidate)) => {
                    if let Some(trickle) = &self.trickle {
                        // Candidates above the limit are not missed.
                        let _ = trickle.try_send(candidate.init);
                    }
                }
                Event::ConnectionStateChange(PeerConnectionState::Connected) => {
                    self.progress
                        .send_modify(|progress| progress.reached = true);
                }
                Event::ConnectionStateChange(PeerConnectionState::Failed) => {
                    self.progress.send_modify(|progress| progress.failed = true);
                }
                Event::DataChannel(channel) if channel.label() == "chat" => {
                    // A second one is not listened to.
                    let _ = self.announce.try_send(channel);
                }
                Event::DataChannel(channel) if channel.label() == files::LABEL => {
                    self.files.take(channel);
                }
                Event::DataChannel(channel) => answer(channel),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use tokio::time::sleep;

    use super::*;

    #[tokio::test]
    async fn a_limit_runs_from_when_the_other_end_is_heard_of() {
        let limit = Duration::from_millis(1);
        let later = || sleep(limit * 20);
        assert_eq!(within(limit, pending(), later()).await, Some(()));
        assert_eq!(within(limit, later(), pending::<()>()).await, None);
        assert_eq!(within(limit, ready(()), pending::<()>()).await, None);
    }
}
