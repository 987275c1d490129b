/**
 * Who is asked when a connection wants to know what only an identity provider does (webrtc-identity §5).
 *
 * A browser runs the script of whatever domain a description names, in a realm that can do nothing else.
 * Node has no such realm: a thread's names can be taken away, its rights cannot. So only scripts of
 * domains are run that the application trusts: the one that it set itself, and those that it lists.
 */
import { Worker } from 'node:worker_threads';
import path from 'node:path';
import type { NativeAnswer, NativeProviderFailure, NativeQuestion } from '../native.js';
import { DOMString, callback, defaulted, dictionary, type Infer, optional, sequence } from '../webidl/index.js';
import type { ProviderJob } from './worker.js';

type LoadCallback = (url: string) => unknown;

/** `identityProviders` of a connection's options. */
export const IdentityProvidersInit = dictionary('IdentityProvidersInit', {
  trust: defaulted(sequence(DOMString), (): [] => []),
  load: optional(callback<LoadCallback>('LoadCallback')),
  origin: defaulted(DOMString, 'null'),
});
export type IdentityProvidersInit = Infer<typeof IdentityProvidersInit>;

/** "The user agent SHOULD limit the time that it allows for an IdP to 15 seconds." */
const TIMEOUT = 15_000;
const MAX_REDIRECTS = 5;
const MAX_SCRIPT_BYTES = 4 << 20;

/** Why there is no answer. */
class ProviderError extends Error {
  readonly failure: NativeProviderFailure;

  constructor(detail: NativeProviderFailure['detail'], message: string, httpRequestStatusCode?: number) {
    super(message);
    this.failure = { detail, message, ...(httpRequestStatusCode === undefined ? {} : { httpRequestStatusCode }) };
  }
}

interface LoadedScript {
  /** Where it is, after redirections. */
  readonly url: string;
  readonly source: string;
}

/** What Node's TLS says when it does not trust a certificate. */
const isTlsFailure = (code: unknown): boolean =>
  typeof code === 'string' && /^(ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_)/.test(code);

/** "The browser MUST treat a redirect to any other scheme as a fatal error." */
async function fetchScript(url: string, signal: AbortSignal): Promise<LoadedScript> {
  let at = url;
  for (let i = 0; i <= MAX_REDIRECTS; i++) {
    const response = await fetch(at, { redirect: 'manual', signal });
    const location = response.status >= 300 && response.status < 400 ? response.headers.get('location') : null;
    if (location === null) {
      if (!response.ok) throw new ProviderError('idp-load-failure', `${at}: ${response.status}`, response.status);
      const source = await response.text();
      if (source.length > MAX_SCRIPT_BYTES) throw new ProviderError('idp-load-failure', `${at}: too long`);
      return { url: at, source };
    }
    const next = new URL(location, at);
    if (next.protocol !== 'https:') throw new ProviderError('idp-load-failure', `${at}: leads to ${next.protocol}`, response.status);
    at = next.href;
  }
  throw new ProviderError('idp-load-failure', `${url}: too many redirections`);
}

async function load(url: string, loader: LoadCallback | undefined, signal: AbortSignal): Promise<LoadedScript> {
  try {
    if (!loader) return await fetchScript(url, signal);
    return { url, source: DOMString(await loader(url), `The script of ${url}`) };
  } catch (error) {
    if (error instanceof ProviderError) throw error;
    const cause = (error as { cause?: { code?: unknown; message?: unknown } }).cause;
    const detail = isTlsFailure(cause?.code) ? 'idp-tls-failure' : 'idp-load-failure';
    throw new ProviderError(detail, `${url}: ${String(cause?.message ?? error)}`);
  }
}

const failed = (failure: NativeProviderFailure): NativeAnswer => ({ answer: 'failed', ...failure });

/** Runs a script in a thread of its own, which ends with the answer. */
function run(job: ProviderJob, signal: AbortSignal): Promise<NativeAnswer> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(path.join(__dirname, 'worker.js'), {
      workerData: job,
      // Nothing of this program's.
      env: {},
      execArgv: [],
      argv: [],
      stdin: false,
      resourceLimits: { maxOldGenerationSizeMb: 64 },
    });
    const end = (answer: NativeAnswer): void => {
      void worker.terminate();
      resolve(answer);
    };
    const executionFailed = (message: string): void => end(failed({ detail: 'idp-execution-failure', message }));
    signal.addEventListener('abort', () => {
      void worker.terminate();
      reject(signal.reason as Error);
    });
    worker.once('message', end);
    worker.once('error', (error) => executionFailed(String(error)));
    worker.once('exit', () => executionFailed('The provider ended without an answer'));
  });
}

export class IdentityProviders {
  readonly #init: IdentityProvidersInit;
  /** The domain that the application set. */
  own: string | null = null;
  readonly #running = new Set<AbortController>();

  constructor(init: IdentityProvidersInit) {
    this.#init = init;
  }

  /** Gives the answer, but none after `close()`. */
  async ask(question: NativeQuestion): Promise<NativeAnswer> {
    const running = new AbortController();
    this.#running.add(running);
    const timer = setTimeout(() => running.abort(new ProviderError('idp-timeout', 'The provider took too long')), TIMEOUT);
    try {
      return await this.#ask(question, running.signal);
    } catch (error) {
      return failed(error instanceof ProviderError ? error.failure : { detail: 'idp-execution-failure', message: String(error) });
    } finally {
      clearTimeout(timer);
      this.#running.delete(running);
    }
  }

  async #ask({ provider, contents, options, assertion }: NativeQuestion, signal: AbortSignal): Promise<NativeAnswer> {
    const { domain, protocol } = provider;
    const { trust, load: loader, origin } = this.#init;
    if (domain !== this.own && !trust.includes(domain)) {
      throw new ProviderError('idp-load-failure', `${domain} is not among the identityProviders that are trusted`);
    }
    const script = await load(`https://${domain}/.well-known/idp-proxy/${protocol}`, loader, signal);
    signal.throwIfAborted();
    return run(
      assertion == null
        ? { ...script, method: 'generateAssertion', args: [contents, origin, options] }
        : { ...script, method: 'validateAssertion', args: [assertion, origin] },
      signal,
    );
  }

  close(): void {
    for (const running of this.#running) running.abort(new ProviderError('idp-timeout', 'The connection is closed'));
  }
}
