use super::*;

const CHROME: &str = "candidate:3885250869 1 udp 2122260223 192.0.2.17 49203 typ host generation 0 \
                      ufrag EsAw network-id 1 network-cost 10";

fn parse(text: &str) -> Result<Candidate, SyntaxError> {
    text.parse()
}

#[test]
fn a_candidate_of_chrome_keeps_its_extensions_in_order() -> Result<(), SyntaxError> {
    let candidate = parse(CHROME)?;
    assert_eq!(candidate.foundation.as_str(), "3885250869");
    assert_eq!(candidate.component, 1);
    assert_eq!(candidate.transport, CandidateTransport::Udp);
    assert_eq!(candidate.priority, 2_122_260_223);
    assert_eq!(candidate.port, 49203);
    assert_eq!(candidate.kind, CandidateKind::Host);
    assert_eq!(candidate.extension("network-cost"), Some("10"));
    assert_eq!(
        candidate.ufrag().map(|u| u.to_string()),
        Some("EsAw".into())
    );
    assert_eq!(candidate.to_string(), CHROME);
    Ok(())
}

#[test]
fn the_prefixes_may_be_there_or_not() -> Result<(), SyntaxError> {
    let bare = CHROME.trim_start_matches("candidate:");
    assert_eq!(parse(bare)?, parse(CHROME)?);
    assert_eq!(parse(&format!("a={CHROME}"))?, parse(CHROME)?);
    Ok(())
}

#[test]
fn candidates_of_all_kinds_are_written_as_they_were_read() -> Result<(), SyntaxError> {
    for text in [
        "candidate:1 1 udp 1677729535 198.51.100.4 61000 typ srflx raddr 0.0.0.0 rport 0",
        "candidate:0 1 udp 2122252543 f3e1c0de-0b1e-4f4e-8a3c-0b6f4f3f1d52.local 40000 typ host",
        "candidate:5 1 tcp 2105524479 192.0.2.1 9 typ host tcptype active",
        "candidate:5 1 tcp 2105524479 2001:db8::1 4000 typ host tcptype passive ufrag abcd",
        "candidate:5 1 tcp 2105524479 192.0.2.1 4000 typ host tcptype so",
        "candidate:+/a 2 udp 5 192.0.2.1 1 typ relay raddr 2001:db8::2 rport 7 x-y z=1;2",
        "candidate:a 1 udp 5 192.0.2.1 1 typ prflx raddr a.local rport 7",
        "candidate:a 1 sctp 5 192.0.2.1 1 typ teleport",
        // What others write beside the grammar.
        "candidate: 1 udp 2113939711 192.0.2.1 19305 typ host generation 0",
        "candidate:udp_host-1= 1 udp 5 192.0.2.1 1 typ host",
        "candidate:candidate:1 1 udp 5 192.0.2.1 1 typ host",
        "candidate:1 0 udp 1 192.0.2.1 1 typ host",
        "candidate:1 1 udp 5 fe80::1%21 1 typ host",
        "candidate:1 1 udp 5 [2001:db8::1] 1 typ host",
        "candidate:1 1 udp 5 192.0.2.256 1 typ host",
        "candidate:1 1 udp 5 :: 0 typ relay raddr ::/0 rport 0 generation 0",
    ] {
        assert_eq!(parse(text)?.to_string(), text);
    }
    Ok(())
}

#[test]
fn a_transport_matches_in_any_case() -> Result<(), SyntaxError> {
    let candidate = parse("0 1 UDP 2122252543 192.0.2.1 40000 typ host")?;
    assert_eq!(candidate.transport, CandidateTransport::Udp);
    let candidate = parse("0 1 TCP 2122252543 192.0.2.1 9 typ host tcptype active")?;
    assert_eq!(candidate.tcp_type, Some(TcpType::Active));
    Ok(())
}

#[test]
fn what_is_not_a_candidate_is_refused() {
    for bad in [
        "",
        "candidate:",
        "candidate:1",
        "candidate:1 1 udp 1 192.0.2.1 1",
        "candidate:1 1 udp 1 192.0.2.1 1 host",
        "candidate:1 1 udp 1 192.0.2.1 1 typ",
        "candidate:1 x udp 1 192.0.2.1 1 typ host",
        "candidate:1 +1 udp 1 192.0.2.1 1 typ host",
        "candidate:1 1 udp 4294967296 192.0.2.1 1 typ host",
        "candidate:1 1 udp -1 192.0.2.1 1 typ host",
        "candidate:1 1 udp 1 192.0.2.1 65536 typ host",
        "candidate:1 1 udp 1 192.0.2.1 1 typ host rport x",
        "candidate:1 1 tcp 1 192.0.2.1 1 typ host tcptype idle",
        "candidate:1 1 udp 1 192.0.2.1 1 typ host x y\r\na=b",
    ] {
        assert!(parse(bad).is_err(), "{bad:?}");
    }
    let long = format!("candidate:{} 1 udp 1 192.0.2.1 1 typ host", "a".repeat(257));
    assert!(parse(&long).is_err());
}

#[test]
fn what_says_nothing_is_left_out() -> Result<(), SyntaxError> {
    for (read, rest) in [
        ("generation", ""),
        ("raddr", ""),
        ("raddr  rport 0", " rport 0"),
        (
            "rport 1 raddr 192.0.2.9 rport 2 raddr 192.0.2.8",
            " raddr 192.0.2.9 rport 1",
        ),
        ("tcptype so tcptype idle", " tcptype so"),
        ("geü 1 a b", " a b"),
        ("a b\r\n", " a b"),
    ] {
        let candidate = parse(&format!("1 1 udp 1 192.0.2.1 1 typ srflx {read}"))?;
        let written = format!("candidate:1 1 udp 1 192.0.2.1 1 typ srflx{rest}");
        assert_eq!(candidate.to_string(), written, "{read:?}");
    }
    let many = format!("1 1 udp 1 192.0.2.1 1 typ host{}", " a b".repeat(33));
    assert_eq!(parse(&many)?.extensions.len(), MAX_CANDIDATE_EXTENSIONS);
    Ok(())
}

#[test]
fn an_address_that_is_none_is_kept_and_no_ip_address() -> Result<(), SyntaxError> {
    let candidate = parse("1 1 udp 1 fe80::1%21 1 typ host")?;
    assert!(matches!(candidate.address, Address::Other(_)));
    assert_eq!(candidate.address.ip(), None);
    Ok(())
}

#[test]
fn a_ufrag_can_be_set_or_replaced() -> Result<(), SyntaxError> {
    let mut candidate = parse(CHROME)?;
    candidate.set_ufrag(&"wxyz".parse()?);
    assert!(candidate.to_string().contains(" ufrag wxyz network-id 1"));
    let mut candidate = parse("1 1 udp 1 192.0.2.1 1 typ host")?;
    candidate.set_ufrag(&"wxyz".parse()?);
    assert!(candidate.to_string().ends_with(" typ host ufrag wxyz"));
    Ok(())
}

#[test]
fn debug_does_not_show_addresses() -> Result<(), SyntaxError> {
    let shown = format!(
        "{:?}",
        parse("1 1 udp 1 192.0.2.1 1 typ srflx raddr 10.0.0.1 rport 1")?
    );
    assert!(
        !shown.contains("192.0") && !shown.contains("10.0"),
        "{shown}"
    );
    Ok(())
}
