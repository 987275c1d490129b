//! How this machine reaches others: its addresses, what each server answers over each transport, what the NAT does.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use duologue::{
    Configuration, Endpoint, Event, Events, IceCandidateType, IceGatheringState, IceServer,
    IceTransportPolicy, PeerConnection,
};
use serde::Serialize;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::behaviour::Behaviour;
use crate::Failure;

pub(super) struct Options {
    pub(super) servers: Vec<IceServer>,
    /// What counts for TLS, in PEM form, instead of the platform's.
    pub(super) roots: Option<Vec<u8>>,
    pub(super) loopback: bool,
}

#[derive(Debug, Serialize)]
pub(super) struct Network {
    /// Where this machine is reached without a server's help.
    pub(super) addresses: Vec<IpAddr>,
    pub(super) servers: Vec<Server>,
    /// By each STUN and TURN server that answers over UDP.
    pub(super) behaviour: Vec<Behaviour>,
}

/// One way to one server.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Server {
    pub(super) url: String,
    /// It was not asked for: the same server over another transport.
    pub(super) besides: bool,
    pub(super) milliseconds: u64,
    /// This host as the server sees it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reflexive: Option<String>,
    /// The address that a TURN server rents out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) relayed: Option<String>,
    /// A message went through that address and back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) passes: Option<bool>,
    /// Why there is none of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<String>,
}

impl Server {
    pub(super) fn works(&self) -> bool {
        self.error.is_none() && self.passes != Some(false)
    }

    /// What a connection tells of it.
    fn heard(&mut self, event: &Event, begun: Instant) {
        match event {
            Event::IceCandidate(Some(candidate)) => {
                let Some(parts) = &candidate.parts else {
                    return;
                };
                let address = || {
                    let ip = parts.address.as_deref().unwrap_or("?");
                    match ip.contains(':') {
                        true => format!("[{ip}]:{}", parts.port),
                        false => format!("{ip}:{}", parts.port),
                    }
                };
                match parts.candidate_type {
                    IceCandidateType::Srflx => {
                        self.reflexive.get_or_insert_with(address);
                    }
                    IceCandidateType::Relay if self.relayed.is_none() => {
                        self.relayed = Some(address());
                        self.milliseconds = millis(begun);
                    }
                    _ => {}
                }
            }
            Event::IceCandidateError(error) => {
                let text = format!("{} {}", error.error_code, error.error_text);
                self.error.get_or_insert(text);
            }
            _ => {}
        }
    }

    /// What a STUN server said when it was asked without a connection. One that sees what this machine knows of itself
    /// gives connections nothing, and one that does not answer another of its addresses is there all the same.
    fn seen(&mut self, host: &str, found: &[Behaviour]) {
        let is_stun = self.url.starts_with("stun:");
        if let Some(found) = found.first()
            && is_stun
            && udp_server(&self.url).as_deref() == Some(host)
        {
            self.error = None;
            self.reflexive.get_or_insert(found.mapped.to_string());
        }
    }
}

impl Network {
    /// Everything at a time; a server that is silent costs ten seconds.
    ///
    /// # Errors
    /// There are no sockets to be had.
    pub(super) async fn look(options: Options) -> Result<Self, Failure> {
        let mut endpoint = Endpoint::builder().loopback(options.loopback);
        if let Some(roots) = options.roots {
            endpoint = endpoint.tls_roots(roots);
        }
        let endpoint = endpoint.build()?;
        let mut tries = JoinSet::new();
        let mut asked = Vec::new();
        for (besides, server) in ways(&options.servers) {
            let at = asked.len();
            asked.push(server.clone());
            let endpoint = endpoint.clone();
            tries.spawn(async move { (at, tried(&endpoint, server, besides).await) });
        }
        let mut nats = JoinSet::new();
        for server in udp_servers(&options.servers) {
            nats.spawn(async move {
                let found = behaviour(&server).await;
                (server, found)
            });
        }
        let addresses = addresses(&endpoint).await?;

        let mut servers = Vec::new();
        while let Some(tried) = tries.join_next().await {
            servers.push(tried?);
        }
        servers.sort_by_key(|(at, _)| *at);
        let servers = servers.into_iter().map(|(_, server)| server);
        let mut servers = servers.collect::<Result<Vec<Server>, _>>()?;
        let mut behaviour = Vec::new();
        while let Some(found) = nats.join_next().await {
            let (host, found) = found?;
            for server in &mut servers {
                server.seen(&host, &found);
            }
            behaviour.extend(found);
        }
        behaviour.sort_by_key(|it| it.server);
        Ok(Network {
            addresses,
            servers,
            behaviour,
        })
    }

