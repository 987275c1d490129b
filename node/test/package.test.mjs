// The packages as they are published, installed in an empty folder.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Two connections, a message, and the end. */
const CALL = `
  const a = new RTCPeerConnection(), b = new RTCPeerConnection();
  a.onicecandidate = ({ candidate }) => b.addIceCandidate(candidate);
  b.onicecandidate = ({ candidate }) => a.addIceCandidate(candidate);
  const channel = a.createDataChannel('x');
  channel.onopen = () => channel.send('it works');
  b.ondatachannel = ({ channel }) => {
    channel.onmessage = ({ data }) => { console.log(data); a.close(); b.close(); };
  };
  a.setLocalDescription()
    .then(() => b.setRemoteDescription(a.localDescription))
    .then(() => b.setLocalDescription())
    .then(() => a.setRemoteDescription(b.localDescription));`;

const PROGRAMS = {
  'module.mjs': `import { RTCPeerConnection } from 'duologue';${CALL}`,
  'script.cjs': `const { RTCPeerConnection } = require('duologue');${CALL}`,
  'polyfill.mjs': `import 'duologue/polyfill';${CALL}`,
};

test('the packages install in an empty folder and work', (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'duologue-install-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const packs = path.join(folder, 'packs');
  execFileSync(process.execPath, ['scripts/pack.mjs', packs], { cwd: root, stdio: 'pipe' });
  const tarballs = readdirSync(packs);
  assert.equal(tarballs.length, 2, `${tarballs}`);

  const app = path.join(folder, 'app');
  mkdirSync(app);
  writeFileSync(path.join(app, 'package.json'), '{ "private": true }');
  // The core of this platform comes from its file; those of others are not to be asked for.
  const install = ['install', '--offline', '--omit=optional', ...tarballs.map((name) => path.join(packs, name))];
  execFileSync('npm', install, { cwd: app, stdio: 'pipe' });
  assert.equal(readdirSync(path.join(app, 'node_modules')).filter((name) => !name.startsWith('.')).length, 2);
  for (const [name, text] of Object.entries(PROGRAMS)) {
    writeFileSync(path.join(app, name), text);
    const said = execFileSync(process.execPath, [name], { cwd: app, encoding: 'utf8', timeout: 20_000 });
    assert.equal(said, 'it works\n', name);
  }
});
