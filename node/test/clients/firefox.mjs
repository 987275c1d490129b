// Headless Firefox on a page, by WebDriver BiDi, which lets it take the certificate of a root for tests.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import WebSocket from 'ws';

const PROGRAM = 'firefox-esr';
const PREFERENCES = {
  'media.peerconnection.identity.enabled': true,
  // Candidates on loopback, and addresses in place of names, for machines without any other interface.
  'media.peerconnection.ice.loopback': true,
  'media.peerconnection.ice.obfuscate_host_addresses': false,
  'browser.shell.checkDefaultBrowser': false,
  'app.update.enabled': false,
  'datareporting.policy.dataSubmissionEnabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
};

/** One command of BiDi after the other. */
class Session {
  #socket;
  #next = 1;
  #waiting = new Map();

  constructor(socket) {
    this.#socket = socket;
    socket.on('message', (data) => {
      const { id, type, result, message } = JSON.parse(data);
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (type === 'success') waiting?.resolve(result);
      else waiting?.reject(new Error(message));
    });
  }

  send(method, params) {
    const id = this.#next++;
    this.#socket.send(JSON.stringify({ id, method, params }));
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
  }

  close() {
    this.#socket.close();
  }
}

const opened = (url) =>
  new Promise((resolve, reject) => {
    const socket = new WebSocket(url);
    socket.once('open', () => resolve(socket));
    socket.once('error', reject);
  });

/** Opens `url` until the test `t` ends; gives what evaluates an expression there and awaits it, as JSON. */
export async function openFirefox(t, url) {
  const profile = mkdtempSync(path.join(tmpdir(), 'duologue-firefox-'));
  const preferences = Object.entries(PREFERENCES).map(([name, value]) => `user_pref("${name}", ${value});\n`);
  writeFileSync(path.join(profile, 'user.js'), preferences.join(''));
  const flags = ['--headless', '--no-remote', '--profile', profile, '--remote-debugging-port', '0'];
  const child = spawn(PROGRAM, flags, { detached: true, stdio: ['ignore', 'ignore', 'pipe'] });
  const kill = () => {
    try {
      process.kill(-child.pid, 'SIGKILL');
    } catch {
      // The whole group has ended.
    }
  };
  const ended = new Promise((resolve) => child.once('exit', resolve));
  let session;
  process.once('exit', kill);
  t.after(async () => {
    session?.close();
    process.removeListener('exit', kill);
    kill();
    await ended;
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  });

  const address = await new Promise((resolve, reject) => {
    child.once('error', () => reject(new Error(`needs ${PROGRAM} on the path; on Debian: apt-get install firefox-esr`)));
    let said = '';
    child.stderr.on('data', (data) => {
      said += data;
      const found = /WebDriver BiDi listening on (ws:\S+)/.exec(said);
      if (found) resolve(found[1]);
    });
  });
  session = new Session(await opened(`${address}/session`));
  await session.send('session.new', { capabilities: { alwaysMatch: { acceptInsecureCerts: true } } });
  const { context } = await session.send('browsingContext.create', { type: 'tab' });
  await session.send('browsingContext.navigate', { context, url, wait: 'complete' });
  return async (expression) => {
    const { type, result, exceptionDetails } = await session.send('script.evaluate', {
      expression: `(async () => JSON.stringify(await (${expression})))()`,
      target: { context },
      awaitPromise: true,
    });
    if (type === 'exception') throw new Error(exceptionDetails.text);
    return result.value === undefined ? undefined : JSON.parse(result.value);
  };
}
