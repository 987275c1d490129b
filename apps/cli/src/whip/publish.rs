//! `duologue whip publish`: a file to a WHIP server.

use std::path::{Path, PathBuf};

use duologue::{
    BundlePolicy, Configuration, Endpoint, Exception, MediaStreamId, PeerConnection,
    TransceiverDirection, TransceiverInit,
};
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

use super::Access;
use super::client::EndpointUrl;
use super::limits::{DRAIN_TIMEOUT, REPAIR_TIME};
use super::playback::{self, Writers};
use super::tell::Tell;
use super::tend::Tended;
use crate::http::is_loopback;
use crate::ice_server::IceArgs;
use crate::record::RecordArgs;
use crate::{Failure, interrupted};

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

/// Until the file is over, the server is gone, or Ctrl-C.
pub(super) async fn run(args: Args) -> Result<(), Failure> {
    let tracks = playback::tracks(&args.file)?;
    let tell = Tell::new(args.json);
    let endpoint = Endpoint::builder().loopback(is_loopback(&args.url.0));
    let endpoint = args.record.apply(endpoint).build()?;
    let configuration = Configuration {
        bundle_policy: BundlePolicy::MaxBundle,
        ..args.ice.configuration()
    };
    let own_servers = configuration.ice_servers.clone();
    let (pc, events) = endpoint.connection(configuration)?;
    let writers = offer(&pc, &tracks)?;
    let server = args.access.server(&args.url)?;

    let tended = Tended::open(&server, pc, events, own_servers, args.access.patience()).await?;
    tell.opened(&tended.shown());
    publish(tended, &args.file, &writers, args.again, &tell).await
}

/// A transceiver for each track, of one stream (RFC 9725 §4.4.2).
fn offer(pc: &PeerConnection, tracks: &[duologue::files::Track]) -> Result<Writers, Failure> {
    let mut writers = Writers::new();
    for track in tracks {
        let init = TransceiverInit {
            direction: TransceiverDirection::Sendonly,
            streams: vec![MediaStreamId::from("duologue")],
            ..TransceiverInit::default()
        };
        let transceiver = pc.add_transceiver(track.format.kind(), init)?;
        playback::prefer(&transceiver, track.format)?;
        writers.push((track.format, Some(transceiver.sender().frames())));
    }
    Ok(writers)
}

async fn publish(
    tended: Tended,
    file: &Path,
    writers: &Writers,
    again: bool,
    tell: &Tell,
) -> Result<(), Failure> {
    let mut progress = tended.progress();
    let (end, ended) = oneshot::channel::<()>();
    let tending = tokio::spawn(tended.run(async {
        let _ = ended.await;
    }));
    let media = async {
        progress.connected().await?;
        tell.connected();
        let sending = async {
            let sent = playback::send(file, writers, again).await?;
            // A peer that takes so little that this takes longer has them no more in time.
            let _ = timeout(DRAIN_TIMEOUT, playback::drained(writers)).await;
            sleep(REPAIR_TIME).await;
            Ok(sent)
        };
        tokio::select! {
            sent = sending => sent.map_err(noticed),
            () = progress.gone() => Err(ENDED.into()),
        }
    };
    let outcome = tokio::select! {
        outcome = media => outcome.map(Some),
        () = interrupted() => Ok(None),
    };
    drop(end);
    tending.await?;
    tell.published(outcome?);
    Ok(())
}

const ENDED: &str = "the server ended the session";

/// A connection that is closed may be noticed by its writers first.
fn noticed(error: Failure) -> Failure {
    match error.is::<Exception>() {
        true => ENDED.into(),
        false => error,
    }
}
