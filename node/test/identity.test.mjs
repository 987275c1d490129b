// Identity providers: scripts in threads of their own, a whole one over https, and what becomes of wrong ones.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { IdentityProviderService } from '../examples/identity-provider.mjs';
import { RTCError, RTCIdentityAssertion, RTCPeerConnection } from '../index.mjs';

const options = (load, more = {}) => ({ identityProviders: { load, origin: 'https://app.example', ...more } });
const scripted = (source, more) => new RTCPeerConnection({}, options(() => source, more));
const detailed = (detail) => (error) => error instanceof RTCError && error.errorDetail === detail;

/** Believes who it is told to be, and shows what it was asked. */
const GULLIBLE = `rtcIdentityProvider.register({
  async generateAssertion(contents, origin, options) {
    return { idp: { domain: location.host, protocol: 'default' }, assertion: JSON.stringify({ contents, origin, options }) };
  },
  async validateAssertion(assertion) {
    const { contents, options } = JSON.parse(assertion);
    return { identity: options.usernameHint, contents };
  },
});`;
const register = (generate) => `rtcIdentityProvider.register({ generateAssertion: ${generate}, async validateAssertion() {} });`;
const parse = (line) => {
  const { idp, assertion } = JSON.parse(atob(line));
  return { idp, ...JSON.parse(assertion) };
};

test('an assertion covers the fingerprints and says who asked for it', async () => {
  const pc = scripted(GULLIBLE);
  pc.setIdentityProvider('idp.example:8443', { usernameHint: 'alice@idp.example', peerIdentity: 'bob@idp.example' });
  const line = await pc.getIdentityAssertion();
  const { idp, contents, origin, options } = parse(line);
  assert.deepEqual(idp, { domain: 'idp.example:8443', protocol: 'default' });
  assert.equal(origin, 'https://app.example');
  assert.deepEqual(options, { protocol: 'default', usernameHint: 'alice@idp.example', peerIdentity: 'bob@idp.example' });
  pc.createDataChannel('');
  const { sdp } = await pc.createOffer();
  assert.ok(sdp.includes(`\r\na=identity:${line}\r\n`));
  const { fingerprint } = JSON.parse(contents);
  const inSdp = [...sdp.matchAll(/^a=fingerprint:(\S+) (\S+)\r$/gm)].map(([, algorithm, digest]) => ({ algorithm, digest }));
  assert.deepEqual(fingerprint, inSdp);
  pc.close();
});

test('each way to fail has its name', async () => {
  const failures = [
    [() => Promise.reject(new Error('no network')), 'idp-load-failure'],
    [() => 5 + {}, 'idp-bad-script-failure'],
    [() => 'not ( a script', 'idp-bad-script-failure'],
    [() => 'throw 1', 'idp-bad-script-failure'],
    [() => '1', 'idp-bad-script-failure'],
    [() => 'rtcIdentityProvider.register({})', 'idp-bad-script-failure'],
    [() => register('async () => { throw new Error() }'), 'idp-execution-failure'],
    [() => register('() => { throw { get message() { throw 1 } } }'), 'idp-execution-failure'],
    [() => register('async () => ({ assertion: "no idp" })'), 'idp-execution-failure'],
    [() => register('async () => 5'), 'idp-execution-failure'],
    // Nothing is left that could settle it.
    [() => register('() => new Promise(() => {})'), 'idp-execution-failure'],
    [() => register('async () => { while (true) data.push(data) }'), 'idp-execution-failure'],
    [() => register('async () => { throw new RTCError({ errorDetail: "idp-token-expired" }) }'), 'idp-token-expired'],
    [() => register('async () => { throw new RTCError({ errorDetail: "idp-token-invalid" }) }'), 'idp-token-invalid'],
    [() => register('async () => { throw { errorDetail: "idp-anything" } }'), 'idp-execution-failure'],
    // What is in the place of the thread's own answer, and no answer.
    [() => `const { getBuiltinModule } = setTimeout.constructor('return process')();
      getBuiltinModule('node:worker_threads').parentPort.postMessage({ answer: 5 });`, 'idp-execution-failure'],
  ];
  for (const [load, detail] of failures) {
    const pc = new RTCPeerConnection({}, options(load));
    pc.setIdentityProvider('idp.example');
    await assert.rejects(pc.getIdentityAssertion(), detailed(detail), String(load));
    await assert.rejects(pc.createOffer(), { name: 'OperationError' });
    await assert.rejects(pc.setLocalDescription(), detailed(detail));
    assert.equal(pc.localDescription, null);
    pc.close();
  }
});

