//! A stream that another relay has: as a viewer of that relay, and for the viewers of this one.

use std::sync::Arc;

use duologue::{
    BundlePolicy, Configuration, MediaKind, PeerConnection, TransceiverDirection, TransceiverInit,
};
use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, interval, sleep, timeout};

use super::{Cluster, Other, lock};
use crate::Failure;
use crate::whip::client::Server;
use crate::whip::limits::{
    PULL_IDLE, PULL_PATIENCE, PULLED_LAYERS, PULLS, ROAM_PAUSE, ROAM_TIMEOUT, SILENCE_POLL,
};
use crate::whip::roam::silence;
use crate::whip::serve::stage::{Origin, Stage};
use crate::whip::tend::Tended;

/// How far a stream of another relay is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Phase {
    Looking,
    There,
}

/// Whether a stream is on the stage that another relay has, if there is one.
pub(in crate::whip::serve) async fn ensure(
    cluster: &Arc<Cluster>,
    stage: &Arc<Stage>,
    stream: &str,
) {
    let mut phase = {
        let mut pulls = lock(&cluster.pulls);
        match pulls.get(stream) {
            Some(phase) => phase.clone(),
            None if pulls.len() >= PULLS || cluster.holder(stream).is_none() => return,
            None => {
                let (sender, phase) = watch::channel(Phase::Looking);
                pulls.insert(stream.to_owned(), phase.clone());
                let pull = Pull {
                    cluster: cluster.clone(),
                    stage: stage.clone(),
                    stream: stream.to_owned(),
                    phase: sender,
                };
                tokio::spawn(pull.run());
                phase
            }
        }
    };
    // Who asked is told what is there by then. An error: it is over.
    let _ = timeout(ROAM_TIMEOUT, phase.wait_for(|it| *it == Phase::There)).await;
}

/// A stream that comes from another relay for as long as somebody sees it.
struct Pull {
    cluster: Arc<Cluster>,
    stage: Arc<Stage>,
    stream: String,
    phase: watch::Sender<Phase>,
}

/// Why a stream does not come any more.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum End {
    /// Nobody sees it.
    Unused,
    /// Its relay is gone, or has it no more.
    Lost,
}

impl Pull {
    async fn run(self) {
        let mut last = Instant::now();
        let mut publisher: Option<PeerConnection> = None;
        while last.elapsed() < PULL_PATIENCE && !self.stage.is_published(&self.stream) {
            if let Some(holder) = self.cluster.holder(&self.stream)
                && let Ok((pc, end)) = self.pull(&holder).await
            {
                publisher = Some(pc);
                last = Instant::now();
                if end == End::Unused {
                    break;
                }
            }
            sleep(ROAM_PAUSE).await;
        }
        lock(&self.cluster.pulls).remove(&self.stream);
        if let Some(publisher) = publisher {
            self.stage.unpublish(&self.stream, &publisher);
        }
    }

    /// From one relay, until it is over.
    async fn pull(&self, holder: &Other) -> Result<(PeerConnection, End), Failure> {
        let tended = timeout(ROAM_TIMEOUT, self.open(holder)).await??;
        let pc = tended.connection();
        let published = self.stage.publish(&self.stream, &pc, Origin::Relay);
        published.map_err(|_| "a publisher came here")?;
        self.phase.send_replace(Phase::There);

        let mut progress = tended.progress();
        let (end, ended) = oneshot::channel::<()>();
        let tending = tokio::spawn(tended.run(async {
            let _ = ended.await;
        }));
        let over = tokio::select! {
            () = silence(&pc, ROAM_TIMEOUT) => End::Lost,
            _ = progress.gone() => End::Lost,
            () = self.unused() => End::Unused,
            () = self.stage.published_here(&self.stream) => End::Lost,
        };
        self.stage.lose(&self.stream, &pc);
        self.phase.send_replace(Phase::Looking);
        drop(end);
        // A relay that is gone does not answer.
        let _ = timeout(ROAM_PAUSE, tending).await;
        pc.close();
        Ok((pc, over))
    }

    async fn open(&self, holder: &Other) -> Result<Tended, Failure> {
        let configuration = Configuration {
            bundle_policy: BundlePolicy::MaxBundle,
            ..Configuration::default()
        };
        let (pc, events) = self.cluster.endpoint.connection(configuration)?;
        // A track for each layer, so that each viewer here gets the one that its path carries. What the publisher
        // has not is answered as inactive.
        let pictures = std::iter::repeat_n(MediaKind::Video, PULLED_LAYERS);
        for kind in std::iter::once(MediaKind::Audio).chain(pictures) {
            let init = TransceiverInit {
                direction: TransceiverDirection::Recvonly,
                ..TransceiverInit::default()
            };
            pc.add_transceiver(kind, init)?;
        }
        let server = Server::new(
            &holder.url,
            self.cluster.token.as_deref(),
            holder.certificate,
        )?;
        Tended::open(
            &server.for_relay(),
            pc,
            events,
            Vec::new(),
            std::time::Duration::ZERO,
        )
        .await
    }

    /// Until nobody has seen it for a while. Only time tells that: whether somebody sees it is looked at beside.
    async fn unused(&self) {
        let mut seen = Instant::now();
        let mut look = interval(SILENCE_POLL);
        while seen.elapsed() < PULL_IDLE {
            look.tick().await;
            if self.stage.viewers(&self.stream) > 0 {
                seen = Instant::now();
            }
        }
    }
}
