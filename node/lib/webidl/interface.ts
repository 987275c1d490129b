/**
 * Interfaces: a class says what its members do, a shape says which IDL types they have, and
 * `defineInterface` replaces the members by ones that check and convert as WebIDL asks
 * (https://webidl.spec.whatwg.org/#js-interfaces). The shapes of the W3C's interfaces are made of
 * their IDL, in `../idl/`; these are how one reads:
 *
 * ```ts
 * const shape = interfaceShape('RTCDTMFSender', {
 *   insertDTMF: operation([[arg(DOMString), optionalArg(unsignedLong, 100), …]]),
 *   toneBuffer: attribute(),
 *   ontonechange: eventHandler(),
 * });
 *
 * class RTCDTMFSender extends EventTarget {
 *   #slots: Slots;
 *   insertDTMF(tones: string, duration: number, interToneGap: number): void { … }
 *   get toneBuffer(): string { return this.#slots.toneBuffer; }
 *   declare ontonechange: EventHandler;
 *   static {
 *     defineInterface(this, (o) => #slots in o, shape);
 *   }
 * }
 * ```
 */
import { type Converter, converter, fail, isObject } from './convert.js';
import { eventHandlerOf, setEventHandler } from './event-handler.js';
import { defineInspect } from './inspect.js';

/** What a private constructor wants to see: `new RTCDtlsTransport(internal, …)`. */
export const internal = Symbol('internal');

/** For constructors of interfaces that have none in IDL. */
export function assertInternal(token: unknown): void {
  if (token !== internal) throw new TypeError('Illegal constructor');
}

type AnyClass = abstract new (...args: never[]) => object;
type AnyFunction = (...args: unknown[]) => unknown;

// --- parameters

export interface Parameter<T> {
  readonly converter: Converter<unknown>;
  readonly presence: 'required' | 'optional' | 'variadic';
  readonly initial?: () => T;
}
type Parameters = readonly Parameter<unknown>[];
type Arguments<P extends Parameters> = {
  [K in keyof P]: P[K] extends Parameter<infer T> ? T : never;
};

export const arg = <T>(type: Converter<T>): Parameter<T> => ({ converter: type, presence: 'required' });

/** `optional T name = initial`; without `initial` the method sees `undefined`. */
export function optionalArg<T>(type: Converter<T>): Parameter<T | undefined>;
export function optionalArg<T>(type: Converter<T>, initial: T): Parameter<T>;
export function optionalArg(type: Converter<unknown>, initial?: unknown): Parameter<unknown> {
  return { converter: type, presence: 'optional', initial: () => initial };
}

/** `optional SomeDictionary options = {}`. */
export const dictionaryArg = <T>(type: Converter<T>): Parameter<T> => ({
  converter: type,
  presence: 'optional',
  initial: () => type(undefined, 'The default'),
});

/** `T... name`: the last parameter. */
export const variadic = <T>(type: Converter<T>): Parameter<T> => ({ converter: type, presence: 'variadic' });

const requiredCount = (parameters: Parameters): number =>
  parameters.filter((p) => p.presence === 'required').length;

function notEnough(name: string, needed: number, given: number): never {
  const plural = needed === 1 ? '' : 's';
  throw new TypeError(`${name}: ${needed} argument${plural} required, but only ${given} present.`);
}

/** Converts what a caller passed to what the parameters of a method or constructor are. */
function convertArguments(name: string, parameters: Parameters, args: readonly unknown[]): unknown[] {
  const needed = requiredCount(parameters);
  if (args.length < needed) notEnough(name, needed, args.length);
  const out: unknown[] = [];
  for (const [i, { converter: convert, presence, initial }] of parameters.entries()) {
    if (presence === 'variadic') {
      for (let j = i; j < args.length; j++) out.push(convert(args[j], `${name}: argument ${j + 1}`));
    } else if (presence === 'optional' && args[i] === undefined) {
      out.push(initial?.());
    } else {
      out.push(convert(args[i], `${name}: argument ${i + 1}`));
    }
  }
  return out;
}

/**
 * The overload whose number of arguments fits, https://webidl.spec.whatwg.org/#dfn-overload-resolution-algorithm.
 * Every overloaded operation of these specifications is told apart by that number alone.
 */
function overloadFor(name: string, overloads: readonly Parameters[], given: number): Parameters {
  const [only] = overloads;
  if (only && overloads.length === 1) return only;
  const most = Math.max(...overloads.map((p) => p.length));
  const count = Math.min(given, most);
  const fits = overloads.find((p) => requiredCount(p) <= count && count <= p.length);
  return fits ?? notEnough(name, Math.max(...overloads.map(requiredCount)), given);
}

// --- members

