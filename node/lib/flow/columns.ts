/**
 * How frames and packets pass the border to the core: a row of numbers each in one array, their bytes
 * in another (`src/flow/batch.rs`). What is not known is -1.
 */
export const COLUMNS = 16;
export const LENGTH = 0;
export const ENCODING = 1;
export const SSRC = 2;
export const PAYLOAD_TYPE = 3;
export const TIMESTAMP = 4;
export const SEQUENCE_NUMBER = 5;
export const FLAGS = 6;
export const AUDIO_LEVEL = 7;
export const WIDTH = 8;
export const HEIGHT = 9;
export const TEMPORAL = 10;
/** How long ago it came, in milliseconds. */
export const AGE = 11;
export const RID = 12;
/** Which of the batch's details is its. */
export const DETAILS = 13;

export const KEY = 1;
export const DISCARDABLE = 2;
export const VOICE = 4;
export const MARKER = 8;
export const REPAIRED = 16;

/** A column's number, when it is known. */
export const known = (value: number | undefined): number | undefined =>
  value === undefined || value < 0 ? undefined : value;

const SILENCE = 127;

/** From 0 to 1, of -dBov (RFC 6464): as `RTCRtpContributingSource.audioLevel` counts. */
export const linearLevel = (level: number): number => (level >= SILENCE ? 0 : 10 ** (-level / 20));

export const levelOf = (linear: number): number =>
  linear <= 0 ? SILENCE : Math.min(SILENCE, Math.max(0, Math.round(-20 * Math.log10(linear))));
