/**
 * Conversion of JavaScript values to IDL types, https://webidl.spec.whatwg.org/#js-type-mapping.
 *
 * A converter is a function that gives the converted value or throws the `TypeError` that WebIDL
 * asks for. Its `kind` says which place it takes in a union or an overload set.
 */

/** Which step of "convert to a union type" (§3.2.24) a member type answers to. */
export type Kind =
  | 'any'
  | 'undefined'
  | 'boolean'
  | 'numeric'
  | 'bigint'
  | 'string'
  | 'object'
  | 'interface'
  | 'buffer'
  | 'callback'
  | 'dictionary'
  | 'sequence'
  | 'union';

export interface Converter<T> {
  (value: unknown, context: string): T;
  readonly kind: Kind;
  /** The IDL type's name, for messages. */
  readonly typeName: string;
  /** Whether a value is of this interface or buffer type without conversion. */
  readonly is?: (value: unknown) => boolean;
  /** Whether `null` has a place here of its own: nullable types and unions with one. */
  readonly nullable?: boolean;
}

/** The TypeScript type of a converter's results. */
export type Infer<C> = C extends Converter<infer T> ? T : never;

type Traits = Omit<Converter<unknown>, never>;

export function converter<T>(
  traits: Pick<Traits, 'kind' | 'typeName' | 'is' | 'nullable'>,
  convert: (value: unknown, context: string) => T,
): Converter<T> {
  return Object.assign(convert, traits);
}

export function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}

export function fail(context: string, problem: string): never {
  throw new TypeError(`${context} ${problem}.`);
}

// --- simple types

export const any: Converter<unknown> = converter({ kind: 'any', typeName: 'any' }, (v) => v);

export const object: Converter<object> = converter(
  { kind: 'object', typeName: 'object', is: isObject },
  (v, context) => (isObject(v) ? v : fail(context, 'is not an object')),
);

export const boolean: Converter<boolean> = converter(
  { kind: 'boolean', typeName: 'boolean' },
  (v) => Boolean(v),
);

export const DOMString: Converter<string> = converter(
  { kind: 'string', typeName: 'DOMString' },
  // A template literal is ToString: unlike String(v) it throws for a symbol.
  (v) => `${v as string}`,
);

export const USVString: Converter<string> = converter(
  { kind: 'string', typeName: 'USVString' },
  (v) => `${v as string}`.toWellFormed(),
);

/** Unary plus is ToNumber: it throws a TypeError for symbols and big integers. */
const toNumber = (v: unknown): number => +(v as number);

export const unrestrictedDouble: Converter<number> = converter(
  { kind: 'numeric', typeName: 'unrestricted double' },
  toNumber,
);

export const double: Converter<number> = converter(
  { kind: 'numeric', typeName: 'double' },
  (v, context) => {
    const x = toNumber(v);
    return Number.isFinite(x) ? x : fail(context, 'is not a finite number');
  },
);

interface IntegerType {
  /** The type itself: wraps around. */
  readonly modulo: Converter<number>;
  /** `[EnforceRange]`. */
  readonly enforceRange: Converter<number>;
  /** `[Clamp]`. */
  readonly clamp: Converter<number>;
}

/** https://webidl.spec.whatwg.org/#abstract-opdef-converttoint */
function integer(typeName: string, bits: number, signed: boolean): IntegerType {
  const upper = bits === 64 ? 2 ** 53 - 1 : 2 ** (signed ? bits - 1 : bits) - 1;
  const lower = signed ? (bits === 64 ? -upper : -(2 ** (bits - 1))) : 0;
  const of = (convert: (value: unknown, context: string) => number): Converter<number> =>
    converter({ kind: 'numeric', typeName }, convert);
  return {
    modulo: of((v) => {
      const x = toNumber(v);
      if (Number.isInteger(x) && x >= lower && x <= upper) return x + 0;
      if (!Number.isFinite(x)) return 0;
      const wrapped = signed
        ? BigInt.asIntN(bits, BigInt(Math.trunc(x)))
        : BigInt.asUintN(bits, BigInt(Math.trunc(x)));
      return Number(wrapped);
    }),
    enforceRange: of((v, context) => {
      const x = toNumber(v);
      if (!Number.isFinite(x)) fail(context, 'is not a finite number');
      const n = Math.trunc(x) + 0;
      return n >= lower && n <= upper ? n : fail(context, `is not in the range of ${typeName}`);
    }),
    clamp: of((v) => {
      const x = toNumber(v);
      if (Number.isNaN(x)) return 0;
      const bounded = Math.min(Math.max(x, lower), upper);
      const floor = Math.floor(bounded);
      const half = bounded - floor;
      // Halves go to the even neighbour.
      return (half < 0.5 || (half === 0.5 && floor % 2 === 0) ? floor : floor + 1) + 0;
    }),
  };
}

