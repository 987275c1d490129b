// The IDL as TypeScript: converters and shapes for `lib/webidl`.
import { attributeOf } from './model.mjs';

/** Types that are converters of `lib/webidl` themselves. */
const SIMPLE = {
  any: 'any',
  object: 'object',
  boolean: 'boolean',
  DOMString: 'DOMString',
  USVString: 'USVString',
  double: 'double',
  'unrestricted double': 'unrestrictedDouble',
  bigint: 'bigint',
  ArrayBuffer: 'ArrayBufferType',
  SharedArrayBuffer: 'SharedArrayBufferType',
  ArrayBufferView: 'ArrayBufferViewType',
  Uint8Array: 'Uint8ArrayType',
  Blob: 'BlobType',
  CryptoKey: 'CryptoKeyType',
  Worker: 'WorkerType',
};
const INTEGERS = {
  octet: 'octet',
  short: 'short',
  'unsigned short': 'unsignedShort',
  long: 'long',
  'unsigned long': 'unsignedLong',
  'long long': 'longLong',
  'unsigned long long': 'unsignedLongLong',
};
/** Dictionaries that no argument names: those of algorithms are chosen by their `name`, others come out of callbacks. */
const CONVERTED_BY_HAND = [
  'RTCCertificateExpiration',
  'EcKeyGenParams',
  'RsaHashedKeyGenParams',
  'MediaTrackSupportedConstraints',
  'VideoFrameInit',
  'VideoFrameBufferInit',
  'RTCIdentityAssertionResult',
  'RTCIdentityValidationResult',
];
/** What the initial value of an event's attribute is when its dictionary does not say. */
const INITIAL = { DOMString: `''`, USVString: `''` };

/** The files of `lib/idl` and their text. */
export function emit(model, release) {
  return new Emitter(model).files(release);
}

class Emitter {
  /** What the file that is written imports of `lib/webidl`. */
  #used = new Set();
  /** Definitions of types, in the order of their need. */
  #blocks = [];
  #done = new Set();

  constructor(model) {
    this.model = model;
  }

  files(release) {
    const present = this.model.present();
    // What interfaces use themselves is told apart from what their types use.
    const shapes = present.map((it) => this.#interface(it));
    for (const name of CONVERTED_BY_HAND) this.#need(name);
    const inWorkers = present.filter(isExposedInWorkersOnly).map(({ name }) => `'${name}'`);
    const types = this.#blocks.join('\n');
    const interfaces = [...shapes, `/** \`[Exposed=DedicatedWorker]\` */`, `export const EXPOSED_IN_WORKERS_ONLY: readonly string[] = [${inWorkers.join(', ')}];\n`].join('\n');
    const head = (what) =>
      `/**\n * ${what}, made by \`npm run idl\` of ${release} and \`idl/\` without what\n * \`idl/missing.json\` says. Not to be changed by hand.\n */`;
    const isUsed = (text) => (name) => new RegExp(`(?<![.'\\w])${name}\\b(?!')`).test(text);
    const webidl = (text) => importOf([...this.#used].filter(isUsed(text)), '../webidl/index.js');
    const named = [...this.#done].map((name) => this.#converterOf(name)).filter(isUsed(interfaces));
    return {
      'types.ts': [head('Enumerations, dictionaries and other types of the W3C'), `import type * as duologue from '../index.js';`, webidl(types), types].join('\n'),
      'interfaces.ts': [head('The shapes of interfaces'), importOf(named, './types.js', ''), webidl(interfaces), interfaces].join('\n'),
    };
  }

  #converterOf(name) {
    return this.model.interfaces.has(name) ? `${name}Object` : name;
  }

  #use(name) {
    this.#used.add(name);
    return name;
  }

  // --- types

  /** The converter of a type; what it needs is emitted before. */
  #type(idlType, extAttrs = []) {
    const nullable = idlType.nullable;
    const inner = this.#inner(idlType, [...extAttrs, ...idlType.extAttrs]);
    return nullable ? `${this.#use('nullable')}(${inner})` : inner;
  }

  #inner(idlType, extAttrs) {
    if (idlType.union) return `${this.#use('union')}(${idlType.idlType.map((it) => this.#type(it)).join(', ')})`;
    if (idlType.generic === 'sequence' || idlType.generic === 'FrozenArray') {
      return `${this.#use('sequence')}(${this.#type(idlType.idlType[0])})`;
    }
    if (idlType.generic) throw new Error(`no converter of ${idlType.generic}`);
    const name = idlType.idlType;
    const has = (attribute) => extAttrs.some((it) => it.name === attribute);
    if (name === 'ArrayBufferView' && has('AllowShared')) return this.#use('AllowSharedArrayBufferViewType');
    if (INTEGERS[name]) {
      if (has('EnforceRange')) return `${this.#use('enforceRange')}.${INTEGERS[name]}`;
      if (has('Clamp')) return `${this.#use('clamp')}.${INTEGERS[name]}`;
      return this.#use(INTEGERS[name]);
    }
    if (SIMPLE[name]) return this.#use(SIMPLE[name]);
    return this.#need(name);
  }