interface Attribute {
  readonly member: 'attribute';
  /** Absent: read-only. */
  readonly converter?: Converter<unknown>;
  /** A promise: the getter rejects instead of throwing. */
  readonly isPromise: boolean;
  /** Of an event: what it is when the event's dictionary does not say. */
  readonly initial: unknown;
  /** `FrozenArray` */
  readonly isFrozen: boolean;
}
interface Operation {
  readonly member: 'operation';
  readonly overloads: readonly Parameters[];
  /** Returns a promise: it rejects instead of throwing. */
  readonly isPromise: boolean;
  readonly isStatic: boolean;
}
interface Handler {
  readonly member: 'eventHandler';
}
type MemberSpec = Attribute | Operation | Handler;
type Members = Readonly<Record<string, MemberSpec>>;

/** `readonly attribute`, or a writable one with the type that it is converted to. */
export const attribute = (
  type?: Converter<unknown>,
  traits: Partial<Pick<Attribute, 'initial' | 'isFrozen'>> = {},
): Attribute => ({
  member: 'attribute',
  isPromise: false,
  initial: null,
  isFrozen: false,
  ...traits,
  ...(type ? { converter: type } : {}),
});

/** `readonly attribute Promise<T>`. */
export const promiseAttribute = (): Attribute => ({ ...attribute(), isPromise: true });

/** An operation with the parameters of each of its overloads. */
export const operation = (
  overloads: readonly Parameters[] = [[]],
  traits: Partial<Pick<Operation, 'isPromise' | 'isStatic'>> = {},
): Operation => ({
  member: 'operation',
  overloads,
  isPromise: false,
  isStatic: false,
  ...traits,
});

/** `attribute EventHandler onfoo`. */
export const eventHandler = (): Handler => ({ member: 'eventHandler' });

// --- shapes

type Constructors = readonly Parameters[];

/** An interface as IDL has it: what its members are called and what they take. */
export interface Shape<C extends Constructors = Constructors> {
  readonly name: string;
  readonly members: Members;
  /** The parameters of each constructor; none: `new` throws. */
  readonly constructors: C;
}

export const interfaceShape = <const C extends Constructors = readonly []>(
  name: string,
  members: Members,
  constructors?: C,
): Shape<C> => ({ name, members, constructors: constructors ?? ([] as unknown as C) });

/** Converts what a constructor was called with. */
export function constructorArguments<C extends Constructors>(
  { name, constructors }: Shape<C>,
  args: readonly unknown[],
): Arguments<C[number]> {
  const qualified = `${name} constructor`;
  const parameters = overloadFor(qualified, constructors, args.length);
  return convertArguments(qualified, parameters, args) as unknown as Arguments<C[number]>;
}

// --- definition

/** How objects of the interfaces are told, by name: a converter may be made before its class. */
const brands = new Map<string, (value: object) => boolean>();

/** The converter of an interface type. */
export function interfaceType<T extends object>(typeName: string): Converter<T> {
  const is = (v: unknown): v is T => isObject(v) && brands.get(typeName)?.(v) === true;
  return converter({ kind: 'interface', typeName, is }, (v, context) =>
    is(v) ? v : fail(context, `is not of type ${typeName}`),
  );
}

export interface InterfaceOptions<T extends object> {
  /** What `console.log` shows; by default all attributes but promises. */
  readonly inspect?: (object: T) => object;
}

/**
 * Gives `cls` its IDL shape. `hasBrand` tells objects of this interface from others; it is written
 * in the class, where it sees a private name.
 */
export function defineInterface<T extends object>(
  cls: abstract new (...args: never[]) => T,
  hasBrand: (value: object) => boolean,
  { name, members, constructors }: Shape,
  { inspect = attributesOf(members) }: InterfaceOptions<T> = {},
): void {
  brands.set(name, hasBrand);
  const length = constructors.length === 0 ? 0 : Math.min(...constructors.map(requiredCount));
  Object.defineProperty(cls, 'name', { value: name, configurable: true });
  Object.defineProperty(cls, 'length', { value: length, configurable: true });
  const prototype = cls.prototype as object;
  Object.defineProperty(prototype, Symbol.toStringTag, { value: name, configurable: true });

  defineMembers(cls, hasBrand, name, members);
  // Events show themselves.
  if (!(prototype instanceof Event)) defineInspect(prototype, hasBrand, inspect as (object: object) => object);
}

/** A partial interface: the methods of `additions` become members of `cls`, whose objects they are called on. */
export function extendInterface<T extends object>(
  cls: abstract new (...args: never[]) => T,
  additions: object,
  members: Members,
): void {
  const hasBrand = brands.get(cls.name);
  if (!hasBrand) throw new Error(`${cls.name} is no interface`);
  for (const [key, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(additions))) {
    Object.defineProperty(cls.prototype, key, descriptor);
  }
  defineMembers(cls, hasBrand, cls.name, members);
}

