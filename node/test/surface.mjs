// What of the IDL this package has, found by looking at its objects and by calling what takes
// dictionaries; not by reading the tables that were made of the same IDL.
import { Model } from '../scripts/idl/model.mjs';

export const model = new Model();

/** What `maplike` stands for, https://webidl.spec.whatwg.org/#js-maplike. */
const MAPLIKE = ['size', 'get', 'has', 'entries', 'keys', 'values', 'forEach', Symbol.iterator];

export class Surface {
  /** What is not there: `Interface`, `Interface.member` or `Dictionary.member`. */
  absent = new Set();
  /** What is there in another way than the IDL says, in words. */
  wrong = [];

  /** `holders`: the objects that have the members of interfaces, by name. */
  constructor(holders) {
    this.holders = holders;
    for (const name of model.wanted) {
      if (model.interfaces.has(name)) this.#interface(model.interfaces.get(name));
    }
  }

  #interface(definition) {
    const { name, members, inheritance } = definition;
    const holder = this.holders[name];
    if (!holder) {
      this.absent.add(name);
      return;
    }
    const isPartial = holder.prototype === undefined;
    const prototype = isPartial ? holder : holder.prototype;
    const known = new Set(['constructor', Symbol.toStringTag]);
    for (const member of members) this.#member(name, isPartial ? null : holder, prototype, member, known);
    if (isPartial) return;
    const parent = Object.getPrototypeOf(prototype)?.constructor?.name;
    if (parent !== (inheritance ?? 'Object')) this.wrong.push(`${name} inherits from ${parent}`);
    if (prototype[Symbol.toStringTag] !== name) this.wrong.push(`${name} calls itself ${prototype[Symbol.toStringTag]}`);
    const constructors = members.filter((it) => it.type === 'constructor');
    if (constructors.length === 0 && canConstruct(holder)) this.wrong.push(`${name} has a constructor`);
    // What shows itself and what iterates is Node's and JavaScript's.
    for (const key of Reflect.ownKeys(prototype)) {
      if (typeof key === 'string' && !known.has(key)) this.wrong.push(`no document has ${name}.${key}`);
    }
  }

  #member(name, holder, prototype, member, known) {
    if (member.type === 'maplike') {
      for (const key of MAPLIKE) {
        known.add(key);
        if (!Object.hasOwn(prototype, key)) this.absent.add(`${name}.${String(key)}`);
      }
      return;
    }
    if (member.type === 'constructor') {
      if (!canConstruct(holder)) this.absent.add(`${name}.constructor`);
      else this.#check(name, 'constructor', holder.length, requiredOf(member, model.interfaces.get(name).members));
      return;
    }
    known.add(member.name);
    const place = member.special === 'static' ? holder : prototype;
    const descriptor = Object.getOwnPropertyDescriptor(place, member.name);
    if (!descriptor) {
      this.absent.add(`${name}.${member.name}`);
      return;
    }
    const check = (what, is, should) => this.#check(name, `${member.name}: ${what}`, is, should);
    check('enumerable', descriptor.enumerable, true);
    check('configurable', descriptor.configurable, true);
    if (member.type === 'attribute') {
      check('getter', typeof descriptor.get, 'function');
      // What is set on `navigator` is of the program that sets it.
      check('writable', descriptor.set !== undefined, !member.readonly);
    } else {
      check('method', typeof descriptor.value, 'function');
      check('length', descriptor.value?.length, requiredOf(member, model.interfaces.get(name).members));
    }
  }

  #check(name, what, is, should) {
    if (is !== should) this.wrong.push(`${name}.${what} is ${is}, not ${should}`);
  }
}

/** How many arguments have to be given, to the overload that wants fewest. */
function requiredOf(member, members) {
  const overloads = members.filter((it) => it.type === member.type && it.name === member.name);
  return Math.min(...overloads.map((it) => it.arguments.filter(({ optional, variadic }) => !optional && !variadic).length));
}

function canConstruct(holder) {
  try {
    new holder();
    return true;
  } catch (error) {
    return error.message !== 'Illegal constructor';
  }
}