test('a login that is wanted, and what else the provider says, are told', async () => {
  const thrown = `{ errorDetail: 'idp-need-login', idpLoginUrl: location.origin + '/login', idpErrorInfo: 'who are you?' }`;
  const pc = scripted(register(`async () => { throw ${thrown} }`));
  assert.deepEqual([pc.idpLoginUrl, pc.idpErrorInfo], [null, null]);
  pc.setIdentityProvider('idp.example');
  await assert.rejects(pc.getIdentityAssertion(), detailed('idp-need-login'));
  assert.deepEqual([pc.idpLoginUrl, pc.idpErrorInfo], ['https://idp.example/login', 'who are you?']);
  pc.close();
});

test('a script has the scope of a provider, and none of the names of Node', async () => {
  const names = ['process', 'Buffer', 'global', 'require', 'setImmediate'];
  const seen = `JSON.stringify({
    scope: globalThis instanceof Object && self === globalThis,
    registrar: rtcIdentityProvider instanceof RTCIdentityProviderRegistrar,
    names: ${JSON.stringify(names)}.filter((name) => name in globalThis),
    web: ['fetch', 'crypto', 'TextEncoder', 'URL', 'atob', 'setTimeout'].filter((name) => !(name in globalThis)),
  })`;
  const pc = scripted(register(`async () => ({ idp: { domain: 'idp.example' }, assertion: ${seen} })`));
  pc.setIdentityProvider('idp.example');
  const { idp, ...found } = parse(await pc.getIdentityAssertion());
  assert.deepEqual(idp, { domain: 'idp.example', protocol: 'default' });
  assert.deepEqual(found, { scope: true, registrar: true, names: [], web: [] });
  pc.close();
});

test('the script of a domain that the other end names is not run unless it is trusted', async () => {
  const caller = scripted(GULLIBLE);
  caller.setIdentityProvider('idp.example', { usernameHint: 'alice@idp.example' });
  caller.createDataChannel('');
  const offer = await caller.createOffer();
  let loaded = 0;
  const load = () => (loaded++, GULLIBLE);
  const wary = new RTCPeerConnection({}, options(load));
  await wary.setRemoteDescription(offer);
  await assert.rejects(wary.peerIdentity, detailed('idp-load-failure'));
  assert.equal(loaded, 0);

  const trusting = new RTCPeerConnection({}, options(load, { trust: ['idp.example'] }));
  const { peerIdentity } = trusting;
  await trusting.setRemoteDescription(offer);
  const identity = await peerIdentity;
  assert.ok(identity instanceof RTCIdentityAssertion);
  assert.deepEqual([identity.idp, identity.name], ['idp.example', 'alice@idp.example']);
  assert.equal(trusting.peerIdentity, peerIdentity);
  for (const pc of [caller, wary, trusting]) pc.close();
});

test('who is somebody else is refused where one is wanted, and elsewhere only not known', async () => {
  const caller = scripted(GULLIBLE);
  caller.setIdentityProvider('idp.example', { usernameHint: 'mallory@idp.example' });
  caller.createDataChannel('');
  const offer = await caller.createOffer();
  const trust = options(() => GULLIBLE, { trust: ['idp.example'] });
  const wanting = new RTCPeerConnection({ peerIdentity: 'alice@idp.example' }, trust);
  const { peerIdentity } = wanting;
  await assert.rejects(wanting.setRemoteDescription(offer), { name: 'OperationError' });
  await assert.rejects(peerIdentity, { name: 'OperationError' });
  assert.equal(wanting.peerIdentity, peerIdentity);
  assert.equal(wanting.signalingState, 'stable');
  // It covers other fingerprints than the description has.
  const forged = { type: 'offer', sdp: offer.sdp.replace(/(a=fingerprint:sha-256 )../, '$100') };
  const open = new RTCPeerConnection({}, trust);
  const first = open.peerIdentity;
  await open.setRemoteDescription(forged);
  await assert.rejects(first, { name: 'OperationError' });
  assert.notEqual(open.peerIdentity, first);
  for (const pc of [caller, wanting, open]) pc.close();
});

