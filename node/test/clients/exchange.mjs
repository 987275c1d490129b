// What both ends of a call do, in Node and in the page.

/** Sent by each end. */
export const CHUNKS = 256;
export const CHUNK_BYTES = 16_000;

/** The bytes of chunk `i`: the far end can tell a wrong or misplaced one. */
export const chunk = (i) => new Uint8Array(CHUNK_BYTES).fill(i % 251);

/** Counts what arrives; `done` is called with the number of bytes when all is there and right. */
export function counter(done) {
  let bytes = 0;
  return (data) => {
    const part = new Uint8Array(data.buffer ?? data, data.byteOffset ?? 0, data.byteLength);
    for (let i = 0; i < part.length; i++, bytes++) {
      const expected = Math.floor(bytes / CHUNK_BYTES) % 251;
      if (part[i] !== expected) throw new Error(`byte ${bytes} is ${part[i]}, not ${expected}`);
    }
    if (bytes === CHUNKS * CHUNK_BYTES) done(bytes);
  };
}