/** Calls what takes dictionaries, and notes which members are read. */
export class Taken {
  #read = new Set();
  #reachable = new Set();
  /** Values of enumerations that are refused. */
  refused = new Set();
  /** Which value of each enumeration is given. */
  #round = 0;

  /** `objects`: one of each interface, by name; `isMissing`: which keys are known to be missing. */
  constructor(objects, isMissing) {
    this.objects = objects;
    this.isMissing = isMissing;
  }

  /** The members that no call read. */
  get absent() {
    return [...this.#reachable]
      .flatMap((dictionary) => model.dictionaries.get(dictionary).members.map(({ name }) => `${dictionary}.${name}`))
      .filter((key) => !this.#read.has(key));
  }

  async callAll(holders) {
    for (const [name, holder] of Object.entries(holders)) {
      if (!model.interfaces.has(name)) continue;
      for (const member of model.interfaces.get(name).members) {
        if (this.isMissing(`${name}.${member.name || member.type}`)) continue;
        const parameters = member.arguments ?? [];
        if (!parameters.some((it) => this.#dictionariesIn(it.idlType).length > 0)) continue;
        await this.#call(name, holder, member, parameters);
      }
    }
  }

  async #call(name, holder, member, parameters) {
    for (const { idlType } of parameters) for (const it of this.#dictionariesIn(idlType)) this.#reach(it);
    const rounds = Math.max(...parameters.map((it) => this.#widest(it.idlType)));
    for (this.#round = 0; this.#round < rounds; this.#round++) {
      const args = parameters.map((it) => this.#sample(it.idlType));
      try {
        const result = member.type === 'constructor' ? new holder(...args) : await this.#invoke(name, member, args);
        result?.close?.();
      } catch (error) {
        if (/not a valid value of enumeration/.test(error.message)) this.refused.add(error.message);
      }
    }
  }

  /** A promise that is not settled at once is of what comes behind the conversion. */
  #invoke(name, member, args) {
    const target = member.special === 'static' ? this.objects[name].constructor : this.objects[name];
    const result = target[member.name](...args);
    if (!(result instanceof Promise)) return result;
    result.catch(() => {});
    return Promise.race([result, new Promise(setImmediate)]);
  }

  /** What the program converts itself, because IDL says `object`. */
  proxy(dictionary, given = {}) {
    this.#reach(dictionary);
    return this.#proxyOf(dictionary, given);
  }

  #reach(dictionary) {
    for (const name of model.lineage(dictionary)) {
      if (this.#reachable.has(name)) continue;
      this.#reachable.add(name);
      for (const member of model.dictionaries.get(name).members) {
        if (this.isMissing(`${name}.${member.name}`)) continue;
        for (const it of this.#dictionariesIn(member.idlType)) this.#reach(it);
      }
    }
  }

  /** The dictionaries that a type names, without those of their members. */
  #dictionariesIn(idlType) {
    if (idlType.union || idlType.generic) return idlType.idlType.flatMap((it) => this.#dictionariesIn(it));
    const name = idlType.idlType;
    if (model.dictionaries.has(name)) return [name];
    return model.typedefs.has(name) ? this.#dictionariesIn(model.typedefs.get(name).idlType) : [];
  }

  /** The number of values of the largest enumeration in a type. */
  #widest(idlType, seen = new Set()) {
    const enumeration = model.enumerations.get(idlType.idlType);
    const inner = this.#dictionariesIn(idlType)
      .flatMap((it) => model.lineage(it))
      .filter((it) => !seen.has(it) && seen.add(it))
      .flatMap((it) => model.dictionaries.get(it).members.map((member) => this.#widest(member.idlType, seen)));
    return Math.max(1, enumeration?.length ?? 1, ...inner);
  }

  #proxyOf(dictionary, given) {
    const members = new Map();
    for (const name of model.lineage(dictionary)) {
      for (const member of model.dictionaries.get(name).members) members.set(member.name, [name, member]);
    }
    return new Proxy({}, {
      get: (_, key) => {
        const [owner, member] = members.get(key) ?? [];
        if (!member) return undefined;
        this.#read.add(`${owner}.${key}`);
        return key in given ? given[key] : this.#sample(member.idlType);
      },
    });
  }

  /** A value of a type, with a dictionary in it if there may be one. */
  #sample(idlType) {
    if (idlType.union) {
      const chosen = idlType.idlType.find((it) => this.#dictionariesIn(it).length > 0) ?? idlType.idlType[0];
      return this.#sample(chosen);
    }
    if (idlType.generic) return [this.#sample(idlType.idlType[0])];
    const name = idlType.idlType;
    const values = model.enumerations.get(name);
    if (values) return values[this.#round % values.length];
    if (model.dictionaries.has(name)) return this.#proxyOf(name, {});
    if (model.typedefs.has(name)) return this.#sample(model.typedefs.get(name).idlType);
    if (model.callbacks.has(name)) return () => {};
    if (model.interfaces.has(name) && name in this.objects) return this.objects[name];
    if (/String$/.test(name)) return 'x';
    if (name === 'boolean') return true;
    if (/^(unsigned |unrestricted )?(octet|short|long|long long|double)$/.test(name)) return 1;
    if (name === 'any') return {};
    if (/^(ArrayBuffer|\w+Array)$/.test(name)) return new globalThis[name](64);
    throw new Error(`no value of type ${name}`);
  }
}

/** Which dictionary statistics of a type are, https://w3c.github.io/webrtc-stats/#rtcstatstype-str*. */
export const STATS = {
  codec: 'RTCCodecStats',
  'inbound-rtp': 'RTCInboundRtpStreamStats',
  'outbound-rtp': 'RTCOutboundRtpStreamStats',
  'remote-inbound-rtp': 'RTCRemoteInboundRtpStreamStats',
  'remote-outbound-rtp': 'RTCRemoteOutboundRtpStreamStats',
  'media-source': { audio: 'RTCAudioSourceStats', video: 'RTCVideoSourceStats' },
  'media-playout': 'RTCAudioPlayoutStats',
  'peer-connection': 'RTCPeerConnectionStats',
  'data-channel': 'RTCDataChannelStats',
  transport: 'RTCTransportStats',
  'candidate-pair': 'RTCIceCandidatePairStats',
  'local-candidate': 'RTCIceCandidateStats',
  'remote-candidate': 'RTCIceCandidateStats',
  certificate: 'RTCCertificateStats',
};

/** What of these statistics is not as the IDL has it, in words. */
export function wrongStats(stats) {
  const known = STATS[stats.type];
  const dictionary = known?.[stats.kind] ?? known;
  if (!model.enumerations.get('RTCStatsType').includes(stats.type) || !model.dictionaries.has(dictionary)) return [`no type ${stats.type}`];
  const members = new Map(
    model.lineage(dictionary).flatMap((name) => model.dictionaries.get(name).members.map((member) => [member.name, member])),
  );
  const absent = [...members.values()].filter(({ name, required }) => required && !(name in stats));
  const wrong = Object.entries(stats).filter(([name, value]) => !members.has(name) || !isOfType(members.get(name).idlType, value));
  return [...absent.map(({ name }) => `${dictionary} lacks ${name}`), ...wrong.map(([name, value]) => `${dictionary}.${name} is ${typeof value} ${value}`)];
}

function isOfType(idlType, value) {
  const name = idlType.idlType;
  if (idlType.generic === 'sequence') return Array.isArray(value) && value.every((it) => isOfType(idlType.idlType[0], it));
  if (idlType.generic) return typeof value === 'object';
  if (model.enumerations.has(name)) return model.enumerations.get(name).includes(value);
  if (model.typedefs.has(name)) return isOfType(model.typedefs.get(name).idlType, value);
  if (/String$/.test(name)) return typeof value === 'string';
  if (name === 'boolean') return typeof value === 'boolean';
  if (/double$/.test(name)) return Number.isFinite(value);
  return Number.isInteger(value) && (value >= 0 || !name.startsWith('unsigned'));
}
