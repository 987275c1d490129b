//! str0m: two `Rtc` instances over 127.0.0.1 with a plain UDP loop each (one
//! thread per endpoint, one system call per datagram, as its examples do).
//!
//! str0m setup|dc|ping|rtp|mem|inproc --key value ...
use measured::*;
use std::collections::VecDeque;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};
use str0m::change::{SdpAnswer, SdpOffer};
use str0m::channel::ChannelId;
use str0m::media::{Direction, MediaKind, Mid};
use str0m::net::{Protocol, Receive};
use str0m::rtp::RtpWrite;
use str0m::{Candidate, Event, Input, Output, Rtc};

struct Ep {
    rtc: Rtc,
    sock: UdpSocket,
    addr: SocketAddr,
    deadline: Instant,
    buf: Vec<u8>,
    cid: Option<ChannelId>,
    connected: bool,
}

type On<'a> = &'a mut dyn FnMut(&mut Rtc, Event);

impl Ep {
    fn new(args: &Args, rtp: bool) -> Ep {
        let sock = UdpSocket::bind("127.0.0.1:0").unwrap();
        sock.set_nonblocking(true).unwrap();
        // 0 keeps the system's default.
        let size = args.int("sockbuf", 0) as i32;
        if size > 0 {
            for name in [libc::SO_RCVBUF, libc::SO_SNDBUF] {
                unsafe { libc::setsockopt(sock.as_raw_fd(), libc::SOL_SOCKET, name, &size as *const i32 as *const _, 4) };
            }
        }
        let addr = sock.local_addr().unwrap();
        let mut rtc = Rtc::builder()
            .set_rtp_mode(rtp)
            .set_sctp_max_buffered_amount(args.int("buffer", 1 << 20))
            .build(Instant::now());
        rtc.add_local_candidate(Candidate::host(addr, "udp").unwrap());
        let mut e = Ep { rtc, sock, addr, deadline: Instant::now(), buf: vec![0; 2000], cid: None, connected: false };
        e.drain(&mut |_, _| {});
        e
    }

    /// Polls to the next timeout; sends what is to be sent.
    fn drain(&mut self, on: On) {
        loop {
            match self.rtc.poll_output().unwrap() {
                Output::Timeout(t) => {
                    self.deadline = t;
                    return;
                }
                Output::Transmit(t) => {
                    // WouldBlock counts as loss, as on a real socket.
                    let _ = self.sock.send_to(&t.contents, t.destination);
                }
                Output::Event(e) => {
                    match &e {
                        Event::ChannelOpen(cid, _) => self.cid = Some(*cid),
                        Event::Connected => self.connected = true,
                        _ => {}
                    }
                    on(&mut self.rtc, e)
                }
            }
        }
    }

    fn recv(&mut self, max: usize, on: On) -> usize {
        let mut got = 0;
        while got < max {
            let Ok((n, source)) = self.sock.recv_from(&mut self.buf) else { break };
            got += 1;
            let now = Instant::now();
            let Ok(contents) = (&self.buf[..n]).try_into() else { continue };
            let input = Input::Receive(now, Receive { proto: Protocol::Udp, source, destination: self.addr, contents });
            self.rtc.handle_input(input).unwrap();
            self.drain(on);
        }
        got
    }

    fn timeout(&mut self, on: On) {
        let now = Instant::now();
        if now >= self.deadline {
            self.rtc.handle_input(Input::Timeout(now)).unwrap();
            self.drain(on);
        }
    }

