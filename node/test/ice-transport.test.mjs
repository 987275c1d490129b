// ICE transports as an application has a say in them: candidate pairs (webrtc-extensions), and transports without a
// connection (webrtc-ice). What the folder `webrtc-ice` of the web-platform-tests asks is not asked again here.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import test from 'node:test';
import * as duologue from '../index.mjs';
import { event, negotiate, pair } from './helpers.mjs';

const { RTCIceCandidatePair, RTCIceCandidatePairEvent, RTCIceTransport } = duologue;

/** A pair whose first end listens to its candidate pairs from the beginning. */
async function listening(listen) {
  const { a, b, close } = pair();
  const channel = a.createDataChannel('');
  const opened = event(channel, 'open');
  const negotiated = negotiate(a, b);
  await event(a, 'signalingstatechange');
  const ice = a.sctp.transport.iceTransport;
  listen(ice);
  await negotiated;
  return { a, ice, channel, opened, close };
}

test('pairs are told of, and one is nominated that is among them', async () => {
  const added = [];
  let nominated;
  const { a, ice, opened, close } = await listening((ice) => {
    ice.onicecandidatepairadd = (it) => added.push(it);
    nominated = event(ice, 'icecandidatepairnominate');
  });
  await opened;
  const { candidatePair, cancelable } = await nominated;
  assert.ok(cancelable);
  assert.ok(added.every((it) => it instanceof RTCIceCandidatePairEvent && !it.cancelable));
  assert.ok(added.some((it) => it.candidatePair === candidatePair));
  assert.ok(candidatePair instanceof RTCIceCandidatePair);
  while (a.iceConnectionState !== 'completed') await event(a, 'iceconnectionstatechange');
  assert.equal(ice.state, 'completed');
  close();
});

test('a nomination that is canceled comes again with the pair that is selected, and a removed pair is gone', async () => {
  const proposals = [];
  const refused = [];
  let proposed;
  const { a, ice, opened, close } = await listening((ice) => {
    proposed = event(ice, 'icecandidatepairnominate');
    ice.addEventListener('icecandidatepairnominate', (it) => {
      proposals.push(it.candidatePair);
      if (proposals.length === 1) it.preventDefault();
      for (const attempt of [ice.selectCandidatePair(it.candidatePair), ice.removeCandidatePair(it.candidatePair)]) {
        refused.push(assert.rejects(attempt, { name: 'InvalidStateError' }));
      }
    });
  });
  await opened;
  // A channel opens on a pair that works, nominated or not.
  await proposed;
  assert.equal(proposals.length, 1);
  const [chosen] = proposals;

  assert.equal(await ice.selectCandidatePair(chosen), undefined);
  assert.equal(ice.getSelectedCandidatePair().local.candidate, chosen.local.candidate);
  while (a.iceConnectionState !== 'completed') await event(a, 'iceconnectionstatechange');
  assert.deepEqual(proposals, [chosen, chosen]);
  assert.equal(refused.length, 4);
  await Promise.all(refused);

  const removed = event(ice, 'icecandidatepairremove');
  await ice.removeCandidatePair(chosen);
  const { candidatePair, cancelable } = await removed;
  assert.equal(candidatePair, chosen);
  assert.equal(cancelable, false);
  // Unless there are others nothing is left to select.
  await assert.rejects(ice.selectCandidatePair(chosen), { name: ice.state === 'failed' ? 'InvalidStateError' : 'NotFoundError' });
  close();
  await assert.rejects(ice.selectCandidatePair(chosen), { name: 'InvalidStateError' });
});

test("another transport's pair is none of this one, and what is no pair is a TypeError", async () => {
  const one = await listening(() => {});
  const other = await listening(() => {});
  await Promise.all([one.opened, other.opened]);
  const foreign = other.ice.getSelectedCandidatePair();
  await assert.rejects(one.ice.selectCandidatePair(foreign), { name: 'NotFoundError' });
  await assert.rejects(one.ice.removeCandidatePair(foreign), { name: 'NotFoundError' });
  await assert.rejects(one.ice.selectCandidatePair({}), TypeError);
  // The pair in use can be selected by who never listened.
  await one.ice.selectCandidatePair(one.ice.getSelectedCandidatePair());
  one.close();
  other.close();
});

test('RTCIceCandidatePairEvent can be made', async () => {
  const { ice, opened, close } = await listening(() => {});
  await opened;
  const candidatePair = ice.getSelectedCandidatePair();
  const made = new RTCIceCandidatePairEvent('x', { candidatePair, cancelable: true });
  assert.equal(made.candidatePair, candidatePair);
  assert.ok(made.cancelable);
  assert.throws(() => new RTCIceCandidatePairEvent('x', {}), TypeError);
  close();
});

test("a connection's transport is not gathered for or started by hand", async () => {
  const { ice, opened, close } = await listening(() => {});
  await opened;
  const parameters = { usernameFragment: 'abcd', password: 'x'.repeat(22) };
  const state = ice.state;
  for (const call of [() => ice.gather(), () => ice.start(parameters), () => ice.stop(), () => ice.addRemoteCandidate({})]) {
    assert.throws(call, { name: 'InvalidStateError' });
  }
  assert.equal(ice.state, state);
  close();
});

test('two transports without a connection complete when each knows all candidates of the other', async () => {
  const [near, far] = [new RTCIceTransport(), new RTCIceTransport()];
  for (const [from, to] of [[near, far], [far, near]]) {
    from.onicecandidate = ({ candidate }) => to.addRemoteCandidate(candidate ?? {});
  }
  for (const it of [near, far]) it.gather();
  near.start(far.getLocalParameters(), 'controlling');
  far.start(near.getLocalParameters());
  for (const it of [near, far]) while (it.state !== 'completed') await event(it, 'statechange');
  assert.deepEqual([near.role, far.role, near.component], ['controlling', 'controlled', 'rtp']);
  assert.equal(near.failure, null);
  const { local, remote } = near.getSelectedCandidatePair();
  assert.ok(near.getLocalCandidates().some((it) => it.candidate === local.candidate));
  assert.ok(near.getRemoteCandidates().some((it) => it.candidate === remote.candidate));
  await assert.rejects(near.selectCandidatePair(near.getSelectedCandidatePair()), { name: 'InvalidStateError' });

  const stopped = once(near, 'statechange');
  near.stop();
  near.stop();
  assert.equal(near.state, 'closed');
  await stopped;
  far.stop();
});

test('a server that cannot be reached is told of, by the handler too', async () => {
  const transport = new RTCIceTransport();
  const handled = new Promise((resolve) => (transport.onerror = resolve));
  const told = event(transport, 'icecandidateerror');
  transport.gather({ iceServers: [{ urls: 'stun:stun.invalid' }] });
  const error = await told;
  assert.equal(error.errorCode, 701);
  assert.equal(error.url, 'stun:stun.invalid');
  assert.equal(await handled, error);
  transport.stop();
});
