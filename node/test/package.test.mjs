// The packages as they are published, installed in an empty folder.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
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

/** The largest a core may be: it is 14 MB without debug information, 17 as these tests have it, and 45 with. */
const MAX_CORE_BYTES = 24 << 20;

const PROGRAMS = {
  'module.mjs': `import { RTCPeerConnection } from 'duologue';${CALL}`,
  'script.cjs': `const { RTCPeerConnection } = require('duologue');${CALL}`,
  'legacy.mjs': `import { RTCPeerConnection } from 'duologue'; import 'duologue/legacy';${CALL}`,
  'polyfill.mjs': `import 'duologue/polyfill';${CALL}`,
};

function temporaryFolder(t) {
  const folder = mkdtempSync(path.join(tmpdir(), 'duologue-install-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

test('the packages install in an empty folder and work', (t) => {
  const folder = temporaryFolder(t);
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
  const installed = path.join(app, 'node_modules');
  for (const name of readdirSync(installed).filter((name) => !name.startsWith('.'))) {
    const licences = readdirSync(path.join(installed, name)).filter((file) => file.startsWith('LICENSE-'));
    assert.deepEqual(licences.sort(), ['LICENSE-APACHE', 'LICENSE-MIT'], name);
  }
  const [core] = readdirSync(installed).filter((name) => name.startsWith('duologue-'));
  const { size } = statSync(path.join(installed, core, `${core.replace('duologue-', 'duologue.')}.node`));
  assert.ok(size < MAX_CORE_BYTES, `${core} has ${size} bytes`);

  rmSync(path.join(installed, core), { recursive: true });
  const { stderr } = spawnSync(process.execPath, ['script.cjs'], { cwd: app, encoding: 'utf8' });
  assert.match(stderr, new RegExp(`duologue: the package ${core}, .* is not installed: 'npm install ${core}@\\d+\\.\\d+\\.\\d+' mends that`));
});

test('npm does not pack the folder of the sources', () => {
  for (const command of [['pack', '--dry-run'], ['publish', '--dry-run', '--offline']]) {
    const { status, stderr } = spawnSync('npm', command, { cwd: root, encoding: 'utf8' });
    assert.notEqual(status, 0);
    assert.match(stderr, /node scripts\/pack\.mjs FOLDER/);
  }
});

/** The sources as they are after `npm ci && npm run build`, with another core or none. */
function copyOfSources(t) {
  const folder = temporaryFolder(t);
  for (const name of [...JSON.parse(readFileSync(path.join(root, 'package.json'))).files, 'package.json', 'scripts', 'npm', 'LICENSE-MIT', 'LICENSE-APACHE']) {
    cpSync(path.join(root, name), path.join(folder, name), { recursive: true });
  }
  return folder;
}

test('a core with debug information is not packed', (t) => {
  const folder = copyOfSources(t);
  // A 64-bit ELF file of nothing but the names of its sections, and one of them.
  const names = Buffer.from('\0.shstrtab\0.debug_info\0');
  const file = Buffer.alloc(64 + names.length + 2 * 64);
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  const table = 64 + names.length;
  file.writeBigUInt64LE(BigInt(table), 0x28);
  file.writeUInt16LE(64, 0x3a);
  file.writeUInt16LE(2, 0x3c);
  file.set(names, 64);
  file.writeUInt32LE(1, table);
  file.writeBigUInt64LE(64n, table + 0x18);
  file.writeBigUInt64LE(BigInt(names.length), table + 0x20);
  file.writeUInt32LE(11, table + 64);
  writeFileSync(path.join(folder, 'duologue.linux-x64-gnu.node'), file);
  const { status, stderr } = spawnSync(process.execPath, ['scripts/pack.mjs', 'packs'], { cwd: folder, encoding: 'utf8' });
  assert.equal(status, 1);
  assert.match(stderr, /duologue\.linux-x64-gnu\.node carries debug information/);
});

test('sources without a core say how to make one', (t) => {
  const folder = copyOfSources(t);
  const { stderr } = spawnSync(process.execPath, ['-e', "require('./dist/index.js')"], { cwd: folder, encoding: 'utf8' });
  assert.match(stderr, /duologue: there is no core for \S+ beside the sources; 'npm run build'/);
});
