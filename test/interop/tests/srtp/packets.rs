//! Packets of many shapes.

use duologue_base::Rng;

/// An RTP packet: up to fifteen CSRCs, a header extension of any kind or none, padding or none.
pub(crate) fn rtp(ssrc: u32, sequence_number: u16, rng: &mut Rng) -> Vec<u8> {
    let csrcs = rng.below(16);
    let extension = extension(rng);
    let padding = rng.below(2) as u8 * (1 + rng.below(20) as u8);
    let mut first = 0x80 | csrcs as u8;
    first |= u8::from(!extension.is_empty()) << 4;
    first |= u8::from(padding > 0) << 5;

    let mut packet = vec![first, rng.u32() as u8];
    packet.extend(sequence_number.to_be_bytes());
    packet.extend(rng.u32().to_be_bytes());
    packet.extend(ssrc.to_be_bytes());
    for _ in 0..csrcs {
        packet.extend(rng.u32().to_be_bytes());
    }
    packet.extend(extension);
    let payload = packet.len();
    packet.resize(payload + rng.below(1_300) as usize, 0);
    rng.fill(&mut packet[payload..]);
    if padding > 0 {
        packet.resize(packet.len() + usize::from(padding), 0);
        *packet.last_mut().expect("padding") = padding;
    }
    packet
}

/// None, or one with elements of one byte's header, of two bytes' (RFC 8285), or of no format that
/// is known.
fn extension(rng: &mut Rng) -> Vec<u8> {
    let (kind, mut data) = match rng.below(4) {
        0 => return Vec::new(),
        1 => (
            0xbede_u16,
            elements(rng, |id, length| vec![id << 4 | (length - 1)]),
        ),
        2 => (0x1000, elements(rng, |id, length| vec![id, length])),
        _ => (0x0bad, vec![7; 4 * rng.below(5) as usize]),
    };
    data.resize(data.len().next_multiple_of(4), 0);
    let words = (data.len() / 4) as u16;
    [&kind.to_be_bytes()[..], &words.to_be_bytes(), &data].concat()
}

/// Up to five elements, of 1 to 16 bytes each.
fn elements(rng: &mut Rng, header: fn(u8, u8) -> Vec<u8>) -> Vec<u8> {
    let mut data = Vec::new();
    for id in 1..=1 + rng.below(5) as u8 {
        let length = 1 + rng.below(16) as u8;
        data.extend(header(id, length));
        data.extend(vec![rng.u32() as u8; usize::from(length)]);
    }
    data
}

/// A compound RTCP packet: a sender report and, mostly, more that nobody looks into here.
pub(crate) fn rtcp(ssrc: u32, rng: &mut Rng) -> Vec<u8> {
    let mut packet = vec![0x80, 200, 0, 6];
    packet.extend(ssrc.to_be_bytes());
    let report = packet.len();
    packet.resize(report + 20, 0);
    rng.fill(&mut packet[report..]);
    let words = rng.below(30);
    if words > 0 {
        packet.extend([0x80, 204, 0, words as u8]);
        packet.extend(vec![rng.u32() as u8; 4 * words as usize]);
    }
    packet
}