const octetType = integer('octet', 8, false);
const unsignedShortType = integer('unsigned short', 16, false);
const shortType = integer('short', 16, true);
const unsignedLongType = integer('unsigned long', 32, false);
const longType = integer('long', 32, true);
const unsignedLongLongType = integer('unsigned long long', 64, false);
const longLongType = integer('long long', 64, true);

export const octet = octetType.modulo;
export const short = shortType.modulo;
export const unsignedShort = unsignedShortType.modulo;
export const unsignedLong = unsignedLongType.modulo;
export const long = longType.modulo;
export const unsignedLongLong = unsignedLongLongType.modulo;
export const longLong = longLongType.modulo;

/** The types with the extended attribute `[EnforceRange]`. */
export const enforceRange = {
  octet: octetType.enforceRange,
  unsignedShort: unsignedShortType.enforceRange,
  unsignedLong: unsignedLongType.enforceRange,
  unsignedLongLong: unsignedLongLongType.enforceRange,
  longLong: longLongType.enforceRange,
};

/** The types with the extended attribute `[Clamp]`. */
export const clamp = { unsignedLong: unsignedLongType.clamp };

export const bigint: Converter<bigint> = converter(
  { kind: 'bigint', typeName: 'bigint' },
  (v, context) => (typeof v === 'bigint' ? v : fail(context, 'is not a bigint')),
);

// --- enumerations, callbacks, buffers

export interface Enumeration<T extends string> extends Converter<T> {
  readonly values: readonly T[];
}

export function enumeration<const T extends string>(
  typeName: string,
  values: readonly T[],
): Enumeration<T> {
  const known = new Set<string>(values);
  const convert = converter({ kind: 'string', typeName }, (v, context): T => {
    const text = DOMString(v, context);
    if (known.has(text)) return text as T;
    return fail(context, `'${text}' is not a valid value of enumeration ${typeName}`);
  });
  return Object.assign(convert, { values });
}

export function callback<F extends (...args: never[]) => unknown>(typeName: string): Converter<F> {
  return converter({ kind: 'callback', typeName, is: (v) => typeof v === 'function' }, (v, context) =>
    typeof v === 'function' ? (v as F) : fail(context, 'is not a function'),
  );
}

const isResizable = (b: ArrayBufferLike): boolean => {
  const { resizable, growable } = b as { resizable?: boolean; growable?: boolean };
  return resizable === true || growable === true;
};

export const isArrayBuffer = (v: unknown): v is ArrayBuffer => v instanceof ArrayBuffer;
export const isSharedArrayBuffer = (v: unknown): v is SharedArrayBuffer => v instanceof SharedArrayBuffer;

export const ArrayBufferType: Converter<ArrayBuffer> = converter(
  { kind: 'buffer', typeName: 'ArrayBuffer', is: isArrayBuffer },
  (v, context) => {
    if (!isArrayBuffer(v)) fail(context, 'is not an ArrayBuffer');
    return isResizable(v) ? fail(context, 'is a resizable ArrayBuffer') : v;
  },
);

export const SharedArrayBufferType: Converter<SharedArrayBuffer> = converter(
  { kind: 'buffer', typeName: 'SharedArrayBuffer', is: isSharedArrayBuffer },
  (v, context) => {
    if (!isSharedArrayBuffer(v)) fail(context, 'is not a SharedArrayBuffer');
    return isResizable(v) ? fail(context, 'is a growable SharedArrayBuffer') : v;
  },
);

const viewType = (allowsShared: boolean): Converter<ArrayBufferView> =>
  converter({ kind: 'buffer', typeName: 'ArrayBufferView', is: (v) => ArrayBuffer.isView(v) }, (v, context) => {
    if (!ArrayBuffer.isView(v)) fail(context, 'is not an ArrayBufferView');
    if (!allowsShared && isSharedArrayBuffer(v.buffer)) fail(context, 'is a view on a SharedArrayBuffer');
    return isResizable(v.buffer) ? fail(context, 'is a view on a buffer that can be resized') : v;
  });

export const ArrayBufferViewType = viewType(false);
/** With the extended attribute `[AllowShared]`. */
export const AllowSharedArrayBufferViewType = viewType(true);

/**
 * The bytes of a buffer source, where they are. A buffer that was transferred has none: "If IsDetachedBuffer(V) is true,
 * then return the empty byte sequence."
 */
export function bytesOf(source: ArrayBufferLike | ArrayBufferView): Uint8Array {
  if (!ArrayBuffer.isView(source)) return source.byteLength === 0 ? new Uint8Array(0) : new Uint8Array(source);
  if (source.buffer.byteLength === 0) return new Uint8Array(0);
  return new Uint8Array(source.buffer, source.byteOffset, source.byteLength);
}

