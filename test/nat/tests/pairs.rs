//! Two peers behind each pair of NATs, with a STUN and TURN server.
#![allow(clippy::print_stdout, reason = "the table is the test's output")]

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use duologue_nat::{Call, Coturn, Internet, Kind, PeerOptions, Site, need_namespaces};

const PEER: &str = env!("CARGO_BIN_EXE_nat-peer");
const PROBE: &str = env!("CARGO_BIN_EXE_nat-probe");
/// How long a connection may take before the test gives up on it.
const LIMIT: Duration = Duration::from_secs(20);

/// Whether two NATs of these kinds have to have a relay between them: each of them must see a
/// packet leave towards where the other one's packets really come from.
fn needs_relay(a: Kind, b: Kind) -> bool {
    let unpredictable = |kind| kind == Kind::Symmetric;
    let wants_the_port = |kind| matches!(kind, Kind::Symmetric | Kind::PortRestricted);
    (unpredictable(a) && wants_the_port(b)) || (unpredictable(b) && wants_the_port(a))
}

#[test]
fn nats_are_of_the_kind_they_are_called() {
    need_namespaces();
    let internet = Internet::new();
    let mut serve = internet.servers().command(PROBE);
    let mut server = serve
        .arg("serve")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it runs");
    let output = server.stdout.take().expect("it is piped");
    let ready = BufReader::new(output).lines().next();
    assert_eq!(ready.and_then(Result::ok).as_deref(), Some("ready"));
    for (number, kind) in (10..).zip(Kind::ALL) {
        let site = Site::new(&internet, kind, number);
        let found = site.host.run(PROBE, &["ask"]);
        let expected = match kind {
            Kind::Open | Kind::FullCone => {
                "endpoint-independent mapping, endpoint-independent filtering"
            }
            Kind::AddressRestricted => "endpoint-independent mapping, address-dependent filtering",
            Kind::PortRestricted => {
                "endpoint-independent mapping, address and port-dependent filtering"
            }
            Kind::Symmetric => "endpoint-dependent mapping, address and port-dependent filtering",
        };
        assert_eq!(found.trim(), expected, "{kind}");
    }
    drop(server.stdin.take());
    server.wait().expect("it ends");
}

#[test]
fn without_udp_peers_behind_nats_open_a_stream_to_each_other() {
    need_namespaces();
    let internet = Internet::new();
    let [server, _] = Internet::SERVERS;
    let _coturn = Coturn::start(internet.servers(), server);
    let options = PeerOptions {
        servers: vec![format!("stun:{server}")],
        flags: vec!["--only-simultaneous-open".to_owned()],
        ..PeerOptions::default()
    };
    let sites = [30, 31].map(|number| Site::new(&internet, Kind::PortRestricted, number));
    let ends = [(&sites[0].host, &options), (&sites[1].host, &options)];
    let mut call = Call::start(PEER, ends);
    let connected = call.connects(LIMIT);
    assert!(connected && call.data_flows(LIMIT), "{call:#?}");
    let time = call.time_to_connect().map(|time| time.as_millis());
    println!("TCP between port-restricted NATs: {time:?} ms to connect");
    let direct = ["srflx", "prflx"];
    let (local, remote) = call.sides[0].pairs.last().expect("it is connected");
    assert!(
        direct.contains(&&remote[..]) && local != "relay",
        "{call:#?}"
    );
}

#[test]
fn peers_behind_any_pair_of_nats_connect() {
    need_namespaces();
    let internet = Internet::new();
    let [server, _] = Internet::SERVERS;
    let _coturn = Coturn::start(internet.servers(), server);
    let options = PeerOptions {
        servers: vec![format!("stun:{server}"), format!("turn:{server}")],
        ..PeerOptions::default()
    };
    let sites = [10, 20].map(|first| {
        let kinds = (first..).zip(Kind::ALL);
        let sites = kinds.map(|(number, kind)| Site::new(&internet, kind, number));
        sites.collect::<Vec<Site>>()
    });
    let all: Vec<(usize, usize)> = (0..Kind::ALL.len())
        .flat_map(|a| (0..Kind::ALL.len()).map(move |b| (a, b)))
        .collect();
    let (next, rows) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        while let Some(&(a, b)) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
            let ends = [(&sites[0][a].host, &options), (&sites[1][b].host, &options)];
            let mut call = Call::start(PEER, ends);
            let connected = call.connects(LIMIT);
            // A direct pair that a NAT lets through late takes a relayed one's place.
            call.run_for(Duration::from_millis(1500));
            let settled = connected && call.data_flows(LIMIT);
            let row = (
                a,
                b,
                settled,
                call.sides[0].pairs.last().cloned(),
                call.time_to_connect(),
            );
            if !settled {
                println!("{call:#?}");
            }
            rows.lock().expect("nobody panics").push(row);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(work);
        }
    });
    let mut rows = rows.into_inner().expect("nobody panics");
    rows.sort_by_key(|(a, b, ..)| (*a, *b));
    println!(
        "{:<20}{:<20}{:<16}ms to connect",
        "offerer", "answerer", "pair"
    );
    let mut wrong = Vec::new();
    for (a, b, settled, pair, time) in rows {
        let (a, b) = (Kind::ALL[a], Kind::ALL[b]);
        let kinds = pair.map_or("none".to_owned(), |(local, remote)| {
            format!("{local}–{remote}")
        });
        let ms = time.map_or_else(|| "never".to_owned(), |time| time.as_millis().to_string());
        println!("{a:<20}{b:<20}{kinds:<16}{ms:>6}");
        if !settled || kinds.contains("relay") != needs_relay(a, b) {
            wrong.push(format!("{a} to {b}: {kinds}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}
