// Headless Chromium on a page.
import { spawn } from 'node:child_process';
import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const PROGRAM = 'chromium';
const FLAGS = [
  '--headless=new',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--disable-sync',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-background-timer-throttling',
  '--disable-renderer-backgrounding',
  '--no-first-run',
  // A camera and a microphone that ask nobody.
  '--use-fake-device-for-media-stream',
  '--use-fake-ui-for-media-stream',
  '--autoplay-policy=no-user-gesture-required',
  // Candidates on loopback, for machines without any other interface.
  '--allow-loopback-in-peer-connection',
  '--disable-features=MediaRouter,OptimizationHints',
];

const isInstalled = () => {
  const has = (folder) => {
    try {
      accessSync(path.join(folder, PROGRAM), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  };
  return process.env.PATH.split(path.delimiter).some(has);
};

/** Opens `url` until the test `t` ends, or this process. */
export function openChromium(t, url) {
  if (!isInstalled()) throw new Error(`needs ${PROGRAM} on the path; on Debian: apt-get install chromium`);
  const profile = mkdtempSync(path.join(tmpdir(), 'duologue-chromium-'));
  // A process group of its own, so that its helpers can be ended with it.
  const child = spawn(PROGRAM, [...FLAGS, `--user-data-dir=${profile}`, url], { detached: true, stdio: 'ignore' });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const kill = () => {
    try {
      process.kill(-child.pid, 'SIGKILL');
    } catch {
      // The whole group has ended.
    }
  };
  process.once('exit', kill);
  t.after(async () => {
    process.removeListener('exit', kill);
    kill();
    await ended;
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  });
}
