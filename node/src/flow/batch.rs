//! Frames and packets as JavaScript's arrays: numbers in one, bytes in another. An object each with
//! a property for each member would cost more than all else.

use std::collections::VecDeque;

use bytes::Bytes;
use duologue_base::Instant;
use napi::bindgen_prelude::{
    ArrayBuffer, Float64Array, JsObjectValue, Object, Result, Uint8ArraySlice, Unknown,
};
use napi::{Env, JsValue};

use super::columns::{
    AGE, AUDIO_LEVEL, COLUMNS, DETAILS, DISCARDABLE, ENCODING, FLAGS, HEIGHT, KEY, LENGTH, MARKER,
    PAYLOAD_TYPE, REPAIRED, RID, SEQUENCE_NUMBER, SSRC, TEMPORAL, TIMESTAMP, VOICE, WIDTH,
};
use super::details::Details;
use super::item::{Frame, Info, Packet, Place};
use super::queue::Taken;
use crate::limits::MAX_COPIED_BYTES;

/// What is not known.
const NONE: f64 = -1.0;

/// One frame or packet as a row of numbers.
pub(super) trait Row: Sized {
    fn info(&self) -> &Info;

    fn bytes(&self) -> &Bytes;

    fn write(&self, row: &mut [f64]);

    fn read(info: Info, place: Place, row: &[f64], bytes: Bytes) -> Self;

    /// What it depends on, where that is told.
    fn place(&self) -> Option<&Place> {
        None
    }
}

impl Row for Frame {
    fn info(&self) -> &Info {
        &self.info
    }

    fn bytes(&self) -> &Bytes {
        &self.data
    }

    fn write(&self, row: &mut [f64]) {
        let flags = [(self.key, KEY), (self.discardable, DISCARDABLE)];
        row[FLAGS] += flags_of(flags);
        if let Some((width, height)) = self.size {
            row[WIDTH] = f64::from(width);
            row[HEIGHT] = f64::from(height);
        }
        row[TEMPORAL] = self.temporal.map_or(NONE, f64::from);
    }

    fn place(&self) -> Option<&Place> {
        Some(&self.place)
    }

    fn read(info: Info, place: Place, row: &[f64], data: Bytes) -> Self {
        let flags = row[FLAGS] as u32;
        Frame {
            info,
            place,
            key: flags & KEY != 0,
            discardable: flags & DISCARDABLE != 0,
            size: known(row[WIDTH])
                .zip(known(row[HEIGHT]))
                .map(|(w, h)| (w as u32, h as u32)),
            temporal: known(row[TEMPORAL]).map(|it| it as u8),
            came: None,
            data,
        }
    }
}

impl Row for Packet {
    fn info(&self) -> &Info {
        &self.info
    }

    fn bytes(&self) -> &Bytes {
        &self.payload
    }

    fn write(&self, row: &mut [f64]) {
        row[FLAGS] += flags_of([(self.marker, MARKER), (self.repaired, REPAIRED)]);
    }

    fn read(info: Info, _: Place, row: &[f64], payload: Bytes) -> Self {
        let flags = row[FLAGS] as u32;
        Packet {
            info,
            marker: flags & MARKER != 0,
            repaired: flags & REPAIRED != 0,
            payload,
        }
    }
}

fn flags_of<const N: usize>(flags: [(bool, u32); N]) -> f64 {
    let set = flags.into_iter().filter(|(set, _)| *set);
    f64::from(set.map(|(_, flag)| flag).sum::<u32>())
}

fn known(column: f64) -> Option<f64> {
    (column >= 0.0).then_some(column)
}

