/**
 * The global scope of an identity provider's script, webrtc-identity §5.2 and §5.3: there it registers
 * what generates and validates assertions.
 */
import * as shapes from '../idl/interfaces.js';
import type { RTCIdentityProvider } from '../idl/types.js';
import { assertInternal, defineInterface, internal } from '../webidl/index.js';

export let registeredAt: (registrar: RTCIdentityProviderRegistrar) => RTCIdentityProvider | null;

export class RTCIdentityProviderRegistrar {
  #provider: RTCIdentityProvider | null = null;

  constructor(token: typeof internal) {
    assertInternal(token);
  }

  register(provider: RTCIdentityProvider): void {
    this.#provider = provider;
  }

  static {
    registeredAt = (registrar) => registrar.#provider;
    defineInterface(this, (o) => #provider in o, shapes.RTCIdentityProviderRegistrar);
  }
}

/** HTML's, of which Node has none. */
export class WorkerGlobalScope extends EventTarget {}

const registrars = new WeakMap<object, RTCIdentityProviderRegistrar>();

export class RTCIdentityProviderGlobalScope extends WorkerGlobalScope {
  constructor(token: typeof internal) {
    assertInternal(token);
    super();
  }

  get rtcIdentityProvider(): RTCIdentityProviderRegistrar {
    return registrars.get(this) as RTCIdentityProviderRegistrar;
  }

  static {
    defineInterface(this, (o) => registrars.has(o), shapes.RTCIdentityProviderGlobalScope);
  }
}

/** Makes a global object such a scope. */
export function becomeProviderScope(global: object): RTCIdentityProviderRegistrar {
  const registrar = new RTCIdentityProviderRegistrar(internal);
  registrars.set(global, registrar);
  // A getter of the prototype is called with `undefined` where its name stands alone.
  Object.defineProperty(global, 'rtcIdentityProvider', { get: () => registrar, enumerable: true, configurable: true });
  for (const [name, value] of Object.entries({ RTCIdentityProviderGlobalScope, RTCIdentityProviderRegistrar })) {
    Object.defineProperty(global, name, { value, writable: true, configurable: true });
  }
  return registrar;
}