export const Uint8ArrayType: Converter<Uint8Array> = converter(
  { kind: 'buffer', typeName: 'Uint8Array', is: (v) => v instanceof Uint8Array },
  (v, context) => {
    if (!(v instanceof Uint8Array)) fail(context, 'is not a Uint8Array');
    return ArrayBufferViewType(v, context) as Uint8Array;
  },
);

// --- composed types

export function nullable<T>(inner: Converter<T>): Converter<T | null> {
  const is = inner.is;
  return converter(
    {
      kind: inner.kind,
      typeName: `${inner.typeName}?`,
      nullable: true,
      ...(is ? { is: (v: unknown) => v === null || v === undefined || is(v) } : {}),
    },
    (v, context) => (v === null || v === undefined ? null : inner(v, context)),
  );
}

export function sequence<T>(inner: Converter<T>): Converter<T[]> {
  return converter(
    { kind: 'sequence', typeName: `sequence<${inner.typeName}>` },
    (value, context) => {
      if (!isObject(value)) fail(context, 'is not an object');
      const method: unknown = (value as Iterable<unknown>)[Symbol.iterator];
      if (typeof method !== 'function') fail(context, 'is not iterable');
      const out: T[] = [];
      // Not `for of`: that would read Symbol.iterator a second time, and call return() on errors.
      const iterator = Reflect.apply(method, value, []) as Iterator<unknown>;
      if (!isObject(iterator)) fail(context, 'has an iterator that is not an object');
      const next = iterator.next;
      for (;;) {
        const result = Reflect.apply(next, iterator, []);
        if (!isObject(result)) fail(context, 'has an iterator result that is not an object');
        if (result.done) return out;
        out.push(inner(result.value, `${context}, element ${out.length}`));
      }
    },
  );
}

/** https://webidl.spec.whatwg.org/#BufferSource */
export const bufferSource: Converter<ArrayBuffer | ArrayBufferView> = converter(
  { kind: 'buffer', typeName: 'BufferSource', is: (v) => isArrayBuffer(v) || ArrayBuffer.isView(v) },
  (v, context) => (isArrayBuffer(v) ? ArrayBufferType(v, context) : ArrayBufferViewType(v, context)),
);

/** https://webidl.spec.whatwg.org/#AllowSharedBufferSource */
export const allowSharedBufferSource: Converter<ArrayBufferLike | ArrayBufferView> = converter(
  {
    kind: 'buffer',
    typeName: 'AllowSharedBufferSource',
    is: (v) => isArrayBuffer(v) || isSharedArrayBuffer(v) || ArrayBuffer.isView(v),
  },
  (v, context) => {
    if (isArrayBuffer(v)) return ArrayBufferType(v, context);
    return isSharedArrayBuffer(v) ? SharedArrayBufferType(v, context) : AllowSharedArrayBufferViewType(v, context);
  },
);

/** https://webidl.spec.whatwg.org/#js-union */
export function union<const M extends readonly Converter<unknown>[]>(
  ...members: M
): Converter<Infer<M[number]>> {
  type T = Infer<M[number]>;
  const of = (kind: Kind): Converter<T> | undefined =>
    members.find((m) => m.kind === kind) as Converter<T> | undefined;
  const typeName = `(${members.map((m) => m.typeName).join(' or ')})`;
  const platform = members.filter((m) => m.kind === 'interface' || m.kind === 'buffer');
  const [dictionary, seq, callbackType, bool, numeric, big, str, obj, anything] = (
    ['dictionary', 'sequence', 'callback', 'boolean', 'numeric', 'bigint', 'string', 'object', 'any'] as const
  ).map(of);
  const hasNull = members.some((m) => m.nullable);
  const pick = (v: unknown): Converter<T> | null | undefined => {
    if (hasNull && (v === null || v === undefined)) return null;
    if (dictionary && (v === null || v === undefined)) return dictionary;
    const exact = platform.find((m) => m.is?.(v));
    if (exact) return exact as Converter<T>;
    if (callbackType && typeof v === 'function') return callbackType;
    if (isObject(v)) {
      if (seq && (v as Partial<Iterable<unknown>>)[Symbol.iterator] != null) return seq;
      if (dictionary) return dictionary;
      if (obj) return obj;
    }
    if (bool && typeof v === 'boolean') return bool;
    if (numeric && typeof v === 'number') return numeric;
    if (big && typeof v === 'bigint') return big;
    return str ?? numeric ?? bool ?? big ?? anything;
  };
  return converter(
    { kind: 'union', typeName, nullable: hasNull, is: (v) => platform.some((m) => m.is?.(v)) },
    (v, context): T => {
      const chosen = pick(v);
      if (chosen === null) return null as T;
      return chosen ? chosen(v, context) : fail(context, `is not of type ${typeName}`);
    },
  );
}
