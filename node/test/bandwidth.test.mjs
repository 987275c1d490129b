// What an endpoint says of the rate of media: its bounds, and the feedback that steers it.
import assert from 'node:assert/strict';
import test from 'node:test';
import { Endpoint } from '../index.mjs';
import { sending, vp8Delta, vp8Key } from './flow-helpers.mjs';
import { event, pair } from './helpers.mjs';

const statsOf = async (pc, type) => [...(await pc.getStats()).values()].find((stats) => stats.type === type);

/** Negotiates so that `b` does not see the numbers of packets, and never tells `a` how fast the path is. */
async function negotiateWithoutFeedback(a, b) {
  await a.setLocalDescription();
  const { sdp } = a.localDescription;
  const [numbers] = /^a=extmap:\d+ .*transport-wide-cc.*\r\n/m.exec(sdp);
  await b.setRemoteDescription({ type: 'offer', sdp: sdp.replace(numbers, '') });
  await b.setLocalDescription();
  await a.setRemoteDescription({ type: 'answer', sdp: b.localDescription.sdp.replace('a=rtcp-mux\r\n', `$&${numbers}`) });
}

for (const [bitrateBounds, rate] of [
  [undefined, 300_000],
  [{ start: 2_000_000 }, 2_000_000],
  [{ min: 1_000_000 }, 1_000_000],
  [{ max: 200_000 }, 200_000],
]) {
  test(`with the bounds ${JSON.stringify(bitrateBounds)} media begin with ${rate} bit/s`, { timeout: 30_000 }, async (t) => {
    const endpoint = new Endpoint({ loopback: true, onlyAddresses: ['127.0.0.1'], bitrateBounds });
    const { a, b, close } = pair({}, { endpoint }, { endpoint });
    t.after(() => [close(), endpoint.close()]);
    const writer = a.addTransceiver('video').sender.frames();
    await negotiateWithoutFeedback(a, b);
    while (a.connectionState !== 'connected') await event(a, 'connectionstatechange');
    await writer.sendAll([{ data: vp8Key(2_000), timestamp: 0, type: 'key' }]);
    let target;
    while (target === undefined) ({ targetBitrate: target } = await statsOf(a, 'outbound-rtp'));
    assert.equal((await statsOf(a, 'candidate-pair')).availableOutgoingBitrate, rate);
    // Headers and repairs take their part.
    assert.ok(target > 0.8 * rate && target < rate, `${target}`);
  });
}

test('bounds that are no rates are refused', () => {
  for (const rate of [-1, Number.NaN, 2 ** 53]) {
    for (const name of ['min', 'start', 'max']) assert.throws(() => new Endpoint({ bitrateBounds: { [name]: rate } }), TypeError);
  }
});

const CCFB = /^a=rtcp-fb:\* ack ccfb\r$/m;

test('congestionControlFeedback is offered and answered, and packets arrive marked', { timeout: 30_000 }, async (t) => {
  const { a, b, near, far, close } = await sending('video', { options: { congestionControlFeedback: true } });
  t.after(close);
  assert.match(a.localDescription.sdp, CCFB);
  assert.match(b.localDescription.sdp, CCFB);
  const [writer, packets] = [near.sender.frames(), far.receiver.packets()];
  for (let n = 0, marked = 0; marked === 0; n++) {
    await writer.sendAll([{ data: n === 0 ? vp8Key(200) : vp8Delta(200), timestamp: n * 3_000, type: n === 0 ? 'key' : 'delta' }]);
    await packets.recvMany(1);
    ({ packetsReceivedWithEct1: marked } = await statsOf(b, 'inbound-rtp'));
  }
});

test('who was not asked for it neither offers nor answers congestionControlFeedback', async (t) => {
  const [asked, other] = [true, false].map((congestionControlFeedback) => new Endpoint({ congestionControlFeedback }));
  const { a, b, close } = pair({}, { endpoint: asked }, { endpoint: other });
  t.after(() => [close(), asked.close(), other.close()]);
  for (const pc of [a, b]) pc.addTransceiver('video');
  const offer = await b.createOffer();
  await b.setRemoteDescription(await a.createOffer());
  const answer = await b.createAnswer();
  for (const { sdp } of [offer, answer]) {
    assert.doesNotMatch(sdp, CCFB);
    assert.match(sdp, /transport-cc/);
  }
});
