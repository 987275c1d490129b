//! What befalls programs, one function each: it makes the trouble, waits until it is over, and says what was seen
//! or what should not have been.

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use duologue::{DataChannelInit, Endpoint, Event, PeerConnectionState};
use duologue_base::SocketId;
use duologue_udp::faults::{self, Call, Fault};
use duologue_udp::{ReceiveBuffers, Socket, SocketOptions, Taken};
use rustix::io::Errno;
use rustix::process::Signal;
use tokio::time::{Instant, sleep, timeout};

use crate::Outcome;
use crate::abroad::{Abroad, Link};
use crate::asleep;
use crate::life::echo;
use crate::limits::{
    BETWEEN, ECHO_MAX, FAULT, GIVING_UP_MAX, LINKS, RECOVERY, SETUP_MAX, SILENCE, STOPPED,
    STOPPED_LONG,
};
use crate::log::Heard;
use crate::peer::{Peer, endpoint, text};
use crate::tally::Tally;

/// What came of one trouble.
pub(crate) struct Seen {
    pub(crate) trouble: &'static str,
    pub(crate) outcome: Outcome<String>,
}

impl Seen {
    async fn of(trouble: &'static str, seen: impl Future<Output = Outcome<String>>) -> Self {
        let outcome = seen.await;
        Seen { trouble, outcome }
    }
}

/// Those that are others' and leave this process alone: all at once.
pub(crate) async fn elsewhere(heard: Heard) -> Vec<Seen> {
    let asleep = |both| async move {
        let lived = tokio::task::spawn_blocking(move || asleep::for_an_hour(both));
        lived.await.map_err(text)?
    };
    let (killed, stopped, long, narrow, disk, one, both, clock) = tokio::join!(
        Seen::of("kill -9 of the other end", killed()),
        Seen::of("SIGSTOP of the other end for 9 s", stopped()),
        Seen::of("SIGSTOP of the other end for 40 s", stopped_long()),
        Seen::of("descriptors exhausted", narrow()),
        Seen::of("full disk under three records", full_disk(heard)),
        Seen::of(
            "one machine asleep for an hour (virtual time)",
            asleep(false)
        ),
        Seen::of(
            "both machines asleep for an hour (virtual time)",
            asleep(true)
        ),
        Seen::of("the clock set an hour forward, then back", clock_jumps()),
    );
    vec![killed, stopped, long, narrow, disk, one, both, clock]
}

async fn links(abroad: &mut Abroad) -> Outcome<Vec<Link>> {
    let here = endpoint(false)?;
    let mut links = Vec::new();
    for number in 0..LINKS {
        let mut link = abroad.connect(&here, number).await?;
        link.send()?;
        link.all_back(ECHO_MAX).await?;
        links.push(link);
    }
    Ok(links)
}

/// RFC 7675 §5.1: without consent for 30 s the transport is failed; `disconnected` comes earlier.
async fn killed() -> Outcome<String> {
    let mut abroad = Abroad::start()?;
    let mut links = links(&mut abroad).await?;
    let begin = Instant::now();
    abroad.signal(Signal::KILL)?;

    for link in &mut links {
        let told = link.becomes(PeerConnectionState::Disconnected, GIVING_UP_MAX);
        told.await?;
    }
    let disconnected = begin.elapsed().as_secs_f64();
    for link in &mut links {
        link.becomes(PeerConnectionState::Failed, GIVING_UP_MAX)
            .await?;
    }
    let failed = begin.elapsed().as_secs_f64();
    Ok(format!(
        "{LINKS} connections said disconnected within {disconnected:.0} s, failed within {failed:.0} s"
    ))
}

/// It comes back before consent is over: nobody has to do anything.
async fn stopped() -> Outcome<String> {
    let mut abroad = Abroad::start()?;
    let mut links = links(&mut abroad).await?;
    abroad.signal(Signal::STOP)?;
    links.iter_mut().try_for_each(Link::send)?;
    sleep(STOPPED).await;
    abroad.signal(Signal::CONT)?;

    let begin = Instant::now();
    for link in &mut links {
        link.all_back(ECHO_MAX).await?;
        let back = link.becomes(PeerConnectionState::Connected, GIVING_UP_MAX);
        back.await?;
    }
    let took = begin.elapsed().as_secs_f64();
    Ok(format!(
        "{LINKS} connections were back {took:.1} s after SIGCONT; nothing was lost"
    ))
}

