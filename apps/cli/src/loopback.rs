//! `duologue loopback`: two peers in this process over real UDP sockets.

mod raw;
mod video;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use bytes::Bytes;
use duologue::{
    Configuration, DataChannel, Endpoint, Event, Events, IceCandidate, Message, PeerConnection,
};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use tokio::sync::oneshot;

use crate::Failure;
use crate::control::Control;
use crate::quantile::quantile;
use crate::record::RecordArgs;

/// Round trips that are timed.
const PINGS: usize = 2000;
/// Bytes of each.
const PING_SIZE: usize = 64;
/// How long the two may take to find each other.
const CONNECT_LIMIT: Duration = Duration::from_secs(20);

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    /// How long to measure throughput
    #[arg(long, value_name = "N", default_value = "5", value_parser = crate::seconds)]
    seconds: Duration,
    /// Bytes of each message
    #[arg(long, value_name = "N", default_value_t = 16384, value_parser = clap::value_parser!(u32).range(1..))]
    message_size: u32,
    /// Send a test picture instead, encoded and decoded; or this file's frames as they are: IVF, Ogg, WebM,
    /// MP4, or H.264 or H.265 as a byte stream
    #[arg(long, value_name = "FILE", conflicts_with = "message_size")]
    video: Option<Option<PathBuf>>,
    /// Send a tone instead, or beside the test picture, encoded and decoded
    #[arg(long, conflicts_with = "message_size")]
    audio: bool,
    #[command(flatten)]
    record: RecordArgs,
    /// Print one line of JSON
    #[arg(long)]
    json: bool,
}

/// What was measured. Bytes are counted where they arrive.
#[derive(Debug, Serialize)]
struct Outcome {
    setup_ms: f64,
    message_size: u32,
    seconds: f64,
    bytes: u64,
    mb_per_s: f64,
    messages_per_s: f64,
    rtt_p50_us: f64,
    rtt_p99_us: f64,
}

pub(crate) async fn run(args: Args) -> Result<(), Failure> {
    match &args.video {
        Some(Some(_)) if args.audio => {
            return Err("a file has its own sound: --audio goes with the test picture".into());
        }
        Some(Some(path)) => return video::run(&args, path).await,
        None if !args.audio => {}
        _ => return raw::run(&args).await,
    }
    let began = Instant::now();
    let pair = tokio::time::timeout(CONNECT_LIMIT, Pair::connect(&args.record)).await;
    let pair =
        pair.map_err(|_| "the two peers did not connect: is there a loopback interface?")??;
    let setup_ms = began.elapsed().as_secs_f64() * 1e3;
    pair.check_size(args.message_size)?;
    let mut rtts = pair.ping().await?;
    let (bytes, seconds) = pair.flood(&args).await?;
    rtts.sort_by(f64::total_cmp);
    let outcome = Outcome {
        setup_ms,
        message_size: args.message_size,
        seconds,
        bytes,
        mb_per_s: bytes as f64 / 1e6 / seconds,
        messages_per_s: bytes as f64 / f64::from(args.message_size) / seconds,
        rtt_p50_us: quantile(&rtts, 0.5),
        rtt_p99_us: quantile(&rtts, 0.99),
    };
    pair.close();
    if args.json {
        println!("{}", serde_json::to_string(&outcome)?);
    } else {
        print(&outcome);
    }
    Ok(())
}

fn print(o: &Outcome) {
    println!("set-up       {:>10.1} ms", o.setup_ms);
    println!(
        "round trip   {:>10.0} µs median, {:.0} µs p99, {PING_SIZE} bytes",
        o.rtt_p50_us, o.rtt_p99_us
    );
    println!("throughput   {:>10.1} MB/s", o.mb_per_s);
    println!(
        "messages     {:>10.0} /s of {} bytes",
        o.messages_per_s, o.message_size
    );
    println!(
        "received     {:>10.1} MB in {:.2} s",
        o.bytes as f64 / 1e6,
        o.seconds
    );
}

/// Where both peers are, and what is asked about it as long as it is held.
fn endpoint(record: &RecordArgs) -> Result<(Endpoint, Option<Control>), Failure> {
    let endpoint = record.apply(Endpoint::builder().loopback(true)).build()?;
    let control = record.control(&endpoint)?;
    Ok((endpoint, control))
}

