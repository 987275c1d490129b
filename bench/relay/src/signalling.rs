//! An offer for an answer, by HTTP/1.1 over loopback.

use duologue::{Event, Events, PeerConnection, PeerConnectionState, SdpType, SessionDescription};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::Outcome;

/// Offers what the connection has, with all its candidates, and takes the answer; until it is connected.
pub(crate) async fn connect(
    pc: &PeerConnection,
    events: &mut Events,
    url: &str,
    path: &str,
) -> Outcome {
    pc.set_local_description(None).await?;
    while !matches!(next(events).await?, Event::IceCandidate(None)) {}
    let offer = pc.local_description().ok_or("no offer")?;
    let sdp = post(url, path, &offer.sdp).await?;
    let sdp_type = SdpType::Answer;
    pc.set_remote_description(SessionDescription { sdp_type, sdp })
        .await?;
    while pc.connection_state() != PeerConnectionState::Connected {
        next(events).await?;
    }
    Ok(())
}

async fn next(events: &mut Events) -> Outcome<Event> {
    Ok(events.recv().await.ok_or("the connection was closed")?)
}

async fn post(url: &str, path: &str, body: &str) -> Outcome<String> {
    let authority = url.trim_start_matches("http://").trim_end_matches('/');
    let mut stream = TcpStream::connect(authority).await?;
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\nContent-Type: application/sdp\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or("no answer")?;
    match head.split(' ').nth(1) {
        Some("201") => Ok(body.to_owned()),
        _ => Err(format!("{path}: {}", head.lines().next().unwrap_or_default()).into()),
    }
}
