//! The layers of libvpx's encoders: temporal ones of VP8 by flags of each picture, all of VP9 by controls.

use std::ffi::{c_int, c_long};

use duologue_codec::{CodecError, VideoCodec, VideoEncoderConfig};

use super::{DROP_BELOW, Encoder, MAX_QUANTIZER, MIN_QUANTIZER, VP9_SPEED, config};
use crate::layers::{self, Picture};
use crate::record::Record;

/// What controls of VP9's layers read, of which each has room for five spatial ones, or twelve of both
/// kinds.
mod svc {
    /// `vpx_svc_extra_cfg_t`
    pub(super) const PARAMETERS: usize = 292;
    pub(super) const MAX_QUANTIZERS: usize = 0;
    pub(super) const MIN_QUANTIZERS: usize = 48;
    pub(super) const MULTIPLIERS: usize = 96;
    pub(super) const DIVISORS: usize = 144;
    pub(super) const SPEEDS: usize = 192;
    pub(super) const LAYERING: usize = 240;
    /// `vpx_svc_layer_id_t`
    pub(super) const LAYER_ID: usize = 28;
    pub(super) const TEMPORAL: usize = 4;
    pub(super) const TEMPORALS: usize = 8;
    /// `vpx_svc_ref_frame_config_t`
    pub(super) const REFERENCES: usize = 240;
    pub(super) const LAST: usize = 0;
    pub(super) const GOLDEN: usize = 20;
    pub(super) const ALTERNATE: usize = 40;
    pub(super) const FILLED: usize = 60;
    pub(super) const USES_LAST: usize = 140;
    pub(super) const USES_GOLDEN: usize = 160;
    pub(super) const DURATIONS: usize = 200;
    /// `vpx_svc_frame_drop_t`
    pub(super) const DROP: usize = 28;
    pub(super) const DROP_MODE: usize = 20;
    pub(super) const DROPS_IN_A_ROW: usize = 24;
    pub(super) const WHOLE_PICTURES: u32 = 2;
}

// vp8cx.h
const VP8_SET_TEMPORAL_LAYER: c_int = 30;
const VP9_SET_SVC: c_int = 39;
const VP9_SET_SVC_PARAMETERS: c_int = 41;
const VP9_SET_SVC_LAYER_ID: c_int = 42;
const VP9_SET_SVC_REFERENCES: c_int = 52;
const VP9_SET_SVC_DROP: c_int = 61;
const VP8_NEEDS_NO_LAST: c_long = 1 << 16;
const VP8_NEEDS_NO_GOLDEN: c_long = 1 << 17;
const VP8_KEEPS_LAST: c_long = 1 << 18;
const VP8_KEEPS_ENTROPY: c_long = 1 << 20;
const VP8_NEEDS_NO_ALTERNATE: c_long = 1 << 21;
const VP8_KEEPS_GOLDEN: c_long = 1 << 22;
const VP8_KEEPS_ALTERNATE: c_long = 1 << 23;
const DROPS_IN_A_ROW: u32 = 5;

impl Encoder {
    /// Sets up the layers of VP9, once it runs.
    pub(super) fn divide(&mut self) -> Result<(), CodecError> {
        let mode = self.config.scalability_mode;
        let temporal = usize::from(mode.temporal_layers());
        let mut parameters = Record::zeroed(svc::PARAMETERS);
        let mut drop = Record::zeroed(svc::DROP);
        for spatial in 0..mode.spatial_layers() {
            let (multiply, divide) = mode.scale_of(spatial);
            let at = 4 * usize::from(spatial);
            parameters.set_u32(svc::MULTIPLIERS + at, multiply);
            parameters.set_u32(svc::DIVISORS + at, divide);
            parameters.set_u32(svc::SPEEDS + at, VP9_SPEED);
            drop.set_u32(at, DROP_BELOW);
            for layer in 0..temporal {
                let at = 4 * (usize::from(spatial) * temporal + layer);
                parameters.set_u32(svc::MAX_QUANTIZERS + at, MAX_QUANTIZER);
                parameters.set_u32(svc::MIN_QUANTIZERS + at, MIN_QUANTIZER);
            }
        }
        parameters.set_u32(svc::LAYERING, config::BYPASS);
        drop.set_u32(svc::DROP_MODE, svc::WHOLE_PICTURES);
        drop.set_u32(svc::DROPS_IN_A_ROW, DROPS_IN_A_ROW);

        self.context.set(VP9_SET_SVC, 1)?;
        self.context
            .set_record(VP9_SET_SVC_PARAMETERS, &mut parameters)?;
        self.context.set_record(VP9_SET_SVC_DROP, &mut drop)
    }