/// Two connected peers and both ends of one channel.
struct Pair {
    peers: [PeerConnection; 2],
    near: DataChannel,
    far: DataChannel,
    _control: Option<Control>,
}

impl Pair {
    async fn connect(record: &RecordArgs) -> Result<Pair, Failure> {
        let (endpoint, control) = endpoint(record)?;
        let (a, a_events) = endpoint.connection(Configuration::default())?;
        let (b, b_events) = endpoint.connection(Configuration::default())?;
        let near = a.create_data_channel("loopback", Default::default())?;
        a.set_local_description(None).await?;
        b.set_remote_description(a.local_description().ok_or("no offer")?)
            .await?;
        b.set_local_description(None).await?;
        a.set_remote_description(b.local_description().ok_or("no answer")?)
            .await?;
        let (announce, announced) = oneshot::channel();
        tokio::spawn(trickle(a_events, b.clone(), None));
        tokio::spawn(trickle(b_events, a.clone(), Some(announce)));
        let far = announced.await?;
        near.opened().await?;
        Ok(Pair {
            peers: [a, b],
            near,
            far,
            _control: control,
        })
    }

    /// Whether a message may be that long.
    fn check_size(&self, bytes: u32) -> Result<(), Failure> {
        let sctp = self.peers[0].sctp();
        let most = sctp.and_then(|sctp| sctp.max_message_size()).unwrap_or(0);
        match u64::from(bytes) <= most {
            true => Ok(()),
            false => Err(format!("a message may have {most} bytes at most").into()),
        }
    }

    /// Microseconds of each round trip.
    async fn ping(&self) -> Result<Vec<f64>, Failure> {
        let far = self.far.clone();
        let echo = tokio::spawn(async move {
            for _ in 0..PINGS {
                let Some(message) = far.recv().await else {
                    break;
                };
                if far.send(message).await.is_err() {
                    break;
                }
            }
        });
        let payload = Bytes::from(vec![7; PING_SIZE]);
        let mut rtts = Vec::with_capacity(PINGS);
        for _ in 0..PINGS {
            let sent = Instant::now();
            self.near.send(payload.clone()).await?;
            self.near.recv().await.ok_or("the channel closed")?;
            rtts.push(sent.elapsed().as_secs_f64() * 1e6);
        }
        echo.await?;
        Ok(rtts)
    }

    /// Bytes that arrived, and the seconds that took.
    async fn flood(&self, args: &Args) -> Result<(u64, f64), Failure> {
        let payload = Bytes::from(vec![0x5a; args.message_size as usize]);
        let near = self.near.clone();
        let sender = tokio::spawn(async move { while near.send(payload.clone()).await.is_ok() {} });
        let limit = args.seconds;
        let bar = progress(args.json, limit);
        let began = Instant::now();
        let mut bytes = 0u64;
        while began.elapsed() < limit {
            let message: Message = self.far.recv().await.ok_or("the channel closed")?;
            bytes += message.len() as u64;
            let elapsed = began.elapsed();
            bar.set_position(elapsed.as_millis() as u64);
            bar.set_message(format!(
                "{:.0} MB/s",
                bytes as f64 / 1e6 / elapsed.as_secs_f64()
            ));
        }
        let seconds = began.elapsed().as_secs_f64();
        bar.finish_and_clear();
        sender.abort();
        Ok((bytes, seconds))
    }

    fn close(&self) {
        self.peers.iter().for_each(PeerConnection::close);
    }
}

fn progress(json: bool, limit: Duration) -> ProgressBar {
    if json {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(limit.as_millis() as u64);
    if let Ok(style) = ProgressStyle::with_template("{bar:40.cyan/dim} {msg}") {
        bar.set_style(style);
    }
    bar
}

/// Hands one peer's candidates to the other, and its channel to whoever waits.
async fn trickle(
    mut events: Events,
    other: PeerConnection,
    mut announce: Option<oneshot::Sender<DataChannel>>,
) {
    while let Some(event) = events.recv().await {
        match event {
            Event::IceCandidate(Some(IceCandidate { init, .. })) => {
                // The other end may have closed meanwhile.
                let _ = other.add_ice_candidate(init).await;
            }
            Event::DataChannel(channel) => {
                if let Some(announce) = announce.take() {
                    let _ = announce.send(channel);
                }
            }
            _ => {}
        }
    }
}