  /** Emits the definition of this name, once; gives what its converter is called. */
  #need(name) {
    const { model } = this;
    const converter = this.#converterOf(name);
    if (this.#done.has(name)) return converter;
    this.#done.add(name);
    const block = model.enumerations.has(name)
      ? this.#enumeration(name)
      : model.dictionaries.has(name)
        ? this.#dictionary(name)
        : model.typedefs.has(name)
          ? this.#typedef(name)
          : model.callbacks.has(name)
            ? this.#callback(name)
            : model.interfaces.has(name)
              ? `export const ${converter} = ${this.#use('interfaceType')}<duologue.${name}>('${name}');`
              : fail(`no type ${name}`);
    const isInterface = model.interfaces.has(name);
    const infer = isInterface ? '' : `export type ${name} = ${this.#use('Infer')}<typeof ${name}>;\n`;
    this.#blocks.push(`${block}\n${infer}`);
    return converter;
  }

  #enumeration(name) {
    const values = this.model.enumerations.get(name).map((value) => `'${value}'`);
    return `export const ${name} = ${this.#use('enumeration')}('${name}', ${list(values)});`;
  }

  #typedef(name) {
    return `export const ${name} = ${this.#type(this.model.typedefs.get(name).idlType)};`;
  }

  #callback(name) {
    const { arguments: parameters = [] } = this.model.callbacks.get(name);
    const types = parameters.map((it) => `${it.name}: ${this.#typeName(it.idlType)}`);
    return `export const ${name} = ${this.#use('callback')}<(${types.join(', ')}) => unknown>('${name}');`;
  }

  /** Of what is given to a callback. */
  #typeName(idlType) {
    const name = idlType.idlType;
    if (name === 'DOMException') return name;
    if (name === 'DOMString') return 'string';
    return this.#need(name);
  }

  #dictionary(name) {
    const { inheritance } = this.model.dictionaries.get(name);
    const base = inheritance ? `, ${this.#need(inheritance)}` : '';
    const members = this.model.membersOf(name).map((it) => `${it.name}: ${this.#member(it)}`);
    return `export const ${name} = ${this.#use('dictionary')}('${name}', ${table(members)}${base});`;
  }

  #member({ idlType, extAttrs, required, default: initial }) {
    const type = this.#type(idlType, extAttrs);
    if (required) return `${this.#use('required')}(${type})`;
    return initial ? `${this.#use('defaulted')}(${type}, ${this.#default(initial)})` : `${this.#use('optional')}(${type})`;
  }

  #default({ type, value }) {
    if (type === 'sequence') return '() => []';
    if (type === 'null') return 'null';
    return type === 'string' ? `'${value}'` : String(value);
  }

  // --- interfaces

  #interface({ name, inheritance, members }) {
    const isEvent = inheritance === 'Event';
    const operations = groupBy(members.filter((it) => it.type === 'operation'), (it) => it.name);
    const lines = [];
    for (const member of members) {
      if (member.type === 'attribute') lines.push(`${member.name}: ${this.#attribute(member, isEvent)}`);
      const overloads = operations.get(member.name);
      if (overloads?.[0] === member) lines.push(`${member.name}: ${this.#operation(overloads)}`);
    }
    const constructors = members.filter((it) => it.type === 'constructor');
    const parameters = this.#overloads(constructors.map((it) => it.arguments));
    const tail = constructors.length ? `, ${list(parameters)}` : '';
    return `export const ${name} = ${this.#use('interfaceShape')}('${name}', ${table(lines)}${tail});\n`;
  }

  #attribute({ idlType, extAttrs, readonly }, isEvent) {
    if (idlType.idlType === 'EventHandler') return `${this.#use('eventHandler')}()`;
    if (idlType.generic === 'Promise') return `${this.#use('promiseAttribute')}()`;
    this.#use('attribute');
    if (!readonly) return `attribute(${this.#type(idlType, extAttrs)})`;
    if (idlType.generic === 'FrozenArray') return 'attribute(undefined, { isFrozen: true })';
    const initial = isEvent && !idlType.nullable ? INITIAL[idlType.idlType] : undefined;
    // Only for their type: what is read-only is not converted.
    if (this.model.enumerations.has(idlType.idlType)) this.#need(idlType.idlType);
    return initial ? `attribute(undefined, { initial: ${initial} })` : 'attribute()';
  }

  #operation(overloads) {
    const [{ idlType, special }] = overloads;
    const parameters = this.#overloads(overloads.map((it) => it.arguments));
    const traits = [
      ...(idlType.generic === 'Promise' ? ['isPromise: true'] : []),
      ...(special === 'static' ? ['isStatic: true'] : []),
    ];
    const tail = traits.length ? `, { ${traits.join(', ')} }` : '';
    const only = parameters.length === 1 && parameters[0] === '[]' && !tail ? '' : list(parameters, '  ');
    return `${this.#use('operation')}(${only}${tail})`;
  }

  /**
   * The parameters of overloads. Those with as many parameters, which differ by the type of one, become
   * one with a union: https://webidl.spec.whatwg.org/#dfn-overload-resolution-algorithm asks the same
   * of the value as a conversion to a union does.
   */
  #overloads(lists) {
    const out = [];
    for (const same of groupBy(lists, (list) => list.length).values()) {
      const [first] = same;
      const differing = first.flatMap((_, i) => (new Set(same.map((list) => JSON.stringify(list[i].idlType))).size > 1 ? [i] : []));
      if (differing.length > 1) fail('overloads that differ by more than one argument');
      const parameters = first.map((it, i) => (i === differing[0] ? this.#unionOf(same.map((list) => list[i])) : this.#parameter(it)));
      out.push(`[${parameters.join(', ')}]`);
    }
    return out;
  }

  #unionOf(parameters) {
    const types = parameters.map((it) => this.#type(it.idlType, it.extAttrs));
    return `${this.#use('arg')}(${this.#use('union')}(${types.join(', ')}))`;
  }

  #parameter({ idlType, extAttrs, optional, variadic, default: initial }) {
    const type = this.#type(idlType, extAttrs);
    if (variadic) return `${this.#use('variadic')}(${type})`;
    if (!optional) return `${this.#use('arg')}(${type})`;
    if (!initial) return `${this.#use('optionalArg')}(${type})`;
    if (initial.type !== 'dictionary') return `${this.#use('optionalArg')}(${type}, ${this.#default(initial)})`;
    const hasRequired = this.model.lineage(idlType.idlType).some((it) => this.model.membersOf(it).some(({ required }) => required));
    // `{}` is no such dictionary; left out means that nothing is said.
    return hasRequired ? `${this.#use('optionalArg')}(${type})` : `${this.#use('dictionaryArg')}(${type})`;
  }
}

/** `Map.groupBy`, which Node 20 lacks. */
function groupBy(items, keyOf) {
  const groups = new Map();
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item]);
  return groups;
}

function isExposedInWorkersOnly(definition) {
  const rhs = attributeOf(definition, 'Exposed')?.rhs;
  return rhs?.value === 'DedicatedWorker';
}

/** As one line if it is short enough. */
function list(items, indent = '') {
  const line = `[${items.join(', ')}]`;
  return line.length <= WIDTH ? line : `[\n${items.map((it) => `${indent}  ${it},\n`).join('')}${indent}]`;
}
const WIDTH = 90;

const table = (lines) => (lines.length ? `{\n${lines.map((it) => `  ${it},\n`).join('')}}` : '{}');

function importOf(names, from, tail = '\n') {
  const sorted = names.sort((a, b) => (a.toLowerCase() < b.toLowerCase() ? -1 : 1));
  return `import {\n${sorted.map((it) => `  ${it === 'Infer' ? 'type Infer' : it},\n`).join('')}} from '${from}';${tail}`;
}

function fail(problem) {
  throw new Error(problem);
}
