/**
 * What a port has received, before its listeners see it. Node has no place for that: the method is wrapped by which a port
 * passes on what came.
 */
import { MessagePort } from 'node:worker_threads';

/** How a port or worker passes what it received on to its listeners. */
const HYBRID_DISPATCH = Symbol.for('nodejs.internal.kHybridDispatch');

type Method = (this: object, ...args: unknown[]) => unknown;
type Patched = Record<string | symbol, Method>;

/** Puts a method in the place of another. */
export function patch(target: object, name: string | symbol, wrap: (original: Method) => Method): void {
  const original = (target as Partial<Patched>)[name];
  if (!original) throw new Error(`this version of Node has no ${String(name)}`);
  const enumerable = Object.prototype.propertyIsEnumerable.call(target, name);
  Object.defineProperty(target, name, { value: wrap(original), writable: true, enumerable, configurable: true });
}

let open: (data: unknown) => unknown = (data) => data;
let take: (port: object, data: unknown) => boolean = () => false;
let isPatched = false;

/** Messages are what this makes of them. */
export function openMessages(opened: typeof open): void {
  open = opened;
  patchDispatch();
}

/** Messages that this takes are none of the program's. */
export function takeMessages(takes: typeof take): void {
  take = takes;
  patchDispatch();
}

function patchDispatch(): void {
  if (isPatched) return;
  isPatched = true;
  patch(MessagePort.prototype, HYBRID_DISPATCH, (dispatch) =>
    function (data, ...rest) {
      const message = open(data);
      return take(this, message) ? undefined : Reflect.apply(dispatch, this, [message, ...rest]);
    },
  );
}
