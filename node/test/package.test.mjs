import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const [core] = readdirSync(root).filter((name) => name.endsWith('.node'));
const platform = core.split('.')[1];

test('the packed packages install and run in an empty folder', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'duologue-'));
  const run = (command, args, cwd = folder) => execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  try {
    run(process.execPath, [path.join(root, 'scripts', 'platform-package.mjs')]);
    const pack = (what) => run('npm', ['pack', '--silent', '--pack-destination', folder], what).trim();
    const tarballs = [pack(root), pack(path.join(root, 'npm', platform))];
    run('npm', ['init', '--yes']);
    run('npm', ['install', '--offline', '--no-audit', '--no-fund', ...tarballs.map((name) => `./${name}`)]);
    const program = `
      import { RTCPeerConnection } from 'duologue';
      const pc = new RTCPeerConnection();
      pc.createDataChannel('x');
      const { sdp } = await pc.createOffer();
      console.log(/^m=application /m.test(sdp));`;
    assert.equal(run(process.execPath, ['--input-type=module', '--eval', program]).trim(), 'true');
    const required = `console.log(typeof require('duologue').RTCPeerConnection)`;
    assert.equal(run(process.execPath, ['--eval', required]).trim(), 'function');
  } finally {
    rmSync(folder, { recursive: true });
  }
});
