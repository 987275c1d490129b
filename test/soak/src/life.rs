//! The life of one pair: it connects, talks and plays, changes its media twice, and closes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use duologue::{
    Bytes, DataChannel, Endpoint, Event, Events, MediaKind, PeerConnection, PeerConnectionState,
    RtpPacketInit, RtpPacketWriter, RtpPackets, RtpTransceiver, TransceiverDirection,
};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, sleep_until, timeout};

use crate::Outcome;
use crate::limits::{
    ECHO_MAX, PICTURE_INTERVAL, PICTURE_LEN, PING_INTERVAL, PING_LEN, SETUP_MAX, SOUND_INTERVAL,
    SOUND_LEN,
};
use crate::peer::{Peer, text};
use crate::tally::Tally;

/// What a pair does.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) kinds: &'static [MediaKind],
    pub(crate) lasts: Duration,
    /// It is closed, and not just dropped.
    pub(crate) closes: bool,
}

/// Both ends of a connection.
struct Pair {
    alice: Peer,
    bob: Peer,
    near: DataChannel,
    far: DataChannel,
    transceivers: Vec<RtpTransceiver>,
    kinds: &'static [MediaKind],
}

/// Lives it.
pub(crate) async fn live(ends: [&Endpoint; 2], plan: &Plan, tally: &Arc<Tally>) -> Outcome {
    let made = timeout(SETUP_MAX, Pair::connect(ends, plan.kinds)).await;
    let pair = made.map_err(|_| "two ends did not connect in time".to_owned())??;
    Tally::add(&tally.pairs);

    let media = Media::start(&pair, tally);
    let until = Instant::now() + plan.lasts;
    let Pair {
        mut alice,
        mut bob,
        near,
        far,
        transceivers,
        ..
    } = pair;
    let (a, b) = (alice.connection.clone(), bob.connection.clone());
    let both = async {
        let changes = media.come_and_go([&a, &b], &transceivers, plan.lasts);
        tokio::try_join!(ping(&near, until, tally), changes).map(drop)
    };
    tokio::select! {
        outcome = both => outcome?,
        failed = watch(&mut alice.events, tally) => failed?,
        failed = watch(&mut bob.events, tally) => failed?,
        () = echo(&far) => return Err("a channel closed by itself".to_owned()),
    }
    if plan.closes {
        a.close();
        b.close();
    }
    Ok(())
}

impl Pair {
    async fn connect(ends: [&Endpoint; 2], kinds: &'static [MediaKind]) -> Outcome<Self> {
        let [mut alice, mut bob] = [Peer::new(ends[0])?, Peer::new(ends[1])?];
        let near = alice
            .connection
            .create_data_channel("soak", Default::default());
        let near = near.map_err(text)?;
        let mut transceivers = Vec::new();
        for kind in kinds {
            let made = alice.connection.add_transceiver(*kind, Default::default());
            transceivers.push(made.map_err(text)?);
        }
        bob.hear(alice.describe().await?).await?;
        alice.hear(bob.describe().await?).await?;
        let far = loop {
            if let Event::DataChannel(channel) = bob.next().await? {
                break channel;
            }
        };
        near.opened().await.map_err(text)?;
        Ok(Pair {
            alice,
            bob,
            near,
            far,
            transceivers,
            kinds,
        })
    }
}

/// What a pair sends besides messages. Dropping it ends it.
struct Media {
    /// Whether anything is sent.
    on: Arc<AtomicBool>,
    /// Packets that came, by transceiver.
    arrived: Vec<Arc<AtomicU64>>,
    _tasks: JoinSet<()>,
}

impl Media {
    fn start(pair: &Pair, tally: &Arc<Tally>) -> Self {
        let on = Arc::new(AtomicBool::new(true));
        let (mut arrived, mut tasks) = (Vec::new(), JoinSet::new());
        let ends = std::iter::zip(&pair.transceivers, pair.bob.connection.transceivers());
        for (kind, (from, to)) in std::iter::zip(pair.kinds, ends) {
            let count = Arc::new(AtomicU64::new(0));
            let writer = from.sender().packets();
            tasks.spawn(play(*kind, writer, on.clone()));
            let packets = to.receiver().packets();
            tasks.spawn(listen(packets, count.clone(), tally.clone()));
            arrived.push(count);
        }
        Media {
            on,
            arrived,
            _tasks: tasks,
        }
    }

    /// A third of the time it plays, then it is switched off by an exchange of descriptions, then on again.
    async fn come_and_go(
        &self,
        ends: [&PeerConnection; 2],
        transceivers: &[RtpTransceiver],
        lasts: Duration,
    ) -> Outcome {
        if transceivers.is_empty() {
            return Ok(());
        }
        self.comes().await?;
        sleep(lasts / 3).await;
        self.on.store(false, Ordering::Relaxed);
        direct(transceivers, TransceiverDirection::Inactive)?;
        negotiate(ends).await?;

        sleep(lasts / 3).await;
        direct(transceivers, TransceiverDirection::Sendonly)?;
        negotiate(ends).await?;
        self.on.store(true, Ordering::Relaxed);
        self.comes().await
    }