/// It comes back after that: an ICE restart brings the same connections and channels back.
async fn stopped_long() -> Outcome<String> {
    let mut abroad = Abroad::start()?;
    let mut links = links(&mut abroad).await?;
    abroad.signal(Signal::STOP)?;
    links.iter_mut().try_for_each(Link::send)?;
    sleep(STOPPED_LONG).await;
    for link in &mut links {
        link.becomes(PeerConnectionState::Failed, GIVING_UP_MAX)
            .await?;
    }
    abroad.signal(Signal::CONT)?;

    let begin = Instant::now();
    for link in &mut links {
        abroad.restart(link).await?;
        let back = link.becomes(PeerConnectionState::Connected, SETUP_MAX);
        back.await?;
        link.all_back(ECHO_MAX).await?;
    }
    let took = begin.elapsed().as_secs_f64();
    Ok(format!(
        "{LINKS} connections failed, and were back by ICE restarts within {took:.1} s; nothing was lost"
    ))
}

async fn narrow() -> Outcome<String> {
    let program = std::env::current_exe().map_err(text)?;
    let mut command = tokio::process::Command::new(program);
    command.args(["--part", "narrow"]).kill_on_drop(true);
    let ended = command
        .stderr(Stdio::piped())
        .output()
        .await
        .map_err(text)?;
    match ended.status.success() {
        true => Ok(String::from_utf8_lossy(&ended.stdout).trim().to_owned()),
        false => Err(String::from_utf8_lossy(&ended.stderr).trim().to_owned()),
    }
}

/// `/dev/full` is a disk on which nothing can be written.
async fn full_disk(heard: Heard) -> Outcome<String> {
    const FULL: &str = "/dev/full";
    let before = heard.count(WARNING);
    if !Path::new(FULL).exists() {
        return Err("this system has no /dev/full".to_owned());
    }
    let here = Endpoint::builder().loopback(true).ipv6(false);
    let here = here.event_log(FULL).packet_capture(FULL).key_log(FULL);
    let here = here.build().map_err(text)?;
    let talk = async {
        let (mut number, pair) = (0, talkers(&here).await?);
        // Files are written by the buffer.
        while here.stats().records_lost == 0 || heard.count(WARNING) < before + FILES {
            number += 1;
            pair.0.send_text(number.to_string()).await.map_err(text)?;
            pair.0.recv().await.ok_or("a channel closed by itself")?;
        }
        Ok::<_, String>(number)
    };
    let messages = timeout(ECHO_MAX, talk).await;
    let messages = messages.map_err(|_| "a record on a full disk was not told of")??;
    let (lost, warned) = (here.stats().records_lost, heard.count(WARNING) - before);
    if warned != FILES {
        return Err(format!("{FILES} files were warned of {warned} times"));
    }
    Ok(format!(
        "{messages} messages went on; {lost} lost entries were counted, and each file was warned of once"
    ))
}

const FILES: u64 = 3;
const WARNING: &str = "a record cannot be written any more";

/// A connection whose messages come back.
async fn talkers(here: &Endpoint) -> Outcome<(duologue::DataChannel, [Peer; 2])> {
    let [mut alice, mut bob] = [Peer::new(here)?, Peer::new(here)?];
    let made = alice
        .connection
        .create_data_channel("talk", DataChannelInit::default());
    let near = made.map_err(text)?;
    bob.hear(alice.describe().await?).await?;
    alice.hear(bob.describe().await?).await?;
    let far = loop {
        if let Event::DataChannel(channel) = bob.next().await? {
            break channel;
        }
    };
    near.opened().await.map_err(text)?;
    tokio::spawn(async move { echo(&far).await });
    Ok((near, [alice, bob]))
}

/// The system stamps datagrams with the clock that can be set; sessions live by the other.
async fn clock_jumps() -> Outcome<String> {
    let hour = Duration::from_secs(3_600);
    let local = "127.0.0.1:0".parse().map_err(text)?;
    let socket = Socket::bind(local, &SocketOptions::default()).map_err(text)?;
    let now = duologue_base::Instant::ZERO + 2 * hour;
    let mut buffers = ReceiveBuffers::new();
    for wall in [SystemTime::now() + hour, SystemTime::now() - hour] {
        socket
            .io()
            .send_to(&[7], socket.local_addr())
            .map_err(text)?;
        while socket.receive(&mut buffers).is_err() {
            tokio::task::yield_now().await;
        }
        let taken = Taken::at(now, wall);
        let datagrams = buffers.datagrams(SocketId(0), taken);
        for (datagram, _) in datagrams {
            if now - datagram.received > Duration::from_secs(1) {
                return Err("a datagram seems to be an hour old".to_owned());
            }
        }
    }
    Ok("datagrams arrived now, by both clocks".to_owned())
}

