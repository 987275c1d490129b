//! `duologue whep play`: what a WHEP server has, counted and, if wanted, written to a file.

use std::path::{Path, PathBuf};
use std::time::Duration;

use duologue::{
    BundlePolicy, Configuration, Endpoint, MediaKind, PeerConnection, RtpReceiver,
    TransceiverDirection, TransceiverInit,
};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, timeout};

use super::Access;
use super::client::{EndpointUrl, shown};
use super::limits::{ROAM_PATIENCE, ROAM_PAUSE, ROAM_TIMEOUT};
use super::playback::FileError;
use super::recorder::{Arrived, Recorder, Target};
use super::roam::{Places, silence};
use super::tell::Tell;
use super::tend::{Gone, Tended, time};
use crate::http::is_loopback;
use crate::ice_server::IceArgs;
use crate::record::RecordArgs;
use crate::{Failure, Interrupt};

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    /// The WHEP endpoint, such as http://127.0.0.1:8080/whep/live
    url: EndpointUrl,
    /// Write what comes to this file: WebM, MP4, IVF, Ogg, H.264 or H.265 by its ending
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// Watch for so long; until the server ends it, when left out
    #[arg(long, value_name = "N", value_parser = crate::seconds)]
    seconds: Option<Duration>,
    #[command(flatten)]
    access: Access,
    #[command(flatten)]
    ice: IceArgs,
    #[command(flatten)]
    log: RecordArgs,
    /// Print what happens as lines of JSON
    #[arg(long)]
    json: bool,
}

/// Until the server ends it, or all of them are gone; until it is enough, or Ctrl-C.
pub(super) async fn run(args: Args) -> Result<(), Failure> {
    let endpoint = Endpoint::builder().loopback(is_loopback(&args.url.0));
    let mut viewing = Viewing {
        endpoint: args.log.apply(endpoint).build()?,
        tell: Tell::new(args.json),
        places: Places::new(args.url.clone()),
        arrived: Vec::new(),
        until: None,
        files: 0,
        args,
    };

    let _control = viewing.args.log.control(&viewing.endpoint)?;
    let mut lost: Option<Instant> = None;
    let mut failure = None;
    let mut interrupt = Interrupt::new();
    loop {
        let outcome = viewing.watch(lost.is_some(), &mut interrupt).await;
        let alone = !viewing.places.are_several();
        match outcome {
            Ok(End::Enough) => break,
            Ok(End::Gone(why)) if alone => {
                failure = of_gone(why);
                break;
            }
            Ok(End::Gone(_)) => {
                lost = None;
                viewing.tell.lost(&shown(&viewing.places.current().0));
            }
            // No other server mends a file.
            Err(failure) if alone || viewing.files == 0 || failure.is::<FileError>() => {
                return Err(failure);
            }
            Err(failure) => {
                let since = *lost.get_or_insert_with(Instant::now);
                if since.elapsed() > ROAM_PATIENCE {
                    return Err(failure);
                }
                tokio::select! {
                    () = sleep(ROAM_PAUSE) => {}
                    () = interrupt.came() => break,
                }
            }
        }
        viewing.places.go_on();
    }

    viewing.tell.played(&viewing.arrived);
    let nothing = viewing.arrived.iter().all(|track| track.frames == 0);
    match failure.or(nothing.then_some("the server sent nothing")) {
        Some(failure) => Err(failure.into()),
        None => Ok(()),
    }
}

/// What is wrong with such an end of the only server: it may end what it has at any time.
fn of_gone(why: Gone) -> Option<&'static str> {
    match why {
        Gone::Ended | Gone::Server => None,
        Gone::Lost | Gone::Dtls => Some(why.told()),
    }
}

/// One stream, wherever it is.
struct Viewing {
    args: Args,
    endpoint: Endpoint,
    tell: Tell,
    places: Places,
    /// Of all sessions.
    arrived: Vec<Arrived>,
    /// When it is enough: a while after the first connection.
    until: Option<Instant>,
    /// Sessions whose frames were recorded.
    files: u32,
}

/// Why a session is over.
enum End {
    Enough,
    /// Its server ended it or is gone.
    Gone(Gone),
}

impl Viewing {
    /// One session, at the place whose turn it is.
    async fn watch(&mut self, again: bool, interrupt: &mut Interrupt) -> Result<End, Failure> {
        let patience = match again {
            true => Duration::ZERO,
            false => self.args.access.patience(),
        };
        let opening = async {
            let opening = self.open(patience);
            match self.places.are_several() {
                true => timeout(ROAM_TIMEOUT, opening).await.map_err(|_| SILENT)?,
                false => opening.await,
            }
        };
        let mut tended = tokio::select! {
            opened = opening => opened?,
            () = interrupt.came() => return Ok(End::Enough),
        };
        self.places.learn(tended.take_alternates());
        self.tell.opened(&tended.shown());

        let pc = tended.connection();
        let recorder = Recorder::new(&receivers(&pc));
        let tally = recorder.tally();
        let end = self.play(&pc, tended, recorder, interrupt).await;
        for (at, track) in tally.tracks().into_iter().enumerate() {
            match self.arrived.get_mut(at) {
                Some(sum) => sum.add(&track),
                None => self.arrived.push(track),
            }
        }
        end
    }