    /// Packets of each transceiver arrive.
    async fn comes(&self) -> Outcome {
        let count = || self.arrived.iter().map(|it| it.load(Ordering::Relaxed));
        let before: Vec<u64> = count().collect();
        let more = async {
            while std::iter::zip(&before, count()).any(|(before, now)| now == *before) {
                sleep(SOUND_INTERVAL).await;
            }
        };
        let came = timeout(ECHO_MAX, more).await;
        came.map_err(|_| "no media came".to_owned())
    }
}

fn direct(transceivers: &[RtpTransceiver], direction: TransceiverDirection) -> Outcome {
    for transceiver in transceivers {
        transceiver.set_direction(direction).map_err(text)?;
    }
    Ok(())
}

/// Another exchange of ends that have their candidates.
async fn negotiate([offerer, answerer]: [&PeerConnection; 2]) -> Outcome {
    for (from, to) in [(offerer, answerer), (answerer, offerer)] {
        from.set_local_description(None).await.map_err(text)?;
        let description = from.local_description().ok_or("no description")?;
        to.set_remote_description(description).await.map_err(text)?;
    }
    Ok(())
}

async fn play(kind: MediaKind, writer: RtpPacketWriter, on: Arc<AtomicBool>) {
    let (every, len, clock) = match kind {
        MediaKind::Audio => (SOUND_INTERVAL, SOUND_LEN, 960),
        MediaKind::Video => (PICTURE_INTERVAL, PICTURE_LEN, 3_000),
    };
    let payload = Bytes::from(vec![7; len]);
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    for number in 0_u32.. {
        ticks.tick().await;
        let packet = RtpPacketInit {
            timestamp: number.wrapping_mul(clock),
            marker: true,
            payload: payload.clone(),
            ..Default::default()
        };
        // What there is no room for is late, and an error is that of a sender that is switched off.
        if on.load(Ordering::Relaxed) {
            let _ = writer.send(&mut vec![packet]);
        }
    }
}

async fn listen(mut packets: RtpPackets, count: Arc<AtomicU64>, tally: Arc<Tally>) {
    while packets.recv().await.is_some() {
        Tally::add(&count);
        Tally::add(&tally.packets);
    }
}

/// Sends messages until then, each of which has to come back: whole, once, and in order.
async fn ping(channel: &DataChannel, until: Instant, tally: &Tally) -> Outcome {
    let begin = Instant::now();
    let mut ticks = interval(PING_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let (mut sent, mut came) = (0_u64, 0_u64);
    while came < sent || Instant::now() < until {
        tokio::select! {
            _ = ticks.tick(), if Instant::now() < until => {
                let message = stamped(sent, begin.elapsed());
                channel.try_send(message).map_err(text)?;
                sent += 1;
            }
            message = channel.recv() => {
                let message = message.ok_or("a channel closed by itself")?.into_bytes();
                let (number, at) = read_stamp(&message).ok_or("a message is cut off")?;
                if number != came {
                    return Err("messages are lost, doubled or out of order".to_owned());
                }
                came += 1;
                tally.round_trip(begin.elapsed().saturating_sub(at));
                Tally::add(&tally.messages);
            }
            () = sleep_until(until + ECHO_MAX) => {
                return Err("a message did not come back".to_owned());
            }
        }
    }
    Ok(())
}

/// Sends back what comes.
pub(crate) async fn echo(channel: &DataChannel) {
    while let Some(message) = channel.recv().await {
        // The other end may be gone.
        let _ = channel.send(message).await;
    }
}

/// Reads the events of one end. Ends when it says that it has failed.
async fn watch(events: &mut Events, tally: &Tally) -> Outcome {
    while let Some(event) = events.recv().await {
        match event {
            Event::ConnectionStateChange(PeerConnectionState::Failed) => {
                return Err("a connection failed".to_owned());
            }
            Event::ConnectionStateChange(PeerConnectionState::Disconnected) => {
                Tally::add(&tally.disconnected);
            }
            _ => {}
        }
    }
    Err("a connection closed by itself".to_owned())
}

/// A message with its number and when it was sent.
pub(crate) fn stamped(number: u64, at: Duration) -> Bytes {
    let mut message = vec![7; PING_LEN];
    message[..8].copy_from_slice(&number.to_be_bytes());
    message[8..16].copy_from_slice(&(at.as_nanos() as u64).to_be_bytes());
    message.into()
}

pub(crate) fn read_stamp(message: &[u8]) -> Option<(u64, Duration)> {
    let number = u64::from_be_bytes(*message.first_chunk()?);
    let at = u64::from_be_bytes(*message.get(8..)?.first_chunk()?);
    (message.len() == PING_LEN).then_some((number, Duration::from_nanos(at)))
}
