// The IDL of what this package has: files read, partials and mixins merged, what is missing left out.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'webidl2';

const node = path.join(path.dirname(fileURLToPath(import.meta.url)), '..', '..');

/** The documents whose interfaces are wanted whole, of @webref/idl. It is pinned to the release that
 * goes with the web-platform-tests that we run: both change names with the documents. */
const DOCUMENTS = [
  'webrtc',
  'webrtc-ice',
  'webrtc-identity',
  'webrtc-priority',
  'webrtc-stats',
  'webrtc-svc',
  'webrtc-encoded-transform',
  'mediacapture-streams',
  'mst-content-hint',
];
/** Ours, in `idl/`. Later ones may replace what earlier ones say. */
const OWN = ['webrtc-extensions', 'raw', 'duologue'];
/** Where types are defined that those name. */
const FOUNDATIONS = ['webidl', 'dom', 'geometry', 'html', 'hr-time', 'streams', 'webcrypto', 'websockets'];
/** WebIDL has no partial enumerations; webrtc-identity says in a comment that this is meant to be one. */
const PARTIAL_ENUMERATIONS = { RTCErrorDetailTypeIdp: 'RTCErrorDetailType' };

const sourceOf = (name) => path.join(node, 'node_modules', '@webref', 'idl', `${name}.idl`);
const ownSourceOf = (name) => path.join(node, 'idl', `${name}.idl`);
const parsed = (file) => parse(readFileSync(file, 'utf8'), { sourceName: path.basename(file) });

/** What is not there, with the reason: `Interface`, `Interface.member` or `Dictionary.member`. */
export const missing = new Map(Object.entries(JSON.parse(readFileSync(path.join(node, 'idl', 'missing.json'), 'utf8'))));

export const attributeOf = (definition, name) => definition.extAttrs?.find((attribute) => attribute.name === name);

/** The key of a member in `missing` and in messages. */
export const keyOf = (member) =>
  member.type === 'constructor' ? 'constructor' : member.name || member.special || member.type;

/** Everything by its name: `{ interfaces, dictionaries, enumerations, typedefs, callbacks }`. */
export class Model {
  interfaces = new Map();
  dictionaries = new Map();
  enumerations = new Map();
  typedefs = new Map();
  callbacks = new Map();
  /** The names that the documents define, not their foundations. */
  wanted = new Set();
  #mixins = new Map();
  #partials = [];
  #includes = [];

  constructor() {
    const wanted = [...DOCUMENTS.map(sourceOf), ...OWN.map(ownSourceOf)];
    for (const name of FOUNDATIONS) this.#read(sourceOf(name), false);
    for (const file of wanted) this.#read(file, true);
    for (const partial of this.#partials) this.#merge(partial);
    for (const { target, includes } of this.#includes) {
      const mixin = this.#mixins.get(includes);
      this.interfaces.get(target).members.push(...mixin.members);
    }
  }

  #read(file, isWanted) {
    for (const definition of parsed(file)) {
      const { type, name, partial } = definition;
      if (partial) {
        if (isWanted) this.#partials.push(definition);
        continue;
      }
      if (type === 'includes') {
        if (isWanted) this.#includes.push(definition);
      } else if (type === 'interface mixin') this.#mixins.set(name, definition);
      else if (type === 'enum') this.#enumeration(definition);
      else this.#of(type)?.set(name, whole(definition));
      if (isWanted) this.wanted.add(name);
    }
  }

  #of(type) {
    return {
      interface: this.interfaces,
      dictionary: this.dictionaries,
      typedef: this.typedefs,
      callback: this.callbacks,
      'callback interface': this.callbacks,
    }[type];
  }

  #enumeration(definition) {
    const values = definition.values.map(({ value }) => value);
    const whole = PARTIAL_ENUMERATIONS[definition.name] ?? attributeOf(definition, 'Adds')?.rhs.value;
    if (!whole) this.enumerations.set(definition.name, values);
    else this.enumerations.get(whole).push(...values);
  }

  #merge({ type, name, members }) {
    const all = this.#of(type);
    // Of a foundation there are only the additions: `Navigator` is not ours.
    if (!this.wanted.has(name)) all.set(name, { type, name, members: [], inheritance: null, extAttrs: [] });
    this.wanted.add(name);
    const whole = all.get(name);
    for (const member of members) {
      const at = attributeOf(member, 'Instead') ? whole.members.findIndex((it) => it.name === member.name) : -1;
      if (at >= 0) whole.members[at] = member;
      else whole.members.push(member);
    }
  }

  /** The interfaces of the documents that this package has, without the members that it has not. */
  present() {
    return [...this.interfaces.values()]
      .filter(({ name }) => this.wanted.has(name) && !missing.has(name))
      .map((it) => ({ ...it, members: it.members.filter((member) => !missing.has(`${it.name}.${keyOf(member)}`)) }));
  }

  /** A dictionary's own members, without those that are not taken. */
  membersOf(dictionary) {
    return this.dictionaries.get(dictionary).members.filter(({ name }) => !missing.has(`${dictionary}.${name}`));
  }

  /** It and those that it inherits from, the eldest first. */
  lineage(dictionary) {
    const { inheritance } = this.dictionaries.get(dictionary) ?? fail(`no dictionary ${dictionary}`);
    return [...(inheritance ? this.lineage(inheritance) : []), dictionary];
  }
}

/** What is kept of a definition: those of webidl2 are views of its tokens, which cannot be copied. */
function whole({ type, name, inheritance, extAttrs, members = [], idlType, arguments: parameters }) {
  return { type, name, inheritance, extAttrs, members: [...members], idlType, arguments: parameters };
}

function fail(problem) {
  throw new Error(problem);
}
