use std::error::Error;
use std::net::{IpAddr, Ipv6Addr};

use super::*;

const DESCRIPTION: &str = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n\
    m=audio 9 UDP/TLS/RTP/SAVPF 0\r\nc=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\na=mid:0\r\n\
    m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:1\r\n";

fn candidate(port: u16) -> Result<Candidate, crate::SyntaxError> {
    format!("1 1 udp 1 192.0.2.1 {port} typ host").parse()
}

#[test]
fn candidates_come_in_order_and_before_their_end() -> Result<(), Box<dyn Error>> {
    let mut description = SessionDescription::parse(DESCRIPTION)?;
    let audio = description.media_mut(0).ok_or("audio")?;
    audio.add_candidates([candidate(1)?]);
    audio.set_end_of_candidates();
    audio.set_end_of_candidates();
    audio.add_candidates([candidate(2)?, candidate(3)?]);

    let text = description.to_string();
    let expected = "a=mid:0\r\n\
        a=candidate:1 1 udp 1 192.0.2.1 1 typ host\r\n\
        a=candidate:1 1 udp 1 192.0.2.1 2 typ host\r\n\
        a=candidate:1 1 udp 1 192.0.2.1 3 typ host\r\n\
        a=end-of-candidates\r\nm=video";
    assert!(text.contains(expected), "{text}");
    assert_eq!(SessionDescription::parse(&text)?, description);
    Ok(())
}

#[test]
fn an_end_of_candidates_without_candidates_stays_last() -> Result<(), Box<dyn Error>> {
    let mut description = SessionDescription::parse(DESCRIPTION)?;
    let video = description.media_mut(1).ok_or("video")?;
    video.set_end_of_candidates();
    video.add_candidates([candidate(1)?]);
    assert!(
        description
            .to_string()
            .ends_with("typ host\r\na=end-of-candidates\r\n")
    );
    Ok(())
}

#[test]
fn the_default_candidate_is_written_in_three_places() -> Result<(), Box<dyn Error>> {
    let mut description = SessionDescription::parse(DESCRIPTION)?;
    let audio = description.media_mut(0).ok_or("audio")?;
    audio.set_default_candidate(IpAddr::V6(Ipv6Addr::LOCALHOST).into(), 4000);
    let text = description.to_string();
    let expected = "m=audio 4000 UDP/TLS/RTP/SAVPF 0\r\nc=IN IP6 ::1\r\na=rtcp:4000 IN IP6 ::1\r\n";
    assert!(text.contains(expected), "{text}");
    assert_eq!(SessionDescription::parse(&text)?, description);
    Ok(())
}

#[test]
fn a_missing_connection_line_is_put_in_its_place() -> Result<(), Box<dyn Error>> {
    let text = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\n\
        m=audio 9 UDP/TLS/RTP/SAVPF 0\r\ni=a title\r\nb=AS:1\r\n";
    let mut description = SessionDescription::parse(text)?;
    let audio = description.media_mut(0).ok_or("audio")?;
    audio.set_connection(Connection(NetAddress::UNSPECIFIED));
    let text = description.to_string();
    assert!(
        text.contains("i=a title\r\nc=IN IP4 0.0.0.0\r\nb=AS:1"),
        "{text}"
    );
    Ok(())
}

#[test]
fn the_origin_can_be_replaced() -> Result<(), Box<dyn Error>> {
    let mut description = SessionDescription::parse(DESCRIPTION)?;
    description.set_origin(Origin::new(7, 8));
    assert!(
        description
            .to_string()
            .starts_with("v=0\r\no=- 7 8 IN IP4 0.0.0.0\r\ns=-\r\n")
    );
    assert_eq!(description.origin(), Some(&Origin::new(7, 8)));
    Ok(())
}
