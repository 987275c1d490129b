// Dedicated workers for a page: a thread of Node with the package's globals in it.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker as Thread } from 'node:worker_threads';

/** What runs in the thread before the script of the test. */
const SCOPE = `
  const { parentPort, workerData } = require('node:worker_threads');
  require(workerData.polyfill);
  globalThis.self = globalThis;
  globalThis.onmessage = null;
  globalThis.postMessage = (message, transfer) => parentPort.postMessage(message, transfer);
  require('node:vm').runInThisContext(workerData.script, { filename: workerData.url });
  parentPort.on('message', (data) => globalThis.onmessage?.(new MessageEvent('message', { data })));`;

const polyfill = fileURLToPath(new URL('../../dist/polyfill.js', import.meta.url));

/** The interface `Worker` of a page, for scripts below the root and in `data:` URLs: a thread of Node with a browser's events. */
export const workerClass = (page) =>
  class Worker extends Thread {
    #target = new EventTarget();
    onmessage = null;
    onerror = null;

    constructor(address) {
      const { url: base, root } = page();
      const url = new URL(address, base);
      const script =
        url.protocol === 'data:'
          ? decodeURIComponent(url.pathname.slice(url.pathname.indexOf(',') + 1))
          : readFileSync(path.join(root, url.pathname), 'utf8');
      super(SCOPE, { eval: true, workerData: { script, url: url.href.slice(0, 200), polyfill } });
      this.on('message', (data) => this.#fire(new MessageEvent('message', { data })));
      this.on('error', (error) => this.#fire(Object.assign(new Event('error'), { error })));
    }

    #fire(event) {
      this[`on${event.type}`]?.(event);
      this.#target.dispatchEvent(event);
    }
    addEventListener(...args) {
      this.#target.addEventListener(...args);
    }
    removeEventListener(...args) {
      this.#target.removeEventListener(...args);
    }
  };
