//! A process that runs out of descriptors: what it has goes on, what it cannot have is said, and with descriptors
//! it goes on as before.

use std::time::Duration;

use duologue::{DataChannel, Endpoint, Event, PeerConnectionState};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::time::timeout;

use crate::Outcome;
use crate::gauge::descriptors;
use crate::life::echo;
use crate::peer::{Peer, endpoint, text};

/// Descriptors that connections may take.
const FREE: usize = 24;
/// Pairs that are tried at most.
const PAIRS_MAX: usize = 100;
/// How long two ends have to connect.
const PATIENCE: Duration = Duration::from_secs(20);

/// How the application is told, by `icecandidateerror`.
const TOLD: &str = "no socket could be bound";

/// Both ends of a connection whose messages come back.
struct Pair {
    near: DataChannel,
    ends: [Peer; 2],
}

/// What that process does.
pub(crate) async fn exhaust() -> Outcome {
    let here = endpoint(false)?;
    // What the first connection opens besides its sockets stays open.
    let warm = connect(&here).await?;
    let limit = getrlimit(Resource::Nofile);
    setrlimit(
        Resource::Nofile,
        Rlimit {
            current: Some((descriptors() + FREE) as u64),
            ..limit
        },
    )
    .map_err(text)?;

    let mut pairs = vec![warm];
    let told = loop {
        match connect(&here).await {
            Ok(pair) if pairs.len() < PAIRS_MAX => pairs.push(pair),
            Ok(_) => return Err("descriptors do not run out".to_owned()),
            Err(why) if why.contains(TOLD) => break why,
            Err(why) => return Err(why),
        }
    };
    for pair in &pairs {
        pair.talks().await?;
    }
    let had = pairs.len();
    pairs.truncate(had / 2);
    let again = connect(&here).await?;
    again.talks().await?;
    println!("{had} pairs had descriptors; the next one was told: {told}");
    Ok(())
}

impl Pair {
    async fn talks(&self) -> Outcome {
        self.near.send_text("still there").await.map_err(text)?;
        let back = timeout(PATIENCE, self.near.recv()).await;
        back.map_err(text)?.ok_or("a channel closed by itself")?;
        if self
            .ends
            .iter()
            .any(|end| end.connection.connection_state() != PeerConnectionState::Connected)
        {
            return Err("a connection is not connected any more".to_owned());
        }
        Ok(())
    }
}

/// What is wrong is what the connections say, and no time that passes.
async fn connect(here: &Endpoint) -> Outcome<Pair> {
    let [mut alice, mut bob] = [Peer::new(here)?, Peer::new(here)?];
    let made = alice
        .connection
        .create_data_channel("narrow", Default::default());
    let near = made.map_err(text)?;
    bob.hear(alice.describe().await?).await?;
    alice.hear(bob.describe().await?).await?;
    // At once, and not when ICE has waited for a peer that may come after all (RFC 8863).
    if let Some(refused) = [&alice, &bob].iter().find_map(|it| it.refused.clone()) {
        return Err(refused);
    }
    let connected = async {
        let (mut is_open, mut is_announced) = (false, false);
        while !(is_open && is_announced) {
            let event = tokio::select! {
                event = alice.next() => event?,
                event = bob.next() => event?,
            };
            match event {
                Event::DataChannel(far) => {
                    is_announced = true;
                    tokio::spawn(async move { echo(&far).await });
                }
                Event::ChannelOpen(_) => is_open = true,
                Event::ConnectionStateChange(PeerConnectionState::Failed) => {
                    return Err("it failed, and nobody said why".to_owned());
                }
                _ => {}
            }
        }
        Ok(())
    };
    let connected = timeout(PATIENCE, connected).await;
    connected.map_err(|_| "nothing, for twenty seconds".to_owned())??;
    Ok(Pair {
        near,
        ends: [alice, bob],
    })
}
