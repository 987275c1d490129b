// `DUOLOGUE_MUTANT=… node --require ./scripts/mutant.cjs --test …`: the package with something in it that throws, so that
// a test that shows it fails (`cargo xtask coverage --mutate`). A mutant is one of
//   Interface.member      what is called, read or set
//   Interface.*           all members of an interface, and what an application would make it with
//   event:type            what fires it
//   type:Name             a dictionary, an enumeration or a callback, where a value is converted to it
//   exception:Name        a DOMException of that name
'use strict';

const name = process.env.DUOLOGUE_MUTANT;
/** Of those that there are only after an import. */
const entry = process.env.DUOLOGUE_MUTANT_IN ?? 'index';

const stop = (what) => {
  throw new Error(`mutant: ${what}`);
};

/** In the place of a function; what is read of it is there. */
const throwing = (what, original = () => {}) => new Proxy(original, { apply: () => stop(what), construct: () => stop(what) });

function replaceMember(holder, key, what) {
  const descriptor = Object.getOwnPropertyDescriptor(holder, key) ?? stop(`${what} is not there`);
  const { value, get, set } = descriptor;
  if (typeof value === 'function') descriptor.value = throwing(what, value);
  if (get) descriptor.get = throwing(what, get);
  if (set) descriptor.set = throwing(what, set);
  Object.defineProperty(holder, key, descriptor);
}

/** Exports of a module that are read each time. */
function wrapExport(module, key, wrap) {
  const exported = require(`../dist/webidl/${module}.js`);
  exported[key] = wrap(exported[key]);
}

/** `new Interface()` of an application, and of ours that takes the same way. */
function stopConstructor(of) {
  wrapExport('interface', 'constructorArguments', (original) => (shape, args) => (shape.name === of ? stop(of) : original(shape, args)));
}

function stopConversion(of) {
  const wrap = (make) => (typeName, ...rest) => {
    const converter = make(typeName, ...rest);
    return typeName === of ? throwing(of, converter) : converter;
  };
  wrapExport('dictionary', 'dictionary', wrap);
  for (const key of ['enumeration', 'callback']) wrapExport('convert', key, wrap);
}

function stopEvents(type) {
  const { dispatchEvent } = EventTarget.prototype;
  EventTarget.prototype.dispatchEvent = function (event) {
    return event.type === type ? stop(type) : Reflect.apply(dispatchEvent, this, [event]);
  };
}

function stopExceptions(of) {
  globalThis.DOMException = new Proxy(DOMException, {
    construct: (target, args, self) => (args[1] === of ? stop(of) : Reflect.construct(target, args, self)),
  });
}

function stopMembers(of, member) {
  if (member === '*') stopConstructor(of);
  const all = { ...require('../dist/index.js'), ...require(`../dist/${entry}.js`) };
  // What `duologue/polyfill` puts there.
  if (of === 'navigator') return replaceMember(globalThis.navigator, member, of);
  const cls = all[of] ?? globalThis[of] ?? stop(`${of} is not there`);
  const { prototype } = cls;
  const inherited = ['constructor', Symbol.toStringTag, Symbol.for('nodejs.util.inspect.custom')];
  const keys = member === '*' ? Reflect.ownKeys(prototype).filter((key) => !inherited.includes(key)) : [member];
  for (const key of keys) replaceMember(Object.hasOwn(prototype, key) ? prototype : cls, key, `${of}.${String(key)}`);
}

const [kind, rest] = name.includes(':') ? name.split(':') : ['member', name];
const [of, member] = rest.split('.');
if (kind === 'event') stopEvents(of);
else if (kind === 'type') stopConversion(of);
else if (kind === 'exception') stopExceptions(of);
else if (member === 'constructor') stopConstructor(of);
else stopMembers(of, member);
