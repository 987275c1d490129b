//! DTLS alone: records of full packets.

use duologue_bench_micro::Transports;
use duologue_dtls::Version;

use crate::{Done, measured_if};

/// What SCTP makes by default.
const PACKET: [u8; 1188] = [0x5a; 1188];
const RECORDS: u64 = 4000;
const WARM_RECORDS: u64 = 100;

pub(crate) fn out_13() -> Done {
    records(Version::V13, true)
}

pub(crate) fn in_13() -> Done {
    records(Version::V13, false)
}

pub(crate) fn out_12() -> Done {
    records(Version::V12, true)
}

pub(crate) fn in_12() -> Done {
    records(Version::V12, false)
}

fn records(version: Version, out: bool) -> Done {
    let mut pair = Transports::connected(version);
    let mut datagram = Vec::with_capacity(2048);
    let mut received = 0;
    for record in 0..WARM_RECORDS + RECORDS {
        let counts = record >= WARM_RECORDS;
        let [client, server] = &mut pair.ends;
        datagram.clear();
        measured_if(counts && out, || {
            client.seal(pair.now, &PACKET, &mut datagram)
        });
        measured_if(counts && !out, || {
            server.handle_datagram(pair.now, &mut datagram, |packet| received += packet.len());
        });
    }
    let expected = PACKET.len() as u64 * (WARM_RECORDS + RECORDS);
    assert_eq!(received as u64, expected, "records were lost");
    Done {
        count: RECORDS,
        unit: "record",
    }
}
