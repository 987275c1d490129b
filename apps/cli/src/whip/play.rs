//! `duologue whep play`: what a WHEP server has, counted and, if wanted, written to a file.

use std::path::PathBuf;
use std::time::Duration;

use duologue::{
    BundlePolicy, Configuration, Endpoint, MediaKind, RtpReceiver, TransceiverDirection,
    TransceiverInit,
};
use tokio::sync::oneshot;
use tokio::time::sleep;

use super::Access;
use super::client::EndpointUrl;
use super::recorder::{Arrived, Recorder};
use super::tell::Tell;
use super::tend::Tended;
use crate::http::is_loopback;
use crate::ice_server::IceArgs;
use crate::record::RecordArgs;
use crate::{Failure, interrupted};

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

pub(super) async fn run(args: Args) -> Result<(), Failure> {
    let tell = Tell::new(args.json);
    let endpoint = Endpoint::builder().loopback(is_loopback(&args.url.0));
    let endpoint = args.log.apply(endpoint).build()?;
    let configuration = Configuration {
        bundle_policy: BundlePolicy::MaxBundle,
        ..args.ice.configuration()
    };
    let own_servers = configuration.ice_servers.clone();
    let (pc, events) = endpoint.connection(configuration)?;
    for kind in [MediaKind::Audio, MediaKind::Video] {
        let direction = TransceiverDirection::Recvonly;
        let init = TransceiverInit {
            direction,
            ..TransceiverInit::default()
        };
        pc.add_transceiver(kind, init)?;
    }
    let server = args.access.server(&args.url)?;

    let tended = Tended::open(
        &server,
        pc.clone(),
        events,
        own_servers,
        args.access.patience(),
    )
    .await?;
    tell.opened(&tended.shown());
    let receives = |it: &duologue::RtpTransceiver| {
        it.current_direction() == Some(TransceiverDirection::Recvonly)
    };
    let receivers: Vec<RtpReceiver> = pc
        .transceivers()
        .iter()
        .filter(|it| receives(it))
        .map(|it| it.receiver())
        .collect();
    drop(pc);
    let recorder = Recorder::new(&receivers);
    drop(receivers);
    let arrived = play(tended, recorder, &args, &tell).await?;
    tell.played(&arrived);
    match arrived.iter().all(|track| track.frames == 0) {
        true => Err("the server sent nothing".into()),
        false => Ok(()),
    }
}

async fn play(
    tended: Tended,
    recorder: Recorder,
    args: &Args,
    tell: &Tell,
) -> Result<Vec<Arrived>, Failure> {
    let mut progress = tended.progress();
    let tally = recorder.tally();
    let mut recording = tokio::spawn(recorder.run(args.record.clone()));
    let (end, ended) = oneshot::channel::<()>();
    let tending = tokio::spawn(tended.run(async {
        let _ = ended.await;
    }));
    let watching = async {
        progress.connected().await?;
        tell.connected();
        match args.seconds {
            Some(seconds) => sleep(seconds).await,
            None => std::future::pending().await,
        }
        Ok(())
    };
    let outcome: Result<(), Failure> = tokio::select! {
        outcome = watching => outcome,
        // Also when the server ends it: the frames end with the connection.
        recorded = &mut recording => {
            drop(end);
            tending.await?;
            recorded??;
            return Ok(tally.tracks());
        }
        () = interrupted() => Ok(()),
    };
    drop(end);
    tending.await?;
    recording.await??;
    outcome.map(|()| tally.tracks())
}
