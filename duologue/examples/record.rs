//! Records a browser's camera and microphone: `cargo run --features files --example record [FILE]`, then
//! open the address that it prints. The file, `camera.webm` if nothing else is said, plays in browsers
//! and in ffmpeg.
#![allow(clippy::print_stdout, reason = "an example shows what happens")]

mod common;

use std::path::{Path, PathBuf};

use common::{Outcome, answer, gone, listen, page, prefer};
use duologue::files::{FileWriter, Format, Track};
use duologue::{Configuration, EncodedFrames, Endpoint, MediaKind, SessionDescription};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

const PAGE: &str = r#"(async () => {
    const pc = window.pc = new RTCPeerConnection();
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: true });
    video.srcObject = stream;
    for (const track of stream.getTracks()) pc.addTrack(track, stream);
    await offer(pc);
})();"#;

#[tokio::main]
async fn main() -> Outcome<()> {
    let path = std::env::args().nth(1);
    let path = path.as_deref().unwrap_or("camera.webm");
    let count = record(listen().await?, path.into()).await?;
    println!("{count} frames are in {path}");
    Ok(())
}

/// Until the first page that was opened is closed again. Gives how many frames were written.
pub(crate) async fn record(listener: TcpListener, path: PathBuf) -> Outcome<u64> {
    let endpoint = Endpoint::builder().loopback(true).build()?;
    let (written, mut outcome) = mpsc::channel(1);
    let router = page("/", PAGE, move |offer| {
        receive(endpoint.clone(), offer, path.clone(), written.clone())
    });
    tokio::select! {
        served = axum::serve(listener, router) => Err(served.err().ok_or("the server ended")?.into()),
        written = outcome.recv() => written.ok_or("nobody came")?,
    }
}

/// Answers an offer, and records what it brings until the page is gone.
async fn receive(
    endpoint: Endpoint,
    offer: SessionDescription,
    path: PathBuf,
    written: mpsc::Sender<Outcome<u64>>,
) -> Outcome<SessionDescription> {
    let (pc, mut events) = endpoint.connection(Configuration::default())?;
    pc.set_remote_description(offer).await?;
    let (mut tracks, mut readers) = (Vec::new(), Vec::new());
    for transceiver in pc.transceivers() {
        let format = match transceiver.kind() {
            Some(MediaKind::Video) => Format::Vp8,
            _ => Format::Opus,
        };
        prefer(&transceiver, format)?;
        tracks.push(Track::new(format));
        readers.push(transceiver.receiver().frames());
    }
    let answer = answer(&pc, &mut events).await?;

    tokio::spawn(async move {
        gone(&mut events).await;
        pc.close();
    });
    // A second page does not find anybody who waits.
    tokio::spawn(async move { written.send(write(&path, &tracks, readers).await).await });
    Ok(answer)
}

/// Writes the frames of all tracks as they come, until the connection is closed.
async fn write(path: &Path, tracks: &[Track], readers: Vec<EncodedFrames>) -> Outcome<u64> {
    let mut file = FileWriter::create(path, tracks)?;
    let (sender, mut frames) = mpsc::channel(64);
    for (track, mut reader) in readers.into_iter().enumerate() {
        let sender = sender.clone();
        tokio::spawn(async move {
            while let Some(frame) = reader.recv().await {
                if sender.send((track, frame)).await.is_err() {
                    return;
                }
            }
        });
    }
    drop(sender);

    let mut count = 0;
    while let Some((track, frame)) = frames.recv().await {
        match file.write(track, &frame) {
            Ok(()) => count += 1,
            // It is left out, and the file goes on.
            Err(error) if error.is_of_one_frame() => println!("{error}"),
            Err(error) => return Err(error.into()),
        }
    }
    file.finish()?;
    Ok(count)
}
