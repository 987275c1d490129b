//! Plays a file in a browser, again and again: `cargo run --features files --example play FILE`, then open
//! the address that it prints. Each frame is sent when its time has come; nothing is decoded here.
#![allow(clippy::print_stdout, reason = "an example shows what happens")]

mod common;

use std::path::{Path, PathBuf};
use std::time::Duration;

use common::{Outcome, answer, connected, gone, listen, of_kind, page, prefer};
use duologue::files::{FileReader, Format, Frame};
use duologue::{
    Configuration, EncodedFrameWriter, Endpoint, SessionDescription, TransceiverDirection,
};
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep_until};

const PAGE: &str = r#"(async () => {
    const pc = window.pc = new RTCPeerConnection();
    video.srcObject = new MediaStream();
    pc.ontrack = ({ track }) => video.srcObject.addTrack(track);
    for (const kind of ["audio", "video"]) pc.addTransceiver(kind, { direction: "recvonly" });
    await offer(pc);
})();"#;

#[tokio::main]
async fn main() -> Outcome<()> {
    let path = std::env::args().nth(1).ok_or("which file?")?;
    play(listen().await?, path.into()).await
}

pub(crate) async fn play(listener: TcpListener, path: PathBuf) -> Outcome<()> {
    let endpoint = Endpoint::builder().loopback(true).build()?;
    let router = page("/", PAGE, move |offer| {
        send(endpoint.clone(), offer, path.clone())
    });
    Ok(axum::serve(listener, router).await?)
}

/// Answers an offer, and sends it the file until the page is gone.
async fn send(
    endpoint: Endpoint,
    offer: SessionDescription,
    path: PathBuf,
) -> Outcome<SessionDescription> {
    let (pc, mut events) = endpoint.connection(Configuration::default())?;
    pc.set_remote_description(offer).await?;
    let mut writers = Vec::new();
    for track in FileReader::open(&path)?.tracks() {
        let transceiver =
            of_kind(&pc, track.format.kind()).ok_or("the page wants something else")?;
        prefer(&transceiver, track.format)?;
        transceiver.set_direction(TransceiverDirection::Sendonly)?;
        writers.push((track.format, transceiver.sender().frames()));
    }
    let answer = answer(&pc, &mut events).await?;

    tokio::spawn(async move {
        connected(&mut events).await;
        tokio::select! {
            () = gone(&mut events) => {}
            ended = send_again_and_again(&path, &writers) => {
                if let Err(error) = ended {
                    println!("{}: {error}", path.display());
                }
            }
        }
        pc.close();
    });
    Ok(answer)
}

async fn send_again_and_again(
    path: &Path,
    writers: &[(Format, EncodedFrameWriter)],
) -> Outcome<()> {
    let (begun, mut round) = (Instant::now(), Duration::ZERO);
    loop {
        let mut file = FileReader::open(path)?;
        let mut last = Duration::ZERO;
        while let Some(frame) = file.next_frame()? {
            last = last.max(frame.time);
            let time = round + frame.time;
            sleep_until(begun + time).await;
            let (format, writer) = &writers[frame.track];
            let init = Frame { time, ..frame }.to_init(*format);
            writer.send_all(&mut vec![init]).await?;
        }
        // The last frame is shown for a while, too.
        round += last + Duration::from_millis(33);
    }
}
