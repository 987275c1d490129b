//! How long handshakes take on a path that loses much.

use super::*;

/// When both ends are connected, in milliseconds.
fn connects_after(versions: Versions, seed: u64, post_quantum: bool) -> u64 {
    let mut pair = Pair::new(versions, versions);
    if post_quantum {
        let context = Context::for_simulation(3).unwrap().with_post_quantum(true);
        let context = context.with_versions(versions);
        pair.ends[CLIENT] = Transport::new(context, pair.certificates[CLIENT].clone());
    }
    pair.rng = Rng::from_u64(seed);
    pair.loss_percent = 30;
    pair.delay = Duration::from_millis(25);
    pair.start();
    while pair.states() != [State::Connected; 2] {
        pair.run(Duration::from_millis(1));
        let text = format!("{versions:?} {seed}: {:?}", pair.events);
        assert!(pair.now < Instant::ZERO + Duration::from_secs(29), "{text}");
    }
    (pair.now - Instant::ZERO).as_millis() as u64
}

/// `--nocapture` shows it: `bench/README.md` has the figures.
#[expect(clippy::print_stdout, reason = "the table is shown with --nocapture")]
fn percentile_95(versions: Versions, handshakes: u64, post_quantum: bool) -> u64 {
    let mut times: Vec<u64> = (0..handshakes)
        .map(|seed| connects_after(versions, seed, post_quantum))
        .collect();
    times.sort_unstable();
    let [median, most] = [50, 95].map(|percent| times[(handshakes * percent / 100) as usize]);
    println!("{versions:?}, post-quantum {post_quantum}: median {median} ms, 95 % {most} ms");
    most
}

#[test]
fn with_30_percent_of_loss_all_of_1000_handshakes_complete_most_of_them_soon() {
    assert!(percentile_95(V12, 1000, false) < 900);
    assert!(percentile_95(V13, 1000, false) < 400);
}

#[test]
fn a_hello_of_two_datagrams_comes_through_loss_too() {
    assert!(percentile_95(V13, 1000, true) < 900);
}
