// TURN servers with the moods that users of other stacks reported, on the loopback address as in everyone's first try.
import assert from 'node:assert/strict';
import test from 'node:test';
import { event, negotiate, pair } from './helpers.mjs';
import { CREDENTIALS, startTurnServer } from './turn-server.mjs';

for (const [mood, options] of Object.entries({
  'that does as it should': {},
  'whose nonces are stale at once': { stale: 2 },
})) {
  test(`two connections talk through a TURN server ${mood}`, { timeout: 30_000 }, async (t) => {
    const { url, counts } = await startTurnServer(t, options);
    const { a, b, close } = pair({ iceTransportPolicy: 'relay', iceServers: [{ urls: url, ...CREDENTIALS }] });
    t.after(close);
    const candidates = [];
    for (const pc of [a, b]) {
      pc.addEventListener('icecandidate', ({ candidate }) => candidate?.candidate && candidates.push(candidate));
      pc.addEventListener('icecandidateerror', ({ errorCode, errorText }) => assert.fail(`${errorCode} ${errorText}`));
    }
    const channel = a.createDataChannel('c');
    const announced = event(b, 'datachannel');
    const opened = event(channel, 'open');
    await negotiate(a, b);
    const [{ channel: far }] = await Promise.all([announced, opened]);
    const received = event(far, 'message');
    channel.send('through the relay');
    assert.equal((await received).data, 'through the relay');
    assert.ok(candidates.length >= 2 && candidates.every(({ type }) => type === 'relay'));
    assert.ok(counts.allocations >= 2 && counts.relayed > 0, JSON.stringify(counts));
    assert.equal(counts.stale, options.stale ?? 0);
  });
}