test('a provider that never answers is given up, and ends with its connection', async () => {
  const pc = scripted(register('() => new Promise(() => setInterval(() => {}, 1000))'));
  pc.setIdentityProvider('idp.example');
  const made = once(process, 'worker');
  let settled = false;
  pc.getIdentityAssertion().then(() => (settled = true), () => (settled = true));
  const [thread] = await made;
  await once(thread, 'online');
  const ended = once(thread, 'exit');
  pc.close();
  await ended;
  assert.equal(settled, false);
});

test('misuse throws and changes nothing', async () => {
  const pc = new RTCPeerConnection();
  for (const protocol of ['a/b', 'a\\b']) {
    assert.throws(() => pc.setIdentityProvider('idp.example', { protocol }), { name: 'SyntaxError' });
  }
  assert.throws(() => pc.setIdentityProvider(), TypeError);
  await assert.rejects(pc.getIdentityAssertion(), { name: 'InvalidStateError' });
  await pc.createOffer();
  for (const identityProviders of [5, { load: 5 }, { trust: 5 }]) {
    assert.throws(() => new RTCPeerConnection({}, { identityProviders }), TypeError);
  }
  pc.close();
  assert.throws(() => pc.setIdentityProvider('idp.example'), { name: 'InvalidStateError' });
  await assert.rejects(pc.getIdentityAssertion(), { name: 'InvalidStateError' });
});

test('the example has a whole provider over https, and is refused what it should be', () => {
  const example = fileURLToPath(new URL('../examples/identity.mjs', import.meta.url));
  const env = { ...process.env, NODE_EXTRA_CA_CERTS: fileURLToPath(new URL('tls/root.pem', import.meta.url)) };
  const said = execFileSync(process.execPath, [example], { env, encoding: 'utf8' });
  const lines = said.trim().split('\n');
  assert.deepEqual(lines.slice(0, 2), ['Alice talks to bob@localhost', 'Bob talks to alice@localhost']);
  assert.match(lines[2], /^Mallory is refused: OperationError/);
  assert.match(lines[3], /^idp-need-login at https:\/\/localhost:\d+\/login$/);
  assert.equal(lines[4], 'an old assertion: idp-token-expired');
});

test('a provider whose certificate nobody trusts, one that has no such script, and one that is not there', async () => {
  const tls = (name) => readFileSync(new URL(`tls/${name}`, import.meta.url));
  const idp = await IdentityProviderService.start({}, { cert: tls('localhost.pem'), key: tls('localhost.key') });
  const pc = new RTCPeerConnection();
  pc.setIdentityProvider(idp.domain, { protocol: 'jwt' });
  await assert.rejects(pc.getIdentityAssertion(), detailed('idp-tls-failure'));
  const { domain } = idp;
  await idp.close();
  pc.setIdentityProvider(domain);
  await assert.rejects(pc.getIdentityAssertion(), detailed('idp-load-failure'));
  pc.close();
});

test('redirections lead to https only, and a status is told', async (t) => {
  const answers = {
    'https://idp.example/.well-known/idp-proxy/moved': { status: 302, location: '/elsewhere' },
    'https://idp.example/elsewhere': { status: 200, text: GULLIBLE },
    'https://idp.example/.well-known/idp-proxy/plain': { status: 302, location: 'http://idp.example/' },
    'https://idp.example/.well-known/idp-proxy/round': { status: 302, location: '/.well-known/idp-proxy/round' },
    'https://idp.example/.well-known/idp-proxy/gone': { status: 410 },
  };
  t.mock.method(globalThis, 'fetch', async (url) => {
    const { status, location, text } = answers[url];
    return new Response(text ?? null, { status, headers: location ? { location } : {} });
  });
  const assertion = (protocol) => {
    const pc = new RTCPeerConnection();
    t.after(() => pc.close());
    pc.setIdentityProvider('idp.example', { protocol });
    return pc.getIdentityAssertion();
  };
  // "This changes the effective origin of the IdP."
  assert.equal(parse(await assertion('moved')).idp.domain, 'idp.example');
  await assert.rejects(assertion('plain'), detailed('idp-load-failure'));
  await assert.rejects(assertion('round'), detailed('idp-load-failure'));
  await assert.rejects(assertion('gone'), (error) => detailed('idp-load-failure')(error) && error.httpRequestStatusCode === 410);
});
