/** Event interfaces whose attributes are the members of the dictionary that they are made with. */
import {
  DOMString,
  type DictionaryOf,
  type Members,
  arg,
  attribute,
  convertArguments,
  defineInterface,
  dictionary,
  dictionaryArg,
} from '../webidl/index.js';
import { EventInit } from './event-init.js';

interface EventClass<Attributes> {
  new (type: string, init?: Partial<Attributes> & Partial<EventInit>): Event & Readonly<Attributes>;
}

/** The interface of this name. Sequences become attributes of type `FrozenArray`. */
export function eventInterface<M extends Members>(name: string, members: M): EventClass<DictionaryOf<M>> {
  const names = Object.keys(members);
  const lists = names.filter((member) => members[member]?.converter.kind === 'sequence');
  const isRequired = Object.values(members).some((member) => member.required);
  const Init = dictionary(`${name}Init`, members as Members, EventInit);
  const parameters = [arg(DOMString), isRequired ? arg(Init) : dictionaryArg(Init)] as const;

  class InterfaceEvent extends Event {
    readonly #init: Readonly<Record<string, unknown>>;

    constructor(...args: unknown[]) {
      const [type, init] = convertArguments(`${name} constructor`, parameters, args);
      super(type, init);
      const attributes: Readonly<Record<string, unknown>> = { ...init };
      for (const list of lists) Object.freeze(attributes[list]);
      this.#init = attributes;
    }

    static {
      Object.defineProperty(this, 'name', { value: name, configurable: true });
      for (const member of names) {
        Object.defineProperty(this.prototype, member, {
          get(this: InterfaceEvent) {
            return this.#init[member];
          },
          configurable: true,
        });
      }
      const attributes = Object.fromEntries(names.map((member) => [member, attribute()]));
      defineInterface(this, (o) => #init in o, attributes, { constructorLength: isRequired ? 2 : 1 });
    }
  }
  return InterfaceEvent as unknown as EventClass<DictionaryOf<M>>;
}