    async fn open(&self, patience: Duration) -> Result<Tended, Failure> {
        let configuration = Configuration {
            bundle_policy: BundlePolicy::MaxBundle,
            ..self.args.ice.configuration()
        };
        let own_servers = configuration.ice_servers.clone();
        let (pc, events) = self.endpoint.connection(configuration)?;
        for kind in [MediaKind::Audio, MediaKind::Video] {
            let init = TransceiverInit {
                direction: TransceiverDirection::Recvonly,
                ..TransceiverInit::default()
            };
            pc.add_transceiver(kind, init)?;
        }
        let server = self.args.access.server(self.places.current())?;
        Tended::open(&server, pc, events, own_servers, patience).await
    }

    async fn play(
        &mut self,
        pc: &PeerConnection,
        tended: Tended,
        mut recorder: Recorder,
        interrupt: &mut Interrupt,
    ) -> Result<End, Failure> {
        let mut progress = tended.progress();
        let tally = recorder.tally();
        let several = self.places.are_several();
        self.files += 1;
        let target = match &self.args.record {
            Some(path) => Target::File(nth(path, self.files)),
            None => Target::Nowhere,
        };
        let mut recording = tokio::spawn(async move { recorder.run(target).await });
        let (end, ended) = oneshot::channel::<()>();
        let tending = tokio::spawn(tended.run(async {
            let _ = ended.await;
        }));

        let watching = async {
            match several {
                true => timeout(ROAM_TIMEOUT, progress.connected())
                    .await
                    .map_err(|_| SILENT)??,
                false => progress.connected().await?,
            }
            self.tell.connected();
            let enough = self.args.seconds.map(|seconds| Instant::now() + seconds);
            self.until = self.until.or(enough);
            let (until, tell) = (self.until, self.tell);
            let first = tally.first_frame();
            tokio::spawn(async move {
                if first.await {
                    tell.playing();
                }
            });
            tokio::select! {
                () = time(until) => Ok(End::Enough),
                () = silence(pc, ROAM_TIMEOUT), if several => Ok(End::Gone(Gone::Lost)),
            }
        };

        let outcome: Result<End, Failure> = tokio::select! {
            outcome = watching => outcome,
            // Also when the server ends it: the frames end with the connection.
            recorded = &mut recording => {
                drop(end);
                tending.await?;
                recorded??;
                return Ok(End::Gone(progress.gone().await));
            }
            () = interrupt.came() => Ok(End::Enough),
        };

        drop(end);
        match &outcome {
            Ok(End::Enough) => tending.await?,
            _ if !several => tending.await?,
            // One that is gone does not answer its deletion.
            _ => {
                let _ = timeout(ROAM_PAUSE, tending).await;
            }
        }

        pc.close();
        recording.await??;
        outcome
    }
}

const SILENT: &str = "the server does not answer";

fn receivers(pc: &PeerConnection) -> Vec<RtpReceiver> {
    let receives = |it: &duologue::RtpTransceiver| {
        it.current_direction() == Some(TransceiverDirection::Recvonly)
    };
    let transceivers = pc.transceivers().into_iter().filter(receives);
    transceivers.map(|it| it.receiver()).collect()
}

/// The file of a session: `seen.webm`, then `seen-2.webm`.
fn nth(path: &Path, number: u32) -> PathBuf {
    if number == 1 {
        return path.to_owned();
    }
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push(format!("-{number}"));
    if let Some(ending) = path.extension() {
        name.push(".");
        name.push(ending);
    }
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_viewer_whose_server_is_killed_fails_and_one_whose_server_ends_it_does_not() {
        assert_eq!(of_gone(Gone::Server).or(of_gone(Gone::Ended)), None);
        for lost in [Gone::Lost, Gone::Dtls] {
            assert_eq!(of_gone(lost), Some(lost.told()));
        }
    }

    #[test]
    fn each_session_has_a_file_of_its_own() {
        let names = [1, 2, 3].map(|number| nth(Path::new("/a/seen.1.webm"), number));
        let expected = ["/a/seen.1.webm", "/a/seen.1-2.webm", "/a/seen.1-3.webm"];
        assert_eq!(names, expected.map(PathBuf::from));
    }
}
