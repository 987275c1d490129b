/** The thread in which an identity provider's script runs: for one question. */
import { parentPort, workerData } from 'node:worker_threads';
import { type Context, createContext, runInContext, Script } from 'node:vm';
import { RTCError } from '../errors.js';
import { RTCErrorDetailType, RTCIdentityAssertionResult, RTCIdentityValidationResult } from '../idl/types.js';
import type { NativeAnswer, NativeProviderFailure } from '../native.js';
import { becomeProviderScope, registeredAt } from './scope.js';

/** What the thread is to do. */
export interface ProviderJob {
  readonly url: string;
  readonly source: string;
  readonly method: 'generateAssertion' | 'validateAssertion';
  readonly args: readonly unknown[];
}

type Failure = { readonly answer: 'failed' } & NativeProviderFailure;

const failure = (detail: NativeProviderFailure['detail'], message: string): Failure => ({ answer: 'failed', detail, message });

/** What of Node's global scope a worker of a browser has, too. */
const WEB_NAMES = [
  ...['AbortController', 'AbortSignal', 'Blob', 'DOMException', 'Event', 'EventTarget', 'FormData', 'Headers', 'Request', 'Response'],
  ...['TextDecoder', 'TextEncoder', 'URL', 'URLSearchParams', 'atob', 'btoa', 'clearInterval', 'clearTimeout', 'console', 'crypto'],
  ...['fetch', 'performance', 'queueMicrotask', 'setInterval', 'setTimeout', 'structuredClone'],
] as const;

/** What HTML's WorkerLocation has. */
function locationOf(url: string): object {
  const { href, origin, protocol, host, hostname, port, pathname, search, hash } = new URL(url);
  return Object.freeze({ href, origin, protocol, host, hostname, port, pathname, search, hash, toString: () => href });
}

/** A realm of its own, without the names of Node: its global object, and what registers there. */
function enter(url: string): { context: Context; registrar: ReturnType<typeof becomeProviderScope> } {
  const context = createContext(Object.create(null) as Context);
  const scope = runInContext('globalThis', context) as object;
  const web = WEB_NAMES.map((name) => [name, globalThis[name]]);
  for (const [name, value] of [...web, ['self', scope], ['location', locationOf(url)], ['RTCError', RTCError]]) {
    Object.defineProperty(scope, name as string, { value, writable: true, configurable: true });
  }
  return { context, registrar: becomeProviderScope(scope) };
}

/** What may be wrong with a provider. */
const isDetail = (value: string): value is NativeProviderFailure['detail'] =>
  value.startsWith('idp-') && (RTCErrorDetailType.values as readonly string[]).includes(value);

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

/** What a provider threw: an `RTCError` with one of the details, or anything, which may say what it knows. */
function failureOf(thrown: unknown): Failure {
  try {
    const error = Object(thrown) as Record<string, unknown>;
    const loginUrl = text(error.idpLoginUrl) ?? text(error.loginUrl);
    const given = text(error.errorDetail);
    const unnamed = loginUrl === undefined ? 'idp-execution-failure' : 'idp-need-login';
    const detail = given !== undefined && isDetail(given) ? given : unnamed;
    const errorInfo = text(error.idpErrorInfo);
    return {
      ...failure(detail, text(error.message) ?? String(thrown)),
      ...(loginUrl === undefined ? {} : { loginUrl }),
      ...(errorInfo === undefined ? {} : { errorInfo }),
    };
  } catch {
    return failure('idp-execution-failure', 'The provider threw what cannot be looked at');
  }
}

async function answer({ url, source, method, args }: ProviderJob): Promise<NativeAnswer> {
  const { context, registrar } = enter(url);
  try {
    new Script(source, { filename: url }).runInContext(context);
  } catch (error) {
    return failure('idp-bad-script-failure', `The provider's script fails: ${String(error)}`);
  }
  const provider = registeredAt(registrar);
  if (!provider) return failure('idp-bad-script-failure', `The provider's script registers nothing`);
  let result: unknown;
  try {
    result = await (provider[method] as (...args: readonly unknown[]) => unknown)(...args);
  } catch (error) {
    return failureOf(error);
  }
  try {
    return method === 'generateAssertion'
      ? { answer: 'assertion', ...RTCIdentityAssertionResult(result, 'The assertion') }
      : { answer: 'validation', ...RTCIdentityValidationResult(result, 'The validation') };
  } catch (error) {
    return failure('idp-execution-failure', (error as Error).message);
  }
}

const port = parentPort;
if (port) void answer(workerData as ProviderJob).then((made) => port.postMessage(made));