    /// Servers that were asked for and do not work.
    pub(super) fn silent(&self) -> usize {
        let asked = self.servers.iter().filter(|server| !server.besides);
        asked.filter(|server| !server.works()).count()
    }
}

/// Each URL, and for TURN over UDP or TCP the other of the two: where one port is closed the other may not be.
fn ways(servers: &[IceServer]) -> Vec<(bool, IceServer)> {
    let mut ways: Vec<(bool, IceServer)> = Vec::new();
    let urls: Vec<&String> = servers.iter().flat_map(|server| &server.urls).collect();
    for server in servers {
        for url in &server.urls {
            let with = |url: String| IceServer {
                urls: vec![url],
                ..server.clone()
            };
            ways.push((false, with(url.clone())));
            let Some(rest) = url.strip_prefix("turn:") else {
                continue;
            };
            let (host, query) = rest.split_once('?').unwrap_or((rest, ""));
            let other = match query {
                "transport=tcp" => format!("turn:{host}?transport=udp"),
                _ => format!("turn:{host}?transport=tcp"),
            };
            let plain = format!("turn:{host}");
            let asked = |url: &str| urls.iter().any(|known| *known == url);
            let known = asked(&other) || (query == "transport=tcp" && asked(&plain));
            if !known {
                ways.push((true, with(other)));
            }
        }
    }
    ways
}

/// One way to one server, as a connection goes it.
async fn tried(endpoint: &Endpoint, server: IceServer, besides: bool) -> Result<Server, Failure> {
    let url = server.urls.first().cloned().unwrap_or_default();
    let is_turn = url.starts_with("turn");
    let configuration = Configuration {
        ice_servers: vec![server],
        ..Configuration::default()
    };
    let mut found = Server {
        url,
        besides,
        milliseconds: 0,
        reflexive: None,
        relayed: None,
        passes: None,
        error: None,
    };
    let begun = Instant::now();
    let (pc, mut events) = match endpoint.connection(configuration.clone()) {
        Ok(connection) => connection,
        Err(error) => {
            found.error = Some(error.to_string());
            return Ok(found);
        }
    };
    let gathered = gather(&pc, &mut events, |event| found.heard(event, begun));
    let in_time = timeout(LIMIT, gathered).await;
    pc.close();
    if found.milliseconds == 0 {
        found.milliseconds = millis(begun);
    }

    let got = match is_turn {
        true => found.relayed.is_some(),
        false => found.reflexive.is_some(),
    };
    match in_time {
        // One of several addresses that gets an answer is enough.
        _ if got => found.error = None,
        Ok(gathered) => gathered?,
        Err(_) => {
            let silent = format!("no answer in {} s", LIMIT.as_secs());
            found.error.get_or_insert(silent);
        }
    }
    if found.relayed.is_some() {
        let passed = timeout(LIMIT, passes(endpoint, configuration)).await;
        found.passes = Some(passed.is_ok_and(|passed| passed.is_ok()));
    }
    Ok(found)
}

/// Until there are no more candidates.
async fn gather(
    pc: &PeerConnection,
    events: &mut Events,
    mut tell: impl FnMut(&Event),
) -> Result<(), Failure> {
    pc.create_data_channel("check", Default::default())?;
    pc.set_local_description(None).await?;
    while pc.ice_gathering_state() != IceGatheringState::Complete {
        let event = events.recv().await.ok_or("the connection ended")?;
        tell(&event);
    }
    while let Some(event) = events.try_recv() {
        tell(&event);
    }
    Ok(())
}

/// Two ends in this process that have nothing but this server between them.
async fn passes(endpoint: &Endpoint, configuration: Configuration) -> Result<(), Failure> {
    let configuration = Configuration {
        ice_transport_policy: IceTransportPolicy::Relay,
        ..configuration
    };
    let (caller, mut caller_events) = endpoint.connection(configuration.clone())?;
    let (answerer, mut answerer_events) = endpoint.connection(configuration)?;
    let channel = caller.create_data_channel("check", Default::default())?;
    caller.set_local_description(None).await?;
    let offer = caller.local_description().ok_or("there is no offer")?;
    answerer.set_remote_description(offer).await?;
    answerer.set_local_description(None).await?;
    let answer = answerer.local_description().ok_or("there is no answer")?;
    caller.set_remote_description(answer).await?;

    let opened = channel.opened();
    tokio::pin!(opened);
    let outcome = loop {
        tokio::select! {
            opened = &mut opened => break opened.map_err(Into::into),
            event = caller_events.recv() => match event {
                Some(Event::IceCandidate(Some(candidate))) => {
                    answerer.add_ice_candidate(candidate.init).await?;
                }
                Some(_) => {}
                None => break Err("the connection ended".into()),
            },
            event = answerer_events.recv() => match event {
                Some(Event::IceCandidate(Some(candidate))) => {
                    caller.add_ice_candidate(candidate.init).await?;
                }
                Some(_) => {}
                None => break Err("the connection ended".into()),
            },
        }
    };
    caller.close();
    answerer.close();
    outcome
}

