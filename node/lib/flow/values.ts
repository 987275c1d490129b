/** What the numbers of `columns.ts` stand for. */

/** A column's number, when it is known. */
export const known = (value: number | undefined): number | undefined =>
  value === undefined || value < 0 ? undefined : value;

const SILENCE = 127;

/** From 0 to 1, of -dBov (RFC 6464): as `RTCRtpContributingSource.audioLevel` counts. */
export const linearLevel = (level: number): number => (level >= SILENCE ? 0 : 10 ** (-level / 20));

export const levelOf = (linear: number): number =>
  linear <= 0 ? SILENCE : Math.min(SILENCE, Math.max(0, Math.round(-20 * Math.log10(linear))));