    /// Says which layer a picture is of, and what it may need. Returns the flags for it.
    pub(super) fn place(&mut self, picture: &Picture, duration: i64) -> Result<c_long, CodecError> {
        if !self.has_layers() {
            return Ok(0);
        }
        if self.config.codec == VideoCodec::Vp8 {
            let layer = c_int::from(picture.temporal);
            self.context.set(VP8_SET_TEMPORAL_LAYER, layer)?;
            return Ok(vp8_flags(picture));
        }

        let mut layer = Record::zeroed(svc::LAYER_ID);
        let mut references = Record::zeroed(svc::REFERENCES);
        layer.set_u32(svc::TEMPORAL, picture.temporal.into());
        for spatial in 0..self.config.scalability_mode.spatial_layers() {
            let at = 4 * usize::from(spatial);
            layer.set_u32(svc::TEMPORALS + at, picture.temporal.into());
            let buffers = picture.buffers(spatial);
            let mut needed = buffers.own.into_iter().chain(buffers.below);
            let (first, second) = (needed.next(), needed.next());
            let spare = first.or(buffers.fills).unwrap_or(0);
            let places = [
                (svc::LAST, first),
                (svc::GOLDEN, second),
                (svc::ALTERNATE, None),
            ];
            for (place, buffer) in places {
                references.set_u32(place + at, buffer.unwrap_or(spare).into());
            }
            references.set_u32(svc::USES_LAST + at, first.is_some().into());
            references.set_u32(svc::USES_GOLDEN + at, second.is_some().into());
            let filled = buffers.fills.map_or(0, |buffer| 1 << buffer);
            references.set_u32(svc::FILLED + at, filled);
            let duration = duration.cast_unsigned();
            references.set_u64(svc::DURATIONS + 2 * at, duration);
        }
        self.context.set_record(VP9_SET_SVC_LAYER_ID, &mut layer)?;
        self.context
            .set_record(VP9_SET_SVC_REFERENCES, &mut references)?;
        Ok(0)
    }
}

/// The buffers 0 and 1 are the last frame and the golden one.
fn vp8_flags(picture: &Picture) -> c_long {
    if picture.key {
        return 0;
    }
    let buffers = picture.buffers(0);
    let unless = |holds: bool, flag: c_long| if holds { 0 } else { flag };
    VP8_NEEDS_NO_ALTERNATE
        | VP8_KEEPS_ALTERNATE
        | unless(buffers.own == Some(0), VP8_NEEDS_NO_LAST)
        | unless(buffers.own == Some(1), VP8_NEEDS_NO_GOLDEN)
        | unless(buffers.fills == Some(0), VP8_KEEPS_LAST)
        | unless(buffers.fills == Some(1), VP8_KEEPS_GOLDEN)
        // Those that have not this frame decode on without what it would change.
        | unless(picture.temporal == 0, VP8_KEEPS_ENTROPY)
}

pub(super) fn apply(settings: &mut Record, config: &VideoEncoderConfig) {
    let mode = config.scalability_mode;
    let rates = layers::kilobits(mode, config.bitrate);
    let temporal = mode.temporal_layers();
    // Without it a frame would need the statistics of the one before, which may be of a layer that was
    // left out.
    settings.set_u32(config::ERROR_RESILIENT, 1);
    settings.set_u32(config::SPATIAL_LAYERS, mode.spatial_layers().into());
    settings.set_u32(config::TEMPORAL_LAYERS, temporal.into());
    for layer in 0..temporal {
        let at = 4 * usize::from(layer);
        let of_all = rates.iter().map(|rates| rates[usize::from(layer)]);
        settings.set_u32(config::TEMPORAL_BITRATES + at, of_all.sum());
        let decimator = layers::decimator(mode, layer);
        settings.set_u32(config::DECIMATORS + at, decimator);
    }
    let period = layers::decimator(mode, 0);
    settings.set_u32(config::PERIOD, period);
    for picture in 0..period {
        let layer = mode.temporal_of(picture.into());
        settings.set_u32(config::PERIOD_LAYERS + 4 * picture as usize, layer.into());
    }
    if config.codec == VideoCodec::Vp8 {
        return;
    }

    settings.set_u32(config::LAYERING, config::BYPASS);
    for (spatial, rates) in rates.iter().enumerate() {
        let all = rates.last().copied().unwrap_or_default();
        settings.set_u32(config::SPATIAL_BITRATES + 4 * spatial, all);
        for (layer, rate) in rates.iter().enumerate() {
            let at = spatial * usize::from(temporal) + layer;
            settings.set_u32(config::LAYER_BITRATES + 4 * at, *rate);
        }
    }
}