/// The addresses of this machine that its connections offer.
async fn addresses(endpoint: &Endpoint) -> Result<Vec<IpAddr>, Failure> {
    let (pc, mut events) = endpoint.connection(Configuration::default())?;
    let mut addresses = Vec::new();
    let gathered = gather(&pc, &mut events, |event| {
        let Event::IceCandidate(Some(candidate)) = event else {
            return;
        };
        let parts = candidate.parts.as_ref();
        let address = parts.and_then(|parts| parts.address.as_deref());
        let address = address.and_then(|address| address.parse().ok());
        addresses.extend(address.filter(|it| !addresses.contains(it)));
    });
    let gathered = timeout(LIMIT, gathered).await;
    pc.close();
    // What came in time is what is told.
    gathered.unwrap_or(Ok(()))?;
    Ok(addresses)
}

/// Host and port of those that speak STUN over UDP without TLS, each once.
fn udp_servers(servers: &[IceServer]) -> Vec<String> {
    let mut hosts: Vec<String> = Vec::new();
    let urls = servers.iter().flat_map(|server| &server.urls);
    for host in urls.filter_map(|url| udp_server(url)) {
        if !hosts.contains(&host) {
            hosts.push(host);
        }
    }
    hosts
}

fn udp_server(url: &str) -> Option<String> {
    let rest = url.strip_prefix("stun:").or(url.strip_prefix("turn:"))?;
    let (host, query) = rest.split_once('?').unwrap_or((rest, ""));
    if query == "transport=tcp" {
        return None;
    }
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    let has_port = host.rsplit_once(':').is_some_and(|(_, port)| is_port(port));
    Some(match has_port {
        true => host.to_owned(),
        false => format!("{host}:{PORT}"),
    })
}

/// By the server's first address of each family. What does not answer is told of where the servers are.
async fn behaviour(server: &str) -> Vec<Behaviour> {
    let Ok(found) = tokio::net::lookup_host(server).await else {
        return Vec::new();
    };
    let found: Vec<SocketAddr> = found.collect();
    let families = [SocketAddr::is_ipv4, SocketAddr::is_ipv6];
    let mut known = Vec::new();
    for is_of in families {
        if let Some(address) = found.iter().find(|address| is_of(address)) {
            known.extend(Behaviour::of(*address).await);
        }
    }
    known
}

fn millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// How long a server may take.
const LIMIT: Duration = Duration::from_secs(10);
/// RFC 8489 §3
const PORT: u16 = 3478;

#[cfg(test)]
mod tests {
    use super::*;

    fn servers(urls: &[&str]) -> Vec<IceServer> {
        let servers = urls.iter().map(|url| IceServer {
            urls: vec![(*url).to_owned()],
            ..IceServer::default()
        });
        servers.collect()
    }

    #[test]
    fn turn_is_tried_over_both_of_its_transports_and_each_once() {
        let tried = |urls: &[&str]| {
            let ways = ways(&servers(urls)).into_iter();
            let ways = ways.map(|(besides, mut server)| (besides, server.urls.remove(0)));
            ways.collect::<Vec<_>>()
        };
        let way = |besides, url: &str| (besides, url.to_owned());
        assert_eq!(tried(&["stun:a"]), [way(false, "stun:a")]);
        assert_eq!(
            tried(&["turn:a"]),
            [way(false, "turn:a"), way(true, "turn:a?transport=tcp")]
        );
        let both = ["turn:a", "turn:a?transport=tcp"];
        assert_eq!(tried(&both), both.map(|url| way(false, url)));
        assert_eq!(tried(&["turns:a"]), [way(false, "turns:a")]);
    }

    #[test]
    fn a_server_is_asked_over_udp_at_its_port_once() {
        let urls = [
            "stun:a",
            "turn:a?transport=udp",
            "turn:a:5?transport=tcp",
            "stun:[::1]",
            "stun:[::1]:5",
            "stuns:b",
            "turn:1.2.3.4:99",
        ];
        assert_eq!(
            udp_servers(&servers(&urls)),
            ["a:3478", "[::1]:3478", "[::1]:5", "1.2.3.4:99"]
        );
    }
}
