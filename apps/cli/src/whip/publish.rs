//! `duologue whip publish`: a file to a WHIP server.

use std::path::PathBuf;
use std::time::Duration;

use duologue::files::{Format, Track};
use duologue::{
    BundlePolicy, Configuration, Endpoint, Exception, MediaStreamId, PeerConnection,
    RtpTransceiver, TransceiverDirection, TransceiverInit,
};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, timeout};

use super::Access;
use super::client::{EndpointUrl, shown};
use super::limits::{DRAIN_TIMEOUT, REPAIR_TIME, ROAM_PATIENCE, ROAM_PAUSE, ROAM_TIMEOUT};
use super::playback::{self, FileError, Writers};
use super::roam::Places;
use super::tell::Tell;
use super::tend::{Gone, Tended};
use crate::http::is_loopback;
use crate::ice_server::IceArgs;
use crate::record::RecordArgs;
use crate::{Failure, Interrupt};

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    /// The WHIP endpoint, such as http://127.0.0.1:8080/whip/live
    url: EndpointUrl,
    /// WebM, MP4, IVF, Ogg, H.264 or H.265: at most one track of pictures and one of sound
    file: PathBuf,
    /// Begin again at the end of the file
    #[arg(long = "loop")]
    again: bool,
    #[command(flatten)]
    access: Access,
    #[command(flatten)]
    ice: IceArgs,
    #[command(flatten)]
    record: RecordArgs,
    /// Print what happens as lines of JSON
    #[arg(long)]
    json: bool,
}

/// Until the file is over, all servers are gone, or Ctrl-C.
pub(super) async fn run(args: Args) -> Result<(), Failure> {
    let tracks = playback::tracks(&args.file)?;
    let endpoint = Endpoint::builder().loopback(is_loopback(&args.url.0));
    let mut publishing = Publishing {
        endpoint: args.record.apply(endpoint).build()?,
        tell: Tell::new(args.json),
        places: Places::new(args.url.clone()),
        connected: false,
        tracks,
        args,
    };
    let _control = publishing.args.record.control(&publishing.endpoint)?;
    let mut lost: Option<Instant> = None;
    let mut interrupt = Interrupt::new();
    loop {
        let outcome = publishing.publish(lost.is_some(), &mut interrupt).await;
        match outcome {
            Ok(frames) => {
                publishing.tell.published(frames);
                return Ok(());
            }
            Err(failure) if !publishing.goes_on(&failure) => return Err(failure),
            Err(failure) => {
                if std::mem::take(&mut publishing.connected) {
                    lost = None;
                    let place = publishing.places.current();
                    publishing.tell.lost(&shown(&place.0));
                }
                let since = *lost.get_or_insert_with(Instant::now);
                if since.elapsed() > ROAM_PATIENCE {
                    return Err(failure);
                }
            }
        }
        publishing.places.go_on();
        tokio::select! {
            () = sleep(ROAM_PAUSE) => {}
            () = interrupt.came() => {
                publishing.tell.published(None);
                return Ok(());
            }
        }
    }
}

/// One file, and where it goes.
struct Publishing {
    args: Args,
    endpoint: Endpoint,
    tell: Tell,
    places: Places,
    tracks: Vec<Track>,
    /// The last session was.
    connected: bool,
}

impl Publishing {
    /// Whether another server may help.
    fn goes_on(&self, failure: &Failure) -> bool {
        self.places.are_several() && !failure.is::<FileError>()
    }

    /// One session, at the place whose turn it is. Gives how many frames went, unless it was interrupted.
    async fn publish(
        &mut self,
        again: bool,
        interrupt: &mut Interrupt,
    ) -> Result<Option<u64>, Failure> {
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
        let (mut tended, offered) = tokio::select! {
            opened = opening => opened?,
            () = interrupt.came() => return Ok(None),
        };
        self.places.learn(tended.take_alternates());
        self.tell.opened(&tended.shown());
        let writers = self.agreed(&offered);
        if writers.iter().all(|(_, writer)| writer.is_none()) {
            // It ends the session.
            tended.run(std::future::ready(())).await;
            return Err(REFUSED.into());
        }
        self.send(tended, &writers, interrupt).await
    }

