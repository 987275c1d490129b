//! A peer that is driven by JSON lines: what it is told on its standard input, what it tells on
//! its standard output.
//!
//! In: `{"offer":{}}`, `{"restart":{}}`, `{"description":…}`, `{"candidate":…}`. Out: the last
//! two, `{"state":…}`, `{"local":…,"remote":…}` (types of the selected pair) and `{"echoes":…}`.
//! Who offers sends a message on a data channel every 20 ms (`--bytes=N`: of so many bytes); who answers sends
//! it back.
#![allow(clippy::print_stdout, reason = "it is how the peer speaks")]

use std::error::Error;
use std::time::Duration;

use duologue::{
    Configuration, DataChannel, Endpoint, Event, IceCandidateType, IceServer, IceTransport,
    IceTransportPolicy, PeerConnection, TcpTypes,
};
use duologue_nat::Coturn;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};

type Outcome = Result<(), Box<dyn Error>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome {
    let (endpoint, configuration) = options()?;
    let bytes =
        std::env::args().find_map(|argument| argument.strip_prefix("--bytes=")?.parse().ok());
    let message = "x".repeat(bytes.unwrap_or(4));
    let (peer, mut events) = endpoint.connection(configuration)?;
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    loop {
        tokio::select! {
            line = lines.next_line() => match line? {
                Some(line) => obey(&peer, &serde_json::from_str(&line)?, &message).await?,
                None => return Ok(()),
            },
            event = events.recv() => match event {
                Some(event) => tell(&event)?,
                None => return Ok(()),
            },
        }
    }
}

fn options() -> Result<(Endpoint, Configuration), Box<dyn Error>> {
    let mut builder = Endpoint::builder();
    let mut configuration = Configuration::default();
    for argument in std::env::args().skip(1) {
        match argument.split_once('=').unwrap_or((&argument, "")) {
            ("--server", url) => configuration.ice_servers.push(IceServer {
                urls: vec![url.to_owned()],
                username: Some(Coturn::USER.to_owned()),
                credential: Some(Coturn::PASSWORD.into()),
            }),
            ("--relay-only", _) => {
                configuration.ice_transport_policy = IceTransportPolicy::Relay;
            }
            ("--hide", _) => builder = builder.hide_host_addresses(true),
            ("--only-simultaneous-open", _) => {
                builder = builder.udp(false).tcp(TcpTypes {
                    simultaneous_open: true,
                    ..TcpTypes::NONE
                });
            }
            ("--loopback", _) => builder = builder.loopback(true),
            ("--shared-port", port) => builder = builder.shared_port(port.parse()?),
            ("--ports", range) => {
                let (first, last) = range.split_once('-').ok_or("a range")?;
                builder = builder.port_range(first.parse()?..=last.parse()?);
            }
            ("--external", address) => {
                builder = builder.external_address(None, address.parse()?);
            }
            ("--only-interface", name) => builder = builder.only_interfaces([name]),
            ("--except-address", address) => {
                builder = builder.except_addresses([address.parse()?]);
            }
            ("--no-udp", _) => builder = builder.udp(false),
            ("--listen", _) => {
                builder = builder.tcp(TcpTypes {
                    passive: true,
                    ..TcpTypes::default()
                });
            }
            // Of the messages.
            ("--bytes", _) => {}
            ("--continually", _) => builder = builder.gather_continually(true),
            (other, _) => return Err(format!("unknown option {other}").into()),
        }
    }
    Ok((builder.build()?, configuration))
}

async fn obey(peer: &PeerConnection, line: &Value, message: &str) -> Outcome {
    if line["offer"].is_object() {
        let channel = peer.create_data_channel("nat", Default::default())?;
        tokio::spawn(count_echoes(channel, message.to_owned()));
        offer(peer).await?;
    }
    if line["restart"].is_object() {
        peer.restart_ice();
        offer(peer).await?;
    }
    if line["description"].is_object() {
        let description: duologue::SessionDescription =
            serde_json::from_value(line["description"].clone())?;
        let is_offer = description.sdp_type == duologue::SdpType::Offer;
        peer.set_remote_description(description).await?;
        if is_offer {
            peer.set_local_description(None).await?;
            tell_description(peer)?;
        }
    }
    if line["candidate"].is_object() {
        let candidate = serde_json::from_value(line["candidate"].clone())?;
        peer.add_ice_candidate(candidate).await?;
    }
    Ok(())
}

async fn offer(peer: &PeerConnection) -> Outcome {
    peer.set_local_description(None).await?;
    tell_description(peer)
}

fn tell_description(peer: &PeerConnection) -> Outcome {
    let description = peer.local_description().ok_or("it was just set")?;
    println!("{}", json!({ "description": description }));
    Ok(())
}

fn tell(event: &Event) -> Outcome {
    match event {
        Event::IceCandidate(Some(candidate)) => {
            println!("{}", json!({ "candidate": candidate.init }));
        }
        Event::ConnectionStateChange(state) => println!("{}", json!({ "state": state.as_str() })),
        Event::SelectedCandidatePairChange(transport) => tell_pair(transport),
        Event::IceCandidateError(error) => {
            let line = json!({ "error": error.error_code, "text": error.error_text });
            println!("{line}");
        }
        Event::DataChannel(channel) => drop(tokio::spawn(echo(channel.clone()))),
        _ => {}
    }
    Ok(())
}

fn tell_pair(transport: &IceTransport) {
    let Some(pair) = transport.selected_candidate_pair() else {
        return;
    };
    let [local, remote] = [pair.local, pair.remote].map(|candidate| {
        let kind = candidate.parts.map(|parts| parts.candidate_type);
        kind.map_or("unknown", IceCandidateType::as_str)
    });
    println!("{}", json!({ "local": local, "remote": remote }));
}

/// Sends what comes back.
async fn echo(channel: DataChannel) {
    while let Some(message) = channel.recv().await {
        if channel.send(message).await.is_err() {
            return;
        }
    }
}

/// Sends for ever and tells how much came back.
async fn count_echoes(channel: DataChannel, message: String) {
    let receiver = channel.clone();
    tokio::spawn(async move {
        let mut echoes = 0;
        while receiver.recv().await.is_some() {
            echoes += 1;
            println!("{}", json!({ "echoes": echoes }));
        }
    });
    if channel.opened().await.is_err() {
        return;
    }
    let mut ticks = tokio::time::interval(Duration::from_millis(20));
    loop {
        ticks.tick().await;
        if channel.try_send(message.clone()).is_err() {
            return;
        }
    }
}
