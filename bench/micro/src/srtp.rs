//! SRTP alone, with AES-128-GCM: full packets of video and small ones of sound.

use duologue_base::{DtlsRole, SrtpKeying, SrtpProfile};
use duologue_srtp::{MasterKey, Receiver, Sender};

use crate::{Done, measured_if};

const PACKETS: u64 = 4000;
const WARM_PACKETS: u64 = 100;

pub(crate) fn out_1200() -> Done {
    packets(1200, true)
}

pub(crate) fn in_1200() -> Done {
    packets(1200, false)
}

pub(crate) fn out_160() -> Done {
    packets(160, true)
}

pub(crate) fn in_160() -> Done {
    packets(160, false)
}

/// Of two streams in turns, as RTX and sound beside video are.
fn packets(size: usize, out: bool) -> Done {
    let keying = SrtpKeying {
        profile: SrtpProfile::AeadAes128Gcm,
        material: vec![7; 2 * (16 + 12)].into(),
    };
    let [ours, _] = MasterKey::of_handshake(&keying, DtlsRole::Client).expect("keys");
    let [_, theirs] = MasterKey::of_handshake(&keying, DtlsRole::Server).expect("keys");
    let mut sender = Sender::new(&ours).expect("a context");
    let mut receiver = Receiver::new(&theirs).expect("a context");
    let mut packet = Vec::with_capacity(2048);
    for number in 0..WARM_PACKETS + PACKETS {
        let counts = number >= WARM_PACKETS;
        packet.clear();
        // A header extension of one element; then the payload.
        packet.extend([0x90, 96]);
        packet.extend((number as u16 / 2).to_be_bytes());
        packet.extend([0, 0, 0, 9, 0, 0, 0, number as u8 & 1]);
        packet.extend([0xbe, 0xde, 0, 1, 0x12, 1, 2, 3]);
        packet.resize(size, 0x5a);

        let protected = measured_if(counts && out, || sender.protect_rtp(&mut packet, 0));
        assert_eq!(protected, Ok(number / 2));
        let opened = measured_if(counts && !out, || receiver.open_rtp(&mut packet));
        assert_eq!(opened.map(|opened| opened.length), Ok(size));
    }
    Done {
        count: PACKETS,
        unit: "packet",
    }
}