    async fn open(&self, patience: Duration) -> Result<(Tended, Vec<Offered>), Failure> {
        let configuration = Configuration {
            bundle_policy: BundlePolicy::MaxBundle,
            ..self.args.ice.configuration()
        };
        let own_servers = configuration.ice_servers.clone();
        let (pc, events) = self.endpoint.connection(configuration)?;
        let offered = offer(&pc, &self.tracks)?;
        let server = self.args.access.server(self.places.current())?;
        let tended = Tended::open(&server, pc, events, own_servers, patience).await?;
        Ok((tended, offered))
    }

    /// The tracks that the answer takes; others go nowhere, and are told.
    fn agreed(&self, offered: &[Offered]) -> Writers {
        let agreed = offered.iter().map(|(format, transceiver)| {
            let taken = matches!(
                transceiver.current_direction(),
                Some(TransceiverDirection::Sendonly | TransceiverDirection::Sendrecv)
            );
            if !taken {
                self.tell.refused(format.mime_type());
            }
            (*format, taken.then(|| transceiver.sender().frames()))
        });
        agreed.collect()
    }

    async fn send(
        &mut self,
        tended: Tended,
        writers: &Writers,
        interrupt: &mut Interrupt,
    ) -> Result<Option<u64>, Failure> {
        let mut progress = tended.progress();
        let probe = tended.probe();
        let several = self.places.are_several();
        let pc = tended.connection();
        let (end, ended) = oneshot::channel::<()>();
        let tending = tokio::spawn(tended.run(async {
            let _ = ended.await;
        }));

        let media = async {
            match several {
                true => timeout(ROAM_TIMEOUT, progress.connected())
                    .await
                    .map_err(|_| SILENT)??,
                false => progress.connected().await?,
            }
            self.connected = true;
            self.tell.connected();
            let sending = async {
                let sent = playback::send(&self.args.file, writers, self.args.again).await?;
                // A peer that takes so little that this takes longer has them no more in time.
                let _ = timeout(DRAIN_TIMEOUT, playback::drained(writers)).await;
                sleep(REPAIR_TIME).await;
                Ok::<_, Failure>(sent)
            };
            tokio::select! {
                sent = sending => match sent {
                    // A connection that is closed may be noticed by its writers first.
                    Err(error) if error.is::<Exception>() => {
                        match timeout(ROAM_TIMEOUT, progress.gone()).await {
                            Ok(why) => Err(why.told().into()),
                            Err(_) => Err(error),
                        }
                    }
                    sent => sent,
                },
                why = progress.gone() => Err(why.told().into()),
                () = probe.gone(), if several => Err(Gone::Server.told().into()),
            }
        };

        let outcome = tokio::select! {
            outcome = media => outcome.map(Some),
            () = interrupt.came() => Ok(None),
        };
        drop(end);
        match &outcome {
            // One that is gone does not answer its deletion.
            Err(_) if several => {
                let _ = timeout(ROAM_PAUSE, tending).await;
            }
            _ => tending.await?,
        }
        pc.close();
        outcome
    }
}

/// A track of the file, and what may send it.
type Offered = (Format, RtpTransceiver);

/// A transceiver for each track, of one stream (RFC 9725 §4.4.2).
fn offer(pc: &PeerConnection, tracks: &[Track]) -> Result<Vec<Offered>, Failure> {
    let mut offered = Vec::new();
    for track in tracks {
        let init = TransceiverInit {
            direction: TransceiverDirection::Sendonly,
            streams: vec![MediaStreamId::from("duologue")],
            ..TransceiverInit::default()
        };
        let transceiver = pc.add_transceiver(track.format.kind(), init)?;
        playback::prefer(&transceiver, track.format)?;
        offered.push((track.format, transceiver));
    }
    Ok(offered)
}

const SILENT: &str = "the server does not answer";
const REFUSED: &str = "the server refuses all tracks of the file";