fn write_info(info: &Info, rids: &mut Vec<String>, now: Option<Instant>, row: &mut [f64]) {
    row[ENCODING] = info.encoding as f64;
    row[SSRC] = info.ssrc.map_or(NONE, f64::from);
    row[PAYLOAD_TYPE] = info.payload_type.map_or(NONE, f64::from);
    row[TIMESTAMP] = f64::from(info.timestamp);
    row[SEQUENCE_NUMBER] = info.sequence_number.map_or(NONE, |it| it as f64);
    if let Some((level, voice)) = info.audio_level {
        row[AUDIO_LEVEL] = f64::from(level);
        row[FLAGS] += flags_of([(voice, VOICE)]);
    }
    if let Some((at, now)) = info.received.zip(now) {
        let age = now.since_origin().saturating_sub(at.since_origin());
        row[AGE] = age.as_secs_f64() * 1e3;
    }
    if let Some(rid) = &info.rid {
        let at = rids.iter().position(|known| known == rid);
        let at = at.unwrap_or_else(|| {
            rids.push(rid.clone());
            rids.len() - 1
        });
        row[RID] = at as f64;
    }
}

/// `NativeBatch` of `lib/binding.ts`; null when nothing waits and more may come.
pub(super) fn to_js<'env, T: Row>(
    env: &'env Env,
    taken: Taken<T>,
    now: Option<Instant>,
) -> Result<Option<Object<'env>>> {
    let Taken { items, ended } = taken;
    if items.is_empty() && !ended {
        return Ok(None);
    }
    let mut fields = vec![NONE; items.len() * COLUMNS];
    let mut bytes = Vec::with_capacity(items.iter().map(|item| item.bytes().len()).sum());
    let mut rids = Vec::new();
    let mut details = Vec::new();
    for (item, row) in items.iter().zip(fields.chunks_exact_mut(COLUMNS)) {
        row[FLAGS] = 0.0;
        row[LENGTH] = item.bytes().len() as f64;
        write_info(item.info(), &mut rids, now, row);
        if let Some(more) = Details::of(item.info(), item.place(), now) {
            row[DETAILS] = details.len() as f64;
            details.push(more);
        }
        item.write(row);
        bytes.extend_from_slice(item.bytes());
    }

    let mut batch = Object::new(env)?;
    batch.set_named_property("count", items.len() as u32)?;
    batch.set_named_property("fields", Float64Array::new(fields))?;
    let data = match bytes.len() {
        // Memory of ours would need a finalizer, which costs more.
        0..=MAX_COPIED_BYTES => ArrayBuffer::copy_from(env, bytes)?,
        _ => ArrayBuffer::from_data(env, bytes)?,
    };
    batch.set_named_property("data", data.to_unknown())?;
    if !rids.is_empty() {
        batch.set_named_property("rids", rids)?;
    }
    if !details.is_empty() {
        batch.set_named_property("details", env.to_js_value(&details)?)?;
    }
    batch.set_named_property("ended", ended)?;
    Ok(Some(batch))
}

/// What JavaScript hands over, the bytes of each apart, and what few have.
pub(super) fn from_js<T: Row>(
    (fields, data): (&[f64], &[Uint8ArraySlice<'_>]),
    mut details: Vec<Details>,
    now: Option<Instant>,
) -> VecDeque<T> {
    let rows = fields.chunks_exact(COLUMNS).zip(data);
    let items = rows.map(|(row, data)| {
        let voice = row[FLAGS] as u32 & VOICE != 0;
        let mut info = Info {
            encoding: row[ENCODING].max(0.0) as usize,
            ssrc: known(row[SSRC]).map(|it| it as u32),
            payload_type: known(row[PAYLOAD_TYPE]).map(|it| it as u8),
            timestamp: row[TIMESTAMP] as u32,
            sequence_number: known(row[SEQUENCE_NUMBER]).map(|it| it as u64),
            audio_level: known(row[AUDIO_LEVEL]).map(|it| (it as u8, voice)),
            ..Info::default()
        };
        let more = known(row[DETAILS]).and_then(|at| details.get_mut(at as usize));
        let mut place = Place::default();
        if let Some(more) = more {
            place = more.place();
            std::mem::take(more).add_to(&mut info, now);
        }
        T::read(info, place, row, Bytes::copy_from_slice(data))
    });
    items.collect()
}

/// The details that JavaScript hands over, if it does.
pub(super) fn details(env: &Env, details: Option<Unknown<'_>>) -> Result<Vec<Details>> {
    details.map_or(Ok(Vec::new()), |details| env.from_js_value(details))
}