    /// Waits for a datagram or the deadline.
    fn wait(&self) {
        let ms = self.deadline.saturating_duration_since(Instant::now()).as_micros().div_ceil(1000).min(50) as i32;
        let mut p = libc::pollfd { fd: self.sock.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        unsafe { libc::poll(&mut p, 1, ms) };
    }

    /// One turn of the endpoint's loop.
    fn turn(&mut self, on: On) {
        if self.recv(64, on) == 0 {
            self.wait();
        }
        self.timeout(on);
    }
}

fn move_port(sdp: &str, from: u16, to: Option<u16>) -> String {
    match to {
        Some(to) => sdp.replace(&format!(" {from} typ"), &format!(" {to} typ")),
        None => sdp.to_string(),
    }
}

/// Negotiates by SDP text and drives both ends until the data channel is open.
fn pair(args: &Args, rtp: bool) -> (Ep, Ep, Option<Mid>) {
    let mut relay = args.text("relay").map(|r| r.split(':').map(|p| p.parse::<u16>().unwrap()).collect::<Vec<_>>().into_iter());
    let (pa, pb) = (relay.as_mut().and_then(|r| r.next()), relay.as_mut().and_then(|r| r.next()));
    let (mut a, mut b) = (Ep::new(args, rtp), Ep::new(args, rtp));
    let mut api = a.rtc.sdp_api();
    api.add_channel("data".into());
    let mid = rtp.then(|| api.add_media(MediaKind::Video, Direction::SendOnly, None, None, None));
    let (offer, pending) = api.apply().unwrap();
    a.drain(&mut |_, _| {});
    let offer = SdpOffer::from_sdp_string(&move_port(&offer.to_sdp_string(), a.addr.port(), pb)).unwrap();
    let answer = b.rtc.sdp_api().accept_offer(offer).unwrap();
    b.drain(&mut |_, _| {});
    let answer = SdpAnswer::from_sdp_string(&move_port(&answer.to_sdp_string(), b.addr.port(), pa)).unwrap();
    a.rtc.sdp_api().accept_answer(pending, answer).unwrap();
    a.drain(&mut |_, _| {});
    // Until its first timeout an instance does not know the time and sends nothing.
    for e in [&mut a, &mut b] {
        e.rtc.handle_input(Input::Timeout(Instant::now())).unwrap();
        e.drain(&mut |_, _| {});
    }
    let t = Instant::now();
    while !(a.cid.is_some() && b.cid.is_some() && a.connected && b.connected) {
        assert!(t.elapsed() < Duration::from_secs(20), "no connection");
        let got = a.recv(64, &mut |_, _| {}) + b.recv(64, &mut |_, _| {});
        a.timeout(&mut |_, _| {});
        b.timeout(&mut |_, _| {});
        if got == 0 {
            let until = a.deadline.min(b.deadline).saturating_duration_since(Instant::now());
            let ms = until.as_micros().div_ceil(1000).min(50) as i32;
            let fd = |e: &Ep| libc::pollfd { fd: e.sock.as_raw_fd(), events: libc::POLLIN, revents: 0 };
            let mut p = [fd(&a), fd(&b)];
            unsafe { libc::poll(p.as_mut_ptr(), 2, ms) };
        }
    }
    (a, b, mid)
}

fn main() {
    let args = Args::parse();
    str0m::crypto::from_feature_flags().install_process_default();
    match args.scenario.as_str() {
        "setup" => {
            let n = args.int("n", 50);
            pair(&args, false);
            let (mut ms, c0) = (Vec::new(), cpu());
            for _ in 0..n {
                let t = Instant::now();
                let p = pair(&args, false);
                ms.push(t.elapsed().as_secs_f64() * 1e3);
                drop(p);
            }
            report_setup(ms, cpu() - c0);
        }
        "mem" => {
            let n = args.int("pairs", 200);
            let _warm = pair(&args, false);
            let before = rss();
            let all: Vec<_> = (0..n).map(|_| pair(&args, false)).collect();
            report_mem(before, rss(), all.len());
        }
        "dc" => dc(&args),
        "ping" => ping(&args),
        "rtp" => rtp(&args),
        "inproc" => inproc(&args),
        s => panic!("unknown scenario {s}"),
    }
}

fn dc(args: &Args) {
    let (mut a, mut b, _) = pair(args, false);
    let msg = vec![0x5au8; args.int("size", 16384)];
    let stop = Arc::new(AtomicBool::new(false));
    let (bytes, msgs) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let s = stop.clone();
    let tx = std::thread::spawn(move || {
        let cid = a.cid.unwrap();
        while !s.load(Relaxed) {
            let mut n = 0;
            while n < 64 && a.rtc.channel(cid).unwrap().write(true, &msg).unwrap() {
                a.drain(&mut |_, _| {});
                n += 1;
            }
            if n == 0 {
                a.turn(&mut |_, _| {});
            } else {
                a.recv(64, &mut |_, _| {});
                a.timeout(&mut |_, _| {});
            }
        }
    });
    let (s, by, ms) = (stop.clone(), bytes.clone(), msgs.clone());
    let rx = std::thread::spawn(move || {
        while !s.load(Relaxed) {
            b.turn(&mut |_, e| {
                if let Event::ChannelData(d) = e {
                    by.fetch_add(d.data.len() as u64, Relaxed);
                    ms.fetch_add(1, Relaxed);
                }
            });
        }
    });
    measure(args, &bytes, &msgs);
    stop.store(true, Relaxed);
    tx.join().unwrap();
    rx.join().unwrap();
}

fn measure(args: &Args, bytes: &AtomicU64, msgs: &AtomicU64) {
    std::thread::sleep(Duration::from_secs_f64(args.num("warm", 1.0)));
    let (c0, b0, m0, t0) = (cpu(), bytes.load(Relaxed), msgs.load(Relaxed), Instant::now());
    std::thread::sleep(Duration::from_secs_f64(args.num("secs", 10.0)));
    let (c, by, m) = (cpu() - c0, bytes.load(Relaxed) - b0, msgs.load(Relaxed) - m0);
    report_dc(by as f64, m as f64, t0.elapsed().as_secs_f64(), c);
}

fn ping(args: &Args) {
    let (mut a, mut b, _) = pair(args, false);
    let n = args.int("n", 5000);
    let warm = n / 10;
    let stop = Arc::new(AtomicBool::new(false));
    let s = stop.clone();
    let echo = std::thread::spawn(move || {
        let cid = b.cid.unwrap();
        while !s.load(Relaxed) {
            b.turn(&mut |rtc, e| {
                if let Event::ChannelData(d) = e {
                    assert!(rtc.channel(cid).unwrap().write(true, &d.data).unwrap());
                }
            });
        }
    });
    let cid = a.cid.unwrap();
    let (mut us, mut c0) = (Vec::new(), 0.0);
    for i in 0..n + warm {
        if i == warm {
            c0 = cpu();
        }
        let t = Instant::now();
        assert!(a.rtc.channel(cid).unwrap().write(true, &[7u8; 64]).unwrap());
        a.drain(&mut |_, _| {});
        let mut back = false;
        while !back {
            a.turn(&mut |_, e| back |= matches!(e, Event::ChannelData(_)));
        }
        if i >= warm {
            us.push(t.elapsed().as_secs_f64() * 1e6);
        }
    }
    report_ping(us, cpu() - c0);
    stop.store(true, Relaxed);
    echo.join().unwrap();
}

fn rtp(args: &Args) {
    let (mut a, mut b, mid) = pair(args, true);
    let mid = mid.unwrap();
    let pps = args.num("pps", 0.0);
    let stop = Arc::new(AtomicBool::new(false));
    let (sent, recv, bytes) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let (s, n) = (stop.clone(), sent.clone());
    let tx = std::thread::spawn(move || {
        let pt = a.rtc.codec_config().find(|p| p.spec().codec == str0m::format::Codec::Vp8).unwrap().pt();
        let payload: Arc<[u8]> = vec![0x11u8; 1200].into();
        let start = Instant::now();
        let mut seq = 1u64;
        while !s.load(Relaxed) {
            let due = if pps > 0.0 { (start.elapsed().as_secs_f64() * pps) as u64 } else { u64::MAX };
            let mut burst = 0;
            while burst < 32 && n.load(Relaxed) < due {
                let w = RtpWrite::new(pt, seq.into(), (seq * 90) as u32, Instant::now(), payload.clone()).nackable(true);
                a.rtc.direct_api().stream_tx_by_mid(mid, None).unwrap().write_rtp(w);
                a.drain(&mut |_, _| {});
                seq += 1;
                burst += 1;
                n.fetch_add(1, Relaxed);
            }
            a.recv(64, &mut |_, _| {});
            a.timeout(&mut |_, _| {});
            if burst == 0 {
                std::thread::sleep(Duration::from_micros(500));
            }
        }
    });
    let (s, r, by) = (stop.clone(), recv.clone(), bytes.clone());
    let rx = std::thread::spawn(move || {
        while !s.load(Relaxed) {
            b.turn(&mut |_, e| {
                if let Event::RtpPacket(p) = e {
                    r.fetch_add(1, Relaxed);
                    by.fetch_add(p.payload.len() as u64, Relaxed);
                }
            });
        }
    });
    std::thread::sleep(Duration::from_secs_f64(args.num("warm", 1.0)));
    let get = || (sent.load(Relaxed) as f64, recv.load(Relaxed) as f64, bytes.load(Relaxed) as f64);
    let (c0, g0, t0) = (cpu(), get(), Instant::now());
    std::thread::sleep(Duration::from_secs_f64(args.num("secs", 10.0)));
    let (c, g, t) = (cpu() - c0, get(), t0.elapsed().as_secs_f64());
    stop.store(true, Relaxed);
    tx.join().unwrap();
    rx.join().unwrap();
    report_rtp(g.0 - g0.0, g.1 - g0.1, g.2 - g0.2, t, c);
}

/// No sockets: both instances in one thread, datagrams handed over in memory.
/// What remains is the cost of the protocol code itself.
fn inproc(args: &Args) {
    let (mut a, mut b, _) = pair(args, false);
    let msg = vec![0x5au8; args.int("size", 16384)];
    let cid = a.cid.unwrap();
    let (mut to_a, mut to_b): (VecDeque<Vec<u8>>, VecDeque<Vec<u8>>) = Default::default();
    let (aa, ba) = (a.addr, b.addr);
    let (mut bytes, mut msgs) = (0u64, 0u64);
    fn poll(rtc: &mut Rtc, out: &mut VecDeque<Vec<u8>>, on: &mut dyn FnMut(Event)) -> Instant {
        loop {
            match rtc.poll_output().unwrap() {
                Output::Timeout(t) => return t,
                Output::Transmit(t) => out.push_back(t.contents.to_vec()),
                Output::Event(e) => on(e),
            }
        }
    }
    let secs = args.num("secs", 5.0);
    let (mut c0, mut t0, mut counted) = (cpu(), Instant::now(), false);
    loop {
        let now = Instant::now();
        let t = now.duration_since(t0).as_secs_f64();
        if !counted && t > 1.0 {
            (counted, c0, t0, bytes, msgs) = (true, cpu(), now, 0, 0);
        } else if counted && t > secs {
            break;
        }
        let mut n = 0;
        while n < 16 && a.rtc.channel(cid).unwrap().write(true, &msg).unwrap() {
            a.deadline = poll(&mut a.rtc, &mut to_b, &mut |_| {});
            n += 1;
        }
        while let Some(p) = to_b.pop_front() {
            let r = Receive { proto: Protocol::Udp, source: aa, destination: ba, contents: (&p[..]).try_into().unwrap() };
            b.rtc.handle_input(Input::Receive(now, r)).unwrap();
            b.deadline = poll(&mut b.rtc, &mut to_a, &mut |e| {
                if let Event::ChannelData(d) = e {
                    bytes += d.data.len() as u64;
                    msgs += 1;
                }
            });
        }
        while let Some(p) = to_a.pop_front() {
            let r = Receive { proto: Protocol::Udp, source: ba, destination: aa, contents: (&p[..]).try_into().unwrap() };
            a.rtc.handle_input(Input::Receive(now, r)).unwrap();
            a.deadline = poll(&mut a.rtc, &mut to_b, &mut |_| {});
        }
        if now >= a.deadline {
            a.rtc.handle_input(Input::Timeout(now)).unwrap();
            a.deadline = poll(&mut a.rtc, &mut to_b, &mut |_| {});
        }
        if now >= b.deadline {
            b.rtc.handle_input(Input::Timeout(now)).unwrap();
            b.deadline = poll(&mut b.rtc, &mut to_a, &mut |_| {});
        }
    }
    report_dc(bytes as f64, msgs as f64, t0.elapsed().as_secs_f64(), cpu() - c0);
}
