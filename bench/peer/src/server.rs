//! Many connections to one port at full speed: what the port itself costs.

use std::sync::Arc;
use std::time::Instant;

use duologue::Bytes;

use crate::args::Args;
use crate::pair::Pairs;
use crate::scale::{DESCRIPTORS, allow_descriptors};
use crate::{Outcome, Received, count, report, seconds};

/// Each of the peers sends to the server as fast as it takes it.
pub(crate) async fn run(args: &Args) -> Outcome<String> {
    let connections = args.get("connections", 100_usize);
    allow_descriptors(2 * connections as u64 + DESCRIPTORS)?;
    let source = Pairs::with_server(args)?;
    let mut all = Vec::with_capacity(connections);
    for _ in 0..connections {
        all.push(source.connect().await?);
    }
    let message = Bytes::from(vec![0x5a; args.get("size", 1024)]);
    let received = Arc::new(Received::default());
    for pair in &all {
        let (sender, message) = (pair.a.clone(), message.clone());
        tokio::spawn(async move { while sender.send(message.clone()).await.is_ok() {} });
        tokio::spawn(count(pair.b.clone(), received.clone()));
    }
    tokio::time::sleep(seconds(args.get("warm", 2.0))).await;
    let lost = lost_datagrams();
    let (cpu, begin) = (report::cpu(), Instant::now());
    let (bytes, messages) = received.read();
    tokio::time::sleep(seconds(args.get("secs", 10.0))).await;
    let (all_bytes, all_messages) = received.read();
    let window = begin.elapsed();
    let line = report::server(
        &report::Served {
            bytes: all_bytes - bytes,
            messages: all_messages - messages,
            lost: lost_datagrams() - lost,
        },
        window,
        report::cpu() - cpu,
    );
    Ok(line)
}

/// Datagrams that the sockets of this network namespace had no room for; 0 where there is no
/// `/proc`.
fn lost_datagrams() -> f64 {
    let sockets = std::fs::read_to_string("/proc/net/udp").unwrap_or_default();
    let lines = sockets.lines().skip(1);
    let drops = lines.filter_map(|line| line.split_whitespace().last()?.parse::<f64>().ok());
    drops.sum()
}
