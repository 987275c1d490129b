/** `Endpoint`: how connections reach the network. The W3C has no counterpart; a browser has one. */
import { isIP } from 'node:net';
import { type NativeEndpoint, native } from '../binding.js';
import { IdentityProvidersInit } from '../identity/providers.js';
import {
  attribute,
  boolean,
  constructorArguments,
  converter,
  defaulted,
  defineInterface,
  dictionary,
  dictionaryArg,
  DOMString,
  enforceRange,
  fail,
  type Infer,
  interfaceShape,
  interfaceType,
  operation,
  optional,
  required,
  sequence,
  union,
} from '../webidl/index.js';

const IpAddress = converter({ kind: 'string', typeName: 'an IP address' }, (value, context): string => {
  const text = DOMString(value, context);
  // A zone is good for this host only, which knows its addresses without.
  return isIP(text) !== 0 && !text.includes('%') ? text : fail(context, `'${text}' is not an IP address`);
});
const ExternalAddress = dictionary('ExternalAddress', {
  address: required(IpAddress),
  local: optional(IpAddress),
  replaces: defaulted(boolean, true),
});
const TcpTypes = dictionary('TcpTypes', {
  active: defaulted(boolean, true),
  passive: defaulted(boolean, false),
  simultaneousOpen: defaulted(boolean, false),
});
const SocketBuffers = dictionary('SocketBuffers', {
  receive: required(enforceRange.unsignedLong),
  send: required(enforceRange.unsignedLong),
});
/** Bits per second. */
const BitrateBounds = dictionary('BitrateBounds', {
  min: optional(enforceRange.unsignedLongLong),
  start: optional(enforceRange.unsignedLongLong),
  max: optional(enforceRange.unsignedLongLong),
});

const none = (): [] => [];
const EndpointOptions = dictionary('EndpointOptions', {
  sharedPort: optional(enforceRange.unsignedShort),
  portRange: optional(sequence(enforceRange.unsignedShort)),
  ipv4: defaulted(boolean, true),
  ipv6: defaulted(boolean, true),
  loopback: defaulted(boolean, false),
  onlyInterfaces: defaulted(sequence(DOMString), none),
  exceptInterfaces: defaulted(sequence(DOMString), none),
  onlyAddresses: defaulted(sequence(IpAddress), none),
  exceptAddresses: defaulted(sequence(IpAddress), none),
  externalAddresses: defaulted(sequence(union(ExternalAddress, DOMString)), none),
  hideHostAddresses: defaulted(boolean, false),
  udp: defaulted(boolean, true),
  tcp: defaulted(TcpTypes, () => TcpTypes(undefined, 'The default')),
  tlsRoots: optional(DOMString),
  iceLite: defaulted(boolean, false),
  iceRenomination: defaulted(boolean, false),
  gatherContinually: defaulted(boolean, false),
  maxChannels: optional(enforceRange.unsignedShort),
  bitrateBounds: optional(BitrateBounds),
  congestionControlFeedback: defaulted(boolean, false),
  socketBuffers: optional(SocketBuffers),
});
type EndpointOptions = Infer<typeof EndpointOptions>;

/** The range, if there is one and it can be one. */
function portRangeOf({ sharedPort, portRange }: EndpointOptions): { portRange?: [number, number] } {
  if (portRange === undefined) return {};
  if (sharedPort !== undefined) throw new TypeError('Endpoint: of sharedPort and portRange there can be one');
  const [first = 0, last = 0] = portRange;
  if (portRange.length !== 2 || first === 0 || first > last) {
    throw new RangeError(`Endpoint: portRange [${portRange.join(', ')}] is not [first, last]`);
  }
  return { portRange: [first, last] };
}

export let nativeEndpoint: (endpoint: Endpoint) => NativeEndpoint;

const shape = interfaceShape('Endpoint', {
  sharedPort: attribute(),
  closed: attribute(),
  stats: operation(),
  metrics: operation(),
  close: operation(),
}, [[dictionaryArg(EndpointOptions)]]);

export class Endpoint {
  readonly #native: NativeEndpoint;
  #closed = false;

  constructor(options?: Partial<EndpointOptions>);
  constructor(...args: unknown[]) {
    const [options] = constructorArguments(shape, args);
    const { portRange: _, ...others } = options;
    const portRange = portRangeOf(options);
    const externalAddresses = options.externalAddresses.map((external, i) =>
      typeof external === 'string'
        ? { address: IpAddress(external, `Endpoint: externalAddresses, element ${i}`), replaces: true }
        : external,
    );
    const { value, error } = native.createEndpoint({ ...others, ...portRange, externalAddresses });
    if (!value) throw new DOMException(`Endpoint: ${error}`, 'OperationError');
    this.#native = value;
  }

  get sharedPort(): number | null {
    return this.#native.sharedPort ?? null;
  }
  get closed(): boolean {
    return this.#closed;
  }
  stats(): object {
    if (this.#closed) throw new DOMException('The endpoint is closed', 'InvalidStateError');
    return { ...this.#native.stats() };
  }
  metrics(): string {
    if (this.#closed) throw new DOMException('The endpoint is closed', 'InvalidStateError');
    return this.#native.metrics();
  }
  close(): void {
    this.#closed = true;
    this.#native.close();
  }

  static {
    nativeEndpoint = (endpoint) => {
      if (endpoint.#closed) throw new DOMException('The endpoint is closed', 'InvalidStateError');
      return endpoint.#native;
    };
    defineInterface(this, (o) => #native in o, shape);
  }
}

/** What `new RTCPeerConnection()` takes behind the configuration, where old pages have constraints. */
export const ConnectionOptions = dictionary('ConnectionOptions', {
  endpoint: optional(interfaceType<Endpoint>('Endpoint')),
  identityProviders: defaulted(IdentityProvidersInit, () => IdentityProvidersInit(undefined, 'The default')),
  decodeUnread: defaulted(boolean, true),
});
export type ConnectionOptions = Infer<typeof ConnectionOptions>;
