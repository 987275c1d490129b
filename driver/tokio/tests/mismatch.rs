//! A TURN server that takes a client for one that it had before.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use duologue_base::{Generation, IceCredentials, IceRole, Redacted, Rng, TransportKey};
use duologue_dtls::Context;
use duologue_ice::{CandidateKind, RelayProtocol, Server, ServerKind};
use duologue_identity::{Certificate, KeygenAlgorithm};
use duologue_session::{
    ChannelReport, Command, Report, Session, SessionConfig, TransportCommand, TransportReport,
};
use duologue_stun::{Class, ErrorCode, Key, Message, Method, PasswordAlgorithm, Writer};
use duologue_tokio::{
    Endpoint, EndpointOptions, Host, InterfaceFilter, Ports, SessionHandle, system_time,
};
use tokio::net::UdpSocket;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const RELAYED: &str = "192.0.2.9:49200";
const USER: &str = "alice";
const PASSWORD: &str = "secret";
const REALM: &str = "example.org";

struct Forward(UnboundedSender<Report>);

impl Host for Forward {
    fn handle_report(&mut self, report: Report) {
        let _ = self.0.send(report);
    }

    fn wants_channel_reports(&self) -> bool {
        true
    }

    fn handle_channel_report(&mut self, _report: ChannelReport) {}
}

/// The ports that Allocate requests with credentials came from, by address.
type Clients = Arc<Mutex<HashMap<IpAddr, Vec<u16>>>>;

/// The answer of a server that has allocations of the first `mismatches` ports of each address.
fn answer(clients: &Clients, mismatches: usize, from: SocketAddr, request: &[u8]) -> Vec<u8> {
    let request = Message::parse(request).expect("clients send STUN");
    let (mut out, id, method) = (Vec::new(), request.transaction_id(), request.method());
    let key = Key::long_term(USER, REALM, PASSWORD, PasswordAlgorithm::Md5);
    if request.nonce().is_none() {
        Writer::new(&mut out, Class::ErrorResponse, method, id)
            .error_code(ErrorCode::UNAUTHENTICATED)
            .realm(REALM)
            .nonce("once");
        return out;
    }
    request.verify(&key).expect("it knows the password");
    let mut clients = clients.lock().expect("no panic");
    let ports = clients.entry(from.ip()).or_default();
    if !ports.contains(&from.port()) {
        ports.push(from.port());
    }
    let at = ports.iter().position(|port| *port == from.port());
    if method == Method::ALLOCATE && at < Some(mismatches) {
        Writer::new(&mut out, Class::ErrorResponse, method, id)
            .error_code(ErrorCode::ALLOCATION_MISMATCH)
            .integrity(&key);
        return out;
    }
    let mut writer = Writer::new(&mut out, Class::SuccessResponse, method, id);
    if method == Method::ALLOCATE {
        writer
            .xor_relayed_address(RELAYED.parse().expect("an address"))
            .xor_mapped_address(from);
    }
    writer.lifetime_secs(600).integrity(&key);
    out
}

async fn serve(socket: UdpSocket, clients: Clients, mismatches: usize) {
    let mut buffer = [0; 1500];
    while let Ok((len, from)) = socket.recv_from(&mut buffer).await {
        let answer = answer(&clients, mismatches, from, &buffer[..len]);
        let _ = socket.send_to(&answer, from).await;
    }
}

fn spawn(
    endpoint: &Endpoint,
    server: SocketAddr,
    reports: UnboundedSender<Report>,
) -> SessionHandle {
    let mut rng = Rng::from_u64(1);
    let mut config = SessionConfig::new(Context::new().expect("a tested library"));
    config.ice.loopback = true;
    config.ice.servers = vec![Server {
        url: format!("turn:{server}"),
        host: server.ip().to_string(),
        port: server.port(),
        transport: RelayProtocol::Udp,
        kind: ServerKind::Turn {
            username: Redacted(USER.to_owned()),
            password: Redacted(PASSWORD.to_owned()),
        },
    }];
    let session = endpoint.spawn(Session::new(config, rng.fork()), |_| Forward(reports));
    let (algorithm, day) = (KeygenAlgorithm::EcdsaP256, Duration::from_secs(86_400));
    let certificate = Certificate::generate(algorithm, system_time(), day, &mut rng);
    session.command(Command::Transport(
        TransportKey(0),
        TransportCommand::Add {
            generation: Generation(0),
            local: IceCredentials::generate(&mut rng),
            role: IceRole::Controlling,
            certificates: certificate.expect("a certificate").into(),
        },
    ));
    session
}

#[tokio::test]
async fn a_437_is_answered_from_another_socket_until_three_were_tried() {
    let interfaces = InterfaceFilter {
        loopback: true,
        ..Default::default()
    };
    for (ports, mismatches) in [
        (Ports::Own, 1),
        (Ports::Own, 2),
        (Ports::Shared(0), 1),
        (Ports::Own, 3),
    ] {
        let socket = UdpSocket::bind((LOOPBACK, 0)).await.expect("a free port");
        let at = socket.local_addr().expect("bound");
        let clients = Clients::default();
        let serving = tokio::spawn(serve(socket, clients.clone(), mismatches));
        let endpoint = Endpoint::new(EndpointOptions {
            interfaces: interfaces.clone(),
            ports,
            ..Default::default()
        });
        let (sender, mut reports) = unbounded_channel();
        let session = spawn(&endpoint.expect("loopback is there"), at, sender);
        let told = async {
            loop {
                match reports.recv().await.expect("the session runs") {
                    Report::Transport(_, TransportReport::LocalCandidate { candidate, .. })
                        if candidate.kind == CandidateKind::Relayed =>
                    {
                        assert_eq!(candidate.addr, RELAYED.parse().expect("an address"));
                        return None;
                    }
                    Report::Transport(_, TransportReport::CandidateError { error, .. })
                        if error.code != 701 =>
                    {
                        return Some(error.code);
                    }
                    _ => {}
                }
            }
        };
        let told = tokio::time::timeout(Duration::from_secs(20), told).await;
        let refused = (mismatches == 3).then_some(437);
        assert_eq!(told.expect("an answer"), refused, "{ports:?} {mismatches}");
        let asked = clients.lock().expect("no panic")[&LOOPBACK].len();
        assert_eq!(asked, 3.min(mismatches + 1), "{ports:?}");
        session.command(Command::Close);
        serving.abort();
    }
}
