// What `console.log` shows.
import assert from 'node:assert/strict';
import test from 'node:test';
import { inspect } from 'node:util';
import { Endpoint, RTCIceCandidate, RTCPeerConnection, RTCSessionDescription, mediaDevices } from '../index.mjs';
import { channels } from './helpers.mjs';

test('a connection shows its states and the labels of its channels', async (t) => {
  const { a, near, close } = await channels();
  t.after(close);
  a.addTransceiver('audio');
  const shown = inspect(a);
  for (const text of [
    /^RTCPeerConnection \{/,
    /signalingState: 'stable'/,
    /iceConnectionState: 'connected'|iceConnectionState: 'completed'/,
    /connectionState: 'connected'/,
    /label: 'test'/,
    /readyState: 'open'/,
    /RTCRtpTransceiver \{/,
  ]) {
    assert.match(shown, text);
  }
  assert.match(inspect(near), /^RTCDataChannel \{\n {2}label: 'test'/);
  assert.match(inspect({ deep: { deeper: { a } } }, { depth: 1 }), /\[Object\]/);
  assert.match(inspect({ a }, { depth: 0 }), /a: \[RTCPeerConnection\]/);
});

test('a connection shows neither passwords nor addresses', async (t) => {
  const { a, close } = await channels();
  t.after(close);
  const shown = inspect(a, { depth: 10 });
  const { sdp } = a.localDescription;
  for (const [, secret] of sdp.matchAll(/a=(?:ice-pwd|ice-ufrag|fingerprint):(?:sha-256 )?(\S+)/g)) assert.ok(!shown.includes(secret));
  assert.ok(!shown.includes('candidate:'));
});

test('transports, tracks, candidates and reports show their attributes', async (t) => {
  const { a, close } = await channels();
  t.after(close);
  assert.match(inspect(a.sctp), /^RTCSctpTransport \{[\s\S]*RTCDtlsTransport \{[\s\S]*state: 'connected'/);
  assert.match(inspect(a.sctp.transport.iceTransport), /^RTCIceTransport \{[\s\S]*role: 'controlling'/);
  assert.match(inspect(await a.getStats()), /^RTCStatsReport Map\(\d+\) \{/);
  const [track] = (await mediaDevices.getUserMedia({ audio: true })).getTracks();
  assert.match(inspect(track), /^MediaStreamTrack \{\n {2}kind: 'audio'/);
  const candidate = new RTCIceCandidate({ candidate: 'candidate:1 1 udp 1 192.0.2.1 9 typ host', sdpMid: '0' });
  assert.match(inspect(candidate), /address: '192.0.2.1'/);
  assert.match(inspect(new RTCSessionDescription({ type: 'offer', sdp: 'v=0' })), /\{ type: 'offer', sdp: 'v=0' \}/);
  const endpoint = new Endpoint({ sharedPort: 0 });
  assert.match(inspect(endpoint), /^Endpoint \{ sharedPort: \d+, closed: false \}$/);
  endpoint.close();
});

test('a subclass shows its own name, and a prototype can be shown', () => {
  class Mine extends RTCPeerConnection {}
  const pc = new Mine();
  assert.match(inspect(pc), /^Mine \{/);
  pc.close();
  assert.equal(typeof inspect(RTCPeerConnection.prototype), 'string');
  assert.equal(typeof inspect(Object.create(pc)), 'string');
});
