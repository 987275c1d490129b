//! Our flow beside a Reno flow, dcsctp's, over one bottleneck with a drop-tail queue.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use crate::chromium::Chromium;
use crate::network::{Network, Path, Shared};
use crate::ours::Ours;

const RATE: u64 = 12_500_000;
const MESSAGE: usize = 16_384;

/// MB/s of our flow and of the Reno flow. dcsctp loses so much at the end of its slow start that it
/// takes twelve seconds to recover, alone on the path as well: ours begins when that is over.
fn share(delay: Duration, seed: u64) -> [f64; 2] {
    let round_trip = delay * 2;
    let queue = (RATE as f64 * round_trip.as_secs_f64()) as usize;
    let bottleneck = Rc::new(RefCell::new(Shared::new(RATE, queue)));
    let path = Path { delay, loss: 0.0 };
    let mut flows = [
        Network::new(
            Box::new(Ours::new(seed)),
            Box::new(Ours::new(seed + 100)),
            path,
            seed,
        ),
        Network::new(
            Box::new(Chromium::new(true)),
            Box::new(Chromium::new(true)),
            path,
            seed,
        ),
    ];
    for flow in &mut flows {
        flow.connect(0);
        flow.keeps = false;
        flow.bottleneck = Some(bottleneck.clone());
    }
    let data = vec![7; MESSAGE];
    let origin = flows.iter().map(Network::now).max().expect("two flows");
    let (begin, count_from, end) = (16.0, 20.0, 40.0);
    let mut before = [0; 2];
    let mut now = origin;
    let mut offered = [0_usize; 2];
    while now < origin + Duration::from_secs_f64(end) {
        now += Duration::from_micros(500);
        let elapsed = (now - origin).as_secs_f64();
        for (n, flow) in flows.iter_mut().enumerate() {
            if n == 1 || elapsed > begin {
                while offered[n] < flow.received_bytes[1] + (6 << 20) {
                    flow.send(0, 1, &data);
                    offered[n] += MESSAGE;
                }
            }
            flow.run_to(now);
        }
        if elapsed < count_from {
            before = flows.each_ref().map(|flow| flow.received_bytes[1]);
        }
    }
    let after = flows.each_ref().map(|flow| flow.received_bytes[1]);
    [0, 1].map(|n| (after[n] - before[n]) as f64 / (end - count_from) / 1e6)
}

#[test]
fn neither_we_nor_a_reno_flow_is_starved() {
    let [ours, reno] = share(Duration::from_millis(10), 1);
    let quarter = (ours + reno) / 4.0;
    assert!(
        ours > quarter && reno > quarter,
        "{ours:.2} and {reno:.2} MB/s"
    );
}
