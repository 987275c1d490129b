use std::time::Duration;

use duologue_base::Rng;

use super::*;

const LINK: Link = Link(7);

fn name(seed: u64) -> MdnsName {
    MdnsName::random(&mut Rng::from_u64(seed))
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn at(ms: u64) -> Instant {
    Instant::ZERO + Duration::from_millis(ms)
}

fn host() -> Mdns {
    let mut host = Mdns::default();
    host.set_links(Instant::ZERO, &[LINK]);
    host
}

fn sent(host: &mut Mdns, now: Instant) -> Vec<Transmit> {
    std::iter::from_fn(|| host.poll_transmit(now)).collect()
}

fn resolved(name: MdnsName, addresses: &[&str]) -> Event {
    Event::Resolved {
        name,
        addresses: addresses.iter().map(|text| ip(text)).collect(),
    }
}

fn records(transmit: &Transmit) -> Vec<Record> {
    match Message::parse(&transmit.bytes) {
        Ok(Message::Response(records)) => records,
        other => panic!("{other:?}"),
    }
}

/// What `from` sends at `now` reaches `to`, and is returned.
fn carry(now: Instant, from: &mut Mdns, to: &mut Mdns) -> Vec<Transmit> {
    let all = sent(from, now);
    for transmit in &all {
        let port = match transmit.source {
            Source::Shared => PORT,
            Source::Own => 49_152,
        };
        let source = SocketAddr::new(ip("192.0.2.1"), port);
        to.handle_datagram(now, LINK, source, &transmit.bytes);
    }
    all
}

#[test]
fn a_name_is_announced_twice_a_second_apart() {
    let mut host = host();
    host.announce(at(0), name(1), ip("192.0.2.1"));
    let first = sent(&mut host, at(0));
    assert_eq!(first.len(), 1);
    assert_eq!(first[0].destination, Destination::Group);
    assert_eq!(records(&first[0])[0].address, ip("192.0.2.1"));
    assert_eq!(host.poll_timeout(), Some(at(1000)));
    assert_eq!(sent(&mut host, at(999)), []);
    assert_eq!(sent(&mut host, at(1000)).len(), 1);
    assert_eq!(host.poll_timeout(), None);
}

#[test]
fn a_first_question_is_answered_at_once_and_to_the_one_who_asked() {
    let (mut ours, mut theirs) = (host(), host());
    theirs.announce(at(0), name(1), ip("2001:db8::1"));
    sent(&mut theirs, at(0));
    ours.resolve(at(5), name(1));
    let asked = carry(at(5), &mut ours, &mut theirs);
    assert_eq!(asked[0].source, Source::Own);
    let answer = carry(at(5), &mut theirs, &mut ours);
    let to = SocketAddr::new(ip("192.0.2.1"), 49_152);
    assert_eq!(answer[0].destination, Destination::Host(to));
    assert_eq!(ours.poll_event(), Some(resolved(name(1), &["2001:db8::1"])));
    assert!(ours.is_idle());
}

#[test]
fn a_later_question_is_answered_to_all_but_not_twice_a_second() {
    let (mut ours, mut theirs) = (host(), host());
    ours.resolve(at(0), name(1));
    sent(&mut ours, at(0));
    theirs.announce(at(500), name(1), ip("192.0.2.1"));
    sent(&mut theirs, at(500));
    assert_eq!(ours.poll_timeout(), Some(at(1000)));
    let asked = carry(at(1000), &mut ours, &mut theirs);
    assert_eq!(asked[0].source, Source::Shared);
    assert_eq!(carry(at(1000), &mut theirs, &mut ours), []);
    assert_eq!(carry(at(1500), &mut theirs, &mut ours).len(), 1);
    assert_eq!(ours.poll_event(), Some(resolved(name(1), &["192.0.2.1"])));
}

#[test]
fn an_announcement_that_was_overheard_needs_no_question() {
    let (mut ours, mut theirs) = (host(), host());
    theirs.announce(at(0), name(1), ip("192.0.2.1"));
    carry(at(0), &mut theirs, &mut ours);
    ours.resolve(at(10), name(1));
    assert_eq!(ours.poll_event(), Some(resolved(name(1), &["192.0.2.1"])));
    assert_eq!(sent(&mut ours, at(10)), []);
}

#[test]
fn a_withdrawn_name_is_not_known_any_more() {
    let (mut ours, mut theirs) = (host(), host());
    theirs.announce(at(0), name(1), ip("192.0.2.1"));
    carry(at(0), &mut theirs, &mut ours);
    theirs.withdraw(name(1));
    let goodbye = carry(at(100), &mut theirs, &mut ours);
    assert_eq!(records(&goodbye[0])[0].ttl, Duration::ZERO);
    assert!(theirs.is_idle());
    assert_eq!(ours.cached(), 0);
}

#[test]
fn a_name_of_this_host_is_known_without_a_network() {
    let mut host = Mdns::default();
    host.announce(at(0), name(1), ip("127.0.0.1"));
    host.resolve(at(0), name(1));
    assert_eq!(host.poll_event(), Some(resolved(name(1), &["127.0.0.1"])));
}

#[test]
fn what_nobody_answers_is_given_up_after_three_questions() {
    let mut host = host();
    host.resolve(at(0), name(1));
    let mut asked = Vec::new();
    while let Some(now) = host.poll_timeout() {
        host.handle_timeout(now);
        asked.extend(sent(&mut host, now).iter().map(|_| now));
    }
    assert_eq!(asked, [at(0), at(1000), at(3000)]);
    assert!(host.is_idle());
}

#[test]
fn what_is_given_up_is_told_after_five_seconds() {
    let mut host = host();
    host.resolve(at(0), name(1));
    for ms in [0, 1000, 3000] {
        host.handle_timeout(at(ms));
        sent(&mut host, at(ms));
    }
    host.handle_timeout(at(4999));
    assert_eq!(host.poll_event(), None);
    host.handle_timeout(at(5000));
    assert_eq!(host.poll_event(), Some(resolved(name(1), &[])));
}

#[test]
fn two_who_ask_for_one_name_share_the_question() {
    let mut host = host();
    host.resolve(at(0), name(1));
    host.resolve(at(0), name(1));
    assert_eq!(sent(&mut host, at(0)).len(), 1);
}

#[test]
fn a_querier_that_knows_the_answer_gets_none() {
    let mut host = host();
    host.announce(at(0), name(1), ip("192.0.2.1"));
    sent(&mut host, at(0));
    sent(&mut host, at(1000));
    let from = SocketAddr::new(ip("192.0.2.2"), PORT);
    let known = Record {
        name: name(1),
        address: ip("192.0.2.1"),
        ttl: limits::TTL,
    };
    let asked = Asked {
        name: name(1),
        kind: message::Kind::Ipv4,
        unicast: false,
    };
    host.handle_query(at(5000), LINK, from, 0, &[asked], &[known]);
    assert_eq!(sent(&mut host, at(7000)), []);
    let old = Record {
        ttl: limits::TTL / 3,
        ..known
    };
    host.handle_query(at(8000), LINK, from, 0, &[asked], &[old]);
    assert_eq!(sent(&mut host, at(8000)).len(), 1);
}

#[test]
fn names_are_announced_on_a_link_that_comes_later() {
    let mut host = Mdns::default();
    host.announce(at(0), name(1), ip("192.0.2.1"));
    assert_eq!(
        (sent(&mut host, at(0)), host.poll_timeout()),
        (vec![], None)
    );
    host.set_links(at(50), &[LINK, Link(8)]);
    let links: Vec<Link> = sent(&mut host, at(50)).iter().map(|t| t.link).collect();
    assert_eq!(links, [LINK, Link(8)]);
}

#[test]
fn a_name_with_two_addresses_is_told_as_such() {
    let mut ours = host();
    ours.resolve(at(0), name(1));
    let record = |text| Record {
        name: name(1),
        address: ip(text),
        ttl: limits::TTL,
    };
    let both = [record("192.0.2.1"), record("192.0.2.2")];
    let bytes = message::write_response(&both, Reply::Multicast, &[]);
    ours.handle_datagram(at(1), LINK, "192.0.2.9:5353".parse().unwrap(), &bytes);
    let event = resolved(name(1), &["192.0.2.1", "192.0.2.2"]);
    assert_eq!(ours.poll_event(), Some(event));
}

#[test]
fn a_response_from_another_port_is_not_believed() {
    let mut ours = host();
    ours.resolve(at(0), name(1));
    let record = Record {
        name: name(1),
        address: ip("192.0.2.1"),
        ttl: limits::TTL,
    };
    let bytes = message::write_response(&[record], Reply::Multicast, &[]);
    ours.handle_datagram(at(1), LINK, "192.0.2.9:5354".parse().unwrap(), &bytes);
    assert_eq!(ours.poll_event(), None);
    assert_eq!(ours.counters().malformed, 1);
}

#[test]
fn a_flood_of_names_and_questions_stays_within_bounds() {
    let mut ours = host();
    for seed in 0..10_000 {
        let record = Record {
            name: name(seed),
            address: ip("192.0.2.1"),
            ttl: limits::TTL,
        };
        ours.handle_response(at(seed), &[record]);
        ours.resolve(at(seed), name(100_000 + seed));
        ours.announce(at(seed), name(200_000 + seed), ip("192.0.2.1"));
    }
    assert_eq!(ours.cached(), limits::CACHED);
    assert!(sent(&mut ours, at(0)).len() <= limits::TRANSMITS);
    let events = std::iter::from_fn(|| ours.poll_event()).count();
    assert!(events <= limits::EVENTS);
    assert!(ours.counters().over_limit > 0);
}

#[test]
fn any_bytes_are_survived() {
    let mut ours = host();
    ours.announce(at(0), name(1), ip("192.0.2.1"));
    let mut rng = Rng::from_u64(9);
    let valid = message::write_query(&[name(1)], true);
    for round in 0..20_000 {
        let mut bytes = valid.clone();
        for _ in 0..=rng.below(8) {
            let at = rng.below(bytes.len() as u32) as usize;
            bytes[at] = rng.u32() as u8;
        }
        bytes.truncate(rng.below(bytes.len() as u32 + 1) as usize);
        let from = SocketAddr::new(ip("192.0.2.2"), rng.u32() as u16);
        ours.handle_datagram(at(round), LINK, from, &bytes);
        sent(&mut ours, at(round));
    }
}