function defineMembers(cls: AnyClass, hasBrand: (value: object) => boolean, name: string, members: Members): void {
  const prototype = cls.prototype as object;
  const check = (value: unknown): void => {
    if (!isObject(value) || !hasBrand(value)) throw new TypeError('Illegal invocation');
  };
  for (const [key, spec] of Object.entries(members)) {
    const qualified = `${name}.${key}`;
    if (spec.member === 'eventHandler') {
      Object.defineProperty(prototype, key, eventHandlerDescriptor(key, check));
    } else if (spec.member === 'attribute') {
      const own = Object.getOwnPropertyDescriptor(prototype, key);
      if (!own?.get) throw new Error(`${qualified} has no getter`);
      Object.defineProperty(prototype, key, attributeDescriptor(key, qualified, own, spec, check));
    } else {
      const holder = spec.isStatic ? cls : prototype;
      const own = Object.getOwnPropertyDescriptor(holder, key);
      if (typeof own?.value !== 'function') throw new Error(`${qualified} has no method`);
      const value = operationFunction(key, qualified, own.value as AnyFunction, spec, check);
      Object.defineProperty(holder, key, { value, writable: true, enumerable: true, configurable: true });
    }
  }
}

function attributesOf(members: Members): (object: object) => object {
  const names = Object.keys(members).filter((key) => {
    const spec = members[key];
    return spec?.member === 'attribute' && !spec.isPromise;
  });
  return (object) => Object.fromEntries(names.map((name) => [name, (object as Record<string, unknown>)[name]]));
}

function attributeDescriptor(
  key: string,
  qualified: string,
  own: PropertyDescriptor,
  spec: Attribute,
  check: (value: unknown) => void,
): PropertyDescriptor {
  const { get: read, set: write } = own;
  const descriptor: PropertyDescriptor = { enumerable: true, configurable: true };
  descriptor.get = {
    [`get ${key}`](this: unknown): unknown {
      if (!spec.isPromise) {
        check(this);
        return Reflect.apply(read as AnyFunction, this, []);
      }
      try {
        check(this);
        return Reflect.apply(read as AnyFunction, this, []);
      } catch (error) {
        return Promise.reject(error as Error);
      }
    },
  }[`get ${key}`] as () => unknown;
  const convert = spec.converter;
  if (convert) {
    if (!write) throw new Error(`${qualified} has no setter`);
    descriptor.set = {
      [`set ${key}`](this: unknown, value: unknown): void {
        check(this);
        // WebIDL: a value that is no member of the enumeration is ignored, not an error.
        if ('values' in convert) {
          const text = `${value as string}`;
          if (!(convert.values as string[]).includes(text)) return;
          Reflect.apply(write, this, [text]);
          return;
        }
        Reflect.apply(write, this, [convert(value, `${qualified}: the value`)]);
      },
    }[`set ${key}`] as (value: unknown) => void;
  }
  return descriptor;
}

function operationFunction(
  key: string,
  qualified: string,
  method: AnyFunction,
  spec: Operation,
  check: (value: unknown) => void,
): AnyFunction {
  const { overloads, isPromise, isStatic } = spec;
  const call = (self: unknown, args: unknown[]): unknown => {
    if (!isStatic) check(self);
    const parameters = overloadFor(qualified, overloads, args.length);
    return Reflect.apply(method, self, convertArguments(qualified, parameters, args));
  };
  const functions: Record<string, AnyFunction> = isPromise
    ? {
        [key](this: unknown, ...args: unknown[]): unknown {
          try {
            return call(this, args);
          } catch (error) {
            return Promise.reject(error as Error);
          }
        },
      }
    : {
        [key](this: unknown, ...args: unknown[]): unknown {
          return call(this, args);
        },
      };
  const made = functions[key] as AnyFunction;
  Object.defineProperty(made, 'length', { value: Math.min(...overloads.map(requiredCount)), configurable: true });
  return made;
}

function eventHandlerDescriptor(key: string, check: (value: unknown) => void): PropertyDescriptor {
  const type = key.slice('on'.length);
  const accessors = {
    [`get ${key}`](this: EventTarget): unknown {
      check(this);
      return eventHandlerOf(this, type);
    },
    [`set ${key}`](this: EventTarget, value: unknown): void {
      check(this);
      setEventHandler(this, type, value);
    },
  };
  return {
    get: accessors[`get ${key}`] as () => unknown,
    set: accessors[`set ${key}`] as (value: unknown) => void,
    enumerable: true,
    configurable: true,
  };
}
