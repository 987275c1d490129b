/**
 * How frames and packets pass the border to the core: a row of numbers each in one array, their bytes in another. What is not
 * known is -1. Made of `src/flow/columns.rs` by `npm run types`.
 */
/** Numbers of one frame or packet. */
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
