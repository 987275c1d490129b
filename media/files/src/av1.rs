//! What containers say of a stream of AV1 beside its frames (AV1 in ISO-BMFF §2.3, AV1 in Matroska).

use duologue_rtp::payload::{Parts, PayloadFormat};
use shiguredo_mp4::Encode;
use shiguredo_mp4::bitstream::av1::{Av1SampleEntryConfig, build_av01_box_from_config_obus};
use shiguredo_mp4::boxes::Av01Box;

use crate::error::{FileError, Result};

/// OBU_SEQUENCE_HEADER
const SEQUENCE_HEADER: u8 = 1;

/// The sample entry for a stream whose first key frame this is.
pub(crate) fn entry(key_frame: &[u8]) -> Result<Av01Box> {
    let mut parts = Parts::new();
    let bad = |_| FileError::Malformed("a frame of AV1");
    PayloadFormat::Av1
        .find_parts(key_frame, &mut parts)
        .map_err(bad)?;
    let mut obus = parts
        .iter()
        .map(|part| &key_frame[part.start as usize..part.end as usize]);
    let header = obus.find(|obu| obu[0] >> 3 & 0x0f == SEQUENCE_HEADER);
    let missing = FileError::Malformed("a key frame of AV1 without a sequence header");
    let config = Av1SampleEntryConfig {
        initial_presentation_delay_minus_one: None,
    };
    build_av01_box_from_config_obus(header.ok_or(missing)?, &config)
        .map_err(|_| FileError::Malformed("a sequence header of AV1"))
}

/// The same as `CodecPrivate` of WebM: `av1C` without the header of a box.
pub(crate) fn configuration(key_frame: &[u8]) -> Result<Vec<u8>> {
    let entry = entry(key_frame)?;
    let encoded = entry.av1c_box.encode_to_vec();
    let mut encoded = encoded.map_err(|_| FileError::Malformed("a sequence header of AV1"))?;
    encoded.drain(..8);
    Ok(encoded)
}
