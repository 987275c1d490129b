//! One cell of the table: a connection of its own, on which one thing is tried.

use std::time::Duration;

use duologue::{MediaKind, SessionDescription};
use serde_json::json;
use tokio::time::timeout;

use crate::changes;
use crate::counterpart::Counterpart;
use crate::data;
use crate::janus;
use crate::media;
use crate::outcome::{Found, Offerer, Outcome, What};
use crate::pair::{Far, Pair};

/// How long a cell may take in all.
const LIMIT: Duration = Duration::from_secs(40);

/// The channel of the first offer.
pub(crate) const FIRST: &str = "first";

/// Tries one thing with a new process of the counterpart; gives its name and version, too, once it said them.
pub(crate) async fn run(
    counterpart: &Counterpart,
    what: What,
    offerer: Offerer,
) -> (String, Outcome) {
    let mut name = counterpart.name.to_owned();
    let tried = timeout(LIMIT, try_it(counterpart, what, offerer, &mut name)).await;
    let outcome = tried.unwrap_or_else(|_| Err(format!("not done within {LIMIT:?}")));
    let outcome = outcome.and_then(|found| counterpart.expects(what, offerer, found));
    (name, outcome)
}

async fn try_it(
    counterpart: &Counterpart,
    what: What,
    offerer: Offerer,
    name: &mut String,
) -> Outcome {
    let mut pair = Pair::start(counterpart, far(counterpart)).await?;
    *name = pair.seen.hello.clone().unwrap_or_default();
    let outcome = match pair.far {
        Far::Janus => janus::run(&mut pair, counterpart, what, offerer).await,
        Far::Reports => match what {
            What::Data => {
                connect(&mut pair, counterpart, offerer).await?;
                data::exchange(&mut pair).await
            }
            What::Audio => media::flows(&mut pair, offerer, &[MediaKind::Audio]).await,
            What::Video => media::flows(&mut pair, offerer, &[MediaKind::Video]).await,
            What::Simulcast => media::simulcast(&mut pair, offerer).await,
            What::Restart => {
                connect(&mut pair, counterpart, offerer).await?;
                changes::restart(&mut pair, offerer).await
            }
            What::Renegotiation => {
                connect(&mut pair, counterpart, offerer).await?;
                changes::renegotiate(&mut pair, offerer).await
            }
            What::Close => {
                connect(&mut pair, counterpart, offerer).await?;
                data::close(&mut pair, counterpart, offerer).await
            }
        },
    };
    // What it says itself counts for more than what did not come of it.
    match pair.seen.cannot.take() {
        Some(evidence) => Ok(Found::Lacks(evidence)),
        None => outcome,
    }
}

fn far(counterpart: &Counterpart) -> Far {
    match counterpart.is_janus {
        true => Far::Janus,
        false => Far::Reports,
    }
}

/// A connection with an open channel.
async fn connect(
    pair: &mut Pair,
    counterpart: &Counterpart,
    offerer: Offerer,
) -> Result<(), String> {
    match offerer {
        Offerer::We => {
            pair.open(FIRST)?;
            pair.offer().await?;
        }
        Offerer::They => {
            pair.tell(json!({ "do": "offer", "media": [], "channel": FIRST, "restart": false }))?;
        }
    }
    pair.until("connection", |pair| {
        pair.is_open(FIRST) && pair.is_connected()
    })
    .await?;
    match counterpart.snap && !has_snap(pair) {
        true => Err("SCTP is not set up by the descriptions".to_owned()),
        false => Ok(()),
    }
}

/// Whether both ends' descriptions have SCTP's INIT.
fn has_snap(pair: &Pair) -> bool {
    let descriptions = [pair.pc.local_description(), pair.pc.remote_description()];
    let has = |description: Option<SessionDescription>| {
        description.is_some_and(|description| description.sdp.contains("a=sctp-init:"))
    };
    descriptions.into_iter().all(has)
}
