// Firefox, which has the interface, and this package know each other by one provider and its one script.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { IdentityProviderService, PROTOCOL } from '../examples/identity-provider.mjs';
import { RTCPeerConnection } from '../index.mjs';
import { openFirefox } from './clients/firefox.mjs';

// The provider's root is one for tests, of which Node learns at its start only.
const root = fileURLToPath(new URL('tls/root.pem', import.meta.url));
const tls = (name) => readFileSync(new URL(`tls/${name}`, import.meta.url));

/** What the page does: a connection, and all candidates in its descriptions. */
const PAGE = `<!doctype html><meta charset=utf-8><title>identity</title><script>
const gathered = async () => {
  while (pc.iceGatheringState !== 'complete') await new Promise((resolve) => (pc.onicegatheringstatechange = resolve));
  return pc.localDescription;
};
const make = (domain, protocol, session, peerIdentity) => {
  globalThis.pc = new RTCPeerConnection(peerIdentity ? { peerIdentity } : {});
  pc.setIdentityProvider(domain, { protocol, usernameHint: session });
};
const offer = async () => {
  globalThis.channel = pc.createDataChannel('private');
  globalThis.opened = new Promise((resolve) => (channel.onopen = () => resolve('open')));
  await pc.setLocalDescription(await pc.createOffer());
  return gathered();
};
const answer = async (description) => {
  await pc.setRemoteDescription(description);
  await pc.setLocalDescription(await pc.createAnswer());
  return gathered();
};
const refused = (description) => pc.setRemoteDescription(description).then(() => 'taken', (error) => error.name);
</script>`;

if (process.env.NODE_EXTRA_CA_CERTS !== root) {
  test('in a process that trusts the root for tests', { timeout: 120_000 }, () => {
    const env = { ...process.env, NODE_EXTRA_CA_CERTS: root };
    delete env.NODE_TEST_CONTEXT;
    execFileSync(process.execPath, ['--test', fileURLToPath(import.meta.url)], { env, stdio: 'inherit' });
  });
} else {
  test('both ends validate each other, and refuse whom they do not want', async (t) => {
    const idp = await IdentityProviderService.start({ a: 'alice', b: 'bob' }, { cert: tls('localhost.pem'), key: tls('localhost.key') });
    const server = createServer((_, response) => response.setHeader('content-type', 'text/html').end(PAGE));
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.after(() => (server.closeAllConnections(), server.close(), idp.close()));
    const run = await openFirefox(t, `http://localhost:${server.address().port}/`);
    const make = (...args) => run(`make(...${JSON.stringify([idp.domain, PROTOCOL, ...args])})`);
    const end = (session, peerIdentity) => {
      const pc = new RTCPeerConnection(peerIdentity ? { peerIdentity } : {}, { identityProviders: { trust: [idp.domain] } });
      pc.setIdentityProvider(idp.domain, { protocol: PROTOCOL, usernameHint: session });
      t.after(() => pc.close());
      return pc;
    };
    const gathered = async (pc) => {
      while (pc.iceGatheringState !== 'complete') await new Promise((resolve) => (pc.onicegatheringstatechange = resolve));
      return pc.localDescription;
    };

    // Firefox calls, and wants Bob: it speaks DTLS for isolated media only (RFC 8833, `c-webrtc`).
    await make('a', idp.identity('bob'));
    const bob = end('b', idp.identity('alice'));
    await bob.setRemoteDescription(await run('offer()'));
    await bob.setLocalDescription();
    await run(`pc.setRemoteDescription(${JSON.stringify(await gathered(bob))})`);
    assert.equal((await bob.peerIdentity).name, idp.identity('alice'));
    assert.equal(await run('pc.peerIdentity.then(({ name }) => name)'), idp.identity('bob'));
    assert.equal(await run('opened'), 'open');

    // Firefox is called.
    const alice = end('a', idp.identity('bob'));
    alice.createDataChannel('private');
    await alice.setLocalDescription();
    await make('b');
    await alice.setRemoteDescription(await run(`answer(${JSON.stringify(await gathered(alice))})`));
    assert.equal((await alice.peerIdentity).name, idp.identity('bob'));

    // Neither takes somebody else.
    await make('a', idp.identity('alice'));
    const offer = await run('offer()');
    await assert.rejects(end('a', idp.identity('bob')).setRemoteDescription(offer), { name: 'OperationError' });
    const stranger = end('b');
    stranger.createDataChannel('private');
    await stranger.setLocalDescription();
    await make('a', idp.identity('carol'));
    assert.notEqual(await run(`refused(${JSON.stringify(await gathered(stranger))})`), 'taken');
  });
}
