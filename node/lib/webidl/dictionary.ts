/** Dictionary types from tables, https://webidl.spec.whatwg.org/#js-dictionary. */
import { type Converter, type Infer, converter, fail, isObject } from './convert.js';

interface Required<T> {
  readonly converter: Converter<T>;
  readonly required: true;
}
interface Optional<T> {
  readonly converter: Converter<T>;
  readonly required: false;
}
interface Defaulted<T> {
  readonly converter: Converter<T>;
  readonly required: false;
  readonly initial: () => T;
}
type Member = Required<unknown> | Optional<unknown> | Defaulted<unknown>;
export type Members = Record<string, Member>;

/** A member that must be given. */
export const required = <T>(type: Converter<T>): Required<T> => ({ converter: type, required: true });

/** A member that may be absent. */
export const optional = <T>(type: Converter<T>): Optional<T> => ({ converter: type, required: false });

/** A member with a default. Mutable defaults (`[]`) are functions. */
export const defaulted = <T>(type: Converter<T>, initial: T | (() => T)): Defaulted<T> => ({
  converter: type,
  required: false,
  initial: typeof initial === 'function' ? (initial as () => T) : () => initial,
});

type TypeOf<M> = M extends { readonly converter: Converter<infer T> } ? T : never;
type PresentKeys<M extends Members> = {
  [K in keyof M]: M[K] extends Required<unknown> | Defaulted<unknown> ? K : never;
}[keyof M];
type Simplify<T> = { [K in keyof T]: T[K] };

export type DictionaryOf<M extends Members> = Simplify<
  { [K in PresentKeys<M>]: TypeOf<M[K]> } & {
    [K in Exclude<keyof M, PresentKeys<M>>]?: TypeOf<M[K]>;
  }
>;

export interface Dictionary<T> extends Converter<T> {
  /** The names of its own members, in the order of the IDL. */
  readonly members: readonly string[];
  /** What the dictionaries that inherit from this one convert first. */
  readonly collect: (value: object | null | undefined, context: string, into: Partial<T>) => void;
}

export function dictionary<M extends Members>(typeName: string, members: M): Dictionary<DictionaryOf<M>>;
export function dictionary<M extends Members, B extends Dictionary<object>>(
  typeName: string,
  members: M,
  base: B,
): Dictionary<Simplify<Infer<B> & DictionaryOf<M>>>;
export function dictionary(
  typeName: string,
  members: Members,
  base?: Dictionary<object>,
): Dictionary<object> {
  // Members are read in lexicographical order, those of inherited dictionaries first.
  const table = Object.entries(members).sort(([a], [b]) => (a < b ? -1 : 1));

  const collect = (value: object | null | undefined, context: string, into: object): void => {
    base?.collect(value, context, into);
    const source = value as Record<string, unknown> | null | undefined;
    const target = into as Record<string, unknown>;
    for (const [name, member] of table) {
      const given = source == null ? undefined : source[name];
      if (given !== undefined) {
        target[name] = member.converter(given, `${context}, member ${name} of ${typeName},`);
      } else if ('initial' in member) {
        target[name] = member.initial();
      } else if (member.required) {
        fail(context, `lacks the required member ${name} of ${typeName}`);
      }
    }
  };

  const convert = converter({ kind: 'dictionary', typeName }, (value, context): object => {
    if (value !== null && value !== undefined && !isObject(value)) {
      fail(context, `is not an object, so it cannot be a ${typeName}`);
    }
    const out = {};
    collect(value, context, out);
    return out;
  });
  return Object.assign(convert, { collect, members: Object.keys(members) });
}