/// Errors of sockets, in turns: what is refused, and how often. The last one is silence.
const FAULTS: [(&str, Call, Errno, u32); 10] = [
    (
        "ENOBUFS for every second train",
        Call::Send,
        Errno::NOBUFS,
        2,
    ),
    ("EPERM for every second train", Call::Send, Errno::PERM, 2),
    (
        "ENETUNREACH for every second train",
        Call::Send,
        Errno::NETUNREACH,
        2,
    ),
    (
        "EHOSTUNREACH for every third train",
        Call::Send,
        Errno::HOSTUNREACH,
        3,
    ),
    (
        "EMSGSIZE for every second train",
        Call::Send,
        Errno::MSGSIZE,
        2,
    ),
    (
        "ECONNREFUSED for every third train",
        Call::Send,
        Errno::CONNREFUSED,
        3,
    ),
    ("ENOMEM for every fourth train", Call::Send, Errno::NOMEM, 4),
    (
        "ENOMEM for every fourth receive",
        Call::Receive,
        Errno::NOMEM,
        4,
    ),
    (
        "ECONNRESET for every fourth receive",
        Call::Receive,
        Errno::CONNRESET,
        4,
    ),
    (
        "ENETUNREACH for everything, 9 s",
        Call::Send,
        Errno::NETUNREACH,
        1,
    ),
];

/// What sockets of all connections of this process refuse.
pub(crate) async fn of_sockets(
    ends: &[Endpoint; 2],
    heard: &Heard,
    tally: &Arc<Tally>,
    mut begins: impl FnMut(&str),
) -> Vec<Seen> {
    let mut seen = Vec::new();
    for (trouble, call, errno, one_in) in FAULTS {
        begins(trouble);
        let fault = Fault {
            code: errno.raw_os_error(),
            one_in,
        };
        let silent = one_in == 1;
        let outcome = refuse(call, fault, silent, (ends, heard, tally)).await;
        seen.push(Seen { trouble, outcome });
        sleep(BETWEEN).await;
    }
    sleep(RECOVERY).await;
    seen
}

async fn refuse(
    call: Call,
    fault: Fault,
    silent: bool,
    (ends, heard, tally): (&[Endpoint; 2], &Heard, &Arc<Tally>),
) -> Outcome<String> {
    let counted = || {
        let stats = ends.each_ref().map(Endpoint::stats);
        stats
            .map(|it| it.send_errors + it.receive_errors)
            .iter()
            .sum::<u64>()
    };
    let said = || heard.count("a socket could not");
    let disconnected = || Tally::read(&tally.disconnected);
    let before = (
        faults::made(call),
        counted(),
        said(),
        disconnected(),
        heard.hasty(),
    );

    faults::set(call, Some(fault));
    sleep(if silent { SILENCE } else { FAULT }).await;
    faults::set(call, None);
    // What was sent meanwhile is on its way again after SCTP's pauses.
    let back = talks_again(tally).await;

    let made = faults::made(call) - before.0;
    let lines = said() - before.2;
    if heard.hasty() > before.4 {
        return Err("the log said the same more than once a second".to_owned());
    }
    if made == 0 || counted() - before.1 == 0 || lines == 0 {
        return Err(format!("{made} errors were not counted or not logged"));
    }
    let told = disconnected() - before.3;
    if silent && told == 0 {
        return Err("no connection said that it was disconnected".to_owned());
    }
    let back = back?.as_secs_f64();
    Ok(format!(
        "{made} errors, {lines} lines of the log, {told} times disconnected; messages again after {back:.1} s"
    ))
}

/// How long until as many messages come back in a tenth of a second as there are pairs, about.
async fn talks_again(tally: &Tally) -> Outcome<Duration> {
    let begin = Instant::now();
    let again = async {
        let first = Tally::read(&tally.messages);
        while Tally::read(&tally.messages) == first {
            sleep(Duration::from_millis(20)).await;
        }
    };
    let again = timeout(ECHO_MAX, again).await;
    again.map_err(|_| "no message came back any more")?;
    Ok(begin.elapsed())
}
